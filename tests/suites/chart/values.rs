//! What the chart makes of values, and what it refuses.

use std::{collections::BTreeSet, process::Command};

use seal_tests::{ControlPlane, Workdir, controller_program};
use serde_json::{Value, json};

use super::{
    arguments, chart, only, read, rendered, upstreams_chart, upstreams_defaults, values_files,
};

#[tokio::test]
async fn every_values_file_is_linted_and_renders_flags_that_the_controller_takes() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let desk = Workdir::new();
    for options in all_options() {
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let lint = ["lint", "--strict", &chart()].map(str::to_owned);
        let lint: Vec<_> = lint.iter().map(String::as_str).collect();
        desk.helm(&[&lint, &options[..]].concat(), "")
            .expect_success();
        let objects = rendered(&chart(), &options);
        // It reads all its flags before it prints its version.
        let mut controller = Command::new(controller_program());
        controller.args(arguments(&objects)).arg("--version");
        let version = desk.run(&mut controller, "").expect_success();
        assert!(version.starts_with("controller version: v"), "{version}");
    }
}

#[tokio::test]
async fn every_option_becomes_its_flag() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let flags = |options: &[&str]| -> BTreeSet<String> {
        arguments(&rendered(&chart(), options))
            .into_iter()
            .collect()
    };
    let file = values_file("options");
    let expected = "--additional-namespaces=team-a,team-b|--age-keys=pq|--drift-policy=report|\
        --key-cutoff-time=Mon, 14 Oct 2024 21:45:30 +0200|--key-order-priority=SecretCreationTimestamp|\
        --key-prefix=sealed-secrets-key|--key-renew-period=720h30m|--key-requests-per-hour=0|--require-backup|--key-size=2048|--key-ttl=8760h00m00s|\
        --kubeclient-burst=1000000|--kubeclient-qps=50|--label-selector=sealed=yes|--listen-addr=:9090|\
        --listen-metrics-addr=:9091|--log-format=json|--log-level=debug|--max-unseal-retries=5|--my-cn=sealing key|\
        --privatekey-annotations=note=of Helm|--privatekey-labels=a=1,b=x=y|--rate-limit=10|--rate-limit-burst=20|\
        --trusted-proxies=10.0.0.0/8,fd00::/8|--workers=8|--watch-for-secrets|--log-info-stdout|--skip-recreate|--old-gc-behavior|--update-status=false|\
        --accept-deprecated-v1-data=false|--metrics-omit-secret-labels|--read-timeout=1m";
    let expected: BTreeSet<String> = expected.split('|').map(str::to_owned).collect();
    assert_eq!(flags(&[&file]), expected);

    let defaults = [
        "--key-prefix=sealed-secrets-key",
        "--listen-addr=:8080",
        "--listen-metrics-addr=:8081",
    ];
    assert_eq!(flags(&[]), defaults.map(str::to_owned).into());
    let never = flags(&["--set-string=keyrenewperiod=0"]);
    assert!(never.contains("--key-renew-period=0"), "{never:?}");
    // In a values file YAML reads off as false.
    for off in ["--set=ageKeys=off", "--set-json=ageKeys=false"] {
        let off = flags(&[off]);
        assert!(off.contains("--age-keys=off"), "{off:?}");
    }
    let confined = flags(&["--set=rbac.namespacedRoles=true"]);
    assert!(confined.contains("--all-namespaces=false"), "{confined:?}");
    let several = flags(&["--set=replicas=2"]);
    let lease = "--leader-elect-resource-name=sealed-secrets";
    assert!(
        several.contains("--leader-elect") && several.contains(lease),
        "{several:?}"
    );
    let own = flags(&["--set=args={--key-prefix=mine}", "--set=extraArgs={--x}"]);
    assert_eq!(own, ["--key-prefix=mine".to_owned()].into());
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_its_name() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let desk = Workdir::new();
    for (set, said) in [
        ("wrokers=4", "additional properties 'wrokers' not allowed"),
        ("metrics.dashboard.create=true", "'dashboard' not allowed"),
        ("replicas=-1", "at '/replicas'"),
        ("logLevel=loud", "at '/logLevel'"),
        ("logFormat=xml", "at '/logFormat'"),
        ("keyttl=tomorrow", "at '/keyttl'"),
        ("keySize=1024", "at '/keySize'"),
        ("ageKeys=rsa", "at '/ageKeys'"),
        ("driftPolicy=fix", "at '/driftPolicy'"),
        ("requireBackup=sometimes", "at '/requireBackup'"),
        ("keyRequestsPerHour=many", "at '/keyRequestsPerHour'"),
        ("containerPorts.http=80000", "at '/containerPorts/http'"),
        ("rateLimit=often", "at '/rateLimit'"),
        ("trustedProxies={proxy}", "at '/trustedProxies/0'"),
        ("image.digest=latest", "at '/image/digest'"),
        ("service.type=None", "at '/service/type'"),
        (
            "ingress.apiVersion=extensions/v1beta1",
            "at '/ingress/apiVersion'",
        ),
        ("rbac.create=perhaps", "at '/rbac/create'"),
        ("additionalNamespaces=team-a", "at '/additionalNamespaces'"),
        ("rbac.pspEnabled=true", "rbac.pspEnabled: "),
        ("kubeVersion=1.24.0", "kubeVersion is 1.24.0"),
        (
            "image.repository=bitnami/sealed-secrets-controller",
            "image.repository is ",
        ),
        (
            "image.repository=mirror/bitnami/sealed-secrets-controller",
            "image.repository is ",
        ),
        ("privateKeyLabels.a=", "privateKeyLabels.a "),
        (
            "privateKeyAnnotations.a=b\\,c",
            "privateKeyAnnotations.a holds a comma",
        ),
        (
            "replicas=2,args={--key-prefix=mine}",
            "add --leader-elect to args",
        ),
    ] {
        let set = format!("--set={set}");
        let outcome = desk.helm(&["template", "x", &chart(), &set], "");
        assert_eq!(outcome.code, Some(1), "{set}: {}", outcome.stdout);
        assert!(outcome.stderr.contains(said), "{set}: {}", outcome.stderr);
    }
}

