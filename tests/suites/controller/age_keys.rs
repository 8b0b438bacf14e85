//! Age keys beside RSA keys: made, published, renewed; what is sealed for them opens where it belongs and nowhere else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api,
    api::{ListParams, PostParams},
};
use seal_api::{Scope, SealedSecret, annotations};
use seal_envelope::{Kind, Recipient, Recipients};
use seal_keyring::{
    AGE_KEY_LABEL, BACKUP, Certificate, KEY_LABEL, Standing,
    requests::{PUBLIC_KEYS, RECIPIENTS_ITEM, RequestOutcome},
};
use seal_sealing::{decode, encode, label, seal_value};
use seal_tests::{
    ControlPlane, Controller, Exclusive, Hold, Installation, Moment, Namespace, Signal, Tap,
    Upstream, eventually, wait_for,
};
use serde_json::json;

use super::requests::{Desk, done, refused};
use crate::site::{
    Site, age_recipient, age_recipient_after, certificate, has_failed, in_age, is_synced, message,
    put_label, put_value, texts, values,
};

const ROTATE_AGE: &str = r#"{"action":"rotate","kind":"age"}"#;
const ROTATE: &str = r#"{"action":"rotate"}"#;
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A control plane with a namespace for our controller.
struct Cluster {
    plane: Exclusive,
    home: Installation,
}

impl Cluster {
    async fn new() -> Option<Self> {
        let plane = ControlPlane::exclusive().await?;
        let home = Installation::create(&plane).await;
        Some(Self { plane, home })
    }

    async fn labelled(&self, label: &str) -> Vec<Secret> {
        let secrets: Api<Secret> =
            Api::namespaced(self.plane.client().await, self.home.namespace());
        let labelled = ListParams::default().labels(label);
        secrets.list(&labelled).await.unwrap().items
    }

    async fn age_keys(&self) -> Vec<Secret> {
        self.labelled(AGE_KEY_LABEL).await
    }

    async fn desk(&self) -> Desk {
        Desk::of(self.plane.client().await, &self.home)
    }

    async fn published(&self) -> BTreeMap<String, String> {
        let maps: Api<ConfigMap> =
            Api::namespaced(self.plane.client().await, self.home.namespace());
        maps.get(PUBLIC_KEYS).await.unwrap().data.unwrap()
    }
}

fn put(sealed: &mut SealedSecret, item: &str, text: String) {
    sealed.spec.encrypted_data.insert(item.into(), text);
}

