//! Our controller as it is deployed.

use std::{
    env, fs,
    ops::Deref,
    path::{Path, PathBuf},
    process::ExitStatus,
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{
    ControlPlane, Endpoint, Gate, Namespace, PATIENCE, Process, Signal, Tap, pod,
    process::mortal,
    programs::{beside_the_tests, root},
    upstream,
};

/// A namespace of its own with the custom resource, the service account and exactly the rights of `deploy/`.
/// Several may stand on one control plane.
#[derive(Debug)]
pub struct Installation {
    namespace: Namespace,
    dir: TempDir,
}

impl Installation {
    /// With the rights of `deploy/` as they are.
    pub async fn create(plane: &ControlPlane) -> Self {
        Self::with_rights(plane, |_| {}).await
    }

    /// With `change` applied to each object of `deploy/rbac.yaml`, to take rights away.
    pub async fn with_rights(plane: &ControlPlane, change: impl Fn(&mut Value)) -> Self {
        define(plane);
        let namespace = Namespace::create(plane, "seal-controller");
        let mut rights = rights_in(namespace.name());
        rights.iter_mut().for_each(change);
        Self::grant(plane, namespace, &rights).await
    }

    /// In a namespace that has been another controller's, which must no longer run.
    pub async fn succeed(plane: &ControlPlane, namespace: Namespace) -> Self {
        define(plane);
        let rights = rights_in(namespace.name());
        Self::grant(plane, namespace, &rights).await
    }

    /// With nothing but the image swapped under upstream's chart: its custom resource and its rights.
    pub async fn under_upstreams_chart(plane: &ControlPlane) -> Self {
        plane.apply(&upstream::crd());
        established(plane);
        let namespace = Namespace::create(plane, "sealed-secrets");
        let rights = upstream::chart_rights(namespace.name());
        Self::grant(plane, namespace, &rights).await
    }

    /// The same with upstream's namespaced roles in these namespaces.
    pub async fn under_upstreams_namespaced_roles(
        plane: &ControlPlane,
        additional: &[&str],
    ) -> Self {
        plane.apply(&upstream::crd());
        established(plane);
        let namespace = Namespace::create(plane, "sealed-secrets");
        let rights = upstream::namespaced_chart_rights(namespace.name(), additional);
        Self::grant(plane, namespace, &rights).await
    }

    /// As the account that somebody else, such as Helm, made in `namespace`, with the rights that it has there.
    pub async fn as_account(plane: &ControlPlane, namespace: Namespace, account: &str) -> Self {
        let token = pod::token(plane, namespace.name(), account).await;
        let dir = plane.scratch();
        let config = pod::kubeconfig(plane, namespace.name(), &token);
        fs::write(
            dir.path().join("kubeconfig"),
            serde_yaml::to_string(&config).unwrap(),
        )
        .unwrap();
        Self { namespace, dir }
    }

    async fn grant(plane: &ControlPlane, namespace: Namespace, rights: &[Value]) -> Self {
        plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": rights}).to_string());
        Self::as_account(plane, namespace, &service_account(rights)).await
    }

    /// Runs a replica with these flags and waits until it is ready. Keys are small unless a flag says otherwise.
    pub async fn start(&self, flags: &[&str]) -> Controller {
        let mut controller = self.launch(flags);
        controller.wait_ready().await;
        controller
    }

    /// Runs a replica without waiting.
    pub fn launch(&self, flags: &[&str]) -> Controller {
        self.launch_with(&self.kubeconfig(), flags)
    }

    /// Runs a replica that reaches the API server through `gate`, without waiting.
    pub fn launch_through(&self, gate: &Gate, flags: &[&str]) -> Controller {
        self.launch_with(gate.kubeconfig(), flags)
    }

    /// Runs a replica that reaches the API server through `tap` and waits until it is ready.
    pub async fn start_through(&self, tap: &Tap, flags: &[&str]) -> Controller {
        let mut controller = self.launch_through_tap(tap, flags);
        controller.wait_ready().await;
        controller
    }

    /// The same without waiting.
    pub fn launch_through_tap(&self, tap: &Tap, flags: &[&str]) -> Controller {
        self.launch_with(tap.kubeconfig(), flags)
    }

    fn launch_with(&self, kubeconfig: &Path, flags: &[&str]) -> Controller {
        let (http, metrics) = (Endpoint::free(), Endpoint::free());
        let log = tempfile::tempdir_in(self.dir.path()).unwrap();
        let mut command = mortal(&controller_program());
        command
            .arg(format!("--listen-addr={}", http.address()))
            .arg(format!("--listen-metrics-addr={}", metrics.address()))
            .arg("--key-size=2048")
            .args(flags)
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env("RUST_BACKTRACE", "1")
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAMESPACE", self.namespace())
            .env(
                "POD_NAME",
                format!(
                    "seal-controller-{}",
                    http.address().rsplit(':').next().unwrap()
                ),
            );
        Controller {
            process: Process::start("seal-controller", command, log),
            http,
            metrics,
        }
    }

    /// With the controller's own rights.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// Gives the namespace to another controller.
    pub fn vacate(self) -> Namespace {
        self.namespace
    }

    /// Where the controller and its keys live.
    pub fn namespace(&self) -> &str {
        self.namespace.name()
    }
}

/// A replica of our controller. Killed when dropped; a failing test shows its log.
#[derive(Debug)]
pub struct Controller {
    /// Its process.
    pub process: Process,
    /// Where it serves certificates, `/v1/verify` and `/v1/rotate`.
    pub http: Endpoint,
    /// Where it serves metrics.
    pub metrics: Endpoint,
}

impl Controller {
    /// Waits until `/readyz` says so.
    pub async fn wait_ready(&mut self) {
        self.http.wait_ready("/readyz", &mut self.process).await;
    }

    /// Asks it to end, as a rollout does, and returns how it ended.
    pub async fn stop(mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.exit(PATIENCE).await
    }
}

/// The one controller of the shared control plane. A test that fails while holding this shows the controller's log.
#[derive(Debug)]
pub struct SharedController {
    installation: &'static Installation,
    controller: &'static Controller,
}

/// Starts the one controller of the shared control plane, or hands out the running one. Its flags are the defaults.
pub async fn shared_controller(plane: &'static ControlPlane) -> SharedController {
    static SHARED: OnceCell<(Installation, Controller)> = OnceCell::const_new();
    let start = || async {
        let installation = Installation::create(plane).await;
        let controller = installation.start(&[]).await;
        (installation, controller)
    };
    let (installation, controller) = SHARED.get_or_init(start).await;
    SharedController {
        installation,
        controller,
    }
}

impl SharedController {
    /// Where it is installed.
    pub fn installation(&self) -> &'static Installation {
        self.installation
    }
}

