//! The manifests of `deploy/` on the real API server: accepted, confined, and no stricter than upstream's.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use k8s_openapi::api::{
    apps::v1::Deployment,
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
    rbac::v1::{ClusterRole, PolicyRule, Role},
};
use kube::{Api, Client, api::PostParams, core::Request};
use seal_tests::{ControlPlane, upstream_crd, wait_for};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

#[tokio::test]
async fn the_api_server_accepts_every_manifest_and_warns_of_nothing() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    let deploy = deploy();
    let dry_run = [
        "apply",
        "--server-side",
        "--dry-run=server",
        "--warnings-as-errors",
        "--output=name",
    ];
    let accepted = plane.kubectl(&[&dry_run[..], &["-k", &deploy]].concat(), "");
    for object in [
        "customresourcedefinition.apiextensions.k8s.io/sealedsecrets.bitnami.com",
        "serviceaccount/sealed-secrets-controller",
        "service/sealed-secrets-controller",
        "service/sealed-secrets-controller-metrics",
        "deployment.apps/sealed-secrets-controller",
    ] {
        assert!(accepted.lines().any(|line| line == object), "{accepted}");
    }
}

#[tokio::test]
async fn in_a_restricted_namespace_of_its_own_the_pod_is_admitted() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    install_into_own_namespace(plane).await;
    let deployments: Api<Deployment> = Api::namespaced(plane.client().await, HOME);
    // No node runs it: what counts is that pod security admission let it be made.
    wait_for(
        &deployments,
        CONTROLLER,
        "with a pod",
        |deployment: &Deployment| {
            let status = deployment.status.as_ref();
            status.is_some_and(|status| status.replicas == Some(1))
        },
    )
    .await;
}

#[tokio::test]
async fn the_controller_may_do_what_it_does_and_nothing_else() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    install_into_own_namespace(plane).await;
    let client = plane.client().await;
    let controller = SubjectAccessReviewSpec {
        user: Some(format!("system:serviceaccount:{HOME}:{CONTROLLER}")),
        ..SubjectAccessReviewSpec::default()
    };
    for (namespace, resource, verbs) in [
        ("elsewhere", "sealedsecrets.bitnami.com", "list watch"),
        ("elsewhere", "sealedsecrets.bitnami.com/status", "update"),
        ("elsewhere", "secrets", "get list watch create update"),
        ("elsewhere", "events", "create"),
        ("elsewhere", "configmaps seal-public-keys", ""),
        (HOME, "secrets", "get list watch create update"),
        (
            HOME,
            "configmaps seal-public-keys",
            "get list watch create update delete",
        ),
        (
            HOME,
            "configmaps seal-keys",
            "get list watch create update delete",
        ),
        (
            HOME,
            "configmaps seal-key-requests",
            "get list watch create update delete",
        ),
        (HOME, "configmaps others", "create"),
        (
            HOME,
            "leases.coordination.k8s.io sealed-secrets-controller",
            "get watch create update",
        ),
        (HOME, "leases.coordination.k8s.io others", "create"),
        ("elsewhere", "leases.coordination.k8s.io", ""),
        (HOME, "pods", ""),
        (HOME, "services/proxy sealed-secrets-controller", ""),
        (HOME, "serviceaccounts/token", ""),
        (HOME, "namespaces", ""),
        (HOME, "deployments.apps", ""),
        (HOME, "clusterroles.rbac.authorization.k8s.io", ""),
        (HOME, "customresourcedefinitions.apiextensions.k8s.io", ""),
    ] {
        let may = verbs_of(&client, &controller, namespace, resource).await;
        assert_eq!(may, verbs, "{resource} in {namespace}");
    }
}

#[tokio::test]
async fn whoever_is_logged_in_may_ask_the_controller_and_no_more() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    install_into_own_namespace(plane).await;
    let client = plane.client().await;
    let anybody = SubjectAccessReviewSpec {
        user: Some("anybody".to_owned()),
        groups: Some(vec!["system:authenticated".to_owned()]),
        ..SubjectAccessReviewSpec::default()
    };
    for (namespace, resource, verbs) in [
        (HOME, "configmaps seal-public-keys", "get"),
        (HOME, "configmaps others", ""),
        (HOME, "services sealed-secrets-controller", "get"),
        (
            HOME,
            "services/proxy sealed-secrets-controller",
            "get create",
        ),
        (
            HOME,
            "services/proxy http:sealed-secrets-controller:",
            "get create",
        ),
        (
            HOME,
            "services/proxy http:sealed-secrets-controller:http",
            "get create",
        ),
        (HOME, "services/proxy others", ""),
        (HOME, "secrets", ""),
        ("elsewhere", "configmaps seal-public-keys", ""),
        ("elsewhere", "sealedsecrets.bitnami.com", ""),
    ] {
        let may = verbs_of(&client, &anybody, namespace, resource).await;
        assert_eq!(may, verbs, "{resource} in {namespace}");
    }
}

