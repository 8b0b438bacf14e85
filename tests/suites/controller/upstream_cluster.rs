//! In clusters that were set up for upstream's controller.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use kube::{
    Api,
    api::{DynamicObject, PostParams},
    discovery::ApiResource,
};
use seal_api::SealedSecret;
use seal_envelope::KeySize;
use seal_keyring::NewKey;
use seal_tests::{ControlPlane, Controller, Installation, Namespace, eventually, upstream_crd};

use crate::site::{Site, certificate, conditions, put_value};

/// Makes an object malformed.
type Spoil = fn(&mut Value);

/// How often the log says this.
fn said(controller: &Controller, what: &str) -> usize {
    controller
        .process
        .log()
        .lines()
        .filter(|line| line.contains(what))
        .count()
}

#[tokio::test]
async fn upstreams_definition_drops_the_record_which_is_said_once_and_hurts_nothing_else() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    plane.kubectl(&["delete", "crd", "sealedsecrets.bitnami.com"], "");
    plane.apply(&upstream_crd());
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "pruned").await;
    let first = site.unseal(&site.seal("db", &[("a", "1")])).await;
    let object = site.synced("db").await;
    assert_eq!(conditions(&object), ["Synced", "Ready"]);
    assert_eq!(object.status.unwrap().record, None);
    site.change_secret("db", |it| put_value(it, "a", "drifted"))
        .await;
    site.secret_with("db", &[("a", "1")]).await;
    // Without a record a user's own edit must still be applied whole, and is no drift.
    site.change("db", |it| {
        let template = it.spec.template.metadata.get_or_insert_default();
        template.labels = Some([("edited".to_owned(), "yes".to_owned())].into());
        it.spec.template.data =
            Some([("fresh".to_owned(), Some("{{ randAlphaNum 8 }}".to_owned()))].into());
    })
    .await;
    site.secret("db", "edited", |it| {
        let labels = it.metadata.labels.as_ref();
        labels.is_some_and(|labels| labels.contains_key("edited"))
            && it
                .data
                .as_ref()
                .is_some_and(|data| data.contains_key("fresh"))
    })
    .await;
    site.change("db", |it| {
        it.spec.template.metadata.get_or_insert_default().labels = None;
        it.spec.template.data = None;
    })
    .await;
    site.secret("db", "edited back", |it| {
        it.metadata.labels.is_none() && it.data.as_ref().is_some_and(|data| data.len() == 1)
    })
    .await;
    site.delete_secret("db").await;
    let second = site
        .secret("db", "made again", |it| {
            it.metadata.uid != first.metadata.uid
        })
        .await;
    site.pass("other").await;
    assert_eq!(said(&controller, "drops status.record"), 1);
    assert!(controller.stop().await.success());

    let controller = home.start(&[]).await;
    site.pass("another").await;
    assert_eq!(
        site.secrets().get("db").await.unwrap(),
        second,
        "a restart leaves what is right"
    );
    site.change_secret("db", |it| put_value(it, "a", "drifted"))
        .await;
    site.secret_with("db", &[("a", "1")]).await;
    assert!(controller.stop().await.success());
}

#[tokio::test]
async fn a_definition_without_a_schema_lets_malformed_objects_in_and_they_stop_nothing() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let anything = json!([{
        "op": "replace",
        "path": "/spec/versions/0/schema/openAPIV3Schema",
        "value": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
    }]);
    let patch = anything.to_string();
    plane.kubectl(
        &[
            "patch",
            "crd",
            "sealedsecrets.bitnami.com",
            "--type=json",
            "-p",
            &patch,
        ],
        "",
    );
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "relaxed").await;
    let resource = ApiResource::erase::<SealedSecret>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(site.client(), site.name(), &resource);
    let sealed = serde_json::to_value(site.seal("db", &[("a", "1")])).unwrap();
    let malformed: [(&str, Spoil); 6] = [
        ("spec", |it| it["spec"] = json!("text")),
        ("template", |it| it["spec"]["template"] = json!(["list"])),
        ("type", |it| it["spec"]["template"]["type"] = json!({})),
        ("labels", |it| {
            it["spec"]["template"]["metadata"]["labels"] = json!({ "a": 5 });
        }),
        ("number", |it| it["spec"]["encryptedData"]["a"] = json!(5)),
        ("status", |it| it["status"] = json!("text")),
    ];
    for (name, spoil) in malformed {
        let mut object = sealed.clone();
        object["metadata"]["name"] = json!(name);
        spoil(&mut object);
        let object = serde_json::from_value(object).unwrap();
        objects
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
    }
    site.pass("good").await;
    for name in ["spec", "template", "type", "labels", "number"] {
        let failed = seal_tests::eventually("failure", async || {
            let object = objects.get(name).await.unwrap();
            object.data.pointer("/status/conditions/0/reason").cloned()
        })
        .await;
        let expected = if name == "number" {
            "Corrupt"
        } else {
            "Malformed"
        };
        assert_eq!(failed, expected, "{name}");
    }
    assert!(controller.stop().await.success());

    // It starts beside them, too.
    let controller = home.start(&[]).await;
    site.pass("as-good").await;
    assert!(controller.stop().await.success());
}

