//! The process: health, readiness, signals, an API server that is away, and what it never says.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::{Api, ResourceExt};
use seal_api::{SealedSecret, annotations::PATCH};
use seal_keyring::Certificate;
use seal_tests::{ControlPlane, Gate, Installation, PATIENCE, Signal, eventually};

use crate::site::{Site, put_annotation, put_value};

#[tokio::test]
async fn health_readiness_and_the_certificate_are_served() {
    let Some((_site, controller)) = Site::shared("http").await else {
        return;
    };
    let health = controller.http.get("/healthz").await;
    assert_eq!((health.status, health.body.trim()), (200, "ok"));
    assert_eq!(controller.http.get("/readyz").await.status, 200);
    let certificate = controller.http.get("/v1/cert.pem").await;
    assert_eq!(certificate.status, 200);
    assert_eq!(
        certificate.headers["content-type"],
        "application/x-pem-file"
    );
    assert!(Certificate::from_pem(certificate.body.as_bytes()).is_ok());
    assert!(!certificate.body.contains("PRIVATE"));
    assert_eq!(controller.http.get("/nothing-here").await.status, 404);
}

#[tokio::test]
async fn an_api_server_that_is_away_is_waited_for_at_the_start_and_later() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let gate = Gate::closed(&home).await;
    let mut controller = home.launch_through(&gate, &[]);
    eventually("answer and word of the trouble", async || {
        let tried = controller
            .process
            .log()
            .contains("cannot be watched; trying again");
        (tried && controller.http.is_up().await).then_some(())
    })
    .await;
    assert_eq!(controller.http.get("/healthz").await.status, 200);
    let readiness = controller.http.get("/readyz").await;
    assert_eq!(readiness.status, 503);
    assert!(readiness.body.contains("not ready"), "{}", readiness.body);
    assert_eq!(controller.http.get("/v1/cert.pem").await.status, 503);
    assert!(controller.process.ended().is_none());

    gate.open();
    controller.wait_ready().await;
    let site = Site::on(&plane, &controller, "outage").await;
    site.unseal(&site.seal("db", &[("a", "1")])).await;

    gate.close();
    let changed = site.seal("db", &[("a", "2")]);
    site.change("db", |it| it.spec = changed.spec.clone()).await;
    site.create(&site.seal("new", &[("a", "1")])).await;
    gate.open();
    site.secret_with("db", &[("a", "2")]).await;
    site.synced("new").await;
}

#[tokio::test]
async fn sigterm_ends_it_with_success_in_the_middle_of_work_that_the_next_start_takes_up() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let mut controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "drain").await;
    for number in 0..40 {
        site.create(&site.seal(&format!("secret-{number}"), &[("a", "1"), ("b", "2")]))
            .await;
    }
    controller.process.signal(Signal::TERM);
    // Passes that hang would get 25 seconds.
    let status = controller.process.exit(Duration::from_secs(15)).await;
    assert!(status.success(), "{status}");

    let _controller = home.start(&[]).await;
    for number in 0..40 {
        site.synced(&format!("secret-{number}")).await;
    }
}

#[tokio::test]
async fn an_address_that_is_taken_ends_it_with_the_reason() {
    let Some((site, controller)) = Site::shared("address").await else {
        return;
    };
    let taken = format!("--listen-addr={}", controller.http.address());
    let mut second = controller.installation().launch(&[&taken]);
    let status = second.process.exit(PATIENCE).await;
    assert_eq!(status.code(), Some(1));
    let log = second.process.log();
    let reason = format!("error: cannot listen on {}", controller.http.address());
    assert!(log.contains(&reason), "{log}");
    drop(site);
}

#[tokio::test]
async fn values_and_private_keys_never_appear_in_logs_events_or_statuses() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&["--log-level=TRACE"]).await;
    let site = Site::on(&plane, &controller, "canary").await;
    let canary = "canary-Yk3vQ0";
    let value = [("password", canary)];

    site.unseal(&site.seal("db", &value)).await;
    site.change_secret("db", |it| {
        put_value(it, "theirs", canary);
        put_annotation(
            it,
            "kubectl.kubernetes.io/last-applied-configuration",
            canary,
        );
    })
    .await;
    site.secret_with("db", &value).await;
    site.create_secret("patched", |it| {
        put_annotation(it, PATCH, "true");
        put_value(it, "theirs", canary);
    })
    .await;
    site.unseal(&site.seal("patched", &value)).await;
    site.create_secret("theirs", |it| put_value(it, "password", canary))
        .await;
    site.create(&site.seal("theirs", &value)).await;
    site.failed("theirs", "NotOwned").await;
    let mut broken = site.seal("template", &value);
    let template = (
        "config".to_owned(),
        Some("{{ .password | fail }}".to_owned()),
    );
    broken.spec.template.data = Some([template].into());
    site.create(&broken).await;
    site.failed("template", "BadTemplate").await;
    let mut invalid = site.seal("invalid", &value);
    let template = invalid.spec.template.metadata.get_or_insert_default();
    template.labels = Some([("not a label".to_owned(), "x".to_owned())].into());
    site.create(&invalid).await;
    site.failed("invalid", "Refused").await;

    let everything = [
        controller.process.log(),
        all::<Event>(&site).await,
        all::<SealedSecret>(&site).await,
        all::<ConfigMap>(&site).await,
    ]
    .join("\n");
    assert!(
        everything.contains("Unsealed"),
        "what is searched holds what was told"
    );
    for secret in [
        canary,
        &STANDARD.encode(canary),
        "PRIVATE KEY",
        &STANDARD.encode("-----BEGIN RSA")[..16],
    ] {
        let found = everything.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}

/// All objects of a kind in all namespaces, as JSON.
async fn all<K>(site: &Site) -> String
where
    K: kube::Resource<DynamicType = ()>
        + ResourceExt
        + Clone
        + std::fmt::Debug
        + k8s_openapi::serde::de::DeserializeOwned
        + k8s_openapi::serde::Serialize,
{
    let objects = Api::<K>::all(site.client())
        .list(&Default::default())
        .await
        .unwrap();
    serde_json::to_string_pretty(&objects.items).unwrap()
}
