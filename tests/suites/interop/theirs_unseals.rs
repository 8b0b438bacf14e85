//! What `seal` seals, upstream's controller unseals.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use seal_tests::{ControlPlane, Namespace, Upstream, Workdir, upstream_crd, wait_for};
use serde_json::json;

use super::{Samples, all_bytes, bytes};

#[tokio::test]
async fn upstreams_controller_unseals_all_that_seal_seals() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    plane.apply(&upstream_crd());
    let home = Namespace::create(&plane, "sealed-secrets");
    let upstream = Upstream::start(&plane, home.name(), &[]).await;
    let desk = Workdir::new();
    desk.write("cert.pem", upstream.http.get("/v1/cert.pem").await.body);
    let site = Namespace::create(&plane, "seal");
    let secrets: Api<Secret> = Api::namespaced(plane.client().await, site.name());

    let samples = Samples::new(site.name());
    let sealed = desk
        .seal(&["encrypt", "--cert=cert.pem"], &samples.manifests())
        .expect_success();
    assert_eq!(
        upstream
            .http
            .post(
                "/v1/verify",
                sealed.split("\n---\n").next().unwrap().to_owned()
            )
            .await
            .status,
        200
    );
    plane.apply(&sealed);
    for name in samples.names() {
        let secret = wait_for(&secrets, &name, "unsealed by upstream", |_| true).await;
        samples.assert_is(&name, &secret);
    }

    desk.write("value", all_bytes());
    for scope in ["strict", "namespace-wide", "cluster-wide"] {
        let name = format!("value-{scope}");
        let args = [
            "value",
            "value",
            "--cert=cert.pem",
            "--scope",
            scope,
            "-n",
            site.name(),
            "--name",
            &name,
        ];
        let value = desk.seal(&args, "").expect_success();
        let annotation = format!("sealedsecrets.bitnami.com/{scope}");
        let sealed = json!({
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": {"name": name, "namespace": site.name(), "annotations": {annotation: "true"}},
            "spec": {"encryptedData": {"a": value}},
        });
        plane.apply(&sealed.to_string());
        let secret = wait_for(&secrets, &name, "unsealed by upstream", |_| true).await;
        assert_eq!(bytes(&secret)["a"], all_bytes());
    }
    assert!(upstream.stop().await.success());
}
