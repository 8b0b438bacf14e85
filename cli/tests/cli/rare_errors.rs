//! Kinds of errors that are seldom seen, each in its words.

use std::{fs, process::Command as Process};

use serde_json::{Value, json};
use snapbox::{data::Inline, str};

use crate::{
    directory::{Directory, SECRET},
    sealed::TWO,
    server::Server,
    vectors,
};

const REQUESTS: &str = "/api/v1/namespaces/kube-system/configmaps/seal-key-requests?";
const KEYS: &str = "/api/v1/namespaces/kube-system/configmaps/seal-keys";

fn one() -> &'static str {
    TWO.split("---\n").next().unwrap()
}

fn refused(content: impl AsRef<[u8]>, command: &str, message: Inline) {
    let directory = Directory::new();
    directory.put("bad.yaml", content);
    directory.fails(command, "new", message);
}

#[test]
fn what_no_manifest_holds_is_told() {
    let many = format!("kind: [{}0]\n", "0,".repeat(1_000_000));
    refused(
        many,
        "encrypt --cert cert.pem bad.yaml",
        str![[r#"
error: bad.yaml:1:2000002: more than 1000000 values in one input; split it

"#]],
    );
    let infinite = one().replace("  namespace", "  labels: {a: .inf}\n  namespace");
    refused(
        infinite,
        "set --cert cert.pem bad.yaml password",
        str![[r#"
error: bad.yaml:6:15: an infinite or undefined number, which JSON cannot hold; quote it

"#]],
    );
    let list = SECRET.replace("  namespace", "  finalizers: some\n  namespace");
    refused(
        list,
        "encrypt --cert cert.pem bad.yaml",
        str![[r#"
error: bad.yaml:4:3: metadata: a field is not of the type that Kubernetes expects

"#]],
    );
}

#[test]
fn a_layout_that_has_no_place_for_a_value_is_told() {
    let complex = one().replace("    password: \"AgApassword=\"\n", "    ? password\n");
    let set = "set --cert cert.pem bad.yaml password";
    refused(
        &complex,
        set,
        str![[r#"
error: bad.yaml:10:7: cannot edit in place: this key is written with "?"; write it as "key:"

"#]],
    );
}

#[test]
fn what_is_no_private_key_is_told() {
    let decrypt = "decrypt -i bad.yaml secret.yaml";
    let damaged = vectors::key("rsa2048").replace("\nM", "\n?");
    refused(
        damaged,
        decrypt,
        str![[r#"
error: bad.yaml: the PEM of the private key is malformed

"#]],
    );
    let small = include_str!("../../../crates/envelope/tests/rsa1024.pem");
    refused(
        small,
        decrypt,
        str![[r#"
error: bad.yaml: the private key cannot be used: RSA keys of 1024 bits are not supported: use 2048, 3072, 4096 or 8192

"#]],
    );
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [{ "kind": "Pod" }] });
    refused(
        list.to_string(),
        decrypt,
        str![[r#"
error: bad.yaml: expected a key Secret or a list of them

"#]],
    );
    let secret = |data: Value| {
        let metadata = json!({ "name": "key" });
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data })
            .to_string()
    };
    let certificate = Directory::new().read("cert.pem");
    let certificate = seal_sealing::encode(certificate.as_bytes());
    refused(
        secret(json!({ "tls.crt": certificate })),
        decrypt,
        str![[r#"
error: bad.yaml: no private key found: expected PEM that begins with -----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----, or an age identity that begins with AGE-SECRET-KEY-

"#]],
    );
    let both = json!({ "tls.crt": certificate, "tls.key": "c3NlY3JldA==" });
    refused(
        secret(both),
        decrypt,
        str![[r#"
error: bad.yaml: Secret "key": tls.key: no private key found: expected PEM that begins with -----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----, or an age identity that begins with AGE-SECRET-KEY-

"#]],
    );
    let key = seal_sealing::encode(vectors::key("rsa2048").as_bytes());
    refused(
        secret(json!({ "tls.key": key })),
        decrypt,
        str![[r#"
error: bad.yaml: Secret "key": tls.crt is missing or empty

"#]],
    );
}

#[test]
fn what_is_no_age_identity_is_told() {
    let verify = "keys verify-backup --offline secret.yaml -i bad.yaml";
    refused(
        "# nothing\n",
        verify,
        str![[r#"
error: bad.yaml: holds no age identity
  hint: an identity is a line that begins with AGE-SECRET-KEY-; age-keygen makes one

"#]],
    );
    refused(
        b"\xff\xfe",
        verify,
        str![[r#"
error: bad.yaml: is no text

"#]],
    );
}

#[test]
fn an_editor_that_takes_the_file_away_is_told() {
    let directory = Directory::new();
    directory.put("sealed.yaml", one());
    directory.put("editor.sh", "rm \"$1\"\n");
    let before = directory.files();
    let edit = directory.seal("edit --cert cert.pem sealed.yaml --allow-disk");
    let done = edit
        .env("EDITOR", "sh editor.sh")
        .env("PATH", std::env::var("PATH").unwrap());
    done.assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: cannot use the private directory [..]/seal-edit-[..]: cannot read [..]/seal-edit-[..]/values.yaml: No such file or directory

"#]]);
    assert_eq!(directory.files(), before);
}

#[test]
fn a_git_that_cannot_be_understood_or_is_at_odds_is_told() {
    let directory = Directory::new();
    let path = std::env::var("PATH").unwrap();
    let git = |arguments: &str| {
        let mut git = Process::new("git");
        git.args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments.split(' '))
        .current_dir(directory.path(""))
        .env_clear()
        .env("PATH", &path)
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.output().unwrap();
    };
    git("init -q .");
    for (branch, text) in [("main", "AgA="), ("other", "AgB="), ("third", "AgC=")] {
        git(&format!("checkout -q -B {branch} main"));
        directory.put("sealed.yaml", one().replace("AgAuser=", text));
        git("add sealed.yaml");
        git(&format!("commit -q -m {branch}"));
    }
    git("merge -q other");
    let diff = directory.seal("diff").env("PATH", &path).assert();
    diff.code(2).stdout_eq("").stderr_eq(str![[r#"
error: sealed.yaml: has merge conflicts; resolve them first

"#]]);

    fs::create_dir(directory.path("programs")).unwrap();
    directory.put("programs/git", "#!/bin/sh\necho nonsense\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(directory.path("programs/git"), executable).unwrap();
    let fake = format!("{}:{path}", directory.path("programs").display());
    let diff = directory.seal("diff").env("PATH", fake).assert();
    diff.code(2).stdout_eq("").stderr_eq(str![[r#"
error: git diff: its output is not understood

"#]]);
}

#[test]
fn an_answer_that_is_no_certificate_is_told() {
    let server = Server::start([
        ("/long", 200, "x".repeat((1 << 20) + 1)),
        ("/gone", 410, String::new()),
    ]);
    let encrypt = |path: &str| {
        let url = server.url(path);
        let directory = Directory::new();
        let done = directory
            .seal(&format!("encrypt --cert {url} secret.yaml"))
            .assert()
            .code(2);
        String::from_utf8_lossy(&done.get_output().stderr).replace(&url, "URL")
    };
    snapbox::assert_data_eq!(
        encrypt("/long"),
        str![[r#"
error: cannot get the certificate from URL: the answer is too long for a certificate

"#]]
    );
    snapbox::assert_data_eq!(
        encrypt("/gone"),
        str![[r#"
error: cannot get the certificate from URL: the answer is 410 Gone

"#]]
    );
}

#[test]
fn a_controller_that_takes_no_requests_for_keys_or_answers_none_is_told() {
    let silent = Server::start([]);
    let ask = |server: &Server, arguments: &str, message: Inline| {
        let directory = Directory::new();
        let command = format!("{arguments} --server {}", server.url(""));
        let done = directory.seal(&command).env_remove("KUBECONFIG").assert();
        done.code(2).stdout_eq("").stderr_eq(message);
    };
    ask(
        &silent,
        "keys list",
        str![[r#"
error: the controller in kube-system does not list its keys and takes no requests for new ones
  hint: check --controller-namespace; the controller may be another than seal's, or may not write ConfigMaps, which its log tells. SIGUSR1 makes it make a new key, too

"#]],
    );
    let map = |item: &str, text: &str| {
        json!({ "metadata": { "name": "m" }, "data": { (item): text } }).to_string()
    };
    let slow = Server::start([
        (REQUESTS, 200, map("r1", "{}")),
        (KEYS, 200, map("answers.json", "{}")),
    ]);
    let rotate = "keys rotate --request-id r1 --timeout 1";
    ask(
        &slow,
        rotate,
        str![[r#"
error: the controller has not met the request r1 within 1s
  hint: the request stands: wait on with --request-id r1, and see the controller's log

"#]],
    );
    let answer = r#"{"r1": {"time": "2026-01-02T03:04:05Z", "state": "refused", "why": "2 of 2 keys were made this hour"}}"#;
    let refusing = Server::start([
        (REQUESTS, 200, map("r1", "{}")),
        (KEYS, 200, map("answers.json", answer)),
    ]);
    ask(
        &refusing,
        rotate,
        str![[r#"
error: the controller refused: 2 of 2 keys were made this hour

"#]],
    );
}
