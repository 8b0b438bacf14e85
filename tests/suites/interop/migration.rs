//! docs/migration.md, walked through: from upstream's controller to ours and back, twice, on the same objects and keys.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "what fails here fails its test"
)]

use std::{collections::BTreeSet, fs, os::unix::fs::symlink, path::Path, process::Command};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Secret, ServiceAccount},
};
use kube::{Api, Client, api::ListParams};
use seal_api::SealedSecret;
use seal_tests::{
    ControlPlane, Controller, Installation, Namespace, Outcome, Upstream, Workdir, eventually,
    program, wait_for,
};
use serde_json::{Value, json};

use super::Samples;
use crate::{
    chart::upstreams_chart,
    site::{conditions, is_synced},
};

const HOME: &str = "kube-system";
const CONTROLLER: &str = "sealed-secrets-controller";

#[tokio::test]
async fn the_migration_and_the_way_back_rewrite_no_secret() {
    let Some(plane) = ControlPlane::fresh().await else {
        return;
    };
    let walk = Walk::begin(&plane).await;
    let upstream = walk.upstream().await;
    walk.seal_samples(&upstream).await;
    assert!(upstream.stop().await.success());
    let before = walk.secrets().await;
    walk.follow("get secrets").expect_success();
    assert!(walk.desk.read("keys.yaml").contains("tls.key"));

    // Only the image.
    walk.follow("set image deployment").expect_success();
    let (_home, ours) = walk.ours().await;
    walk.taken_over().await;
    walk.unseals_more("image").await;
    assert_eq!(walk.secrets_of(&before).await, before, "the image swapped");
    let said = warnings(&ours);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(ours.stop().await.success());
    walk.follow("rollout undo").expect_success();
    walk.upstream_goes_on(&before, "the image swapped back")
        .await;

    // The whole chart.
    walk.follow("helm upgrade").expect_success();
    let (_home, ours) = walk.ours().await;
    walk.taken_over().await;
    walk.unseals_more("chart").await;
    assert_eq!(walk.secrets_of(&before).await, before, "under our chart");
    assert_eq!(warnings(&ours), Vec::<String>::new());
    walk.applies_null().await;
    let all = walk.secrets().await;
    assert!(ours.stop().await.success());

    // And back.
    walk.follow("helm rollback").expect_success();
    let accounts: Api<ServiceAccount> = Api::namespaced(plane.client().await, HOME);
    let account = accounts.get(CONTROLLER).await.unwrap();
    assert_eq!(
        account.automount_service_account_token, None,
        "upstream's pod needs a token"
    );
    walk.follow("patch sealedsecret").expect_success();
    for sealed in walk.sealed_secrets().await {
        let status = sealed.status.clone().unwrap();
        assert_eq!(status.record, None, "{sealed:#?}");
        assert_eq!(conditions(&sealed), ["Synced"], "{sealed:#?}");
    }
    walk.follow("delete configmap").expect_success();
    walk.upstream_goes_on(&all, "upstream's chart again").await;
    walk.nothing_is_left_out();
}

#[tokio::test]
async fn our_controller_starts_with_all_that_upstreams_chart_can_pass() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    // Values of upstream's chart that its flags read in its own way.
    let options = [
        "--set=kubeClientQPS=-1,kubeClientBurst=20,maxRetries=3,rateLimit=5,rateLimitBurst=9",
        "--set=watchForSecrets=true,skipRecreate=true,logLevel=ERROR,logFormat=json,logInfoStdout=true",
        "--set=privateKeyAnnotations.a=b,privateKeyLabels.c=d,keyttl=8760h00m00s",
        "--set-string=keyrenewperiod=0",
        "--set=keycutofftime=Mon\\, 14 Oct 2024 21:45:30 +0200",
    ];
    let objects = crate::chart::rendered(&upstreams_chart(), &options);
    let flags = without_addresses(crate::chart::arguments(&objects));
    assert!(flags.len() > 20, "{flags:?}");
    let home = Installation::create(&plane).await;
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let controller = home.start(&flags).await;
    assert!(controller.stop().await.success());
}

/// One reader of docs/migration.md with a cluster of upstream's.
struct Walk<'a> {
    plane: &'a ControlPlane,
    desk: Workdir,
    team: Namespace,
    client: Client,
    blocks: Vec<String>,
    followed: std::cell::RefCell<BTreeSet<usize>>,
}

