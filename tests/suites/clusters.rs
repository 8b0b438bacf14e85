//! Two clusters, one Git tree, and an escrow key that lies in neither.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails its test"
)]

use std::{fs, path::Path, process::Command};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use seal_tests::{ControlPlane, Controller, Installation, Namespace, Workdir, program, wait_for};

use crate::site::{Site, message, values};

const TEAM: &str = "team";

/// A cluster with its controller, and where its objects are.
struct Cluster<'a> {
    plane: &'a ControlPlane,
    home: Installation,
    controller: Controller,
    site: Site,
}

impl<'a> Cluster<'a> {
    async fn create(plane: &'a ControlPlane) -> Self {
        let home = Installation::create(plane).await;
        let controller = home.start(&["--age-keys=pq"]).await;
        let site = Site::at(plane, &controller, Namespace::named(plane, TEAM.to_owned())).await;
        Self {
            plane,
            home,
            controller,
            site,
        }
    }

    /// What its people write into Git, once.
    async fn fetch_recipients(&self, desk: &Workdir, file: &str) {
        let maps: Api<ConfigMap> = Api::namespaced(self.site.client(), self.home.namespace());
        wait_for(&maps, "seal-public-keys", "with recipients", |map| {
            map.data
                .iter()
                .flatten()
                .any(|(item, _)| item == "recipients.txt")
        })
        .await;
        let kubeconfig = format!("--kubeconfig={}", self.plane.kubeconfig().display());
        let namespace = format!("--controller-namespace={}", self.home.namespace());
        let fetch = ["keys", "fetch", "--recipients", "-w", file];
        desk.seal(&[&fetch[..], &[&kubeconfig, &namespace]].concat(), "")
            .expect_success();
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
}

fn git(desk: &Workdir, args: &[&str]) -> String {
    let identity = [
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.invalid",
    ];
    let mut command = Command::new("git");
    command.args(identity).args(args);
    desk.run(&mut command, "").expect_success()
}

/// A post-quantum key of the real age, and its public side.
fn escrow(desk: &Workdir, directory: &Path) -> String {
    let key = directory.join("escrow.key").to_str().unwrap().to_owned();
    let mut keygen =
        Command::new(program("age", "age-keygen").unwrap_or_else(|why| panic!("{why}")));
    desk.run(keygen.args(["-pq", "-o", &key]), "")
        .expect_success();
    let mut public = Command::new(keygen.get_program());
    let recipient = desk.run(public.args(["-y", &key]), "").expect_success();
    desk.write("escrow.txt", recipient);
    key
}

fn configure(desk: &Workdir, clusters: &str) {
    let config = format!(
        "clusters:
  east: {{recipients: [east.txt]}}
  west: {{recipients: [west.txt]}}
escrow: [escrow.txt]
rules:
  - path: apps
    clusters: [{clusters}]
"
    );
    desk.write(".seal.yaml", config);
}

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: team
stringData:
  user: app
  password: s3cr3t
";

#[tokio::test(flavor = "multi_thread")]
async fn one_object_opens_in_two_clusters_and_with_the_escrow_key_until_one_cluster_is_dropped() {
    let Some(one) = ControlPlane::exclusive().await else {
        return;
    };
    let Some(other) = ControlPlane::fresh().await else {
        return;
    };
    let (east, west) = (Cluster::create(&one).await, Cluster::create(&other).await);
    // The escrow key lies where the tree is not.
    let safe = tempfile::tempdir().unwrap();
    let desk = Workdir::new();
    git(&desk, &["init", "--quiet"]);
    east.fetch_recipients(&desk, "east.txt").await;
    west.fetch_recipients(&desk, "west.txt").await;
    let key = escrow(&desk, safe.path());
    configure(&desk, "east, west");
    fs::create_dir(desk.path().join("apps")).unwrap();
    let encrypt = ["encrypt", "-w", "apps/db.yaml"];
    desk.seal(&encrypt, SECRET).expect_success();
    git(&desk, &["add", "."]);
    git(&desk, &["commit", "--quiet", "--message=Seal for both"]);

    let sealed = desk.read("apps/db.yaml");
    assert!(!sealed.contains("s3cr3t"), "{sealed}");
    for cluster in [&east, &west] {
        cluster.plane.apply(&sealed);
        cluster.site.synced("db").await;
        let secret = cluster.site.secrets().get("db").await.unwrap();
        assert_eq!(values(&secret)["password"], "s3cr3t");
        assert_eq!(cluster.verifies(&sealed).await, 200);
    }
    let identity = format!("--identity={key}");
    let recovered = desk.seal(&["decrypt", &identity, "apps/db.yaml"], "");
    assert!(recovered.expect_success().contains("czNjcjN0"));

    configure(&desk, "east");
    let told = desk.seal(&["check", "--strict", "apps"], "");
    assert_eq!(told.code, Some(1), "{}", told.stdout);
    desk.seal(&["rotate", &identity, "apps"], "")
        .expect_success();
    desk.seal(&["check", "--strict", "apps"], "")
        .expect_success();
    let changed = git(&desk, &["diff", "--numstat", "apps"]);
    assert!(
        changed.starts_with("3\t3\t"),
        "the values and the hint: {changed}"
    );
    git(
        &desk,
        &["commit", "--quiet", "--all", "--message=Drop west"],
    );

    let dropped = desk.read("apps/db.yaml");
    assert_eq!(east.verifies(&dropped).await, 200);
    assert_eq!(west.verifies(&dropped).await, 409);
    for cluster in [&east, &west] {
        cluster.plane.apply(&dropped);
    }
    east.site.synced("db").await;
    let failed = west.site.failed("db", "WrongKey").await;
    assert!(!message(&failed).contains("s3cr3t"));
    let secret = east.site.secrets().get("db").await.unwrap();
    assert_eq!(values(&secret)["password"], "s3cr3t");
    let recovered = desk.seal(&["decrypt", &identity, "apps/db.yaml"], "");
    assert!(recovered.expect_success().contains("czNjcjN0"));
}
