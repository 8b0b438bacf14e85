use seal_manifest::{Reading, Stream};
use serde_json::Value;
use snapbox::str;

use crate::directory::{Directory, SECRET};

fn documents(text: &str) -> Vec<Value> {
    let stream = Stream::parse("sealed", text, Reading::Strict).unwrap();
    let documents = stream.documents().iter();
    documents.map(|it| it.to_json().unwrap()).collect()
}

#[test]
fn a_secret_becomes_a_sealed_secret_in_yaml() {
    let directory = Directory::new();
    directory
        .seal("encrypt --cert cert.pem secret.yaml")
        .assert()
        .success()
        .stderr_eq("")
        .stdout_eq(str![[r#"
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  annotations:
    seal.alt/keys: SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU
  name: db
  namespace: team-a
spec:
  encryptedData:
    password: AQ[..]
    user: AQ[..]
  template:
    metadata:
      name: db
      namespace: team-a

"#]]);
}

#[test]
fn what_is_sealed_opens_again() {
    let directory = Directory::new();
    let sealed = directory.succeeds("encrypt --cert cert.pem", SECRET);
    let opened = directory.succeeds("decrypt -i key.pem", &sealed);
    snapbox::assert_data_eq!(
        opened,
        str![[r#"
---
apiVersion: v1
data:
  password: czNjcjN0
  user: YWRtaW4=
kind: Secret
metadata:
  name: db
  namespace: team-a

"#]]
    );
}

#[test]
fn every_document_of_every_file_is_sealed_in_its_order() {
    let directory = Directory::new();
    let named = |name: &str| SECRET.replace("name: db", &format!("name: {name}"));
    directory.put(
        "two.yaml",
        format!("# first\n---\n{}---\n{}", named("b"), named("c")),
    );
    directory.put(
        "list.json",
        r#"{"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "d", "namespace": "team-a"}, "stringData": {"a": "x"}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "e", "namespace": "team-a"}, "stringData": {"a": "y"}}]}"#,
    );
    let sealed = directory.succeeds(
        "encrypt --cert cert.pem two.yaml - list.json",
        &named("stdin"),
    );
    let names = documents(&sealed);
    let names: Vec<_> = names.iter().map(|it| &it["metadata"]["name"]).collect();
    assert_eq!(names, ["b", "c", "stdin", "d", "e"]);
    assert_eq!(sealed.matches("---\n").count(), 5);
}

#[test]
fn the_scope_of_the_command_line_wins_over_annotations() {
    let directory = Directory::new();
    let annotation = "sealedsecrets.bitnami.com/cluster-wide";
    let annotated = SECRET.replace(
        "metadata:\n",
        &format!("metadata:\n  annotations: {{{annotation}: \"true\"}}\n"),
    );
    let scope = |arguments: &str| {
        let sealed =
            directory.succeeds(&format!("encrypt --cert cert.pem {arguments}"), &annotated);
        let opened = directory.succeeds("decrypt -i key.pem", &sealed);
        assert!(opened.contains("password: czNjcjN0"), "{opened}");
        let annotations = documents(&sealed)[0]["metadata"]["annotations"].clone();
        let mut names: Vec<_> = annotations.as_object().unwrap().keys().cloned().collect();
        names.retain(|name| name != "seal.alt/keys");
        names
    };
    assert_eq!(scope(""), [annotation]);
    assert_eq!(scope("--scope cluster-wide"), [annotation]);
    assert_eq!(
        scope("--scope namespace-wide"),
        ["sealedsecrets.bitnami.com/namespace-wide"]
    );
    assert!(scope("--scope strict").is_empty());
}

#[test]
fn an_absent_namespace_and_another_name_come_from_the_command_line() {
    let directory = Directory::new();
    let nowhere = SECRET.replace("  namespace: team-a\n", "");
    let sealed = directory.succeeds("encrypt --cert cert.pem -n team-b --name web", &nowhere);
    let metadata = &documents(&sealed)[0]["metadata"];
    assert_eq!(metadata["name"], "web");
    assert_eq!(metadata["namespace"], "team-b");
    directory.succeeds("decrypt -i key.pem", &sealed);
}

#[test]
fn empty_data_is_sealed_when_asked_for() {
    let directory = Directory::new();
    let empty = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: team-a}\n";
    let sealed = directory.succeeds("encrypt --cert cert.pem --allow-empty-data", empty);
    let opened = directory.succeeds("decrypt -i key.pem", &sealed);
    assert!(!opened.contains("\ndata"), "{opened}");
}

#[test]
fn the_certificate_may_come_from_the_environment_or_a_file_url() {
    let directory = Directory::new();
    let environment = directory.seal("encrypt secret.yaml");
    environment
        .env("SEALED_SECRETS_CERT", "cert.pem")
        .assert()
        .success();
    let url = format!("file://{}", directory.path("cert.pem").display());
    directory.succeeds(&format!("encrypt --cert {url} secret.yaml"), "");
}

#[test]
fn a_copy_of_the_plaintext_in_an_annotation_does_not_travel() {
    let directory = Directory::new();
    let applied = SECRET.replace(
        "metadata:\n",
        "metadata:\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: s3cr3t}\n",
    );
    let sealed = directory.succeeds("encrypt --cert cert.pem", &applied);
    assert!(!sealed.contains("last-applied"), "{sealed}");
    assert!(!sealed.contains("annotations: {}"), "{sealed}");
}