#[tokio::test]
async fn key_administrators_may_ask_for_keys_and_neither_read_nor_publish_any() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    install_into_own_namespace(plane).await;
    plane.apply(
        &json!({"apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "key-admins", "namespace": HOME},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "seal-key-admin"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "karin"}],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "key-admins"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "seal-key-admin"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "karin"}],
            },
        ]})
        .to_string(),
    );
    let client = plane.client().await;
    let administrator = SubjectAccessReviewSpec {
        user: Some("karin".to_owned()),
        ..SubjectAccessReviewSpec::default()
    };
    for (namespace, resource, verbs) in [
        (HOME, "configmaps seal-key-requests", "get patch"),
        (HOME, "configmaps seal-keys", "get"),
        (HOME, "configmaps seal-public-keys", "get"),
        (HOME, "configmaps others", ""),
        (HOME, "secrets", ""),
        (HOME, "sealedsecrets.bitnami.com", "get list"),
        ("elsewhere", "sealedsecrets.bitnami.com", "get list"),
        ("elsewhere", "sealedsecrets.bitnami.com/status", ""),
        ("elsewhere", "secrets", ""),
        ("elsewhere", "configmaps seal-key-requests", ""),
    ] {
        let may = verbs_of(&client, &administrator, namespace, resource).await;
        assert_eq!(may, verbs, "{resource} in {namespace}");
    }
}

#[tokio::test]
async fn who_backs_up_keys_reads_marks_and_restores_them_and_deletes_none() {
    let Some(plane) = ControlPlane::shared().await else {
        return;
    };
    install_into_own_namespace(plane).await;
    plane.apply(
        &json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "key-backups", "namespace": HOME},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "seal-key-backup"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bruno"}],
        })
        .to_string(),
    );
    let client = plane.client().await;
    let keeper = SubjectAccessReviewSpec {
        user: Some("bruno".to_owned()),
        ..SubjectAccessReviewSpec::default()
    };
    for (namespace, resource, verbs) in [
        (HOME, "secrets", "list create patch"),
        (HOME, "configmaps seal-keys", "get"),
        (HOME, "configmaps seal-key-requests", ""),
        (HOME, "configmaps seal-public-keys", ""),
        (HOME, "sealedsecrets.bitnami.com", ""),
        ("elsewhere", "secrets", ""),
        ("elsewhere", "configmaps seal-keys", ""),
    ] {
        let may = verbs_of(&client, &keeper, namespace, resource).await;
        assert_eq!(may, verbs, "{resource} in {namespace}");
    }
}

#[test]
fn no_rule_has_a_wildcard_or_deletes_anything_but_what_the_controller_publishes() {
    let text = fs::read_to_string(format!("{}/rbac.yaml", deploy())).unwrap();
    let objects: Vec<Value> = serde_yaml::from_multiple(&text).unwrap();
    let rules: Vec<PolicyRule> = objects.into_iter().flat_map(rules_of).collect();
    assert!(rules.len() > 5);
    for rule in rules {
        assert_eq!(rule.non_resource_urls, None);
        let published = ["seal-public-keys", "seal-keys", "seal-key-requests"];
        let is_published = rule.resource_names.unwrap_or_default() == published;
        let groups = rule.api_groups.unwrap_or_default();
        let words = [groups, rule.resources.unwrap_or_default(), rule.verbs].concat();
        let too_much = |word: &String| {
            word.contains('*')
                || (word.starts_with("delete") && !(is_published && word == "delete"))
                || ["escalate", "bind", "impersonate"].contains(&word.as_str())
        };
        assert!(!words.iter().any(too_much), "{words:?}");
    }
}