#[tokio::test]
async fn names_and_selectors_are_upstreams_so_that_its_releases_can_be_upgraded() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    for options in [
        &[][..],
        &["--set=fullnameOverride=sealed-secrets-controller"],
        &["--set=nameOverride=vault"],
        &["--set=namespace=elsewhere,commonLabels.a=b"],
    ] {
        let (ours, theirs) = (
            rendered(&chart(), options),
            rendered(&upstreams_chart(), options),
        );
        let names = |objects: &[Value]| -> BTreeSet<String> {
            let those = objects.iter().filter(|it| {
                // Roles for people, which upstream does not have.
                let name = it["metadata"]["name"].as_str().unwrap();
                it["kind"] != "CustomResourceDefinition" && !name.starts_with("seal-key-")
            });
            those.map(identity).collect()
        };
        assert_eq!(names(&ours), names(&theirs), "{options:?}");
        for kind in ["Deployment", "Service"] {
            let selectors = |objects: &[Value]| -> Vec<Value> {
                let those = objects.iter().filter(|it| it["kind"] == kind);
                those.map(|it| it["spec"]["selector"].clone()).collect()
            };
            assert_eq!(selectors(&ours), selectors(&theirs), "{kind} {options:?}");
        }
    }
}

#[tokio::test]
async fn monitoring_brings_our_alerts_and_dashboard_or_the_users_own_rules() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let file = values_file("monitoring");
    let objects = rendered(&chart(), &[&file]);
    let rule = only(&objects, "PrometheusRule");
    let alerts: Value = serde_yaml::from_str(&read("deploy/monitoring/alerts.yaml")).unwrap();
    assert_eq!(rule["spec"], alerts);
    assert_eq!(rule["metadata"]["labels"]["release"], "prometheus");
    let map = only(&objects, "ConfigMap");
    let dashboard: Value = serde_json::from_str(
        map["data"]["sealed-secrets-controller.json"]
            .as_str()
            .unwrap(),
    )
    .unwrap();
    let original: Value = serde_json::from_str(&read("deploy/monitoring/dashboard.json")).unwrap();
    assert_eq!(dashboard, original);
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");

    let monitor = only(&objects, "ServiceMonitor");
    let wanted = monitor["spec"]["selector"]["matchLabels"]
        .as_object()
        .unwrap();
    let scraped = objects.iter().filter(|object| {
        let labels = &object["metadata"]["labels"];
        object["kind"] == "Service" && wanted.iter().all(|(key, value)| labels[key] == *value)
    });
    let scraped: Vec<_> = scraped.map(|it| &it["metadata"]["name"]).collect();
    assert_eq!(
        scraped,
        ["sealed-secrets-metrics"],
        "one Service is scraped"
    );

    let theirs = upstreams_defaults();
    let theirs: Vec<_> = theirs.iter().map(String::as_str).collect();
    let enabled = ["--set=metrics.prometheusRule.enabled=true"];
    let objects = rendered(&chart(), &[&theirs[..], &enabled].concat());
    let rule = only(&objects, "PrometheusRule");
    let alert = rule.pointer("/spec/groups/0/rules/0/alert").unwrap();
    assert_eq!(
        alert, "SealedSecretsControllerNotReady",
        "upstream's own rule stays"
    );
}

