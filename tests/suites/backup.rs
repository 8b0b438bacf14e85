//! Backups of keys: a lost cluster comes back, and nothing is overwritten, left out or given away.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails its test"
)]

use std::{os::unix::fs::PermissionsExt, path::Path};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, ResourceExt, api::ListParams};
use seal_api::SealedSecret;
use seal_envelope::{Identity, KeyKind, generate_age};
use seal_keyring::{
    AGE_KEY_LABEL, BackupDigest, KEY_LABEL, Marks, NOT_BEFORE,
    requests::{INVENTORY_ITEM, KEYS},
};
use seal_tests::{ControlPlane, Installation, Outcome, Workdir, wait_for};
use serde_json::{Value, json};

use crate::{
    schemas::expect_valid,
    site::{
        Site, age_recipient, age_recipient_after, certificate, has_failed, in_age, seal_for, texts,
        values,
    },
};

#[tokio::test]
async fn a_lost_cluster_comes_back_from_the_backup_and_from_git() {
    let Some(lost) = ControlPlane::fresh().await else {
        return;
    };
    let directory = Workdir::new();
    let recipient = identity(&directory, "identity.txt", KeyKind::MlKem768X25519);
    let namespace = {
        let home = Installation::create(&lost).await;
        let controller = home.start(&[]).await;
        let maps: Api<ConfigMap> = Api::namespaced(lost.client().await, home.namespace());
        wait_for(&maps, "seal-key-requests", "there", |_| true).await;
        let seal = |command: &str| run(&directory, &lost, home.namespace(), command);
        let site = Site::on(&lost, &controller, "lost").await;
        write(&directory, &site.seal("old", &[("a", "1")]));
        seal("keys rotate").expect_success();
        let current = certificate(&controller).await;
        let new = seal_for(
            current.recipients(),
            site.name(),
            "new",
            &[("b", "2")],
            |_| {},
        );
        write(&directory, &new);
        // One that is out of use is kept, too, and stays so.
        lost.kubectl(
            &["create", "-n", home.namespace(), "-f", "-"],
            &compromised().to_string(),
        );
        seal(&format!("keys backup -r {recipient} -w keys.age")).expect_success();
        let mode = directory.path().join("keys.age").metadata().unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        let digest = BackupDigest::of(&std::fs::read(directory.path().join("keys.age")).unwrap());
        let keys = keys(&lost, home.namespace()).await;
        assert_eq!(keys.len(), 3);
        for key in &keys {
            let backup = Marks::of(&key.metadata).backup.unwrap();
            assert!(backup.digest == digest && backup.time.is_some());
        }
        let verified = seal("keys verify-backup keys.age -i identity.txt").expect_success();
        assert_eq!(verified.lines().count(), 3, "{verified}");
        listed(&lost, home.namespace(), KEY_LABEL).await;
        directory.write(
            "list.json",
            seal("keys list --output json").expect_success(),
        );
        assert!(controller.stop().await.success());
        site.name().to_owned()
    };
    drop(lost);

    let Some(found) = ControlPlane::fresh().await else {
        return;
    };
    let home = Installation::create(&found).await;
    let _controller = home.start(&[]).await;
    let seal = |command: &str| run(&directory, &found, home.namespace(), command);
    found.kubectl(&["create", "namespace", &namespace], "");
    let apps = directory.path().join("apps");
    found.kubectl(&["apply", "-f", apps.to_str().unwrap()], "");
    let client = found.client().await;
    let sealed: Api<SealedSecret> = Api::namespaced(client.clone(), &namespace);
    for name in ["old", "new"] {
        wait_for(&sealed, name, "failed without its key", |it| {
            has_failed(it, "WrongKey")
        })
        .await;
    }
    let missing = seal("keys verify-backup keys.age -i identity.txt --output json");
    assert_eq!(missing.code, Some(1), "{}", missing.stderr);
    assert!(missing.stderr.contains("in use and not in the backup"));
    let told: Value = serde_json::from_str(&missing.stdout).unwrap();
    expect_valid("keys-verify-backup", &told);
    let counts = ["keys", "missing"].map(|field| told[field].as_array().unwrap().len());
    assert_eq!(counts, [3, 1]);

    let restored = seal("keys restore keys.age -i identity.txt").expect_success();
    assert_eq!(restored.matches("restored: SHA256:").count(), 3);
    let secrets: Api<Secret> = Api::namespaced(client, &namespace);
    for (name, value) in [("old", ("a", "1")), ("new", ("b", "2"))] {
        let secret = wait_for(&secrets, name, "there", |_| true).await;
        assert_eq!(values(&secret), texts(&[value]));
    }
    assert_eq!(restored.matches(", compromised\n").count(), 1);
    let again = seal("keys restore keys.age -i identity.txt").expect_success();
    assert_eq!(again.matches("there already: SHA256:").count(), 3);

    // States, dates and order are what they were, behind the key of the new cluster.
    listed(&found, home.namespace(), KEY_LABEL).await;
    let before: Value = serde_json::from_str(&directory.read("list.json")).unwrap();
    let now: Value =
        serde_json::from_str(&seal("keys list --output json").expect_success()).unwrap();
    let shown = |list: &Value| -> Vec<Value> {
        let keys = list.as_array().unwrap().iter();
        keys.map(|it| json!([it["id"], it["notBefore"], it["notAfter"]]))
            .collect()
    };
    assert_eq!(shown(&now)[1..], shown(&before)[..]);
    let standings = |list: &Value| -> Vec<Value> {
        let keys = list.as_array().unwrap().iter();
        keys.map(|it| it["standing"].clone()).collect()
    };
    assert_eq!(
        standings(&now),
        ["current", "active", "active", "compromised"]
    );
}

