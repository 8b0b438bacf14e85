//! Upstream's programs work here, so that what the other suites compare with is real.

use std::fs;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use seal_tests::{ControlPlane, Namespace, Upstream, kubeseal, upstream_crd, wait_for};

#[test]
fn kubeseal_is_the_pinned_version() {
    if seal_tests::program("sealed-secrets", "kubeseal").is_err() {
        return;
    }
    let output = kubeseal().arg("--version").output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "kubeseal version: 0.40.0\n"
    );
}

#[tokio::test]
async fn upstreams_controller_unseals_what_upstreams_kubeseal_sealed() {
    let Some(plane) = ControlPlane::fresh().await else {
        return;
    };
    plane.apply(&upstream_crd());
    let home = Namespace::create(&plane, "sealed-secrets");
    let upstream = Upstream::start(&plane, &home, &[]).await;

    let dir = tempfile::tempdir().unwrap();
    let certificate = dir.path().join("cert.pem");
    let secret = dir.path().join("secret.yaml");
    fs::write(&certificate, upstream.http.get("/v1/cert.pem").await.body).unwrap();
    fs::write(
        &secret,
        "{apiVersion: v1, kind: Secret, metadata: {name: login, namespace: default}, stringData: {user: anna}}",
    )
    .unwrap();
    let sealed = kubeseal()
        .arg("--cert")
        .arg(&certificate)
        .arg("--secret-file")
        .arg(&secret)
        .output()
        .unwrap();
    assert!(
        sealed.status.success(),
        "{}",
        String::from_utf8_lossy(&sealed.stderr)
    );
    plane.apply(&String::from_utf8(sealed.stdout).unwrap());

    let secrets: Api<Secret> = Api::namespaced(plane.client().await, "default");
    let unsealed = wait_for(&secrets, "login", "unsealed", |_| true).await;
    assert_eq!(unsealed.data.unwrap()["user"].0, b"anna");
    assert!(upstream.stop().await.success());
}
