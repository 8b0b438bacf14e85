//! Releases on the real API server: installed, upgraded, uninstalled; and the controller under what they set up.

use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::ConfigMap},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::Api;
use seal_api::SealedSecret;
use seal_tests::{
    ControlPlane, Controller, Installation, Namespace, Outcome, Workdir, upstream_crd, wait_for,
};
use serde_json::{Value, json};

use super::{arguments, chart, objects, upstreams_defaults, values_files};
use crate::site::Site;

#[tokio::test]
async fn every_values_file_installs_its_pods_are_admitted_and_an_uninstall_leaves_the_definition() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    plane.apply(&prometheus_operator());
    for team in ["team-a", "team-b"] {
        plane.kubectl(&["create", "namespace", team], "");
    }
    let files = values_files().into_iter();
    let files = files.map(|(name, path)| (name, vec![format!("--values={path}")]));
    let bare = [
        ("defaults".to_owned(), vec![]),
        ("upstreams".to_owned(), upstreams_defaults().to_vec()),
    ];
    let mut installed = 0;
    for (name, options) in files.chain(bare) {
        // What host-network asks for is what the level is there to forbid.
        let level = if name == "host-network" {
            "privileged"
        } else {
            "restricted"
        };
        let release = Release::prepare(&plane, &name, level);
        if name == "no-rbac" {
            let namespace = ["--namespace", release.namespace.name()];
            plane.kubectl(
                &[&["create", "serviceaccount", "sealer"], &namespace[..]].concat(),
                "",
            );
        }
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        release.install(&options).expect_success();
        let manifest = release.manifest();
        wait_for_pods(&plane, &release, &objects(&manifest)).await;

        let said = release.helm(&["uninstall", RELEASE]).expect_success();
        let kept = "[CustomResourceDefinition] sealedsecrets.bitnami.com";
        assert_eq!(said.contains(kept), name != "no-rbac", "{name}: {said}");
        let get = ["get", "-f", "-", "--ignore-not-found", "--output=name"];
        let namespace = ["--namespace", release.namespace.name()];
        let left = plane.kubectl(&[&get[..], &namespace].concat(), &manifest);
        let definition =
            "customresourcedefinition.apiextensions.k8s.io/sealedsecrets.bitnami.com\n";
        let expected = if name == "no-rbac" { "" } else { definition };
        assert_eq!(left, expected, "{name}");
        plane.kubectl(
            &[
                "delete",
                "crd",
                "sealedsecrets.bitnami.com",
                "--ignore-not-found",
            ],
            "",
        );
        installed += 1;
    }
    assert!(installed >= 10, "{installed}");
}

#[tokio::test]
async fn an_upgrade_brings_the_definition_and_an_uninstall_keeps_the_objects() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    plane.apply(&upstream_crd());
    let release = Release::prepare(&plane, "upgrade", "restricted");
    let refused = release.install(&[]);
    assert!(
        refused.stderr.contains("invalid ownership metadata"),
        "{}",
        refused.stderr
    );
    let helm = |args: &[&str]| release.helm(args);
    release
        .install(&["--set=crds.create=false"])
        .expect_success();
    assert!(
        !has_record(&plane).await,
        "the definition is still upstream's"
    );

    let upgrade = [
        "upgrade",
        RELEASE,
        &chart(),
        "--take-ownership",
        "--force-conflicts",
    ]
    .map(str::to_owned);
    let upgrade: Vec<_> = upgrade.iter().map(String::as_str).collect();
    helm(&[&upgrade[..], &["--set=crds.create=true"]].concat()).expect_success();
    assert!(has_record(&plane).await, "the upgrade brought ours");

    let object = json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "kept", "namespace": release.namespace.name()},
        "spec": {"encryptedData": {}},
    });
    plane.apply(&object.to_string());
    let sealed: Api<SealedSecret> = Api::namespaced(plane.client().await, release.namespace.name());
    let before = sealed.get("kept").await.unwrap();
    helm(&["uninstall", RELEASE]).expect_success();
    assert_eq!(sealed.get("kept").await.unwrap().metadata, before.metadata);

    // The same release may come back as if it had never gone.
    release.install(&[]).expect_success();
    assert_eq!(sealed.get("kept").await.unwrap().metadata, before.metadata);
}

#[tokio::test]
async fn the_controller_works_with_the_account_the_rights_and_the_flags_of_a_release() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let release = Release::prepare(&plane, "release", "restricted");
    release.install(&[]).expect_success();
    let flags = arguments(&objects(&release.manifest()));
    let team = Namespace::create(&plane, "team");
    works(&plane, release.namespace, flags, team).await;
}