#[tokio::test]
async fn age_keys_are_rotated_listed_backed_up_and_restored_like_the_others() {
    let directory = Workdir::new();
    let recipient = identity(&directory, "identity.txt", KeyKind::MlKem768X25519);
    let Some(lost) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&lost).await;
    let controller = home.start(&["--age-keys=x25519"]).await;
    let seal = |command: &str| run(&directory, &lost, home.namespace(), command);
    let first = age_recipient(&controller).await;
    let maps: Api<ConfigMap> = Api::namespaced(lost.client().await, home.namespace());
    wait_for(&maps, "seal-key-requests", "there", |_| true).await;
    let site = Site::on(&lost, &controller, "lost").await;
    write(&directory, &in_age(&site, "old", &first));
    // One that somebody made with age-keygen, and that says nowhere since when it seals.
    let by_hand = generate_age(KeyKind::X25519).unwrap();
    let by_hand = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": "by-hand", "labels": { AGE_KEY_LABEL: "retired" } },
        "stringData": { "identity.txt": format!("# mine\n{}\n", by_hand.as_str()) },
    });
    lost.kubectl(
        &["create", "-n", home.namespace(), "-f", "-"],
        &by_hand.to_string(),
    );

    let told = seal("keys rotate --kind age").expect_success();
    let second = age_recipient_after(&controller, Some(&first)).await;
    let expected = format!("old key {}\nnew key {}\n", first.id(), second.id());
    assert_eq!(told, expected);
    assert_eq!(
        certificate(&controller).await.key_id().as_str(),
        site.key_id()
    );
    write(&directory, &in_age(&site, "new", &second));
    listed(&lost, home.namespace(), AGE_KEY_LABEL).await;
    let told = seal("keys list --output json").expect_success();
    expect_valid("keys-list", &serde_json::from_str(&told).unwrap());
    let listed = seal("keys list").expect_success();
    for (key, standing) in [(&first, "active"), (&second, "current")] {
        let row = format!("{}  {standing:<8}  X25519", key.id());
        assert!(listed.contains(&row), "{row} is not in\n{listed}");
    }

    seal(&format!("keys backup -r {recipient} -w age-keys.age")).expect_success();
    let verified = seal("keys verify-backup age-keys.age -i identity.txt").expect_success();
    assert_eq!(verified.lines().count(), 4, "{verified}");
    let verify = "keys verify-backup age-keys.age -i identity.txt --output json";
    let told: Value = serde_json::from_str(&seal(verify).expect_success()).unwrap();
    expect_valid("keys-verify-backup", &told);
    assert_eq!(told["missing"], json!([]));
    let marked = |key: &Secret| Marks::of(&key.metadata).backup.is_some();
    let before = labelled(&lost, home.namespace(), AGE_KEY_LABEL).await;
    assert_eq!(before.len(), 3);
    assert!(before.iter().all(marked));
    let namespace = site.name().to_owned();
    assert!(controller.stop().await.success());
    drop((site, home, maps, lost));

    let Some(found) = ControlPlane::fresh().await else {
        return;
    };
    let home = Installation::create(&found).await;
    let controller = home.start(&[]).await;
    let seal = |command: &str| run(&directory, &found, home.namespace(), command);
    let restored = seal("keys restore age-keys.age -i identity.txt").expect_success();
    assert_eq!(restored.matches("restored: SHA256:").count(), 4);
    found.kubectl(&["create", "namespace", &namespace], "");
    let apps = directory.path().join("apps");
    found.kubectl(&["apply", "-f", apps.to_str().unwrap()], "");
    let secrets: Api<Secret> = Api::namespaced(found.client().await, &namespace);
    for name in ["old", "new"] {
        let secret = wait_for(&secrets, name, "there", |_| true).await;
        assert_eq!(values(&secret), texts(&[("a", name)]));
    }
    // Labels, types and times are what they were, and so is the key that seals.
    let shown = |keys: &[Secret]| -> Vec<Value> {
        let shown = keys.iter().map(|key| {
            let metadata = &key.metadata;
            let annotations = metadata.annotations.as_ref().unwrap();
            json!([metadata.labels, key.type_, annotations.get(NOT_BEFORE)])
        });
        shown.collect()
    };
    let mut expected = before;
    for key in &mut expected {
        // What was made by hand has its creation noted.
        let created = key.metadata.creation_timestamp.as_ref().unwrap().0;
        let annotations = key.metadata.annotations.as_mut().unwrap();
        let noted = annotations.entry(NOT_BEFORE.into());
        noted.or_insert_with(|| created.to_string());
    }
    let after = labelled(&found, home.namespace(), AGE_KEY_LABEL).await;
    assert_eq!(shown(&after), shown(&expected));
    assert_eq!(age_recipient(&controller).await.id(), second.id());
    let again = seal("keys restore age-keys.age -i identity.txt").expect_success();
    assert_eq!(again.matches("there already: SHA256:").count(), 4);
}

