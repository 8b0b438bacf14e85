//! What is told at the SealedSecret.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use k8s_openapi::api::core::v1::Event;

use crate::site::{Site, put_label, put_value};

fn reasons(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event.reason.as_deref().unwrap())
        .collect()
}

#[tokio::test]
async fn each_generation_is_told_once() {
    let Some((site, _controller)) = Site::shared("told-once").await else {
        return;
    };
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    let first = site
        .events_until("db", "first event", |it| !it.is_empty())
        .await;
    let event = &first[0];
    let object = site.sealed_secrets().get("db").await.unwrap();
    assert_eq!(event.type_.as_deref(), Some("Normal"));
    assert_eq!(
        event.message.as_deref(),
        Some("SealedSecret unsealed successfully")
    );
    assert_eq!(
        event.source.as_ref().unwrap().component.as_deref(),
        Some("sealed-secrets")
    );
    assert_eq!(event.involved_object.kind.as_deref(), Some("SealedSecret"));
    assert_eq!(event.involved_object.uid, object.metadata.uid);

    // Passes without a change tell nothing.
    site.label("db", "a", "b").await;
    site.pass("other").await;
    site.change_secret("db", |it| put_label(it, "theirs", "x"))
        .await;
    site.pass("another").await;
    let again = site.seal("db", &[("a", "2")]);
    site.change("db", |it| it.spec = again.spec.clone()).await;
    site.synced("db").await;
    site.pass("last").await;
    site.events_until("db", "second event", |it| it.len() > 1)
        .await;
    let both = site.events("db").await;
    assert_eq!(reasons(&both), ["Unsealed", "Unsealed"]);
}

#[tokio::test]
async fn failures_are_told_as_warnings_and_repairs_each_time() {
    let Some((site, _controller)) = Site::shared("told-why").await else {
        return;
    };
    let mut wrong = site.seal("other", &[("a", "1")]);
    wrong.metadata.name = Some("db".into());
    site.create(&wrong).await;
    let failed = site
        .events_until("db", "failure", |it| !it.is_empty())
        .await;
    assert_eq!(reasons(&failed), ["ErrUnsealFailed"]);
    assert_eq!(failed[0].type_.as_deref(), Some("Warning"));
    let message = failed[0].message.as_deref().unwrap();
    assert!(
        message.starts_with("Failed to unseal: no key could decrypt secret (a)"),
        "{message}"
    );

    let right = site.seal("db", &[("a", "1")]);
    site.change("db", |it| it.spec = right.spec.clone()).await;
    site.synced("db").await;
    for repairs in 1..=2 {
        site.change_secret("db", |it| put_value(it, "a", &format!("drifted {repairs}")))
            .await;
        site.secret_with("db", &[("a", "1")]).await;
        let enough =
            |it: &[Event]| reasons(it).iter().filter(|it| **it == "Repaired").count() == repairs;
        site.events_until("db", "repair", enough).await;
    }

    site.create_secret("theirs", |_| {}).await;
    site.create(&site.seal("theirs", &[("a", "1")])).await;
    let refused = site
        .events_until("theirs", "refusal", |it| !it.is_empty())
        .await;
    assert_eq!(reasons(&refused), ["ErrUpdateFailed"]);
}
