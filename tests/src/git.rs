//! A Git repository that programs fetch from over HTTP.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{ControlPlane, Endpoint, Process, process::mortal, programs::program};

/// One with one branch, `main`, served on loopback for as long as this lives.
#[derive(Debug)]
pub struct GitRepository {
    work: TempDir,
    endpoint: Endpoint,
    _server: Process,
}

impl GitRepository {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// What is missing to serve it here.
    pub async fn create(plane: &ControlPlane) -> Result<Self, String> {
        let server = program("git-server", "git-server")?;
        let path = git().arg("--exec-path").output();
        let path = path.map_err(|error| format!("git: {error}; install git"))?;
        let path = PathBuf::from(String::from_utf8_lossy(&path.stdout).trim());
        if !path.join("git-http-backend").exists() {
            return Err("git has no http-backend: install all of git".to_owned());
        }
        let (work, endpoint) = (plane.scratch(), Endpoint::free());
        let mut command = mortal(&server);
        command
            .arg(endpoint.address())
            .arg(work.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", work.path());
        let server = Process::start("the Git server", command, plane.scratch());
        let this = Self {
            work,
            endpoint,
            _server: server,
        };
        this.git(&["init", "--quiet", "--initial-branch=main"]);
        this.git(&[
            "commit",
            "--quiet",
            "--allow-empty",
            "--message=Begin the repository",
        ]);
        Ok(this)
    }

    /// Where to fetch it.
    pub fn url(&self) -> String {
        self.endpoint.url("/.git")
    }

    /// Writes the file at `path`, such as `app/db.yaml`.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.work.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.work.path().join(path)).unwrap();
    }

    /// Commits everything and returns the commit's hash.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn git(&self, args: &[&str]) -> String {
        let output = git()
            .args(["-c", "user.name=Anna", "-c", "user.email=anna@example.com"])
            .args(["-c", "commit.gpgSign=false"])
            .args(args)
            .current_dir(self.work.path())
            .env("HOME", self.work.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn git() -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null());
    command
}
