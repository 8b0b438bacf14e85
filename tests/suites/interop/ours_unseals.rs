//! What kubeseal seals, our controller unseals.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use seal_tests::{ControlPlane, SharedController, Workdir};
use serde_json::{Value, json};

use super::{Samples, all_bytes, bytes};
use crate::site::{Site, certificate, texts, values};

async fn desk(purpose: &str) -> Option<(&'static ControlPlane, Site, SharedController, Workdir)> {
    let plane = ControlPlane::shared().await?;
    let (site, controller) = Site::shared(purpose).await?;
    let desk = Workdir::new();
    desk.write("cert.pem", certificate(&controller).await.to_pem());
    Some((plane, site, controller, desk))
}

#[tokio::test]
async fn the_controller_unseals_all_that_kubeseal_seals() {
    let Some((plane, site, _controller, desk)) = desk("kubeseal").await else {
        return;
    };
    let samples = Samples::new(site.name());
    let sealed = desk
        .kubeseal(&["--cert=cert.pem", "--format=yaml"], &samples.manifests())
        .expect_success();
    plane.apply(&sealed);
    for name in samples.names() {
        site.synced(&name).await;
        samples.assert_is(&name, &site.secrets().get(&name).await.unwrap());
    }
}

#[tokio::test]
async fn what_kubeseal_sealed_in_a_wider_scope_may_be_renamed_and_moved() {
    let Some((plane, site, _controller, desk)) = desk("scopes").await else {
        return;
    };
    let Some((elsewhere, _controller)) = Site::shared("moved").await else {
        return;
    };
    let secret = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": site.name()},
            "stringData": {"a": name},
        })
        .to_string()
    };
    for (scope, to) in [("namespace-wide", &site), ("cluster-wide", &elsewhere)] {
        let args = ["--cert=cert.pem", "--scope", scope];
        let sealed = desk.kubeseal(&args, &secret(scope)).expect_success();
        let mut sealed: Value = serde_json::from_str(&sealed).unwrap();
        sealed["metadata"]["name"] = json!(format!("renamed-{scope}"));
        sealed["metadata"]["namespace"] = json!(to.name());
        plane.apply(&sealed.to_string());
        to.secret_with(&format!("renamed-{scope}"), &[("a", scope)])
            .await;
    }
}

#[tokio::test]
async fn raw_values_of_kubeseal_put_together_by_hand_become_one_secret() {
    let Some((plane, site, _controller, desk)) = desk("raw").await else {
        return;
    };
    desk.write("value", all_bytes());
    let (strict, wide, cluster) = ("strict", "namespace-wide", "cluster-wide");
    for scope in [strict, wide, cluster] {
        let mut args = vec![
            "--raw",
            "--cert=cert.pem",
            "--from-file=value",
            "--scope",
            scope,
        ];
        let name = format!("raw-{scope}");
        if scope != cluster {
            args.extend(["--namespace", site.name()]);
        }
        if scope == strict {
            args.extend(["--name", &name]);
        }
        let [first, second] = [(); 2].map(|()| desk.kubeseal(&args, "").expect_success());
        assert_ne!(first, second, "each sealing has a session key of its own");
        let annotation = format!("sealedsecrets.bitnami.com/{scope}");
        let mut sealed = json!({
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": {"name": name, "namespace": site.name(), "annotations": {annotation: "true"}},
            "spec": {"encryptedData": {"first": first, "second": second}},
        });
        if scope == strict {
            sealed["metadata"]["annotations"] = json!({});
        }
        plane.apply(&sealed.to_string());
        site.synced(&name).await;
        let secret = site.secrets().get(&name).await.unwrap();
        assert_eq!(bytes(&secret)["first"], all_bytes());
        assert_eq!(bytes(&secret)["second"], all_bytes());
    }
}

#[tokio::test]
async fn templates_beside_what_kubeseal_sealed_are_rendered() {
    let Some((plane, site, _controller, desk)) = desk("templates").await else {
        return;
    };
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": site.name()},
        "stringData": {"user": "anna", "password": "1"},
    });
    let sealed = desk
        .kubeseal(&["--cert=cert.pem"], &secret.to_string())
        .expect_success();
    let mut sealed: Value = serde_json::from_str(&sealed).unwrap();
    sealed["spec"]["template"]["data"] = json!({
        "url": "postgres://{{ .user }}:{{ .password }}@{{ upper \"db\" }}",
        "password": null,
    });
    // A client-side apply takes null for "delete this" and leaves it out.
    plane.kubectl(&["apply", "--server-side", "-f", "-"], &sealed.to_string());
    site.synced("db").await;
    let secret = site.secrets().get("db").await.unwrap();
    assert_eq!(
        values(&secret),
        texts(&[("user", "anna"), ("url", "postgres://anna:1@DB")])
    );
}
