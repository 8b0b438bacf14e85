//! Questions before something is lost, and what happens while they stand.

use std::{fs, os::unix::process::ExitStatusExt};

use rustix::process::Signal;
use snapbox::str;

use crate::{
    directory::{Directory, SECRET},
    sealed::TWO,
    terminal::Terminal,
};

const CHANGED: &str = "changed on disk since it was read; it was left as it is";

/// A command, the file that it changes, and its question.
const ASKING: [(&str, &str, &str); 3] = [
    (
        "encrypt --cert cert.pem -i secret.yaml",
        "secret.yaml",
        "Seal 1 Secret in 1 file in place, so that the plaintext there is gone? [y/N] ",
    ),
    (
        "unset sealed.yaml --name db user",
        "sealed.yaml",
        "Remove user from team-a/db in sealed.yaml? [y/N] ",
    ),
    (
        "decrypt -i key.pem one.yaml -w plain.yaml",
        "plain.yaml",
        "Replace plain.yaml by Secrets in plaintext? [y/N] ",
    ),
];

fn furnished() -> Directory {
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    directory.put("plain.yaml", "as it was\n");
    directory.succeeds("encrypt --cert cert.pem secret.yaml -w one.yaml", "");
    directory
}

#[test]
fn at_a_terminal_only_who_agrees_loses_anything() {
    for (command, file, question) in ASKING {
        let directory = furnished();
        let before = directory.files();
        for answer in ["\n", "n\n", "maybe\n", "\u{4}"] {
            let mut terminal = Terminal::run(&directory, command, &[]);
            terminal.shows(question);
            terminal.types(answer);
            let (status, seen) = terminal.ends();
            assert_eq!(status.code(), Some(2), "{seen}");
            assert!(seen.contains("error: nothing was done"), "{seen}");
            assert_eq!(directory.files(), before, "{command}");
        }
        let old = directory.read(file);
        let mut terminal = Terminal::run(&directory, command, &[]);
        terminal.shows(question);
        terminal.types("y\n");
        let (status, seen) = terminal.ends();
        assert!(status.success(), "{seen}");
        assert_ne!(directory.read(file), old, "{command}");
    }
}

#[test]
fn nobody_is_asked_who_says_yes_or_has_no_terminal() {
    for (command, file, question) in ASKING {
        let directory = furnished();
        let old = directory.read(file);
        let terminal = Terminal::run(&directory, &format!("{command} --yes"), &[]);
        let (status, seen) = terminal.ends();
        assert!(status.success() && !seen.contains(question), "{seen}");
        assert_ne!(directory.read(file), old, "{command}");

        let directory = furnished();
        directory.succeeds(command, "");
        assert_ne!(directory.read(file), old, "{command}");
    }
}

#[test]
fn nothing_is_asked_where_nothing_is_lost() {
    let directory = furnished();
    for command in [
        "encrypt --cert cert.pem secret.yaml -w new.yaml",
        "encrypt --cert cert.pem secret.yaml -w new.yaml",
        "decrypt -i key.pem one.yaml -w recovered.yaml",
        "decrypt -i key.pem one.yaml -w /dev/null",
    ] {
        let (status, seen) = Terminal::run(&directory, command, &[]).ends();
        assert!(status.success() && !seen.contains("[y/N]"), "{seen}");
    }
}

#[test]
fn ctrl_c_at_a_question_leaves_everything_as_it_was() {
    for (command, _, question) in ASKING {
        let directory = furnished();
        let before = directory.files();
        let mut terminal = Terminal::run(&directory, command, &[]);
        terminal.shows(question);
        terminal.signal(Signal::INT);
        let (status, _) = terminal.ends();
        assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
        assert_eq!(directory.files(), before, "{command}");
    }
}

#[test]
fn a_file_that_changes_while_a_question_stands_is_not_overwritten() {
    for (command, file, question) in &ASKING[..2] {
        let directory = furnished();
        let mut terminal = Terminal::run(&directory, command, &[]);
        terminal.shows(question);
        directory.put(file, "somebody else's\n");
        let before = directory.files();
        terminal.types("y\n");
        let (status, seen) = terminal.ends();
        assert_eq!(status.code(), Some(2), "{seen}");
        assert!(
            seen.contains(&format!("error: {file}: {CHANGED}")),
            "{seen}"
        );
        assert_eq!(directory.files(), before, "{command}");
    }
}

#[test]
fn sealing_in_place_may_run_again_when_nothing_is_left() {
    let directory = Directory::new();
    fs::create_dir(directory.path("apps")).unwrap();
    directory.put("apps/db.yaml", SECRET);
    for (command, told) in [
        ("encrypt --cert cert.pem -i apps", ""),
        (
            "encrypt --cert cert.pem -i apps",
            "apps: nothing is left to seal\n",
        ),
        (
            "encrypt --cert cert.pem -i apps/db.yaml",
            "apps/db.yaml: nothing is left to seal\n",
        ),
    ] {
        let done = directory.seal(command).assert().success();
        done.stdout_eq("").stderr_eq(told.to_owned());
    }
    // A file without either was named by mistake.
    directory.put("apps/map.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    directory.fails(
        "encrypt --cert cert.pem -i apps/map.yaml",
        "",
        str![[r#"
error: apps/map.yaml: holds no Secret

"#]],
    );
}
