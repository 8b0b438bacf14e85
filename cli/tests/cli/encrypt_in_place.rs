//! Secrets that are sealed where they stand, in the styles in which people write them.

use std::fs;

use seal_envelope::{Identity, Label};
use seal_keyring::identities_from_pem;
use seal_manifest::{Node, Reading, Stream};
use snapbox::str;

use crate::directory::{Directory, SECRET};

/// Entries of `stringData` that end it, one after the other way of writing; all but the last two hold
/// `hunter2`. A comment can follow each of them but the block scalars in its line.
const LAST: [(&str, bool); 16] = [
    ("a: hunter2", true),
    ("a: 'hunter2'", true),
    ("a: \"hunter2\\\n    hunter2\"", true),
    ("a: hunter2\n    hunter2", true),
    ("a:\n    hunter2", true),
    ("a: !!str hunter2", true),
    ("a: &a hunter2\n  b: *a", true),
    ("? a\n  : hunter2", true),
    ("a: |\n    hunter2\n    # hunter2", false),
    ("a: |- # was hunter1\n    hunter2\n\n    x", false),
    ("a: |+\n    hunter2\n\n", false),
    ("a: |1\n    hunter2\n   x", false),
    ("a: >-\n    hunter2\n    x  ", false),
    ("a: hunter2\n  b: |", false),
    ("b:", true),
    ("b: ''", true),
];
/// Flow collections and JSON, which may end in a line of their own.
const FLOW: [&str; 4] = [
    "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: team-a}, stringData: {a: hunter2}}",
    "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: team-a}, # was hunter1\n  stringData: {a: hunter2, # was hunter1\n  }}",
    "--- {apiVersion: v1, kind: Secret, metadata: {name: db, namespace: team-a},\n  stringData: {a: hunter2}}",
    "--- !!map\n{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: team-a}, stringData: {a: hunter2}}",
];
const IN_LINE: [&str; 3] = ["", " # was hunter1", "  \t "];
const LINES: [&str; 8] = [
    "",
    "# stays\n",
    " # was hunter1\n",
    "  # was hunter1\n",
    "   # was hunter1\n\n\t# was hunter1\n",
    "    # was hunter1\n# stays\n",
    "      # was hunter1\n",
    "\n\n  # was hunter1\n# stays\n  # was hunter1\n",
];
const OTHER: &str =
    "apiVersion: v1\nkind: ConfigMap # keep\nmetadata: {name: a}\ndata:\n  a: |\n    x\n  # keep\n";

fn block(last: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret # was hunter1\nmetadata:\n  name: db\n  namespace: team-a\n\
         # was hunter1\nstringData:\n  first: hunter2\n  {last}"
    )
}

fn indented(text: &str, by: &str) -> String {
    let lines = text.split_inclusive('\n');
    let lines = lines.map(|line| match line.trim().is_empty() {
        true => line.to_owned(),
        false => format!("{by}{line}"),
    });
    lines.collect()
}

/// Secrets without their last line break, and whether a comment may follow in the line.
fn secrets() -> Vec<(String, bool)> {
    let mut secrets = Vec::new();
    for (last, takes_comment) in LAST {
        let text = block(last);
        let list = format!(
            "apiVersion: v1\nkind: List\nitems:\n- {}",
            indented(&text, "  ").trim_start()
        );
        secrets.push((indented(&text, "  "), takes_comment));
        secrets.push((list, takes_comment));
        secrets.push((text, takes_comment));
    }
    secrets.extend(FLOW.map(|text| (text.to_owned(), true)));
    secrets
}

/// Files with Secrets, and what they hold from behind the first one's comments on.
fn corpus() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (secret, takes_comment) in secrets() {
        for in_line in IN_LINE.into_iter().take(if takes_comment { 3 } else { 1 }) {
            let lines = LINES
                .into_iter()
                .take(if in_line.is_empty() { 8 } else { 2 });
            for lines in lines {
                // Each before each of the ends, if not for every secret.
                let end = match files.len() % 7 {
                    0 | 4 => String::new(),
                    1 => "\n\n".to_owned(),
                    2 | 5 => format!("---\n{OTHER}---\n{secret}\n"),
                    _ => format!("...\n# keep\n---\n{OTHER}"),
                };
                files.push((format!("{secret}{in_line}\n{lines}{end}"), end));
            }
            files.push((format!("{secret}{in_line}"), String::new()));
            files.push((format!("{secret}{in_line}\n  # was hunter1"), String::new()));
        }
    }
    files
}

fn stream(text: &str) -> Stream {
    Stream::parse("corpus", text, Reading::Strict).unwrap()
}

fn objects(stream: &Stream) -> Vec<Node<'_>> {
    let documents = stream.documents().iter();
    documents.flat_map(|it| it.objects().unwrap()).collect()
}

