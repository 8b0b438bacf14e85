//! SealedSecrets that do not open.

use serde_json::Value;
use snapbox::str;

use crate::{directory::Directory, vectors};

const DECRYPT: &str = "decrypt -i key.pem bad.yaml -w secret.yaml";

fn bad(object: &Value) -> Directory {
    let directory = Directory::new();
    let text = seal_manifest::to_yaml(object).unwrap();
    directory.put("bad.yaml", text.as_bytes());
    directory
}

/// Sealed by this program, so with a hint at its key.
fn sealed(arguments: &str) -> Value {
    let directory = Directory::new();
    let arguments = format!("encrypt -o json --cert cert.pem secret.yaml {arguments}");
    serde_json::from_str(&directory.succeeds(&arguments, "")).unwrap()
}

#[test]
fn truncated_and_damaged_values_are_told_item_by_item() {
    let mut object = sealed("");
    let items = object["spec"]["encryptedData"].as_object_mut().unwrap();
    let text = items["password"].as_str().unwrap().to_owned();
    items.insert("no-base64".into(), "?".into());
    items.insert("short".into(), "AQA=".into());
    items.insert("truncated".into(), text[..360].into());
    items.insert("empty".into(), "".into());
    items.insert("a-number".into(), 5.into());
    bad(&object).fails(
        DECRYPT,
        "",
        str![[r#"
error: bad.yaml:12:16: SealedSecret team-a/db: no-base64: illegal base64 data at input byte 0: truncated or damaged; seal it again
error: bad.yaml:10:15: SealedSecret team-a/db: a-number: truncated or damaged; seal it again
error: bad.yaml:11:12: SealedSecret team-a/db: empty: truncated or damaged; seal it again
error: bad.yaml:14:12: SealedSecret team-a/db: short: truncated or damaged; seal it again
error: bad.yaml:15:16: SealedSecret team-a/db: truncated: truncated or damaged; seal it again

"#]],
    );
}

#[test]
fn a_key_that_is_not_there_is_named() {
    let directory = bad(&sealed(""));
    directory.put("key.pem", vectors::key("rsa4096-wrong"));
    directory.fails(DECRYPT, "", str![[r#"
error: bad.yaml:10:15: SealedSecret team-a/db: password: sealed with SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU, which is not among the keys here; restore that key or seal it again with this cluster's certificate
error: bad.yaml:11:11: SealedSecret team-a/db: user: sealed with SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU, which is not among the keys here; restore that key or seal it again with this cluster's certificate

"#]]);
    let upstreams = bad(vectors::object("scope-strict"));
    upstreams.put("key.pem", vectors::key("rsa4096-wrong"));
    upstreams.fails(DECRYPT, "", str![[r#"
error: bad.yaml:8:15: SealedSecret team-a/db: password: no key here opens it: it was sealed for another cluster, for another name or namespace, or with a key that is gone; seal it again with this cluster's certificate

"#]]);
}

#[test]
fn a_missing_key_of_several_is_told_before_a_wrong_name_is_guessed() {
    let hint = "/metadata/annotations/seal.alt~1keys";
    let mut object = sealed("");
    let missing = "SHA256:0000000000000000000000000000000000000000000";
    let ours = object.pointer(hint).unwrap().as_str().unwrap();
    *object.pointer_mut(hint).unwrap() = format!("{missing},{ours}").into();
    let theirs = vectors::object("scope-strict")["spec"]["encryptedData"]["password"].clone();
    object["spec"]["encryptedData"] = serde_json::json!({ "password": theirs });
    object["metadata"]["name"] = "web".into();
    bad(&object).fails(
        DECRYPT,
        "",
        str![[r#"
error: bad.yaml:10:15: SealedSecret team-a/web: password: sealed with SHA256:0000000000000000000000000000000000000000000, which is not among the keys here; restore that key or seal it again with this cluster's certificate (or, if it is sealed with SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU: the object was renamed or moved after sealing, or the value is damaged)

"#]],
    );
}

#[test]
fn a_wrong_scope_is_told_with_the_right_one() {
    let mut object = sealed("--scope namespace-wide");
    object["metadata"]["annotations"] = Value::Null;
    bad(&object).fails(DECRYPT, "", str![[r#"
error: bad.yaml:9:15: SealedSecret team-a/db: password: sealed with namespace-wide scope, but the annotations ask for strict: annotate the SealedSecret with sealedsecrets.bitnami.com/namespace-wide: "true"
error: bad.yaml:10:11: SealedSecret team-a/db: user: sealed with namespace-wide scope, but the annotations ask for strict: annotate the SealedSecret with sealedsecrets.bitnami.com/namespace-wide: "true"

"#]]);
}

#[test]
fn a_wrong_name_is_told() {
    let mut object = sealed("");
    object["metadata"]["name"] = "web".into();
    bad(&object).fails(DECRYPT, "", str![[r#"
error: bad.yaml:10:15: SealedSecret team-a/web: password: sealed with SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU but it does not open here: the object was renamed or moved after sealing, or the value is damaged; seal it again for this name and namespace
error: bad.yaml:11:11: SealedSecret team-a/web: user: sealed with SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU but it does not open here: the object was renamed or moved after sealing, or the value is damaged; seal it again for this name and namespace

"#]]);
    object["metadata"]["name"] = "db".into();
    object["metadata"]["namespace"] = "team-b".into();
    bad(&object).fails(DECRYPT, "", str![[r#"
error: bad.yaml:10:15: SealedSecret team-b/db: password: sealed with SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU but it does not open here: the object was renamed or moved after sealing, or the value is damaged; seal it again for this name and namespace
error: bad.yaml:11:11: SealedSecret team-b/db: user: sealed with SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU but it does not open here: the object was renamed or moved after sealing, or the value is damaged; seal it again for this name and namespace

"#]]);
}

#[test]
fn missing_names_and_another_namespace_are_told() {
    let mut object = sealed("");
    bad(&object).fails(
        &format!("{DECRYPT} -n team-b"),
        "",
        str![[r#"
error: bad.yaml:7:14: the namespace is "team-a", but --namespace says "team-b"
  hint: correct one of the two, or leave --namespace out

"#]],
    );
    object["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("namespace");
    bad(&object).fails(
        DECRYPT,
        "",
        str![[r#"
error: bad.yaml:4:3: metadata.namespace is missing, and strict scope binds the values to it
  hint: add it to the manifest, or name it with --namespace; no kubeconfig is consulted

"#]],
    );
    object["metadata"].as_object_mut().unwrap().remove("name");
    bad(&object).fails(
        DECRYPT,
        "",
        str![[r#"
error: bad.yaml:4:3: metadata.name is missing
  hint: add it to the manifest

"#]],
    );
}

#[test]
fn one_bad_document_keeps_all_of_them_back() {
    let directory = Directory::new();
    let good = vectors::object("scope-strict").to_string();
    let other = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}"#;
    directory.put("good.json", &good);
    directory.put("both.json", format!("{good}\n{other}\n"));
    directory.fails(
        "decrypt -i key.pem good.json both.json",
        "",
        str![[r#"
error: both.json:2:1: expected a SealedSecret of bitnami.com/v1alpha1 but found v1 ConfigMap
  hint: take this document out, or name only files that hold SealedSecrets

"#]],
    );
}

#[test]
fn malformed_objects_are_told() {
    bad(vectors::object("object-spec-is-list")).fails(
        DECRYPT,
        "",
        str![[r#"
error: bad.yaml:1:1: the SealedSecret is malformed: spec is not a mapping

"#]],
    );
    bad(vectors::object("v1-and-encrypted-data-refused")).fails(DECRYPT, "", str![[r#"
error: bad.yaml:7:9: SealedSecret team-a/db: data: cannot use the field 'encryptedData' and the deprecated field 'data' at the same time

"#]]);
    bad(vectors::object("v1-inner-configmap")).fails(
        DECRYPT,
        "",
        str![[r#"
error: bad.yaml:7:9: SealedSecret team-a/db: data: the deprecated field 'data' holds no Secret

"#]],
    );
    bad(vectors::object("v1-bad-base64")).fails(
        DECRYPT,
        "",
        str![[r#"
error: bad.yaml:7:9: SealedSecret team-a/db: data: illegal base64 data at input byte 0: truncated or damaged; seal it again

"#]],
    );
}
