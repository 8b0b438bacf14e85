//! The rights that the chart and `deploy/rbac.yaml` grant: the same, each of them needed, and none missing.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, api::ListParams};
use seal_keyring::Naming;
use seal_tests::{ControlPlane, Installation, Signal, wait_for};
use serde_json::{Value, json};

use super::{chart, objects, read, rendered};
use crate::site::{Site, put_value};

/// Each right of the controller, and the function that needs it: where it unseals (the ClusterRole), and in its own
/// namespace (the Role). Whoever adds one to `deploy/rbac.yaml` adds it here and to
/// [`all_that_needs_rights`].
const USES: &[(&str, &str, &str)] = &[
    (
        "ClusterRole",
        "list sealedsecrets",
        "watches/mod.rs watch_sealed_secrets",
    ),
    (
        "ClusterRole",
        "watch sealedsecrets",
        "watches/mod.rs watch_sealed_secrets",
    ),
    (
        "ClusterRole",
        "update sealedsecrets/status",
        "reconcile/record.rs write",
    ),
    (
        "ClusterRole",
        "list secrets",
        "watches/mod.rs watch_secrets",
    ),
    (
        "ClusterRole",
        "watch secrets",
        "watches/mod.rs watch_secrets",
    ),
    ("ClusterRole", "get secrets", "reconcile/apply.rs read"),
    ("ClusterRole", "create secrets", "reconcile/apply.rs create"),
    ("ClusterRole", "update secrets", "reconcile/apply.rs update"),
    ("ClusterRole", "create events", "events.rs tell"),
    ("Role", "list secrets", "keys/watch.rs watch_keys"),
    ("Role", "watch secrets", "keys/watch.rs watch_keys"),
    ("Role", "create secrets", "keys/maker.rs store"),
    ("Role", "get secrets", "keys/maker.rs store"),
    ("Role", "create configmaps", "keys/publish/maps.rs create"),
    (
        "Role",
        "get configmaps seal-public-keys",
        "keys/publish/maps.rs put",
    ),
    (
        "Role",
        "list configmaps seal-public-keys",
        "keys/publish.rs changes_of",
    ),
    (
        "Role",
        "watch configmaps seal-public-keys",
        "keys/publish.rs changes_of",
    ),
    (
        "Role",
        "update configmaps seal-public-keys",
        "keys/publish/maps.rs put",
    ),
    (
        "Role",
        "delete configmaps seal-public-keys",
        "keys/publish/maps.rs make_anew",
    ),
    (
        "Role",
        "get configmaps seal-keys",
        "keys/publish/maps.rs put",
    ),
    (
        "Role",
        "list configmaps seal-keys",
        "keys/publish.rs changes_of",
    ),
    (
        "Role",
        "watch configmaps seal-keys",
        "keys/publish.rs changes_of",
    ),
    (
        "Role",
        "update configmaps seal-keys",
        "keys/publish/maps.rs put",
    ),
    (
        "Role",
        "delete configmaps seal-keys",
        "keys/publish/maps.rs make_anew",
    ),
    (
        "Role",
        "get configmaps seal-key-requests",
        "keys/publish.rs take_requests",
    ),
    (
        "Role",
        "list configmaps seal-key-requests",
        "keys/publish.rs changes_of",
    ),
    (
        "Role",
        "watch configmaps seal-key-requests",
        "keys/publish.rs changes_of",
    ),
    (
        "Role",
        "update configmaps seal-key-requests",
        "keys/publish.rs take_requests",
    ),
    (
        "Role",
        "delete configmaps seal-key-requests",
        "keys/publish/maps.rs make_anew",
    ),
    ("Role", "create leases", "leader/candidate.rs take"),
    (
        "Role",
        "get leases sealed-secrets-controller",
        "leader/candidate.rs look",
    ),
    (
        "Role",
        "watch leases sealed-secrets-controller",
        "leader/candidate.rs open_watch",
    ),
    (
        "Role",
        "update leases sealed-secrets-controller",
        "leader/candidate.rs renew",
    ),
];

