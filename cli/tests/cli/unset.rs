use snapbox::str;

use crate::{
    directory::Directory,
    sealed::{TWO, changed_lines},
};

#[test]
fn values_go_with_their_lines_and_nothing_else() {
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    let done = directory.seal("unset sealed.yaml --name db user").assert();
    done.success().stdout_eq("").stderr_eq("");
    let (old, new) = changed_lines(TWO, &directory.read("sealed.yaml"));
    assert_eq!(old, ["    user: AgAuser= # rotated in 2024\n"]);
    assert!(new.is_empty(), "{new:?}");
}

#[test]
fn the_last_value_takes_the_hint_along() {
    let directory = Directory::new();
    let text = "\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
  namespace: team-a
  annotations:
    seal.alt/keys: SHA256:0000000000000000000000000000000000000000000
spec:
  encryptedData:
    user: AgA=
    password: AgA=
";
    directory.put("sealed.yaml", text);
    let done = directory.seal("unset sealed.yaml user password").assert();
    done.success().stderr_eq(str![[r#"
warning: team-a/db holds no values any more

"#]]);
    let (expected, _) = text.split_once("  annotations").unwrap();
    assert_eq!(
        directory.read("sealed.yaml"),
        format!("{expected}spec:\n  encryptedData: {{}}\n")
    );
}

#[test]
fn every_key_that_is_not_there_is_told() {
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    directory.fails(
        "unset sealed.yaml --name db user pasword usr",
        "",
        str![[r#"
error: sealed.yaml:9:5: SealedSecret team-a/db has no value "pasword"; it has password, user
error: sealed.yaml:9:5: SealedSecret team-a/db has no value "usr"; it has password, user

"#]],
    );
}
