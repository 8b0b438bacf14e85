//! A directory of its own for every test, and the program run in it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use snapbox::{
    Data,
    cmd::{Command, OutputAssert},
};
use tempfile::TempDir;

use crate::vectors;

/// Holds `cert.pem`, its private key `key.pem`, the Secret `secret.yaml`, and a kubeconfig that
/// nobody can read, so that a command that looks at it without need fails.
pub(crate) struct Directory(TempDir);

pub(crate) const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: team-a
stringData:
  user: admin
data:
  password: czNjcjN0
";

impl Directory {
    pub(crate) fn new() -> Self {
        let key = &vectors::envelope()["keys"][0];
        let directory = Self(tempfile::tempdir().unwrap());
        directory.put("cert.pem", key["cert_pem"].as_str().unwrap());
        directory.put("key.pem", key["pkcs1_pem"].as_str().unwrap());
        directory.put("secret.yaml", SECRET);
        fs::create_dir(directory.path("kubeconfig")).unwrap();
        directory
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    /// The program with these arguments, separated by blanks.
    pub(crate) fn seal(&self, arguments: &str) -> Command {
        Command::new(snapbox::cmd::cargo_bin!("seal"))
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.path("nobody"))
            .env("KUBECONFIG", "kubeconfig")
    }

    /// Runs it; it must succeed. The answer is what it prints.
    pub(crate) fn succeeds(&self, arguments: &str, stdin: &str) -> String {
        let done = self.seal(arguments).stdin(stdin).assert().success();
        String::from_utf8(done.get_output().stdout.clone()).unwrap()
    }

    /// Runs it; it must fail with status 2 and this message, print nothing and leave every file as
    /// it was.
    #[track_caller]
    pub(crate) fn fails(
        &self,
        arguments: &str,
        stdin: impl AsRef<[u8]>,
        message: impl snapbox::IntoData,
    ) {
        let before = self.files();
        let stdin = Data::binary(stdin.as_ref().to_vec());
        let done: OutputAssert = self.seal(arguments).stdin(stdin).assert();
        done.code(2).stdout_eq("").stderr_eq(message);
        assert_eq!(self.files(), before);
    }

    /// Every file with its permissions and its content.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut files = BTreeMap::new();
        collect(self.0.path(), &mut files);
        files
    }
}

fn collect(directory: &Path, files: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        if entry.file_type().unwrap().is_dir() {
            files.insert(entry.path(), (mode, Vec::new()));
            collect(&entry.path(), files);
        } else {
            files.insert(
                entry.path(),
                (mode, fs::read(entry.path()).unwrap_or_default()),
            );
        }
    }
}
