//! What docs/several-clusters.md tells people to do, done: two clusters, one Git tree, and an escrow key that lies in
//! neither.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails its test"
)]

use std::{env, fs, os::unix::fs::symlink, path::Path, process::Command};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, config::Kubeconfig};
use seal_tests::{
    ControlPlane, Controller, Installation, Namespace, Outcome, Workdir, program, wait_for,
};
use tempfile::TempDir;

use crate::site::{Site, message, values};

const TEAM: &str = "team";
/// `s3cr3t` in base64.
const PASSWORD: &str = "czNjcjN0";

/// A cluster with its controller, and where its objects are.
struct Cluster<'a> {
    plane: &'a ControlPlane,
    controller: Controller,
    site: Site,
    _home: Installation,
}

impl<'a> Cluster<'a> {
    async fn create(plane: &'a ControlPlane) -> Self {
        let home = Namespace::of_the_cluster(plane, "kube-system");
        let home = Installation::succeed(plane, home).await;
        let controller = home.start(&["--age-keys=pq"]).await;
        let site = Site::at(plane, &controller, Namespace::named(plane, TEAM.to_owned())).await;
        let maps: Api<ConfigMap> = Api::namespaced(site.client(), home.namespace());
        wait_for(&maps, "seal-public-keys", "with recipients", |map| {
            map.data
                .iter()
                .flatten()
                .any(|(item, _)| item == "recipients.txt")
        })
        .await;
        Self {
            plane,
            controller,
            site,
            _home: home,
        }
    }

    /// Whether its controller opens the object, as `kubeseal --validate` asks it.
    async fn verifies(&self, sealed: &str) -> u16 {
        let answer = self
            .controller
            .http
            .post("/v1/verify", sealed.to_owned())
            .await;
        answer.status
    }

    /// Applies the object, and looks at the password that comes of it.
    async fn expect_secret(&self, name: &str, sealed: &str) {
        self.plane.apply(sealed);
        self.site.synced(name).await;
        let secret = self.site.secrets().get(name).await.unwrap();
        assert_eq!(values(&secret)["password"], "s3cr3t");
        assert_eq!(self.verifies(sealed).await, 200);
    }
}

/// A work tree of Git, and beside it what must not get into it: the safe, the kubeconfig, and the programs.
struct Desk {
    tree: Workdir,
    beside: TempDir,
}

