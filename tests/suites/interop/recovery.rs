//! Without a cluster: each side's recovery opens what the other sealed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use seal_keyring::{KEY_LABEL, Key};
use seal_tests::Workdir;
use serde_json::{Value, json};

use super::{Samples, bytes, expected_bytes};
use crate::site::{Site, certificate};

/// A desk with the shared controller's certificate and a backup of its keys as kubectl prints it.
async fn desk() -> Option<(Samples, Workdir)> {
    let (site, controller) = Site::shared("recovery").await?;
    let desk = Workdir::new();
    desk.write("cert.pem", certificate(&controller).await.to_pem());
    let keys = site.secrets_in(controller.installation().namespace());
    let keys = keys
        .list(&ListParams::default().labels(KEY_LABEL))
        .await
        .unwrap();
    // Other tests put broken ones beside them, which kubeseal cannot bear in a backup.
    let sound = |it: &Secret| Key::from_secret(it.clone()).is_ok();
    let keys: Vec<_> = keys.items.into_iter().filter(sound).map(backup).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": keys});
    desk.write("keys.yaml", serde_yaml::to_string(&list).unwrap());
    Some((Samples::new(site.name()), desk))
}

/// As kubectl prints it.
fn backup(key: Secret) -> Value {
    let mut key = serde_json::to_value(key).unwrap();
    key["apiVersion"] = json!("v1");
    key["kind"] = json!("Secret");
    key
}

#[tokio::test]
async fn kubeseal_recovers_what_seal_sealed() {
    let Some((samples, desk)) = desk().await else {
        return;
    };
    for manifest in samples.all() {
        let sealed = desk
            .seal(&["encrypt", "--cert=cert.pem"], &manifest.to_string())
            .expect_success();
        let args = ["--recovery-unseal", "--recovery-private-key=keys.yaml"];
        let opened = desk.kubeseal(&args, &sealed).expect_success();
        assert_opened(&opened, &manifest);
    }
}

#[tokio::test]
async fn seal_recovers_what_kubeseal_sealed() {
    let Some((samples, desk)) = desk().await else {
        return;
    };
    for manifest in samples.all() {
        let sealed = desk
            .kubeseal(&["--cert=cert.pem"], &manifest.to_string())
            .expect_success();
        desk.write("sealed.json", sealed);
        let args = [
            "decrypt",
            "--identity=keys.yaml",
            "sealed.json",
            "-o",
            "json",
        ];
        assert_opened(&desk.seal(&args, "").expect_success(), &manifest);
    }
}

/// `opened` is the Secret that the manifest describes.
fn assert_opened(opened: &str, manifest: &Value) {
    let secret: Secret = serde_json::from_str(opened).unwrap();
    assert_eq!(
        secret.metadata.name.as_deref(),
        manifest["metadata"]["name"].as_str()
    );
    assert_eq!(
        secret.metadata.namespace.as_deref(),
        manifest["metadata"]["namespace"].as_str()
    );
    assert_eq!(secret.type_.as_deref(), manifest["type"].as_str());
    assert_eq!(bytes(&secret), expected_bytes(manifest));
}
