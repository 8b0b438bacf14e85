use std::{fs, os::unix::process::ExitStatusExt, path::PathBuf, process::Command};

use rustix::process::Signal;
use snapbox::{cmd::OutputAssert, str};
use tempfile::TempDir;

use crate::{
    directory::Directory,
    sealed::{TWO, changed_lines, key_id, opened, value},
    terminal::Terminal,
};

/// A directory, and one in memory for the edits.
struct Desk {
    directory: Directory,
    memory: TempDir,
}

const EDIT: &str = "edit --cert cert.pem sealed.yaml --name db";

impl Desk {
    fn new() -> Self {
        let desk = Self {
            directory: Directory::new(),
            memory: tempfile::tempdir_in("/dev/shm").unwrap(),
        };
        desk.directory.put("sealed.yaml", TWO);
        desk
    }

    /// The program with this script as editor; the file is its `$1`.
    fn edit(&self, arguments: &str, script: &str) -> OutputAssert {
        let command = self.directory.seal(arguments);
        command
            .env("EDITOR", self.editor(script))
            .env("XDG_RUNTIME_DIR", self.memory.path())
            .env("HERE", self.directory.path("."))
            .assert()
    }

    fn editor(&self, script: &str) -> String {
        self.directory.put("editor.sh", script);
        format!("sh {}", self.directory.path("editor.sh").display())
    }

    fn value(&self, key: &str) -> Vec<u8> {
        let sealed = value(&self.directory, "sealed.yaml", 0, key);
        opened(&self.directory, &sealed, "team-a/db")
    }

    #[track_caller]
    fn is_as_it_was(&self) {
        assert_eq!(self.directory.read("sealed.yaml"), TWO);
        self.is_empty();
    }