async fn operations(controller: &Controller) -> u64 {
    let metrics = controller.metrics.get("/metrics").await.body;
    let name = "sealed_secrets_controller_private_key_operations_total ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_age_key_is_made_and_published_and_objects_in_both_kinds_unseal() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let controller = cluster.home.start(&["--age-keys=x25519"]).await;
    let recipient = age_recipient(&controller).await;
    let keys = cluster.age_keys().await;
    assert_eq!(keys.len(), 1);
    let name = keys[0].metadata.name.as_ref().unwrap();
    assert!(name.starts_with("sealed-secrets-key-age-"), "{name}");
    assert_eq!(keys[0].type_.as_deref(), Some(AGE_KEY_LABEL));
    assert_eq!(cluster.labelled(KEY_LABEL).await.len(), 1, "one of RSA");

    let site = Site::on(&cluster.plane, &controller, "both").await;
    let text = recipient.age().unwrap();
    let file = format!("# {}\n{text}\n", recipient.id());
    assert_eq!(controller.http.get("/v1/recipients.txt").await.body, file);
    let maps: Api<ConfigMap> = Api::namespaced(site.client(), cluster.home.namespace());
    wait_for(&maps, PUBLIC_KEYS, "published", |map| {
        map.data.as_ref().unwrap().get(RECIPIENTS_ITEM) == Some(&file)
    })
    .await;

    let mut mixed = site.seal("mixed", &[("hybrid", "1")]);
    let bound = label(Scope::Strict, site.name(), "mixed");
    let age = seal_value(b"2", &bound, &recipient.clone().into()).unwrap();
    put(&mut mixed, "age", age);
    let secret = site.unseal(&mixed).await;
    assert_eq!(values(&secret), texts(&[("age", "2"), ("hybrid", "1")]));
    let record = site.synced("mixed").await.status.unwrap().record.unwrap();
    let mut ids = vec![site.key_id().to_owned(), recipient.id().to_string()];
    ids.sort();
    assert_eq!(record.keys, ids);

    for series in [
        "current_key_age_seconds{kind=\"age\"}".to_owned(),
        "current_key_age_seconds{kind=\"rsa\"}".to_owned(),
        format!("objects_by_key{{key=\"{}\"}} 1", recipient.id()),
    ] {
        let series = format!("sealed_secrets_controller_{series}");
        eventually(&series, async || {
            let metrics = controller.metrics.get("/metrics").await.body;
            metrics.contains(&series).then_some(())
        })
        .await;
    }
    // As the HTTP API has it.
    let body = serde_json::to_string(&mixed).unwrap();
    let rotated = controller.http.post("/v1/rotate", body).await.body;
    let rotated: SealedSecret = serde_json::from_str(&rotated).unwrap();
    for (item, kind) in [("age", Kind::Age), ("hybrid", Kind::Hybrid)] {
        let text = &rotated.spec.encrypted_data[item];
        assert_ne!(text, &mixed.spec.encrypted_data[item]);
        assert_eq!(Kind::of(&decode(text).unwrap()), kind);
    }
    site.change("mixed", |it| it.spec = rotated.spec.clone())
        .await;
    site.synced("mixed").await;

    // Turned off, no key is made on request, and what is there goes on.
    assert!(controller.stop().await.success());
    let controller = cluster.home.start(&[]).await;
    let desk = cluster.desk().await;
    desk.ask(&json!({ "data": { "a": ROTATE_AGE } })).await;
    let why = refused(desk.answer("a").await);
    assert!(why.contains("--age-keys=off"), "{why}");
    assert_eq!(controller.http.get("/v1/recipients.txt").await.body, file);
    assert_eq!(cluster.published().await[RECIPIENTS_ITEM], file);
    site.unseal(&in_age(&site, "later", &recipient)).await;
    assert_eq!(cluster.age_keys().await.len(), 1);
}

#[tokio::test]
async fn age_keys_are_renewed_by_request_by_signal_and_by_a_changed_flag_and_the_old_ones_open() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let many = "--key-requests-per-hour=1000";
    let mut controller = cluster.home.start(&["--age-keys=x25519", many]).await;
    let first = age_recipient(&controller).await;
    let site = Site::on(&cluster.plane, &controller, "renewed").await;
    let desk = cluster.desk().await;
    desk.worked_off().await;

    desk.ask(&json!({ "data": { "a": ROTATE_AGE } })).await;
    let (old, new) = done(desk.answer("a").await);
    assert_eq!(old.as_deref(), Some(first.id().as_str()));
    let second = age_recipient_after(&controller, Some(&first)).await;
    assert_eq!(second.id().as_str(), new);
    let rsa = certificate(&controller).await;
    assert_eq!(rsa.key_id().as_str(), site.key_id(), "the other kind stays");

    desk.ask(&json!({ "data": { "b": ROTATE } })).await;
    let (old, _) = done(desk.answer("b").await);
    assert_eq!(old.as_deref(), Some(site.key_id()));
    assert_eq!(cluster.age_keys().await.len(), 2);

    controller.process.signal(Signal::USR1);
    let third = age_recipient_after(&controller, Some(&second)).await;
    eventually("three keys of RSA", async || {
        (cluster.labelled(KEY_LABEL).await.len() == 3).then_some(())
    })
    .await;
    assert_eq!(cluster.age_keys().await.len(), 3);
    assert!(controller.stop().await.success());

    let controller = cluster.home.start(&["--age-keys=pq", many]).await;
    let post_quantum = age_recipient_after(&controller, Some(&third)).await;
    assert!(post_quantum.age().unwrap().starts_with("age1pq1"));
    for (name, recipient) in [("first", &first), ("third", &third), ("pq", &post_quantum)] {
        let secret = site.unseal(&in_age(&site, name, recipient)).await;
        assert_eq!(values(&secret)["a"], name);
    }
    let expected = [
        "RSA-2048 current",
        "RSA-2048 active",
        "RSA-2048 active",
        "ML-KEM-768+X25519 current",
        "X25519 active",
        "X25519 active",
        "X25519 active",
    ];
    eventually("list of all keys", async || {
        let keys = desk.keys().await.into_iter();
        let told: Vec<_> = keys
            .map(|key| format!("{} {}", key.kind.unwrap(), key.standing.as_str()))
            .collect();
        (told == expected).then_some(())
    })
    .await;
    assert!(controller.stop().await.success());

    // A restart makes none.
    let _controller = cluster.home.start(&["--age-keys=pq", many]).await;
    site.pass("last").await;
    assert_eq!(cluster.age_keys().await.len(), 4);
}

