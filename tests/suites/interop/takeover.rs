//! One controller after the other in the same namespace, with the same keys.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, api::ListParams};
use seal_keyring::KEY_LABEL;
use seal_tests::{
    ControlPlane, Installation, Namespace, Upstream, Workdir, upstream_crd, wait_for,
};

use crate::site::{Site, certificate, put_value};

#[tokio::test]
async fn our_controller_takes_over_from_upstreams_and_hands_back_without_a_trace() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    plane.apply(&upstream_crd());
    let home = Namespace::create(&plane, "sealed-secrets");
    let upstream = Upstream::start(&plane, home.name(), &[]).await;
    let pem = upstream.http.get("/v1/cert.pem").await.body;
    let desk = Workdir::new();
    desk.write("cert.pem", &pem);
    let team = Namespace::create(&plane, "team");
    let client = plane.client().await;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), team.name());
    seal_and_apply(&plane, &desk, &team, "first");
    let first = wait_for(&secrets, "first", "unsealed by upstream", |_| true).await;
    assert!(upstream.stop().await.success());
    let keys = key_secrets(&client, home.name()).await;
    assert_eq!(keys.len(), 1);

    let installation = Installation::succeed(&plane, home).await;
    let controller = installation.start(&[]).await;
    assert_eq!(
        certificate(&controller).await.to_pem().trim(),
        pem.trim(),
        "the same key seals"
    );
    assert_eq!(
        key_secrets(&client, installation.namespace()).await,
        keys,
        "no key was made or touched"
    );
    let site = Site::on(&plane, &controller, "site").await;
    site.pass("new").await;
    let sealed: Api<seal_api::SealedSecret> = Api::namespaced(client.clone(), team.name());
    wait_for(&sealed, "first", "taken over", crate::site::is_synced).await;
    assert_eq!(
        secrets.get("first").await.unwrap(),
        first,
        "what is right is not rewritten"
    );
    site.unseal(&site.seal("ours", &[("a", "1")])).await;
    assert!(controller.stop().await.success());

    let home = installation.vacate();
    let upstream = Upstream::start(&plane, home.name(), &[]).await;
    assert_eq!(upstream.http.get("/v1/cert.pem").await.body, pem);
    seal_and_apply(&plane, &desk, &team, "second");
    wait_for(&secrets, "second", "unsealed by upstream again", |_| true).await;
    assert_eq!(key_secrets(&client, home.name()).await, keys);
    let ours = site.secrets().get("ours").await.unwrap();
    site.change("ours", |it| it.spec = site.seal("ours", &[("a", "2")]).spec)
        .await;
    let changed = site.secret_with("ours", &[("a", "2")]).await;
    assert_eq!(
        changed.metadata.uid, ours.metadata.uid,
        "upstream takes our Secret for its own"
    );
    assert!(upstream.stop().await.success());
}

#[tokio::test]
async fn upstreams_controller_takes_over_the_keys_that_ours_made() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let installation = Installation::create(&plane).await;
    let controller = installation.start(&[]).await;
    let site = Site::on(&plane, &controller, "site").await;
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    let pem = certificate(&controller).await.to_pem();
    assert!(controller.stop().await.success());
    let keys = key_secrets(&site.client(), installation.namespace()).await;

    let home = installation.vacate();
    let upstream = Upstream::start(&plane, home.name(), &[]).await;
    assert_eq!(
        upstream.http.get("/v1/cert.pem").await.body.trim(),
        pem.trim()
    );
    assert_eq!(
        key_secrets(&site.client(), home.name()).await,
        keys,
        "no key was made or touched"
    );
    site.create(&site.seal("new", &[("a", "1")])).await;
    site.secret_with("new", &[("a", "1")]).await;
    site.change("db", |it| it.spec = site.seal("db", &[("a", "2")]).spec)
        .await;
    site.secret_with("db", &[("a", "2")]).await;
    assert!(upstream.stop().await.success());
}

fn seal_and_apply(plane: &ControlPlane, desk: &Workdir, team: &Namespace, name: &str) {
    let mut secret = Secret::default();
    secret.metadata.name = Some(name.into());
    secret.metadata.namespace = Some(team.name().into());
    put_value(&mut secret, "a", name);
    let manifest = serde_json::to_string(&secret).unwrap();
    plane.apply(
        &desk
            .kubeseal(&["--cert=cert.pem"], &manifest)
            .expect_success(),
    );
}

async fn key_secrets(client: &Client, namespace: &str) -> Vec<Secret> {
    let keys: Api<Secret> = Api::namespaced(client.clone(), namespace);
    keys.list(&ListParams::default().labels(KEY_LABEL))
        .await
        .unwrap()
        .items
}