#[tokio::test]
async fn what_would_lose_or_give_away_a_key_is_refused() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    wait_for(&maps, "seal-key-requests", "there", |_| true).await;
    let directory = Workdir::new();
    let recipient = identity(&directory, "identity.txt", KeyKind::X25519);
    let seal = |command: &str| run(&directory, &plane, home.namespace(), command);

    let denied = seal(&format!(
        "keys backup -r {recipient} -w keys.age --as bruno"
    ));
    assert_eq!(denied.code, Some(2));
    assert!(
        denied.stderr.contains("the Role seal-key-backup"),
        "{}",
        denied.stderr
    );
    assert!(!directory.path().join("keys.age").exists());
    plane.apply(
        &json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": { "name": "bruno", "namespace": home.namespace() },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "seal-key-backup" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bruno" }],
        })
        .to_string(),
    );
    let nobody = seal(&format!(
        "keys backup nobody -r {recipient} -w keys.age --as bruno"
    ));
    assert!(
        nobody.stderr.contains("there is no key nobody"),
        "{}",
        nobody.stderr
    );
    let unmarked = format!("keys backup -r {recipient} -w unmarked.age --no-mark --as bruno");
    seal(&unmarked).expect_success();
    let marked = |key: &Secret| Marks::of(&key.metadata).backup.is_some();
    assert!(!keys(&plane, home.namespace()).await.iter().any(marked));
    let backup = format!("keys backup -r {recipient} -w keys.age --as bruno");
    seal(&backup).expect_success();
    assert!(keys(&plane, home.namespace()).await.iter().all(marked));
    seal("keys verify-backup keys.age -i identity.txt --as bruno").expect_success();
    let again = seal(&backup);
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("keys.age is there already"),
        "{}",
        again.stderr
    );
    let plain = seal("keys backup --plaintext -w plain.yaml");
    assert!(
        plain.stderr.contains("There is no terminal to ask"),
        "{}",
        plain.stderr
    );
    assert!(!directory.path().join("plain.yaml").exists());
    seal("keys backup --plaintext -w plain.yaml --yes --no-mark").expect_success();
    let printed = seal("keys backup --plaintext --yes --no-mark").expect_success();
    assert_eq!(printed, directory.read("plain.yaml"));
    let applied = plane.kubectl(
        &["apply", "--dry-run=server", "-f", "-"],
        &directory.read("plain.yaml"),
    );
    assert!(applied.contains("secret/"), "{applied}");

    // Else it would make a key where none is left.
    assert!(controller.stop().await.success());
    // As upstream's documentation says, and into a cluster that has none of it.
    let selector = format!("{KEY_LABEL}=active");
    let namespace = home.namespace();
    let printed = plane.kubectl(
        &[
            "get", "secret", "-n", namespace, "-l", &selector, "-o", "yaml",
        ],
        "",
    );
    directory.write("main.key", printed);
    let there = seal("keys restore main.key --as bruno").expect_success();
    assert!(there.starts_with("there already: SHA256:"), "{there}");
    let name = keys(&plane, namespace).await[0]
        .metadata
        .name
        .clone()
        .unwrap();
    plane.kubectl(&["delete", "secret", "-n", namespace, &name], "");
    let restored = seal("keys restore main.key --as bruno").expect_success();
    assert!(restored.contains(&format!("({name})")), "{restored}");
    assert!(restored.starts_with("restored: SHA256:"), "{restored}");

    // Something else under the same name is never overwritten.
    let mut other = compromised();
    other["metadata"]["name"] = json!(name);
    other["metadata"].as_object_mut().unwrap().remove("labels");
    plane.kubectl(&["delete", "secret", "-n", namespace, &name], "");
    plane.kubectl(&["create", "-n", namespace, "-f", "-"], &other.to_string());
    let refused = seal("keys restore main.key");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    let why =
        format!("belongs into the Secret {name}, which holds no usable key; nothing was restored");
    assert!(refused.stderr.contains(&why), "{}", refused.stderr);
    let label = json!({ "metadata": { "labels": { KEY_LABEL: "active" } } }).to_string();
    plane.kubectl(
        &["patch", "secret", "-n", namespace, &name, "-p", &label],
        "",
    );
    // The name alone is no reason to refuse: every cluster calls its first key the same.
    let restored = seal("keys restore main.key").expect_success();
    assert!(restored.contains(&format!("({name}-")), "{restored}");
    assert_eq!(keys(&plane, namespace).await.len(), 2);
}