#[tokio::test]
async fn where_backups_are_required_the_old_age_key_seals_until_the_new_one_is_marked() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let flags = ["--age-keys=x25519", "--require-backup"];
    let controller = cluster.home.start(&flags).await;
    let first = age_recipient(&controller).await;
    let desk = cluster.desk().await;
    desk.worked_off().await;
    desk.ask(&json!({ "data": { "a": ROTATE_AGE } })).await;
    let answered = desk.answer("a").await;
    let RequestOutcome::AwaitsBackup { old_key, new_key } = answered else {
        panic!("{answered:?}");
    };
    assert_eq!(old_key.as_deref(), Some(first.id().as_str()));
    assert_eq!(age_recipient(&controller).await.id(), first.id());
    let file = &cluster.published().await[RECIPIENTS_ITEM];
    assert!(file.contains(first.age().unwrap()), "{file}");

    let keys = desk.keys().await;
    let is_waiting = |key: &&seal_keyring::KeyEntry| key.standing == Standing::AwaitsBackup;
    let waiting: Vec<_> = keys.iter().filter(is_waiting).collect();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].id.as_ref(), Some(&new_key));
    let mark = json!({ "metadata": { "annotations": { BACKUP: DIGEST } } }).to_string();
    let secret = &waiting[0].secret;
    cluster.plane.kubectl(
        &[
            "--namespace",
            cluster.home.namespace(),
            "patch",
            "secret",
            secret,
            "--type=merge",
            "-p",
            &mark,
        ],
        "",
    );
    let second = age_recipient_after(&controller, Some(&first)).await;
    assert_eq!(second.id().as_str(), new_key);
}

#[tokio::test]
async fn a_controller_that_is_killed_while_it_makes_an_age_key_makes_one_and_publishes_it() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let (home, desk) = (&cluster.home, cluster.desk().await);
    let tap = Tap::new(home).await;
    let controller = home.start(&[]).await;
    desk.worked_off().await;
    assert!(controller.stop().await.success());
    let flags = ["--age-keys=x25519", "--key-requests-per-hour=1000"];
    for (number, (method, path, moment)) in (1..).zip([
        ("POST", "/secrets", Moment::Before),
        ("POST", "/secrets", Moment::After),
        ("PUT", "/configmaps/seal-public-keys", Moment::Before),
        ("PUT", "/configmaps/seal-public-keys", Moment::After),
    ]) {
        let step = format!("{moment:?} {method} {path}");
        tap.hold(Hold {
            method,
            path,
            moment,
        });
        let mut controller = home.launch_through_tap(&tap, &flags);
        let id = format!("request-{number}");
        if number > 1 {
            desk.ask(&json!({ "data": { (&id): ROTATE_AGE } })).await;
        }
        tap.held().await;
        controller.process.kill();

        let controller = home.start(&flags).await;
        if number > 1 {
            let (_, new) = done(desk.answer(&id).await);
            let served = age_recipient(&controller).await;
            assert_eq!(served.id().as_str(), new, "{step}");
        }
        age_recipient(&controller).await;
        desk.worked_off().await;
        assert_eq!(cluster.age_keys().await.len(), number, "{step}");
        assert_eq!(cluster.labelled(KEY_LABEL).await.len(), 1, "{step}");
        assert!(controller.stop().await.success());
    }
}

#[tokio::test]
async fn two_controllers_at_once_make_one_key_of_each_kind() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let flags = ["--age-keys=x25519"];
    let (mut one, mut other) = (cluster.home.launch(&flags), cluster.home.launch(&flags));
    one.wait_ready().await;
    other.wait_ready().await;
    let seen = (age_recipient(&one).await, age_recipient(&other).await);
    assert_eq!(seen.0.id(), seen.1.id());
    assert_eq!(cluster.age_keys().await.len(), 1);
    assert_eq!(cluster.labelled(KEY_LABEL).await.len(), 1);
}

