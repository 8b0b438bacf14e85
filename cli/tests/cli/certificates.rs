//! Which certificate is sealed with: what the command line, `.seal.yaml` and the cache say.

use serde_json::json;
use snapbox::str;

use crate::{
    directory::{Directory, SECRET},
    server::Server,
    vectors,
};

const MAP: &str = "/api/v1/namespaces/kube-system/configmaps/seal-public-keys";
const MAP_IN_OPS: &str = "/api/v1/namespaces/ops/configmaps/seal-public-keys";
const KEY: &str = "SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU";
const OTHER_KEY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A kubeconfig `config` whose context `prod` leads to the server and whose current one leads
/// nowhere.
fn with_contexts(server: &Server) -> Directory {
    let directory = Directory::new();
    let config = json!({
        "current-context": "nowhere",
        "contexts": [
            { "name": "prod", "context": { "cluster": "prod" } },
            { "name": "nowhere", "context": { "cluster": "nowhere" } },
        ],
        "clusters": [
            { "name": "prod", "cluster": { "server": server.url("") } },
            { "name": "nowhere", "cluster": { "server": "https://127.0.0.1:1" } },
        ],
    });
    directory.put("config", config.to_string());
    directory
}

fn published(path: &'static str, certificate: &str) -> (&'static str, u16, String) {
    let map =
        json!({ "metadata": { "name": "seal-public-keys" }, "data": { "cert.pem": certificate } });
    (path, 200, map.to_string())
}

fn another_certificate() -> String {
    let keys = vectors::envelope()["keys"].as_array().unwrap();
    let other = keys
        .iter()
        .find(|key| key["cert_pem"].is_string() && key != &&keys[0]);
    other.unwrap()["cert_pem"].as_str().unwrap().to_owned()
}

