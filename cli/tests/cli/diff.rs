use std::process::Command as Process;

use serde_json::Value;
use snapbox::{cmd::Command, str};

use crate::{directory::Directory, schemas};

const OLD: &str = "\
# ours
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
  namespace: team-a
  annotations:
    seal.alt/keys: SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU
spec:
  encryptedData:
    gone: AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1
    kept: AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2
    password: AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3
  template:
    metadata:
      labels:
        app.kubernetes.io/name: db
    type: Opaque
";

const NEW: &str = "\
# ours
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
  namespace: team-a
  annotations:
    sealedsecrets.bitnami.com/namespace-wide: \"true\"
spec:
  encryptedData:
    kept: AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2
    new: AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA4
    password: AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA5
  template:
    metadata:
      labels:
        app.kubernetes.io/name: database
    immutable: true
";

const TOLD: &str = "\
team-a/db  new.yaml:2:1
  scope      strict -> namespace-wide
  recipients SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU -> not said
  removed    gone
  added      new
  resealed   password
  added      field spec.template.immutable
  changed    field spec.template.metadata.labels[\"app.kubernetes.io/name\"]
  removed    field spec.template.type
";

fn two_files() -> Directory {
    let directory = Directory::new();
    directory.put("old.yaml", OLD);
    directory.put("new.yaml", NEW);
    directory
}

#[test]
fn two_files_are_compared_object_by_object_and_key_by_key() {
    let directory = two_files();
    assert_eq!(
        directory.succeeds("diff --no-index old.yaml new.yaml", ""),
        TOLD
    );
    assert_eq!(directory.succeeds("diff --no-index - new.yaml", OLD), TOLD);
    assert_eq!(
        directory.succeeds("diff --no-index old.yaml old.yaml", ""),
        ""
    );
}

#[test]
fn the_status_tells_of_differences_only_when_asked_to() {
    let directory = two_files();
    let status = |arguments: &str| {
        let done = directory.seal(arguments).assert();
        done.get_output().status.code()
    };
    assert_eq!(status("diff --no-index old.yaml new.yaml"), Some(0));
    assert_eq!(
        status("diff --no-index --exit-code old.yaml new.yaml"),
        Some(1)
    );
    assert_eq!(
        status("diff --no-index --exit-code old.yaml old.yaml"),
        Some(0)
    );
}

#[test]
fn machines_get_what_the_schema_says() {
    let directory = two_files();
    let printed = directory.succeeds("diff --no-index -o json old.yaml new.yaml", "");
    let report: Value = serde_json::from_str(&printed).unwrap();
    schemas::expect_valid("diff", &report);
    let object = &report["objects"][0];
    assert_eq!(object["change"], "changed");
    assert_eq!(object["old"]["file"], "old.yaml");
    assert_eq!(object["new"]["line"], 2);
    assert_eq!(object["scope"]["new"], "namespace-wide");
    assert_eq!(object["recipients"]["new"], serde_json::json!([]));
    let verbs: Vec<_> = object["items"].as_array().unwrap().iter().collect();
    assert_eq!(verbs.len(), 3);
    assert_eq!(verbs[2]["key"], "password");
    assert_eq!(verbs[2]["change"], "resealed");
    assert!(verbs[2].get("value").is_none());
}

/// Sealed with the real key: `same` and `changed` are sealed twice, `changed` with other values.
fn sealed_twice() -> Directory {
    let directory = Directory::new();
    let secret = |lines: &str, new: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: team-a}}\nstringData:\n  \
             same: hunter2\n  changed: |\n    one\n    {lines}\n    three\n{new}"
        )
    };
    directory.put("old-secret.yaml", secret("two", ""));
    directory.put(
        "new-secret.yaml",
        secret("2 \\x1b", "  token: \"t\\e[31m\"\n"),
    );
    for side in ["old", "new"] {
        directory.succeeds(
            &format!("encrypt --cert cert.pem {side}-secret.yaml -w {side}.yaml"),
            "",
        );
    }
    directory
}

#[test]
fn private_keys_tell_whether_the_value_has_changed() {
    let directory = sealed_twice();
    let told = directory.succeeds("diff --no-index -i key.pem old.yaml new.yaml", "");
    assert_eq!(
        told,
        "team-a/db  new.yaml:2:1\n  resealed   changed, another value\n  \
         resealed   same, the same value\n  added      token\n"
    );
    assert!(!told.contains("hunter2"));
}

