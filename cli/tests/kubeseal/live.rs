//! The runs that need a cluster: a real control plane with our controllers, in a network of its own,
//! because API servers lead no proxy to loopback addresses.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::transcripts::Transcripts;

/// Reserved for documentation (RFC 5737), so nobody's.
const ADDRESS: &str = "192.0.2.1";
const INSIDE: &str = "SEAL_TEST_INSIDE_NETWORK";
const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn the_controller_is_asked_as_upstream_asks_it() {
    if env::var_os(INSIDE).is_some() {
        return inside();
    }
    let network = ["--user", "--map-root-user", "--net", "--"];
    let probe = Command::new("unshare").args(network).arg("true").status();
    if !probe.is_ok_and(|status| status.success()) {
        return skip("this machine gives no network of one's own (unshare --user --net)");
    }
    let name = thread::current().name().unwrap().to_owned();
    let enter = format!("ip link set lo up && ip address add {ADDRESS}/32 dev lo && exec \"$@\"");
    let status = Command::new("unshare")
        .args(network)
        .args(["sh", "-c", &enter, "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env(INSIDE, "1")
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// In CI nothing is skipped.
fn skip(why: &str) {
    assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("SKIPPED, 60 recorded runs were not replayed: {why}");
}

fn inside() {
    let Some(cluster) = Cluster::start() else {
        return skip("scripts/control-plane does not start here");
    };
    let transcripts = &Transcripts::recorded().cases;
    let live = || transcripts.iter().filter(|case| case.live);
    let wrong: Vec<_> = live()
        .filter_map(|case| crate::wrong(case, &cluster.places()))
        .collect();
    let (count, all) = (wrong.len(), live().count());
    assert!(
        wrong.is_empty(),
        "{}\n{count} of {all} differ",
        wrong.join("\n")
    );
}

/// What the file of transcripts calls `cluster`.
struct Cluster {
    dir: TempDir,
    server: String,
    _controllers: Vec<Killed>,
    _plane: Killed,
}

impl Cluster {
    fn start() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut plane = Command::new(root.join("scripts/control-plane"))
            .args(["run", "--dir"])
            .arg(dir.path().join("plane"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = plane.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let plane = Killed(plane);
        if !line.starts_with("export KUBECONFIG=") {
            return None;
        }
        let mut cluster = Self {
            server: fs::read_to_string(dir.path().join("plane/url"))
                .unwrap()
                .trim()
                .into(),
            dir,
            _controllers: Vec::new(),
            _plane: plane,
        };
        let kubeconfig = cluster.dir.path().join("plane/kubeconfig");
        fs::copy(kubeconfig, cluster.kubeconfig()).unwrap();
        cluster.kubectl(
            &["config", "set-context", "--current", "--namespace=ctx-ns"],
            "",
        );
        cluster.furnish(root);
        cluster._controllers = vec![
            cluster.controller("kube-system", 8080, 8081),
            cluster.controller("ops", 8090, 8091),
        ];
        Some(cluster)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    fn places(&self) -> Vec<(&'static str, String)> {
        let kubeconfig = self.kubeconfig().to_str().unwrap().to_owned();
        vec![
            ("$KUBECONFIG", kubeconfig),
            ("$SERVER", self.server.clone()),
            ("$ADDR", ADDRESS.into()),
        ]
    }

    fn kubectl(&self, arguments: &[&str], stdin: &str) {
        let mut child = Command::new(self.dir.path().join("plane/bin/kubectl"))
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(stdin.as_bytes()).unwrap();
        drop(input);
        assert!(child.wait().unwrap().success(), "kubectl {arguments:?}");
    }

    fn furnish(&self, root: &Path) {
        let crd = root.join("deploy/crd.yaml");
        self.kubectl(&["apply", "-f", crd.to_str().unwrap()], "");
        let mut objects = vec![namespace("ops"), namespace("ctx-ns")];
        let keys = &Transcripts::recorded().keys;
        let pem = |name: &str| keys[name].pkcs1_pem.clone().unwrap();
        let (current, expired) = (
            printed("live-fetch-cert-names"),
            printed("live-fetch-cert-expired"),
        );
        objects.push(key(
            "kube-system",
            "sealed-secrets-keya",
            &pem("a"),
            &expired,
        ));
        objects.push(key(
            "kube-system",
            "sealed-secrets-keyb",
            &pem("b"),
            &current,
        ));
        objects.push(key("ops", "sealed-secrets-keya", &pem("a"), &expired));
        for (namespace, name, port, port_name) in [
            ("kube-system", "sealed-secrets-controller", 8080, "http"),
            ("kube-system", "unnamed-port", 8080, ""),
            ("kube-system", "dead", 9, "http"),
            ("kube-system", "metrics-first", 8081, "metrics"),
            ("ops", "ss", 8080, "http"),
            ("ops", "expired", 8090, "http"),
        ] {
            objects.push(service(namespace, name, port, port_name));
            objects.push(endpoints(namespace, name, port, port_name));
        }
        objects.push(service("kube-system", "no-endpoints", 8080, "http"));
        objects.push(json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "no-ports", "namespace": "kube-system"},
            "spec": {"clusterIP": "None"}}));
        objects.extend(["kube-system", "ops"].map(pod));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.await_accounts();
        self.kubectl(&["apply", "-f", "-"], &list.to_string());
        let status = json!({"status": {"podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}}).to_string();
        for namespace in ["kube-system", "ops"] {
            let patch = [
                "patch",
                "pod",
                "controller",
                "-n",
                namespace,
                "--subresource=status",
            ];
            self.kubectl(&[&patch[..], &["--type=merge", "-p", &status]].concat(), "");
        }
    }

    /// Pods need the service account that the controller manager makes for each namespace.
    fn await_accounts(&self) {
        let ops = json!({"apiVersion": "v1", "kind": "List",
            "items": [namespace("ops"), namespace("ctx-ns")]});
        self.kubectl(&["apply", "-f", "-"], &ops.to_string());
        for namespace in ["kube-system", "ops"] {
            let wait = [
                "wait",
                "--for=create",
                "serviceaccount/default",
                "--timeout=60s",
                "-n",
            ];
            self.kubectl(&[&wait[..], &[namespace]].concat(), "");
        }
    }

    fn controller(&self, namespace: &str, port: u16, metrics: u16) -> Killed {
        let test = env::current_exe().unwrap();
        let program = test.ancestors().nth(2).unwrap().join("seal-controller");
        assert!(
            program.exists(),
            "no seal-controller: cargo build --workspace"
        );
        let log = fs::File::create(self.dir.path().join(format!("{namespace}.log"))).unwrap();
        let child = Command::new(program)
            .arg(format!("--listen-addr={ADDRESS}:{port}"))
            .arg(format!("--listen-metrics-addr={ADDRESS}:{metrics}"))
            .args([
                "--key-renew-period=0",
                "--rate-limit=10000",
                "--rate-limit-burst=10000",
            ])
            .env("KUBECONFIG", self.dir.path().join("plane/kubeconfig"))
            .env("POD_NAMESPACE", namespace)
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        let child = Killed(child);
        let begun = Instant::now();
        while std::net::TcpStream::connect((ADDRESS, port)).is_err() {
            assert!(
                begun.elapsed() < PATIENCE,
                "the controller of {namespace} does not start"
            );
            thread::sleep(Duration::from_millis(50));
        }
        child
    }
}

/// What a run without any file prints.
fn printed(name: &str) -> String {
    let cases = &Transcripts::recorded().cases;
    let case = cases.iter().find(|case| case.name == name).unwrap();
    case.stdout.clone()
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn key(namespace: &str, name: &str, pem: &str, certificate: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": namespace,
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}},
        "stringData": {"tls.key": pem, "tls.crt": certificate}})
}

fn service(namespace: &str, name: &str, port: u16, port_name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": [{"port": port, "name": port_name}]}})
}

fn endpoints(namespace: &str, name: &str, port: u16, port_name: &str) -> Value {
    let pod = json!({"kind": "Pod", "name": "controller", "namespace": namespace});
    json!({"apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": name, "namespace": namespace},
        "subsets": [{"addresses": [{"ip": ADDRESS, "targetRef": pod}],
            "ports": [{"port": port, "name": port_name}]}]})
}

fn pod(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "controller", "namespace": namespace},
        "spec": {"nodeName": "here", "containers": [{"name": "c", "image": "none"}]}})
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // The script of the control plane takes it down when its input ends.
        if self.0.stdin.take().is_none() {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}
