//! Secrets that are in no manifest.

use std::{fs, os::unix::fs::symlink};

use snapbox::str;

use crate::directory::Directory;

fn opened(directory: &Directory, arguments: &str, stdin: &str) -> String {
    let sealed = directory.succeeds(
        &format!("encrypt --cert cert.pem --name db -n team-a {arguments}"),
        stdin,
    );
    directory.succeeds("decrypt -i key.pem", &sealed)
}

#[test]
fn values_come_from_files_and_standard_input() {
    let directory = Directory::new();
    directory.put("tls.crt", "certificate");
    directory.put("x=y", "z");
    snapbox::assert_data_eq!(
        opened(
            &directory,
            "--from-file tls.crt --from-file password=- --from-file k=x=y --type kubernetes.io/tls",
            "s3cr3t"
        ),
        str![[r#"
---
apiVersion: v1
data:
  k: eg==
  password: czNjcjN0
  tls.crt: Y2VydGlmaWNhdGU=
kind: Secret
metadata:
  name: db
  namespace: team-a
type: kubernetes.io/tls

"#]]
    );
}

#[test]
fn the_files_of_a_directory_are_taken_as_kubectl_takes_them() {
    let directory = Directory::new();
    fs::create_dir_all(directory.path("values/below")).unwrap();
    directory.put("values/a.txt", "1");
    directory.put("values/.b", "2");
    directory.put("values/below/c", "4");
    symlink("a.txt", directory.path("values/link")).unwrap();
    let opened = opened(&directory, "--from-file values", "");
    assert!(
        opened.contains("data:\n  .b: Mg==\n  a.txt: MQ==\nkind"),
        "{opened}"
    );
    directory.put("values/not a key", "3");
    directory.fails(
        "encrypt --cert cert.pem --name db -n team-a --from-file values",
        "",
        str![[r#"
error: --from-file values/not a key: "not a key" cannot be a key of a Secret, which takes letters, digits, -, _ and ., and at most 253 of them

"#]],
    );
}

#[test]
fn lines_of_an_environment_file_are_values() {
    let directory = Directory::new();
    directory.put(
        ".env",
        "\u{feff}# comment\n\nA=1=2\r\n  B=\" quoted \"\nC=\nFROM_HERE\n",
    );
    let command =
        directory.seal("encrypt --cert cert.pem --name db -n team-a --from-env-file .env");
    let done = command
        .env("FROM_HERE", "here")
        .assert()
        .success()
        .stderr_eq("");
    let sealed = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    snapbox::assert_data_eq!(
        directory.succeeds("decrypt -i key.pem", &sealed),
        str![[r#"
---
apiVersion: v1
data:
  A: MT0y
  B: IiBxdW90ZWQgIg==
  C: ""
  FROM_HERE: aGVyZQ==
kind: Secret
metadata:
  name: db
  namespace: team-a

"#]]
    );
}

#[test]
fn a_value_on_the_command_line_draws_a_warning() {
    let directory = Directory::new();
    directory.put("a", "1");
    let arguments =
        "encrypt --cert cert.pem --name db -n team-a --from-literal password=s3cr3t --from-file a";
    let done = directory.seal(arguments).assert().success();
    done.stderr_eq(str![[r#"
warning: a value on the command line stays in the shell's history, and every process sees it; --from-file KEY=- takes it from standard input

"#]]);
}

#[test]
fn values_of_any_scope_are_sealed() {
    let directory = Directory::new();
    directory.put("a", "1");
    for arguments in ["--scope namespace-wide", "--scope strict"] {
        opened(&directory, &format!("--from-file a {arguments}"), "");
    }
    directory.succeeds(
        "encrypt --cert cert.pem --name db --scope cluster-wide --from-file a",
        "",
    );
    directory.succeeds(
        "encrypt --cert cert.pem --name db -n team-a --from-file a -w out/",
        "",
    );
    assert!(directory.read("out/db.yaml").contains("  name: db\n"));
}

#[test]
fn what_is_wrong_with_values_is_told_and_never_quoted() {
    let directory = Directory::new();
    directory.put("a", "1");
    directory.put(".env", "A=1\nA B=s3cr3t\n");
    directory.put("unset.env", "NOT_SET_ANYWHERE\n");
    directory.put("binary.env", b"A=\xff\n");
    fs::create_dir(directory.path("empty")).unwrap();
    let fails = |arguments: &str, message: snapbox::data::Inline| {
        let all = format!("encrypt --cert cert.pem --name db -n team-a {arguments}");
        directory.fails(&all, "", message);
    };
    fails(
        "--from-literal s3cr3t",
        str![[r#"
warning: a value on the command line stays in the shell's history, and every process sees it; --from-file KEY=- takes it from standard input
error: --from-literal: expected KEY=VALUE, and this has no =

"#]],
    );
    fails(
        "--from-literal ?=s3cr3t",
        str![[r#"
warning: a value on the command line stays in the shell's history, and every process sees it; --from-file KEY=- takes it from standard input
error: --from-literal: what stands before the = cannot be a key of a Secret, which takes letters, digits, -, _ and ., and at most 253 of them

"#]],
    );
    fails(
        "--from-literal a=1 --from-literal c3/cr3t== --from-literal a=2",
        str![[r#"
warning: a value on the command line stays in the shell's history, and every process sees it; --from-file KEY=- takes it from standard input
error: --from-literal, number 2: what stands before the = cannot be a key of a Secret, which takes letters, digits, -, _ and ., and at most 253 of them
error: --from-literal, number 3: the key a is given already

"#]],
    );
    fails(
        "--from-file a --from-file a=a",
        str![[r#"
error: --from-file a: the key a is given already

"#]],
    );
    fails(
        "--from-file a= --from-file - --from-file nofile --from-file empty",
        str![[r#"
error: --from-file a=: expected FILE or KEY=FILE
error: --from-file -: what standard input gives needs a key: --from-file KEY=-
error: cannot read nofile: No such file or directory
error: --from-file empty: there is no file in this directory

"#]],
    );
    fails(
        "--from-file a=- --from-env-file -",
        str![[r#"
error: standard input (-) can be read only once

"#]],
    );
    fails(
        "--from-env-file .env",
        str![[r#"
error: .env:2: what stands before the = cannot be a key here, which takes letters, digits, -, _ and ., at most 253 of them and no digit first; values of several lines cannot stand in an env file: --from-file KEY=FILE takes them

"#]],
    );
    fails(
        "--from-env-file unset.env --from-env-file binary.env",
        str![[r#"
error: unset.env:1: no KEY=VALUE, nor a variable that is set; values of several lines cannot stand in an env file: --from-file KEY=FILE takes them
error: binary.env:1: not UTF-8 text

"#]],
    );
}

#[test]
fn no_error_quotes_a_piece_of_a_value_in_an_environment_file() {
    let directory = Directory::new();
    let told = |text: &str| {
        directory.put(".env", text);
        let done = directory
            .seal("encrypt --cert cert.pem --name db -n team-a --from-env-file .env")
            .assert();
        let told = done.code(2).stdout_eq("").get_output().stderr.clone();
        String::from_utf8(told).unwrap()
    };
    // Lines behind the first of a value, and lines that were never meant to be here.
    for canary in [
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "MIIEvQ/BADANBgkqhkiG9w0BAQEFAASC",
        "hunter2",
        "HUNTER2",
        "hunter2/secret==",
        "hunter2secret=\nhunter2secret=",
        "hunter2 secret = x",
        " -----hunter2-----",
        "x\0hunter2",
        "hunter2\u{e9}=1",
    ] {
        let told = told(&format!(
            "A=1\nTLS_KEY=\"-----BEGIN PRIVATE KEY-----\n{canary}\n"
        ));
        let line = 3 + canary.matches('\n').count();
        assert!(told.starts_with(&format!("error: .env:{line}: ")), "{told}");
        for word in canary.split(|it: char| !it.is_ascii_alphanumeric()) {
            let is_quoted = word.len() > 1 && told.contains(word);
            assert!(!is_quoted, "{word} stands in {told}");
        }
    }
}

#[test]
fn standard_input_that_gives_nothing_is_no_value() {
    let directory = Directory::new();
    let all = "encrypt --cert cert.pem --name db -n team-a";
    directory.fails(
        &format!("{all} --from-file password=-"),
        "",
        str![[r#"
error: --from-file password=-: standard input is empty; if the value shall be, say so: --from-file password=/dev/null

"#]],
    );
    directory.fails(
        &format!("{all} --from-env-file -"),
        "",
        str![[r#"
error: the Secret: the Secret team-a/db holds no data
  hint: if that is intended, add --allow-empty-data

"#]],
    );
    let opened = opened(&directory, "--from-file password=/dev/null", "");
    assert!(opened.contains("  password: \"\"\n"), "{opened}");
    let empty = format!("{all} --from-env-file - --allow-empty-data");
    directory.succeeds(&empty, "# nothing\n");
}

#[test]
fn values_need_a_name_and_a_namespace_and_no_manifest() {
    let directory = Directory::new();
    directory.put("a", "1");
    directory.fails(
        "encrypt --cert cert.pem --from-file a",
        "",
        str![[r#"
error: the following required arguments were not provided:
  --name <NAME>

Usage: seal encrypt --name <NAME> --cert <FILE|URL> --from-file <[KEY=]FILE> [FILE]...

For more information, try '--help'.

"#]],
    );
    directory.fails(
        "encrypt --cert cert.pem --from-file a --name db",
        "",
        str![[r#"
error: strict scope needs --namespace
  hint: what it is bound to must be the same as in the SealedSecret that it goes into

"#]],
    );
    directory.fails(
        "encrypt --cert cert.pem --from-file a --name db secret.yaml",
        "",
        str![[r#"
error: the argument '[FILE]...' cannot be used with:
  --from-file <[KEY=]FILE>
  --from-env-file <FILE>
  --from-literal <KEY=VALUE>

Usage: seal encrypt --cert <FILE|URL> --name <NAME> <FILE>...

For more information, try '--help'.

"#]],
    );
    directory.fails(
        "encrypt --cert cert.pem --type Opaque secret.yaml",
        "",
        str![[r#"
error: the following required arguments were not provided:
  <--from-file <[KEY=]FILE>|--from-env-file <FILE>|--from-literal <KEY=VALUE>>

Usage: seal encrypt --cert <FILE|URL> --type <TYPE> <--from-file <[KEY=]FILE>|--from-env-file <FILE>|--from-literal <KEY=VALUE>> <FILE>...

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_value_that_no_secret_can_hold_is_refused_with_the_limit() {
    let directory = Directory::new();
    directory.put("big", vec![0; 10 << 20]);
    let arguments = "encrypt --cert cert.pem --name db -n team-a --from-file big";
    directory.fails(
        arguments,
        "",
        str![[r#"
error: the Secret: 10485760 bytes of data, but a Secret holds at most 1048576

"#]],
    );
}
