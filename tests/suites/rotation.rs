//! A cluster gets a new key, a tree of files moves to it, and nothing in the cluster changes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use seal_tests::{ControlPlane, Installation, ServiceProxy, Workdir, kubectl, wait_for};

use crate::{
    schemas::expect_valid,
    site::{Site, values},
};

const OBJECTS: [&str; 5] = ["a", "b", "c", "d", "e"];

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_moved_to_a_new_key_unseals_to_the_same_secrets() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    let controller = home.start(&[]).await;
    let site = Site::on(&plane, &controller, "rotation").await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    wait_for(&maps, "seal-key-requests", "there", |_| true).await;
    let proxy = ServiceProxy::to(&plane, &controller.http).await;

    let desk = Workdir::new();
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let namespace = format!("--controller-namespace={}", home.namespace());
    let cluster = [kubeconfig.as_str(), namespace.as_str()];
    let seal = |words: &[&str], stdin: &str| {
        let done = desk.seal(&[words, &cluster[..]].concat(), stdin);
        done.expect_success()
    };
    let mut before = BTreeMap::new();
    for name in OBJECTS {
        let sealed = site.seal(name, &[("user", name), ("password", "s3cr3t")]);
        let secret = site.unseal(&sealed).await;
        before.insert(name, (secret.metadata.uid.clone(), values(&secret)));
        let text = serde_yaml::to_string(&sealed).unwrap();
        desk.write(&format!("tree/{name}.yaml"), text);
    }
    let mut old = site.key_id().to_owned();
    for offline in [true, false] {
        seal(&["keys", "rotate"], "");
        seal(&["keys", "fetch", "-w", "cert.pem"], "");
        let due = desk.seal(&["rotate", "--cert=cert.pem", "--dry-run", "tree"], "");
        assert_eq!(due.code, Some(1), "{}", due.stderr);
        let told = match offline {
            true => {
                let keys = key_secrets(&desk, &plane, home.namespace());
                let words = ["rotate", "--cert=cert.pem", "--identity=-", "tree"];
                desk.seal(&words, &keys).expect_success()
            }
            false => seal(&["rotate", "--cert=cert.pem", "tree"], ""),
        };
        assert!(
            told.contains(&format!("10 values from {old} to ")),
            "{told}"
        );
        let dry = ["rotate", "--cert=cert.pem", "--dry-run", "tree"];
        desk.seal(&dry, "").expect_success();

        for name in OBJECTS {
            let text = desk.read(&format!("tree/{name}.yaml"));
            assert!(!text.contains(&old), "{text}");
            plane.apply(&text);
            site.synced(name).await;
            let secret = site.secrets().get(name).await.unwrap();
            let now = (secret.metadata.uid.clone(), values(&secret));
            assert_eq!(now, before[name]);
        }
        // What a tree needs is told by its hints, and for certain by who has the keys.
        let keys = key_secrets(&desk, &plane, home.namespace());
        desk.write("keys.yaml", keys);
        let counted = ["keys", "list", "--output=json", "tree"];
        let by_hints = seal(&counted, "");
        let for_certain = seal(&[&counted[..], &["--identity=keys.yaml"]].concat(), "");
        for told in [by_hints, for_certain] {
            let list: serde_json::Value = serde_json::from_str(&told).unwrap();
            expect_valid("keys-list", &list);
            let expected = serde_json::json!({ "objects": 5, "values": 10 });
            assert_eq!(list[0]["files"], expected);
            assert_eq!(list[1]["files"]["values"], 0);
        }
        let list = seal(&["keys", "list", "--output=json"], "");
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let key = |id: &str| list.as_array().unwrap().iter().find(|it| it["id"] == id);
        assert_eq!(key(&old).unwrap()["cluster"]["values"], 0);
        assert_eq!(list[0]["cluster"]["values"], 10);
        old = list[0]["id"].as_str().unwrap().to_owned();
    }
}

/// The key Secrets as `kubectl get -o yaml` prints them.
fn key_secrets(desk: &Workdir, plane: &ControlPlane, namespace: &str) -> String {
    let label = "sealedsecrets.bitnami.com/sealed-secrets-key";
    let mut get = kubectl();
    get.arg("--kubeconfig").arg(plane.kubeconfig());
    get.args(["get", "secret", "-n", namespace, "-l", label, "-o", "yaml"]);
    desk.run(&mut get, "").expect_success()
}