impl<'a> Walk<'a> {
    /// With upstream's chart installed as its README says.
    async fn begin(plane: &'a ControlPlane) -> Self {
        let desk = Workdir::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        symlink(
            root.canonicalize().unwrap().join("deploy"),
            desk.path().join("deploy"),
        )
        .unwrap();
        let text = fs::read_to_string(root.join("docs/migration.md")).unwrap();
        let (controller, _) = text.split_once("\n## kubeseal").unwrap();
        let blocks = controller.split("```sh\n").skip(1);
        let blocks = blocks.map(|block| block.split("```").next().unwrap().to_owned());
        let walk = Self {
            plane,
            desk,
            team: Namespace::create(plane, "team"),
            client: plane.client().await,
            blocks: blocks.collect(),
            followed: std::cell::RefCell::default(),
        };
        let install = format!(
            "helm install sealed-secrets {} --namespace {HOME} --set-string fullnameOverride={CONTROLLER}",
            upstreams_chart()
        );
        walk.shell(&install).expect_success();
        walk
    }

    /// Runs the only block that has these words in it.
    fn follow(&self, words: &str) -> Outcome {
        let mut those = self
            .blocks
            .iter()
            .enumerate()
            .filter(|(_, it)| it.contains(words));
        let (index, block) = those
            .next()
            .unwrap_or_else(|| panic!("no block says {words:?}"));
        assert!(those.next().is_none(), "several blocks say {words:?}");
        self.followed.borrow_mut().insert(index);
        self.shell(&block.replace("REGISTRY", "registry.example.com"))
    }

    fn nothing_is_left_out(&self) {
        assert_eq!(
            self.followed.borrow().len(),
            self.blocks.len(),
            "{:#?}",
            self.blocks
        );
    }

    fn shell(&self, script: &str) -> Outcome {
        let home = |module, name| {
            let path = program(module, name).unwrap_or_else(|why| panic!("{why}"));
            path.parent().unwrap().to_str().unwrap().to_owned()
        };
        let system = std::env::var("PATH").unwrap();
        let path = [home("kubernetes", "kubectl"), home("helm", "helm"), system].join(":");
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", script])
            .env("PATH", path)
            .env("KUBECONFIG", self.plane.kubeconfig());
        self.desk.run(&mut bash, "")
    }

