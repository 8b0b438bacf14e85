//! Sealing keys: made, loaded, watched, published.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api,
    api::{ListParams, PostParams},
};
use seal_envelope::{KeyKind, KeySize};
use seal_keyring::{Certificate, KEY_LABEL, NewKey};
use seal_tests::{ControlPlane, Installation, Signal, eventually, wait_for};

use crate::site::{Site, certificate, message, put_label, seal_for, values};

#[tokio::test]
async fn the_first_key_is_made_at_the_first_start_and_loaded_at_the_next() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let made = key_secrets(&plane, &home).await;
    assert_eq!(made.len(), 1);
    let key = &made[0];
    assert!(
        key.metadata
            .name
            .as_ref()
            .unwrap()
            .starts_with("sealed-secrets-key")
    );
    assert_eq!(key.type_.as_deref(), Some("kubernetes.io/tls"));
    let stored = Certificate::from_pem(&key.data.as_ref().unwrap()["tls.crt"].0).unwrap();
    let first = certificate(&controller).await;
    assert_eq!(first.to_pem(), stored.to_pem());
    assert!(controller.stop().await.success());

    let controller = home.start(&[]).await;
    assert_eq!(certificate(&controller).await.to_pem(), first.to_pem());
    let after = key_secrets(&plane, &home).await;
    assert_eq!(
        after, made,
        "the restart left the key Secret untouched and made no other"
    );
}

#[tokio::test]
async fn flags_say_what_a_new_key_looks_like() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home
        .start(&[
            "--key-size=3072",
            "--key-ttl=48h",
            "--my-cn=shop",
            "--key-prefix=own-key",
            "--privatekey-labels=backup=yes",
            "--privatekey-annotations=team=a",
        ])
        .await;
    let certificate = certificate(&controller).await;
    let valid = certificate
        .not_before()
        .duration_until(certificate.not_after());
    assert_eq!(valid, SignedDuration::from_hours(48));
    assert_eq!(
        certificate.recipients().kind(),
        KeyKind::Rsa(KeySize::Rsa3072)
    );
    let key = &key_secrets(&plane, &home).await[0].metadata;
    assert!(key.name.as_ref().unwrap().starts_with("own-key"));
    assert_eq!(key.labels.as_ref().unwrap()["backup"], "yes");
    assert_eq!(key.annotations.as_ref().unwrap()["team"], "a");
}

/// Upstream #1862.
#[tokio::test]
async fn a_key_secret_in_another_namespace_neither_seals_nor_opens() {
    let Some((site, controller)) = Site::shared("foreign-key").await else {
        return;
    };
    let begins = Timestamp::now() + SignedDuration::from_hours(1);
    let year = SignedDuration::from_hours(24 * 365);
    let key = NewKey::generate(KeySize::Rsa2048, begins, year, "").unwrap();
    let (name, labels) = ("sealed-secrets-keyabcde", BTreeMap::new());
    let secret = key
        .secret(site.name(), name, labels, BTreeMap::new())
        .unwrap();
    let created = site.secrets().create(&PostParams::default(), &secret).await;
    assert!(
        created
            .unwrap()
            .metadata
            .labels
            .unwrap()
            .contains_key(KEY_LABEL)
    );

    let recipient = key.certificate().recipients();
    let sealed = seal_for(recipient, site.name(), "db", &[("a", "1")], |_| {});
    site.create(&sealed).await;
    site.failed("db", "WrongKey").await;
    site.pass("other").await;
    site.failed("db", "WrongKey").await;
    let current = certificate(&controller).await;
    assert_ne!(current.key_id(), key.certificate().key_id());
}

#[tokio::test]
async fn a_key_that_is_brought_along_later_unblocks_what_was_sealed_with_it() {
    let Some((site, controller)) = Site::shared("brought-key").await else {
        return;
    };
    let day = SignedDuration::from_hours(24);
    let then = "2015-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
    let expired = NewKey::generate(KeySize::Rsa3072, then, day, "own").unwrap();
    for (name, key) in [("valid", old_key()), ("expired", expired)] {
        let recipient = key.certificate().recipients();
        let sealed = seal_for(recipient, site.name(), name, &[("a", "1")], |_| {});
        site.create(&sealed).await;
        let failed = site.failed(name, "WrongKey").await;
        let id = key.certificate().key_id();
        assert!(
            message(&failed).contains(id.as_str()),
            "{}",
            message(&failed)
        );

        store(&site, controller.installation(), name, &key).await;
        site.synced(name).await;
        site.secret_with(name, &[("a", "1")]).await;
        let current = certificate(&controller).await;
        assert_ne!(current.key_id(), id, "the older one does not seal");
    }
}

#[tokio::test]
async fn a_malformed_key_secret_is_passed_over_and_the_others_work() {
    let Some((site, controller)) = Site::shared("bad-key").await else {
        return;
    };
    let home = controller.installation().namespace();
    let mut broken = Secret::default();
    broken.metadata.name = Some(format!("broken-{}", site.name()));
    put_label(&mut broken, KEY_LABEL, "active");
    let keys = site.secrets_in(home);
    keys.create(&PostParams::default(), &broken).await.unwrap();
    eventually("word of the malformed key", async || {
        let log = controller.process.log();
        let told = log.lines().any(|line| {
            line.contains("ERROR") && line.contains(&format!("broken-{}", site.name()))
        });
        told.then_some(())
    })
    .await;
    site.unseal(&site.seal("db", &[("a", "1")])).await;
}

