//! What the HTTP API answers, and what it does not tell.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

mod served;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use seal_api::{Scope, SealedSecret, annotations};
use seal_envelope::KeySize;
use seal_keyring::{Key, KeyOrder, Keyring, NewKey};
use seal_sealing::{label, seal_value, unseal};
use serde_json::{Value, json};

use self::served::Api;

/// The old key, the current one, and one that the controller does not hold.
static KEYS: LazyLock<[Arc<Key>; 3]> = LazyLock::new(|| {
    [
        "2024-01-01T00:00:00Z",
        "2025-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
    ]
    .map(|begins| {
        let begins: Timestamp = begins.parse().unwrap();
        let year = SignedDuration::from_hours(24 * 365);
        let key = NewKey::generate(KeySize::Rsa2048, begins, year, "").unwrap();
        let secret = key.secret(
            "ns",
            begins.to_string().as_str(),
            BTreeMap::new(),
            BTreeMap::new(),
        );
        Arc::new(Key::from_secret(secret.unwrap()).unwrap())
    })
});

fn started() -> Api {
    Api::with_keys(KEYS[..2].iter().cloned())
}

fn object(key: usize, scope: Scope) -> Value {
    let text = seal_value(
        b"s3cr3t",
        &label(scope, "team-a", "db"),
        KEYS[key].public().recipients(),
    );
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": { "name": "db", "namespace": "team-a", "labels": { "app": "shop" } },
        "spec": {
            "encryptedData": { "password": text.unwrap() },
            "template": { "type": "Opaque", "data": { "url": "{{ .password }}" }, "later": true },
        },
        "unknown": 1,
    });
    if let Some(annotation) = scope.annotation() {
        object["metadata"]["annotations"] = json!({ annotation: "true" });
    }
    object
}

fn opens_with(object: &Value, key: usize) -> bool {
    let mut sealed = SealedSecret::decode(object.clone()).unwrap();
    sealed.spec.template.data = None;
    unseal(&sealed, &[KEYS[key].identity()], true).is_ok()
}

