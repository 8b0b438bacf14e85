//! A tree of sealed files in many shapes.

use std::fs;

use seal_api::Scope;
use seal_envelope::Identity;
use seal_keyring::{Certificate, identities_from_pem};
use seal_manifest::{Reading, Stream};
use seal_sealing::{decode, label, seal_value};

use crate::{directory::Directory, vectors};

/// Files with `‹value›` where a sealed value stands, `‹hint›` where the id of its key does, and `‹+hint›`
/// where the hint comes that is not there yet.
pub(super) const FILES: [(&str, &str); 7] = [
    (
        "apps/comments.yaml",
        "# Ask the team first.\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db # bound\n  namespace: team-a\n  annotations:\n    seal.alt/keys: ‹hint› # one key\nspec:\n  encryptedData:\n    user: ‹value› # since 2024\n    password: \"‹value›\"\n  template: {type: Opaque}\n",
    ),
    (
        "apps/documents.yaml",
        "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  annotations:\n    team: a\n‹+hint›  name: db\n  namespace: team-a\nspec:\n  encryptedData:\n    block: |-\n      ‹value›\n---\n# Not sealed.\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n---\nkind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata: {name: db, namespace: team-a, annotations: {seal.alt/keys: '‹hint›'}}\nspec: {encryptedData: {flow: '‹value›', more: ‹value›}}\n...\n",
    ),
    (
        "apps/windows.yml",
        "\u{feff}kind: SealedSecret\r\napiVersion: bitnami.com/v1alpha1\r\nmetadata:\r\n  name: db\r\n  namespace: team-a\r\n  annotations:\r\n    seal.alt/keys: ‹hint›\r\nspec:\r\n  encryptedData:\r\n    user: ‹value›\r\n",
    ),
    (
        "clusters/list.json",
        "{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [\n  {\"kind\": \"SealedSecret\", \"apiVersion\": \"bitnami.com/v1alpha1\",\n   \"metadata\": {\"name\": \"db\", \"namespace\": \"team-a\", \"annotations\": {\"seal.alt/keys\": \"‹hint›\"}},\n   \"spec\": {\"encryptedData\": {\"a\": \"‹value›\", \"b\": \"‹value›\"}}},\n  {\"kind\": \"Secret\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"other\"}}\n]}\n",
    ),
    (
        "clusters/blob.yaml",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: team-a\n  annotations:\n    seal.alt/keys: ‹hint›\nspec:\n  data: ‹value›\n",
    ),
    (
        "clusters/anchors.yaml",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: &names\n  name: db\n  namespace: &home team-a\n  annotations:\n    seal.alt/keys: ‹hint›\nspec:\n  encryptedData:\n    user: ‹value›\n  template:\n    metadata: {namespace: *home}\n",
    ),
    (
        "clusters/large.yaml",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: team-a, annotations: {seal.alt/keys: \"‹hint›\"}}\nspec:\n  encryptedData:\n    a: ‹value›\n    b: ‹value›\n    c: ‹value›\n    d: ‹value›\n    e: ‹value›\n    f: ‹value›\n    g: ‹value›\n    h: ‹value›\n    i: ‹value›\n",
    ),
];

/// The certificate of one of the recorded keys: `rsa2048` is the new one, `rsa3072` the old one.
pub(super) fn certificate(key: &str) -> Certificate {
    let keys = vectors::envelope()["keys"].as_array().unwrap();
    let key = keys.iter().find(|known| known["name"] == key).unwrap();
    Certificate::from_pem(key["cert_pem"].as_str().unwrap().as_bytes()).unwrap()
}

pub(super) fn identity(key: &str) -> Identity {
    let pem = vectors::key(key);
    identities_from_pem(pem.as_bytes()).unwrap().remove(0)
}

/// A value of the object `team-a/db`, sealed with one of the recorded keys.
pub(super) fn sealed(key: &str, plaintext: &str) -> String {
    let label = label(Scope::Strict, "team-a", "db");
    let certificate = certificate(key);
    seal_value(plaintext.as_bytes(), &label, certificate.recipients()).unwrap()
}

/// What a value of `team-a/db` opens to.
pub(super) fn opened(key: &str, text: &str) -> Option<String> {
    let label = label(Scope::Strict, "team-a", "db");
    let plaintext = identity(key).open(&decode(text).unwrap(), &label).ok()?;
    Some(String::from_utf8(plaintext.as_bytes().to_vec()).unwrap())
}

/// A directory with the tree, everything in it under the old key, and with `old.pem`.
pub(super) fn furnished() -> Directory {
    let directory = Directory::new();
    directory.put("old.pem", vectors::key("rsa3072"));
    for place in ["tree/apps", "tree/clusters", "tree/ignored"] {
        fs::create_dir_all(directory.path(place)).unwrap();
    }
    for (file, text) in FILES {
        let values: Vec<_> = (0..text.matches("‹value›").count())
            .map(|number| sealed("rsa3072", &format!("{file} {number}")))
            .collect();
        let hint = certificate("rsa3072").key_id().to_string();
        directory.put(&format!("tree/{file}"), filled(text, &values, &hint, None));
    }
    let chart = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n{{ if .Values.x }}\nspec: {}\n{{ end }}\n";
    directory.put("tree/apps/chart.yaml", chart);
    directory.put("tree/apps/values.yaml", "replicas: 3\n");
    directory.put("tree/.gitignore", "ignored/\n");
    let ignored = FILES[0].1.replace("‹value›", "AgA=");
    directory.put("tree/ignored/sealed.yaml", ignored);
    directory
}

/// The text with values, the id of a key, and a hint where there was none.
fn filled(text: &str, values: &[String], hint: &str, new_hint: Option<&str>) -> String {
    let new_hint = new_hint.map(|hint| format!("    seal.alt/keys: {hint}\n"));
    let mut text = text
        .replace("‹hint›", hint)
        .replace("‹+hint›", new_hint.as_deref().unwrap_or_default());
    for value in values {
        text = text.replacen("‹value›", value, 1);
    }
    text
}

/// The sealed values of a file, in their order.
pub(super) fn values(directory: &Directory, file: &str) -> Vec<String> {
    let text = directory.read(&format!("tree/{file}"));
    let stream = Stream::parse(file, text, Reading::Strict).unwrap();
    let mut values = Vec::new();
    for document in stream.documents() {
        for object in document.objects().unwrap() {
            let Some(spec) = object.get("spec").unwrap() else {
                continue;
            };
            if let Some(blob) = spec.get("data").unwrap() {
                values.push(blob.text().unwrap().to_string());
            }
            if let Some(items) = spec.get("encryptedData").unwrap() {
                for entry in items.entries().unwrap() {
                    values.push(entry.value.text().unwrap().to_string());
                }
            }
        }
    }
    values
}

/// Whether everything in a file is under the new key, and not a byte beside values and hints is new.
#[track_caller]
pub(super) fn expect_rotated(directory: &Directory, file: &str) {
    let template = FILES.iter().find(|(name, _)| *name == file).unwrap().1;
    let values = values(directory, file);
    for (number, value) in values.iter().enumerate() {
        let expected = format!("{file} {number}");
        assert_eq!(opened("rsa2048", value), Some(expected), "{file}");
    }
    let hint = certificate("rsa2048").key_id().to_string();
    let expected = filled(template, &values, &hint, Some(&hint));
    assert_eq!(directory.read(&format!("tree/{file}")), expected, "{file}");
}

/// Whether everything in a file is under the old key still.
pub(super) fn is_old(directory: &Directory, file: &str) -> bool {
    let values = values(directory, file);
    values
        .iter()
        .all(|value| opened("rsa3072", value).is_some())
}
