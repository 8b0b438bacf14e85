//! Key administrators ask for keys; whatever happens meanwhile, there is one current key and nothing is lost.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Event, Secret};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use seal_keyring::{
    BACKUP, Certificate, Inventory, KEY_LABEL, KeyEntry, Marks, Standing,
    requests::{
        ANSWERS_ITEM, Answers, INVENTORY_ITEM, KEY_REQUESTS, KEYS, PUBLIC_KEYS, RequestOutcome,
    },
};
use seal_tests::{ControlPlane, Hold, Installation, Moment, Tap, eventually, wait_for};
use serde_json::{Value, json};

use super::keys::{old_key, store};
use crate::site::{Site, certificate, message, put_label, seal_for, values};

const MANY: &str = "--key-requests-per-hour=1000";
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[tokio::test]
async fn a_request_makes_one_key_that_seals_and_is_answered_where_it_can_be_read() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&["--key-requests-per-hour=1"]).await;
    let desk = Desk::of(plane.client().await, &home);
    let old = certificate(&controller).await;

    // Two at one time, as two administrators may ask: one key.
    let both = json!({ "data": { "a": ROTATE, "b": ROTATE } });
    desk.ask(&both).await;
    for id in ["a", "b"] {
        let (was, now) = done(desk.answer(id).await);
        assert_eq!(was.unwrap(), old.key_id().as_str());
        assert_eq!(now, desk.published().await.key_id().as_str());
    }
    assert_eq!(desk.keys().await.len(), 2);
    // The answers are written first.
    desk.worked_off().await;

    // The same request again is the same request; another one is above the limit; nonsense is told so.
    let again = json!({ "data": { "a": ROTATE, "c": ROTATE, "d": "rotate, please" } });
    desk.ask(&again).await;
    let why = refused(desk.answer("c").await);
    assert!(why.contains("at most 1 keys an hour"), "{why}");
    let why = refused(desk.answer("d").await);
    assert!(why.contains("expected {\"action\":\"rotate\"}"), "{why}");
    desk.worked_off().await;
    assert_eq!(desk.keys().await.len(), 2);
    drop(controller);

    // The answers and the limit survive a restart.
    let _controller = home.start(&["--key-requests-per-hour=1"]).await;
    desk.ask(&json!({ "data": { "a": ROTATE, "c": ROTATE } }))
        .await;
    desk.worked_off().await;
    assert_eq!(desk.keys().await.len(), 2);
}

#[tokio::test]
async fn a_controller_that_is_killed_at_any_step_leaves_one_current_key_and_loses_nothing() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let desk = Desk::of(plane.client().await, &home);
    let tap = Tap::new(&home).await;
    let mut certificates = Vec::new();
    for (method, path) in [
        ("POST", "/secrets"),
        ("PUT", "/configmaps/seal-public-keys"),
        ("PUT", "/configmaps/seal-keys"),
        ("PUT", "/configmaps/seal-key-requests"),
    ] {
        for moment in [Moment::Before, Moment::After] {
            let step = format!("{moment:?} {method} {path}");
            let mut controller = home.start_through(&tap, &[MANY]).await;
            desk.worked_off().await;
            certificates.push(desk.published().await);
            let before = desk.keys().await.len();

            tap.hold(Hold {
                method,
                path,
                moment,
            });
            let id = format!("request-{}", certificates.len());
            desk.ask(&json!({ "data": { (&id): ROTATE } })).await;
            tap.held().await;
            controller.process.kill();

            let controller = home.start(&[MANY]).await;
            let (old, new) = done(desk.answer(&id).await);
            desk.worked_off().await;
            let keys = desk.keys().await;
            assert_eq!(keys.len(), before + 1, "{step}");
            let current = |key: &&KeyEntry| key.standing == Standing::Current;
            assert_eq!(keys.iter().filter(current).count(), 1, "{step}");
            assert_eq!(keys[0].id.as_deref(), Some(new.as_str()), "{step}");
            let published = desk.published().await;
            assert_eq!(published.key_id().as_str(), new, "{step}");
            let before = certificates.last().unwrap();
            assert_eq!(old.as_deref(), Some(before.key_id().as_str()), "{step}");
            let served = certificate(&controller).await;
            assert_eq!(served.key_id().as_str(), new, "{step}");
            assert!(controller.stop().await.success());
        }
    }
    // What was sealed with any of them opens.
    let controller = home.start(&[MANY]).await;
    let site = Site::on(&plane, &controller, "killed").await;
    certificates.push(desk.published().await);
    assert_eq!(certificates.len(), 9);
    for (number, certificate) in certificates.iter().enumerate() {
        let (name, recipient) = (format!("s{number}"), certificate.recipients());
        let sealed = seal_for(recipient, site.name(), &name, &[("a", &name)], |_| {});
        assert_eq!(values(&site.unseal(&sealed).await)["a"], name);
    }
}

