//! A real control plane.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    ops::Deref,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{conditions, wait::Condition},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use crate::{
    programs::{kubectl, program, root},
    wait_for,
};

/// etcd, kube-apiserver and kube-controller-manager, with an admin's kubeconfig. Taken down when dropped, together with
/// all files that tests wrote beside its own.
#[derive(Debug)]
pub struct ControlPlane {
    dir: PathBuf,
    _owner: Option<Owner>,
}

impl ControlPlane {
    /// The one that all tests of this process share: the one that `scripts/control-plane` runs in the
    /// directory `SEAL_TEST_CONTROL_PLANE`, or one started now.
    ///
    /// `None`, said loudly, when none can be had on this machine.
    ///
    /// # Panics
    ///
    /// Instead of `None` when `CI` is `true`, or when a control plane was given and another cannot be started.
    pub async fn shared() -> Option<&'static Self> {
        static SHARED: OnceCell<Result<ControlPlane, String>> = OnceCell::const_new();
        let plane = SHARED.get_or_init(|| async {
            match env::var_os("SEAL_TEST_CONTROL_PLANE") {
                Some(dir) => Ok(ControlPlane {
                    dir: dir.into(),
                    _owner: None,
                }),
                None => off_the_runtime(Self::start).await,
            }
        });
        plane
            .await
            .as_ref()
            .map_err(|why| skip("control plane", why))
            .ok()
    }

    /// One for the calling test alone, which it must have when it runs controllers of its own. It may have served
    /// other tests before, but nothing of SealedSecrets is left on it. A few at once at most: more wait here.
    ///
    /// `None` and panics as [`ControlPlane::shared`].
    pub async fn exclusive() -> Option<Exclusive> {
        // Each keeps a core busy while it starts.
        static AT_ONCE: Semaphore = Semaphore::const_new(2);
        let turn = AT_ONCE.acquire().await.expect("never closed");
        let plane = off_the_runtime(|| {
            let used = idle().pop();
            used.map_or_else(Self::start, |plane| {
                plane.kubectl(&["delete", "crd", "--all", "--wait"], "");
                Ok(plane)
            })
        });
        let plane = plane
            .await
            .map_err(|why| skip("control plane", &why))
            .ok()?;
        Some(Exclusive {
            plane: Some(plane),
            spoiled: AtomicBool::new(false),
            _turn: turn,
        })
    }

    /// One that nobody has used, or will use again.
    ///
    /// `None` and panics as [`ControlPlane::shared`].
    pub async fn fresh() -> Option<Self> {
        let plane = off_the_runtime(Self::start).await;
        plane.map_err(|why| skip("control plane", &why)).ok()
    }

    /// A fresh one that keeps an audit log of what service accounts ask for.
    ///
    /// `None` and panics as [`ControlPlane::shared`].
    pub async fn audited() -> Option<Self> {
        let plane = off_the_runtime(|| Self::start_with(&["--audit"])).await;
        plane.map_err(|why| skip("control plane", &why)).ok()
    }

    /// What this service account asked of an [`audited`](ControlPlane::audited) control plane so far, as events of
    /// `audit.k8s.io/v1` on metadata level. Nothing of the secrets themselves is in them.
    pub fn audit_log(&self, namespace: &str, account: &str) -> Vec<Value> {
        let user = format!("system:serviceaccount:{namespace}:{account}");
        let log = fs::read_to_string(self.dir.join("audit.log")).unwrap();
        // Most are of others, and parsing takes time.
        let lines = log.lines().filter(|line| line.contains(&user));
        let events = lines.map(|line| serde_json::from_str(line).unwrap());
        events
            .filter(|event: &Value| event["user"]["username"] == user.as_str())
            .collect()
    }

    /// A client with all rights. Clients belong to the runtime that made them: each test makes its own.
    pub async fn client(&self) -> Client {
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(self.config(), &options)
            .await
            .unwrap();
        Client::try_from(config).unwrap()
    }

    /// The admin's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// A temporary directory that goes with the control plane at the latest.
    pub fn scratch(&self) -> TempDir {
        tempfile::Builder::new()
            .prefix("test-")
            .tempdir_in(&self.dir)
            .unwrap()
    }

    /// The same, read.
    pub(crate) fn config(&self) -> Kubeconfig {
        Kubeconfig::read_from(self.kubeconfig()).unwrap()
    }

    /// Runs kubectl as admin and returns what it printed.
    ///
    /// # Panics
    ///
    /// With its message, when it fails.
    pub fn kubectl(&self, args: &[&str], stdin: &str) -> String {
        let mut child = kubectl()
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(stdin.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Applies custom resource definitions and waits until the API server serves them.
    pub(crate) async fn define(&self, crds: impl IntoIterator<Item = Value>) {
        let served: Api<CustomResourceDefinition> = Api::all(self.client().await);
        for crd in crds {
            self.kubectl(&["apply", "--server-side", "-f", "-"], &crd.to_string());
            let name = crd["metadata"]["name"].as_str().unwrap();
            let established = |it: &CustomResourceDefinition| {
                conditions::is_crd_established().matches_object(Some(it))
            };
            wait_for(&served, name, "established", established).await;
        }
    }

    fn start() -> Result<Self, String> {
        Self::start_with(&[])
    }

    fn start_with(options: &[&str]) -> Result<Self, String> {
        program("kubernetes", "kubectl")?;
        // The script removes it, also when this process is no longer there to do so.
        let dir = tempfile::Builder::new().prefix("seal-test-").tempdir();
        let dir = dir
            .map_err(|error| format!("a temporary directory: {error}"))?
            .keep();
        let mut script = Command::new(root().join("scripts/control-plane"))
            .args(["run", "--dir"])
            .arg(&dir)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("scripts/control-plane: {error}"))?;
        let mut line = String::new();
        let _ = BufReader::new(script.stdout.take().expect("piped")).read_line(&mut line);
        if line.is_empty() {
            let _ = script.wait();
            return Err("scripts/control-plane failed; its message stands above".to_owned());
        }
        Ok(Self {
            dir,
            _owner: Some(Owner(script)),
        })
    }

    /// Applies a YAML or JSON stream as a user would.
    pub fn apply(&self, manifests: &str) {
        self.kubectl(&["apply", "-f", "-"], manifests);
    }
}

