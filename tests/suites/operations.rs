//! What docs/operations.md tells operators to do, done; and who may do it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails its test"
)]

use std::{env, fs, os::unix::fs::symlink, path::Path, process::Command};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use seal_keyring::{BackupDigest, Certificate, KEY_LABEL, NewKey};
use seal_tests::{
    ControlPlane, Installation, Namespace, Outcome, Workdir, eventually, kubectl, wait_for,
};
use serde_json::{Value, json};

use crate::{
    schemas::expect_valid,
    site::{Site, certificate, message, seal_for},
};

#[tokio::test]
async fn every_block_of_commands_in_the_operations_manual_works() {
    let Some(plane) = ControlPlane::fresh().await else {
        return;
    };
    let directory = Workdir::new();
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    symlink(
        deploy.canonicalize().unwrap(),
        directory.path().join("deploy"),
    )
    .unwrap();
    let programs = programs(&directory);
    let run = |script: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-euxo", "pipefail", "-c", script])
            .env("PATH", &programs)
            .env("KUBECONFIG", plane.kubeconfig());
        let done = directory.run(&mut bash, "");
        assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
        done.stdout
    };
    let (installing, sections) = manual();
    run(&installing);

    // What the Deployment says, run by us instead of a kubelet.
    let home = Namespace::of_the_cluster(&plane, "kube-system");
    let home = Installation::as_account(&plane, home, "sealed-secrets-controller").await;
    let controller = home.start(&["--leader-elect"]).await;
    let site = Site::on(&plane, &controller, "operations").await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    wait_for(&maps, "seal-key-requests", "there", |_| true).await;

    let sealed = site.seal("db", &[("a", "1"), ("b", "2")]);
    site.unseal(&sealed).await;
    let sealed = serde_json::to_string(&sealed).unwrap();
    directory.write("apps/db.json", sealed);
    // One that was sealed for another name, and the Secret that it was made from.
    let mut failing = site.seal("other", &[("a", "1")]);
    failing.metadata.name = Some("payments".into());
    site.create(&failing).await;
    let failing = site.failed("payments", "WrongScope").await;
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": "payments", "namespace": site.name() },
        "stringData": { "a": "1" },
    });
    directory.write("secret.yaml", secret.to_string());

    let namespace = format!("namespace={}", site.name());
    let mut printed = String::new();
    for commands in sections {
        if commands.contains("seal keys compromise") {
            let current = certificate(&controller).await;
            let recipients = current.recipients();
            let leaked = seal_for(recipients, site.name(), "leaked", &[("a", "1")], |_| {});
            site.unseal(&leaked).await;
            let leaked = serde_json::to_string(&leaked).unwrap();
            directory.write("apps/leaked.json", leaked);
        }
        let brings_a_key = commands.contains("openssl req");
        if brings_a_key {
            // Certificates count in seconds, and of two that begin in the same one either may be the newest.
            let begun = certificate(&controller).await.not_before().as_second();
            let is_later = || jiff::Timestamp::now().as_second() > begun;
            eventually("later second", async || is_later().then_some(())).await;
        }
        printed += &run(&commands.replace("namespace=shop", &namespace));
        if brings_a_key {
            let own = own_certificate(&directory).to_pem();
            let seals = |map: &ConfigMap| certificate_in(map) == own;
            wait_for(&maps, "seal-public-keys", "the key brought along", seals).await;
        }
    }
    assert_eq!(printed.matches("old key SHA256:").count(), 1);
    let told = message(&failing);
    // In the list, in the description, and in the event.
    assert!(printed.matches(told).count() >= 3, "{told}: {printed}");
    assert!(printed.contains("payments condition met"), "{printed}");
    assert!(printed.contains("SealedSecret/payments\n"), "{printed}");

    // Of five keys one was deleted, one is compromised, and what it made necessary came after the backup.
    let keys: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
    let own = keys.get("own-sealing-key").await.unwrap();
    assert_eq!(own.metadata.labels.unwrap()[KEY_LABEL], "compromised");
    let labelled = kube::api::ListParams::default().labels(KEY_LABEL);
    let keys = keys.list(&labelled).await.unwrap().items;
    let backup = fs::read(directory.path().join("keys.age")).unwrap();
    let digest = BackupDigest::of(&backup);
    let marked = |key: &&Secret| {
        let marks = seal_keyring::Marks::of(&key.metadata);
        marks.backup.is_some_and(|backup| backup.digest == digest)
    };
    assert_eq!((keys.len(), keys.iter().filter(marked).count()), (4, 3));
    assert_eq!(printed.matches("there already: SHA256:").count(), 4);
    let site_name = site.name();
    let to_be_changed = format!(
        "in the cluster: {site_name}/leaked: a\napps/leaked.json:1:1: {site_name}/leaked: a\n"
    );
    assert_eq!(directory.read("to-be-changed.txt"), to_be_changed);
    // It was the newest, so it sealed: now its successor does, also what it had sealed.
    let own = own_certificate(&directory);
    let fetched = Certificate::from_pem(directory.read("cert.pem").as_bytes()).unwrap();
    let leaked = directory.read("apps/leaked.json");
    assert!(leaked.contains(fetched.key_id().as_str()), "{leaked}");
    assert!(!leaked.contains(own.key_id().as_str()), "{leaked}");
    wait_for(&maps, "seal-public-keys", "without it", |map| {
        let all = &map.data.as_ref().unwrap()["certs.pem"];
        certificate_in(map) == fetched.to_pem() && !all.contains(&own.to_pem())
    })
    .await;
    site.secret_with("leaked", &[("a", "1")]).await;
}

