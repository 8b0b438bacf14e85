//! Credential plugins that a kubeconfig names.

use serde_json::{Value, json};
use snapbox::str;

use crate::{
    directory::{Directory, SECRET},
    server::Server,
};

const MAP: &str = "/api/v1/namespaces/kube-system/configmaps/seal-public-keys";
const FETCH: &str = "keys fetch --kubeconfig config";

/// A server that publishes a certificate, and a kubeconfig whose plugin is this script.
fn furnished(script: &str, more: &[(&str, Value)]) -> (Server, Directory) {
    let directory = Directory::new();
    let certificate = directory.read("cert.pem");
    let map = json!({ "metadata": { "name": "m" }, "data": { "cert.pem": certificate } });
    let server = Server::start([(MAP, 200, map.to_string())]);
    directory.put("plugin.sh", format!("echo run >> runs\n{script}\n"));
    let mut exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["plugin.sh"],
        "env": [{ "name": "SESSION", "value": "hunter1" }],
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": true,
    });
    for (name, value) in more {
        exec[*name] = value.clone();
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "clusters": [{ "name": "test", "cluster": { "server": server.url("") } }],
        "users": [{ "name": "test", "user": { "exec": exec } }],
    });
    directory.put("config", config.to_string());
    (server, directory)
}

fn credential(status: &Value) -> String {
    let version = "client.authentication.k8s.io/v1";
    let credential = json!({ "apiVersion": version, "kind": "ExecCredential", "status": status });
    format!("echo '{credential}'")
}

#[test]
fn a_plugin_is_run_once_and_what_it_gives_is_used() {
    let script = format!(
        "echo \"$KUBERNETES_EXEC_INFO\" > info; echo $SESSION >> runs; {}",
        credential(&json!({ "token": "t0ken" }))
    );
    let (server, directory) = furnished(&script, &[]);
    let path = std::env::var("PATH").unwrap();
    directory.seal(FETCH).env("PATH", &path).assert().success();
    assert_eq!(directory.read("runs"), "run\nhunter1\n");
    let info: Value = serde_json::from_str(&directory.read("info")).unwrap();
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(info["spec"]["cluster"]["server"], server.url(""));
    let request = server.requests().pop().unwrap().to_lowercase();
    assert!(request.contains("authorization: bearer t0ken"), "{request}");
}

#[test]
fn a_secret_that_comes_from_standard_input_is_not_for_a_plugin() {
    let script = format!("cat > taken; {}", credential(&json!({ "token": "t0ken" })));
    let (_server, directory) = furnished(&script, &[]);
    let encrypt = directory.seal("encrypt --kubeconfig config");
    let done = encrypt
        .env("PATH", std::env::var("PATH").unwrap())
        .stdin(SECRET)
        .assert()
        .success();
    assert!(String::from_utf8_lossy(&done.get_output().stdout).contains("kind: SealedSecret"));
    assert_eq!(directory.read("taken"), "");
}

#[test]
fn what_a_plugin_does_wrong_is_told_and_never_what_it_printed() {
    let fails = |script: &str, more: &[(&str, Value)], message: snapbox::data::Inline| {
        let (server, directory) = furnished(script, more);
        let command = directory
            .seal(FETCH)
            .env("PATH", std::env::var("PATH").unwrap());
        command.assert().code(2).stdout_eq("").stderr_eq(message);
        assert!(server.requests().is_empty());
    };
    fails(
        "echo '{\"token\": \"hunter2\"}'; echo log in first >&2; exit 3",
        &[],
        str![[r#"
log in first
error: no cluster to ask: exec: executable sh failed with exit code 3
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    fails(
        "echo hunter2",
        &[],
        str![[r#"
error: no cluster to ask: exec: decoding stdout: it is no ExecCredential
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    fails(
        &credential(&json!({})),
        &[],
        str![[r#"
error: no cluster to ask: exec: plugin didn't return a token or cert/key pair
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    fails(
        &credential(&json!({ "clientKeyData": "hunter2" })),
        &[],
        str![[r#"
error: no cluster to ask: exec: plugin returned only certificate or key, not both
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    fails(
        &credential(&Value::Null),
        &[],
        str![[r#"
error: no cluster to ask: exec: plugin didn't return a status field
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    fails(
        "",
        &[
            ("command", "no-such-helper".into()),
            ("installHint", "brew install helper".into()),
        ],
        str![[r#"
error: no cluster to ask: exec: executable no-such-helper not found

It looks like you are trying to use a client-go credential plugin that is not installed.

To learn more about this feature, consult the documentation available at:
      https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins

brew install helper
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    fails(
        "",
        &[("interactiveMode", "Always".into())],
        str![[r#"
error: no cluster to ask: exec: plugin cannot support interactive mode: standard input is not a terminal
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
    let old = "client.authentication.k8s.io/v1beta1";
    fails(
        &credential(&json!({ "token": "hunter2" })),
        &[("apiVersion", old.into())],
        str![[r#"
error: no cluster to ask: exec: plugin is configured to use API version client.authentication.k8s.io/v1beta1, plugin returned version client.authentication.k8s.io/v1
  hint: name a kubeconfig with --kubeconfig, or seal offline with --cert FILE

"#]],
    );
}