#[tokio::test]
async fn a_controller_that_is_killed_while_it_makes_its_first_key_makes_one() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    for moment in [Moment::Before, Moment::After] {
        let home = Installation::create(&plane).await;
        let tap = Tap::new(&home).await;
        tap.hold(Hold {
            method: "POST",
            path: "/secrets",
            moment,
        });
        let mut controller = home.launch_through_tap(&tap, &[]);
        tap.held().await;
        controller.process.kill();
        let controller = home.start(&[]).await;
        let desk = Desk::of(plane.client().await, &home);
        desk.worked_off().await;
        assert_eq!(desk.keys().await.len(), 1, "{moment:?}");
        assert!(controller.stop().await.success());
    }
}

#[tokio::test]
async fn what_is_published_is_put_right_at_once_when_somebody_changes_or_deletes_it() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let _controller = home.start(&[]).await;
    let desk = Desk::of(plane.client().await, &home);
    desk.worked_off().await;
    let planted = old_key().certificate().to_pem();
    for name in [PUBLIC_KEYS, KEYS] {
        let right = desk.maps.get(name).await.unwrap().data;
        let changes = [
            json!({ "data": { "cert.pem": planted, "certs.pem": planted, INVENTORY_ITEM: "{}" } }),
            json!({ "data": null, "binaryData": { "more": "AAAA" } }),
        ];
        for change in changes {
            let changed = desk.patch(name, &change).await;
            assert_ne!(changed.data, right);
            let put_right = |map: &ConfigMap| map.data == right && map.binary_data.is_none();
            wait_for(&desk.maps, name, "put right", put_right).await;
        }
        let parameters = DeleteParams::default();
        desk.maps.delete(name, &parameters).await.unwrap();
        wait_for(&desk.maps, name, "there again", |map| map.data == right).await;
    }
    // Nobody can change the data of these any more, and a finalizer holds what is deleted.
    for name in [PUBLIC_KEYS, KEYS] {
        let right = desk.maps.get(name).await.unwrap().data;
        desk.freeze(name, &json!({ "cert.pem": planted, INVENTORY_ITEM: "{}" }))
            .await;
        let put_right = |map: &ConfigMap| map.data == right && map.immutable.is_none();
        let anew = wait_for(&desk.maps, name, "made anew", put_right).await;
        assert_eq!(anew.metadata.labels.unwrap()["theirs"], "x");
    }
    desk.freeze(KEY_REQUESTS, &json!({ "a": "rotate, please" }))
        .await;
    refused(desk.answer("a").await);
    wait_for(&desk.maps, KEY_REQUESTS, "made anew", |map| {
        map.immutable.is_none()
    })
    .await;
    desk.worked_off().await;
}

