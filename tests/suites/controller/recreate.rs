//! Secrets that cannot be changed, namespaces that go, and records that somebody forged.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use k8s_openapi::api::{core::v1::Namespace, rbac::v1::ClusterRole};
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use seal_api::{Mode, SealedSecret, annotations::RECREATE_IMMUTABLE};
use seal_tests::{ControlPlane, Installation};
use serde_json::json;

use crate::site::{Site, conditions, message, put_value, texts, values};

/// A controller with the right to delete Secrets, which `deploy/` does not grant.
async fn with_right_to_delete(plane: &ControlPlane) -> Installation {
    Installation::with_rights(plane, |object| {
        let is_cluster_role = object["kind"] == "ClusterRole";
        for rule in object["rules"].as_array_mut().into_iter().flatten() {
            let resources = rule["resources"].as_array().unwrap();
            if resources.contains(&json!("secrets")) && is_cluster_role {
                rule["verbs"].as_array_mut().unwrap().push(json!("delete"));
            }
        }
    })
    .await
}

fn immutable(site: &Site, value: &str, change: impl FnOnce(&mut SealedSecret)) -> SealedSecret {
    let mut sealed = site.seal("db", &[("a", value)]);
    sealed.spec.template.immutable = Some(true);
    sealed.metadata.annotations = Some(texts(&[(RECREATE_IMMUTABLE, "true")]));
    change(&mut sealed);
    sealed
}

#[tokio::test]
async fn an_immutable_secret_is_made_anew_where_that_is_asked_for_and_never_without_a_dry_run() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = with_right_to_delete(&plane).await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "recreate").await;
    let before = site.unseal(&immutable(&site, "1", |_| {})).await;

    // What the API server would refuse costs nobody the Secret that is there.
    let bad = immutable(&site, "2", |it| {
        let metadata = it.spec.template.metadata.get_or_insert_default();
        metadata.labels = Some(texts(&[("not a label", "x")]));
    });
    site.change("db", |it| it.spec = bad.spec.clone()).await;
    site.failed("db", "Refused").await;
    assert_eq!(site.secrets().get("db").await.unwrap(), before);

    let changed = immutable(&site, "2", |it| {
        it.spec.template.type_ = Some("example.com/x".into());
    });
    site.change("db", |it| it.spec = changed.spec.clone()).await;
    let after = site.secret_with("db", &[("a", "2")]).await;
    assert_ne!(after.metadata.uid, before.metadata.uid);
    assert_eq!(after.type_.as_deref(), Some("example.com/x"));
    assert_eq!(after.immutable, Some(true));
    site.synced("db").await;
    let told = |reason: &str| {
        let reason = reason.to_owned();
        move |events: &[k8s_openapi::api::core::v1::Event]| {
            events
                .iter()
                .any(|it| it.reason.as_deref() == Some(&reason))
        }
    };
    site.events_until("db", "event", told("Recreated")).await;
}

#[tokio::test]
async fn without_the_right_to_delete_an_immutable_secret_stays_and_the_status_says_why() {
    let Some((site, _controller)) = Site::shared("no-delete").await else {
        return;
    };
    let before = site.unseal(&immutable(&site, "1", |_| {})).await;
    let changed = immutable(&site, "2", |_| {});
    site.change("db", |it| it.spec = changed.spec.clone()).await;
    let failed = site.failed("db", "Immutable").await;
    assert!(
        message(&failed).contains("right to delete"),
        "{}",
        message(&failed)
    );
    assert_eq!(site.secrets().get("db").await.unwrap(), before);
}

#[tokio::test]
async fn in_a_namespace_that_is_being_deleted_it_says_so_once_and_waits() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "going").await;
    let elsewhere = Site::on(&plane, &controller, "elsewhere").await;
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    // So that nobody takes the objects, and what is tested can be seen.
    plane.stop_garbage_collection();
    let namespaces: Api<Namespace> = Api::all(site.client());
    let parameters = DeleteParams::default();
    namespaces.delete(site.name(), &parameters).await.unwrap();
    site.delete_secret("db").await;
    let failed = site.failed("db", "Terminating").await;
    assert_eq!(conditions(&failed), ["Synced", "Ready", "Stalled"]);

    elsewhere.pass("later").await;
    let log = controller.process.log();
    let about = |line: &&str| line.contains(site.name()) && line.contains("WARN");
    let warnings: Vec<_> = log.lines().filter(about).collect();
    assert_eq!(warnings, [""; 0]);
    let now = site.sealed_secrets().get("db").await.unwrap();
    assert_eq!(
        now.metadata.resource_version,
        failed.metadata.resource_version
    );
}

#[tokio::test]
async fn a_forged_record_keeps_no_deleted_secret_from_coming_back() {
    let Some((site, _controller)) = Site::shared("forged").await else {
        return;
    };
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    let mut forged = site.synced("db").await;
    forged
        .status
        .as_mut()
        .unwrap()
        .record
        .as_mut()
        .unwrap()
        .mode = Mode::Patched;
    let objects = site.sealed_secrets();
    let parameters = PostParams::default();
    let written = objects.replace_status("db", &parameters, &forged).await;
    written.unwrap();
    site.delete_secret("db").await;
    site.secret_with("db", &[("a", "1")]).await;
}

#[tokio::test]
async fn drift_that_is_only_reported_shows_in_a_condition_until_it_is_gone() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&["--drift-policy=report"]).await;
    let site = Site::on(&plane, &controller, "reported").await;
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    site.change_secret("db", |it| put_value(it, "a", "drifted"))
        .await;
    let shows = |expected: &'static [&'static str]| {
        let objects = site.sealed_secrets();
        async move {
            seal_tests::wait_for(&objects, "db", "told", |it| conditions(it) == expected).await
        }
    };
    shows(&["Synced", "Ready", "Drifted"]).await;
    let secret = site.secrets().get("db").await.unwrap();
    assert_eq!(values(&secret), texts(&[("a", "drifted")]));
    site.change_secret("db", |it| put_value(it, "a", "1")).await;
    shows(&["Synced", "Ready"]).await;

    // Put right once the policy asks for it, although nothing else has changed.
    site.change_secret("db", |it| put_value(it, "a", "drifted"))
        .await;
    shows(&["Synced", "Ready", "Drifted"]).await;
    assert!(controller.stop().await.success());
    let _controller = home.start(&[]).await;
    site.secret_with("db", &[("a", "1")]).await;
    shows(&["Synced", "Ready"]).await;
}

#[tokio::test]
async fn giving_up_after_the_retries_that_were_asked_for_is_stalled() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&["--max-unseal-retries=1"]).await;
    let site = Site::on(&plane, &controller, "given-up").await;
    let roles: Api<ClusterRole> = Api::all(site.client());
    let role = format!("secrets-unsealer-{}", home.namespace());
    // Without the right to create Secrets.
    let mut rights = roles.get(&role).await.unwrap();
    for rule in rights.rules.iter_mut().flatten() {
        if rule.resources.iter().flatten().any(|it| it == "secrets") {
            rule.verbs.retain(|verb| verb != "create");
        }
    }
    let parameters = PostParams::default();
    let replaced = roles.replace(&role, &parameters, &rights).await;
    replaced.unwrap();
    site.create(&site.seal("db", &[("a", "1")])).await;
    let objects = site.sealed_secrets();
    let stalled = seal_tests::wait_for(&objects, "db", "stalled", |it| {
        it.status.is_some() && conditions(it) == ["Synced", "Ready", "Stalled"]
    })
    .await;
    assert!(
        message(&stalled).contains("given up after 1 retries"),
        "{}",
        message(&stalled)
    );
}