/// A control plane that one test has for itself. What the test runs on it must end before this is dropped.
#[derive(Debug)]
pub struct Exclusive {
    plane: Option<ControlPlane>,
    spoiled: AtomicBool,
    _turn: SemaphorePermit<'static>,
}

impl Exclusive {
    /// Stops the garbage collector and all else in kube-controller-manager, for good: nobody else gets this control
    /// plane.
    pub fn stop_garbage_collection(&self) {
        self.spoil();
        self.signal_controller_manager(Signal::KILL);
    }

    /// Lets the garbage collector and all else in kube-controller-manager lag behind until it is let go on.
    pub fn pause_garbage_collection(&self) {
        self.spoil();
        self.signal_controller_manager(Signal::STOP);
    }

    /// Lets kube-controller-manager catch up.
    pub fn resume_garbage_collection(&self) {
        self.signal_controller_manager(Signal::CONT);
    }

    /// Gives this control plane to nobody else: something stays on it.
    pub fn spoil(&self) {
        self.spoiled.store(true, Ordering::Relaxed);
    }

    fn signal_controller_manager(&self, signal: Signal) {
        let line = fs::read_to_string(self.dir.join("kube-controller-manager.pid")).unwrap();
        let id = line.split_whitespace().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }
}

impl Deref for Exclusive {
    type Target = ControlPlane;

    fn deref(&self) -> &ControlPlane {
        self.plane.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        let spoiled = thread::panicking() || self.spoiled.load(Ordering::Relaxed);
        idle().extend(self.plane.take().filter(|_| !spoiled));
    }
}

/// Control planes that wait for the next test.
fn idle() -> MutexGuard<'static, Vec<ControlPlane>> {
    static IDLE: Mutex<Vec<ControlPlane>> = Mutex::new(Vec::new());
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The script that owns a control plane of this process. It takes it down when its standard input closes, which the
/// kernel sees to however this process ends.
#[derive(Debug)]
struct Owner(Child);

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("starting does not panic")
}

/// Tells, past the captured output, that the calling test did not run, and what it lacked.
///
/// # Panics
///
/// Instead, when `CI` is `true` or `scripts/test` runs the test.
pub fn skip(lacking: &str, why: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let demanded =
        env::var("CI").as_deref() == Ok("true") || env::var_os("SEAL_TEST_CONTROL_PLANE").is_some();
    assert!(!demanded, "{test} needs a {lacking}: {why}");
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: no {lacking}: {why}");
}