#[tokio::test]
async fn with_namespaced_roles_it_works_in_these_namespaces_without_rights_in_the_cluster() {
    let Some(plane) = ControlPlane::exclusive().await else {
        return;
    };
    let release = Release::prepare(&plane, "namespaced", "restricted");
    let team = Namespace::create(&plane, "team");
    let roles = format!(
        "--set=rbac.namespacedRoles=true,additionalNamespaces={{{}}}",
        team.name()
    );
    release.install(&[&roles]).expect_success();
    let flags = arguments(&objects(&release.manifest()));
    works(&plane, release.namespace, flags, team).await;
}

const RELEASE: &str = "sealed-secrets";

/// One of Helm's, in a namespace of its own.
struct Release {
    desk: Workdir,
    kubeconfig: String,
    namespace: Namespace,
}

impl Release {
    /// A namespace with this level of the Pod Security Standards, and nothing in it. What belongs to the cluster in
    /// an earlier release of this control plane goes.
    fn prepare(plane: &ControlPlane, purpose: &str, level: &str) -> Self {
        let helms = "--selector=app.kubernetes.io/managed-by=Helm";
        plane.kubectl(&["delete", "clusterroles,clusterrolebindings", helms], "");
        let namespace = Namespace::create(plane, purpose);
        let enforce = format!("pod-security.kubernetes.io/enforce={level}");
        plane.kubectl(&["label", "namespace", namespace.name(), &enforce], "");
        Self {
            desk: Workdir::new(),
            kubeconfig: plane.kubeconfig().into_os_string().into_string().unwrap(),
            namespace,
        }
    }

    fn helm(&self, args: &[&str]) -> Outcome {
        let cluster = [
            "--kubeconfig",
            &self.kubeconfig,
            "--namespace",
            self.namespace.name(),
        ];
        self.desk.helm(&[args, &cluster].concat(), "")
    }

    fn install(&self, options: &[&str]) -> Outcome {
        self.helm(&[&["install", RELEASE, &chart()], options].concat())
    }

    /// What is installed.
    fn manifest(&self) -> String {
        self.helm(&["get", "manifest", RELEASE]).expect_success()
    }
}

/// Runs our controller as the pod of a release would, and has it unseal, heal and publish in `team`. It must miss
/// nothing.
async fn works(plane: &ControlPlane, home: Namespace, mut flags: Vec<String>, team: Namespace) {
    // Several controllers run on this machine, each on ports of its own.
    flags.retain(|flag| !flag.starts_with("--listen-"));
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let home = Installation::as_account(plane, home, RELEASE).await;
    let controller = home.start(&flags).await;
    let site = Site::at(plane, &controller, team).await;
    site.sees_a_whole_life().await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().await, home.namespace());
    wait_for(&maps, "seal-public-keys", "published", |_| true).await;
    assert_eq!(warnings(&controller), Vec::<String>::new());
    assert!(controller.stop().await.success());
}

fn warnings(controller: &Controller) -> Vec<String> {
    let log = controller.process.log();
    let lines = log
        .lines()
        .filter(|it| it.contains("WARN") || it.contains("ERROR"));
    lines.map(str::to_owned).collect()
}

/// No node runs them: what counts is that pod security admission let them be made.
async fn wait_for_pods(plane: &ControlPlane, release: &Release, objects: &[Value]) {
    let deployment = objects
        .iter()
        .find(|it| it["kind"] == "Deployment")
        .unwrap();
    let name = deployment["metadata"]["name"].as_str().unwrap();
    let deployments: Api<Deployment> =
        Api::namespaced(plane.client().await, release.namespace.name());
    wait_for(&deployments, name, "with its pods", |it: &Deployment| {
        let wanted = it.spec.as_ref().and_then(|spec| spec.replicas);
        let made = it.status.as_ref().and_then(|status| status.replicas);
        made.is_some() && made == wanted
    })
    .await;
}

/// Whether the definition keeps what our controller remembers.
async fn has_record(plane: &ControlPlane) -> bool {
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client().await);
    let definition = definitions.get("sealedsecrets.bitnami.com").await.unwrap();
    let schema = serde_json::to_value(&definition.spec.versions[0].schema).unwrap();
    let record = "/openAPIV3Schema/properties/status/properties/record";
    schema.pointer(record).is_some()
}

/// The two resources of the Prometheus Operator that the chart makes objects of, as far as their names go.
fn prometheus_operator() -> String {
    let definition = |kind: &str| {
        let singular = kind.to_lowercase();
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{singular}s.monitoring.coreos.com")},
            "spec": {
                "group": "monitoring.coreos.com",
                "names": {"kind": kind, "plural": format!("{singular}s"), "singular": singular},
                "scope": "Namespaced",
                "versions": [{
                    "name": "v1",
                    "served": true,
                    "storage": true,
                    "schema": {"openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": true,
                    }},
                }],
            },
        })
    };
    let items = ["ServiceMonitor", "PrometheusRule"].map(definition);
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}
