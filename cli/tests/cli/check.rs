use std::{fs, process::Command as Process};

use serde_json::Value;
use snapbox::{assert_data_eq, str};

use crate::{directory::Directory, schemas, server::Server, vectors};

/// Checks a file with this content; the answer is status, output and what is told.
#[track_caller]
fn check(arguments: &str, content: &str) -> (i32, String, String) {
    let directory = Directory::new();
    directory.put("a.yaml", content);
    run(&directory, &format!("check a.yaml {arguments}"))
}

fn run(directory: &Directory, arguments: &str) -> (i32, String, String) {
    let done = directory.seal(arguments).assert();
    let output = done.get_output();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// A sealed value as short as they come.
fn sealed() -> String {
    let mut envelope = vec![1, 0];
    envelope.resize(2 + 256 + 16, 7);
    seal_sealing::encode(&envelope)
}

/// A SealedSecret of which everything is right, with one line replaced.
fn with(line: &str, replacement: &str) -> String {
    let text = format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  \
         namespace: team-a\n  annotations:\n    a: b\nspec:\n  encryptedData:\n    password: {}\n  \
         template:\n    metadata:\n      name: db\n      namespace: team-a\n      annotations:\n        \
         c: d\n    type: Opaque\n",
        sealed()
    );
    assert!(text.contains(line), "{line}");
    text.replace(line, replacement)
}

#[test]
fn what_is_right_passes() {
    let (status, found, told) = check("", &with("", ""));
    assert_eq!((status, found.as_str()), (0, ""));
    assert_eq!(told, "1 SealedSecrets in 1 files: 0 errors, 0 warnings\n");
}

#[test]
fn what_seal_encrypt_makes_passes_strictly() {
    let directory = Directory::new();
    for scope in ["strict", "namespace-wide", "cluster-wide"] {
        let arguments =
            format!("encrypt --cert cert.pem --scope {scope} secret.yaml -w {scope}.yaml");
        directory.succeeds(&arguments, "");
        let checked = run(
            &directory,
            &format!("check --strict --cert cert.pem {scope}.yaml"),
        );
        assert_eq!((checked.0, checked.1.as_str()), (0, ""), "{scope}");
    }
}

