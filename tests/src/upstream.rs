//! The peer: upstream's controller.

use std::{fs, process::ExitStatus};

use serde_json::json;
use tempfile::TempDir;

use crate::{ControlPlane, Endpoint, Namespace, PATIENCE, Process, Signal, pod, program};

/// Upstream's controller as a process of its own, in a namespace of its own, with all rights. Killed when dropped.
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
    pub async fn start(plane: &ControlPlane, namespace: &Namespace, flags: &[&str]) -> Self {
        plane.apply(&account(namespace.name()).to_string());
        let token = pod::token(plane, namespace.name(), ACCOUNT).await;
        let (http, metrics) = (Endpoint::free(), Endpoint::free());
        let controller =
            program("sealed-secrets", "controller").unwrap_or_else(|why| panic!("{why}"));
        let (mut command, dir) = pod::command(plane, namespace.name(), &token, &controller);
        command
            .arg(format!("--listen-addr={}", http.address()))
            .arg(format!("--listen-metrics-addr={}", metrics.address()))
            .arg("--key-size=2048")
            .args(flags);
        let mut process = Process::start("upstream's controller", command, plane.scratch());
        http.wait_ready("/readyz", &mut process).await;
        Self {
            process,
            http,
            metrics,
            _pod: dir,
        }
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

const ACCOUNT: &str = "sealed-secrets-controller";

fn account(namespace: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{ACCOUNT}-{namespace}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        },
    ]})
}
