//! Many files at once: where they go, and what keeps them back.

use std::fs;

use snapbox::str;

use crate::directory::{Directory, SECRET};

const CONFIG: &str = "clusters: {prod: {certificate: cert.pem}}\n";

fn named(name: &str) -> String {
    SECRET.replace("name: db", &format!("name: {name}"))
}

/// Two Secrets below `apps`, another manifest, and a `.seal.yaml`.
fn repository() -> Directory {
    let directory = Directory::new();
    fs::create_dir_all(directory.path("apps/prod")).unwrap();
    directory.put(".seal.yaml", CONFIG);
    directory.put("apps/web.yaml", named("web"));
    directory.put("apps/prod/db.yml", named("db"));
    directory.put("apps/prod/service.yaml", "apiVersion: v1\nkind: Service\n");
    directory
}

#[track_caller]
fn opens(directory: &Directory, file: &str, name: &str) {
    let opened = directory.succeeds(&format!("decrypt -i key.pem {file}"), "");
    assert!(opened.contains("password: czNjcjN0"), "{opened}");
    assert!(opened.contains(&format!("name: {name}")), "{opened}");
}

#[test]
fn a_directory_is_sealed_into_another_under_the_same_names() {
    let directory = repository();
    directory.succeeds("encrypt apps -w sealed/", "");
    opens(&directory, "sealed/web.yaml", "web");
    opens(&directory, "sealed/prod/db.yml", "db");
    assert!(!directory.path("sealed/prod/service.yaml").exists());
    // Once more, over what is there.
    directory.succeeds("encrypt apps -w sealed", "");
    directory.succeeds("encrypt apps/prod/db.yml -w sealed", "");
    opens(&directory, "sealed/db.yml", "db");
}

#[test]
fn files_are_sealed_beside_themselves() {
    let directory = repository();
    for _ in 0..2 {
        directory.succeeds("encrypt --beside apps/**/*.y*ml", "");
        opens(&directory, "apps/web.sealed.yaml", "web");
        opens(&directory, "apps/prod/db.sealed.yml", "db");
        assert!(!directory.path("apps/web.sealed.sealed.yaml").exists());
    }
    assert_eq!(directory.read("apps/web.yaml"), named("web"));
}

#[test]
fn files_are_sealed_in_place_and_what_is_around_the_secrets_stays() {
    let directory = repository();
    let service = "apiVersion: v1\nkind: Service # keep me\n";
    let text = format!(
        "# Licence\n---\n# web\n{} # end\n--- \n{service}---\n{}# last\n",
        named("web").trim_end(),
        named("db")
    );
    directory.put("apps/web.yaml", &text);
    directory.succeeds("encrypt -i apps", "");
    let sealed = directory.read("apps/web.yaml");
    assert!(
        sealed.starts_with("# Licence\n---\n# web\napiVersion: bitnami.com/v1alpha1\n"),
        "{sealed}"
    );
    // A comment in the line of a value is the value's.
    assert!(
        sealed.contains(&format!("team-a\n--- \n{service}---\napiVersion: bitnami")),
        "{sealed}"
    );
    assert!(sealed.ends_with("\n# last\n"), "{sealed}");
    assert_eq!(sealed.matches("kind: SealedSecret\n").count(), 2);
    assert!(!sealed.contains("kind: Secret\n"), "{sealed}");
    opens(&directory, "apps/prod/db.yml", "db");
    // What is sealed stays as it is.
    let before = directory.files();
    directory.succeeds("encrypt -i apps", "");
    assert_eq!(directory.files(), before);
}

#[test]
fn every_notation_is_sealed_in_place() {
    let flow = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "team-a"}, "stringData": {"password": "s3cr3t"}}"#;
    let block = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: team-a}\nstringData:\n  password: s3cr3t\n  more: |\n    text\n";
    let indented = format!("  {}\n", block.trim_end().replace('\n', "\n  "));
    for (name, text) in [
        ("flow.yaml", format!("--- {flow}\n")),
        ("flow.json", flow.to_owned()),
        ("two.json", format!("{flow}\n{flow}\n")),
        ("block.yaml", block.to_owned()),
        ("blocks.yaml", format!("{block}---\n{block}")),
        ("windows.yaml", SECRET.replace('\n', "\r\n")),
        ("no-end.yaml", SECRET.trim_end().to_owned()),
        ("bom.yaml", format!("\u{feff}{SECRET}")),
        (
            "list.yaml",
            format!("apiVersion: v1\nkind: List\nitems:\n- {flow}\n- {flow}\n"),
        ),
        (
            "list.json",
            format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{flow}, {flow}]}}"#),
        ),
        ("ended.yaml", format!("---\n{SECRET}...\n---\n{SECRET}")),
        ("commented.yaml", format!("{block}  # was s3cr3t\n")),
        (
            "behind.yaml",
            format!("{} # was s3cr3t\n", SECRET.trim_end()),
        ),
        ("indented.yaml", indented.clone()),
        (
            "indented-blocks.yaml",
            format!(
                "{block}   # was s3cr3t\n---\n{indented}  # was s3cr3t\n---\n{flow} # was s3cr3t\n"
            ),
        ),
    ] {
        let directory = repository();
        directory.put(name, &text);
        directory.succeeds(&format!("encrypt -i {name}"), "");
        let sealed = directory.read(name);
        assert!(
            !sealed.contains("s3cr3t") && !sealed.contains("czNjcjN0"),
            "{sealed}"
        );
        opens(&directory, name, "db");
        if name == "windows.yaml" {
            assert_eq!(sealed.matches('\n').count(), sealed.matches("\r\n").count());
        }
    }
}

