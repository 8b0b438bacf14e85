//! Argo CD without its user interface.

use std::{env, fs, path::Path, process::Command};

use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    Endpoint, Exclusive, GitRepository, Namespace, Process,
    process::mortal,
    programs::{crds, program},
    wait::wait_for,
};

/// Argo CD's application controller, repository server and cache as processes of their own, with all rights. Killed when
/// dropped.
#[derive(Debug)]
pub struct ArgoCd {
    applications: Api<DynamicObject>,
    namespace: Namespace,
    _processes: [Process; 3],
}

/// The name of the only Application.
const APPLICATION: &str = "team";

impl ArgoCd {
    /// Starts it with this ConfigMap `argocd-cm`'s data.
    ///
    /// # Errors
    ///
    /// What is missing, when Argo CD cannot be built here.
    pub async fn start(plane: &Exclusive, settings: &Value) -> Result<Self, String> {
        let program = program("argo-cd", "argo-cd")?;
        plane.define(crds(&program)).await;
        let namespace = Namespace::create(plane, "argocd");
        plane.apply(&configuration(namespace.name(), settings).to_string());

        let (cache, repositories) = (Endpoint::free(), Endpoint::free());
        let start = |name: &str, args: &[String]| {
            let dir = plane.scratch();
            let mut command = component(&program, dir.path());
            command.args(args).env("KUBECONFIG", plane.kubeconfig());
            Process::start(&format!("Argo CD's {name}"), command, dir)
        };
        let processes = [
            start("cache", &["cache".into(), cache.address().into()]),
            start(
                "repository server",
                &repository_server(&cache, &repositories),
            ),
            start(
                "application controller",
                &application_controller(namespace.name(), &cache, &repositories),
            ),
        ];
        let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
        let applications = Api::namespaced_with(
            plane.client().await,
            namespace.name(),
            &ApiResource::from_gvk(&kind),
        );
        Ok(Self {
            applications,
            namespace,
            _processes: processes,
        })
    }

    /// Has Argo CD keep `namespace` like the directory `app` of `repository`, by itself in every way.
    pub fn follow(&self, plane: &Exclusive, repository: &GitRepository, namespace: &str) {
        let application = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": APPLICATION, "namespace": self.namespace.name()},
            "spec": {
                "project": "default",
                "source": {"repoURL": repository.url(), "targetRevision": "main", "path": "app"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
                "syncPolicy": {"automated": {"prune": true, "selfHeal": true}},
            },
        });
        plane.apply(&application.to_string());
    }

    /// Has it look at Git and at the cluster now, as its users do with a webhook or the button.
    pub async fn refresh(&self) {
        let mark = json!({"argocd.argoproj.io/refresh": "normal"});
        self.change(&json!({"metadata": {"annotations": mark}}))
            .await;
    }

    /// Merges this into the Application.
    pub async fn change(&self, patch: &Value) {
        let (how, patch) = (PatchParams::default(), Patch::Merge(patch));
        let patched = self.applications.patch(APPLICATION, &how, &patch).await;
        patched.unwrap();
    }

    /// Waits until the Application is `what`, and returns it.
    ///
    /// # Panics
    ///
    /// With the Application as last seen, after two minutes.
    pub async fn application(&self, what: &str, expected: impl Fn(&Value) -> bool) -> Value {
        let seen = |it: &DynamicObject| serde_json::to_value(it).unwrap();
        let applications = &self.applications;
        let it = wait_for(applications, APPLICATION, what, |it| expected(&seen(it)));
        seen(&it.await)
    }
}

/// What Argo CD's installation manifests make, as far as these three read it.
fn configuration(namespace: &str, settings: &Value) -> Value {
    let metadata = |name: &str| {
        json!({
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/part-of": "argocd"},
        })
    };
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("argocd-cm"), "data": settings},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata("argocd-secret"),
            "stringData": {"server.secretkey": "of no server"},
        },
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": metadata("default"),
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"namespace": "*", "server": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            },
        },
    ]})
}

fn component(program: &Path, dir: &Path) -> Command {
    for name in ["home", "tls", "ssh", "gpg"] {
        fs::create_dir(dir.join(name)).unwrap();
    }
    let mut command = mortal(program);
    command
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", dir.join("home"))
        .env("TMPDIR", dir)
        .env("ARGOCD_ASK_PASS_SOCK", dir.join("ask-pass.sock"))
        .env("ARGOCD_TLS_DATA_PATH", dir.join("tls"))
        .env("ARGOCD_SSH_DATA_PATH", dir.join("ssh"))
        .env("ARGOCD_GPG_DATA_PATH", dir.join("gpg"))
        .env("ARGOCD_GPG_ENABLED", "false")
        // The cluster that it runs in is the one that its kubeconfig names.
        .env("ARGOCD_FAKE_IN_CLUSTER", "true");
    command
}

fn repository_server(cache: &Endpoint, repositories: &Endpoint) -> Vec<String> {
    vec![
        "repo-server".into(),
        "--loglevel=warn".into(),
        "--disable-tls".into(),
        "--address=127.0.0.1".into(),
        format!("--port={}", repositories.port()),
        "--metrics-address=127.0.0.1".into(),
        format!("--metrics-port={}", Endpoint::free().port()),
        format!("--redis={}", cache.address()),
    ]
}

fn application_controller(
    namespace: &str,
    cache: &Endpoint,
    repositories: &Endpoint,
) -> Vec<String> {
    vec![
        "application-controller".into(),
        format!("--namespace={namespace}"),
        "--loglevel=warn".into(),
        "--repo-server-plaintext".into(),
        format!("--repo-server={}", repositories.address()),
        format!("--metrics-port={}", Endpoint::free().port()),
        format!("--redis={}", cache.address()),
        // Else what it thinks of each object stands only in the cache.
        "--persist-resource-health".into(),
    ]
}