#[tokio::test]
async fn a_key_administrator_rotates_and_lists_keys_and_nobody_else_does() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&["--key-requests-per-hour=2"]).await;
    let site = Site::on(&plane, &controller, "administrator").await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    wait_for(&maps, "seal-key-requests", "there", |_| true).await;
    site.unseal(&site.seal("db", &[("a", "1"), ("b", "2")]))
        .await;
    let directory = Workdir::new();
    let seal = |who: &str, command: &str| -> Outcome {
        let kubeconfig = plane.kubeconfig();
        let connection = [
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
            "--controller-namespace",
            home.namespace(),
            "--as",
            who,
        ];
        let words = command.split_whitespace();
        directory.seal(&words.chain(connection).collect::<Vec<_>>(), "")
    };

    for command in ["keys rotate", "keys list"] {
        let denied = seal("anybody", command);
        assert_eq!((denied.code, denied.stdout.as_str()), (Some(2), ""));
        assert!(denied.stderr.contains("forbidden"), "{}", denied.stderr);
        let hint = "bind the Role and the ClusterRole seal-key-admin";
        assert!(denied.stderr.contains(hint), "{}", denied.stderr);
    }
    let bindings = json!({ "apiVersion": "v1", "kind": "List", "items": [
        binding("RoleBinding", "Role", "seal-key-admin", home.namespace()),
    ] });
    plane.apply(&bindings.to_string());

    // Without the second right the list lacks the counts, and says so.
    let list = seal("karin", "keys list");
    assert!(list.stderr.contains("was not counted"), "{}", list.stderr);
    assert!(!list.expect_success().contains("OBJECTS"));
    let role = format!("seal-key-admin-{}", home.namespace());
    plane.apply(&binding("ClusterRoleBinding", "ClusterRole", &role, "").to_string());

    let rotated = seal("karin", "keys rotate --request-id r1 --output json");
    let rotated: Value = serde_json::from_str(&rotated.expect_success()).unwrap();
    expect_valid("keys-rotate", &rotated);
    assert_eq!(
        (&rotated["state"], &rotated["requestId"]),
        (&json!("done"), &json!("r1"))
    );
    assert_eq!(rotated["oldKey"], site.key_id());
    let again = seal("karin", "keys rotate --request-id r1 --output json");
    let again: Value = serde_json::from_str(&again.expect_success()).unwrap();
    assert_eq!(again["newKey"], rotated["newKey"]);
    let third = seal("karin", "keys rotate").expect_success();
    let old = format!("old key {}\n", rotated["newKey"].as_str().unwrap());
    assert!(third.starts_with(&old), "{third}");
    let refused = seal("karin", "keys rotate");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused
            .stderr
            .contains("the controller refused: at most 2 keys an hour")
    );

    // Somebody brings along a newer key, which succeeds none: what was asked for is done all the same.
    let brought = bring_along(&plane, &home).await;
    let seals = |map: &ConfigMap| certificate_in(map) == brought;
    wait_for(&maps, "seal-public-keys", "the key brought along", seals).await;
    let again = seal("karin", "keys rotate --request-id r1 --output json");
    let again: Value = serde_json::from_str(&again.expect_success()).unwrap();
    assert_eq!(again["newKey"], rotated["newKey"]);

    // Without a controller the request stands, and whoever waits on gets the answer.
    assert!(controller.stop().await.success());
    let waited = seal("karin", "keys rotate --request-id r3 --timeout 1s");
    assert_eq!((waited.code, waited.stdout.as_str()), (Some(2), ""));
    let hint = "wait on with --request-id r3";
    assert!(waited.stderr.contains(hint), "{}", waited.stderr);
    let _controller = home.start(&["--key-requests-per-hour=2"]).await;
    let answered = seal("karin", "keys rotate --request-id r3");
    assert!(answered.stderr.contains("refused"), "{}", answered.stderr);

    // Another controller, or none.
    let kubeconfig = plane.kubeconfig();
    let elsewhere = [
        "keys",
        "rotate",
        "--controller-namespace",
        "default",
        "--kubeconfig",
    ];
    let elsewhere = [&elsewhere[..], &[kubeconfig.to_str().unwrap()]].concat();
    let nobody = directory.seal(&elsewhere, "");
    assert_eq!(nobody.code, Some(2));
    let told = "the controller in default does not list its keys";
    assert!(nobody.stderr.contains(told), "{}", nobody.stderr);

    let list = seal("karin", "keys list --output json").expect_success();
    let list: Value = serde_json::from_str(&list).unwrap();
    let standings: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["standing"])
        .collect();
    assert_eq!(standings, ["current", "active", "active", "active"]);
    assert_eq!(list[3]["id"], site.key_id());
    assert_eq!(list[3]["cluster"], json!({ "objects": 1, "values": 2 }));
    assert_eq!(list[0]["cluster"], json!({ "objects": 0, "values": 0 }));
}