#[test]
fn standard_input_gets_a_file_that_is_called_as_its_secret() {
    let directory = repository();
    directory.succeeds("encrypt -w apps", SECRET);
    opens(&directory, "apps/db.yaml", "db");
    directory.fails(
        "encrypt -w apps",
        format!("{SECRET}---\n{SECRET}"),
        str![[r#"
error: what comes from standard input has no file of its own to go to
  hint: write it to a file: -w FILE

"#]],
    );
    directory.fails(
        "encrypt -w apps",
        SECRET.replace("name: db", "name: ../db"),
        str![[r#"
error: what comes from standard input has no file of its own to go to
  hint: write it to a file: -w FILE

"#]],
    );
    directory.fails(
        "encrypt --in-place",
        SECRET,
        str![[r#"
error: what comes from standard input has no file of its own to go to
  hint: write it to a file: -w FILE

"#]],
    );
}

#[test]
fn no_output_overwrites_another_or_an_input() {
    let directory = repository();
    directory.put("apps/prod/web.yaml", named("web"));
    directory.fails(
        "encrypt apps/web.yaml apps/prod/web.yaml -w out/",
        "",
        str![[r#"
error: out/web.yaml: both apps/web.yaml and apps/prod/web.yaml would go there
  hint: name the directory above them, or write them to directories of their own

"#]],
    );
    directory.fails(
        "encrypt apps -w apps",
        "",
        str![[r#"
error: apps/prod/db.yml: is an input, and would be overwritten
  hint: name another directory, or replace the inputs: --in-place
error: apps/prod/web.yaml: is an input, and would be overwritten
  hint: name another directory, or replace the inputs: --in-place
error: apps/web.yaml: is an input, and would be overwritten
  hint: name another directory, or replace the inputs: --in-place

"#]],
    );
    directory.fails(
        "encrypt --beside -w out apps",
        "",
        str![[r#"
error: the argument '--beside' cannot be used with '--output-file <FILE|DIR>'

Usage: seal encrypt --beside <FILE>...

For more information, try '--help'.

"#]],
    );
}

#[test]
fn one_bad_document_keeps_every_file_back() {
    let directory = repository();
    directory.put(
        "apps/bad.yaml",
        format!("{SECRET}---\n{}", SECRET.replace("czNjcjN0", "s3cr3t")),
    );
    directory.put("apps/worse.yaml", "kind: Secret\n  a: { b: c }\n");
    directory.fails("encrypt apps -w out/", "", str![[r#"
error: apps/bad.yaml:19:13: data.password: illegal base64 data at input byte 4; values in data are base64, plain text goes to stringData
error: apps/worse.yaml:2:4: mapping values are not allowed in this context

"#]]);
    directory.fails("encrypt -i apps", "", str![[r#"
error: apps/bad.yaml:19:13: data.password: illegal base64 data at input byte 4; values in data are base64, plain text goes to stringData
error: apps/worse.yaml:2:4: mapping values are not allowed in this context

"#]]);
}

#[test]
fn the_good_files_are_written_when_asked_to_keep_going() {
    let directory = repository();
    let bad = format!("{SECRET}---\n{}", SECRET.replace("czNjcjN0", "s3cr3t"));
    directory.put("apps/bad.yaml", &bad);
    let done = directory.seal("encrypt --keep-going -i apps").assert();
    done.code(2).stdout_eq("").stderr_eq(str![[r#"
error: apps/bad.yaml:19:13: data.password: illegal base64 data at input byte 4; values in data are base64, plain text goes to stringData

"#]]);
    opens(&directory, "apps/web.yaml", "web");
    assert_eq!(directory.read("apps/bad.yaml"), bad);
}

#[test]
fn what_gets_too_large_by_sealing_is_bad_like_the_rest() {
    let directory = repository();
    let values: String = (0..5000).map(|i| format!("  v{i}: YQ==\n")).collect();
    let bad = format!("{SECRET}{values}");
    directory.put("apps/bad.yaml", &bad);
    let web = directory.read("apps/web.yaml");
    let too_large = str![[r#"
error: apps/bad.yaml:1:1: the SealedSecret team-a/db takes [..] bytes as the API server stores it, [..]
...
"#]];
    let done = directory.seal("encrypt -i apps").assert();
    done.code(2).stdout_eq("").stderr_eq(too_large.clone());
    assert_eq!(directory.read("apps/web.yaml"), web);
    let done = directory.seal("encrypt --keep-going -i apps").assert();
    done.code(2).stdout_eq("").stderr_eq(too_large);
    opens(&directory, "apps/web.yaml", "web");
    assert_eq!(directory.read("apps/bad.yaml"), bad);
}

#[test]
fn found_files_without_secrets_need_not_be_yaml_and_templates_of_secrets_are_told() {
    let directory = repository();
    let deployment =
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  {{- if .x }}\n  a: b\n  {{- end }}\n";
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata:\n  {{- if .x }}\n  name: a\n  {{- end }}\n";
    directory.put("apps/deployment.yaml", deployment);
    directory.put("apps/latin-1.yaml", b"name: caf\xe9\n");
    directory.put("apps/template.yaml", secret);
    let told = str![[r#"
apps/template.yaml: passed over, for it is a template and no YAML

"#]];
    for arguments in ["apps -w sealed/", "**/*.y*ml --beside", "-i apps"] {
        let done = directory.seal(&format!("encrypt {arguments}")).assert();
        done.success().stdout_eq("").stderr_eq(told.clone());
    }
    opens(&directory, "sealed/web.yaml", "web");
    opens(&directory, "apps/web.yaml", "web");
    assert_eq!(directory.read("apps/template.yaml"), secret);
    // Who names one wants it sealed.
    directory.fails(
        "encrypt apps/template.yaml apps/latin-1.yaml",
        "",
        str![[r#"
error: apps/template.yaml:4:5: "-" is only valid inside a block
error: apps/latin-1.yaml:1:10: not UTF-8 text; save the file as UTF-8

"#]],
    );
}

#[test]
fn a_directory_that_cannot_be_filled_goes_again() {
    let directory = repository();
    directory.put("other", "a file");
    directory.fails(
        "encrypt apps -w other/out/",
        "",
        str![[r#"
error: cannot read other/out/prod/db.yml: Not a directory

"#]],
    );
    fs::create_dir_all(directory.path("out/web.yaml")).unwrap();
    directory.fails(
        "encrypt apps -w out",
        "",
        str![[r#"
error: cannot write out/web.yaml: is a directory; it was left as it was

"#]],
    );
}

#[test]
fn a_directory_without_any_secret_is_told() {
    let directory = repository();
    fs::create_dir(directory.path("services")).unwrap();
    directory.put("services/a.yaml", "apiVersion: v1\nkind: Service\n");
    directory.fails(
        "encrypt services",
        "",
        str![[r#"
error: services: holds no Secret

"#]],
    );
    directory.fails(
        "encrypt services/a.yaml",
        "",
        str![[r#"
error: services/a.yaml:1:1: expected a Secret of API version v1 but found v1 Service
  hint: take this document out, or name only files that hold Secrets

"#]],
    );
}

#[test]
fn rules_go_by_the_file_that_is_written() {
    let directory = repository();
    directory.put(
        ".seal.yaml",
        "clusters: {a: {certificate: cert.pem}}\nrules: [{path: apps/prod, scope: cluster-wide}, {path: '*', scope: namespace-wide}]\n",
    );
    let scope = |arguments: &str, stdin: &str| {
        let printed = directory.succeeds(arguments, stdin);
        let text = match arguments.split_once("-w ") {
            Some((_, file)) => directory.read(file),
            None => printed,
        };
        let sealed = text.lines().find(|line| line.contains("-wide:"));
        sealed.unwrap_or("strict").trim().to_owned()
    };
    assert_eq!(
        scope("encrypt", SECRET),
        "sealedsecrets.bitnami.com/namespace-wide: \"true\""
    );
    assert_eq!(
        scope("encrypt apps/prod/db.yml", ""),
        "sealedsecrets.bitnami.com/cluster-wide: \"true\""
    );
    assert_eq!(
        scope("encrypt apps/prod/db.yml -w sealed.yaml", ""),
        "sealedsecrets.bitnami.com/namespace-wide: \"true\""
    );
    assert_eq!(
        scope("encrypt -w apps/prod/new.yaml", SECRET),
        "sealedsecrets.bitnami.com/cluster-wide: \"true\""
    );
    // What a Secret or the command line says comes first.
    assert_eq!(scope("encrypt --scope strict", SECRET), "strict");
    let says = SECRET.replace(
        "metadata:\n",
        "metadata:\n  annotations: {sealedsecrets.bitnami.com/cluster-wide: \"true\"}\n",
    );
    assert_eq!(
        scope("encrypt", &says),
        "sealedsecrets.bitnami.com/cluster-wide: \"true\""
    );
}

#[test]
fn a_thousand_documents_come_out_in_their_order() {
    let directory = repository();
    let text: String = (0..1000)
        .map(|number| format!("---\n{}", named(&format!("n{number}"))))
        .collect();
    let sealed = directory.succeeds("encrypt", &text);
    let names = sealed
        .lines()
        .filter_map(|line| line.strip_prefix("  name: n"));
    let numbers: Vec<usize> = names.map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
}
