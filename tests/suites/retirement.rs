//! Keys that go out of use: only when nothing needs them, and never without a way back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::process::Command;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, api::ListParams};
use seal_api::SealedSecret;
use seal_envelope::{Identity, KeyKind, KeySize, Kind, generate_age};
use seal_keyring::{
    AGE_KEY_LABEL, Inventory, KEY_LABEL, NewKey,
    requests::{INVENTORY_ITEM, KEYS},
};
use seal_sealing::decode;
use seal_tests::{ControlPlane, Installation, Outcome, Workdir, wait_for};
use serde_json::Value;

use crate::schemas::expect_valid;
use crate::site::{Site, age_recipient, age_recipient_after, certificate, in_age};

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
    let recipient = identity_in(&directory);
    let seal = |command: &str| seal_in(&directory, &plane, &home, command);
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

    // The first run makes the new key, tells what has to be changed, and seals again what it is given.
    let sealed = site.seal("db", &[("a", "1"), ("b", "2")]);
    site.unseal(&sealed).await;
    site.unseal(&site.seal("forgotten", &[("c", "3")])).await;
    let text = serde_json::to_string(&sealed).unwrap();
    directory.write("apps/db.json", &text);
    let needed = seal(&format!("keys compromise {old} apps"));
    assert_eq!(needed.code, Some(1), "{}", needed.stderr);
    let name = site.name();
    for line in [
        format!("in the cluster: {name}/db: a\n"),
        format!("in the cluster: {name}/forgotten: c\n"),
        format!("{name}/db: b\n"),
        format!("apps/db.json:1:1: {name}/db: a\n"),
    ] {
        assert!(needed.stdout.contains(&line), "{line} in {}", needed.stdout);
    }
    assert_eq!(needed.stdout.lines().count(), 5);
    let new = certificate(&controller).await;
    assert_ne!(new.key_id().as_str(), old);
    for told in [
        format!("apps/db.json: sealed again for {}", new.key_id()),
        format!("{name}/forgotten is in the cluster and in none of the files"),
        "commit and apply the files; 1 SealedSecrets".to_owned(),
    ] {
        assert!(needed.stderr.contains(&told), "{told}: {}", needed.stderr);
    }
    assert_eq!(states().await, ["active", "active"]);
    let needed = seal(&format!("keys retire {old}"));
    assert_eq!((needed.code, needed.stdout.lines().count()), (Some(1), 3));

    // Applied, but there is still what nobody has in Git; and then what is in Git in one place more.
    let resealed = directory.read("apps/db.json");
    plane.kubectl(&["replace", "-f", "-"], &resealed);
    let needed = seal(&format!("keys compromise {old} apps"));
    assert_eq!((needed.code, needed.stdout.lines().count()), (Some(1), 1));
    let fetch = ["get", "sealedsecret", "forgotten", "-n", name, "-o", "yaml"];
    directory.write("forgotten.yaml", plane.kubectl(&fetch, ""));
    let needed = seal(&format!("keys compromise {old} apps forgotten.yaml"));
    assert_eq!((needed.code, needed.stdout.lines().count()), (Some(1), 2));
    plane.kubectl(&["replace", "-f", "-"], &directory.read("forgotten.yaml"));
    site.secret_with("forgotten", &[("c", "3")]).await;
    site.secret_with("db", &[("a", "1"), ("b", "2")]).await;
    directory.write("old/db.json", &text);
    let needed = seal(&format!("keys retire {old} apps old"));
    assert_eq!((needed.code, needed.stdout.lines().count()), (Some(1), 2));

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

    // At once: the key goes first, a new one seals, and what is given is sealed again for that.
    let cut = seal(&format!("keys compromise {} apps --now", new.key_id()));
    assert_eq!(cut.code, Some(0), "{}", cut.stderr);
    assert_eq!(cut.stdout.lines().count(), 5);
    assert_eq!(states().await, ["active", "compromised", "compromised"]);
    site.failed("db", "WrongKey").await;
    let third = certificate(&controller).await;
    assert!(![old.as_str(), new.key_id().as_str()].contains(&third.key_id().as_str()));
    let resealed = directory.read("apps/db.json");
    assert!(resealed.contains(third.key_id().as_str()), "{resealed}");
    plane.kubectl(&["replace", "-f", "-"], &resealed);
    site.synced("db").await;
    site.secret_with("db", &[("a", "1"), ("b", "2")]).await;
}