/// Of `deploy/rbac.yaml`.
const ACCOUNT: &str = "sealed-secrets-controller";

#[tokio::test]
async fn the_chart_grants_exactly_what_the_manifests_grant() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let named = ["--set=fullnameOverride=sealed-secrets-controller,replicas=2"];
    let charts = rendered(&chart(), &named);
    let manifests = objects(&read("deploy/rbac.yaml"));
    let (charts, manifests) = (granted_to_all(&charts), granted_to_all(&manifests));
    assert!(manifests.len() >= USES.len());
    assert_eq!(charts, manifests);
}

#[tokio::test]
async fn the_roles_of_people_are_those_of_the_manifests_and_bound_to_nobody() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let roles = |objects: &[Value]| -> BTreeMap<String, Value> {
        let named = |it: &&Value| {
            let name = it["metadata"]["name"].as_str().unwrap_or_default();
            name.starts_with("seal-key-")
        };
        let roles = objects.iter().filter(named).map(|it| {
            let name = format!("{} {}", it["kind"], it["metadata"]["name"]);
            (name, it["rules"].clone())
        });
        roles.collect()
    };
    let manifests = roles(&objects(&read("deploy/rbac.yaml")));
    assert_eq!(manifests.len(), 3);
    let charts = rendered(&chart(), &["--set=fullnameOverride=vault"]);
    assert_eq!(roles(&charts), manifests);
    let bound = |it: &Value| it["roleRef"]["name"].to_string().contains("seal-key-");
    assert!(!charts.iter().any(bound));

    let left_out = |set: &str| roles(&rendered(&chart(), &[&format!("--set={set}")])).len();
    assert_eq!(left_out("rbac.keyAdministrators.create=false"), 0);
    assert_eq!(left_out("rbac.namespacedRoles=true"), 2);
    assert_eq!(left_out("rbac.clusterRole=false"), 2);
}

#[tokio::test]
async fn namespaced_roles_grant_the_same_in_each_namespace_and_nothing_in_the_cluster() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let whole = rights_of(&rendered(&chart(), &[]), "ClusterRole", "");
    let options = "--set=rbac.namespacedRoles=true,additionalNamespaces={team-a,team-b}";
    let objects = rendered(&chart(), &[options]);
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        assert!(objects.iter().all(|it| it["kind"] != kind), "{kind}");
    }
    for namespace in ["kube-system", "team-a", "team-b"] {
        let mut here = objects.clone();
        here.retain(|it| {
            it["metadata"]["namespace"] == namespace && it["metadata"]["name"] == "secrets-unsealer"
        });
        assert_eq!(rights_of(&here, "Role", ""), whole, "{namespace}");
        let bound = objects.iter().any(|it| {
            it["kind"] == "RoleBinding"
                && it["metadata"]["namespace"] == namespace
                && it["roleRef"]["name"] == "secrets-unsealer"
                && it["subjects"][0]["namespace"] == "kube-system"
        });
        assert!(bound, "{namespace}");
    }
}

#[tokio::test]
async fn one_replica_has_no_rights_to_a_lease() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let leases = |options: &[&str]| {
        let rights = rights_of(&rendered(&chart(), options), "Role", "");
        rights.iter().filter(|it| it.contains("leases")).count()
    };
    assert_eq!(leases(&[]), 0);
    assert_eq!(leases(&["--set=replicas=3"]), 4);
    assert_eq!(leases(&["--set=extraArgs={--leader-elect}"]), 4);
}

#[tokio::test]
async fn only_old_garbage_collection_and_recreation_may_delete_secrets() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let plain = rights_of(&rendered(&chart(), &[]), "ClusterRole", "");
    for value in ["oldGcBehavior", "recreateImmutable"] {
        let set = format!("--set={value}=true");
        let mut more = rights_of(&rendered(&chart(), &[&set]), "ClusterRole", "");
        assert!(more.remove("delete secrets"), "{value}");
        assert_eq!(more, plain, "{value}");
    }
}

