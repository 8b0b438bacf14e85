//! The peer: upstream's controller.

use std::{fs, process::ExitStatus};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ControlPlane, Endpoint, PATIENCE, Process, Signal, pod, program};

/// Upstream's controller as a process of its own, in a namespace of its own, with all rights unless it is started as
/// some account. Killed when dropped.
#[derive(Debug)]
pub struct Upstream {
    /// Its process.
    pub process: Process,
    /// Where it serves certificates, `/v1/verify` and `/v1/rotate`.
    pub http: Endpoint,
    /// Where it serves metrics.
    pub metrics: Endpoint,
    _pod: TempDir,
}

impl Upstream {
    /// Runs it with these flags in `namespace`, whose keys it uses, and waits until it is ready. Its custom resource
    /// must be there already.
    pub async fn start(plane: &ControlPlane, namespace: &str, flags: &[&str]) -> Self {
        Self::create_account(plane, namespace);
        Self::start_as(plane, namespace, Self::ACCOUNT, flags).await
    }

    /// Not the one of the chart, which our controller may have in the same namespace.
    pub const ACCOUNT: &str = "upstream";

    /// Makes [`Self::ACCOUNT`], with all rights.
    pub fn create_account(plane: &ControlPlane, namespace: &str) {
        plane.apply(&account(namespace).to_string());
    }

    /// The same as an account that is there already, with the rights that it has.
    pub async fn start_as(
        plane: &ControlPlane,
        namespace: &str,
        account: &str,
        flags: &[&str],
    ) -> Self {
        let mut upstream = Self::launch_as(plane, namespace, account, flags).await;
        upstream.wait_ready().await;
        upstream
    }

    /// The same without waiting.
    pub async fn launch_as(
        plane: &ControlPlane,
        namespace: &str,
        account: &str,
        flags: &[&str],
    ) -> Self {
        let token = pod::token(plane, namespace, account).await;
        let (http, metrics) = (Endpoint::free(), Endpoint::free());
        let controller =
            program("sealed-secrets", "controller").unwrap_or_else(|why| panic!("{why}"));
        let (mut command, dir) = pod::command(plane, namespace, &token, &controller);
        command
            .arg(format!("--listen-addr={}", http.address()))
            .arg(format!("--listen-metrics-addr={}", metrics.address()))
            .arg("--key-size=2048")
            .args(flags);
        let process = Process::start("upstream's controller", command, plane.scratch());
        Self {
            process,
            http,
            metrics,
            _pod: dir,
        }
    }

    /// Waits until `/readyz` says so.
    pub async fn wait_ready(&mut self) {
        self.http.wait_ready("/readyz", &mut self.process).await;
    }

    /// Asks it to end and returns how it ended.
    pub async fn stop(mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.exit(PATIENCE).await
    }
}

/// Upstream's custom resource definition, as YAML.
pub fn crd() -> String {
    let crds = program("sealed-secrets", "chart/crds").unwrap_or_else(|why| panic!("{why}"));
    let mut text = String::new();
    for file in fs::read_dir(crds).unwrap() {
        text.push_str("---\n");
        text.push_str(&fs::read_to_string(file.unwrap().path()).unwrap());
    }
    text
}

fn account(namespace: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": Upstream::ACCOUNT, "namespace": namespace}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{}-{namespace}", Upstream::ACCOUNT)},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": Upstream::ACCOUNT, "namespace": namespace}],
        },
    ]})
}

/// The same with `rbac.namespacedRoles` and without `rbac.clusterRole`: Roles in the additional namespaces, and in its
/// own only what it takes to make and list keys.
pub(crate) fn namespaced_chart_rights(namespace: &str, additional: &[&str]) -> Vec<Value> {
    let (everywhere, mut rights): (Vec<_>, Vec<_>) =
        chart_rights(namespace).into_iter().partition(|it| {
            it["kind"]
                .as_str()
                .is_some_and(|it| it.starts_with("Cluster"))
        });
    for name in additional {
        for object in &everywhere {
            let mut object = object.clone();
            let kind = object["kind"].as_str().unwrap();
            object["kind"] = kind.replace("Cluster", "").into();
            object["metadata"]["namespace"] = (*name).into();
            if object["roleRef"]["kind"].is_string() {
                object["roleRef"]["kind"] = "Role".into();
            }
            rights.push(object);
        }
    }
    rights
}

/// What upstream's chart grants by default (templates/cluster-role.yaml, role.yaml and their bindings), without the
/// right of others to its Service.
pub(crate) fn chart_rights(namespace: &str) -> Vec<Value> {
    const GROUP: &str = "rbac.authorization.k8s.io";
    const ACCOUNT: &str = "sealed-secrets";
    let role = |kind: &str, name: &str, rules: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "rules": rules,
        })
    };
    let binding = |kind: &str, role: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": format!("{kind}Binding"),
            "metadata": {"name": role, "namespace": namespace},
            "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role},
            "subjects": [{"apiGroup": "", "kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        })
    };
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}}),
        role(
            "ClusterRole",
            "secrets-unsealer",
            json!([
                {"apiGroups": ["bitnami.com"], "resources": ["sealedsecrets"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": ["bitnami.com"], "resources": ["sealedsecrets/status"], "verbs": ["update"]},
                {
                    "apiGroups": [""],
                    "resources": ["secrets"],
                    "verbs": ["get", "list", "create", "update", "delete", "watch"],
                },
                {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
            ]),
        ),
        binding("ClusterRole", "secrets-unsealer"),
        role(
            "Role",
            "sealed-secrets-key-admin",
            json!([
                {
                    "apiGroups": [""],
                    "resources": ["secrets"],
                    "resourceNames": ["sealed-secrets-key"],
                    "verbs": ["get"],
                },
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "list"]},
            ]),
        ),
        binding("Role", "sealed-secrets-key-admin"),
    ]
}