#[tokio::test]
async fn nothing_is_changed_when_a_file_cannot_be_read_and_what_no_key_opens_stands_in_the_way() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    wait_for(&maps, "seal-key-requests", "there", |_| true).await;
    let site = Site::on(&plane, &controller, "leaked").await;
    let old = site.key_id().to_owned();
    let directory = Workdir::new();
    let seal = |command: &str| seal_in(&directory, &plane, &home, command);
    let sealed = serde_json::to_string(&site.seal("db", &[("a", "1")])).unwrap();
    directory.write("apps/broken.yaml", "kind: SealedSecret\na: [\n");
    directory.write("apps/db.json", &sealed);
    for command in ["keys compromise", "keys compromise --now", "keys retire"] {
        let failed = seal(&format!("{command} {old} apps"));
        assert_eq!(failed.code, Some(2));
        let told = "apps/broken.yaml:2:4: unclosed bracket";
        assert!(failed.stderr.contains(told), "{}", failed.stderr);
        assert_eq!(certificate(&controller).await.key_id().as_str(), old);
        assert_eq!(directory.read("apps/db.json"), sealed);
    }

    // The certificate that .seal.yaml names is the leaked key's: what the cluster publishes now counts.
    seal("keys fetch -w apps/cert.pem").expect_success();
    let old_certificate = directory.read("apps/cert.pem");
    let config = "clusters:\n  home:\n    certificate: cert.pem\n";
    directory.write("apps/.seal.yaml", config);
    let mut moved = site.seal("elsewhere", &[("a", "1")]);
    moved.metadata.name = Some("moved".into());
    directory.write("apps/broken.yaml", serde_json::to_string(&moved).unwrap());
    let blocked = seal(&format!("keys compromise {old} apps"));
    assert_eq!(blocked.code, Some(1), "{}", blocked.stderr);
    let unopened = format!("{}/moved: a (no key here opens it)", site.name());
    assert!(blocked.stdout.contains(&unopened), "{}", blocked.stdout);
    let told = format!("{unopened}: could not be sealed again");
    assert!(blocked.stderr.contains(&told), "{}", blocked.stderr);
    let new = certificate(&controller).await;
    let resealed = directory.read("apps/db.json");
    assert!(resealed.contains(new.key_id().as_str()), "{resealed}");

    // Nothing is sealed for another cluster.
    directory.write("apps/broken.yaml", "");
    directory.write("apps/db.json", &sealed);
    let stranger = NewKey::generate(
        KeySize::Rsa2048,
        jiff::Timestamp::now(),
        jiff::SignedDuration::from_hours(24),
        "",
    );
    directory.write("apps/cert.pem", stranger.unwrap().certificate().to_pem());
    let refused = seal(&format!("keys compromise {old} apps"));
    assert_eq!(refused.code, Some(2));
    let told = format!("but the controller seals with {}", new.key_id());
    assert!(refused.stderr.contains(&told), "{}", refused.stderr);
    assert_eq!(directory.read("apps/db.json"), sealed);
    directory.write("apps/cert.pem", old_certificate);

    // Nothing is sealed for a key that is not among the pins, not even for the cluster's own.
    directory.write("apps/.seal.yaml", format!("{config}    pins: ['{old}']\n"));
    let refused = seal(&format!("keys compromise {old} apps"));
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("pins"), "{}", refused.stderr);
    assert_eq!(directory.read("apps/db.json"), sealed);
    directory.write("apps/.seal.yaml", config);

    // A manifest that names no namespace, as those of Kustomize do, opens where it is named.
    let mut bare = site.seal("bare", &[("b", "2")]);
    let (name, list) = (site.name(), format!("keys list apps -i {old}.yaml -o json"));
    bare.metadata.namespace = None;
    directory.write("apps/bare.json", serde_json::to_string(&bare).unwrap());
    let unopened = "bare: b (no key here opens it)";
    let blocked = seal(&format!("keys retire {old} apps"));
    assert!(blocked.stdout.contains(unopened), "{}", blocked.stdout);
    let elsewhere = seal(&format!("keys retire {old} apps -n elsewhere"));
    assert_eq!(elsewhere.code, Some(2), "{}", elsewhere.stdout);
    assert!(elsewhere.stderr.contains(name), "{}", elsewhere.stderr);
    let secret = [
        "get",
        "secret",
        "-l",
        KEY_LABEL,
        "-n",
        home.namespace(),
        "-o",
        "yaml",
    ];
    directory.write(&format!("{old}.yaml"), plane.kubectl(&secret, ""));
    let unknown = seal(&list);
    assert!(
        unknown.stderr.contains("by none of the private keys"),
        "{}",
        unknown.stderr
    );
    let known = seal(&format!("{list} --namespace {name}"));
    assert_eq!(known.stderr, "", "{}", known.stdout);
    // What a template becomes cannot be known.
    directory.write("apps/broken.yaml", "kind: SealedSecret\n{{- if .x }}\n");
    let blocked = seal(&format!("keys retire {old} apps -n {name}"));
    assert_eq!(blocked.code, Some(1), "{}", blocked.stderr);
    let told = "apps/broken.yaml: a template and no YAML: (cannot be read)";
    assert!(blocked.stdout.contains(told), "{}", blocked.stdout);
    let listed = seal("keys list apps");
    let told = "apps/broken.yaml: passed over, for it is a template and no YAML";
    assert!(listed.stderr.contains(told), "{}", listed.stderr);
    directory.write("apps/broken.yaml", "");
    seal(&format!("keys compromise {old} apps --namespace {name}")).expect_success();
    let resealed = directory.read("apps/bare.json");
    assert!(resealed.contains(new.key_id().as_str()), "{resealed}");
    let bare: SealedSecret = serde_json::from_str(&resealed).unwrap();
    assert_eq!(bare.metadata.namespace, None);
}

