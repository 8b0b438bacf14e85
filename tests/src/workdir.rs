//! Command-line programs, run in directories of their own.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    PATIENCE,
    programs::{beside_the_tests, program},
};

/// A fresh directory in which programs run: it is their working directory and their home, and nothing of the
/// environment reaches them but `PATH`.
#[derive(Debug)]
pub struct Workdir {
    dir: TempDir,
}

/// How a program ended and what it printed.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Exactly its standard output.
    pub stdout: String,
    /// Exactly its standard error.
    pub stderr: String,
}

impl Workdir {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            dir: tempfile::Builder::new()
                .prefix("seal-test-")
                .tempdir()
                .unwrap(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes the file `name`, with the directories that it needs, and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// The file `name` as text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs upstream's `kubeseal`.
    pub fn kubeseal(&self, args: &[&str], stdin: &str) -> Outcome {
        let kubeseal = program("sealed-secrets", "kubeseal").unwrap_or_else(|why| panic!("{why}"));
        self.run(Command::new(kubeseal).args(args), stdin)
    }

    /// Runs `helm`, which keeps its files here and reaches the cluster of `--kubeconfig` alone.
    pub fn helm(&self, args: &[&str], stdin: &str) -> Outcome {
        let helm = program("helm", "helm").unwrap_or_else(|why| panic!("{why}"));
        self.run(Command::new(helm).args(args), stdin)
    }

    /// Runs `SEAL_BIN`, or the `seal` built beside these tests.
    pub fn seal(&self, args: &[&str], stdin: &str) -> Outcome {
        self.run(Command::new(seal()).args(args), stdin)
    }

    /// Runs `command` to its end with `stdin` on its standard input. What the command adds to the environment stays.
    ///
    /// # Panics
    ///
    /// When it still runs after [`PATIENCE`]; it is killed then.
    pub fn run(&self, command: &mut Command, stdin: &str) -> Outcome {
        // Into files, so that neither a full pipe nor a grandchild that keeps one open can block.
        let streams = tempfile::tempdir().unwrap();
        let (stdout, stderr) = (streams.path().join("stdout"), streams.path().join("stderr"));
        let added: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let mut child = command
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.path())
            .envs(added)
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(fs::File::create(&stdout).unwrap())
            .stderr(fs::File::create(&stderr).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut pipe = child.stdin.take().unwrap();
        let input = stdin.to_owned();
        // A program need not read what it is given.
        thread::spawn(move || pipe.write_all(input.as_bytes()));

        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{command:?} did not end");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let text = |path| String::from_utf8(fs::read(path).unwrap()).expect("it prints text");
        Outcome {
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }
}

/// `SEAL_BIN`, or the `seal` built beside these tests.
pub fn seal() -> PathBuf {
    env::var_os("SEAL_BIN").map_or_else(|| beside_the_tests("seal"), PathBuf::from)
}

impl Default for Workdir {
    fn default() -> Self {
        Self::new()
    }
}

impl Outcome {
    /// Its standard output.
    ///
    /// # Panics
    ///
    /// With its standard error, when it failed.
    pub fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }
}
