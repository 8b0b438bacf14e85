//! `.seal.yaml`: what it says, and how it is refused.

use std::{fs, path::Path};

use seal_cli::config::{self, Configs, Settings};
use snapbox::{assert_data_eq, file, str};
use tempfile::TempDir;

const CONFIG: &str = "\
clusters:
  prod:
    certificate: certs/prod.pem
    context: prod-eu
    controller: {name: sealed, namespace: ops}
    pins: [SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU]
  test:
    certificate: https://pki.example/test.pem
rules:
  - path: apps/prod/legacy
    clusters: [test]
  - path: apps/prod
    clusters: [prod]
    scope: namespace-wide
  - path: 'apps/{test,dev}/**/*.yaml'
    clusters: [test]
  - path: shared/
    scope: cluster-wide
";

fn repository(config: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(".git")).unwrap();
    fs::write(directory.path().join(".seal.yaml"), config).unwrap();
    directory
}

fn settings(directory: &Path, file: &str) -> Settings {
    Configs::default()
        .settings_of(&directory.join(file))
        .unwrap()
}

/// Cluster and scope that hold for the file.
fn told(directory: &Path, file: &str) -> String {
    let Settings {
        clusters, scope, ..
    } = settings(directory, file);
    let names: Vec<_> = clusters.iter().map(|it| it.name.as_str()).collect();
    let scope = scope.map_or("-", |it| it.as_str());
    format!("{} {scope}", names.join(","))
}

#[test]
fn the_first_rule_whose_path_matches_counts() {
    let repository = repository(CONFIG);
    for (file, expected) in [
        ("apps/prod/db.yaml", "prod namespace-wide"),
        ("apps/prod/deep/er/db.yaml", "prod namespace-wide"),
        ("apps/prod/legacy/db.yaml", "test -"),
        ("apps/dev/db.yaml", "test -"),
        ("apps/test/a/b/db.yaml", "test -"),
        ("apps/test/db.json", " -"),
        ("apps/production/db.yaml", " -"),
        ("shared/db.yaml", " cluster-wide"),
        ("db.yaml", " -"),
    ] {
        assert_eq!(told(repository.path(), file), expected, "{file}");
    }
}

#[test]
fn a_cluster_is_told_with_all_that_is_known_of_it() {
    let repository = repository(CONFIG);
    let settings = settings(repository.path(), "apps/prod/db.yaml");
    let prod = &settings.clusters[0];
    assert_eq!(prod.context.as_deref(), Some("prod-eu"));
    assert_eq!(prod.controller.name.as_deref(), Some("sealed"));
    assert_eq!(prod.controller.namespace.as_deref(), Some("ops"));
    assert_eq!(
        prod.pins[0].as_str(),
        "SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU"
    );
    let certificate = repository.path().join("certs/prod.pem").canonicalize();
    assert!(certificate.is_err(), "it is not read");
    let told = format!("{:?}", prod.certificate);
    assert!(told.ends_with("/certs/prod.pem\"))"), "{told}");
}

#[test]
fn the_only_cluster_needs_no_rule() {
    let repository = repository("clusters: {prod: {context: prod-eu}}\n");
    assert_eq!(told(repository.path(), "db.yaml"), "prod -");
}

#[test]
fn the_nearest_file_above_holds_up_to_the_root_of_the_repository() {
    let repository = repository("clusters: {outer: {context: a}}\n");
    let inner = repository.path().join("team");
    fs::create_dir_all(inner.join("deep")).unwrap();
    fs::write(
        inner.join(".seal.yaml"),
        "clusters: {inner: {context: b}}\n",
    )
    .unwrap();
    assert_eq!(told(repository.path(), "team/deep/db.yaml"), "inner -");
    assert_eq!(told(repository.path(), "not/there/yet.yaml"), "outer -");
    let submodule = repository.path().join("module/sub");
    fs::create_dir_all(&submodule).unwrap();
    fs::write(repository.path().join("module/.git"), "gitdir: elsewhere\n").unwrap();
    assert_eq!(settings(&submodule, "db.yaml"), Settings::default());
}

#[test]
fn an_empty_file_says_nothing() {
    for config in ["", "# nothing\n", "{}\n"] {
        assert_eq!(told(repository(config).path(), "db.yaml"), " -");
    }
}

