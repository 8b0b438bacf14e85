//! Upstream's programs work here, so that what the other suites compare with is real.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use seal_tests::{ControlPlane, Namespace, Upstream, Workdir, upstream_crd, wait_for};

#[tokio::test]
async fn kubeseal_is_the_pinned_version() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let version = Workdir::new().kubeseal(&["--version"], "").expect_success();
    assert_eq!(version, "kubeseal version: 0.40.0\n");
}

#[tokio::test]
async fn upstreams_controller_unseals_what_upstreams_kubeseal_sealed() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    plane.apply(&upstream_crd());
    let home = Namespace::create(&plane, "sealed-secrets");
    let upstream = Upstream::start(&plane, home.name(), &[]).await;

    let desk = Workdir::new();
    desk.write("cert.pem", upstream.http.get("/v1/cert.pem").await.body);
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: login, namespace: default}, stringData: {user: anna}}";
    plane.apply(
        &desk
            .kubeseal(&["--cert", "cert.pem"], secret)
            .expect_success(),
    );

    let secrets: Api<Secret> = Api::namespaced(plane.client().await, "default");
    let unsealed = wait_for(&secrets, "login", "unsealed", |_| true).await;
    assert_eq!(unsealed.data.unwrap()["user"].0, b"anna");
    assert!(upstream.stop().await.success());
}