#[test]
fn every_right_is_in_the_table_with_a_function_that_is_there() {
    let manifests = objects(&read("deploy/rbac.yaml"));
    assert_eq!(controllers_rights(&manifests), table());
    for (_, right, place) in USES {
        let (file, function) = place.split_once(' ').unwrap();
        let source = read(&format!("controller/src/{file}"));
        let definition = format!("fn {function}(");
        assert!(source.contains(&definition), "{right}: {place}");
    }
}

#[tokio::test]
async fn by_the_audit_log_every_right_is_used_and_no_request_lacks_one() {
    let Some(plane) = ControlPlane::audited().await else {
        return;
    };
    let home = Installation::create(&plane).await;
    all_that_needs_rights(&plane, &home).await;

    let granted = table();
    let mut used = BTreeSet::new();
    let log = plane.audit_log(home.namespace(), ACCOUNT);
    for event in log.iter().filter(|event| event.get("objectRef").is_some()) {
        let request = Request::of(event, home.namespace());
        let rights: Vec<_> = granted.iter().filter(|it| request.uses(it)).collect();
        assert!(!rights.is_empty(), "no right is meant for {event:#}");
        assert_ne!(event["responseStatus"]["code"], 403, "{event:#}");
        used.extend(rights);
    }
    let unused: Vec<_> = granted.iter().filter(|it| !used.contains(it)).collect();
    assert!(unused.is_empty(), "nothing needed {unused:?}");
}

/// Has the controller do everything that it has rights for.
async fn all_that_needs_rights(plane: &ControlPlane, home: &Installation) {
    // A Secret that is no key has the name of the first one: the maker looks at it and takes another.
    let taken = Naming {
        prefix: "sealed-secrets-key",
        current_uid: "",
        occasion: "successor",
    };
    let foreign = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": taken.name(), "namespace": home.namespace()},
    });
    plane.apply(&foreign.to_string());
    let mut controller = home.start(&["--leader-elect"]).await;
    // It waits for its turn.
    let follower = home.start(&["--leader-elect"]).await;
    let site = Site::on(plane, &controller, "rights").await;
    site.unseal(&site.seal("db", &[("a", "1")])).await;
    site.events_until("db", "event", |it| !it.is_empty()).await;
    // Read, and put right.
    site.change_secret("db", |it| put_value(it, "a", "drifted"))
        .await;
    site.secret_with("db", &[("a", "1")]).await;

    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    let published = wait_for(&maps, "seal-public-keys", "published", |_| true).await;
    controller.process.signal(Signal::USR1);
    wait_for(&maps, "seal-public-keys", "published anew", |map| {
        map.data != published.data
    })
    .await;
    let nonsense = json!({"data": {"request": "dance"}});
    let change = kube::api::Patch::Merge(nonsense);
    maps.patch("seal-key-requests", &Default::default(), &change)
        .await
        .unwrap();
    wait_for(&maps, "seal-key-requests", "answered", |map| {
        map.data.as_ref().is_none_or(BTreeMap::is_empty)
    })
    .await;
    // Nobody else can change them any more.
    for name in ["seal-public-keys", "seal-keys", "seal-key-requests"] {
        let frozen = kube::api::Patch::Merge(json!({"immutable": true}));
        maps.patch(name, &Default::default(), &frozen)
            .await
            .unwrap();
        wait_for(&maps, name, "made anew", |map| map.immutable.is_none()).await;
    }
    let keys: Api<k8s_openapi::api::core::v1::Secret> =
        Api::namespaced(plane.client().await, home.namespace());
    assert_eq!(
        keys.list(&ListParams::default()).await.unwrap().items.len(),
        3
    );
    assert!(follower.stop().await.success());
    assert!(controller.stop().await.success());
}