#[test]
fn values_are_shown_only_when_asked_for_and_cannot_command_the_terminal() {
    let directory = sealed_twice();
    let told = directory.succeeds(
        "diff --no-index -i key.pem --show-values old.yaml new.yaml",
        "",
    );
    assert_eq!(
        told,
        "team-a/db  new.yaml:2:1\n  resealed   changed, another value\n        one\n      - two\n      \
         + 2 \\x1b\n        three\n  resealed   same, the same value\n  added      token\n      \
         + t\\u{1b}[31m\n"
    );
    let printed = directory.succeeds(
        "diff --no-index -i key.pem --show-values -o json old.yaml new.yaml",
        "",
    );
    let report: Value = serde_json::from_str(&printed).unwrap();
    schemas::expect_valid("diff", &report);
    let items = &report["objects"][0]["items"];
    assert_eq!(items[0]["value"], "changed");
    assert_eq!(items[0]["oldValue"]["text"], "one\ntwo\nthree\n");
    assert_eq!(items[2]["newValue"]["text"], "t\u{1b}[31m");
}

#[test]
fn values_are_not_shown_without_private_keys() {
    two_files().fails(
        "diff --no-index --show-values old.yaml new.yaml",
        "",
        str![[r#"
error: the following required arguments were not provided:
  --identity <FILE>

Usage: seal diff --identity <FILE> --no-index --show-values <REV|PATH>... [-- <PATH>...]

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_value_that_does_not_open_is_told_of() {
    let directory = sealed_twice();
    let old = directory
        .read("old.yaml")
        .replace("name: db", "name: other");
    directory.put("old.yaml", old);
    let new = directory
        .read("new.yaml")
        .replace("name: db", "name: other");
    directory.put("new.yaml", new);
    let told = directory.succeeds("diff --no-index -i key.pem old.yaml new.yaml", "");
    assert!(
        told.contains("resealed   same, does not open with these keys\n"),
        "{told}"
    );
}

/// A work tree with `old.yaml` committed as `deploy/db.yaml`.
fn repository() -> Directory {
    let directory = Directory::new();
    std::fs::create_dir(directory.path("deploy")).unwrap();
    directory.put("deploy/db.yaml", OLD);
    directory.put("deploy/broken.yaml", "kind: {{ .Kind }}\n");
    directory.put("notes.md", "a SealedSecret: {{ is }}\n");
    git(&directory, "init -q -b main .");
    git(&directory, "add deploy notes.md");
    git(&directory, "commit -q -m one");
    directory
}

pub(crate) fn git(directory: &Directory, arguments: &str) -> String {
    let output = Process::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b"])
        .args(arguments.split_whitespace())
        .current_dir(directory.path(""))
        .env_clear()
        .envs(GIT)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

const GIT: [(&str, &str); 3] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CEILING_DIRECTORIES", "/tmp"),
];

/// The program where it finds git.
pub(crate) fn seal(directory: &Directory, arguments: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap();
    directory.seal(arguments).envs(GIT).env("PATH", path)
}

fn told(directory: &Directory, arguments: &str) -> String {
    let done = seal(directory, arguments).assert().success();
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

#[test]
fn the_work_tree_is_compared_with_the_last_commit() {
    let directory = repository();
    assert_eq!(told(&directory, "diff"), "");
    directory.put("deploy/db.yaml", NEW);
    directory.put("deploy/broken.yaml", "kind: {{ .Other }}\n");
    directory.put("notes.md", "a SealedSecret: {{ was }}\n");
    let expected = TOLD.replace("new.yaml", "deploy/db.yaml");
    assert_eq!(told(&directory, "diff"), expected);
    assert_eq!(told(&directory, "diff HEAD deploy"), expected);
    assert_eq!(told(&directory, "diff deploy/db.yaml"), expected);
    assert_eq!(told(&directory, "diff deploy/broken.yaml"), "");
    assert_eq!(told(&directory, "diff -- notes.md"), "");
    assert_eq!(told(&directory, "diff --staged"), "");
    git(&directory, "add deploy");
    assert_eq!(told(&directory, "diff --staged"), expected);
    // From a directory below, too.
    let below = seal(&directory, "diff --staged db.yaml").current_dir(directory.path("deploy"));
    below.assert().success().stdout_eq(expected);
}

#[test]
fn revisions_are_named_as_git_names_them() {
    let directory = repository();
    directory.put("deploy/db.yaml", NEW);
    git(&directory, "add deploy");
    git(&directory, "commit -q -m two");
    let expected = TOLD.replace("new.yaml", "deploy/db.yaml");
    for range in [
        "HEAD^",
        "HEAD^..HEAD",
        "HEAD^...HEAD",
        "main~1 -- deploy",
        "HEAD~1 HEAD",
        "HEAD~1 main deploy/db.yaml",
        "HEAD~1 HEAD -- deploy",
    ] {
        assert_eq!(
            told(&directory, &format!("diff {range}")),
            expected,
            "{range}"
        );
    }
    assert_eq!(told(&directory, "diff HEAD"), "");
    assert_eq!(told(&directory, "diff HEAD^ HEAD -- notes.md"), "");
    for backwards in ["HEAD..HEAD^", "HEAD HEAD^"] {
        let told = told(&directory, &format!("diff {backwards}"));
        assert!(told.contains("added      gone\n"), "{told}");
    }
}

#[test]
fn a_file_that_moves_is_the_same_object_and_one_that_goes_is_removed() {
    let directory = repository();
    git(&directory, "mv deploy/db.yaml deploy/database.yaml");
    assert_eq!(told(&directory, "diff"), "");
    git(&directory, "rm -q -f deploy/database.yaml");
    assert_eq!(
        told(&directory, "diff"),
        "team-a/db  removed from deploy/db.yaml:2:1\n  removed    gone\n  removed    kept\n  \
         removed    password\n"
    );
}

#[test]
fn what_git_cannot_answer_is_told() {
    let directory = repository();
    let fails = |arguments: &str, message: &str| {
        let done = seal(&directory, arguments).assert().code(2).stdout_eq("");
        let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert_eq!(told, message, "{arguments}");
    };
    fails(
        "diff nowhere..HEAD",
        "error: nowhere..HEAD: neither a revision nor a file\n  hint: put -- before files that are \
         gone\n",
    );
    fails(
        "diff HEAD nowhere",
        "error: nowhere: neither a revision nor a file\n  hint: put -- before files that are gone\n",
    );
    for (arguments, last) in [
        ("HEAD HEAD HEAD", "HEAD"),
        ("HEAD..HEAD main", "main"),
        ("HEAD main..HEAD", "main..HEAD"),
        ("--staged HEAD main", "main"),
        ("--staged HEAD..main", "HEAD..main"),
    ] {
        fails(
            &format!("diff {arguments}"),
            &format!(
                "error: {last}: a revision too many; a range or two are compared, with --staged one\n"
            ),
        );
    }
    directory.put("main", "");
    fails(
        "diff HEAD main",
        "error: main: both a revision and a file\n  hint: put -- before files, or behind revisions\n",
    );
    fails(
        "diff main",
        "error: main: both a revision and a file\n  hint: put -- before files, or behind revisions\n",
    );
    directory.put("deploy/db.yaml", "kind: SealedSecret\n  a: b\n");
    fails(
        "diff",
        "error: deploy/db.yaml:2:4: mapping values are not allowed in this context\n",
    );
    let outside = two_files();
    let done = seal(&outside, "diff").assert().code(2).stdout_eq("");
    done.stderr_eq(
        "error: not in a Git work tree\n  hint: go into one, or compare two files with: seal diff \
         --no-index OLD NEW\n",
    );
    let two = seal(&outside, "diff old.yaml new.yaml").assert().success();
    two.stdout_eq(TOLD);
}

#[test]
fn git_shows_what_the_external_diff_driver_tells() {
    let directory = repository();
    directory.put("deploy/db.yaml", NEW);
    directory.put(".gitattributes", "deploy/*.yaml diff=seal\n");
    let program = snapbox::cmd::cargo_bin!("seal").display().to_string();
    let driver = format!("{program} diff --external-diff");
    Process::new("git")
        .args(["config", "diff.seal.command", &driver])
        .current_dir(directory.path(""))
        .status()
        .unwrap();
    let expected = TOLD.replace("new.yaml", "deploy/db.yaml");
    assert_eq!(git(&directory, "diff --ext-diff"), expected);
}

#[test]
fn git_compares_shortened_texts() {
    let directory = repository();
    directory.put("deploy/db.yaml", NEW);
    directory.put(".gitattributes", "deploy/*.yaml diff=seal\n");
    let program = snapbox::cmd::cargo_bin!("seal").display().to_string();
    let filter = format!("{program} diff --textconv");
    Process::new("git")
        .args(["config", "diff.seal.textconv", &filter])
        .current_dir(directory.path(""))
        .status()
        .unwrap();
    let shown = git(&directory, "diff -U0");
    assert!(
        shown.contains("\n-    password: AgAA...AAAAAAAAAAAAAAA3 (32 letters)\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\n+    new: AgAA...AAAAAAAAAAAAAAA4 (32 letters)\n"),
        "{shown}"
    );
}

#[test]
fn everything_but_sealed_texts_stays_when_they_are_shortened() {
    let directory = Directory::new();
    let long = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1";
    let short = "AgAA...AAAAAAAAAAAAAAA1 (32 letters)";
    let text = |value: &str| {
        format!(
            "# {long}\r\nkind: SealedSecret\nspec: # here\n  encryptedData: {{a: \"{value}\", b: \
             '{value}'}}\n---\nkind: SealedSecret\nspec:\n  encryptedData:\n    c: |\n      \
             {value}\n    d: {value} # d\n---\nkind: ConfigMap\ndata:\n  spec: {long}\n"
        )
    };
    directory.put("a.yaml", text(long));
    assert_eq!(
        directory.succeeds("diff --textconv a.yaml", ""),
        text(short)
    );
    directory.put("b.yaml", "kind: SealedSecret\n  broken: [\n");
    assert_eq!(
        directory.succeeds("diff --textconv b.yaml", ""),
        "kind: SealedSecret\n  broken: [\n"
    );
}
