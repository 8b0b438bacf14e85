//! Ctrl-C while much is being sealed.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::directory::{Directory, SECRET};

const PATIENCE: Duration = Duration::from_secs(60);
const FILES: usize = 400;
/// A run may be over before the signal comes, or not have begun to write. The first try mostly does.
pub(crate) const TRIES: usize = 50;

/// A directory `plain` with many Secrets.
fn furnished() -> Directory {
    let directory = Directory::new();
    fs::create_dir(directory.path("plain")).unwrap();
    for number in 0..FILES {
        let secret = SECRET.replace("name: db", &format!("name: n{number}"));
        directory.put(&format!("plain/n{number}.yaml"), secret);
    }
    directory
}

pub(crate) fn start(directory: &Directory, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_seal"))
        .args(arguments.split_whitespace())
        .current_dir(directory.path("."))
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until this holds, then interrupts it. Whether it ended by that.
pub(crate) fn interrupted(mut child: Child, when: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !when() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "it never got there");
        thread::sleep(Duration::from_micros(200));
    }
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    child.wait().unwrap().signal() == Some(Signal::INT.as_raw())
}

#[test]
fn an_interrupted_run_leaves_neither_files_nor_directories() {
    let directory = furnished();
    let before = directory.files();
    let out = directory.path("out");
    // When it is over before the signal comes all of it must be there.
    for _ in 0..TRIES {
        let child = start(&directory, "encrypt --cert cert.pem plain -w out/");
        if interrupted(child, || out.exists()) && !out.exists() {
            assert_eq!(directory.files(), before);
            return;
        }
        assert_eq!(fs::read_dir(&out).unwrap().count(), FILES);
        fs::remove_dir_all(&out).unwrap();
    }
    panic!("no run was interrupted while it wrote");
}

#[test]
fn an_interrupted_run_in_place_changes_all_files_or_none() {
    let scratch = |directory: &Directory| {
        let names = fs::read_dir(directory.path("plain")).unwrap();
        names
            .filter_map(Result::ok)
            .any(|it| it.file_name().to_string_lossy().starts_with('.'))
    };
    for _ in 0..TRIES {
        let directory = furnished();
        let before = directory.files();
        let child = start(&directory, "encrypt --cert cert.pem -i plain");
        let by_signal = interrupted(child, || scratch(&directory));
        let after = directory.files();
        if by_signal && after == before {
            return;
        }
        assert!(!scratch(&directory), "a scratch file is left");
        let texts = after
            .iter()
            .filter(|(path, _)| path.parent().unwrap().ends_with("plain"));
        for (path, (_, text)) in texts {
            let text = String::from_utf8_lossy(text);
            assert!(text.contains("kind: SealedSecret\n"), "{}", path.display());
        }
    }
    panic!("no run was interrupted while it wrote");
}