#[tokio::test]
async fn an_age_value_opens_under_its_own_name_and_nowhere_else() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let controller = cluster.home.start(&["--age-keys=x25519"]).await;
    let recipient = age_recipient(&controller).await;
    let site = Site::on(&cluster.plane, &controller, "scopes").await;
    let good = in_age(&site, "good", &recipient);

    let mut renamed = good.clone();
    renamed.metadata.name = Some("renamed".into());
    site.create(&renamed).await;
    let told = site.failed("renamed", "WrongScope").await;
    let told = message(&told);
    assert!(
        told.contains("for another name or namespace") && told.contains(recipient.id().as_str()),
        "{told}"
    );

    let elsewhere = Namespace::create(&cluster.plane, "elsewhere");
    let there: Api<SealedSecret> = Api::namespaced(site.client(), elsewhere.name());
    let mut moved = good.clone();
    moved.metadata.namespace = Some(elsewhere.name().into());
    there.create(&PostParams::default(), &moved).await.unwrap();
    wait_for(&there, "good", "failed", |it| has_failed(it, "WrongScope")).await;

    let mut widened = in_age(&site, "widened", &recipient);
    let annotations = widened.metadata.annotations.get_or_insert_default();
    annotations.insert(annotations::CLUSTER_WIDE.into(), "true".into());
    site.create(&widened).await;
    let told = site.failed("widened", "WrongScope").await;
    assert!(message(&told).contains("strict"), "{}", message(&told));

    // The stanzas of one value over the payload of another.
    let mut swapped = in_age(&site, "swapped", &recipient);
    let file = decode(&swapped.spec.encrypted_data["a"]).unwrap();
    let bound = label(Scope::Strict, site.name(), "swapped");
    let other = seal_value(b"other", &bound, &recipient.clone().into()).unwrap();
    let other = decode(&other).unwrap();
    let (header, payload) = (split(&file).0, split(&other).1);
    put(&mut swapped, "a", encode(&[header, payload].concat()));
    site.create(&swapped).await;
    site.failed("swapped", "Corrupt").await;

    // Made by age for the same recipient, but not by sealing.
    let mut foreign = in_age(&site, "foreign", &recipient);
    let recipients = Recipients::from(recipient.clone());
    let file = recipients.encrypt_file(b"not sealed").unwrap();
    put(&mut foreign, "a", encode(&file));
    site.create(&foreign).await;
    site.failed("foreign", "Corrupt").await;

    let stranger = seal_keyring::NewAgeKey::generate(recipient.kind(), jiff::Timestamp::now());
    let stranger: Recipient = stranger.unwrap().recipient().as_str().parse().unwrap();
    site.create(&in_age(&site, "theirs", &stranger)).await;
    let told = site.failed("theirs", "WrongKey").await;
    assert!(
        message(&told).contains(stranger.id().as_str()),
        "{}",
        message(&told)
    );

    for name in ["renamed", "widened", "swapped", "foreign", "theirs"] {
        let secret = site.secrets().get_opt(name).await.unwrap();
        assert!(secret.is_none(), "{name}");
    }
    site.unseal(&good).await;
    assert_eq!(
        site.secrets()
            .get("good")
            .await
            .unwrap()
            .data
            .unwrap()
            .len(),
        1
    );
}

/// The header of an age file, up to and with its line of the MAC, and the rest.
fn split(file: &[u8]) -> (&[u8], &[u8]) {
    let mac = file.windows(5).position(|it| it == b"\n--- ").unwrap() + 1;
    let end = file[mac..].iter().position(|byte| *byte == b'\n').unwrap();
    file.split_at(mac + end + 1)
}

