//! `seal rotate` for age recipients: trees move between kinds, and clusters come and go.

use seal_envelope::KeyKind;
use snapbox::str;

use super::cluster::Cluster;
use crate::{
    age_keys::{AgeKeys, stanzas},
    directory::Directory,
    sealed::{changed_lines, key_id, text_at, value},
};

const HINT: [&str; 3] = ["metadata", "annotations", "seal.alt/keys"];

/// `tree/sealed.yaml` with two values, sealed as `arguments` say; keys `edge`, `escrow` and `prod`.
fn furnished(kind: KeyKind, arguments: &str) -> (Directory, AgeKeys) {
    let directory = Directory::new();
    let keys = AgeKeys::put_in(&directory, kind, &["edge", "escrow", "prod"]);
    std::fs::create_dir(directory.path("tree")).unwrap();
    directory.succeeds(
        &format!("encrypt secret.yaml -w tree/sealed.yaml {arguments}"),
        "",
    );
    (directory, keys)
}

#[track_caller]
fn expect(directory: &Directory, keys: &AgeKeys, names: &[&str]) {
    for key in ["user", "password"] {
        keys.expect_openers(directory, "tree/sealed.yaml", key, names);
    }
    let sealed = value(directory, "tree/sealed.yaml", 0, "user");
    assert_eq!(keys.openers(&sealed).1.as_deref(), Some("admin"));
    let hint = text_at(directory, "tree/sealed.yaml", 0, &HINT);
    assert_eq!(hint, keys.hint(names));
}

/// Rotates, and then once more, when not a byte may change.
#[track_caller]
fn rotate(directory: &Directory, arguments: &str) -> String {
    let before = directory.read("tree/sealed.yaml");
    let told = directory.succeeds(&format!("rotate tree {arguments}"), "");
    let after = directory.read("tree/sealed.yaml");
    let (old, new) = changed_lines(&before, &after);
    assert!(old.len() <= 3 && old.len() == new.len(), "{new:?}");
    directory.succeeds(&format!("rotate tree {arguments}"), "");
    assert_eq!(directory.read("tree/sealed.yaml"), after);
    told
}