impl Deref for SharedController {
    type Target = Controller;

    fn deref(&self) -> &Controller {
        self.controller
    }
}

impl Drop for SharedController {
    fn drop(&mut self) {
        if thread::panicking() {
            self.controller.process.show_log();
        }
    }
}

/// Our controller: `SEAL_CONTROLLER_BIN`, or the program built beside these tests.
pub fn controller_program() -> PathBuf {
    env::var_os("SEAL_CONTROLLER_BIN")
        .map_or_else(|| beside_the_tests("seal-controller"), PathBuf::from)
}

/// The custom resource of `deploy/`.
fn define(plane: &ControlPlane) {
    plane.kubectl(
        &[
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            &manifest("crd.yaml"),
        ],
        "",
    );
    established(plane);
}

fn established(plane: &ControlPlane) {
    let crd = "crd/sealedsecrets.bitnami.com";
    plane.kubectl(
        &["wait", "--for=condition=Established", "--timeout=30s", crd],
        "",
    );
}

fn manifest(name: &str) -> String {
    let path = root().join("deploy").join(name);
    path.into_os_string().into_string().unwrap()
}

/// `deploy/rbac.yaml` in another namespace. Names that are the cluster's get the namespace's name behind them, so that
/// several installations do not share them.
fn rights_in(namespace: &str) -> Vec<Value> {
    let text = fs::read_to_string(manifest("rbac.yaml")).unwrap();
    let mut objects: Vec<Value> = serde_yaml::from_multiple(&text).unwrap();
    let own = |name: &Value| Value::from(format!("{}-{namespace}", name.as_str().unwrap()));
    let roles: Vec<Value> = objects
        .iter()
        .filter(|object| object["kind"] == "ClusterRole")
        .map(|object| object["metadata"]["name"].clone())
        .collect();
    for object in &mut objects {
        if object["kind"].as_str().unwrap().starts_with("Cluster") {
            object["metadata"]["name"] = own(&object["metadata"]["name"]);
        } else {
            object["metadata"]["namespace"] = namespace.into();
        }
        for subject in object["subjects"].as_array_mut().into_iter().flatten() {
            if subject["kind"] == "ServiceAccount" {
                subject["namespace"] = namespace.into();
            }
        }
        if roles.contains(&object["roleRef"]["name"]) {
            object["roleRef"]["name"] = own(&object["roleRef"]["name"]);
        }
    }
    objects
}

fn service_account(rights: &[Value]) -> String {
    let account = rights
        .iter()
        .find(|object| object["kind"] == "ServiceAccount");
    let account = account.expect("deploy/rbac.yaml has the controller's service account");
    account["metadata"]["name"].as_str().unwrap().to_owned()
}
