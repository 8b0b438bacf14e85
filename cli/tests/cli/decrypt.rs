use serde_json::{Map, Value, json};

use crate::{directory::Directory, vectors};

#[test]
fn what_upstream_sealed_opens_as_upstream_opens_it() {
    let directory = Directory::new();
    let cases = vectors::envelope()["unseal"].as_array().unwrap();
    let mut opened = 0;
    for case in cases {
        let keys = case["keys"].as_array().unwrap();
        if case["secret"].is_null() || keys.is_empty() {
            continue;
        }
        let mut arguments = "decrypt -o json".to_owned();
        for key in keys {
            let name = key.as_str().unwrap();
            directory.put(name, vectors::key(name));
            arguments.push_str(&format!(" --identity {name}"));
        }
        let sealed = case["sealed"].to_string();
        let secret = directory.succeeds(&arguments, &sealed);
        let secret: Value = serde_json::from_str(&secret).unwrap();
        assert_eq!(secret, expected(&case["secret"]), "{}", case["name"]);
        opened += 1;
    }
    assert!(opened >= 80, "only {opened}");
}

#[test]
fn a_private_key_may_begin_with_a_byte_order_mark() {
    let directory = Directory::new();
    let key = directory.read("key.pem");
    directory.put("bom.pem", format!("\u{feff}{key}"));
    let sealed = directory.succeeds("encrypt --cert cert.pem secret.yaml", "");
    let opened = directory.succeeds("decrypt -i bom.pem", &sealed);
    assert!(opened.contains("password: czNjcjN0"), "{opened}");
}

/// Without the owner, with empty values as empty texts, and with all values in `data`.
fn expected(secret: &Value) -> Value {
    let mut secret = secret.clone();
    let fields = secret.as_object_mut().unwrap();
    let metadata = fields["metadata"].as_object_mut().unwrap();
    metadata.remove("ownerReferences");
    metadata.retain(|_, value| *value != json!({}));
    let mut data = match fields.remove("data") {
        Some(Value::Object(data)) => data,
        _ => Map::new(),
    };
    for value in data.values_mut().filter(|value| value.is_null()) {
        *value = "".into();
    }
    if let Some(Value::Object(texts)) = fields.remove("stringData") {
        let encoded = |text: &Value| seal_sealing::encode(text.as_str().unwrap().as_bytes());
        data.extend(
            texts
                .iter()
                .map(|(key, text)| (key.clone(), encoded(text).into())),
        );
    }
    if !data.is_empty() {
        fields.insert("data".into(), data.into());
    }
    secret
}

#[test]
fn keys_come_from_the_lists_that_kubectl_prints() {
    let directory = Directory::new();
    let encode = |name: &str| seal_sealing::encode(directory.read(name).as_bytes());
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": "sealed-secrets-keyxyz12" },
        "type": "kubernetes.io/tls",
        "data": { "tls.crt": encode("cert.pem"), "tls.key": encode("key.pem") },
    });
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [secret] });
    let sealed = vectors::object("scope-strict").to_string();
    directory.put("sealed.json", &sealed);
    directory.put(
        "keys.yaml",
        seal_manifest::to_yaml(&list).unwrap().as_bytes(),
    );
    for keys in [secret.to_string(), list.to_string()] {
        directory.put("keys.json", keys);
        directory.succeeds("decrypt -i keys.json sealed.json", "");
    }
    directory.succeeds("decrypt -i keys.yaml sealed.json", "");
    let piped = directory.succeeds("decrypt -i - sealed.json", &list.to_string());
    assert!(piped.contains("password: czNjcjN0"), "{piped}");
}

#[test]
fn a_moved_object_opens_in_the_namespace_that_it_is_said_to_be_from() {
    let directory = Directory::new();
    let mut sealed = vectors::object("scope-strict").clone();
    sealed["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("namespace");
    directory.succeeds("decrypt -i key.pem -n team-a", &sealed.to_string());
}

#[test]
fn a_file_with_plaintext_is_for_its_owner_alone() {
    let directory = Directory::new();
    let sealed = vectors::object("scope-strict").to_string();
    directory.put("secret.json", "");
    directory.succeeds("decrypt -i key.pem -w secret.json", &sealed);
    assert_eq!(directory.mode("secret.json"), 0o600);
    assert!(directory.read("secret.json").starts_with('{'));
    directory.succeeds("decrypt -i key.pem -w new.yaml", &sealed);
    assert_eq!(directory.mode("new.yaml"), 0o600);
    assert!(
        directory
            .read("new.yaml")
            .starts_with("---\napiVersion: v1\n")
    );
}
