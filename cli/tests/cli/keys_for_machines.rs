//! What the commands about keys print for machines, as its schemas say.

use seal_envelope::KeyKind;
use seal_keyring::{AGE_KEY_LABEL, KEY_LABEL, NOT_BEFORE};
use serde_json::{Value, json};

use crate::{
    age_keys::AgeKeys, directory::Directory, keys::with_kubeconfig, schemas::expect_valid,
    server::Server, vectors,
};

const KEYS: &str = "/api/v1/namespaces/kube-system/configmaps/seal-keys";
const REQUESTS: &str = "/api/v1/namespaces/kube-system/configmaps/seal-key-requests?";
const SEALED: &str = "/apis/bitnami.com/v1alpha1/sealedsecrets?&limit=500";

/// What the controller tells of its keys, and how it answered.
fn desk(keys: &[Value], answers: &Value) -> String {
    let inventory = json!({ "keys": keys }).to_string();
    json!({
        "metadata": { "name": "seal-keys" },
        "data": { "keys.json": inventory, "answers.json": answers.to_string() },
    })
    .to_string()
}

/// Keys of both kinds in every standing, with everything that may be known of them.
fn inventory() -> Vec<Value> {
    let digest = format!("sha256:{}", "0a".repeat(32));
    vec![
        json!({
            "secret": "k1", "standing": "current", "id": "SHA256:a", "kind": "RSA-4096",
            "created": "2026-01-01T00:00:00Z",
            "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2036-01-01T00:00:00Z",
            "backup": { "digest": digest, "time": "2026-01-02T03:04:05Z" },
            "madeFor": ["r1", "r2"], "succeeds": "SHA256:b",
        }),
        json!({
            "secret": "k2", "standing": "awaits-backup", "id": "SHA256:b", "kind": "RSA-4096",
            "notBefore": "2025-01-01T00:00:00Z", "notAfter": "2035-01-01T00:00:00Z",
            "backup": { "digest": digest },
        }),
        json!({
            "secret": "age1", "standing": "current", "id": "SHA256:c",
            "kind": "ML-KEM-768+X25519", "notBefore": "2026-01-01T00:00:00Z",
        }),
        json!({
            "secret": "age2", "standing": "active", "id": "SHA256:d", "kind": "X25519",
            "notBefore": "2025-01-01T00:00:00Z", "created": "2025-01-01T00:00:00Z",
        }),
        json!({ "secret": "broken", "standing": "malformed", "problem": "tls.key is missing" }),
        json!({ "secret": "leaked", "standing": "compromised", "id": "SHA256:e" }),
        json!({ "secret": "moved", "standing": "elsewhere", "id": "SHA256:f" }),
    ]
}

fn printed(directory: &Directory, command: &str) -> Value {
    let text = directory.succeeds(&format!("{command} --kubeconfig config --output json"), "");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn keys_of_every_kind_and_standing_are_listed_as_the_schema_says() {
    let sealed = |name: &str, keys: &[&str]| {
        json!({
            "metadata": { "name": name, "namespace": "team-a" },
            "spec": { "encryptedData": { "a": "x", "b": "y" } },
            "status": { "record": { "keys": keys } },
        })
    };
    let list = json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecretList",
        "metadata": {},
        "items": [sealed("one", &["SHA256:a", "SHA256:c"]), sealed("two", &["SHA256:lost"])],
    });
    let server = Server::start([
        (KEYS, 200, desk(&inventory(), &json!({}))),
        (SEALED, 200, list.to_string()),
    ]);
    let directory = with_kubeconfig(&server);
    let sealed = directory.succeeds("encrypt --cert cert.pem secret.yaml", "");
    directory.put("sealed.yaml", sealed);

    let told = printed(&directory, "keys list sealed.yaml");
    expect_valid("keys-list", &told);
    let standings: Vec<_> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["standing"].as_str().unwrap())
        .collect();
    let expected = "current awaits-backup current active malformed compromised elsewhere gone gone";
    assert_eq!(standings.join(" "), expected);
    let at_most = json!({ "objects": 1, "values": 2, "atMost": true });
    assert_eq!(
        (&told[0]["cluster"], &told[2]["cluster"]),
        (&at_most, &at_most)
    );
    assert_eq!(told[0]["backup"], inventory()[0]["backup"]);
    let gone = json!({
        "standing": "gone",
        "id": "SHA256:lost",
        "cluster": { "objects": 1, "values": 2 },
        "files": { "objects": 0, "values": 0 },
    });
    assert!(told.as_array().unwrap().contains(&gone), "{told:#}");

    // Where nothing can be counted, and where there is nothing.
    let forbidden = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure",
        "message": "forbidden", "reason": "Forbidden", "code": 403,
    });
    server.answer([
        (KEYS, 200, desk(&inventory(), &json!({}))),
        (SEALED, 403, forbidden.to_string()),
    ]);
    let told = printed(&directory, "keys list");
    expect_valid("keys-list", &told);
    assert_eq!(told[0].get("cluster"), None);
    server.answer([
        (KEYS, 200, desk(&[], &json!({}))),
        (
            SEALED,
            200,
            json!({ "metadata": {}, "items": [] }).to_string(),
        ),
    ]);
    let told = printed(&directory, "keys list");
    expect_valid("keys-list", &told);
    assert_eq!(told, json!([]));
}