#[tokio::test]
async fn under_the_rights_of_upstreams_chart_only_publishing_is_missing_which_is_said_once() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::under_upstreams_chart(&plane).await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "chart").await;
    site.sees_a_whole_life().await;
    site.synced("db").await;
    assert_eq!(said(&controller, "the public keys cannot be published"), 1);
    let warnings: Vec<_> = controller
        .process
        .log()
        .lines()
        .filter(|it| it.contains("WARN"))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        warnings.len(),
        2,
        "that and the pruned record: {warnings:#?}"
    );
    assert!(controller.stop().await.success());
}

#[tokio::test]
async fn under_upstreams_namespaced_roles_its_own_namespace_is_left_out_and_the_others_are_served()
{
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let team = Namespace::create(&plane, "team");
    let home = Installation::under_upstreams_namespaced_roles(&plane, &[team.name()]).await;
    let namespaces = format!("--additional-namespaces={}", team.name());
    // The first key is its own, and arrives although key Secrets may only be listed.
    let controller = home.start(&[&namespaces]).await;
    let site = Site::at(&plane, &controller, team).await;
    let first = site.unseal(&site.seal("db", &[("a", "1")])).await;
    site.change_secret("db", |it| put_value(it, "a", "drifted"))
        .await;
    site.secret_with("db", &[("a", "1")]).await;
    site.delete_secret("db").await;
    site.secret("db", "made again", |it| {
        it.metadata.uid != first.metadata.uid
    })
    .await;
    // A key that is brought along arrives, too.
    let before = certificate(&controller).await;
    store_newest(&site, &home).await;
    eventually("newer key", async || {
        let current = certificate(&controller).await;
        (current.key_id() != before.key_id()).then_some(())
    })
    .await;
    for once in [
        "SealedSecrets cannot be watched for lack of rights",
        "Secrets cannot be watched for lack of rights",
        "the key Secrets may be listed but not watched",
        "the public keys cannot be published",
    ] {
        let lines = said(&controller, once);
        let both = usize::from(once.starts_with("Secrets"));
        assert_eq!(lines, 1 + both, "{once}: {}", controller.process.log());
    }
    assert!(controller.stop().await.success());
}

/// Brings a key along that is newer than all others.
async fn store_newest(site: &Site, home: &Installation) {
    let begins = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let year = jiff::SignedDuration::from_hours(24 * 365);
    let key = NewKey::generate(KeySize::Rsa2048, begins, year, "").unwrap();
    let (labels, annotations) = (BTreeMap::new(), BTreeMap::new());
    let secret = key
        .secret(home.namespace(), "brought-along", labels, annotations)
        .unwrap();
    let secrets = site.secrets_in(home.namespace());
    let created = secrets.create(&PostParams::default(), &secret).await;
    created.unwrap();
}

#[tokio::test]
async fn without_the_right_to_watch_secrets_everything_works_but_healing_which_is_said_once() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::with_rights(&plane, |object| {
        if object["kind"] != "ClusterRole" {
            return;
        }
        for rule in object["rules"].as_array_mut().unwrap() {
            if rule["resources"] == json!(["secrets"]) {
                rule["verbs"] = json!(["get", "create", "update"]);
            }
        }
    })
    .await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "no-watch").await;
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    let changed = site.seal("db", &[("a", "2")]);
    site.change("db", |it| it.spec = changed.spec.clone()).await;
    site.secret_with("db", &[("a", "2")]).await;
    site.create_secret("theirs", |_| {}).await;
    site.create(&site.seal("theirs", &[("a", "1")])).await;
    site.failed("theirs", "NotOwned").await;
    assert_eq!(
        said(&controller, "Secrets cannot be watched for lack of rights"),
        1
    );
    assert!(controller.stop().await.success());

    // It knows of no Secret at the start, and still takes nothing for absent.
    let _controller = home.start(&[]).await;
    let changed = site.seal("db", &[("a", "3")]);
    site.change("db", |it| it.spec = changed.spec.clone()).await;
    site.secret_with("db", &[("a", "3")]).await;
}