#[test]
fn every_rule_finds_what_it_is_for() {
    let many = format!("    password: {}\n", sealed()).repeat(2);
    let large = {
        let mut envelope = vec![1, 0];
        envelope.resize(2 + 256 + 16 + (1 << 20) + 1, 7);
        seal_sealing::encode(&envelope)
    };
    let value = format!("password: {}", sealed());
    let cases = [
        (with("metadata:\n  name", "metadata: x\n  name"), "a.yaml:4:7: error: mapping values are not allowed in this context [syntax]"),
        (with(&format!("    {value}\n"), &many), "a.yaml:11:5: error: the key \"password\" stands here and in line 10; remove one of the two [duplicate-key]"),
        (with("a: b", "a: 0777"), "a.yaml:7:8: error: this plain scalar is an integer, which Kubernetes spells differently; quote it to keep it as text [ambiguous-yaml]\na.yaml:7:8: error: annotations: a: expected text, found an integer; quote it [malformed]"),
        (with("a: b", "sealedsecrets.bitnami.com/cluster-wide: true"), "a.yaml:7:45: error: annotations: sealedsecrets.bitnami.com/cluster-wide: expected text, found a boolean; quote it [malformed]"),
        (with(&value, "password: [a]"), "a.yaml:10:15: error: encryptedData.password: expected text, found a list [malformed]"),
        (with("  encryptedData:", "  data: QQ==\n  encryptedData:"), "a.yaml:9:9: error: spec.data and spec.encryptedData exclude one another [malformed]\na.yaml:9:9: error: spec.data: truncated or damaged; seal it again [envelope]"),
        (with("  template:", "  Template:"), "a.yaml:11:3: warning: spec has no field \"Template\"; it has template, data, encryptedData [unknown-field]"),
        (with(&format!("  encryptedData:\n    {value}\n"), "  encryptedData: {}\n"), "a.yaml:9:18: warning: the SealedSecret holds no values [no-data]"),
        (with(&format!("  encryptedData:\n    {value}\n"), &format!("  data: {}\n", sealed())), "a.yaml:9:9: warning: spec.data is deprecated; seal the Secret again [deprecated-data]"),
        (with("  name: db\n  namespace: team-a\n  annotations", "  namespace: team-a\n  annotations"), "a.yaml:4:3: error: metadata.name is missing [name]"),
        (with("  name: db\n  namespace: team-a\n  annotations", "  name: db\n  annotations"), "a.yaml:4:3: error: metadata.namespace is missing, and strict scope binds the values to it [name]"),
        (with("name: db\n", "name: Db\n"), "a.yaml:4:9: error: no Secret can be called \"Db\": lowercase letters, digits, - and ., at most 253, a letter or digit around each . [name]"),
        (with("  name: db\n  namespace: team-a\n  annotations", "  name: prod-db\n  namespace: team-a\n  annotations"), "a.yaml:13:13: warning: the template says name \"db\", the SealedSecret \"prod-db\": with strict scope nothing opens if it was renamed after sealing [renamed]"),
        (with("password:", "pass word:"), "a.yaml:10:16: error: no Secret can have the key \"pass word\": letters, digits, -, _ and ., at most 253, and not . or .. before all [key-name]"),
        (with(&value, "password: not-base64"), "a.yaml:10:15: error: encryptedData.password: illegal base64 data at input byte 3 [base64]"),
        (with(&value, "password: AgAAAA=="), "a.yaml:10:15: error: encryptedData.password: truncated or damaged; seal it again [envelope]"),
        (with(&sealed(), &large), "a.yaml:10:5: error: 1048577 bytes of data, but a Secret holds at most 1048576 [too-large]"),
        (with("a: b", "sealedsecrets.bitnami.com/cluster-wide: \"True\""), "a.yaml:7:45: error: sealedsecrets.bitnami.com/cluster-wide: only \"true\" counts, not \"True\" [scope]"),
        (with("c: d", "sealedsecrets.bitnami.com/namespace-wide: \"true\""), "a.yaml:16:51: error: the template's annotations say namespace-wide, but only those of the SealedSecret count, and they say strict [scope]"),
        (with("c: d", "kubectl.kubernetes.io/last-applied-configuration: '{\"kind\":\"Secret\"}'"), "a.yaml:16:59: error: kubectl.kubernetes.io/last-applied-configuration holds a copy of the Secret in plaintext; remove it [plaintext-annotation]"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {a: QQ==}\n".into(), "a.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]"),
        ("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  stringData: {a: b}\n".into(), "a.yaml:4:3: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]"),
    ];
    let mut wrong = Vec::new();
    for (content, expected) in cases {
        let (status, found, _) = check("", &content);
        if found.trim_end() != expected {
            wrong.push(format!("{}\n  {expected}", found.trim_end()));
            continue;
        }
        let fails = i32::from(expected.contains(": error: "));
        assert_eq!(status, fails, "{expected}");
        assert_eq!(check("--strict", &content).0, 1, "{expected}");
        let rules = expected
            .lines()
            .map(|line| line.rsplit(['[', ']']).nth(1).unwrap());
        let allow: String = rules.map(|rule| format!(" --allow {rule}")).collect();
        let allowed = check(&format!("--strict{allow}"), &content);
        assert_eq!((allowed.0, allowed.1.as_str()), (0, ""), "{expected}");
    }
    assert!(wrong.is_empty(), "found, expected:\n{}", wrong.join("\n"));
}

#[test]
fn no_value_of_a_plaintext_secret_is_told() {
    let content = "apiVersion: v1\nkind: Secret\nstringData: {password: hunter2, n: 0777}\n";
    for format in ["text", "json", "github"] {
        let (_, found, told) = check(&format!("-o {format}"), content);
        assert!(found.contains("plaintext-secret"), "{found}");
        assert!(!found.contains("hunter2") && !told.contains("hunter2"));
    }
}

#[test]
fn files_without_secrets_pass_whatever_they_are() {
    for content in [
        "kind: [\n",
        "kind: ConfigMap\nn: 0777\nn: on\n",
        "",
        "apiVersion: v1\nkind: Secret\ntype: Opaque\n",
    ] {
        let (status, found, _) = check("--strict", content);
        assert_eq!((status, found.as_str()), (0, ""), "{content}");
    }
}

#[test]
fn templates_of_helm_are_passed_over_and_told_of() {
    let content = "kind: Secret\n{{- if .Values.a }}\ndata: {}\n{{- end }}\n";
    let (status, found, told) = check("", content);
    assert_eq!((status, found.as_str()), (0, ""));
    assert!(
        told.starts_with("a.yaml: not checked, for it is a template and no YAML\n"),
        "{told}"
    );
    let report: Value = serde_json::from_str(&check("-o json", content).1).unwrap();
    assert_eq!(report["skipped"], serde_json::json!(["a.yaml"]));
}

