//! A restart with nothing changed costs nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeMap;

use http::Request;
use kube::ResourceExt;
use seal_api::annotations::{MANAGED, PATCH, SKIP_SET_OWNER_REFERENCES};
use seal_tests::{ControlPlane, Installation, eventually};

use crate::site::{Site, put_annotation, put_value, texts};

#[tokio::test]
async fn a_restart_with_nothing_changed_makes_no_write_and_reads_no_secret() {
    let Some(plane) = ControlPlane::fresh().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "restart").await;
    populate(&site).await;
    let before = requests(&site).await;
    site.pass("measured").await;
    let cost_of_one = difference(&before, &requests(&site).await);
    assert_eq!(cost_of_one.get("POST secrets"), Some(&1), "{cost_of_one:?}");

    let versions = versions(&site).await;
    assert!(controller.stop().await.success());
    let before = requests(&site).await;
    let _controller = home.start(&[]).await;
    // It comes last: what was there before has been looked at.
    site.pass("last").await;
    let cost = eventually("end of the count", async || {
        let cost = difference(&before, &requests(&site).await);
        (cost.get("POST events") >= cost_of_one.get("POST events")).then_some(cost)
    })
    .await;
    assert_eq!(
        cost, cost_of_one,
        "one new object costs what it costs, and the others nothing"
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
    let Some(plane) = ControlPlane::fresh().await else {
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

/// One object of every kind that there is.
async fn populate(site: &Site) {
    for number in 0..10 {
        site.unseal(&site.seal(&format!("owned-{number}"), &[("a", "1"), ("b", "2")]))
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
/// The garbage collector's looks at owners do not count.
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
            "secrets" => !["LIST", "WATCH"].contains(&verb),
            "sealedsecrets" | "events" => !["GET", "LIST", "WATCH"].contains(&verb),
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
