use serde_json::json;
use snapbox::str;

use crate::{
    directory::{Directory, SECRET},
    server::Server,
};

const MAP: &str = "/api/v1/namespaces/kube-system/configmaps/seal-public-keys";
const SERVICE: &str = "/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const PROXY: &str =
    "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:web/proxy/v1/cert.pem";

fn service() -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "sealed-secrets-controller", "namespace": "kube-system" },
        "spec": { "ports": [{ "name": "web", "port": 8080 }, { "name": "metrics", "port": 8081 }] },
    })
    .to_string()
}

fn forbidden() -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "message": "services \"http:sealed-secrets-controller:web\" is forbidden",
        "reason": "Forbidden",
        "code": 403,
    })
    .to_string()
}

/// A directory whose kubeconfig leads to the server.
pub(crate) fn with_kubeconfig(server: &Server) -> Directory {
    let directory = Directory::new();
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "clusters": [{ "name": "test", "cluster": { "server": server.url("") } }],
        "users": [{ "name": "test", "user": {} }],
    });
    directory.put("config", config.to_string());
    directory
}

#[test]
fn the_published_certificate_comes_first() {
    let certificate = Directory::new().read("cert.pem");
    let map =
        json!({ "metadata": { "name": "seal-public-keys" }, "data": { "cert.pem": certificate } });
    let server = Server::start([(MAP, 200, map.to_string())]);
    with_kubeconfig(&server)
        .seal("keys fetch --kubeconfig config")
        .assert()
        .success()
        .stdout_eq(certificate)
        .stderr_eq(str![[r#"
key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU, certificate valid until 2036-11-19T21:43:11Z

"#]]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_controller_is_asked_through_the_first_port_of_its_service() {
    let certificate = Directory::new().read("cert.pem");
    let answers = [
        (SERVICE, 200, service()),
        (PROXY, 200, certificate.clone()),
        (MAP, 403, forbidden()),
    ];
    let server = Server::start(answers);
    let directory = with_kubeconfig(&server);
    directory.succeeds("keys fetch --kubeconfig config -w fetched.pem", "");
    assert_eq!(directory.read("fetched.pem"), certificate);
    let sealed = directory.succeeds("encrypt --kubeconfig config", SECRET);
    directory.succeeds("decrypt -i key.pem", &sealed);
}

#[test]
fn the_options_of_the_connection_reach_the_server() {
    let server = Server::start([]);
    let url = server.url("");
    let directory = Directory::new();
    let arguments = format!(
        "keys fetch --server {url} --token t0ken --as jane --as-group ops \
         --controller-name ss --controller-namespace sealed --request-timeout 20s"
    );
    let message = str![[r#"
error: cannot find the Service ss in sealed: not found
  hint: if the controller has another name or namespace, say so with --controller-name and --controller-namespace

"#]];
    let done = directory.seal(&arguments).env_remove("KUBECONFIG").assert();
    done.code(2).stdout_eq("").stderr_eq(message);
    let request = server.requests().pop().unwrap().to_lowercase();
    for line in [
        "get /api/v1/namespaces/sealed/services/ss ",
        "authorization: bearer t0ken",
        "impersonate-user: jane",
        "impersonate-group: ops",
    ] {
        assert!(request.contains(line), "{line} in {request}");
    }
}

#[test]
fn what_the_cluster_refuses_is_told() {
    let server = Server::start([(SERVICE, 200, service()), (PROXY, 403, forbidden())]);
    let directory = with_kubeconfig(&server);
    directory.fails(
        "keys fetch --kubeconfig config -w cert.pem",
        "",
        str![[r#"
error: cannot get the certificate from the Service sealed-secrets-controller in kube-system: services "http:sealed-secrets-controller:web" is forbidden
  hint: ask for that right, or for the certificate itself and pass it with --cert FILE

"#]],
    );
}

#[test]
fn a_controller_that_is_busy_and_does_not_say_for_how_long_is_told() {
    let busy = "too many requests: try again later".into();
    let server = Server::start([(SERVICE, 200, service()), (PROXY, 429, busy)]);
    let directory = with_kubeconfig(&server);
    directory.fails(
        "keys fetch --kubeconfig config -w cert.pem",
        "",
        str![[r#"
error: cannot get the certificate from the Service sealed-secrets-controller in kube-system: too many requests: try again later
  hint: others ask it, too; try again in a minute

"#]],
    );
}

#[test]
fn an_answer_that_is_no_certificate_is_not_written() {
    let server = Server::start([(SERVICE, 200, service()), (PROXY, 200, "<html>".into())]);
    let directory = with_kubeconfig(&server);
    directory.fails(
        "keys fetch --kubeconfig config -w cert.pem",
        "",
        str![[r#"
error: the cluster's certificate: no certificate found: expected PEM that begins with -----BEGIN CERTIFICATE-----
  hint: what answers there is no Sealed Secrets controller; check --controller-name and --controller-namespace

"#]],
    );
}

#[test]
fn an_unreachable_cluster_is_told() {
    let directory = Directory::new();
    let config = json!({
        "current-context": "c",
        "contexts": [{ "name": "c", "context": { "cluster": "c" } }],
        "clusters": [{ "name": "c", "cluster": { "server": "https://127.0.0.1:1" } }],
    });
    directory.put("config", config.to_string());
    directory.fails("encrypt --kubeconfig config secret.yaml", "", str![[r#"
error: cannot read the ConfigMap seal-public-keys in kube-system: client error (Connect): tcp connect error: Connection refused
  hint: check --context and the network, or seal offline with --cert FILE

"#]]);
}

#[test]
fn kubeconfigs_that_lead_nowhere_are_told() {
    let directory = Directory::new();
    directory.fails(
        "keys fetch",
        "",
        str![[r#"
error: no cluster to ask: cannot read the kubeconfig kubeconfig: Is a directory
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    directory.fails(
        "keys fetch --kubeconfig nofile",
        "",
        str![[r#"
error: no cluster to ask: cannot read the kubeconfig nofile: No such file or directory
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    let server = Server::start([]);
    let known = with_kubeconfig(&server);
    known.fails(
        "keys fetch --kubeconfig config --user jane",
        "",
        str![[r#"
error: no cluster to ask: the kubeconfig has no user "jane"
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    assert!(server.requests().is_empty());
    directory.put("config", "apiVersion: v1\nkind: Config\n");
    directory.fails(
        "keys fetch --kubeconfig config",
        "",
        str![[r#"
error: no cluster to ask: failed to determine current context
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    directory.fails(
        "keys fetch --kubeconfig config --context prod",
        "",
        str![[r#"
error: no cluster to ask: failed to load current context: prod
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    let none = directory.seal("keys fetch").env_remove("KUBECONFIG");
    none.assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: no cluster to ask: there is no kubeconfig, and this does not run in a cluster
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]]);
}
