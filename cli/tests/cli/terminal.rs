//! A terminal for a program, and somebody who reads and types.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use crate::directory::Directory;

const PATIENCE: Duration = Duration::from_secs(60);

/// A program, run at a terminal.
pub(crate) struct Terminal {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    child: Child,
}

impl Terminal {
    /// Starts ours with these arguments, separated by blanks.
    pub(crate) fn run(directory: &Directory, arguments: &str, env: &[(&str, &str)]) -> Self {
        let mut words = vec![env!("CARGO_BIN_EXE_seal")];
        words.extend(arguments.split_whitespace());
        Self::start(directory, &words, env)
    }

    /// Starts any program: its name or path, and its arguments.
    pub(crate) fn start(directory: &Directory, words: &[&str], env: &[(&str, &str)]) -> Self {
        let master: OwnedFd =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name)
            .unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        // A shell's background jobs, and what they start, ignore Ctrl-C; a terminal's foreground does not.
        let child = Command::new("/usr/bin/env")
            .arg("--default-signal=INT,QUIT")
            .args(words)
            .current_dir(directory.path("."))
            .env_clear()
            .env("HOME", directory.path("nobody"))
            .env("KUBECONFIG", "kubeconfig")
            .envs(env.iter().copied())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let keyboard = File::from(master);
        let mut from = keyboard.try_clone().unwrap();
        let (to, screen) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Ends with EIO once nobody has the other end open.
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                if to.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            keyboard,
            screen,
            seen: String::new(),
            child,
        }
    }

    /// Waits until this stands on the screen.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.seen.contains(text) {
            assert!(begun.elapsed() < PATIENCE, "no {text:?} in {:?}", self.seen);
            if let Ok(more) = self.screen.recv_timeout(Duration::from_millis(20)) {
                self.seen.push_str(&String::from_utf8_lossy(&more));
            }
        }
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).unwrap().local_modes;
        modes.contains(LocalModes::ECHO)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// How it ends; what it started may go on.
    pub(crate) fn exits(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if begun.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("it does not end: {:?}", self.seen);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How it ends, and all that stood on the screen.
    pub(crate) fn ends(mut self) -> (ExitStatus, String) {
        let status = self.exits();
        // All of it, however late the thread is that reads it.
        loop {
            match self.screen.recv_timeout(PATIENCE) {
                Ok(more) => self.seen.push_str(&String::from_utf8_lossy(&more)),
                Err(RecvTimeoutError::Disconnected) => return (status, self.seen),
                Err(RecvTimeoutError::Timeout) => panic!("somebody keeps the terminal open"),
            }
        }
    }
}