#[tokio::test]
async fn it_is_ready_when_told_and_healthy_from_the_start() {
    let api = started();
    assert_eq!(api.get("/healthz").await, (StatusCode::OK, "ok\n".into()));
    assert_eq!(api.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    api.ready.send_replace(true);
    assert_eq!(api.get("/readyz").await, (StatusCode::OK, "ok\n".into()));
}

#[tokio::test]
async fn the_newest_certificate_is_served_once_there_is_one() {
    let api = Api::with_burst(1);
    assert_eq!(
        api.get("/v1/cert.pem").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    api.sink.put(
        Keyring::new(KEYS[..2].iter().cloned(), KeyOrder::default()),
        vec![],
    );
    let (status, pem) = api.get("/v1/cert.pem").await;
    assert_eq!((status, pem), (StatusCode::OK, KEYS[1].public().to_text()));
}

#[tokio::test]
async fn verifying_accepts_what_opens_in_json_yaml_and_lists() {
    let api = started();
    let list = json!({ "kind": "List", "items": [object(0, Scope::Strict), object(1, Scope::ClusterWide)] });
    let yaml = "# a comment\n".to_owned() + &object(1, Scope::NamespaceWide).to_string();
    for body in [object(0, Scope::Strict).to_string(), list.to_string(), yaml] {
        assert_eq!(api.post("/v1/verify", body).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn whatever_does_not_open_gets_the_same_answer() {
    let api = started();
    let mut renamed = object(1, Scope::Strict);
    renamed["metadata"]["name"] = "renamed".into();
    let mut widened = object(1, Scope::Strict);
    widened["metadata"]["annotations"] = json!({ annotations::CLUSTER_WIDE: "true" });
    let mut damaged = object(1, Scope::Strict);
    damaged["spec"]["encryptedData"]["password"] = "AAAA".into();
    let mut no_base64 = object(1, Scope::Strict);
    no_base64["spec"]["encryptedData"]["password"] = "!".into();
    let unknown_key = object(2, Scope::Strict);
    let bad_item = json!({ "kind": "List", "items": [object(0, Scope::Strict), unknown_key] });
    for body in [renamed, widened, damaged, no_base64, unknown_key, bad_item] {
        let answer = api.post("/v1/verify", &body).await;
        assert_eq!(
            answer,
            (StatusCode::CONFLICT, "no key could decrypt secret\n".into())
        );
        let answer = api.post("/v1/rotate", &body).await;
        let refused = (
            StatusCode::INTERNAL_SERVER_ERROR,
            "no key could decrypt secret\n".into(),
        );
        assert_eq!(answer, refused);
    }
}

#[tokio::test]
async fn malformed_and_several_documents_are_refused() {
    let api = started();
    let two = format!(
        "{}\n---\n{}",
        object(1, Scope::Strict),
        object(1, Scope::Strict)
    );
    let secret = json!({ "apiVersion": "v1", "kind": "Secret" }).to_string();
    for body in [
        "".into(),
        "{".into(),
        "a: [".into(),
        two,
        secret,
        "[]".into(),
        "5".into(),
        "{}".into(),
        json!({ "kind": "List", "items": [] }).to_string(),
        json!({ "kind": "SealedSecret", "spec": { "encryptedData": ["x"] } }).to_string(),
        "a: \"…\"".into(),
    ] {
        for path in ["/v1/verify", "/v1/rotate"] {
            let (status, text) = api.post(path, &body).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}: {text}");
        }
    }
}

#[tokio::test]
async fn rotating_seals_with_the_current_key_and_keeps_everything_else() {
    let api = started();
    for scope in Scope::ALL {
        let old = object(0, scope);
        let (status, body) = api.post("/v1/rotate", &old).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let mut new: Value = serde_json::from_str(&body).unwrap();
        assert!(opens_with(&new, 1) && !opens_with(&new, 0));
        let hint = new["metadata"]["annotations"]
            .as_object_mut()
            .unwrap()
            .remove(annotations::KEY_HINTS);
        assert_eq!(hint, Some(json!(KEYS[1].id().as_str())));
        new["spec"]["encryptedData"] = old["spec"]["encryptedData"].clone();
        let mut expected = old;
        expected["metadata"]
            .as_object_mut()
            .unwrap()
            .entry("annotations")
            .or_insert(json!({}));
        assert_eq!(new, expected);
    }
}

#[tokio::test]
async fn rotating_a_list_rotates_each_and_the_deprecated_blob_stays_one() {
    let api = started();
    let mut blob = object(0, Scope::Strict);
    blob["spec"] = json!({ "data": blob["spec"]["encryptedData"]["password"] });
    let list =
        json!({ "apiVersion": "v1", "kind": "List", "items": [object(0, Scope::Strict), blob] });
    let (status, body) = api.post("/v1/rotate", &list).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let new: Value = serde_json::from_str(&body).unwrap();
    assert!(opens_with(&new["items"][0], 1));
    assert!(new["items"][1]["spec"]["data"].is_string());
    assert_eq!(api.post("/v1/verify", &new).await.0, StatusCode::OK);
}

#[tokio::test]
async fn rotating_leaves_what_is_current_as_it_is_when_that_is_asked_for() {
    let api = started();
    let mut mixed = object(0, Scope::Strict);
    let current = object(1, Scope::Strict)["spec"]["encryptedData"]["password"].clone();
    mixed["spec"]["encryptedData"]["current"] = current.clone();
    let values = |answer: (StatusCode, String)| {
        assert_eq!(answer.0, StatusCode::OK, "{}", answer.1);
        let object: Value = serde_json::from_str(&answer.1).unwrap();
        object["spec"]["encryptedData"].clone()
    };
    let kept = values(api.post("/v1/rotate?keep=current", &mixed).await);
    assert_eq!(kept["current"], current);
    assert_ne!(kept["password"], mixed["spec"]["encryptedData"]["password"]);
    let all = values(api.post("/v1/rotate", &mixed).await);
    assert_ne!(all["current"], current);
}

/// CVE-2026-22728: the scope of the template must not become that of the values.
#[tokio::test]
async fn the_template_cannot_widen_the_scope() {
    let api = started();
    let mut object = object(0, Scope::Strict);
    object["spec"]["template"]["metadata"] =
        json!({ "annotations": { annotations::CLUSTER_WIDE: "true" } });
    let (_, body) = api.post("/v1/rotate", &object).await;
    let mut new: Value = serde_json::from_str(&body).unwrap();
    assert!(opens_with(&new, 1));
    new["metadata"]["name"] = "elsewhere".into();
    assert!(!opens_with(&new, 1));
}

/// Upstream #2019, #2049: rendering for whoever asks would be an oracle for the values.
#[tokio::test]
async fn templates_are_never_rendered_for_somebody_outside() {
    let api = started();
    let mut object = object(0, Scope::Strict);
    let broken = json!("{{ fail .password }}{{ nofunc");
    object["spec"]["template"]["data"] = json!({ "url": broken });
    assert_eq!(
        api.post("/v1/verify", &object).await,
        (StatusCode::OK, String::new())
    );
    let (status, body) = api.post("/v1/rotate", &object).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let new: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(new["spec"]["template"]["data"]["url"], broken);
    assert!(!body.contains("s3cr3t"));
}

/// Only the controller's own current key counts, whatever a request names.
#[tokio::test]
async fn rotating_encrypts_to_nobody_that_the_request_names() {
    let api = started();
    let mut asked = object(0, Scope::Strict);
    let stranger = KEYS[2].id().to_string();
    asked["metadata"]["annotations"] = json!({ annotations::KEY_HINTS: stranger });
    asked["spec"]["recipients"] = json!([KEYS[2].public().to_text()]);
    let (status, body) = api.post("/v1/rotate", asked).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let rotated: Value = serde_json::from_str(&body).unwrap();
    assert!(opens_with(&rotated, 1) && !opens_with(&rotated, 2));
    let current = KEYS[1].id().to_string();
    assert_eq!(
        rotated["metadata"]["annotations"][annotations::KEY_HINTS],
        current
    );
}

/// Upstream #1971: a header that anybody can set opens no new account.
#[tokio::test]
async fn a_forwarded_address_does_not_lift_the_rate_limit() {
    // Nobody is trusted, or somebody else.
    for proxies in ["", "10.0.0.0/8"] {
        let api = Api::behind(proxies, 1);
        assert!(api.admits_for("192.0.2.1").await);
        assert!(!api.admits_for("192.0.2.2").await, "{proxies:?}");
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_a_rate_of_its_own() {
    let api = Api::behind("127.0.0.0/8", 1);
    for client in ["192.0.2.1", "192.0.2.2"] {
        assert!(api.admits_for(client).await);
        assert!(!api.admits_for(client).await);
        // What the client wrote itself is no other client.
        let forged = format!("198.51.100.1, {client}");
        assert!(!api.admits_for(&forged).await);
    }
}

/// Upstream #1904, #2045: keys that came while others were used crashed it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_that_come_and_go_while_many_ask_disturb_nobody() {
    let api = Arc::new(started());
    let changes = Arc::new(AtomicUsize::new(0));
    let asking = (0..8).map(|number| {
        let (api, changes) = (Arc::clone(&api), Arc::clone(&changes));
        tokio::spawn(async move {
            let mut asked = 0;
            while asked < 20 || changes.load(Ordering::Relaxed) < 8 {
                asked += 1;
                // The current key is always there, the old one comes and goes.
                let (status, text) = api.post("/v1/verify", object(1, Scope::Strict)).await;
                assert_eq!(status, StatusCode::OK, "{text}");
                let (status, _) = api.post("/v1/verify", object(0, Scope::Strict)).await;
                assert!(matches!(status, StatusCode::OK | StatusCode::CONFLICT));
                let (status, pem) = api.get("/v1/cert.pem").await;
                assert_eq!(status, StatusCode::OK);
                assert_eq!(pem, KEYS[1].public().to_text(), "{number}");
            }
        })
    });
    let asking: Vec<_> = asking.collect();
    while asking.iter().any(|task| !task.is_finished()) {
        let keys = KEYS[changes.load(Ordering::Relaxed) % 2..2].iter().cloned();
        api.sink
            .put(Keyring::new(keys, KeyOrder::default()), vec![]);
        changes.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    for task in asking {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_long_body_is_refused_with_the_limit() {
    let api = started();
    let (status, text) = api.post("/v1/verify", " ".repeat(65 * 1024)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text, "the body is longer than 65536 bytes\n");
}

#[tokio::test]
async fn a_request_that_would_cost_too_many_operations_is_refused() {
    let api = started();
    let mut many = object(1, Scope::Strict);
    let items = (0..3000).map(|item| (format!("{item}"), json!("AAAA")));
    many["spec"]["encryptedData"] = Value::Object(items.collect());
    let (status, text) = api.post("/v1/verify", &many).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{text}");
}

#[tokio::test]
async fn a_peer_that_asks_too_often_is_told_to_wait_and_health_is_still_served() {
    let api = Api::with_burst(2);
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(api.post("/v1/verify", "{").await.0);
    }
    let refused = StatusCode::INTERNAL_SERVER_ERROR;
    assert_eq!(answers, [refused, refused, StatusCode::TOO_MANY_REQUESTS]);
    assert_eq!(api.get("/healthz").await.0, StatusCode::OK);
}
