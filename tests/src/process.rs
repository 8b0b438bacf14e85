//! Processes that end with the test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        mpsc::{self, Sender},
    },
    thread,
    time::{Duration, Instant},
};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use tempfile::TempDir;

/// A running program with all it prints in one log. Killed when dropped; a failing test then shows the log's end.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    _dir: TempDir,
}

impl Process {
    /// Starts `command`, whose log goes into `dir`. `name` stands in messages.
    pub fn start(name: &str, mut command: Command, dir: TempDir) -> Self {
        let log = dir.path().join("log");
        let file = fs::File::create(&log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        let child = spawn(command).unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self {
            name: name.to_owned(),
            child,
            log,
            _dir: dir,
        }
    }

    /// Sends a signal; a process that has ended already is left alone.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let pid = Pid::from_child(&self.child);
            kill_process(pid, signal)
                .unwrap_or_else(|error| panic!("signalling {}: {error}", self.name));
        }
    }

    /// Ends the process at once, as a lost node would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The exit status, when the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits until the process has ended by itself.
    pub async fn exit(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "{} still runs after {within:?}",
                self.name
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Everything printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Shows the end of the log in the output of a failing test.
    pub(crate) fn show_log(&self) {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        eprintln!("--- the last lines of {}:", self.name);
        for line in &lines[lines.len().saturating_sub(60)..] {
            eprintln!("{line}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.show_log();
        }
    }
}

/// The prefix of a command that the kernel kills when the thread that started it ends.
pub(crate) const DIES_WITH_PARENT: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// `program` to be run so that it does not outlive the test process, even one that is killed.
pub(crate) fn mortal(program: &Path) -> Command {
    let mut command = Command::new(DIES_WITH_PARENT[0]);
    command.args(&DIES_WITH_PARENT[1..]).arg(program);
    command
}

type Order = (Command, Sender<std::io::Result<Child>>);

/// Starts `command` from one thread that lives as long as the process: the kernel takes the end of the *thread* that
/// started a child for its parent's death, and each test has a thread of its own.
fn spawn(command: Command) -> std::io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, child) = mpsc::channel();
    spawner
        .send((command, answer))
        .expect("the spawner never ends");
    child.recv().expect("the spawner answers")
}
