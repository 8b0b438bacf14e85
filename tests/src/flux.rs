//! Flux.

use std::{
    env, fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

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

/// Flux's source-controller and kustomize-controller as processes of their own, with all rights. Killed when dropped.
#[derive(Debug)]
pub struct Flux {
    sources: Api<DynamicObject>,
    kustomizations: Api<DynamicObject>,
    namespace: Namespace,
    requests: AtomicU32,
    _processes: [Process; 2],
}

/// The name of the only GitRepository and of the only Kustomization.
const NAME: &str = "team";

impl Flux {
    /// Starts it. Its objects have finalizers, so nobody else gets this control plane.
    ///
    /// # Errors
    ///
    /// What is missing, when Flux cannot be built here.
    pub async fn start(plane: &Exclusive) -> Result<Self, String> {
        let source = program("source-controller", "source-controller")?;
        let kustomize = program("kustomize-controller", "kustomize-controller")?;
        plane.spoil();
        plane.define(definitions(&source, &kustomize)).await;
        let namespace = Namespace::create(plane, "flux-system");

        let start = |program: &Path, storage: Option<&Endpoint>| {
            let dir = plane.scratch();
            let mut command = component(program, dir.path());
            command
                .env("KUBECONFIG", plane.kubeconfig())
                .env("RUNTIME_NAMESPACE", namespace.name());
            if let Some(storage) = storage {
                command
                    .arg("--storage-path")
                    .arg(dir.path().join("storage"))
                    .arg(format!("--storage-addr={}", storage.address()))
                    .arg(format!("--storage-adv-addr={}", storage.address()));
            }
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            Process::start(&format!("Flux's {name}"), command, dir)
        };
        let processes = [
            start(&source, Some(&Endpoint::free())),
            start(&kustomize, None),
        ];

        let client = plane.client().await;
        let api = |group: &str, kind: &str| {
            let kind = GroupVersionKind::gvk(group, "v1", kind);
            let resource = ApiResource::from_gvk(&kind);
            Api::namespaced_with(client.clone(), namespace.name(), &resource)
        };
        Ok(Self {
            sources: api("source.toolkit.fluxcd.io", "GitRepository"),
            kustomizations: api("kustomize.toolkit.fluxcd.io", "Kustomization"),
            namespace,
            requests: AtomicU32::new(0),
            _processes: processes,
        })
    }

    /// Has Flux keep the cluster like the directory `app` of `repository`, and wait for the health of what it applies.
    /// `more` goes into the Kustomization's spec.
    pub fn follow(&self, plane: &Exclusive, repository: &GitRepository, more: &Value) {
        let metadata = json!({"name": NAME, "namespace": self.namespace.name()});
        let mut kustomization = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": metadata,
            "spec": {
                "interval": "1h",
                "retryInterval": "2s",
                "timeout": "10s",
                "path": "./app",
                "prune": true,
                "wait": true,
                "sourceRef": {"kind": "GitRepository", "name": NAME},
            },
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            kustomization["spec"][field] = value.clone();
        }
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": metadata,
            "spec": {"interval": "1h", "url": repository.url(), "ref": {"branch": "main"}},
        });
        plane.apply(&source.to_string());
        plane.apply(&kustomization.to_string());
    }

    /// Has it look at Git now, as `flux reconcile source git` does.
    pub async fn fetch(&self) {
        self.request(&self.sources).await;
    }

    /// Has it look at the cluster now, as `flux reconcile kustomization` does, and returns the mark that the status
    /// bears once it has begun.
    pub async fn reconcile(&self) -> String {
        self.request(&self.kustomizations).await
    }

    async fn request(&self, of: &Api<DynamicObject>) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mark = format!("request {number}");
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": mark}}});
        of.patch(NAME, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .unwrap();
        mark
    }

    /// Waits until the Kustomization is `what`, and returns it.
    ///
    /// # Panics
    ///
    /// With the Kustomization as last seen, after two minutes.
    pub async fn kustomization(&self, what: &str, expected: impl Fn(&Value) -> bool) -> Value {
        let kustomizations = &self.kustomizations;
        wait_for(kustomizations, NAME, what, |it| expected(&it.data))
            .await
            .data
    }
}

/// The custom resources of both. The kustomize-controller is newer and watches, as v1, some kinds that the
/// source-controller still has as v1beta2 only; nobody makes such an object.
fn definitions(source: &Path, kustomize: &Path) -> Vec<Value> {
    let mut definitions = crds(source);
    definitions.extend(crds(kustomize));
    for crd in &mut definitions {
        let versions = crd["spec"]["versions"].as_array_mut().unwrap();
        if !versions.iter().any(|version| version["name"] == "v1") {
            let mut v1 = versions.last().unwrap().clone();
            v1["name"] = "v1".into();
            v1["storage"] = false.into();
            versions.push(v1);
        }
    }
    definitions
}

fn component(program: &Path, dir: &Path) -> Command {
    fs::create_dir(dir.join("storage")).unwrap();
    let mut command = mortal(program);
    command
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", dir)
        .env("TMPDIR", dir)
        .arg("--metrics-addr=127.0.0.1:0")
        .arg(format!("--health-addr={}", Endpoint::free().address()));
    command
}