#[tokio::test]
async fn a_published_map_that_was_made_immutable_and_may_not_be_deleted_is_told_and_stops_no_other()
{
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::with_rights(&plane, |object| {
        for rule in object["rules"].as_array_mut().into_iter().flatten() {
            let verbs = rule["verbs"].as_array_mut().unwrap();
            verbs.retain(|verb| verb != "delete");
        }
    })
    .await;
    let controller = home.start(&[]).await;
    let desk = Desk::of(plane.client().await, &home);
    desk.worked_off().await;
    let right = desk.maps.get(PUBLIC_KEYS).await.unwrap().data;
    let planted = old_key().certificate().to_pem();
    desk.freeze(PUBLIC_KEYS, &json!({ "cert.pem": planted }))
        .await;

    let events: Api<Event> = Api::namespaced(plane.client().await, home.namespace());
    let told = eventually("event", async || {
        let events = events.list(&ListParams::default()).await.unwrap().items;
        let about = |it: &Event| it.involved_object.name.as_deref() == Some(PUBLIC_KEYS);
        events.into_iter().find(about)
    })
    .await;
    assert_eq!(told.reason.as_deref(), Some("Immutable"));
    let message = told.message.unwrap();
    assert!(message.contains("grant it that right"), "{message}");
    let gauge = "sealed_secrets_controller_published";
    let is_published = async |name: &str| {
        let metrics = controller.metrics.get("/metrics").await.body;
        let series = format!("{gauge}{{configmap=\"{name}\"}} ");
        let mut values = metrics.lines().filter_map(|it| it.strip_prefix(&series));
        values.next() == Some("1")
    };
    assert!(!is_published(PUBLIC_KEYS).await);

    // The others are tended as ever. That a key seals is not said while others seal with another one.
    let parameters = DeleteParams::default();
    desk.maps.delete(KEYS, &parameters).await.unwrap();
    desk.ask(&json!({ "data": { "a": "rotate, please", "b": ROTATE } }))
        .await;
    refused(desk.answer("a").await);
    assert!(is_published(KEYS).await && is_published(KEY_REQUESTS).await);
    eventually("second key", async || {
        (desk.keys().await.len() == 2).then_some(())
    })
    .await;
    let open = desk.maps.get(KEY_REQUESTS).await.unwrap().data.unwrap();
    assert!(open.contains_key("b"), "{open:?}");

    // Somebody who may deletes it.
    let free = json!({ "metadata": { "finalizers": null } });
    desk.patch(PUBLIC_KEYS, &free).await;
    desk.maps.delete(PUBLIC_KEYS, &parameters).await.unwrap();
    let (_, new) = done(desk.answer("b").await);
    assert_eq!(desk.published().await.key_id().as_str(), new);
    assert_ne!(desk.maps.get(PUBLIC_KEYS).await.unwrap().data, right);
    eventually("better news", async || {
        is_published(PUBLIC_KEYS).await.then_some(())
    })
    .await;
    let log = controller.process.log();
    assert_eq!(log.matches(&message).count(), 1, "{log}");
    assert!(!log.contains("Status {"), "{log}");
}

#[tokio::test]
async fn a_controller_without_the_right_to_publish_says_so_once_and_publishes_when_it_has_it() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::with_rights(&plane, |object| {
        let rules = object["rules"].as_array_mut();
        for rule in rules.into_iter().flatten() {
            if rule["resources"] == json!(["configmaps"]) {
                rule["resources"] = json!(["nothing"]);
            }
        }
    })
    .await;
    let controller = home.start(&[]).await;
    let desk = Desk::of(plane.client().await, &home);
    let complaints = || {
        let log = controller.process.log();
        log.matches("cannot be published").count()
    };
    eventually("complaint", async || (complaints() > 0).then_some(())).await;
    assert!(desk.maps.get_opt(PUBLIC_KEYS).await.unwrap().is_none());

    let grant = json!({ "apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": { "name": "maps", "namespace": home.namespace() },
            "rules": [{
                "apiGroups": [""],
                "resources": ["configmaps"],
                "verbs": ["create", "get", "list", "watch", "update"],
            }],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": { "name": "maps", "namespace": home.namespace() },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "maps" },
            "subjects": [{
                "kind": "ServiceAccount",
                "name": "sealed-secrets-controller",
                "namespace": home.namespace(),
            }],
        },
    ] });
    plane.apply(&grant.to_string());
    wait_for(&desk.maps, PUBLIC_KEYS, "published", |_| true).await;
    assert_eq!(complaints(), 1, "{}", controller.process.log());
}

