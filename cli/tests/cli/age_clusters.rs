//! Age recipients that a cluster publishes: asked for, kept, and written into a repository.

use seal_envelope::KeyKind;
use serde_json::json;
use snapbox::str;

use crate::{
    age_keys::AgeKeys,
    directory::{Directory, SECRET},
    sealed::{key_id, text_at},
    server::Server,
};

const HINT: [&str; 3] = ["metadata", "annotations", "seal.alt/keys"];
const MAP: &str = "/api/v1/namespaces/kube-system/configmaps/seal-public-keys";
const SERVICE: &str = "/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const PROXIED: &str = "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:http/proxy/v1/recipients.txt";

/// A directory from which `--kubeconfig config --context prod` leads to the server.
fn reaching(server: &Server) -> (Directory, AgeKeys) {
    let directory = Directory::new();
    let keys = AgeKeys::put_in(&directory, KeyKind::X25519, &["edge", "prod"]);
    let config = json!({
        "current-context": "prod",
        "contexts": [{ "name": "prod", "context": { "cluster": "prod" } }],
        "clusters": [{ "name": "prod", "cluster": { "server": server.url("") } }],
    });
    directory.put("config", config.to_string());
    (directory, keys)
}

fn map(directory: &Directory, recipients: Option<&str>) -> String {
    let mut data = json!({ "cert.pem": directory.read("cert.pem") });
    if let Some(recipients) = recipients {
        data["recipients.txt"] = recipients.into();
    }
    json!({ "metadata": { "name": "seal-public-keys" }, "data": data }).to_string()
}

#[test]
fn a_cluster_is_asked_for_its_recipients_and_its_last_are_kept() {
    let server = Server::start([]);
    let (directory, keys) = reaching(&server);
    let list = directory.read("prod.txt");
    server.answer([(MAP, 200, map(&directory, Some(&list)))]);
    let cluster = "--kubeconfig config --context prod";
    let fetched = directory.succeeds(&format!("keys fetch --recipients {cluster}"), "");
    assert_eq!(fetched, list);
    let encrypt = format!("encrypt secret.yaml -w sealed.yaml {cluster}");
    directory.succeeds(&encrypt, "");
    assert_eq!(text_at(&directory, "sealed.yaml", 0, &HINT), key_id());
    directory.succeeds(&format!("{encrypt} --kind age"), "");
    keys.expect_openers(&directory, "sealed.yaml", "user", &["prod"]);
    server.fall_silent();
    let done = directory.seal(&format!("{encrypt} --kind age")).assert();
    done.success().stderr_eq(str![[r#"
warning: cannot read the ConfigMap seal-public-keys in kube-system: [..]; sealing for the recipient of key SHA256:[..] that was fetched on [..]

"#]]);
}

#[test]
fn a_cluster_whose_maps_nobody_may_read_is_asked_through_the_proxy() {
    let service =
        json!({ "metadata": {}, "spec": { "ports": [{ "name": "http", "port": 8080 }] } });
    let server = Server::start([]);
    let (directory, keys) = reaching(&server);
    let list = directory.read("prod.txt");
    server.answer([
        (MAP, 403, r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403}"#.to_owned()),
        (SERVICE, 200, service.to_string()),
        (PROXIED, 200, list),
    ]);
    let cluster = "--kubeconfig config --context prod";
    let encrypt = format!("encrypt secret.yaml -w sealed.yaml --kind age {cluster}");
    directory.succeeds(&encrypt, "");
    keys.expect_openers(&directory, "sealed.yaml", "user", &["prod"]);
}

#[test]
fn a_cluster_without_age_keys_says_so() {
    let server = Server::start([]);
    let (directory, _) = reaching(&server);
    server.answer([(MAP, 200, map(&directory, None))]);
    for command in ["encrypt --kind age", "keys fetch --recipients"] {
        directory.fails(
            &format!("{command} --kubeconfig config --context prod"),
            SECRET,
            str![[r#"
error: the controller in kube-system publishes no age recipient
  hint: it makes age keys with --age-keys=x25519 or --age-keys=pq; Sealed Secrets' own controller has none

"#]],
        );
    }
}

#[test]
fn a_repository_is_made_ready_with_the_recipients_of_the_cluster() {
    let server = Server::start([]);
    let (directory, keys) = reaching(&server);
    let list = directory.read("prod.txt");
    server.answer([(MAP, 200, map(&directory, Some(&list)))]);
    let init = "init --kubeconfig config --pin --yes";
    let done = directory.seal(init).assert().success().stdout_eq("");
    done.stderr_eq(str![[r#"
the cluster's certificate: key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU, certificate valid until 2036-11-19T21:43:11Z
the cluster's recipients: key SHA256:[..], X25519
wrote .seal.yaml; commit it together with certs/prod.pem and certs/prod.txt

"#]]);
    let config = directory.read(".seal.yaml");
    assert!(
        config.contains("    recipients:\n    - certs/prod.txt\n"),
        "{config}"
    );
    assert!(config.contains(&keys.id("prod")), "{config}");
    assert_eq!(directory.read("certs/prod.txt"), list);
    server.fall_silent();
    directory.succeeds("encrypt secret.yaml -w sealed.yaml", "");
    keys.expect_openers(&directory, "sealed.yaml", "user", &["prod"]);
    directory.succeeds("check --strict sealed.yaml", "");
}
