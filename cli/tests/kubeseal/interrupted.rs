//! Ctrl-C while a file is being made.

use std::{
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_run_that_is_interrupted_leaves_no_file_behind() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("out.yaml"), "as it was").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_seal"))
            .arg0("kubeseal")
            .args([
                "--cert",
                "nowhere.pem",
                "-w",
                "out.yaml",
                "--recovery-unseal",
            ])
            .args(["--recovery-private-key", "/dev/fd/0"])
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let files = || fs::read_dir(directory.path()).unwrap().count();
        let begun = Instant::now();
        while files() < 2 {
            assert!(begun.elapsed() < PATIENCE, "it never made a file");
            thread::sleep(Duration::from_millis(1));
        }
        let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        // Waiting would close it, and the program would end by itself.
        let stdin = child.stdin.take();
        let status = child.wait().unwrap();
        drop(stdin);
        assert_eq!(status.signal(), Some(signal.as_raw()));
        assert_eq!(files(), 1, "{signal:?}");
        let kept = fs::read_to_string(directory.path().join("out.yaml")).unwrap();
        assert_eq!(kept, "as it was");
    }
}