#[test]
fn a_new_key_is_told_as_the_schema_says() {
    let done = json!({ "state": "done", "oldKey": "SHA256:a", "newKey": "SHA256:n" });
    let first = json!({ "state": "awaits-backup", "newKey": "SHA256:n" });
    for outcome in [done, first] {
        let mut answer = outcome.clone();
        answer["time"] = "2026-01-01T00:00:00Z".into();
        let requests = json!({ "metadata": { "name": "seal-key-requests" } });
        let server = Server::start([
            (REQUESTS, 200, requests.to_string()),
            (KEYS, 200, desk(&[], &json!({ "r1": answer }))),
        ]);
        let directory = with_kubeconfig(&server);
        let told = printed(&directory, "keys rotate --kind age --request-id r1");
        expect_valid("keys-rotate", &told);
        let mut expected = outcome;
        expected["requestId"] = "r1".into();
        assert_eq!(told, expected);
    }
}

#[test]
fn what_a_backup_holds_and_lacks_is_told_as_the_schema_says() {
    let server = Server::start([(KEYS, 200, desk(&inventory(), &json!({})))]);
    let directory = with_kubeconfig(&server);
    AgeKeys::put_in(&directory, KeyKind::MlKem768X25519, &["pq"]);
    AgeKeys::put_in(&directory, KeyKind::X25519, &["own"]);
    let age = |name: &str, state: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "labels": { AGE_KEY_LABEL: state },
                "annotations": { NOT_BEFORE: "2026-01-01T00:00:00Z" },
            },
            "stringData": { "identity.txt": directory.read(&format!("{name}.key")) },
        })
    };
    let rsa = &vectors::envelope()["keys"][0];
    let rsa = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": "rsa", "labels": { KEY_LABEL: "active" } },
        "stringData": { "tls.key": rsa["pkcs1_pem"], "tls.crt": rsa["cert_pem"] },
    });
    let items = [rsa, age("pq", "active"), age("own", "my-words")];
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    directory.put("keys.yaml", list.to_string());

    let offline = printed(&directory, "keys verify-backup keys.yaml --offline");
    expect_valid("keys-verify-backup", &offline);
    assert!(server.requests().is_empty());
    let keys = offline["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 3);
    let has_end = |key: &&Value| key.get("notAfter").is_some();
    assert_eq!(keys.iter().filter(has_end).count(), 1, "age keys have none");

    let command = "keys verify-backup keys.yaml --kubeconfig config --output json";
    let asked = directory.seal(command).assert().code(1);
    let told: Value = serde_json::from_slice(&asked.get_output().stdout).unwrap();
    expect_valid("keys-verify-backup", &told);
    assert_eq!(told["keys"], offline["keys"]);
    assert_eq!(told["missing"], json!(inventory()[..4]));
}