/// What an event of the audit log asked for.
struct Request {
    /// The role that is meant for it: in the controller's own namespace it only has to do with keys here.
    role: &'static str,
    verb_and_resource: String,
    name: String,
}

impl Request {
    fn of(event: &Value, home: &str) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = &event["objectRef"];
        let mut resource = text(&object["resource"]);
        if let Some(subresource) = object["subresource"].as_str() {
            resource = format!("{resource}/{subresource}");
        }
        let at_home = object["namespace"] == home;
        Self {
            role: if at_home { "Role" } else { "ClusterRole" },
            verb_and_resource: format!("{} {resource}", text(&event["verb"])),
            name: text(&object["name"]),
        }
    }

    fn uses(&self, (role, right): &(String, String)) -> bool {
        let exactly = format!("{} {}", self.verb_and_resource, self.name);
        *role == self.role && (*right == self.verb_and_resource || *right == exactly)
    }
}

fn table() -> BTreeSet<(String, String)> {
    let rows = USES.iter();
    rows.map(|(role, right, _)| ((*role).to_owned(), (*right).to_owned()))
        .collect()
}

/// By the kind of the role, without those that others have.
fn controllers_rights(objects: &[Value]) -> BTreeSet<(String, String)> {
    let mut rights = BTreeSet::new();
    for (kind, suffix) in [
        ("ClusterRole", ""),
        ("Role", "key-admin"),
        ("Role", "leader-election"),
    ] {
        let of_kind = rights_of(objects, kind, suffix).into_iter();
        rights.extend(of_kind.map(|right| (kind.to_owned(), right)));
    }
    rights
}

/// The rights in roles of a kind whose names end so: verb, resource, and name where it is limited to one.
fn rights_of(objects: &[Value], kind: &str, suffix: &str) -> BTreeSet<String> {
    let name = |it: &Value| it["metadata"]["name"].as_str().unwrap().to_owned();
    let roles = objects
        .iter()
        .filter(|it| it["kind"] == kind && name(it).ends_with(suffix))
        // Those of people begin so; they are bound to nobody.
        .filter(|it| !name(it).starts_with("seal-key-"));
    let rules = roles.flat_map(|role| role["rules"].as_array().unwrap());
    rules.flat_map(rights_in_rule).collect()
}

fn rights_in_rule(rule: &Value) -> Vec<String> {
    let words = |field: &str| -> Vec<String> {
        let list = rule[field].as_array().into_iter().flatten();
        list.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let mut names = words("resourceNames");
    if names.is_empty() {
        names.push(String::new());
    }
    let mut rights = Vec::new();
    for verb in words("verbs") {
        for resource in words("resources") {
            for name in &names {
                rights.push(format!("{verb} {resource} {name}").trim_end().to_owned());
            }
        }
    }
    rights
}

/// Who has which right where, by binding. Names of the roles are left out: they are upstream's in both, and differ.
fn granted_to_all(objects: &[Value]) -> BTreeSet<String> {
    let mut granted = BTreeSet::new();
    let bindings = objects
        .iter()
        .filter(|it| it["kind"].as_str().unwrap().ends_with("Binding"));
    for binding in bindings {
        let role = objects
            .iter()
            .find(|it| {
                it["kind"] == binding["roleRef"]["kind"]
                    && it["metadata"]["name"] == binding["roleRef"]["name"]
            })
            .unwrap();
        let groups = |rule: &Value| rule["apiGroups"].to_string();
        for subject in binding["subjects"].as_array().unwrap() {
            let who = format!("{} {}", subject["kind"], subject["name"]);
            for rule in role["rules"].as_array().unwrap() {
                for right in rights_in_rule(rule) {
                    let place = &binding["metadata"]["namespace"];
                    granted.insert(format!("{who} in {place}: {right} of {}", groups(rule)));
                }
            }
        }
    }
    granted
}