/// What is wrong with it, without the directory.
fn refused(config: &str) -> String {
    let repository = repository(config);
    let file = repository.path().join("db.yaml");
    let errors = Configs::default().settings_of(&file).unwrap_err();
    let home = repository.path().canonicalize().unwrap();
    let home = format!("{}/", home.display());
    errors.to_string().replace(&home, "")
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    assert_data_eq!(
        refused("cluster: {}\n"),
        str![[r#"
.seal.yaml:1:1: unknown field "cluster"; did you mean "clusters"?

"#]]
    );
    assert_data_eq!(
        refused("clusters:\n  prod:\n    certifcate: a.pem\n"),
        str![[r#"
.seal.yaml:3:5: unknown field "certifcate"; did you mean "certificate"?

"#]]
    );
    assert_data_eq!(
        refused("clusters:\n  prod: {context: a, receivers: [age1x]}\n"),
        str![[r#"
.seal.yaml:2:22: unknown field "receivers"; did you mean "recipients"?

"#]]
    );
    assert_data_eq!(
        refused("clusters: {a: {context: x, controller: {ns: y}}}\n"),
        str![[r#"
.seal.yaml:1:41: unknown field "ns"; did you mean "namespace"?

"#]]
    );
    assert_data_eq!(
        refused("clusters: {prod: {context: a}}\nrules:\n- path: a\n  clusters: [prd]\n"),
        str![[r#"
.seal.yaml:4:14: there is no cluster "prd" under clusters; did you mean "prod"?

"#]]
    );
    assert_data_eq!(
        refused(
            "clusters: {a: {certificate: x}, b: {context: z}}\nrules:\n- path: a\n  clusters: [a, b]\n"
        ),
        str![[r#"
.seal.yaml:4:13: clusters: files for several clusters are sealed for age recipients, and "a" has neither recipients nor a context with which it is asked for them

"#]]
    );
    assert_data_eq!(
        refused("rules:\n- clusters: [a]\n"),
        str![[r#"
.seal.yaml:2:3: path is missing

"#]]
    );
    assert_data_eq!(
        refused("rules:\n- path: ''\n"),
        str![[r#"
.seal.yaml:2:9: path: the text is empty; leave it out

"#]]
    );
    assert_data_eq!(
        refused("rules:\n- path: ../x\n"),
        str![[r#"
.seal.yaml:2:9: path: expected a path below the directory of .seal.yaml

"#]]
    );
    assert_data_eq!(
        refused("rules:\n- path: 'a[b'\n"),
        str![[r#"
.seal.yaml:2:9: path: unclosed character class; missing ']'

"#]]
    );
    assert_data_eq!(
        refused("rules:\n- {path: a, scope: wide}\n"),
        str![[r#"
.seal.yaml:2:20: scope: must be one of: strict, namespace-wide, cluster-wide

"#]]
    );
    assert_data_eq!(
        refused("rules: {path: a}\n"),
        str![[r#"
.seal.yaml:1:8: rules: expected a list, found a mapping

"#]]
    );
    assert_data_eq!(
        refused("rules: []\n"),
        str![[r#"
.seal.yaml:1:8: rules: the list is empty; leave it out

"#]]
    );
    assert_data_eq!(
        refused("clusters: [a]\n"),
        str![[r#"
.seal.yaml:1:11: clusters: expected a mapping, found a list

"#]]
    );
    assert_data_eq!(
        refused("clusters: {a: {}}\n"),
        str![[r#"
.seal.yaml:1:12: the cluster needs a certificate or recipients, or a context with which it is asked for them

"#]]
    );
    assert_data_eq!(
        refused("clusters: {a: {context: 5}}\n"),
        str![[r#"
.seal.yaml:1:25: context: expected text, found an integer

"#]]
    );
    assert_data_eq!(
        refused("clusters: {a: {context: x, pins: [SHA1:x]}, b: {context: }}\n"),
        str![[r#"
.seal.yaml:1:35: pins: a key id is "SHA256:" and 43 characters of unpadded base64
.seal.yaml:1:56: context: expected text, found null

"#]]
    );
    assert_data_eq!(
        refused("a: 1\na: 2\n"),
        str![[r#"
.seal.yaml:2:1: the key "a" stands here and in line 1; remove one of the two

"#]]
    );
    assert_data_eq!(
        refused("clusters: {}\n---\nrules: []\n"),
        str![[r#"
.seal.yaml:3:1: a second document; put everything into the first

"#]]
    );
    assert_data_eq!(
        refused("- a\n"),
        str![[r#"
.seal.yaml:1:1: expected a mapping, found a list

"#]]
    );
    assert_data_eq!(
        refused("clusters: [\n"),
        str![[r#"
.seal.yaml:1:11: unclosed bracket '['

"#]]
    );
}

#[test]
fn the_published_schema_is_current() {
    let schema = serde_json::to_string_pretty(&config::schema()).unwrap() + "\n";
    assert_data_eq!(schema, file!["../../../docs/seal-yaml.schema.json"].raw());
}
