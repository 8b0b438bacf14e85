//! What the status says, and when it is written.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use seal_api::{ConditionStatus, Mode};
use seal_tests::{ControlPlane, shared_controller};

use super::keys::{old_key, store};
use crate::site::{Site, certificate, conditions, put_label, seal_for};

#[tokio::test]
async fn success_is_synced_first_and_ready_with_its_generation_and_record() {
    let Some((site, controller)) = Site::shared("success").await else {
        return;
    };
    let secret = site.unseal(&site.seal("db", &[("a", "1")])).await;
    let object = site.synced("db").await;
    assert_eq!(conditions(&object), ["Synced", "Ready"]);
    let status = object.status.unwrap();
    assert_eq!(status.observed_generation, Some(1));
    for condition in &status.conditions {
        assert_eq!(condition.status, ConditionStatus::True);
        assert_eq!(condition.reason, "Unsealed");
        assert_eq!(condition.last_update_time, condition.last_transition_time);
        assert!(condition.last_update_time.is_some());
    }
    let record = status.record.unwrap();
    assert_eq!(Some(record.secret.uid), secret.metadata.uid);
    assert_eq!(
        Some(record.secret.resource_version),
        secret.metadata.resource_version
    );
    assert_eq!(record.mode, Mode::Owned);
    assert_eq!(
        record.keys,
        [certificate(&controller).await.key_id().to_string()]
    );
}

#[tokio::test]
async fn kubectl_waits_for_ready() {
    let Some((site, _controller)) = Site::shared("kubectl").await else {
        return;
    };
    let plane = ControlPlane::shared().await.unwrap();
    site.create(&site.seal("db", &[("a", "1")])).await;
    let wait = [
        "wait",
        "sealedsecret/db",
        "--for=condition=Ready",
        "--timeout=30s",
        "-n",
        site.name(),
    ];
    plane.kubectl(&wait, "");
    let columns = plane.kubectl(
        &["get", "sealedsecret", "db", "-o", "wide", "-n", site.name()],
        "",
    );
    let (titles, cells) = columns.split_once('\n').unwrap();
    let titles: Vec<_> = titles.split_whitespace().collect();
    assert_eq!(
        titles,
        ["NAME", "STATUS", "SYNCED", "AGE", "READY", "REASON"]
    );
    assert!(
        cells.contains("True") && cells.contains("Unsealed"),
        "{cells}"
    );
}

#[tokio::test]
async fn an_object_that_nobody_has_looked_at_shows_generation_minus_one() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    // So that kstatus takes it for one in progress. The shared controller sees to it that the definition is there.
    let controller = shared_controller(plane).await;
    let site = Site::on(plane, &controller, "untouched").await;
    let created = site.create(&site.seal("db", &[("a", "1")])).await;
    assert_eq!(created.status.unwrap().observed_generation, Some(-1));
}

#[tokio::test]
async fn an_unchanged_status_is_not_written_again() {
    let Some((site, controller)) = Site::shared("unchanged").await else {
        return;
    };
    site.unseal(&site.seal("good", &[("a", "1")])).await;
    let mut wrong = site.seal("db", &[("a", "1")]);
    wrong.metadata.name = Some("bad".into());
    site.create(&wrong).await;
    site.failed("bad", "WrongScope").await;
    let mut touched = Vec::new();
    for name in ["good", "bad"] {
        touched.push(site.label(name, "touched", "yes").await);
    }
    site.change_secret("good", |it| put_label(it, "touched", "yes"))
        .await;
    // Each new key is worth another attempt.
    let key = old_key();
    store(&site, controller.installation(), "retry", &key).await;
    let recipient = key.certificate().recipients();
    site.unseal(&seal_for(
        recipient,
        site.name(),
        "other",
        &[("a", "1")],
        |_| {},
    ))
    .await;
    site.pass("last").await;
    let bad = site.sealed_secrets().get("bad").await.unwrap();
    assert_eq!(
        bad.metadata.resource_version,
        touched[1].metadata.resource_version
    );
    // The record follows the Secret's new resourceVersion, and says nothing else.
    let good = site.sealed_secrets().get("good").await.unwrap();
    let told = |it: &seal_api::SealedSecret| {
        it.status.as_ref().unwrap().conditions[0]
            .last_transition_time
            .clone()
    };
    assert_eq!(told(&good), told(&touched[0]));
}

#[tokio::test]
async fn a_success_after_a_failure_moves_the_transition_time() {
    let Some((site, _controller)) = Site::shared("transition").await else {
        return;
    };
    let mut wrong = site.seal("other", &[("a", "1")]);
    wrong.metadata.name = Some("db".into());
    site.create(&wrong).await;
    let failed = site.failed("db", "WrongScope").await.status.unwrap();
    assert!(failed.record.is_none());

    let right = site.seal("db", &[("a", "1")]);
    site.change("db", |it| it.spec = right.spec.clone()).await;
    let synced = site.synced("db").await;
    assert_eq!(conditions(&synced), ["Synced", "Ready"], "Stalled is gone");
    let status = synced.status.unwrap();
    assert_eq!(status.observed_generation, Some(2));
    assert!(status.conditions[0].last_transition_time >= failed.conditions[0].last_transition_time);
    assert_eq!(status.conditions[0].message, "");

    let again = site.seal("db", &[("a", "2")]);
    site.change("db", |it| it.spec = again.spec.clone()).await;
    let later = site.synced("db").await.status.unwrap();
    assert_eq!(
        later.conditions[0].last_transition_time,
        status.conditions[0].last_transition_time
    );
    assert!(later.conditions[0].last_update_time >= status.conditions[0].last_update_time);
}
