//! Keys that go out of use: only when nothing needs them, and never without a way back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, api::ListParams};
use seal_envelope::{Identity, KeyKind, generate_age};
use seal_keyring::KEY_LABEL;
use seal_tests::{ControlPlane, Installation, Outcome, Workdir, wait_for};

use crate::site::{Site, certificate, seal_for};

#[tokio::test]
async fn a_key_goes_out_of_use_when_nothing_needs_it_and_not_before() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    wait_for(&maps, "seal-key-requests", "there", |_| true).await;
    let site = Site::on(&plane, &controller, "retirement").await;
    let old = site.key_id().to_owned();
    let directory = Workdir::new();
    let text = generate_age(KeyKind::X25519).unwrap();
    directory.write("identity.txt", text.as_bytes());
    let identity = Identity::from_age(&text).unwrap();
    let recipient = identity.recipient().age().unwrap().to_owned();
    let seal = |command: &str| -> Outcome {
        let kubeconfig = plane.kubeconfig();
        let connection = [
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
            "--controller-namespace",
            home.namespace(),
        ];
        let words = command.split_whitespace();
        directory.seal(&words.chain(connection).collect::<Vec<_>>(), "")
    };
    let states = async || -> Vec<String> {
        let secrets: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
        let keys = secrets.list(&ListParams::default().labels(KEY_LABEL)).await;
        let keys = keys.unwrap().items.into_iter();
        let mut states: Vec<_> = keys
            .map(|key| key.metadata.labels.unwrap()[KEY_LABEL].clone())
            .collect();
        states.sort();
        states
    };

    let current = seal(&format!("keys retire {old}"));
    assert_eq!(current.code, Some(2));
    assert!(current.stderr.contains("it seals"), "{}", current.stderr);

    // The first run makes the new key and tells what has to be changed.
    let sealed = site.seal("db", &[("a", "1"), ("b", "2")]);
    site.unseal(&sealed).await;
    directory.write("apps/db.json", serde_json::to_string(&sealed).unwrap());
    let needed = seal(&format!("keys compromise {old} apps"));
    assert_eq!(needed.code, Some(1), "{}", needed.stderr);
    let name = site.name();
    for line in [
        format!("in the cluster: {name}/db: a\n"),
        format!("{name}/db: b\n"),
        "apps/db.json:1:1: ".to_owned(),
    ] {
        assert!(needed.stdout.contains(&line), "{line} in {}", needed.stdout);
    }
    assert_eq!(needed.stdout.lines().count(), 4);
    assert!(needed.stderr.contains("next: seal rotate apps"));
    assert_eq!(states().await, ["active", "active"]);
    let needed = seal(&format!("keys retire {old}"));
    assert_eq!((needed.code, needed.stdout.lines().count()), (Some(1), 2));

    // Sealed again in the cluster, but not yet in Git.
    let new = certificate(&controller).await;
    assert_ne!(new.key_id().as_str(), old);
    let values = [("a", "1"), ("b", "2")];
    let resealed = seal_for(new.recipients(), name, "db", &values, |_| {});
    let resealed = serde_json::to_string(&resealed).unwrap();
    plane.kubectl(&["replace", "-f", "-"], &resealed);
    let needed = seal(&format!("keys retire {old} apps"));
    assert_eq!((needed.code, needed.stdout.lines().count()), (Some(1), 2));
    directory.write("apps/db.json", &resealed);

    // Deleted only with a backup that holds the very key.
    seal(&format!(
        "keys backup {} -r {recipient} -w new.age",
        new.key_id()
    ))
    .expect_success();
    seal(&format!("keys backup -r {recipient} -w keys.age")).expect_success();
    let delete = format!("keys retire {old} apps --delete --yes");
    let refused = seal(&delete);
    assert!(refused.stderr.contains("--backup"), "{}", refused.stderr);
    let refused = seal(&format!("{delete} --backup new.age -i identity.txt"));
    assert!(
        refused.stderr.contains("does not hold"),
        "{}",
        refused.stderr
    );
    let refused = seal(&format!("{delete} --backup keys.age"));
    assert!(refused.stderr.contains("encrypted"), "{}", refused.stderr);
    assert_eq!(states().await, ["active", "active"]);

    seal(&format!("keys retire {old} apps")).expect_success();
    assert_eq!(states().await, ["active", "retired"]);
    seal(&format!("{delete} --backup keys.age -i identity.txt")).expect_success();
    assert_eq!(states().await, ["active"]);
    seal("keys restore keys.age -i identity.txt").expect_success();
    seal(&format!("keys compromise {old} apps")).expect_success();
    assert_eq!(states().await, ["active", "compromised"]);

    // At once: the key goes first, what needs it is told, and a new one seals.
    let cut = seal(&format!("keys compromise {} apps --now", new.key_id()));
    assert_eq!(cut.code, Some(0), "{}", cut.stderr);
    assert_eq!(cut.stdout.lines().count(), 4);
    assert!(cut.stderr.contains("next: seal rotate --identity"));
    wait_for(&maps, "seal-public-keys", "with a third key", |map| {
        let pem = &map.data.as_ref().unwrap()["cert.pem"];
        let certificate = seal_keyring::Certificate::from_pem(pem.as_bytes()).unwrap();
        ![old.as_str(), new.key_id().as_str()].contains(&certificate.key_id().as_str())
    })
    .await;
}