#[test]
fn values_for_other_keys_are_found() {
    let directory = Directory::new();
    directory.succeeds("encrypt --cert cert.pem secret.yaml -w sealed.yaml", "");
    let other = &vectors::envelope()["keys"][1];
    directory.put("other.pem", other["cert_pem"].as_str().unwrap());
    let id = |file: &str| {
        let pem = directory.read(file);
        let certificate = seal_keyring::Certificate::from_pem(pem.as_bytes()).unwrap();
        certificate.key_id().to_string()
    };
    let (ours, theirs) = (id("cert.pem"), id("other.pem"));
    let checked = run(
        &directory,
        "check sealed.yaml --cert other.pem --allow certificate-expiring",
    );
    let message = format!(
        "warning: sealed for {ours}, but the certificate is that of {theirs}: sealed for another \
         cluster, or before the last key was made [recipients]\n"
    );
    assert!(checked.1.ends_with(&message), "{}", checked.1);
    assert_eq!(checked.0, 0);
    directory.succeeds(
        "check sealed.yaml --strict --cert other.pem --cert cert.pem",
        "",
    );

    directory.put(
        ".seal.yaml",
        format!("clusters:\n  prod:\n    certificate: cert.pem\n    pins: [\"{theirs}\"]\n"),
    );
    let checked = run(&directory, "check sealed.yaml");
    let message = format!("error: sealed for {ours}, but .seal.yaml pins {theirs} [recipients]\n");
    assert!(checked.1.ends_with(&message), "{}", checked.1);
    assert_eq!(checked.0, 1);
}

#[test]
fn certificates_that_expire_are_found() {
    let directory = Directory::new();
    directory.put("sealed.yaml", with("", ""));
    let expired = include_str!("../fixtures/expired-certificate.pem");
    directory.put("expired.pem", expired);
    let (status, found, _) = run(&directory, "check sealed.yaml --cert expired.pem");
    assert_eq!(status, 1);
    assert!(
        found.starts_with("expired.pem:1:1: error: the certificate of key SHA256:"),
        "{found}"
    );
    assert!(found.contains(" expired on ") && found.ends_with("[certificate-expired]\n"));
    let soon = run(
        &directory,
        "check sealed.yaml --cert cert.pem --expires-within 65535",
    );
    assert!(
        soon.1.contains("warning: the certificate of key"),
        "{}",
        soon.1
    );
    assert!(soon.1.ends_with("[certificate-expiring]\n"), "{}", soon.1);
}

#[test]
fn machines_get_what_the_schema_says() {
    let content = with("a: b", "a: 0777");
    let report: Value = serde_json::from_str(&check("-o json", &content).1).unwrap();
    schemas::expect_valid("check", &report);
    assert_eq!(report["passed"], false);
    assert_eq!(report["sealedSecrets"], 1);
    assert_eq!(report["findings"][0]["rule"], "ambiguous-yaml");
    assert_eq!(report["findings"][0]["severity"], "error");
    assert_eq!(report["findings"][0]["line"], 7);
}

