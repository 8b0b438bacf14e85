//! By a controller: ours, and upstream's with its own client.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::PostParams};
use seal_tests::{ControlPlane, Installation, ServiceProxy, Upstream, program};

use crate::{
    report::Row,
    say, timed,
    tree::{self, Keys, Sealed},
};

/// What both controllers allow a peer when nobody says otherwise.
const RATE_LIMIT: &str = "2 requests a second";
/// How long a client waits that is turned away, and how often.
const PAUSE: Duration = Duration::from_millis(500);
const TRIES: u32 = 20;

/// `seal rotate` moves the whole tree; the loop is measured on `sample` files, since its time grows with their number.
pub(crate) async fn measured(keys: &Keys, sealed: &Sealed, directory: &Path, sample: usize) -> Row {
    let plane = ControlPlane::fresh()
        .await
        .expect("a benchmark needs a control plane");
    let tree = directory.join("tree");

    say("by seal-controller");
    let home = Installation::create(&plane).await;
    hand_over(keys, &plane, home.namespace()).await;
    let controller = home.start(&["--log-level=WARN"]).await;
    let proxy = ServiceProxy::to(&plane, &controller.http).await;
    sealed.write(&tree);
    let mut seal = Command::new(seal_tests::seal());
    seal.args(["rotate", "--no-config", "--controller-namespace"])
        .arg(home.namespace())
        .args([Path::new("--kubeconfig"), proxy.kubeconfig(), &tree]);
    let rotated = off_the_runtime(|| timed(&mut seal));
    sealed.expect_moved(&tree, &keys.new);
    assert!(controller.stop().await.success());

    say(&format!("by upstream's controller, {sample} files"));
    let home = Installation::create(&plane).await;
    hand_over(keys, &plane, home.namespace()).await;
    let upstream = Upstream::start(&plane, home.namespace(), &[]).await;
    let proxy = ServiceProxy::to(&plane, &upstream.http).await;
    sealed.write_some(&tree, sample);
    let started = Instant::now();
    for (path, _) in sealed.files.iter().take(sample) {
        let path = tree.join(path);
        off_the_runtime(|| re_encrypt(&path, proxy.kubeconfig(), home.namespace()));
    }
    let looped = started.elapsed();
    drop(upstream);

    let files = sealed.files.len();
    let beside = looped * u32::try_from(files).unwrap() / u32::try_from(sample).unwrap();
    Row {
        what: format!(
            "by the controller, {files} files of {} values",
            tree::VALUES
        ),
        seal: rotated,
        beside,
        called: format!(
            "`kubeseal --re-encrypt` in a loop, both at {RATE_LIMIT}, from {sample} files"
        ),
        ratio: beside.as_secs_f64() / rotated.as_secs_f64(),
        aim: "10 times faster",
        is_met: beside >= rotated * 10,
    }
}

/// The sealing keys that a controller finds when it starts; the newer one seals.
async fn hand_over(keys: &Keys, plane: &ControlPlane, namespace: &str) {
    let secrets: Api<Secret> = Api::namespaced(plane.client().await, namespace);
    for (name, key) in [("old", &keys.old), ("new", &keys.new)] {
        let name = format!("sealed-secrets-key-{name}");
        let secret = key.secret(namespace, &name, [].into(), [].into()).unwrap();
        let stored = secrets.create(&PostParams::default(), &secret).await;
        drop(stored.unwrap());
    }
}

/// One turn of the loop: as a script would do it, until it is not turned away.
fn re_encrypt(path: &Path, kubeconfig: &Path, namespace: &str) {
    let kubeseal = program("sealed-secrets", "kubeseal").unwrap_or_else(|why| panic!("{why}"));
    let scratch = path.with_extension("new");
    for _ in 0..TRIES {
        let done = Command::new(&kubeseal)
            .args(["--re-encrypt", "-o", "yaml"])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["--controller-name", "sealed-secrets-controller"])
            .args(["--controller-namespace", namespace])
            .stdin(fs::File::open(path).unwrap())
            .stdout(fs::File::create(&scratch).unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        if done.status.success() {
            return fs::rename(&scratch, path).unwrap();
        }
        let told = String::from_utf8_lossy(&done.stderr).to_lowercase();
        assert!(told.contains("too many requests"), "{told}");
        thread::sleep(PAUSE);
    }
    panic!("kubeseal was turned away {TRIES} times");
}

/// The proxy that a child asks runs on this runtime.
fn off_the_runtime<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