#[test]
fn a_tree_moves_from_hybrid_to_age_and_back() {
    for kind in [KeyKind::X25519, KeyKind::MlKem768X25519] {
        let (directory, keys) = furnished(kind, "--cert cert.pem");
        rotate(
            &directory,
            "-R prod.txt -R escrow.txt -i key.pem -i prod.key",
        );
        expect(&directory, &keys, &["escrow", "prod"]);
        let sealed = directory.read("tree/sealed.yaml");
        let unasked = "rotate tree --cert cert.pem -i escrow.key -i key.pem";
        directory
            .seal(unasked)
            .assert()
            .code(2)
            .stderr_eq(str![[r#"
error: tree/sealed.yaml:11:15: team-a/db: password is sealed in age for 2 recipients (SHA256:[..], SHA256:[..]), and nothing says for whom it shall be sealed now
  hint: name everybody who shall open it, with --recipient or in .seal.yaml; or give age up with --kind hybrid
error: tree/sealed.yaml:12:11: team-a/db: user is sealed in age for 2 recipients (SHA256:[..], SHA256:[..]), and nothing says for whom it shall be sealed now
  hint: name everybody who shall open it, with --recipient or in .seal.yaml; or give age up with --kind hybrid

"#]]);
        assert_eq!(directory.read("tree/sealed.yaml"), sealed);
        rotate(
            &directory,
            "--cert cert.pem --kind hybrid -i escrow.key -i key.pem",
        );
        assert_eq!(text_at(&directory, "tree/sealed.yaml", 0, &HINT), key_id());
        let sealed = value(&directory, "tree/sealed.yaml", 0, "user");
        assert_eq!(
            crate::sealed::opened(&directory, &sealed, "team-a/db"),
            b"admin"
        );
    }
}

#[test]
fn a_cluster_comes_and_another_goes() {
    let (directory, keys) = furnished(KeyKind::X25519, "-R prod.txt -R escrow.txt");
    let told = rotate(
        &directory,
        "-R prod.txt -R escrow.txt -R edge.txt -i escrow.key",
    );
    assert!(told.contains("sealed again: 2 values in 1 file"), "{told}");
    expect(&directory, &keys, &["edge", "escrow", "prod"]);
    rotate(&directory, "-R escrow.txt -R edge.txt -i escrow.key");
    expect(&directory, &keys, &["edge", "escrow"]);
    // As many as before, and others.
    rotate(
        &directory,
        "-R escrow.txt -R prod.txt -i edge.key -i escrow.key",
    );
    expect(&directory, &keys, &["escrow", "prod"]);
}

#[test]
fn the_file_of_the_repository_says_who_comes_and_goes() {
    let (directory, keys) = furnished(KeyKind::MlKem768X25519, "-R prod.txt");
    let config = |clusters: &str| {
        let config = format!(
            "clusters: {{prod: {{recipients: [prod.txt]}}, edge: {{recipients: [edge.txt]}}}}\n\
             escrow: [escrow.txt]\nrules: [{{path: tree, clusters: [{clusters}]}}]\n"
        );
        directory.put(".seal.yaml", config);
    };
    config("prod, edge");
    directory.seal("check --strict tree").assert().code(1);
    directory
        .seal("rotate tree --dry-run -i prod.key")
        .assert()
        .code(1);
    rotate(&directory, "-i prod.key");
    expect(&directory, &keys, &["edge", "escrow", "prod"]);
    directory.succeeds("check --strict tree", "");
    config("edge");
    rotate(&directory, "-i escrow.key");
    expect(&directory, &keys, &["edge", "escrow"]);
    directory.succeeds("rotate tree --dry-run", "");
}

#[test]
fn only_values_that_are_for_others_are_sealed_again() {
    let (directory, keys) = furnished(KeyKind::X25519, "-R prod.txt -R edge.txt");
    let stays = value(&directory, "tree/sealed.yaml", 0, "user");
    directory.succeeds(
        "set tree/sealed.yaml password -R prod.txt -R escrow.txt",
        "x",
    );
    let both = "-R prod.txt -R edge.txt -i prod.key -i edge.key -i escrow.key";
    let told = rotate(&directory, both);
    assert!(
        told.contains("sealed again: 1 value in 1 file; 1 was current before"),
        "{told}"
    );
    assert_eq!(value(&directory, "tree/sealed.yaml", 0, "user"), stays);
    keys.expect_openers(
        &directory,
        "tree/sealed.yaml",
        "password",
        &["edge", "prod"],
    );
}

#[test]
fn a_hint_that_lies_is_found_out_by_the_number_of_recipients_or_by_their_keys() {
    let (directory, keys) = furnished(KeyKind::X25519, "-R prod.txt -R edge.txt");
    let lie = |names: &[&str]| {
        let text = directory.read("tree/sealed.yaml");
        let hint = text_at(&directory, "tree/sealed.yaml", 0, &HINT);
        directory.put("tree/sealed.yaml", text.replace(&hint, &keys.hint(names)));
    };
    // The dropped cluster is hidden, and the number tells.
    lie(&["prod"]);
    for keys_at_hand in ["", "-i escrow.key", "-i prod.key"] {
        let dry = format!("rotate tree --dry-run -R prod.txt {keys_at_hand}");
        let done = directory.seal(&dry).assert();
        let code = done.get_output().status.code();
        // Nothing here opens it: it is told as wrong, not passed over.
        let expected = if keys_at_hand == "-i escrow.key" {
            2
        } else {
            1
        };
        assert_eq!(code, Some(expected), "{keys_at_hand}");
    }
    rotate(&directory, "-R prod.txt -i prod.key");
    expect(&directory, &keys, &["prod"]);

    // Another stands in its place, and only a key tells.
    directory.succeeds("set tree/sealed.yaml user -R prod.txt -R edge.txt", "admin");
    directory.succeeds("set tree/sealed.yaml password -R prod.txt -R edge.txt", "x");
    lie(&["escrow", "prod"]);
    let wanted = "rotate tree -R prod.txt -R escrow.txt";
    directory.succeeds(&format!("{wanted} -i prod.key"), "");
    keys.expect_openers(&directory, "tree/sealed.yaml", "user", &["edge", "prod"]);
    for finds_out in [
        "-i prod.key --all",
        "-i prod.key -i escrow.key",
        "-i prod.key -i edge.key",
    ] {
        let (directory, keys) = furnished(KeyKind::X25519, "-R prod.txt -R edge.txt");
        let text = directory.read("tree/sealed.yaml");
        let hint = text_at(&directory, "tree/sealed.yaml", 0, &HINT);
        let lie = keys.hint(&["escrow", "prod"]);
        directory.put("tree/sealed.yaml", text.replace(&hint, &lie));
        directory.succeeds(&format!("{wanted} {finds_out}"), "");
        expect(&directory, &keys, &["escrow", "prod"]);
    }
}

#[test]
fn all_seals_everything_again() {
    let (directory, keys) = furnished(KeyKind::X25519, "-R prod.txt");
    let before = value(&directory, "tree/sealed.yaml", 0, "user");
    directory.succeeds("rotate tree -R prod.txt -i prod.key --all", "");
    assert_ne!(value(&directory, "tree/sealed.yaml", 0, "user"), before);
    expect(&directory, &keys, &["prod"]);
    let usage = directory.seal("rotate tree --all").assert().code(2);
    let told = String::from_utf8(usage.get_output().stderr.clone()).unwrap();
    assert!(told.contains("--identity"), "{told}");
}

#[test]
fn a_value_that_no_key_here_opens_is_told_and_stays_as_it_is() {
    let (directory, keys) = furnished(KeyKind::X25519, "-R prod.txt");
    directory.succeeds("set tree/sealed.yaml user -R escrow.txt", "admin");
    let sealed = value(&directory, "tree/sealed.yaml", 0, "user");
    let done = directory
        .seal("rotate tree -R edge.txt -i prod.key")
        .assert();
    done.code(2).stderr_eq(str![[r#"
error: tree/sealed.yaml:[..]: SealedSecret team-a/db: user: sealed for SHA256:[..], none of which is among the keys here[..]

"#]]);
    assert_eq!(value(&directory, "tree/sealed.yaml", 0, "user"), sealed);
    assert_eq!(stanzas(&sealed).recipients(), 1);
    assert_eq!(keys.openers(&sealed).0, ["escrow"]);
}

/// A directory with one sealed file, and a cluster that holds `prod`.
fn online(arguments: &str) -> (Directory, AgeKeys, Cluster) {
    let (directory, keys) = furnished(KeyKind::X25519, arguments);
    let cluster = Cluster::start();
    cluster.reach_from(&directory);
    cluster.hold(keys.identity("prod"));
    (directory, keys, cluster)
}

const ONLINE: &str = "rotate tree --kubeconfig config";

#[test]
fn the_controller_seals_age_values_again_for_its_own_key() {
    let (directory, keys, cluster) = online("-R prod.txt");
    // Hybrid and age in one object, and a hint that names one of the keys alone.
    directory.succeeds("set tree/sealed.yaml user --cert cert.pem", "admin");
    let text = directory.read("tree/sealed.yaml");
    let hint = text_at(&directory, "tree/sealed.yaml", 0, &HINT);
    directory.put("tree/sealed.yaml", text.replace(&hint, &key_id()));
    directory.succeeds(ONLINE, "");
    assert_eq!(cluster.requests(), [1]);
    keys.expect_openers(&directory, "tree/sealed.yaml", "password", &["prod"]);
    let hint = text_at(&directory, "tree/sealed.yaml", 0, &HINT);
    let mut ids = [keys.id("prod"), key_id()];
    ids.sort();
    assert_eq!(hint, ids.join(","));
    let after = directory.read("tree/sealed.yaml");
    directory.succeeds(ONLINE, "");
    assert!(cluster.requests().is_empty());
    assert_eq!(directory.read("tree/sealed.yaml"), after);
}

#[test]
fn the_controller_is_not_asked_to_seal_what_others_open_too() {
    let (directory, keys, cluster) = online("-R prod.txt -R escrow.txt");
    let before = directory.read("tree/sealed.yaml");
    let told = format!(
        "error: tree/sealed.yaml:11:15: team-a/db: password is sealed for 2 recipients ({}), and the \
         controller would seal it for its own key alone\n  hint: seal it again with a private key that \
         opens it: --identity FILE\n",
        keys.hint(&["escrow", "prod"]).replace(',', ", ")
    );
    let done = directory.seal(ONLINE).assert().code(2);
    done.stderr_eq(told);
    assert!(cluster.requests().is_empty());
    assert_eq!(directory.read("tree/sealed.yaml"), before);
    // Nor where the hint conceals them.
    let text = directory.read("tree/sealed.yaml");
    let lie = text.replace(&keys.hint(&["escrow", "prod"]), &keys.id("prod"));
    directory.put("tree/sealed.yaml", &lie);
    let done = directory.seal(ONLINE).assert().code(2);
    let told = String::from_utf8(done.get_output().stderr.clone()).unwrap();
    assert!(told.contains("is sealed for 2 recipients"), "{told}");
    assert_eq!(directory.read("tree/sealed.yaml"), lie);
}

#[test]
fn what_the_controller_cannot_do_is_told() {
    let (directory, _, cluster) = online("--cert cert.pem");
    for (recipients, why) in [
        (
            "-R prod.txt",
            "the controller keeps the kind of each value, and the wanted one is another",
        ),
        (
            "-R prod.txt -R escrow.txt",
            "the controller keeps the kind of each value, and the wanted one is another",
        ),
    ] {
        let done = directory.seal(&format!("{ONLINE} {recipients}")).assert();
        let told = String::from_utf8(done.code(2).get_output().stderr.clone()).unwrap();
        assert!(told.contains(why), "{told}");
    }
    directory.succeeds("set tree/sealed.yaml user -R escrow.txt", "x");
    directory.succeeds("set tree/sealed.yaml password -R escrow.txt", "x");
    for (recipients, why) in [
        ("-R escrow.txt", "but the controller seals with SHA256:"),
        (
            "-R prod.txt -R escrow.txt",
            "the controller seals for its own key alone, and more recipients are wanted",
        ),
        (
            "--kind hybrid",
            "the controller keeps the kind of each value, and the wanted one is another",
        ),
    ] {
        let done = directory.seal(&format!("{ONLINE} {recipients}")).assert();
        let told = String::from_utf8(done.code(2).get_output().stderr.clone()).unwrap();
        assert!(told.contains(why), "{told}");
    }
    assert!(cluster.requests().is_empty());
}
