//! The harness does what the other suites rely on.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace as NamespaceResource};
use kube::{Api, api::PostParams};
use seal_tests::{ControlPlane, Installation, Namespace, kubectl, wait_for, wait_until_gone};

#[tokio::test]
async fn the_api_server_is_the_pinned_one() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    let version = plane.client().await.apiserver_version().await.unwrap();
    assert_eq!(version.git_version, "v1.36.3");
}

#[tokio::test]
async fn a_namespace_goes_when_its_test_ends() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    let namespaces: Api<NamespaceResource> = Api::all(plane.client().await);
    let namespace = Namespace::create(plane, "short-lived");
    let name = namespace.name().to_owned();
    namespaces.get(&name).await.unwrap();
    drop(namespace);
    wait_until_gone(&namespaces, &name).await;
}

#[tokio::test]
async fn the_garbage_collector_removes_what_lost_its_owner() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    let namespace = Namespace::create(plane, "garbage");
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, namespace.name());
    let mut map = ConfigMap::default();
    map.metadata.name = Some("owner".to_owned());
    let owner = maps.create(&PostParams::default(), &map).await.unwrap();
    map.metadata.name = Some("owned".to_owned());
    map.metadata.owner_references = Some(vec![kube::Resource::owner_ref(&owner, &()).unwrap()]);
    maps.create(&PostParams::default(), &map).await.unwrap();
    wait_for(&maps, "owned", "there", |_| true).await;
    maps.delete("owner", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    wait_until_gone(&maps, "owned").await;
}

#[tokio::test]
async fn a_fresh_control_plane_is_another_one_and_goes_when_dropped() {
    let Some(shared) = ControlPlane::shared().await else {
        return;
    };
    let Some(fresh) = ControlPlane::fresh().await else {
        return;
    };
    let namespace = Namespace::create(&fresh, "elsewhere");
    let here: Api<NamespaceResource> = Api::all(shared.client().await);
    assert!(here.get_opt(namespace.name()).await.unwrap().is_none());
    let kubeconfig = fresh.kubeconfig().to_owned();
    drop(fresh);
    assert!(!kubeconfig.exists());
}

#[tokio::test]
async fn an_installation_has_the_rights_of_its_manifests_and_no_others() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    let ours = Installation::create(plane).await;
    let other = Installation::create(plane).await;
    let may = |verb: &str, what: &str, namespace: &str| {
        kubectl()
            .arg("--kubeconfig")
            .arg(ours.kubeconfig())
            .args([
                "auth",
                "can-i",
                verb,
                what,
                "--quiet",
                "--namespace",
                namespace,
            ])
            .status()
            .unwrap()
            .success()
    };
    assert!(may("watch", "sealedsecrets.bitnami.com", "default"));
    assert!(may("create", "configmaps", ours.namespace()));
    assert!(!may("create", "configmaps", other.namespace()));
    assert!(!may("delete", "secrets", ours.namespace()));
}