#[tokio::test]
async fn a_restart_with_nothing_changed_decrypts_no_age_value_whichever_key_vouches() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let flags = ["--age-keys=x25519"];
    let controller = cluster.home.start(&flags).await;
    let recipient = age_recipient(&controller).await;
    let site = Site::on(&cluster.plane, &controller, "restart").await;
    for name in ["one", "two"] {
        site.unseal(&in_age(&site, name, &recipient)).await;
    }
    assert!(controller.stop().await.success());
    let controller = cluster.home.start(&flags).await;
    // It comes last: what was there before has been looked at.
    let last = in_age(&site, "last", &recipient);
    site.unseal(&last).await;
    assert_eq!(operations(&controller).await, 1, "that of the new one");

    // The RSA key, which vouches for what was done, goes out of use: others vouch for it then.
    let names = ["one", "two", "last"];
    let mut before = BTreeMap::new();
    for name in names {
        before.insert(name, voucher(&site.synced(name).await));
    }
    let rsa = cluster.labelled(KEY_LABEL).await.remove(0);
    let keys = site.secrets_in(cluster.home.namespace());
    let name = rsa.metadata.name.clone().unwrap();
    let mut rsa = keys.get(&name).await.unwrap();
    put_label(&mut rsa, KEY_LABEL, "compromised");
    let parameters = PostParams::default();
    keys.replace(&name, &parameters, &rsa).await.unwrap();
    for name in names {
        let vouched_anew = |it: &SealedSecret| is_synced(it) && voucher(it) != before[name];
        wait_for(&site.sealed_secrets(), name, "vouched for", vouched_anew).await;
    }
    site.change_secret("one", |it| put_value(it, "a", "drifted"))
        .await;
    site.secret_with("one", &[("a", "one")]).await;
    eventually("another key of RSA", async || {
        // For a moment there is none.
        let answer = controller.http.get("/v1/cert.pem").await.body;
        let now = Certificate::from_pem(answer.as_bytes()).ok()?;
        (now.key_id().as_str() != site.key_id()).then_some(())
    })
    .await;
    assert!(controller.stop().await.success());

    let controller = cluster.home.start(&flags).await;
    site.unseal(&in_age(&site, "at-last", &recipient)).await;
    assert_eq!(operations(&controller).await, 1, "that of the new one");
    for name in names {
        site.synced(name).await;
        site.secret_with(name, &[("a", name)]).await;
    }
}

fn voucher(sealed: &SealedSecret) -> String {
    let record = sealed.status.as_ref().and_then(|it| it.record.as_ref());
    record.unwrap().voucher.clone()
}

#[tokio::test]
async fn upstreams_controller_passes_over_age_keys_in_its_namespace() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let Cluster { plane, home } = cluster;
    let controller = home.start(&["--age-keys=pq"]).await;
    let recipient = age_recipient(&controller).await;
    let site = Site::on(&plane, &controller, "upstream").await;
    let namespace = home.namespace().to_owned();
    assert!(controller.stop().await.success());
    let secrets: Api<Secret> = Api::namespaced(plane.client().await, &namespace);
    let labelled = ListParams::default().labels(AGE_KEY_LABEL);
    let before = secrets.list(&labelled).await.unwrap().items;
    assert_eq!(before.len(), 1);

    let mut upstream = Upstream::start(&plane, &namespace, &[]).await;
    site.create(&site.seal("hybrid", &[("a", "1")])).await;
    site.secret_with("hybrid", &[("a", "1")]).await;
    // What it cannot read holds up nothing else.
    site.create(&in_age(&site, "age", &recipient)).await;
    upstream.process.signal(Signal::USR1);
    site.create(&site.seal("another", &[("a", "1")])).await;
    site.secret_with("another", &[("a", "1")]).await;
    assert!(site.secrets().get_opt("age").await.unwrap().is_none());
    let log = upstream.process.log();
    assert!(!log.contains("key-age-"), "{log}");
    assert!(upstream.stop().await.success());
    assert_eq!(secrets.list(&labelled).await.unwrap().items, before);

    let home = Installation::succeed(&plane, home.vacate()).await;
    let _controller = home.start(&["--age-keys=pq"]).await;
    site.secret_with("age", &[("a", "age")]).await;
    assert_eq!(secrets.list(&labelled).await.unwrap().items, before);
}

#[tokio::test]
async fn age_keys_are_found_where_key_secrets_may_be_listed_and_not_watched() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let team = Namespace::create(&plane, "team");
    let home = Installation::under_upstreams_namespaced_roles(&plane, &[team.name()]).await;
    let team_flag = format!("--additional-namespaces={}", team.name());
    let controller = home.start(&["--age-keys=x25519", &team_flag]).await;
    let recipient = age_recipient(&controller).await;
    let site = Site::at(&plane, &controller, team).await;
    let secret = site.unseal(&in_age(&site, "db", &recipient)).await;
    assert_eq!(values(&secret)["a"], "db");
}