#[tokio::test]
async fn the_definition_is_kept_on_uninstall_unless_that_is_not_wanted() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let kept = |options: &[&str]| {
        let objects = rendered(&chart(), options);
        let definition = only(&objects, "CustomResourceDefinition").clone();
        let committed: Value = serde_yaml::from_str(&read("deploy/crd.yaml")).unwrap();
        assert_eq!(definition["spec"], committed["spec"]);
        assert_eq!(
            definition["metadata"]["name"],
            committed["metadata"]["name"]
        );
        definition["metadata"]["annotations"]["helm.sh/resource-policy"].clone()
    };
    assert_eq!(kept(&[]), "keep");
    assert_eq!(kept(&["--set=crds.keep=false"]), Value::Null);
}

#[tokio::test]
async fn the_network_policy_names_the_pods_ports_and_the_way_to_the_api_server() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let policy = |options: &[&str]| {
        let objects = rendered(&chart(), options);
        only(&objects, "NetworkPolicy")["spec"].clone()
    };
    let file = values_file("network-policy");
    let spec = policy(&[&file, "--set=service.port=80"]);
    let ports = json!([{"protocol": "TCP", "port": 8080}, {"protocol": "TCP", "port": 8081}]);
    assert_eq!(spec["ingress"][0]["ports"], ports);
    assert_eq!(
        spec["egress"],
        json!([{
            "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}],
            "ports": [{"protocol": "TCP", "port": 6443}],
        }])
    );
    let blind = policy(&["--set=networkPolicy.enabled=true,networkPolicy.egress.enabled=true"]);
    let ports = json!([{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]);
    assert_eq!(blind["egress"], json!([{"ports": ports}]));
}

#[tokio::test]
async fn the_notes_warn_of_what_will_not_work() {
    if ControlPlane::shared().await.is_none() {
        return;
    }
    let notes = |set: &str| {
        let set = format!("--set=image.registry=example.com,{set}");
        let dry_run = ["install", "x", &chart(), "--dry-run=client", &set].map(str::to_owned);
        let dry_run: Vec<_> = dry_run.iter().map(String::as_str).collect();
        let output = Workdir::new().helm(&dry_run, "").expect_success();
        output.split_once("NOTES:").unwrap().1.to_owned()
    };
    let quiet = notes("replicas=1");
    assert!(
        !quiet.contains("WARNING") && !quiet.contains("NOTE:"),
        "{quiet}"
    );
    for (set, said) in [
        (
            "image.registry=registry.invalid",
            "WARNING: no registry answers",
        ),
        ("pdb.create=true", "WARNING: the PodDisruptionBudget"),
        (
            "watchForSecrets=true",
            "NOTE: watchForSecrets has no effect",
        ),
        ("args={--key-size=2048}", "NOTE: args takes the place"),
        ("crds.create=false", "NOTE: crds.create is false"),
        ("createController=false", "but no controller"),
    ] {
        let said_all = notes(set);
        assert!(said_all.contains(said), "{set}: {said_all}");
    }
    let found = notes("fullnameOverride=sealed-secrets-controller,namespace=kube-system");
    assert!(!found.contains("--controller-name"), "{found}");
}

fn all_options() -> Vec<Vec<String>> {
    let files = values_files().into_iter();
    let files = files.map(|(_, path)| vec![format!("--values={path}")]);
    let bare = [vec![], upstreams_defaults().to_vec()];
    files.chain(bare).collect()
}

fn values_file(name: &str) -> String {
    let files = values_files();
    let (_, path) = files.iter().find(|(is, _)| is == name).unwrap();
    format!("--values={path}")
}

fn identity(object: &Value) -> String {
    let metadata = &object["metadata"];
    format!(
        "{} {} {}",
        object["kind"], metadata["namespace"], metadata["name"]
    )
}
