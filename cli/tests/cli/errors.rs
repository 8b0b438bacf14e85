//! What is wrong with inputs, in the words of every command that reads them, and the errors that
//! no other test shows.

use std::{
    fs::{File, OpenOptions},
    process::{Command as Process, Stdio},
};

use snapbox::{assert_data_eq, str};

use crate::{
    directory::{Directory, SECRET},
    sealed::TWO,
    terminal::Terminal,
};

/// The commands that read manifests; `FILE` is the bad one. seal check and seal diff
/// look at whatever stands in a repository, and pass over what holds no SealedSecret.
const READERS: [&str; 8] = [
    "encrypt --cert cert.pem FILE",
    "encrypt --cert cert.pem FILE -w out.yaml",
    "encrypt --cert cert.pem --in-place FILE",
    "decrypt -i key.pem FILE",
    "set --cert cert.pem FILE password",
    "unset FILE password",
    "edit --cert cert.pem FILE",
    "template FILE",
];

/// What no command can read, and none may take for anything else.
fn unreadable() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |depth: usize| format!("kind: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    let bomb: String = (1..9)
        .map(|level| {
            let aliases = vec![format!("*l{}", level - 1); 10].join(", ");
            format!("l{level}: &l{level} [{aliases}]\n")
        })
        .collect();
    let utf16 = "kind: Secret\n".encode_utf16().flat_map(u16::to_le_bytes);
    vec![
        ("binary.yaml", b"\x7fELF\x02\x01\x01\0\0\0\xff\xfe".to_vec()),
        (
            "latin-1.yaml",
            b"kind: Secret\nmetadata: {name: caf\xe9}\n".to_vec(),
        ),
        (
            "utf-16.yaml",
            [0xff, 0xfe].into_iter().chain(utf16).collect(),
        ),
        (
            "control.yaml",
            b"kind: Secret\nmetadata: {name: \x07}\n".to_vec(),
        ),
        (
            "broken.yaml",
            b"kind: Secret\nmetadata: {name: a\n".to_vec(),
        ),
        ("glued.yaml", b"kind: Secret\n---kind: Secret\n".to_vec()),
        ("deep.yaml", nested(1000).into_bytes()),
        (
            "bomb.yaml",
            format!("l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n{bomb}").into(),
        ),
        ("itself.yaml", b"kind: &a [*a]\n".to_vec()),
        ("tail.json", b"{\"kind\": \"Secret\"} and more\n".to_vec()),
    ]
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    let directory = Directory::new();
    let mut told = String::new();
    for (name, content) in unreadable() {
        directory.put(name, content);
        let done = directory
            .seal(&format!("encrypt --cert cert.pem {name}"))
            .assert();
        told += &String::from_utf8_lossy(&done.code(2).get_output().stderr);
    }
    assert_data_eq!(
        told,
        str![[r#"
error: binary.yaml:1:11: not UTF-8 text; save the file as UTF-8
error: latin-1.yaml:2:21: not UTF-8 text; save the file as UTF-8
error: utf-16.yaml:1:1: UTF-16 or UTF-32 text; save the file as UTF-8
error: control.yaml:2:18: a control character; escape it in double quotes
error: broken.yaml:2:11: unclosed bracket '{'
error: glued.yaml:2:1: a line that begins with "---" separates documents; put a line break after the "---"
error: deep.yaml:1:134: nested more than 127 levels deep
error: bomb.yaml:6:20: aliases that repeat the document too often; write the values out
error: itself.yaml:1:11: an alias inside the very value it refers to
error: tail.json:1:20: text after the end of a document; remove it, or separate documents by a line "---"

"#]]
    );
}

#[test]
fn every_command_tells_the_same_and_leaves_everything_as_it_was() {
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    let mut files = unreadable();
    for (name, content) in &files {
        directory.put(name, content);
    }
    files.push(("nofile.yaml", Vec::new()));
    let before = directory.files();
    for (name, _) in files {
        let told = |reader: &str| {
            let done = directory
                .seal(&reader.replace("FILE", name))
                .stdin("new")
                .assert();
            let output = done.get_output().clone();
            let text = [output.stdout, output.stderr].concat();
            (
                output.status.code(),
                String::from_utf8_lossy(&text).into_owned(),
            )
        };
        let (_, expected) = told(READERS[0]);
        for reader in READERS {
            let (status, text) = told(reader);
            assert!(status == Some(2), "{reader} {name}: {status:?} {text}");
            assert!(
                text.contains(expected.trim_end()),
                "{reader} {name}: {text}, not {expected}"
            );
        }
        assert_eq!(directory.files(), before, "{name}");
    }
}

#[test]
fn what_different_readers_read_differently_is_told_with_its_line() {
    let directory = Directory::new();
    let mut told = String::new();
    for (number, (from, to)) in [
        ("  user: admin\n", "  user: admin\n  user: root\n"),
        ("  user: admin\n", "  user: \"a\u{85}b\"\n"),
        ("  user: admin\n", "  user: a\n  <<: {user: b}\n"),
        ("  user: admin\n", "  <<: text\n"),
        ("  user: admin\n", "  [user]: admin\n"),
        ("  user: admin\n", "  user: !!int admin\n"),
        ("  name: db\n", "  name: db\n  labels: {a: .inf}\n"),
        ("  user: admin\n", "  user: 0777\n"),
        ("  user: admin\n", "  user: on\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{number}.yaml");
        directory.put(&name, SECRET.replace(from, to));
        let done = directory
            .seal(&format!("encrypt --cert cert.pem {name}"))
            .assert();
        told += &String::from_utf8_lossy(&done.code(2).get_output().stderr);
    }
    assert_data_eq!(
        told,
        str![[r#"
error: 0.yaml:8:3: the key "user" stands here and in line 7; remove one of the two
error: 1.yaml:7:9: a Unicode line break (U+0085, U+2028 or U+2029), which Kubernetes reads as the end of a line; escape it in double quotes (/N, /L, /P)
error: 2.yaml:8:3: this merge (<<) replaces the key "user" of line 7 for Kubernetes and keeps it for YAML 1.2; move the merge to the top of its mapping
error: 3.yaml:7:7: a merge (<<) takes a mapping or a list of mappings
error: 4.yaml:7:3: a list as a key of a mapping; quote it
error: 5.yaml:7:15: the value is not what its tag !!int says
error: 6.yaml:5:15: metadata.labels.a: expected text, found a floating-point number
  hint: quote the value
error: 7.yaml:7:9: this plain scalar is an integer, which Kubernetes spells differently; quote it to keep it as text
error: 8.yaml:7:9: this plain scalar is a boolean in YAML 1.1 and text in YAML 1.2; quote it to keep it as text

"#]]
    );
}

#[test]
fn input_that_is_longer_than_any_manifest_is_given_up() {
    let directory = Directory::new();
    let long = File::create(directory.path("long.yaml")).unwrap();
    long.set_len((64 << 20) + 1).unwrap();
    let done = directory.seal("encrypt --cert cert.pem long.yaml").assert();
    done.code(2).stdout_eq("").stderr_eq(str![[r#"
error: long.yaml: longer than 64 MiB

"#]]);
}

#[test]
fn a_standard_output_that_is_full_is_told() {
    let directory = Directory::new();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Process::new(env!("CARGO_BIN_EXE_seal"))
        .args(["encrypt", "--cert", "cert.pem", "secret.yaml"])
        .current_dir(directory.path("."))
        .stdout(Stdio::from(full))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_data_eq!(
        String::from_utf8(output.stderr).unwrap(),
        str![[r#"
error: cannot write to standard output: No space left on device

"#]]
    );
}

#[test]
fn edits_that_have_no_place_are_told_with_their_line() {
    let directory = Directory::new();
    let one = TWO.split("---\n").next().unwrap();
    let refused = |text: &str, command: &str, message: snapbox::data::Inline| {
        directory.put("sealed.yaml", text);
        directory.fails(command, "new", message);
    };
    let anchored = one.replace("\"AgApassword=\"", "&same AgA=\n    again: *same");
    refused(
        &anchored,
        "unset sealed.yaml password",
        str![[r#"
error: sealed.yaml:10:21: the value here is anchored and the alias at sealed.yaml:11:12 needs it; write the value out there first

"#]],
    );
    let merged = one.replace("    user:", "    <<: {password: AgA=}\n    user:");
    let merged = merged.replace("    password: \"AgApassword=\"\n", "");
    refused(
        &merged,
        "unset sealed.yaml password",
        str![[r#"
error: sealed.yaml:9:5: the key "password" comes from a merge (<<) of sealed.yaml:9:20, too; remove it there

"#]],
    );
}

#[test]
fn a_question_that_is_not_answered_is_told() {
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    let set = "set --cert cert.pem sealed.yaml --name db password";
    let mut terminal = Terminal::run(&directory, set, &[]);
    terminal.shows("Value of password: ");
    terminal.types("\u{4}");
    let (status, seen) = terminal.ends();
    assert_eq!(status.code(), Some(2));
    let told = "error: cannot read the value from the terminal: nothing was typed";
    assert!(seen.contains(told), "{seen}");
    assert_eq!(directory.read("sealed.yaml"), TWO);
}

#[test]
fn what_git_does_not_do_is_told() {
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    let done = directory.seal("diff").env("PATH", "/nowhere").assert();
    done.code(2).stdout_eq("").stderr_eq(str![[r#"
error: cannot run git: No such file or directory

"#]]);
    directory.fails(
        "diff --external-diff sealed.yaml",
        "",
        str![[r#"
error: --external-diff takes 7 arguments, but there are 1

"#]],
    );
}

#[test]
fn values_of_an_environment_file_need_keys_that_secrets_may_have() {
    let directory = Directory::new();
    directory.put("bad.env", "good=1\nb/d=2\n");
    let values = "encrypt --cert cert.pem --name a -n b --from-env-file bad.env";
    directory.fails(values, "", str![[r#"
error: bad.env:2: what stands before the = cannot be a key here, which takes letters, digits, -, _ and ., at most 253 of them and no digit first; values of several lines cannot stand in an env file: --from-file KEY=FILE takes them

"#]]);
}