/// The certificate of the key that was brought along.
fn own_certificate(directory: &Workdir) -> Certificate {
    Certificate::from_pem(directory.read("own.crt").as_bytes()).unwrap()
}

/// The certificate that the controller publishes for sealing, as PEM.
fn certificate_in(published: &ConfigMap) -> &str {
    &published.data.as_ref().unwrap()["cert.pem"]
}

/// A key that begins an hour from now: the newest, also when others are made after it.
fn newest_key() -> NewKey {
    let begins = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let day = jiff::SignedDuration::from_hours(24);
    NewKey::generate(seal_envelope::KeySize::Rsa2048, begins, day, "").unwrap()
}

/// Stores a key that nobody asked the controller for, and returns its certificate as PEM.
async fn bring_along(plane: &ControlPlane, home: &Installation) -> String {
    let key = newest_key();
    let secret = key.secret(home.namespace(), "brought", [].into(), [].into());
    let keys: Api<Secret> = Api::namespaced(plane.client().await, home.namespace());
    let parameters = kube::api::PostParams::default();
    keys.create(&parameters, &secret.unwrap()).await.unwrap();
    key.certificate().to_pem()
}

fn binding(kind: &str, role_kind: &str, role: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": { "name": "karin", "namespace": namespace },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "karin" }],
    })
}

/// The blocks of commands in the manual: that after which a controller runs, and all others by section. Each stands behind
/// the variables that the manual begins with.
fn manual() -> (String, Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = fs::read_to_string(path).unwrap();
    let blocks = |section: &str| -> Vec<String> {
        let blocks = section.split("```sh\n").skip(1);
        blocks
            .map(|block| block.split("```").next().unwrap().to_owned())
            .collect()
    };
    let mut sections = text.split("\n## ").map(blocks);
    let variables = sections.next().unwrap().concat();
    let mut sections: Vec<_> = sections.collect();
    let install = sections[0].remove(0);
    assert!(install.contains("kubectl apply -k"));
    let with_variables = |commands: &str| format!("{variables}{commands}");
    let rest: Vec<_> = sections
        .iter()
        .map(|blocks| with_variables(&blocks.concat()))
        .collect();
    assert!(rest.concat().matches("seal keys").count() > 10);
    (with_variables(&install), rest)
}

/// A `PATH` with kubectl, seal, and openssl and age-keygen also where there are none: what they would make is there
/// already then.
fn programs(directory: &Workdir) -> String {
    let key = newest_key();
    directory.write("made/own.key", key.private_pem().unwrap().as_bytes());
    directory.write("made/own.crt", key.certificate().to_pem());
    let identity = seal_envelope::generate_age(seal_envelope::KeyKind::X25519).unwrap();
    directory.write("made/identity.txt", identity.as_bytes());
    let identity = seal_envelope::Identity::from_age(&identity).unwrap();
    let recipient = identity.recipient().age().unwrap().to_owned();
    directory.write("made/recipients.txt", recipient + "\n");
    let path = env::var("PATH").unwrap();
    let has = |program: &str| env::split_paths(&path).any(|it| it.join(program).exists());
    let mut scripts = vec![
        (
            "kubectl",
            kubectl().get_program().to_str().unwrap().to_owned(),
        ),
        ("seal", seal_tests::seal().to_str().unwrap().to_owned()),
    ];
    let made = directory.path().join("made");
    let made = made.to_str().unwrap();
    if !has("age-keygen") {
        let (identity, recipients) = ("identity.txt", "recipients.txt");
        scripts.push((
            "age-keygen",
            format!("made() {{ case $1 in -o) cp {made}/{identity} \"$2\";; -y) cat {made}/{recipients};; esac; }}\nmade"),
        ));
    }
    if !has("openssl") {
        scripts.push((
            "openssl",
            format!("cp {made}/own.key {made}/own.crt . && :"),
        ));
    }
    for (name, command) in scripts {
        let script = directory.write(
            &format!("bin/{name}"),
            format!("#!/bin/sh\n{command} \"$@\"\n"),
        );
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(script, executable).unwrap();
    }
    format!("{}/bin:{path}", directory.path().display())
}