#[tokio::test]
async fn where_backups_are_required_a_new_key_seals_once_it_is_marked() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&["--require-backup", MANY]).await;
    let desk = Desk::of(plane.client().await, &home);
    let first = certificate(&controller).await;
    desk.worked_off().await;
    assert_eq!(desk.published().await.key_id(), first.key_id(), "it seals");

    desk.ask(&json!({ "data": { "a": ROTATE } })).await;
    let answered = desk.answer("a").await;
    let RequestOutcome::AwaitsBackup { old_key, new_key } = answered else {
        panic!("{answered:?}");
    };
    assert_eq!(old_key.unwrap(), first.key_id().as_str());
    assert_eq!(desk.published().await.key_id(), first.key_id());
    assert_eq!(certificate(&controller).await.key_id(), first.key_id());

    // An event, an annotation and a metric say so.
    let map = wait_for(&desk.maps, PUBLIC_KEYS, "annotated", |map| {
        map.metadata.annotations.is_some()
    })
    .await;
    let annotations = map.metadata.annotations.unwrap();
    assert_eq!(annotations["seal.alt/awaits-backup"], new_key);
    assert!(!map.data.unwrap()["certs.pem"].is_empty());
    let waiting = desk.find(&new_key).await;
    assert_eq!(waiting.standing, Standing::AwaitsBackup);
    let events: Api<Event> = Api::namespaced(plane.client().await, home.namespace());
    let event = eventually("event", async || {
        let events = events.list(&ListParams::default()).await.unwrap().items;
        let told = |event: &Event| event.reason.as_deref() == Some("KeyAwaitsBackup");
        events.into_iter().find(told)
    })
    .await;
    assert_eq!(event.involved_object.name, Some(waiting.secret.clone()));
    let gauge = "sealed_secrets_controller_keys_awaiting_backup";
    let metrics = controller.metrics.get("/metrics").await.body;
    assert!(metrics.contains(&format!("{gauge} 1")), "{metrics}");

    // A second request makes no second key that waits behind the first.
    desk.ask(&json!({ "data": { "b": ROTATE } })).await;
    let answered = desk.answer("b").await;
    let RequestOutcome::AwaitsBackup { new_key: same, .. } = answered else {
        panic!("{answered:?}");
    };
    assert_eq!((same, desk.keys().await.len()), (new_key.clone(), 2));

    let mark = json!({ "metadata": { "annotations": { BACKUP: DIGEST } } });
    let merge = (PatchParams::default(), Patch::Merge(mark));
    let marked = desk.secrets.patch(&waiting.secret, &merge.0, &merge.1);
    assert!(Marks::of(&marked.await.unwrap().metadata).backup.is_some());
    eventually("new certificate", async || {
        (desk.published().await.key_id().as_str() == new_key).then_some(())
    })
    .await;
    let is_marked = |key: &KeyEntry| key.id.as_ref() == Some(&new_key) && key.backup.is_some();
    let key = desk.listed("the mark", is_marked).await;
    assert_eq!(key.backup.unwrap().digest.as_str(), DIGEST);
    assert_eq!(key.standing, Standing::Current);
    let annotated = |map: &ConfigMap| {
        map.metadata
            .annotations
            .as_ref()
            .is_some_and(|it| !it.is_empty())
    };
    assert!(!annotated(&desk.maps.get(PUBLIC_KEYS).await.unwrap()));
}

#[tokio::test]
async fn every_key_is_listed_whatever_became_of_it() {
    let Some((site, controller)) = Site::shared("listed").await else {
        return;
    };
    let home = controller.installation();
    let desk = Desk::of(site.client(), home);
    let mut expected = Vec::new();
    for state in ["active", "compromised", "retired", "parked"] {
        let key = old_key();
        let name = store(&site, home, state, &key).await;
        let mut secret = desk.secrets.get(&name).await.unwrap();
        put_label(&mut secret, KEY_LABEL, state);
        let parameters = PostParams::default();
        desk.secrets
            .replace(&name, &parameters, &secret)
            .await
            .unwrap();
        expected.push((name, key.certificate().key_id().to_string(), state));
    }
    // A certificate that belongs to another key.
    let name = store(&site, home, "mixed", &old_key()).await;
    let mut secret = desk.secrets.get(&name).await.unwrap();
    let other = old_key().certificate().to_pem().into_bytes();
    secret.data.as_mut().unwrap().get_mut("tls.crt").unwrap().0 = other;
    let parameters = PostParams::default();
    desk.secrets
        .replace(&name, &parameters, &secret)
        .await
        .unwrap();

    for (name, id, state) in expected {
        let listed = |key: &KeyEntry| {
            key.secret == name && key.id.as_ref() == Some(&id) && key.standing.as_str() == state
        };
        desk.listed(&format!("{name} as {state}"), listed).await;
    }
    let mixed = desk
        .listed("the mixed one", |key| {
            key.secret == name && key.standing == Standing::Malformed
        })
        .await;
    let problem = mixed.problem.unwrap();
    assert!(problem.contains("tls.crt certifies key"), "{problem}");
    site.unseal(&site.seal("db", &[("a", "1")])).await;
}

