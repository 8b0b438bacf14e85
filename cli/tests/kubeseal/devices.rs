//! `-w` to what is no file.

use std::{
    fs,
    io::Write,
    os::unix::{fs::symlink, process::CommandExt},
    process::{Command, Stdio},
};

use serde_json::Value;

#[test]
fn a_pipe_is_written_to_and_its_link_stays() {
    let vectors = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/envelope.json"
    );
    let vectors: Value = serde_json::from_str(&fs::read_to_string(vectors).unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let certificate = vectors["keys"][0]["cert_pem"].as_str().unwrap();
    fs::write(directory.path().join("cert.pem"), certificate).unwrap();
    let link = directory.path().join("out");
    symlink("/dev/fd/1", &link).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_seal"))
        .arg0("kubeseal")
        .args(["--cert", "cert.pem", "-w", "out"])
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let secret = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","namespace":"b"},"stringData":{"c":"d"}}"#;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(secret.as_bytes()).unwrap();
    drop(stdin);
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    assert!(done.stdout.starts_with(b"{\n  \"kind\": \"SealedSecret\""));
    assert!(link.is_symlink());
}