#[test]
fn the_file_of_the_repository_says_with_which_certificate() {
    let directory = Directory::new();
    directory.put(".seal.yaml", "clusters: {prod: {certificate: cert.pem}}\n");
    let sealed = directory.succeeds("encrypt", SECRET);
    directory.succeeds("decrypt -i key.pem", &sealed);
    let value = directory.succeeds("value -n team-a --name db", "x");
    assert!(value.starts_with("AQ"), "{value}");
    directory.fails(
        "encrypt --no-config",
        SECRET,
        str![[r#"
error: nothing says with which certificate to seal
  hint: name it with --cert FILE, name a cluster to ask with --context NAME, or let seal init write a .seal.yaml

"#]],
    );
}

#[test]
fn the_file_of_the_repository_may_name_a_context_and_a_controller() {
    let certificate = Directory::new().read("cert.pem");
    let server = Server::start([published(MAP_IN_OPS, &certificate)]);
    let directory = with_contexts(&server);
    let config = "clusters: {prod: {context: prod, controller: {namespace: ops}}}\n";
    directory.put(".seal.yaml", config);
    let command = directory.seal("encrypt").env("KUBECONFIG", "config");
    command.stdin(SECRET).assert().success();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_certificate_is_fetched_from_the_cluster_that_the_file_of_the_repository_names() {
    let certificate = another_certificate();
    let server = Server::start([published(MAP_IN_OPS, &certificate)]);
    let directory = with_contexts(&server);
    let config = "clusters: {prod: {context: prod, controller: {namespace: ops}}}\n";
    directory.put(".seal.yaml", config);
    let fetch = |arguments: &str| {
        let command = directory.seal(&format!("keys fetch {arguments}"));
        command.env("KUBECONFIG", "config").assert()
    };
    fetch("-w fetched.pem").success();
    assert_eq!(directory.read("fetched.pem"), certificate);
    // The command line comes first.
    fetch("--context nowhere").code(2).stdout_eq("");
    fetch("--no-config").code(2).stdout_eq("");
    // A key that is not pinned may be looked at.
    directory.put(
        ".seal.yaml",
        config.replace("ops}}}", &format!("ops}}, pins: [{KEY}]}}}}")),
    );
    fetch("")
        .success()
        .stdout_eq(certificate)
        .stderr_eq(str![[r#"
key SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8, certificate valid until 2076-11-09T21:43:11Z
warning: this key is none of those that .seal.yaml pins for the cluster prod; nothing is sealed with it until somebody makes sure of it and adds it

"#]]);
}

#[test]
fn a_broken_kubeconfig_is_not_quoted_with_its_tokens() {
    for (user, more) in [
        ("token: hunter2", "contexts: {\n"),
        ("token: [hunter2]", ""),
    ] {
        let directory = Directory::new();
        let text = format!("users:\n- name: u\n  user: {{{user}}}\n{more}");
        directory.put("config", text);
        let done = directory.seal("keys fetch --kubeconfig config").assert();
        let told = String::from_utf8(done.code(2).get_output().stderr.clone()).unwrap();
        assert!(told.contains("failed to parse kubeconfig YAML: "), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn no_kubeconfig_is_looked_at_unless_something_names_a_cluster() {
    let directory = Directory::new();
    for command in ["encrypt", "value --scope cluster-wide"] {
        directory.fails(
            command,
            SECRET,
            str![[r#"
error: nothing says with which certificate to seal
  hint: name it with --cert FILE, name a cluster to ask with --context NAME, or let seal init write a .seal.yaml

"#]],
        );
    }
}

#[test]
fn the_command_line_comes_before_the_file_of_the_repository() {
    let server = Server::start([published(MAP, &another_certificate())]);
    let directory = with_contexts(&server);
    directory.put(
        ".seal.yaml",
        "clusters: {prod: {certificate: nofile.pem}}\n",
    );
    directory.succeeds("encrypt --cert cert.pem", SECRET);
    let sealed = directory.succeeds("encrypt --kubeconfig config --context prod", SECRET);
    assert!(!sealed.contains(KEY), "{sealed}");
}

#[test]
fn a_key_that_is_not_pinned_is_refused_wherever_it_comes_from() {
    let directory = Directory::new();
    let pinned = format!("clusters: {{prod: {{certificate: cert.pem, pins: [{KEY}]}}}}\n");
    directory.put(".seal.yaml", &pinned);
    directory.succeeds("encrypt", SECRET);
    directory.put("other.pem", another_certificate());
    directory.fails("encrypt --cert other.pem", SECRET, str![[r#"
error: other.pem: its key SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8 is none of those that .seal.yaml pins for the cluster prod; nothing is sealed with it
  hint: make sure, in the cluster, that this is its key, and add it to the pins; if it is not, somebody wants to read what you seal

"#]]);
    directory.succeeds("encrypt --cert other.pem --no-config", SECRET);
    directory.put(".seal.yaml", pinned.replace(KEY, OTHER_KEY));
    directory.fails("encrypt", SECRET, str![[r#"
error: cert.pem: its key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU is none of those that .seal.yaml pins for the cluster prod; nothing is sealed with it
  hint: make sure, in the cluster, that this is its key, and add it to the pins; if it is not, somebody wants to read what you seal

"#]]);

    let server = Server::start([published(MAP, &another_certificate())]);
    let directory = with_contexts(&server);
    directory.put(
        ".seal.yaml",
        pinned.replace("certificate: cert.pem", "context: prod"),
    );
    let command = directory.seal("encrypt").env("KUBECONFIG", "config");
    command
        .stdin(SECRET)
        .assert()
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: the cluster's certificate: its key SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8 is none of those that .seal.yaml pins for the cluster prod; nothing is sealed with it
  hint: make sure, in the cluster, that this is its key, and add it to the pins; if it is not, somebody wants to read what you seal

"#]]);
}

#[test]
fn what_no_rule_assigns_to_one_of_several_clusters_is_told() {
    let directory = Directory::new();
    directory.put(
        ".seal.yaml",
        "clusters: {a: {certificate: cert.pem}, b: {context: b}}\nrules: [{path: apps, clusters: [a]}]\n",
    );
    directory.fails(
        "encrypt",
        SECRET,
        str![[r#"
error: .seal.yaml: no rule says for which of the clusters stdin.yaml is sealed
  hint: give it a rule there, or name the certificate with --cert FILE

"#]],
    );
    directory.succeeds("encrypt --cert cert.pem", SECRET);
}

#[test]
fn what_is_wrong_with_the_file_of_the_repository_keeps_everything_back() {
    let directory = Directory::new();
    directory.put(".seal.yaml", "clusters: {prod: {certificat: cert.pem}}\n");
    directory.fails(
        "encrypt --cert cert.pem",
        SECRET,
        str![[r#"
error: .seal.yaml:1:19: unknown field "certificat"; did you mean "certificate"?

"#]],
    );
}

#[test]
fn a_cluster_that_is_gone_is_sealed_for_with_its_last_certificate() {
    let certificate = Directory::new().read("cert.pem");
    let server = Server::start([published(MAP, &certificate)]);
    let directory = with_contexts(&server);
    let arguments = "encrypt --kubeconfig config --context prod";
    directory
        .seal(arguments)
        .stdin(SECRET)
        .assert()
        .success()
        .stderr_eq("");
    let kept = "nobody/.cache/seal/certificates";
    assert_eq!(directory.mode(kept), 0o700);
    server.fall_silent();
    let done = directory.seal(arguments).stdin(SECRET).assert().success();
    done.stderr_eq(str![[r#"
warning: cannot read the ConfigMap seal-public-keys in kube-system: [..]; sealing with the certificate of key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU that was fetched on [..]

"#]]);
    // Another controller of the same cluster gave none.
    directory.fails(
        &format!("{arguments} --controller-namespace ops"),
        SECRET,
        str![[r#"
error: cannot read the ConfigMap seal-public-keys in ops: [..]
  hint: check --context and the network, or seal offline with --cert FILE

"#]],
    );
}

#[test]
fn a_url_that_is_gone_is_sealed_for_with_its_last_certificate() {
    let directory = Directory::new();
    let server = Server::start([("/cert.pem", 200, directory.read("cert.pem"))]);
    let arguments = format!("encrypt --cert {}", server.url("/cert.pem"));
    directory.succeeds(&arguments, SECRET);
    server.fall_silent();
    let done = directory.seal(&arguments).stdin(SECRET).assert().success();
    done.stderr_eq(str![[r#"
warning: cannot get the certificate from http://127.0.0.1:[..]/cert.pem: [..]; sealing with the certificate of key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU that was fetched on [..]
warning: http://127.0.0.1:[..]/cert.pem: came unencrypted, so anybody on the way could have replaced it; make sure that SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU is the cluster's key

"#]]);
}

#[test]
fn a_key_that_changed_is_told_with_both_fingerprints() {
    let certificate = Directory::new().read("cert.pem");
    let server = Server::start([published(MAP, &certificate)]);
    let directory = with_contexts(&server);
    let cache = directory.path("cache");
    let fetch = || {
        directory
            .seal("keys fetch --kubeconfig config --context prod")
            .env("XDG_CACHE_HOME", &cache)
            .assert()
            .success()
    };
    fetch();
    let kept = cache.join("seal/certificates");
    let kept = std::fs::read_dir(kept)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), certificate);
    std::fs::write(&kept, another_certificate()).unwrap();
    fetch().stderr_eq(str![[r#"
warning: the key is SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU now; on [..] it was SHA256:dXpZXVhIAGKpnVMtk+j4l7cRhrqPbh5IT4smLAkf9/8. Controllers make a new key every 30 days unless told otherwise; pins in .seal.yaml refuse keys that nobody has looked at
key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU, certificate valid until 2036-11-19T21:43:11Z

"#]]);
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), certificate);
}

#[test]
fn what_is_refused_is_refused_although_a_certificate_was_kept() {
    let certificate = Directory::new().read("cert.pem");
    let server = Server::start([published(MAP, &certificate)]);
    let directory = with_contexts(&server);
    let arguments = "encrypt --kubeconfig config --context prod";
    directory.succeeds(arguments, SECRET);
    server.forget();
    directory.fails(arguments, SECRET, str![[r#"
error: cannot find the Service sealed-secrets-controller in kube-system: not found
  hint: if the controller has another name or namespace, say so with --controller-name and --controller-namespace

"#]]);
}