#[tokio::test]
async fn age_keys_go_out_of_use_like_the_others_and_their_label_says_so() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&["--age-keys=x25519"]).await;
    let old = age_recipient(&controller).await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    wait_for(&maps, "seal-key-requests", "there", |_| true).await;
    let site = Site::on(&plane, &controller, "age").await;
    let directory = Workdir::new();
    let seal = |command: &str| seal_in(&directory, &plane, &home, command);
    let states = async || -> Vec<String> {
        let secrets: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
        let labelled = ListParams::default().labels(AGE_KEY_LABEL);
        let keys = secrets.list(&labelled).await.unwrap().items.into_iter();
        let mut states: Vec<_> = keys
            .map(|key| {
                let labels = key.metadata.labels.unwrap();
                assert_eq!(labels.get(KEY_LABEL), None);
                labels[AGE_KEY_LABEL].clone()
            })
            .collect();
        states.sort();
        states
    };
    site.unseal(&in_age(&site, "db", &old)).await;
    let current = seal(&format!("keys retire {}", old.id()));
    assert!(current.stderr.contains("it seals"), "{}", current.stderr);

    seal("keys rotate --kind age").expect_success();
    let new = age_recipient_after(&controller, Some(&old)).await;
    let retire = format!("keys retire {}", old.id());
    let needed = seal(&retire);
    assert_eq!(needed.code, Some(1), "{}", needed.stderr);
    let line = format!("in the cluster: {}/db: a\n", site.name());
    assert_eq!(needed.stdout, line);
    assert_eq!(states().await, ["active", "active"]);
    let changed = in_age(&site, "db", &new);
    site.change("db", |it| it.spec = changed.spec.clone()).await;
    site.synced("db").await;
    seal(&retire).expect_success();
    assert_eq!(states().await, ["active", "retired"]);

    // The key that seals: another age key takes its place, in the files, too, and the RSA key stays.
    directory.write("apps/db.json", serde_json::to_string(&changed).unwrap());
    let compromise = format!("keys compromise {} apps", new.id());
    let needed = seal(&compromise);
    assert_eq!(needed.code, Some(1), "{}", needed.stderr);
    assert!(needed.stdout.starts_with(&line), "{}", needed.stdout);
    assert_eq!(needed.stdout.lines().count(), 2);
    let third = age_recipient_after(&controller, Some(&new)).await;
    let resealed = directory.read("apps/db.json");
    plane.kubectl(&["replace", "-f", "-"], &resealed);
    let sealed: SealedSecret = serde_json::from_str(&resealed).unwrap();
    let envelope = decode(&sealed.spec.encrypted_data["a"]).unwrap();
    assert_eq!(Kind::of(&envelope), Kind::Age);
    assert!(resealed.contains(third.id().as_str()), "{resealed}");
    site.synced("db").await;
    seal(&compromise).expect_success();
    assert_eq!(states().await, ["active", "compromised", "retired"]);
    assert_eq!(
        certificate(&controller).await.key_id().as_str(),
        site.key_id()
    );
    site.secret_with("db", &[("a", "db")]).await;

    // Once they are turned off, the last one can go, too.
    assert!(controller.stop().await.success());
    let controller = home.start(&[]).await;
    let last = format!("keys retire {} --last", third.id());
    assert_eq!(seal(&last).code, Some(1), "something needs it");
    plane.kubectl(&["delete", "sealedsecret", "db", "-n", site.name()], "");
    let current = seal(&last.replace(" --last", ""));
    assert!(current.stderr.contains("--last"), "{}", current.stderr);
    let rsa = seal(&format!("keys retire {} --last", site.key_id()));
    assert!(rsa.stderr.contains("it seals"), "{}", rsa.stderr);
    let recipient = identity_in(&directory);
    seal(&format!("keys backup -r {recipient} -w keys.age")).expect_success();
    let verify = "keys verify-backup keys.age -i identity.txt -o json";
    seal(verify).expect_success();
    let retired = seal(&last);
    assert_eq!(retired.code, Some(0), "{}", retired.stderr);
    assert_eq!(retired.stdout, format!("retired: {}\n", third.id()));
    assert_eq!(states().await, ["compromised", "retired", "retired"]);
    let compromised = seal(&format!("keys retire {}", new.id()));
    let told = format!("compromised: {}\n", new.id());
    assert_eq!(compromised.stdout, told, "it stays what it is");

    // The backup has the key as one in use.
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    let is_listed = |map: &ConfigMap| {
        let keys = &map.data.as_ref().unwrap()[INVENTORY_ITEM];
        let inventory: Inventory = serde_json::from_str(keys).unwrap();
        inventory
            .find(third.id().as_str())
            .is_some_and(|it| !it.standing.opens())
    };
    wait_for(&maps, KEYS, "listing the retired key", is_listed).await;
    let revived = seal(verify);
    assert_eq!(revived.code, Some(1), "{}", revived.stderr);
    assert!(
        revived.stderr.contains("would bring it back"),
        "{}",
        revived.stderr
    );
    let told: Value = serde_json::from_str(&revived.stdout).unwrap();
    expect_valid("keys-verify-backup", &told);
    assert_eq!(told["revived"][0]["id"], third.id().as_str());
    drop(controller);
}

/// The recipient of a new identity in `identity.txt`.
fn identity_in(directory: &Workdir) -> String {
    let text = generate_age(KeyKind::X25519).unwrap();
    directory.write("identity.txt", text.as_bytes());
    let identity = Identity::from_age(&text).unwrap();
    identity.recipient().age().unwrap().to_owned()
}

/// As somebody whose kubeconfig is in the environment: naming one on the command line passes over `.seal.yaml`.
fn seal_in(
    directory: &Workdir,
    plane: &ControlPlane,
    home: &Installation,
    command: &str,
) -> Outcome {
    let mut seal = Command::new(seal_tests::seal());
    seal.args(command.split_whitespace())
        .env("KUBECONFIG", plane.kubeconfig())
        .env("SEALED_SECRETS_CONTROLLER_NAMESPACE", home.namespace());
    directory.run(&mut seal, "")
}
