//! Secrets that are not sealed.

use snapbox::str;

use crate::directory::{Directory, SECRET};

const ENCRYPT: &str = "encrypt --cert cert.pem bad.yaml -w sealed.yaml";

fn bad(content: impl AsRef<[u8]>) -> Directory {
    let directory = Directory::new();
    directory.put("bad.yaml", content);
    directory.put("sealed.yaml", "as it was\n");
    directory
}

fn after_a_good_one(document: &str) -> Directory {
    bad(format!("{SECRET}---\n{document}"))
}

#[test]
fn another_kind_of_object_is_refused() {
    after_a_good_one("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n").fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:11:1: expected a Secret of API version v1 but found v1 ConfigMap
  hint: take this document out, or name only files that hold Secrets

"#]],
    );
}

#[test]
fn what_is_sealed_already_is_refused() {
    after_a_good_one("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n").fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:11:1: expected a Secret of API version v1 but found bitnami.com/v1alpha1 SealedSecret
  hint: it is sealed already; seal the Secret it was made from

"#]],
    );
}

#[test]
fn some_other_yaml_file_is_refused() {
    bad("replicas: 3\nimage: web\n").fails(ENCRYPT, "", str![[r#"
error: bad.yaml:1:1: expected a Secret of API version v1 but found an object without apiVersion and kind
  hint: take this document out, or name only files that hold Secrets

"#]]);
    bad("apiVersion: v1\nkind: [Secret]\n").fails(ENCRYPT, "", str![[r#"
error: bad.yaml:1:1: expected a Secret of API version v1 but found an object without apiVersion and kind
  hint: take this document out, or name only files that hold Secrets

"#]]);
    bad("just text\n").fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:1:1: expected a Secret of API version v1 but found text
  hint: take this document out, or name only files that hold Secrets

"#]],
    );
}

#[test]
fn an_input_without_an_object_is_refused() {
    bad("# nothing\n---\n").fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml: holds no Secret

"#]],
    );
    bad("apiVersion: v1\nkind: List\nitems: []\n").fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml: holds no Secret

"#]],
    );
}

#[test]
fn values_that_are_not_base64_are_refused() {
    after_a_good_one(&SECRET.replace("czNjcjN0", "s3cr3t!")).fails(ENCRYPT, "", str![[r#"
error: bad.yaml:19:13: data.password: illegal base64 data at input byte 6; values in data are base64, plain text goes to stringData

"#]]);
}

#[test]
fn ambiguous_scalars_are_refused() {
    let scalars = [
        "0777",
        "on",
        "1_000",
        "~",
        "1.10",
        "1e3",
        "0x1F",
        "12:30",
        "2024-01-01",
    ];
    let documents = scalars.map(|scalar| SECRET.replace("admin", scalar));
    bad(documents.join("---\n")).fails(ENCRYPT, "", str![[r#"
error: bad.yaml:7:9: this plain scalar is an integer, which Kubernetes spells differently; quote it to keep it as text
error: bad.yaml:17:9: this plain scalar is a boolean in YAML 1.1 and text in YAML 1.2; quote it to keep it as text
error: bad.yaml:27:9: this plain scalar is an integer in YAML 1.1 and text in YAML 1.2; quote it to keep it as text
error: bad.yaml:37:9: this plain scalar is null, which Kubernetes spells differently; quote it to keep it as text
error: bad.yaml:47:9: this plain scalar is a floating-point number, which Kubernetes spells differently; quote it to keep it as text
error: bad.yaml:57:9: this plain scalar is a floating-point number, which Kubernetes spells differently; quote it to keep it as text
error: bad.yaml:67:9: this plain scalar is an integer, which Kubernetes spells differently; quote it to keep it as text
error: bad.yaml:77:9: this plain scalar is a number in base 60 in YAML 1.1 and text in YAML 1.2; quote it to keep it as text
error: bad.yaml:87:9: this plain scalar is a timestamp in YAML 1.1 and text in YAML 1.2; quote it to keep it as text

"#]]);
    let quoted = SECRET.replace("admin", "\"0777\"");
    bad(quoted).succeeds(ENCRYPT, "");
}

#[test]
fn duplicate_keys_are_refused() {
    bad(SECRET.replace("  user: admin\n", "  user: admin\n  user: root\n")).fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:8:3: the key "user" stands here and in line 7; remove one of the two

"#]],
    );
}

#[test]
fn broken_yaml_is_refused() {
    after_a_good_one("apiVersion: v1\n kind: [\n").fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:12:6: mapping values are not allowed in this context

"#]],
    );
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let mut bytes = SECRET.as_bytes().to_vec();
    bytes.extend(b"  more: caf\xe9\n");
    bad(&bytes).fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:10:12: not UTF-8 text; save the file as UTF-8

"#]],
    );
    let wide: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bad(&wide).fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:1:1: UTF-16 or UTF-32 text; save the file as UTF-8

"#]],
    );
}

#[test]
fn missing_names_and_namespaces_are_told_together() {
    let nameless = SECRET.replace("  name: db\n", "");
    let nowhere = SECRET.replace("  namespace: team-a\n", "");
    let bare = "apiVersion: v1\nkind: Secret\nstringData: {a: x}\n";
    bad(format!("{nameless}---\n{nowhere}---\n{bare}")).fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:4:3: metadata.name is missing
  hint: add it to the manifest
error: bad.yaml:13:3: metadata.namespace is missing, and strict scope binds the values to it
  hint: add it to the manifest, or name it with --namespace; no kubeconfig is consulted
error: bad.yaml:19:1: metadata.name is missing
  hint: add it to the manifest

"#]],
    );
}

#[test]
fn another_namespace_than_asked_for_is_refused() {
    bad(SECRET).fails(
        &format!("{ENCRYPT} -n team-b"),
        "",
        str![[r#"
error: bad.yaml:5:14: the namespace is "team-a", but --namespace says "team-b"
  hint: correct one of the two, or leave --namespace out

"#]],
    );
}

#[test]
fn one_name_for_several_secrets_is_refused() {
    after_a_good_one(SECRET).fails(
        &format!("{ENCRYPT} --name web"),
        "",
        str![[r#"
error: --name gives one name, but there are 2 Secrets
  hint: seal them one by one, or name them in the manifests

"#]],
    );
}

#[test]
fn empty_data_is_refused() {
    bad("apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: team-a}\n").fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:1:1: the Secret team-a/db holds no data
  hint: if that is intended, add --allow-empty-data

"#]],
    );
}

#[test]
fn what_would_be_lost_is_refused() {
    bad(SECRET.replace("stringData", "stringdata")).fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:6:1: a Secret has no field "stringdata", so what stands there would be lost
  hint: correct its spelling, or remove it; values stand in data (base64) or stringData

"#]],
    );
    bad(SECRET.replace("kind: Secret", "kind: Secret\nimmutable: \"yes\"")).fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:3:12: immutable: expected true or false, found text

"#]],
    );
}

#[test]
fn numbers_where_the_metadata_needs_text_are_refused() {
    let labelled = SECRET.replace("metadata:\n", "metadata:\n  labels: {version: 1.10}\n");
    bad(format!(
        "{labelled}---\n{}",
        SECRET.replace("name: db", "name: 5")
    ))
    .fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:4:21: metadata.labels.version: expected text, found a floating-point number
  hint: quote the value
error: bad.yaml:15:9: metadata.name: expected text, found an integer
  hint: quote the value

"#]],
    );
}

#[test]
fn more_data_than_a_secret_holds_is_refused() {
    bad(SECRET.replace("admin", &"x".repeat(1 << 20))).fails(
        ENCRYPT,
        "",
        str![[r#"
error: bad.yaml:1:1: 1048582 bytes of data, but a Secret holds at most 1048576

"#]],
    );
}

#[test]
fn standard_input_is_named_in_messages() {
    Directory::new().fails(
        "encrypt --cert cert.pem",
        "kind: [",
        str![[r#"
error: <stdin>:1:7: unclosed bracket '['

"#]],
    );
    Directory::new().fails(
        "encrypt --cert cert.pem - -",
        SECRET,
        str![[r#"
error: standard input (-) can be read only once

"#]],
    );
}
