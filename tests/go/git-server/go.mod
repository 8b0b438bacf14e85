module seal.test/git-server

go 1.26
