//! What others do to our Secrets is put right, and only that.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use k8s_openapi::api::core::v1::{Event, Secret};
use seal_sealing::Secret as Plain;
use seal_tests::SharedController;

use crate::site::{Site, put_annotation, put_label, put_value, texts, values};

async fn site_with_secret(purpose: &str) -> Option<(Site, SharedController, Secret)> {
    let (site, controller) = Site::shared(purpose).await?;
    let labelled = |plain: &mut Plain| plain.metadata.labels = Some(texts(&[("app", "shop")]));
    let secret = site
        .unseal(&site.seal_as("db", &[("a", "1"), ("b", "2")], labelled))
        .await;
    Some((site, controller, secret))
}

#[tokio::test]
async fn changed_added_and_removed_values_are_put_right() {
    let Some((site, _controller, before)) = site_with_secret("values").await else {
        return;
    };
    let changed = site
        .change_secret("db", |it| {
            put_value(it, "a", "drifted");
            put_value(it, "c", "added");
            it.data.as_mut().unwrap().remove("b");
        })
        .await;
    let right = site.secret_with("db", &[("a", "1"), ("b", "2")]).await;
    assert_eq!(right.metadata.uid, before.metadata.uid);
    assert_ne!(
        right.metadata.resource_version,
        changed.metadata.resource_version
    );
}

#[tokio::test]
async fn labels_of_ours_are_put_right_and_those_of_others_stay() {
    let Some((site, _controller, _)) = site_with_secret("labels").await else {
        return;
    };
    site.change_secret("db", |it| {
        it.metadata.labels = None;
        put_label(it, "theirs", "x");
        put_annotation(it, "theirs", "x");
    })
    .await;
    let ours = |it: &Secret| {
        it.metadata
            .labels
            .as_ref()
            .is_some_and(|labels| labels.contains_key("app"))
    };
    let right = site.secret("db", "labelled again", ours).await;
    assert_eq!(
        right.metadata.labels,
        Some(texts(&[("app", "shop"), ("theirs", "x")]))
    );
    assert_eq!(right.metadata.annotations, Some(texts(&[("theirs", "x")])));
}

#[tokio::test]
async fn what_only_others_set_is_no_reason_to_write() {
    let Some((site, _controller, _)) = site_with_secret("foreign").await else {
        return;
    };
    let touched = site
        .change_secret("db", |it| {
            put_label(it, "theirs", "x");
            put_annotation(it, "theirs", "x");
        })
        .await;
    site.pass("other").await;
    assert_eq!(site.secrets().get("db").await.unwrap(), touched);
}

#[tokio::test]
async fn an_owner_reference_that_was_removed_is_no_longer_ours_to_heal() {
    let Some((site, _controller, _)) = site_with_secret("disowned").await else {
        return;
    };
    site.change_secret("db", |it| it.metadata.owner_references = None)
        .await;
    site.failed("db", "NotOwned").await;
}

#[tokio::test]
async fn a_deleted_secret_is_made_again() {
    let Some((site, _controller, before)) = site_with_secret("deleted").await else {
        return;
    };
    site.delete_secret("db").await;
    let again = site
        .secret("db", "made again", |it| {
            it.metadata.uid != before.metadata.uid
        })
        .await;
    assert_eq!(values(&again), values(&before));
    assert_eq!(again.metadata.labels, before.metadata.labels);
    let repairs = |events: &[Event]| {
        events
            .iter()
            .any(|event| event.reason.as_deref() == Some("Repaired"))
    };
    site.events_until("db", "event of the repair", repairs)
        .await;
}