/// The values, in plaintext.
fn values(identity: &Identity, object: &Node<'_>) -> Vec<(String, Vec<u8>)> {
    let field = |path: [&str; 2]| {
        let outer = object.get(path[0]).unwrap()?;
        match path[1] {
            "" => Some(outer),
            inner => outer.get(inner).unwrap(),
        }
    };
    let sealed = field(["spec", "encryptedData"]);
    let values = sealed.or_else(|| field(["stringData", ""])).unwrap();
    let entries = values.entries().unwrap().into_iter();
    let mut values: Vec<_> = entries
        .map(|entry| {
            let text = entry.value.text().unwrap();
            let value = match sealed {
                Some(_) => {
                    let envelope = seal_sealing::decode(&text).unwrap();
                    let opened = identity.open(&envelope, &Label::new("team-a/db"));
                    opened.unwrap().as_bytes().to_vec()
                }
                None => text.as_bytes().to_vec(),
            };
            (entry.key.to_string(), value)
        })
        .collect();
    values.sort();
    values
}

#[track_caller]
fn is_sealed_and_else_the_same(identity: &Identity, before: &str, end: &str, after: &str) {
    let told = || format!("{before}\n-- became --\n{after}");
    let stays = |text: &str| text.matches("# stays").count();
    assert!(!after.contains("hunter"), "{}", told());
    assert_eq!(stays(after), stays(before), "{}", told());
    if !end.contains("Secret") {
        assert!(after.ends_with(end), "{}", told());
    }
    if before.contains("\r\n") {
        let breaks = |text: &str| after.matches(text).count();
        assert_eq!(breaks("\n"), breaks("\r\n"), "{}", told());
    }
    let (old, new) = (stream(before), stream(after));
    let (old, new) = (objects(&old), objects(&new));
    assert_eq!(old.len(), new.len(), "{}", told());
    for (old, new) in old.iter().zip(&new) {
        if old.kind().unwrap() == "Secret" {
            assert_eq!(new.kind().unwrap(), "SealedSecret", "{}", told());
            let values = [old, new].map(|it| values(identity, it));
            assert_eq!(values[0], values[1], "{}", told());
        } else {
            let json = [old, new].map(|it| it.to_json().unwrap());
            assert_eq!(json[0], json[1], "{}", told());
        }
    }
}

#[test]
fn in_every_style_the_secret_is_sealed_in_place_and_nothing_of_it_stays() {
    let directory = Directory::new();
    fs::create_dir(directory.path("all")).unwrap();
    let mut files = Vec::new();
    for (number, (text, end)) in corpus().into_iter().enumerate() {
        let windows = |text: &str| text.replace('\n', "\r\n");
        let (text, end) = match number % 5 {
            0 => (windows(&text), windows(&end)),
            1 => (format!("\u{feff}{text}"), end),
            2 => (format!("# head\n\n{text}"), end),
            _ => (text, end),
        };
        let name = format!("all/{number}.yaml");
        directory.put(&name, &text);
        files.push((name, text, end));
    }
    directory.succeeds("encrypt --cert cert.pem -i all", "");
    let identities = identities_from_pem(directory.read("key.pem").as_bytes()).unwrap();
    for (name, text, end) in &files {
        is_sealed_and_else_the_same(&identities[0], text, end, &directory.read(name));
    }
    let before = directory.files();
    directory.succeeds("encrypt --cert cert.pem -i all", "");
    assert_eq!(directory.files(), before);
}

#[test]
fn an_indented_comment_behind_a_block_scalar_goes_with_the_secret() {
    let directory = Directory::new();
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: tls\n  namespace: team-a\nstringData:\n  cert: |\n    -----BEGIN\n    x\n  # old password: hunter1\n";
    directory.put("tls.yaml", text);
    directory.succeeds("encrypt --cert cert.pem -i tls.yaml", "");
    let sealed = directory.read("tls.yaml");
    assert!(sealed.ends_with("\n      namespace: team-a\n"), "{sealed}");
}

#[test]
fn comments_that_stay_behind_the_secret_are_told() {
    let directory = Directory::new();
    directory.put("db.yaml", format!("{SECRET}  # goes\n\n# stays\n# too\n"));
    let done = directory
        .seal("encrypt --cert cert.pem -i db.yaml")
        .assert();
    done.success().stdout_eq("").stderr_eq(str![[r#"
db.yaml: comments that begin in the first column stay, those behind a Secret, too

"#]]);
    let sealed = directory.read("db.yaml");
    assert!(sealed.ends_with("\n\n# stays\n# too\n"), "{sealed}");
}

#[test]
fn a_result_that_would_not_read_back_is_not_written() {
    let directory = Directory::new();
    let json = r#"{"apiVersion": "v1", "kind": "ConfigMap"}"#;
    // Without a marker between them only JSON and flow collections can follow each other.
    directory.put("mixed.yaml", format!("{json}\n{}\n", FLOW[0]));
    directory.fails(
        "encrypt --cert cert.pem -i mixed.yaml",
        "",
        str![[r#"
error: mixed.yaml:2:1: the edited text would not read back exactly as wanted, so it was not used; edit by hand

"#]],
    );
}
