//! The values that `seal encrypt` takes without a manifest are those of `kubectl create secret generic`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::process::Command;

use seal_envelope::{Identity, KeyKind, generate_age};
use seal_tests::{Outcome, Workdir, kubectl, seal};
use serde_json::{Value, json};

/// A desk with files, and a key to seal for.
struct Desk {
    desk: Workdir,
    recipient: String,
}

impl Desk {
    fn new() -> Self {
        let desk = Workdir::new();
        let identity = generate_age(KeyKind::X25519).unwrap();
        desk.write("key/identity.txt", identity.as_bytes());
        let identity = Identity::from_age(&identity).unwrap();
        let recipient = identity.recipient().age().unwrap().to_owned();
        desk.write("file.txt", "content\r\n");
        desk.write("binary", b"\0\xff\xfe\n");
        desk.write("empty", "");
        desk.write("not a key", "1");
        desk.write("..data", "1");
        desk.write("values/a.txt", "1\n");
        desk.write("values/.b", "2");
        desk.write("values/below/c", "3");
        desk.write("bad/a", "1");
        desk.write("bad/not a key", "1");
        std::os::unix::fs::symlink("a.txt", desk.path().join("values/link")).unwrap();
        Self { desk, recipient }
    }

    fn run(&self, command: &mut Command, args: &[&str]) -> Outcome {
        let command = command.args(args).env("FROM_HERE", "=here ");
        self.desk.run(command, "")
    }

    /// Type and values of what kubectl makes of these arguments.
    fn theirs(&self, args: &[&str]) -> Result<Value, String> {
        let create = "create secret generic db -n team-a --dry-run=client -o json";
        let mut command = kubectl();
        command.args(create.split(' '));
        content(self.run(&mut command, args))
    }

    /// The same of what we seal, opened again.
    fn ours(&self, args: &[&str]) -> Result<Value, String> {
        let encrypt = "encrypt --name db -n team-a --allow-empty-data -r";
        let mut command = Command::new(seal());
        command.args(encrypt.split(' ')).arg(&self.recipient);
        let sealed = self.run(&mut command, args);
        if sealed.code != Some(0) {
            return Err(sealed.stderr);
        }
        let decrypt = ["decrypt", "-o", "json", "-i", "key/identity.txt"];
        content(self.desk.seal(&decrypt, &sealed.stdout))
    }
}

fn content(done: Outcome) -> Result<Value, String> {
    match done.code {
        Some(0) => {
            let secret: Value = serde_json::from_str(&done.stdout).unwrap();
            let data = secret.get("data").cloned().unwrap_or_else(|| json!({}));
            Ok(json!({"type": secret["type"], "data": data}))
        }
        _ => Err(done.stderr),
    }
}

/// Arguments, separated by `|`.
const ARGUMENTS: [&str; 30] = [
    "--from-literal=a=1",
    "--from-literal=a=",
    "--from-literal=a==b=c= ",
    "--from-literal=a=\"quoted\"|--from-literal=b='quoted'|--from-literal=c= x ",
    "--from-literal=a=1,b=2",
    "--from-literal=a=line\nline\r\n",
    "--from-literal=a=\u{e9}\u{1f600}",
    "--from-literal=1a=1|--from-literal=-.=2|--from-literal=A_b.c-d=3",
    "--from-literal=a=1|--type=example.com/x",
    "--from-literal=a",
    "--from-literal==a",
    "--from-literal= a=1",
    "--from-literal=a/b=1",
    "--from-literal=..a=1",
    "--from-literal=a=1|--from-literal=a=2",
    "--from-file=file.txt",
    "--from-file=k=file.txt|--from-literal=file.txt=1",
    "--from-file=binary|--from-file=empty",
    "--from-file=./values/a.txt|--from-file=values/.b",
    "--from-file=values",
    "--from-file=values/",
    "--from-file=values|--from-file=a.txt=file.txt",
    "--from-file=bad",
    "--from-file=k=values",
    "--from-file=not a key",
    "--from-file=..data",
    "--from-file=k=not a key",
    "--from-file==file.txt",
    "--from-file=k=",
    "--from-file=absent",
];

/// Files of lines `KEY=VALUE`.
const LINES: [&[u8]; 36] = [
    b"A=1\n",
    b"A=1",
    b"A=1\r\nB=2\r\n",
    b"A=1\rB=2\r\r\n",
    b"\xef\xbb\xbfA=1\n",
    b"\xef\xbb\xbf# c\nA=1\n",
    b"A=1\n\xef\xbb\xbfB=2\n",
    b"\n\r\n  \t\r\nA=1\n\n",
    b"# c\n  # d\n\t#e\nA=1 # not c\n#B=2",
    b"  A=1\n\tB= 2 \n\x0bC=3\n\x0cD=4\n",
    b"\xc2\xa0A=1\n\xe2\x80\xa8B=2\n\xc2\x85C=3\n",
    b"A=\"x y\"\nB='x'\nC=\"\nD=\\n\n",
    b"A=\nB=\r\n",
    b"A=a=b==\nB==\n",
    b"A=\xc3\xa9\nB=a\0b\n",
    b"FROM_HERE\n",
    b"  FROM_HERE\r\n",
    b"FROM_HERE=\n",
    b"a.b=1\n.c=2\n-d=3\n_e=4\nf9=5\n",
    b"export A=1\n",
    b"A = 1\n",
    b"A =1\n",
    b"A\t=1\n",
    b"FROM_HERE \n",
    b"=1\n",
    b"1A=1\n",
    b"..A=1\n",
    b"a/b=1\n",
    b"\xc3\xa9=1\n",
    b"A=1\nA=2\n",
    b"A=\xff\n",
    b"# \xff\nA=1\n",
    b"A: 1\n",
    b"",
    b"\n# nothing\n",
    b"KEY=\"-----BEGIN PRIVATE KEY-----\n/MII\n-----END PRIVATE KEY-----\"\n",
];

/// Both take the same or nothing; whether they take it.
#[track_caller]
fn agree(desk: &Desk, args: &[&str], about: &dyn std::fmt::Debug) -> bool {
    match (desk.theirs(args), desk.ours(args)) {
        (Err(_), Err(_)) => return false,
        (theirs, ours) => assert_eq!(ours, theirs, "{about:?}"),
    }
    true
}

#[test]
fn values_without_a_manifest_are_those_that_kubectl_takes() {
    let desk = Desk::new();
    let mut taken = 0;
    for line in ARGUMENTS {
        let args: Vec<_> = line.split('|').collect();
        taken += usize::from(agree(&desk, &args, &line));
    }
    for lines in LINES {
        desk.desk.write("lines.env", lines);
        let about = String::from_utf8_lossy(lines);
        taken += usize::from(agree(&desk, &["--from-env-file=lines.env"], &about));
    }
    assert_eq!(taken, 36, "of those that both take");
}

#[test]
fn what_kubectl_takes_for_empty_without_a_word_is_refused() {
    let desk = Desk::new();
    desk.desk.write("lines.env", "NOT_SET_ANYWHERE\n");
    let args = ["--from-env-file=lines.env"];
    let data = desk.theirs(&args).unwrap()["data"].clone();
    assert_eq!(data, json!({"NOT_SET_ANYWHERE": ""}));
    let told = desk.ours(&args).unwrap_err();
    assert!(
        told.starts_with("error: lines.env:1: no KEY=VALUE, nor a variable that is set"),
        "{told}"
    );
}