#[test]
fn github_gets_annotations() {
    let directory = Directory::new();
    fs::create_dir(directory.path("a,b")).unwrap();
    directory.put(
        "a,b/c.yaml",
        with("a: b", "sealedsecrets.bitnami.com/cluster-wide: \"100%\""),
    );
    let (status, found, _) = run(&directory, "check -o github a,b");
    assert_eq!(status, 1);
    assert_data_eq!(
        found,
        str![[r#"
::error file=a%2Cb/c.yaml,line=7,col=45,title=seal check%3A scope::sealedsecrets.bitnami.com/cluster-wide: only "true" counts, not "100%25"

"#]]
    );
}

#[test]
fn directories_are_searched_as_git_sees_them() {
    let directory = Directory::new();
    fs::create_dir_all(directory.path("apps/ignored")).unwrap();
    fs::remove_file(directory.path("secret.yaml")).unwrap();
    directory.put("apps/.gitignore", "ignored\n");
    directory.put("apps/ignored/secret.yaml", crate::directory::SECRET);
    directory.put("apps/db.yaml", with("password:", "pass word:"));
    for arguments in ["check apps", "check"] {
        let (status, found, _) = run(&directory, arguments);
        assert_eq!(status, 1);
        assert_eq!(found.lines().count(), 1, "{found}");
        assert!(found.starts_with("apps/db.yaml:10:16: error: "), "{found}");
    }
}

#[test]
fn a_hook_of_git_stops_a_commit_with_a_plaintext_secret() {
    let directory = Directory::new();
    let hooks = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../.pre-commit-hooks.yaml"
    ));
    let hooks = hooks.unwrap();
    let entry = hooks
        .lines()
        .find_map(|line| line.trim().strip_prefix("entry: "));
    let program = snapbox::cmd::cargo_bin!("seal");
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    // As pre-commit calls it: with the staged files of the types that the hook names.
    let script = format!(
        "#!/bin/sh\ngit diff --cached --name-only -z -- '*.yaml' '*.json' | xargs -0 {}\n",
        entry.unwrap()
    );
    let git = |arguments: &[&str]| {
        let output = Process::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(arguments)
            .current_dir(directory.path(""))
            .env_clear()
            .env("PATH", &path)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        (
            output.status.success(),
            told + &String::from_utf8_lossy(&output.stderr),
        )
    };
    assert!(git(&["init", "-q", "."]).0);
    fs::create_dir_all(directory.path(".git/hooks")).unwrap();
    directory.put(".git/hooks/pre-commit", script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(directory.path(".git/hooks/pre-commit"), mode).unwrap();

    directory.put("sealed.yaml", with("", ""));
    git(&["add", "sealed.yaml"]);
    assert!(git(&["commit", "-q", "-m", "one"]).0);
    git(&["add", "secret.yaml"]);
    let (committed, told) = git(&["commit", "-q", "-m", "two"]);
    assert!(!committed);
    assert!(
        told.contains("secret.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_read_is_no_finding() {
    let directory = Directory::new();
    directory.fails(
        "check nofile.yaml",
        "",
        str![[r#"
error: cannot read nofile.yaml: No such file or directory

"#]],
    );
}

#[test]
fn every_rule_is_documented() {
    let documents = ["docs/machine-output.md", "docs/cli-reference.md"];
    let texts = documents.map(|path| {
        fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    });
    let schema: Value = serde_json::from_str(
        &fs::read_to_string(format!(
            "{}/../docs/schemas/check.json",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap(),
    )
    .unwrap();
    let rules = schema["$defs"]["Rule"]["oneOf"].as_array().unwrap();
    assert!(rules.len() >= 19);
    for rule in rules {
        let rule = rule["const"].as_str().unwrap();
        assert!(texts[0].contains(&format!("| `{rule}` |")), "{rule}");
        assert!(texts[1].contains(rule), "{rule}");
    }
}

const SERVICE: &str = "/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const VERIFY: &str =
    "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:web/proxy/v1/verify";

#[test]
fn the_controller_is_asked_only_when_that_is_wanted() {
    let service = r#"{"apiVersion":"v1","kind":"Service","metadata":{},"spec":{"ports":[{"name":"web","port":8080}]}}"#;
    for (status, expected) in [(200, 0), (409, 1)] {
        let answers = [
            (SERVICE, 200, service.to_owned()),
            (VERIFY, status, String::new()),
        ];
        let server = Server::start(answers);
        let directory = Directory::new();
        directory.put("a.yaml", with("", ""));
        let arguments = format!("check a.yaml --server {}", server.url(""));
        assert_eq!(run(&directory, &arguments).0, 0);
        assert!(server.requests().is_empty());
        // No kubeconfig, which the other tests make unreadable.
        let command = directory
            .seal(&format!("{arguments} --online"))
            .env("KUBECONFIG", "");
        let done = command.assert().code(expected);
        let found = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
        let message = "a.yaml:1:1: error: the controller cannot open it: sealed for another cluster, \
                       name, namespace or scope, or damaged [does-not-open]\n";
        assert_eq!(found, if expected == 1 { message } else { "" });
        assert!(
            server.requests()[1].starts_with("POST "),
            "{:?}",
            server.requests()
        );
    }
}

#[test]
fn a_controller_that_does_not_answer_is_no_finding() {
    let server = Server::start([]);
    let directory = Directory::new();
    directory.put("a.yaml", with("", ""));
    let arguments = format!("check a.yaml --online --server {}", server.url(""));
    let done = directory.seal(&arguments).env("KUBECONFIG", "").assert();
    done.code(2).stdout_eq("");
}
