//! Where what is wrong stands, and what it is.

use seal_envelope::Label;
use seal_sealing::seal_value;
use snapbox::{IntoData, str};

use super::{
    cluster::Cluster,
    tree::{certificate, furnished, identity, sealed},
};
use crate::{directory::Directory, sealed::value};

fn with(metadata: &str, values: &str) -> Directory {
    let directory = furnished();
    directory.put(
        "bad.yaml",
        format!(
            "# Ask first.\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  {metadata}\n\
             spec:\n  encryptedData:\n    a: {}\n{values}",
            sealed("rsa3072", "old")
        ),
    );
    directory
}

#[track_caller]
fn fails(directory: &Directory, arguments: &str, told: impl IntoData) {
    let before = directory.read("bad.yaml");
    let done = directory.seal(arguments).assert();
    done.code(2).stderr_eq(told);
    assert_eq!(directory.read("bad.yaml"), before);
}

const OFFLINE: &str = "rotate --cert cert.pem --identity old.pem bad.yaml";

#[test]
fn a_bad_value_is_told_with_its_own_place() {
    let values = format!("    b: bad!\n    c: {}\n", sealed("rsa4096", "foreign"));
    fails(
        &with("name: db\n  namespace: team-a", &values),
        OFFLINE,
        str![[r#"
error: bad.yaml:10:8: SealedSecret team-a/db: b: illegal base64 data at input byte 3: truncated or damaged; seal it again
error: bad.yaml:11:8: SealedSecret team-a/db: c: no key here opens it: it was sealed for another cluster, for another name or namespace, or with a key that is gone; seal it again with this cluster's certificate

"#]],
    );
}

#[test]
fn a_name_or_namespace_that_is_missing_is_told_and_not_that_no_key_opens_the_value() {
    let two = format!("    b: {}\n", sealed("rsa3072", "old"));
    let nameless = with("namespace: team-a", &two);
    let told = str![[r#"
error: bad.yaml:5:3: metadata.name is missing
[..]

"#]];
    fails(&nameless, OFFLINE, told.clone());
    let homeless = with("name: db", "");
    fails(
        &homeless,
        OFFLINE,
        str![[r#"
error: bad.yaml:5:3: metadata.namespace is missing, and strict scope binds the values to it
  hint: add it to the manifest, or name it with --namespace; no kubeconfig is consulted

"#]],
    );
    homeless.succeeds(&format!("{OFFLINE} --namespace team-a"), "");

    let cluster = Cluster::start();
    cluster.reach_from(&nameless);
    fails(&nameless, "rotate --kubeconfig config bad.yaml", told);
    assert!(cluster.requests().is_empty());
}

#[test]
fn what_is_bound_to_no_name_needs_none() {
    let cluster = Cluster::start();
    let wide =
        "namespace: team-a\n  annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}";
    let directory = with(wide, "");
    let sealed = seal_value(
        b"old",
        &Label::new("team-a"),
        &identity("rsa3072").recipient().clone().into(),
    );
    let text = directory
        .read("bad.yaml")
        .replace(&value(&directory, "bad.yaml", 0, "a"), &sealed.unwrap());
    directory.put("bad.yaml", text);
    cluster.reach_from(&directory);
    directory.succeeds("rotate --kubeconfig config bad.yaml", "");
}

/// A base of kustomize has no namespace.
#[test]
fn what_is_settled_by_its_hint_needs_no_name() {
    let hint = format!(
        "annotations: {{seal.alt/keys: {}}}",
        certificate("rsa2048").key_id()
    );
    let directory = with(&hint, "");
    directory.succeeds(OFFLINE, "");
    directory.succeeds("rotate --cert cert.pem --dry-run bad.yaml", "");
}