#[tokio::test]
async fn the_order_in_which_keys_were_stored_survives_where_their_certificates_say_otherwise() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    let home = Installation::create(plane).await;
    let directory = Workdir::new();
    // The file has the younger one first, whose certificate is the older.
    let stored = [
        ("b", "2024-02-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("a", "2024-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
    ];
    let secrets = stored.map(|(name, created, begins)| {
        let mut secret = secret(name, "active", begins);
        secret["metadata"]["creationTimestamp"] = json!(created);
        secret
    });
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": secrets });
    directory.write("keys.json", list.to_string());
    run(
        &directory,
        plane,
        home.namespace(),
        "keys restore keys.json",
    )
    .expect_success();
    let mut restored = keys(plane, home.namespace()).await;
    let created = |key: &Secret| key.metadata.creation_timestamp.clone().unwrap().0;
    restored.sort_by_key(created);
    let names: Vec<_> = restored
        .iter()
        .map(|it| it.metadata.name.clone().unwrap())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(created(&restored[0]) < created(&restored[1]));
}

fn run(directory: &Workdir, plane: &ControlPlane, namespace: &str, command: &str) -> Outcome {
    let kubeconfig = plane.kubeconfig();
    let connection = [
        "--kubeconfig",
        kubeconfig.to_str().unwrap(),
        "--controller-namespace",
        namespace,
    ];
    let words = command.split_whitespace();
    directory.seal(&words.chain(connection).collect::<Vec<_>>(), "")
}

/// Writes a new identity and returns its recipient.
fn identity(directory: &Workdir, name: &str, kind: KeyKind) -> String {
    let text = generate_age(kind).unwrap();
    directory.write(name, format!("# made for a test\n{}\n", text.as_str()));
    let identity = Identity::from_age(&text).unwrap();
    identity.recipient().age().unwrap().to_owned()
}

/// As it would be kept in Git.
fn write(directory: &Workdir, sealed: &SealedSecret) {
    let name = sealed.metadata.name.as_deref().unwrap();
    let text = serde_json::to_string(sealed).unwrap();
    directory.write(
        Path::new("apps")
            .join(format!("{name}.json"))
            .to_str()
            .unwrap(),
        text,
    );
}

/// A key that is out of use, of which nobody has a backup.
fn compromised() -> Value {
    secret("known-to-others", "compromised", "2024-01-01T00:00:00Z")
}

/// The Secret of a new key whose certificate begins then.
fn secret(name: &str, state: &str, begins: &str) -> Value {
    let key = seal_keyring::NewKey::generate(
        seal_envelope::KeySize::Rsa2048,
        begins.parse().unwrap(),
        jiff::SignedDuration::from_hours(24),
        "lost",
    )
    .unwrap();
    let (private, certificate) = (key.private_pem().unwrap(), key.certificate().to_pem());
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "labels": { KEY_LABEL: state } },
        "type": "kubernetes.io/tls",
        "stringData": { "tls.key": std::str::from_utf8(private.as_bytes()).unwrap(), "tls.crt": certificate },
    })
}

async fn keys(plane: &ControlPlane, namespace: &str) -> Vec<Secret> {
    labelled(plane, namespace, KEY_LABEL).await
}

/// Waits until what `seal keys list` reads tells of all these: it is published after them.
async fn listed(plane: &ControlPlane, namespace: &str, label: &str) {
    let keys = labelled(plane, namespace, label).await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, namespace);
    wait_for(&maps, KEYS, "with every key", |map| {
        let told = map.data.as_ref().and_then(|data| data.get(INVENTORY_ITEM));
        let is_there = |key: &Secret| {
            let name = format!("{:?}", key.name_any());
            told.is_some_and(|told| told.contains(&name))
        };
        keys.iter().all(is_there)
    })
    .await;
}

/// The Secrets with this label, by name.
async fn labelled(plane: &ControlPlane, namespace: &str, label: &str) -> Vec<Secret> {
    let secrets: Api<Secret> = Api::namespaced(plane.client().await, namespace);
    let labelled = ListParams::default().labels(label);
    secrets.list(&labelled).await.unwrap().items
}
