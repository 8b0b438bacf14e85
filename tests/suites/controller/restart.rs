//! A restart with nothing changed costs nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeMap;

use http::Request;
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use seal_api::{
    SealedSecret,
    annotations::{MANAGED, PATCH, SKIP_SET_OWNER_REFERENCES},
};
use seal_tests::{ControlPlane, Installation, eventually, wait_for};
use serde_json::json;

use crate::site::{Site, put_annotation, put_value, texts, values};

#[tokio::test]
async fn a_restart_with_nothing_changed_makes_no_write_and_reads_no_secret() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "restart").await;
    populate(&site).await;
    let versions = versions(&site).await;
    assert!(controller.stop().await.success());
    let before = requests(&site).await;
    let _controller = home.start(&[]).await;
    // It comes last: what was there before has been looked at.
    site.pass("last").await;
    let expected = [
        ("POST sealedsecrets", 1),
        ("POST secrets", 1),
        ("GET secrets", 1), // The test's own.
        ("PUT sealedsecrets", 1),
        ("POST events", 1),
    ];
    let expected = expected
        .map(|(name, count)| (name.to_owned(), count))
        .into();
    let mut cost = BTreeMap::new();
    eventually("event of the last", async || {
        cost = difference(&before, &requests(&site).await);
        cost.contains_key("POST events").then_some(())
    })
    .await;
    assert_eq!(
        cost, expected,
        "the new object has its price, the others none"
    );
    let after = self::versions(&site).await;
    let changed: Vec<_> = versions
        .iter()
        .filter(|(name, version)| after[*name] != **version)
        .collect();
    assert_eq!(changed, [] as [(&String, &String); 0]);
}

#[tokio::test]
async fn what_changed_while_it_was_away_is_put_right_at_the_start() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "away").await;
    for name in ["changed", "drifted", "deleted", "unsealable"] {
        site.unseal(&site.seal(name, &[("a", "1")])).await;
    }
    assert!(controller.stop().await.success());
    let new = site.seal("changed", &[("a", "2")]);
    site.change("changed", |it| it.spec = new.spec.clone())
        .await;
    site.change_secret("drifted", |it| put_value(it, "a", "drifted"))
        .await;
    site.delete_secret("deleted").await;
    let wrong = site.seal("other", &[("a", "2")]);
    site.change("unsealable", |it| it.spec = wrong.spec.clone())
        .await;

    let _controller = home.start(&[]).await;
    site.secret_with("changed", &[("a", "2")]).await;
    site.secret_with("drifted", &[("a", "1")]).await;
    site.secret_with("deleted", &[("a", "1")]).await;
    site.failed("unsealable", "WrongScope").await;
    site.secret_with("unsealable", &[("a", "1")]).await;
}

#[tokio::test]
async fn a_removed_record_and_a_forged_status_certify_no_stale_secret() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    for flags in [
        &[][..],
        &["--drift-policy=report"],
        &["--drift-policy=ignore"],
    ] {
        let controller = home.start(flags).await;
        let site = Site::on(&plane, &controller, "forged").await;
        for name in ["plain", "drawn", "unseen", "right"] {
            let mut sealed = site.seal(name, &[("a", "1")]);
            draw(&mut sealed, name);
            site.unseal(&sealed).await;
        }
        let right = site.secrets().get("right").await.unwrap();
        assert!(controller.stop().await.success());
        for name in ["plain", "drawn", "unseen", "right"] {
            if name != "right" {
                let new = site.seal(name, &[("a", "2")]);
                site.change(name, |it| {
                    it.spec = new.spec.clone();
                    draw(it, name);
                })
                .await;
            }
            forge(&site, name).await;
        }

        let controller = home.start(flags).await;
        for name in ["plain", "drawn"] {
            let changed = |it: &Secret| values(it)["a"] == "2";
            site.secret(name, "unsealed anew", changed).await;
        }
        let changed = |it: &Secret| values(it)["url"].starts_with('2');
        site.secret("unseen", "unsealed anew", changed).await;
        let vouched = |it: &SealedSecret| {
            let status = it.status.as_ref();
            status.is_some_and(|status| status.record.is_some())
        };
        wait_for(&site.sealed_secrets(), "right", "recorded", vouched).await;
        assert_eq!(site.secrets().get("right").await.unwrap(), right);
        assert!(controller.stop().await.success());
    }
}