#[tokio::test]
async fn a_key_marked_as_compromised_goes_out_of_use() {
    let Some((site, controller)) = Site::shared("compromised").await else {
        return;
    };
    let key = old_key();
    let name = store(&site, controller.installation(), "compromised", &key).await;
    let sealed = seal_for(
        key.certificate().recipients(),
        site.name(),
        "db",
        &[("a", "1")],
        |_| {},
    );
    let before = site.unseal(&sealed).await;

    let keys = site.secrets_in(controller.installation().namespace());
    let mut secret = keys.get(&name).await.unwrap();
    put_label(&mut secret, KEY_LABEL, "compromised");
    keys.replace(&name, &PostParams::default(), &secret)
        .await
        .unwrap();

    site.failed("db", "WrongKey").await;
    let kept = site.secrets().get("db").await.unwrap();
    assert_eq!(kept, before, "the Secret that is in use stays as it is");
}

#[tokio::test]
async fn sigusr1_makes_a_key_that_seals_from_then_on_while_the_old_one_still_opens() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let mut controller = home.start(&[]).await;
    let old = certificate(&controller).await;
    let site = Site::on(&plane, &controller, "rotation").await;

    controller.process.signal(Signal::USR1);
    let new = eventually("new certificate", async || {
        let now = certificate(&controller).await;
        (now.key_id() != old.key_id()).then_some(now)
    })
    .await;
    assert!(new.not_before() > old.not_before());
    assert_eq!(key_secrets(&plane, &home).await.len(), 2);

    for (name, certificate) in [("old", &old), ("new", &new)] {
        let sealed = seal_for(
            certificate.recipients(),
            site.name(),
            name,
            &[("a", name)],
            |_| {},
        );
        assert_eq!(values(&site.unseal(&sealed).await)["a"], name);
    }
    published(&plane, &home, &[&new, &old]).await;
}

#[tokio::test]
async fn a_key_older_than_its_period_is_renewed() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let keys: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
    let old = old_key();
    let secret = old
        .secret(home.namespace(), "old", BTreeMap::new(), BTreeMap::new())
        .unwrap();
    keys.create(&PostParams::default(), &secret).await.unwrap();

    let controller = home.start(&["--key-renew-period=720h"]).await;
    let new = eventually("renewed certificate", async || {
        let now = certificate(&controller).await;
        (now.key_id() != old.certificate().key_id()).then_some(now)
    })
    .await;
    published(&plane, &home, &[&new, old.certificate()]).await;
}

#[tokio::test]
async fn two_controllers_that_know_nothing_of_each_other_make_one_key_when_it_is_due() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let keys: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
    let old = old_key();
    let secret = old
        .secret(home.namespace(), "old", BTreeMap::new(), BTreeMap::new())
        .unwrap();
    keys.create(&PostParams::default(), &secret).await.unwrap();

    let mut controllers = [home.launch(&[]), home.launch(&[])];
    for controller in &mut controllers {
        controller.wait_ready().await;
        eventually("renewed certificate", async || {
            let now = certificate(controller).await;
            (now.key_id() != old.certificate().key_id()).then_some(())
        })
        .await;
    }
    let made = key_secrets(&plane, &home).await;
    assert_eq!(made.len(), 2);
    let [one, other] = [
        certificate(&controllers[0]).await,
        certificate(&controllers[1]).await,
    ];
    assert_eq!(one.to_pem(), other.to_pem());
}

#[tokio::test]
async fn public_keys_are_published_where_all_who_are_logged_in_may_read_them() {
    let Some((site, controller)) = Site::shared("published").await else {
        return;
    };
    let home = controller.installation().namespace();
    let maps: Api<ConfigMap> = Api::namespaced(site.client(), home);
    let map = wait_for(&maps, "seal-public-keys", "published", |_| true).await;
    let data = map.data.unwrap();
    assert_eq!(data["cert.pem"], certificate(&controller).await.to_pem());
    assert!(data["certs.pem"].starts_with(&data["cert.pem"]));
    assert_eq!(data.len(), 2, "nothing but certificates is published");
}

/// Waits until exactly these certificates are published, the first being the one that seals.
async fn published(plane: &ControlPlane, home: &Installation, certificates: &[&Certificate]) {
    let all: String = certificates.iter().map(|it| it.to_pem()).collect();
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    let map = wait_for(&maps, "seal-public-keys", "published anew", |map| {
        map.data.as_ref().unwrap()["certs.pem"] == all
    })
    .await;
    assert_eq!(map.data.unwrap()["cert.pem"], certificates[0].to_pem());
}

async fn key_secrets(plane: &ControlPlane, home: &Installation) -> Vec<Secret> {
    let keys: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
    let labelled = ListParams::default().labels(&format!("{KEY_LABEL}=active"));
    keys.list(&labelled).await.unwrap().items
}

/// A key from before any that a controller makes in a test.
pub(super) fn old_key() -> NewKey {
    let then = "2020-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
    let twenty_years = SignedDuration::from_hours(20 * 365 * 24);
    NewKey::generate(KeySize::Rsa2048, then, twenty_years, "").unwrap()
}

/// Stores a key as an operator does who restores a backup, and returns the Secret's name.
pub(super) async fn store(site: &Site, home: &Installation, purpose: &str, key: &NewKey) -> String {
    let name = format!("{purpose}-{}", site.name());
    let secret = key
        .secret(home.namespace(), &name, BTreeMap::new(), BTreeMap::new())
        .unwrap();
    let keys = site.secrets_in(home.namespace());
    keys.create(&PostParams::default(), &secret).await.unwrap();
    name
}
