//! Checking and re-encrypting over HTTP, of a real controller with its real limits.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use seal_api::SealedSecret;
use seal_tests::{ControlPlane, Installation};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::site::Site;

/// As many requests as may be made at once; each test is one peer.
const NO_RATE: [&str; 2] = ["--rate-limit=1000", "--rate-limit-burst=1000"];

/// As many as may wait at most.
const REQUESTS: usize = 32;

/// The longest body that is taken.
const LONGEST: usize = 4 * 1024 * 1024;

#[tokio::test]
async fn bodies_of_four_mebibytes_are_checked_and_re_encrypted_and_longer_ones_refused() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&NO_RATE).await;
    let site = Site::on(&plane, &controller, "bodies").await;
    let small = serde_json::to_value(site.seal("small", &[("a", "1")])).unwrap();
    let large = |padding: usize| {
        let mut large = serde_json::to_value(site.seal("large", &[("a", "1")])).unwrap();
        large["spec"]["template"]["data"] = json!({"readme": "x".repeat(padding)});
        json!({"apiVersion": "v1", "kind": "List", "items": [small, large]})
    };
    let as_json = |list: &Value| list.to_string();
    let as_yaml = |list: &Value| serde_yaml::to_string(list).unwrap();
    for write in [&as_json as &dyn Fn(&Value) -> String, &as_yaml] {
        let around = write(&large(1_000)).len() - 1_000;
        let list = large(LONGEST - around);
        assert_eq!(write(&list).len(), LONGEST);
        let checked = controller.http.post("/v1/verify", write(&list)).await;
        assert_eq!(checked.status, 200, "{}", checked.body);
        let again = controller.http.post("/v1/rotate", write(&list)).await;
        assert_eq!(again.status, 200, "{}", again.body);
        let again: Value = serde_json::from_str(&again.body).unwrap();
        let readme = "/items/1/spec/template/data/readme";
        assert!(again.pointer(readme) == list.pointer(readme));
        let value = "/items/1/spec/encryptedData/a";
        assert_ne!(again.pointer(value), list.pointer(value));

        for path in ["/v1/verify", "/v1/rotate"] {
            let refused = controller.http.post(path, write(&list) + "\n").await;
            assert_eq!(refused.status, 413, "{}", refused.body);
        }
    }
}

/// That what is new comes first is shown without a clock in `controller/tests/fairness.rs`.
#[tokio::test]
async fn while_as_many_as_may_wait_ask_over_http_new_objects_are_unsealed_and_all_are_answered() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&NO_RATE).await;
    let site = Site::on(&plane, &controller, "load").await;
    let dear = serde_json::to_string(&dear(&site)).unwrap();
    let mut asked = JoinSet::new();
    for number in 0..REQUESTS {
        let (http, dear) = (controller.http.clone(), dear.clone());
        let path = ["/v1/verify", "/v1/rotate"][number % 2];
        asked.spawn(async move { http.post(path, dear).await });
    }
    for name in ["a", "b", "c"] {
        site.unseal(&site.seal(name, &[("a", "1")])).await;
    }
    for answer in asked.join_all().await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// An object that takes several turns of private-key operations.
fn dear(site: &Site) -> SealedSecret {
    let mut dear = site.seal("dear", &[("a", "1")]);
    let value = dear.spec.encrypted_data["a"].clone();
    let items = (0..40).map(|number| (format!("item-{number}"), value.clone()));
    dear.spec.encrypted_data = items.collect();
    dear
}