#[tokio::test]
async fn the_resource_takes_and_keeps_all_that_upstreams_does() {
    let (Some(ours), Some(theirs)) = (ControlPlane::shared().await, ControlPlane::fresh().await)
    else {
        return;
    };
    let crd = format!("{}/crd.yaml", deploy());
    ours.kubectl(&["apply", "--server-side", "-f", &crd], "");
    theirs.apply(&upstream_crd());
    for plane in [ours, &theirs] {
        let established = [
            "wait",
            "--for=condition=Established",
            "--timeout=30s",
            "crd/sealedsecrets.bitnami.com",
        ];
        plane.kubectl(&established, "");
    }
    let (ours, theirs) = (ours.client().await, theirs.client().await);
    let vectors = repository().join("tests/vectors/envelope.json");
    let vectors: Value = serde_json::from_slice(&fs::read(vectors).unwrap()).unwrap();
    let mut accepted = 0;
    for case in vectors["unseal"].as_array().unwrap() {
        let name = &case["name"];
        match dry_run(&theirs, &case["sealed"]).await {
            Ok(their_object) => {
                let our_object = dry_run(&ours, &case["sealed"]).await;
                let our_object = our_object.unwrap_or_else(|error| panic!("{name}: {error}"));
                // Ours keeps more: upstream's drops the null by which a template leaves an item out.
                let kept = keeps(&our_object["spec"], &their_object["spec"]);
                assert!(kept, "{name}: {our_object:#}\n{their_object:#}");
                accepted += 1;
            }
            // Being more lenient would do no harm.
            Err(kube::Error::Api(_)) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
    assert!(accepted > 100, "only {accepted} objects were compared");
}

const CONTROLLER: &str = "sealed-secrets-controller";
/// Of `deploy/namespace.yaml`.
const HOME: &str = "sealed-secrets";

fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().unwrap()
}

fn deploy() -> String {
    repository().join("deploy").to_str().unwrap().to_owned()
}

/// Applies the overlay that `deploy/kustomization.yaml` describes, once.
async fn install_into_own_namespace(plane: &ControlPlane) {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = || async {
        let overlay = plane.scratch();
        let here = overlay.path().canonicalize().unwrap();
        // Kustomize takes directories by relative paths alone, and files only from below.
        let to_root = "../".repeat(here.components().count() - 1);
        let base = format!("{to_root}{}", deploy().trim_start_matches('/'));
        let namespace = repository().join("deploy/namespace.yaml");
        fs::copy(namespace, here.join("namespace.yaml")).unwrap();
        let kustomization = json!({"namespace": HOME, "resources": ["namespace.yaml", base]});
        fs::write(here.join("kustomization.yaml"), kustomization.to_string()).unwrap();
        plane.kubectl(
            &["apply", "--server-side", "-k", here.to_str().unwrap()],
            "",
        );
    };
    INSTALLED.get_or_init(install).await;
}

/// The verbs that the API server grants on `RESOURCE[.GROUP][/SUBRESOURCE] [NAME]`, separated by blanks.
async fn verbs_of(
    client: &Client,
    who: &SubjectAccessReviewSpec,
    namespace: &str,
    what: &str,
) -> String {
    let (resource, name) = what.split_once(' ').unwrap_or((what, ""));
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let mut granted = Vec::new();
    for verb in [
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
    ] {
        let attributes = ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource: Some(subresource.to_owned()),
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            verb: Some(verb.to_owned()),
            ..ResourceAttributes::default()
        };
        let spec = SubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..who.clone()
        };
        let review = SubjectAccessReview {
            spec,
            ..SubjectAccessReview::default()
        };
        let answer = reviews.create(&PostParams::default(), &review).await;
        if answer.unwrap().status.unwrap().allowed {
            granted.push(verb);
        }
    }
    granted.join(" ")
}

fn rules_of(object: Value) -> Vec<PolicyRule> {
    let rules = match object["kind"].as_str() {
        Some("ClusterRole") => serde_json::from_value::<ClusterRole>(object).unwrap().rules,
        Some("Role") => serde_json::from_value::<Role>(object).unwrap().rules,
        _ => None,
    };
    rules.unwrap_or_default()
}

/// What the API server would store.
async fn dry_run(client: &Client, sealed: &Value) -> kube::Result<Value> {
    let mut sealed = sealed.clone();
    sealed["metadata"]["namespace"] = "default".into();
    let request = Request::new("/apis/bitnami.com/v1alpha1/namespaces/default/sealedsecrets");
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let body = serde_json::to_vec(&sealed).unwrap();
    client
        .request(request.create(&parameters, body).unwrap())
        .await
}

/// Whether all of `theirs` is in `ours`.
fn keeps(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => theirs
            .iter()
            .all(|(key, value)| ours.get(key).is_some_and(|own| keeps(own, value))),
        _ => ours == theirs,
    }
}