impl Desk {
    fn new(clusters: [(&str, &Cluster<'_>); 2]) -> Self {
        let (tree, beside) = (Workdir::new(), tempfile::tempdir().unwrap());
        fs::create_dir(beside.path().join("safe")).unwrap();
        fs::create_dir(beside.path().join("bin")).unwrap();
        let keygen = program("age", "age-keygen").unwrap_or_else(|why| panic!("{why}"));
        for (name, program) in [("age-keygen", keygen), ("seal", seal_tests::seal())] {
            symlink(program, beside.path().join("bin").join(name)).unwrap();
        }
        let config = clusters
            .map(|(context, cluster)| kubeconfig(context, cluster.plane))
            .into_iter()
            .reduce(|one, other| one.merge(other).unwrap());
        let config = serde_yaml::to_string(&config.unwrap()).unwrap();
        fs::write(beside.path().join("kubeconfig"), config).unwrap();
        let desk = Self { tree, beside };
        desk.git(&["init", "--quiet"]);
        desk
    }

    /// Runs a block of the manual, with this directory as the safe.
    fn run(&self, block: &str) -> Outcome {
        let (safe, path) = (self.beside.path().join("safe"), env::var("PATH").unwrap());
        let mut bash = Command::new("bash");
        let block = block.replace("safe=/media/safe\n", "");
        bash.args(["-euxo", "pipefail", "-c", &block])
            .env("safe", safe)
            .env("KUBECONFIG", self.beside.path().join("kubeconfig"))
            .env(
                "PATH",
                format!("{}/bin:{path}", self.beside.path().display()),
            );
        let done = self.tree.run(&mut bash, "");
        assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
        done
    }

    fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=Test"])
            .args(["-c", "user.email=test@example.invalid"])
            .args(args);
        self.tree.run(&mut command, "").expect_success()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// The files that differ from the last commit.
    fn changed(&self) -> String {
        self.git(&["diff", "--name-only"])
    }

    /// Whether each file is sealed for whom `.seal.yaml` says.
    fn check(&self) -> Option<i32> {
        self.tree.seal(&["check", "--strict", "apps"], "").code
    }
}

/// The admin's kubeconfig, with the context under this name.
fn kubeconfig(name: &str, plane: &ControlPlane) -> Kubeconfig {
    let mut config = Kubeconfig::read_from(plane.kubeconfig()).unwrap();
    config.clusters[0].name = name.to_owned();
    config.auth_infos[0].name = name.to_owned();
    config.contexts[0].name = name.to_owned();
    let context = config.contexts[0].context.as_mut().unwrap();
    context.cluster = name.to_owned();
    context.user = Some(name.to_owned());
    // Whoever names no context reaches nothing.
    config.current_context = None;
    config
}

/// What the manual tells people to write and to type.
struct Manual {
    config: String,
    set_up: String,
    move_over: String,
    drop_one: String,
    seal_all_again: String,
    recover: String,
}

impl Manual {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/several-clusters.md");
        let text = fs::read_to_string(path).unwrap();
        let blocks = |fence: &str| -> Vec<String> {
            let fence = format!("```{fence}\n");
            let blocks = text.split(&fence).skip(1);
            blocks
                .map(|block| block.split("```").next().unwrap().to_owned())
                .collect()
        };
        let all: [String; 5] = blocks("sh").try_into().unwrap();
        let [set_up, move_over, drop_one, seal_all_again, recover] = all;
        let [config]: [String; 1] = blocks("yaml").try_into().unwrap();
        Self {
            config,
            set_up,
            move_over: ends_with_one(&move_over, "--dry-run"),
            drop_one,
            seal_all_again,
            recover,
        }
    }
}

/// The block, whose only command with this option ends with status 1 and no other.
fn ends_with_one(block: &str, option: &str) -> String {
    let (mut lines, mut found) = (String::new(), 0);
    for line in block.lines() {
        lines += &match line.contains(option) {
            true => {
                found += 1;
                format!("status=0; {line} || status=$?; test $status = 1\n")
            }
            false => format!("{line}\n"),
        };
    }
    assert_eq!(found, 1, "{block}");
    lines
}

fn secret(name: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata:
  name: {name}
  namespace: {TEAM}
stringData:
  user: app
  password: s3cr3t
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_block_of_the_manual_works_and_one_object_opens_in_two_clusters_until_one_is_dropped()
{
    let (Some(one), Some(other)) = (ControlPlane::fresh().await, ControlPlane::fresh().await)
    else {
        return;
    };
    let (eu, us) = (Cluster::create(&one).await, Cluster::create(&other).await);
    let desk = Desk::new([("prod-eu", &eu), ("prod-us", &us)]);
    let manual = Manual::read();

    // Something is there already, in the envelopes of Sealed Secrets, and a backup of the keys.
    let old = eu.site.seal("old", &[("password", "s3cr3t")]);
    let old = serde_yaml::to_string(&old).unwrap();
    desk.tree.write("apps/old.yaml", old);
    desk.run("seal keys backup --context prod-eu --plaintext --yes -w \"$safe/keys.yaml\"");

    let fetched = desk.run(&manual.set_up);
    for context in ["prod-eu", "prod-us"] {
        let listed = desk
            .run(&format!("seal keys list --context {context}"))
            .stdout;
        let current = |line: &&str| line.contains("current") && line.contains("ML-KEM-768+X25519");
        let row = listed.lines().find(current).unwrap();
        let fingerprint = row.split(' ').next().unwrap();
        assert!(fetched.stderr.contains(fingerprint), "{}", fetched.stderr);
    }
    desk.tree.write(".seal.yaml", &manual.config);
    fs::create_dir(desk.tree.path().join("apps/eu")).unwrap();
    for (name, file) in [("db", "apps/db.yaml"), ("cache", "apps/eu/cache.yaml")] {
        let encrypt = ["encrypt", "-w", file];
        desk.tree.seal(&encrypt, &secret(name)).expect_success();
    }
    desk.commit("Seal for all");
    assert_eq!(desk.check(), Some(1), "one is not sealed for all yet");

    // What is right stays to the byte.
    desk.run(&manual.move_over);
    assert_eq!(desk.changed(), "apps/old.yaml\n");
    assert_eq!(desk.check(), Some(0));
    desk.commit("Move over what was there");
    for name in ["db", "old"] {
        let sealed = desk.tree.read(&format!("apps/{name}.yaml"));
        assert!(
            !sealed.contains("s3cr3t") && !sealed.contains(PASSWORD),
            "{sealed}"
        );
        for cluster in [&eu, &us] {
            cluster.expect_secret(name, &sealed).await;
        }
    }
    let cache = desk.tree.read("apps/eu/cache.yaml");
    eu.expect_secret("cache", &cache).await;
    assert_eq!(us.verifies(&cache).await, 409);
    let recovered = desk.run(&manual.recover).stdout;
    assert!(recovered.contains(PASSWORD), "{recovered}");

    let without = manual
        .config
        .replace("clusters: [eu, us]", "clusters: [eu]");
    assert_ne!(without, manual.config);
    desk.tree.write(".seal.yaml", without);
    assert_eq!(desk.check(), Some(1));
    desk.run(&manual.drop_one);
    assert_eq!(desk.changed(), ".seal.yaml\napps/db.yaml\napps/old.yaml\n");
    let changed = desk.git(&["diff", "--numstat", "apps/db.yaml"]);
    assert!(
        changed.starts_with("3\t3\t"),
        "the values and the hint: {changed}"
    );
    desk.commit("Drop us");
    expect_dropped(&desk, &manual, &eu, &us).await;

    // Without trust in any hint every value is sealed again, those for eu alone, too.
    desk.run(&manual.seal_all_again);
    let all = "apps/db.yaml\napps/eu/cache.yaml\napps/old.yaml\n";
    assert_eq!(desk.changed(), all);
    assert_eq!(desk.check(), Some(0));
    expect_dropped(&desk, &manual, &eu, &us).await;
}

/// Fails unless `db` opens in eu and with the escrow key, and no more in us.
async fn expect_dropped(desk: &Desk, manual: &Manual, eu: &Cluster<'_>, us: &Cluster<'_>) {
    let sealed = desk.tree.read("apps/db.yaml");
    eu.expect_secret("db", &sealed).await;
    us.plane.apply(&sealed);
    assert_eq!(us.verifies(&sealed).await, 409);
    let failed = us.site.failed("db", "WrongKey").await;
    assert!(!message(&failed).contains("s3cr3t"));
    let recovered = desk.run(&manual.recover).stdout;
    assert!(recovered.contains(PASSWORD), "{recovered}");
}