    #[track_caller]
    fn is_empty(&self) {
        let left: Vec<PathBuf> = fs::read_dir(self.memory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn new_values_are_typed_in_and_the_others_stay_sealed() {
    let desk = Desk::new();
    let script = r#"
        cp "$1" "$HERE/shown"
        sed -i -e 's/^password: !sealed$/password: new/' "$1"
        printf 'added: |\n  two\n  lines\n' >> "$1""#;
    desk.edit(EDIT, script)
        .success()
        .stdout_eq("")
        .stderr_eq(str![[r#"
team-a/db: sealed password, added

"#]]);
    let shown = desk.directory.read("shown");
    let (head, values) = shown.split_once("password").unwrap();
    assert!(head.starts_with("# SealedSecret team-a/db in sealed.yaml, strict scope.\n"));
    assert!(head.contains(&key_id()));
    assert_eq!(values, ": !sealed\nuser: !sealed\n");
    assert_eq!(desk.value("password"), b"new");
    assert_eq!(desk.value("added"), b"two\nlines\n");
    let (old, new) = changed_lines(TWO, &desk.directory.read("sealed.yaml"));
    assert_eq!(old, ["    password: \"AgApassword=\"\n"]);
    assert_eq!(new.len(), 2);
    desk.is_empty();
}

#[test]
fn a_value_whose_line_goes_is_removed() {
    let desk = Desk::new();
    let script = "sed -i -e '/^user:/d' \"$1\"";
    desk.edit(EDIT, script).success().stderr_eq(str![[r#"
team-a/db: removed user

"#]]);
    let (old, new) = changed_lines(TWO, &desk.directory.read("sealed.yaml"));
    assert_eq!(old, ["    user: AgAuser= # rotated in 2024\n"]);
    assert!(new.is_empty());
}

#[test]
fn a_file_that_is_saved_as_it_was_or_emptied_changes_nothing() {
    for script in [
        "true",
        "touch \"$1\"",
        ": > \"$1\"",
        "sed -i -e 's/^[^#]/# &/' \"$1\"",
    ] {
        let desk = Desk::new();
        desk.edit(EDIT, script).success().stderr_eq(str![[r#"
nothing was changed

"#]]);
        desk.is_as_it_was();
    }
}

#[test]
fn with_the_private_keys_the_old_values_show_and_only_changed_ones_are_sealed() {
    let desk = Desk::new();
    let set = "set --cert cert.pem sealed.yaml --name db password --from-file old";
    desk.directory.put("old", b"a: b\n\n");
    desk.directory.succeeds(set, "");
    desk.directory.put("old", b"\0\xff");
    desk.directory
        .succeeds(&set.replace("password", "binary"), "");
    let before = desk.directory.read("sealed.yaml");
    let edit = format!("{EDIT} --identity key.pem");
    let script = r#"grep -v '^#' "$1" > "$HERE/shown"; printf 'user: root\nextra: x\n' >> "$1"
        sed -i -e '/^user: !sealed/d' "$1""#;
    desk.edit(&edit, script).success();
    assert_eq!(
        desk.directory.read("shown"),
        "binary: !!binary AP8=\npassword: |+\n  a: b\n\nuser: !sealed # no key given opens it\n"
    );
    assert_eq!(desk.value("user"), b"root");
    let (old, _) = changed_lines(&before, &desk.directory.read("sealed.yaml"));
    assert_eq!(old, ["    user: AgAuser= # rotated in 2024\n"]);
}

#[test]
fn the_file_is_its_owners_alone_and_goes_with_all_that_the_editor_left() {
    let desk = Desk::new();
    let script = r#"
        directory=$(dirname "$1")
        stat -c '%a' "$directory" "$1" > "$HERE/modes"
        stat -f -c '%T' "$1" >> "$HERE/modes"
        echo "${TMPDIR#$directory}" >> "$HERE/modes"
        cp "$1" "$1~"; mkdir "$directory/undo"; cp "$1" "$directory/undo/.swp"
        echo 'new: x' >> "$1""#;
    desk.edit(EDIT, script).success();
    assert_eq!(desk.directory.read("modes"), "700\n600\ntmpfs\n\n");
    desk.is_empty();
}

#[test]
fn an_editor_that_fails_changes_nothing() {
    let desk = Desk::new();
    let script = "echo 'new: x' >> \"$1\"; exit 3";
    let done = desk.edit(EDIT, script).code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(
        told.contains("ended with status 3; nothing was changed"),
        "{told}"
    );
    desk.is_as_it_was();
    let command = desk.directory.seal(EDIT).env("VISUAL", "no-such-editor");
    let done = command
        .env("XDG_RUNTIME_DIR", desk.memory.path())
        .assert()
        .code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(
        told.contains("error: the editor \"no-such-editor\" was not found"),
        "{told}"
    );
    desk.is_as_it_was();
}

#[test]
fn mistakes_are_told_by_line_and_change_nothing() {
    let desk = Desk::new();
    let script = r#"printf 'a: b # c\nb: !Secret\nc: [x]\nd: !sealed\n1/2: x\ne: ~\n' > "$1""#;
    desk.edit(EDIT, script).code(2).stderr_eq(str![[r#"
error: values.yaml:1:4: what follows " #" is a comment; quote the value if it belongs to it
error: values.yaml:2:11: a value that begins with "!" or "&" has to be quoted
error: values.yaml:3:4: expected text; what holds ": " or begins with "[", "{" or "- " has to be quoted
error: values.yaml:4:11: there is no such sealed value that could stay
error: values.yaml:5:1: it may hold letters, digits, '-', '_' and '.' only
error: values.yaml:6:4: no value; write !sealed to leave it as it is, or "" for an empty one

"#]]);
    desk.is_as_it_was();
}

#[test]
fn a_file_that_changes_meanwhile_is_not_overwritten() {
    let desk = Desk::new();
    let script = r#"echo 'new: x' >> "$1"; echo '# theirs' >> "$HERE/sealed.yaml""#;
    desk.edit(EDIT, script).code(2).stderr_eq(str![[r#"
error: sealed.yaml: changed on disk since it was read; it was left as it is
  hint: look at what changed, and run the command again

"#]]);
    assert_eq!(
        desk.directory.read("sealed.yaml"),
        format!("{TWO}# theirs\n")
    );
    desk.is_empty();
}

#[test]
fn at_a_terminal_mistakes_can_be_corrected() {
    let desk = Desk::new();
    let script = r#"if grep -q oops "$1"; then sed -i -e 's/^new: .*/new: fixed/' "$1"
        else echo 'new: [oops' >> "$1"; fi"#;
    let editor = desk.editor(script);
    let memory = desk.memory.path().to_str().unwrap();
    let env = [("EDITOR", editor.as_str()), ("XDG_RUNTIME_DIR", memory)];
    let mut terminal = Terminal::run(&desk.directory, EDIT, &env);
    terminal.shows("Enter opens the editor again");
    terminal.types("\n");
    let (status, seen) = terminal.ends();
    assert!(status.success(), "{seen}");
    assert_eq!(desk.value("new"), b"fixed");
    desk.is_empty();
}

#[test]
fn signals_end_an_edit_without_a_trace_but_ctrl_c_belongs_to_the_editor() {
    let desk = Desk::new();
    // It stays open as long as the test says.
    let script =
        r#"echo 'new: x' >> "$1"; echo editing; while [ -e "$OPEN" ]; do sleep 0.05; done"#;
    let editor = desk.editor(script);
    let memory = desk.memory.path().to_str().unwrap();
    let open = desk.directory.path("open");
    let env = [
        ("EDITOR", editor.as_str()),
        ("XDG_RUNTIME_DIR", memory),
        ("OPEN", open.to_str().unwrap()),
    ];
    fs::write(&open, "").unwrap();
    let mut terminal = Terminal::run(&desk.directory, EDIT, &env);
    terminal.shows("editing");
    terminal.signal(Signal::TERM);
    let status = terminal.exits();
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    fs::remove_file(&open).unwrap();
    desk.is_as_it_was();

    fs::write(&open, "").unwrap();
    let mut terminal = Terminal::run(&desk.directory, EDIT, &env);
    terminal.shows("editing");
    terminal.signal(Signal::INT);
    fs::remove_file(&open).unwrap();
    let (status, seen) = terminal.ends();
    assert!(status.success(), "{seen}");
    assert_eq!(desk.value("new"), b"x");
    desk.is_empty();
}

#[test]
fn a_value_is_asked_for_without_echo_and_twice() {
    let desk = Desk::new();
    let set = "set --cert cert.pem sealed.yaml --name db password";
    let ask = |first: &str, second: &str| {
        let mut terminal = Terminal::run(&desk.directory, set, &[]);
        terminal.shows("Value of password: ");
        assert!(!terminal.echoes());
        terminal.types(first);
        terminal.shows("The same again: ");
        terminal.types(second);
        terminal.ends()
    };
    let (status, seen) = ask("hunter2\n", "hunter3\n");
    assert_eq!(status.code(), Some(2));
    assert!(
        seen.contains("error: the two values are not the same"),
        "{seen}"
    );
    desk.is_as_it_was();
    let (status, seen) = ask("hunter2\n", "hunter2\n");
    assert!(status.success(), "{seen}");
    assert!(!seen.contains("hunter"), "{seen}");
    assert_eq!(desk.value("password"), b"hunter2");
}

#[test]
fn ctrl_c_at_the_question_brings_the_echo_back() {
    let desk = Desk::new();
    let set = "set --cert cert.pem sealed.yaml --name db password";
    let mut terminal = Terminal::run(&desk.directory, set, &[]);
    terminal.shows("Value of password: ");
    terminal.signal(Signal::INT);
    let status = terminal.exits();
    assert!(terminal.echoes());
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    desk.is_as_it_was();
}

/// In a mount namespace of its own, where `/dev/shm` is a directory on disk.
#[test]
fn without_memory_it_refuses_unless_disk_is_allowed() {
    const NAMESPACE: [&str; 4] = ["--user", "--map-root-user", "--mount", "--"];
    let desk = Desk::new();
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let on_disk = disk.path().to_str().unwrap();
    let run = |command: &str| {
        let mount = "mount --bind \"$0\" /dev/shm && ";
        let mut unshare = Command::new("unshare");
        unshare
            .args(NAMESPACE)
            .args(["sh", "-c", &format!("{mount}{command}"), on_disk]);
        let unshare = unshare
            .current_dir(desk.directory.path("."))
            .env("TMPDIR", on_disk);
        unshare
            .env_remove("XDG_RUNTIME_DIR")
            .env("EDITOR", "sed -i -e '$anew: x'")
            .output()
            .unwrap()
    };
    let kind = run("stat -f -c %T /dev/shm");
    if !kind.status.success() || kind.stdout.starts_with(b"tmpfs") {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{kind:?}");
        return;
    }
    let seal = format!("{} {EDIT}", env!("CARGO_BIN_EXE_seal"));
    let refused = run(&seal);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "error: found no file system in memory to edit in: neither $XDG_RUNTIME_DIR nor /dev/shm \
         is one\n  hint: --allow-disk edits in a temporary directory on disk, where deleted \
         secrets can be found again\n"
    );
    desk.is_as_it_was();
    let allowed = run(&format!("{seal} --allow-disk"));
    assert!(allowed.status.success(), "{allowed:?}");
    assert_eq!(desk.value("new"), b"x");
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);
}