/// What it becomes is never the same twice.
fn draw(sealed: &mut SealedSecret, name: &str) {
    if name != "plain" {
        let template = (
            "url".to_owned(),
            Some("{{ .a }}{{ randAlphaNum 8 }}".to_owned()),
        );
        sealed.spec.template.data = Some([template].into());
    }
}

/// Has the status say what it would say if all were right, as whoever may write it can.
async fn forge(site: &Site, name: &str) {
    let objects = site.sealed_secrets();
    let generation = objects.get(name).await.unwrap().metadata.generation;
    let synced = json!([{ "type": "Synced", "status": "True" }]);
    let status = json!({ "observedGeneration": generation, "record": null, "conditions": synced });
    let change = Patch::Merge(json!({ "status": status }));
    let parameters = PatchParams::default();
    let written = objects.patch_status(name, &parameters, &change).await;
    assert_eq!(written.unwrap().status.unwrap().record, None);
}

/// One object of every kind that there is.
async fn populate(site: &Site) {
    for number in 0..10 {
        let name = format!("owned-{number}");
        site.unseal(&site.seal(&name, &[("a", "1"), ("b", "2")]))
            .await;
    }
    for (name, annotation) in [("managed", MANAGED), ("patched", PATCH)] {
        site.create_secret(name, |it| put_annotation(it, annotation, "true"))
            .await;
        site.unseal(&site.seal(name, &[("a", "1")])).await;
    }
    let unowned = site.seal_as("unowned", &[("a", "1")], |plain| {
        plain.metadata.annotations = Some(texts(&[(SKIP_SET_OWNER_REFERENCES, "true")]));
    });
    site.unseal(&unowned).await;
    let mut wrong = site.seal("other", &[("a", "1")]);
    wrong.metadata.name = Some("wrong".into());
    site.create(&wrong).await;
    site.failed("wrong", "WrongScope").await;
    site.create_secret("theirs", |_| {}).await;
    site.create(&site.seal("theirs", &[("a", "1")])).await;
    site.failed("theirs", "NotOwned").await;
    for object in site
        .sealed_secrets()
        .list(&Default::default())
        .await
        .unwrap()
    {
        let told = |events: &[Event]| !events.is_empty();
        site.events_until(&object.name_any(), "event", told).await;
    }
}

/// The resourceVersion of every object in the namespace.
async fn versions(site: &Site) -> BTreeMap<String, String> {
    let secrets = site.secrets().list(&Default::default()).await.unwrap();
    let sealed = site
        .sealed_secrets()
        .list(&Default::default())
        .await
        .unwrap();
    let secrets = secrets.into_iter().map(|it| {
        (
            format!("Secret {}", it.name_any()),
            it.resource_version().unwrap(),
        )
    });
    let sealed = sealed.into_iter().map(|it| {
        (
            format!("SealedSecret {}", it.name_any()),
            it.resource_version().unwrap(),
        )
    });
    secrets.chain(sealed).collect()
}

/// How many requests the API server has answered, by verb and resource: all writes, and the reads of single Secrets.
/// The garbage collector's looks at owners do not count, nor what it deletes, which the controller may not.
async fn requests(site: &Site) -> BTreeMap<String, u64> {
    let request = Request::get("/metrics").body(Vec::new()).unwrap();
    let metrics = site.client().request_text(request).await.unwrap();
    let mut counts = BTreeMap::new();
    for line in metrics
        .lines()
        .filter(|line| line.starts_with("apiserver_request_total{"))
    {
        let label = |name: &str| {
            let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0
        };
        let (verb, resource) = (label("verb"), label("resource"));
        let counted = match resource {
            "secrets" => ["GET", "POST", "PUT", "PATCH", "APPLY"].contains(&verb),
            "sealedsecrets" | "events" => ["POST", "PUT", "PATCH", "APPLY"].contains(&verb),
            _ => false,
        };
        if counted {
            let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            *counts.entry(format!("{verb} {resource}")).or_default() += count as u64;
        }
    }
    counts
}

fn difference(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let grown = after
        .iter()
        .map(|(name, count)| (name.clone(), count - before.get(name).unwrap_or(&0)));
    grown.filter(|(_, count)| *count > 0).collect()
}
