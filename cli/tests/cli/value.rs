use snapbox::str;

use crate::{directory::Directory, sealed::opened};

#[test]
fn a_value_is_sealed_byte_for_byte_and_printed_without_a_newline() {
    let directory = Directory::new();
    let sealed = directory.succeeds("value --cert cert.pem -n team-a --name db", "s3cr3t");
    assert!(!sealed.ends_with('\n'));
    assert_eq!(opened(&directory, &sealed, "team-a/db"), b"s3cr3t");
}

#[test]
fn a_value_may_come_from_a_file_and_be_anything() {
    let directory = Directory::new();
    directory.put("value", b"\0\xff\n");
    for arguments in ["value", "--from-file value", "-"] {
        let arguments = format!("value --cert cert.pem --scope cluster-wide {arguments}");
        let done = directory
            .seal(&arguments)
            .stdin(snapbox::Data::binary(b"\0\xff\n".to_vec()))
            .assert()
            .success();
        let sealed = String::from_utf8(done.get_output().stdout.clone()).unwrap();
        assert_eq!(opened(&directory, &sealed, ""), b"\0\xff\n");
    }
}

#[test]
fn standard_error_tells_what_the_sealed_secret_must_look_like() {
    let directory = Directory::new();
    let told = |arguments: &str, stdin: &'static str| {
        let arguments = format!("value --cert cert.pem {arguments}");
        directory.seal(&arguments).stdin(stdin).assert().success()
    };
    told("-n team-a --name db", "x").stderr_eq(str![[r#"
opens only in the SealedSecret team-a/db, which needs no annotation for its scope

"#]]);
    told("-n team-a --scope namespace-wide", "x").stderr_eq(str![[r#"
opens in any SealedSecret of namespace team-a that has the annotation sealedsecrets.bitnami.com/namespace-wide: "true"

"#]]);
    told("--scope cluster-wide", "x\n").stderr_eq(str![[r#"
warning: the value ends with a newline, which is sealed with it
opens in any SealedSecret that has the annotation sealedsecrets.bitnami.com/cluster-wide: "true"

"#]]);
}

#[test]
fn what_the_scope_binds_to_is_needed() {
    let directory = Directory::new();
    directory.fails(
        "value --cert cert.pem -n team-a",
        "x",
        str![[r#"
error: strict scope needs --name
  hint: what it is bound to must be the same as in the SealedSecret that it goes into

"#]],
    );
    directory.fails(
        "value --cert cert.pem --name db",
        "x",
        str![[r#"
error: strict scope needs --namespace
  hint: what it is bound to must be the same as in the SealedSecret that it goes into

"#]],
    );
    directory.fails(
        "value --cert cert.pem --name db --scope namespace-wide",
        "x",
        str![[r#"
error: namespace-wide scope needs --namespace
  hint: what it is bound to must be the same as in the SealedSecret that it goes into

"#]],
    );
}

#[test]
fn an_empty_value_is_one_only_from_a_file() {
    let directory = Directory::new();
    for arguments in ["", "-", "--from-file -"] {
        directory.fails(
            &format!("value --cert cert.pem --scope cluster-wide {arguments}"),
            "",
            str![[r#"
error: standard input gives an empty value; nothing was sealed
  hint: if it shall be empty, say so: --from-file /dev/null

"#]],
        );
    }
    directory.put("empty", "");
    for file in ["empty", "/dev/null", "--from-file /dev/null"] {
        let value = format!("value --cert cert.pem --scope cluster-wide {file}");
        let sealed = directory.succeeds(&value, "");
        assert_eq!(opened(&directory, &sealed, ""), b"");
    }
}

#[test]
fn a_value_larger_than_a_secret_may_be_is_refused() {
    let directory = Directory::new();
    directory.put("large", vec![b'x'; (1 << 20) + 1]);
    directory.fails(
        "value --cert cert.pem --scope cluster-wide large",
        "",
        str![[r#"
error: large: 1048577 bytes of data, but a Secret holds at most 1048576

"#]],
    );
}

#[test]
fn the_file_of_the_repository_says_in_which_scope_where_nothing_else_does() {
    let directory = Directory::new();
    let config =
        "clusters: {a: {certificate: cert.pem}}\nrules: [{path: '*', scope: namespace-wide}]\n";
    directory.put(".seal.yaml", config);
    let sealed = directory.succeeds("value -n team-a", "x");
    assert_eq!(opened(&directory, &sealed, "team-a"), b"x");
    let sealed = directory.succeeds("value --scope cluster-wide", "x");
    assert_eq!(opened(&directory, &sealed, ""), b"x");
    directory.fails(
        "value --no-config --cert cert.pem -n team-a",
        "x",
        str![[r#"
error: strict scope needs --name
  hint: what it is bound to must be the same as in the SealedSecret that it goes into

"#]],
    );
}