    /// What the Deployment starts, as a kubelet would read it.
    async fn flags(&self) -> (String, Vec<String>) {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), HOME);
        let deployment = deployments.get(CONTROLLER).await.unwrap();
        let pod = deployment.spec.unwrap().template.spec.unwrap();
        let container = pod.containers.into_iter().next().unwrap();
        let flags = without_addresses(container.args.unwrap());
        (container.image.unwrap(), flags)
    }

    async fn upstream(&self) -> Upstream {
        let (image, flags) = self.flags().await;
        assert!(
            image.contains("bitnami/sealed-secrets-controller"),
            "{image}"
        );
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        Upstream::start_as(self.plane, HOME, CONTROLLER, &flags).await
    }

    /// Ours with the flags and rights that are there now, and the installation that holds its log.
    async fn ours(&self) -> (Installation, Controller) {
        let (image, flags) = self.flags().await;
        assert_eq!(image, "registry.example.com/seal-controller:0.1.0");
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let home = Namespace::of_the_cluster(self.plane, HOME);
        let home = Installation::as_account(self.plane, home, CONTROLLER).await;
        let controller = home.start(&flags).await;
        (home, controller)
    }

    /// Secrets of all sorts, and one that the SealedSecret takes over, and one that it only adds to.
    async fn seal_samples(&self, upstream: &Upstream) {
        let pem = upstream.http.get("/v1/cert.pem").await.body;
        self.desk.write("cert.pem", pem);
        let samples = Samples::new(self.team.name());
        self.seal_and_apply(&samples.manifests());
        for mode in ["managed", "patch"] {
            let secret = |more: Value| {
                let mut secret = json!({
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": mode, "namespace": self.team.name()},
                });
                super::merge(&mut secret, &more);
                secret.to_string()
            };
            let annotation = format!("sealedsecrets.bitnami.com/{mode}");
            let there = json!({"metadata": {"annotations": {annotation: "true"}}, "stringData": {"old": "1"}});
            self.plane.apply(&secret(there));
            self.seal_and_apply(&secret(json!({"stringData": {"new": "2"}})));
        }
        self.all_synced().await;
    }

    fn seal_and_apply(&self, manifests: &str) {
        let kubeseal = ["--cert=cert.pem", "--format=yaml"];
        let sealed = self.desk.kubeseal(&kubeseal, manifests).expect_success();
        self.plane.apply(&sealed);
    }

    /// What kubeseal seals for the old certificate still opens, whoever runs.
    async fn unseals_more(&self, name: &str) {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self.team.name()},
            "stringData": {"a": name},
        });
        self.seal_and_apply(&secret.to_string());
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), self.team.name());
        let made = wait_for(&secrets, name, "unsealed", |_| true).await;
        assert_eq!(made.data.unwrap()["a"].0, name.as_bytes());
        self.all_synced().await;
    }

    async fn all_synced(&self) {
        eventually("status that is right everywhere", async || {
            let all = self.sealed_secrets().await;
            all.iter().all(is_synced).then_some(())
        })
        .await;
    }

    /// Waits until ours has looked at every object.
    async fn taken_over(&self) {
        eventually("look of ours at every object", async || {
            let all = self.sealed_secrets().await;
            let ready = |it: &SealedSecret| is_synced(it) && conditions(it) == ["Synced", "Ready"];
            (all.len() >= 9 && all.iter().all(ready)).then_some(())
        })
        .await;
    }

    async fn upstream_goes_on(&self, expected: &[Secret], when: &str) {
        let upstream = self.upstream().await;
        self.unseals_more(&when.replace([' ', '\''], "-")).await;
        assert_eq!(self.secrets_of(expected).await, expected, "{when}");
        assert!(upstream.stop().await.success());
    }

    /// As docs/migration.md says of nulls in templates.
    async fn applies_null(&self) {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "null", "namespace": self.team.name()},
            "stringData": {"a": "1", "b": "2"},
        });
        let sealed = self
            .desk
            .kubeseal(&["--cert=cert.pem"], &secret.to_string());
        let mut sealed: Value = serde_json::from_str(&sealed.expect_success()).unwrap();
        sealed["spec"]["template"]["data"] = json!({"b": null});
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), self.team.name());
        for (name, block, kept) in [
            ("on-the-client", None, vec!["a", "b"]),
            ("on-the-server", Some("apply --server-side"), vec!["a"]),
        ] {
            sealed["metadata"]["name"] = name.into();
            sealed["metadata"]["annotations"] =
                json!({"sealedsecrets.bitnami.com/namespace-wide": "true"});
            // Sealed for the namespace, the name may change.
            let scoped = self.seal_namespace_wide(&secret);
            sealed["spec"]["encryptedData"] = scoped;
            self.desk.write("sealed.yaml", sealed.to_string());
            match block {
                Some(words) => self.follow(words).expect_success(),
                None => self.shell("kubectl apply -f sealed.yaml").expect_success(),
            };
            let made = wait_for(&secrets, name, "unsealed", |_| true).await;
            let keys: Vec<_> = made.data.unwrap().into_keys().collect();
            assert_eq!(keys, kept, "{name}");
        }
    }

    fn seal_namespace_wide(&self, secret: &Value) -> Value {
        let options = ["--cert=cert.pem", "--scope=namespace-wide"];
        let sealed = self.desk.kubeseal(&options, &secret.to_string());
        let sealed: Value = serde_json::from_str(&sealed.expect_success()).unwrap();
        sealed["spec"]["encryptedData"].clone()
    }

    async fn sealed_secrets(&self) -> Vec<SealedSecret> {
        let sealed: Api<SealedSecret> = Api::namespaced(self.client.clone(), self.team.name());
        sealed.list(&ListParams::default()).await.unwrap().items
    }

    /// All Secrets of the team, and the keys, whole: with their versions.
    async fn secrets(&self) -> Vec<Secret> {
        let mut all = Vec::new();
        for namespace in [self.team.name(), HOME] {
            let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
            let found = secrets.list(&ListParams::default()).await.unwrap().items;
            // Helm keeps its releases in Secrets.
            let helms = |it: &Secret| it.type_.as_deref() == Some("helm.sh/release.v1");
            all.extend(found.into_iter().filter(|it| !helms(it)));
        }
        assert!(all.len() >= 10, "{} Secrets", all.len());
        all
    }

    /// Those among them that were there then; keys all the same.
    async fn secrets_of(&self, then: &[Secret]) -> Vec<Secret> {
        let uids: BTreeSet<_> = then.iter().map(|it| it.metadata.uid.clone()).collect();
        let mut now = self.secrets().await;
        now.retain(|it| {
            it.metadata.namespace.as_deref() == Some(HOME) || uids.contains(&it.metadata.uid)
        });
        now
    }
}

fn without_addresses(flags: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut flags = flags.into_iter();
    while let Some(flag) = flags.next() {
        if !flag.starts_with("--listen-") {
            kept.push(flag);
        } else if !flag.contains('=') {
            // Its value is a word of its own.
            flags.next();
        }
    }
    kept
}

fn warnings(controller: &Controller) -> Vec<String> {
    let log = controller.process.log();
    let lines = log.lines();
    let lines = lines.filter(|it| it.contains("WARN") || it.contains("ERROR"));
    lines.map(str::to_owned).collect()
}