#[tokio::test]
async fn an_object_whose_key_is_deleted_says_so_and_recovers_when_the_key_comes_back() {
    let Some((site, controller)) = Site::shared("deleted-key").await else {
        return;
    };
    let home = controller.installation();
    let key = old_key();
    let name = store(&site, home, "deleted", &key).await;
    let recipient = key.certificate().recipients();
    let sealed = seal_for(recipient, site.name(), "db", &[("a", "1")], |_| {});
    let before = site.unseal(&sealed).await;

    let keys = site.secrets_in(home.namespace());
    keys.delete(&name, &DeleteParams::default()).await.unwrap();
    let failed = site.failed("db", "WrongKey").await;
    let lost = key.certificate().key_id().as_str();
    assert!(message(&failed).contains(lost), "{}", message(&failed));
    let kept = site.secrets().get("db").await.unwrap();
    assert_eq!(kept, before, "the Secret that is in use stays as it is");

    store(&site, home, "deleted", &key).await;
    site.synced("db").await;
}

const ROTATE: &str = r#"{"action":"rotate"}"#;

/// Where requests are made and answers are read.
pub(super) struct Desk {
    maps: Api<ConfigMap>,
    secrets: Api<Secret>,
}

impl Desk {
    pub(super) fn of(client: Client, home: &Installation) -> Self {
        Self {
            maps: Api::namespaced(client.clone(), home.namespace()),
            secrets: Api::namespaced(client, home.namespace()),
        }
    }

    /// Changes the requests as a key administrator does.
    pub(super) async fn ask(&self, change: &Value) {
        wait_for(&self.maps, KEY_REQUESTS, "there", |_| true).await;
        self.patch(KEY_REQUESTS, change).await;
    }

    async fn patch(&self, name: &str, change: &Value) -> ConfigMap {
        let (parameters, change) = (PatchParams::default(), Patch::Merge(change));
        self.maps.patch(name, &parameters, &change).await.unwrap()
    }

    /// Makes a ConfigMap immutable as whoever may write it can, and hold it when it is deleted.
    async fn freeze(&self, name: &str, data: &Value) {
        let metadata = json!({ "finalizers": ["example.com/held"], "labels": { "theirs": "x" } });
        let change = json!({ "immutable": true, "data": data, "metadata": metadata });
        self.patch(name, &change).await;
    }

    pub(super) async fn answer(&self, id: &str) -> RequestOutcome {
        let answered = |map: &ConfigMap| answers(map).contains_key(id);
        let map = wait_for(&self.maps, KEYS, &format!("answering {id}"), answered).await;
        answers(&map).remove(id).unwrap().outcome
    }

    /// Waits until all is written and no request is left.
    pub(super) async fn worked_off(&self) {
        wait_for(&self.maps, PUBLIC_KEYS, "published", |_| true).await;
        wait_for(&self.maps, KEYS, "listing keys", |map| {
            !inventory(map).keys.is_empty()
        })
        .await;
        wait_for(&self.maps, KEY_REQUESTS, "empty", |map| {
            map.data.as_ref().is_none_or(BTreeMap::is_empty)
        })
        .await;
    }

    async fn published(&self) -> Certificate {
        let map = self.maps.get(PUBLIC_KEYS).await.unwrap();
        Certificate::from_pem(map.data.unwrap()["cert.pem"].as_bytes()).unwrap()
    }

    /// All keys as they are listed.
    pub(super) async fn keys(&self) -> Vec<KeyEntry> {
        inventory(&self.maps.get(KEYS).await.unwrap()).keys
    }

    async fn find(&self, id: &str) -> KeyEntry {
        self.listed(id, |key| key.id.as_deref() == Some(id)).await
    }

    async fn listed(&self, what: &str, wanted: impl Fn(&KeyEntry) -> bool) -> KeyEntry {
        let listed = |map: &ConfigMap| inventory(map).keys.iter().any(&wanted);
        let map = wait_for(&self.maps, KEYS, &format!("listing {what}"), listed).await;
        inventory(&map).keys.into_iter().find(&wanted).unwrap()
    }
}

fn answers(map: &ConfigMap) -> Answers {
    let text = map.data.as_ref().and_then(|data| data.get(ANSWERS_ITEM));
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn inventory(map: &ConfigMap) -> Inventory {
    let text = map.data.as_ref().and_then(|data| data.get(INVENTORY_ITEM));
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

pub(super) fn done(outcome: RequestOutcome) -> (Option<String>, String) {
    match outcome {
        RequestOutcome::Done { old_key, new_key } => (old_key, new_key),
        other => panic!("{other:?}"),
    }
}

pub(super) fn refused(outcome: RequestOutcome) -> String {
    match outcome {
        RequestOutcome::Refused { why } => why,
        other => panic!("{other:?}"),
    }
}
