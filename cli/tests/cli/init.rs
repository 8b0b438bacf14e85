use serde_json::json;
use snapbox::str;

use crate::{
    directory::{Directory, SECRET},
    server::Server,
};

const MAP: &str = "/api/v1/namespaces/ops/configmaps/seal-public-keys";

#[test]
fn a_repository_is_made_ready_with_the_certificate_of_the_cluster() {
    let certificate = Directory::new().read("cert.pem");
    let map =
        json!({ "metadata": { "name": "seal-public-keys" }, "data": { "cert.pem": certificate } });
    let server = Server::start([(MAP, 200, map.to_string())]);
    let directory = Directory::new();
    let config = json!({
        "current-context": "arn:aws:eks:x/prod",
        "contexts": [{ "name": "arn:aws:eks:x/prod", "context": { "cluster": "c" } }],
        "clusters": [{ "name": "c", "cluster": { "server": server.url("") } }],
    });
    directory.put("config", config.to_string());
    let init = "init --kubeconfig config --controller-namespace ops --pin --yes";
    let done = directory.seal(init).assert().success().stdout_eq("");
    done.stderr_eq(str![[r#"
the cluster's certificate: key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU, certificate valid until 2036-11-19T21:43:11Z
wrote .seal.yaml; commit it together with certs/prod.pem

"#]]);
    snapbox::assert_data_eq!(
        directory.read(".seal.yaml"),
        str![[r#"
# For which cluster seal encrypts the files below this directory, and how.
clusters:
  arn:aws:eks:x/prod:
    certificate: certs/prod.pem
    context: arn:aws:eks:x/prod
    controller:
      namespace: ops
    pins:
    - SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU
# With several clusters, or another scope for some files, the first rule whose path matches counts:
# rules:
#   - path: apps/prod
#     clusters: [arn:aws:eks:x/prod]
#     scope: namespace-wide

"#]]
    );
    assert_eq!(directory.read("certs/prod.pem"), certificate);
    assert_eq!(directory.mode(".seal.yaml"), 0o644);
    server.fall_silent();
    let sealed = directory.succeeds("encrypt", SECRET);
    directory.succeeds("decrypt -i key.pem", &sealed);
    directory.fails(
        "init --yes",
        "",
        str![[r#"
error: .seal.yaml is there already
  hint: edit it, or remove it first

"#]],
    );
}

#[test]
fn a_certificate_in_the_repository_stays_where_it_is() {
    let directory = Directory::new();
    directory.succeeds("init prod --cert cert.pem --yes", "");
    assert!(
        directory
            .read(".seal.yaml")
            .contains("\n  prod:\n    certificate: cert.pem\n#")
    );
    assert!(!directory.path("certs").exists());
    directory.succeeds("encrypt", SECRET);
}

#[test]
fn nothing_is_written_that_nobody_confirms() {
    let directory = Directory::new();
    directory.fails("init --cert cert.pem", "yes\n", str![[r#"
cert.pem: key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU, certificate valid until 2036-11-19T21:43:11Z
error: Seal for this key, as that of the cluster cluster? There is no terminal to ask
  hint: if that is intended, add --yes

"#]]);
}

#[test]
fn a_certificate_that_is_no_good_makes_no_repository_ready() {
    let directory = Directory::new();
    directory.put(
        "expired.pem",
        include_str!("../fixtures/expired-certificate.pem"),
    );
    directory.fails("init --yes --cert expired.pem", "", str![[r#"
error: expired.pem: the certificate of key SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU expired on 2021-01-01T00:00:00Z
  hint: fetch the current one with: seal keys fetch -w cert.pem

"#]]);
    directory.fails(
        "init --yes --cert key.pem",
        "",
        str![[r#"
error: key.pem: no certificate found: expected PEM that begins with -----BEGIN CERTIFICATE-----
  hint: fetch the cluster's certificate with: seal keys fetch -w cert.pem

"#]],
    );
    std::fs::create_dir(directory.path("certs")).unwrap();
    directory.put("certs/prod.pem", "another");
    let url = format!("file://{}", directory.path("cert.pem").display());
    directory.fails(
        &format!("init prod --yes --cert {url}"),
        "",
        str![[r#"
error: certs/prod.pem is there already
  hint: edit it, or remove it first

"#]],
    );
}
