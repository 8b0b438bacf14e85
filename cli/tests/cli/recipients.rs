//! Sealing for age recipients: who can open it, and who is refused.

use seal_envelope::{KeyKind, generate_age};
use snapbox::str;

use crate::{
    age_keys::{AgeKeys, stanzas},
    directory::{Directory, SECRET},
    sealed::{TWO, key_id, text_at, value},
};

const HINT: [&str; 3] = ["metadata", "annotations", "seal.alt/keys"];
const NAMES: [&str; 3] = ["edge", "escrow", "prod"];

fn furnished(kind: KeyKind) -> (Directory, AgeKeys) {
    let directory = Directory::new();
    let keys = AgeKeys::put_in(&directory, kind, &NAMES);
    (directory, keys)
}

#[test]
fn everybody_who_is_named_opens_the_value_and_nobody_else() {
    for kind in [KeyKind::X25519, KeyKind::MlKem768X25519] {
        let (directory, keys) = furnished(kind);
        let prod = keys.recipient("prod");
        let encrypt =
            format!("encrypt secret.yaml --recipient {prod} -R escrow.txt -w sealed.yaml");
        directory.succeeds(&encrypt, "");
        for key in ["user", "password"] {
            keys.expect_openers(&directory, "sealed.yaml", key, &["escrow", "prod"]);
        }
        let hint = text_at(&directory, "sealed.yaml", 0, &HINT);
        assert_eq!(hint, keys.hint(&["escrow", "prod"]));
        let identity = format!("\u{feff}{}", directory.read("prod.key"));
        directory.put("bom.key", identity);
        for identity in ["prod.key", "escrow.key", "bom.key"] {
            let secret = directory.succeeds(&format!("decrypt -i {identity} sealed.yaml"), "");
            assert!(secret.contains("password: czNjcjN0"), "{secret}");
        }
        directory.fails(
            "decrypt -i edge.key sealed.yaml",
            "",
            str![[r#"
error: sealed.yaml:[..]: SealedSecret team-a/db: password: sealed for SHA256:[..], SHA256:[..], none of which is among the keys here[..]
error: sealed.yaml:[..]: SealedSecret team-a/db: user: sealed for SHA256:[..], SHA256:[..], none of which is among the keys here[..]

"#]],
        );
    }
}

#[test]
fn every_sealing_command_takes_recipients() {
    let (directory, keys) = furnished(KeyKind::X25519);
    directory.put("sealed.yaml", TWO);
    directory.succeeds(
        "set sealed.yaml --name db password -R prod.txt -R edge.txt",
        "new",
    );
    keys.expect_openers(&directory, "sealed.yaml", "password", &["edge", "prod"]);
    let sealed = directory.succeeds("value -n team-a --name db -R prod.txt", "x");
    assert_eq!(keys.openers(&sealed), (vec!["prod"], Some("x".to_owned())));
    let edit = directory.seal("edit sealed.yaml --name db -R edge.txt");
    edit.env("EDITOR", "sed -i s/!sealed/typed/")
        .assert()
        .success();
    for key in ["user", "password"] {
        keys.expect_openers(&directory, "sealed.yaml", key, &["edge"]);
    }
    assert_eq!(
        text_at(&directory, "sealed.yaml", 0, &HINT),
        keys.hint(&["edge"])
    );
}

#[test]
fn a_file_of_recipients_is_read_as_age_reads_it_and_told_with_its_line() {
    let (directory, keys) = furnished(KeyKind::X25519);
    let both = format!(
        "# clusters\r\n\r\n{}\r\n  # and\r\n{}",
        keys.recipient("prod"),
        keys.recipient("edge")
    );
    directory.put("all.txt", &both);
    let url = format!("file://{}", directory.path("all.txt").display());
    // As Windows' editors save it.
    directory.put("bom.txt", format!("\u{feff}{both}"));
    let first = format!(
        "\u{feff}{}\n{}",
        keys.recipient("prod"),
        keys.recipient("edge")
    );
    directory.put("bom-first.txt", first);
    for file in ["all.txt", &url, "bom.txt", "bom-first.txt"] {
        let sealed = directory.succeeds(&format!("encrypt -o json -R {file}"), SECRET);
        let sealed: serde_json::Value = serde_json::from_str(&sealed).unwrap();
        let value = sealed["spec"]["encryptedData"]["user"].as_str().unwrap();
        assert_eq!(keys.openers(value).0, ["edge", "prod"]);
    }
    for (line, told) in [
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW",
            "SSH keys cannot be recipients here; make an age key with age-keygen",
        ),
        (
            "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
            "a recipient of a plugin, and plugins are not run here; make an age key with age-keygen",
        ),
        (
            "correct horse battery staple",
            "expected an age recipient: age1… or age1pq1…; a passphrase is none",
        ),
        ("age1qqqq", "a malformed age recipient (age1…)"),
    ] {
        directory.put("bad.txt", format!("{both}\n{line}\n"));
        let message = format!("error: bad.txt:6: {told}\n");
        directory.fails("encrypt -R bad.txt", SECRET, message);
    }
    directory.put("empty.txt", "# nobody\n");
    directory.fails(
        "encrypt -R empty.txt",
        SECRET,
        str![[r#"
error: empty.txt: holds no age recipient
  hint: a recipient is a line that begins with age1; age-keygen -y prints that of an identity

"#]],
    );
}

#[test]
fn an_identity_in_the_place_of_a_recipient_is_refused_and_not_repeated() {
    for kind in [KeyKind::X25519, KeyKind::MlKem768X25519] {
        let directory = Directory::new();
        let identity = generate_age(kind).unwrap();
        directory.put("identity.txt", format!("# mine\n{}\n", *identity));
        let config = format!("clusters: {{prod: {{recipients: [{}]}}}}\n", *identity);
        directory.put("config.yaml", config);
        let told = |at: &str| {
            format!(
                "error: {at}: is an age identity, the private side of a key; nothing was done with \
                 it\n  hint: give its recipient, which age-keygen -y prints; an identity that others \
                 have seen protects nothing any more\n"
            )
        };
        directory.fails("encrypt -R identity.txt", SECRET, told("identity.txt:2"));
        let lower = identity.to_ascii_lowercase();
        for text in [identity.as_str(), &lower] {
            let command = format!("encrypt --recipient {text}");
            directory.fails(&command, SECRET, told("--recipient"));
            let backup = format!("keys backup --recipient {text} -w keys.age");
            directory.fails(&backup, "", told("--recipient"));
        }
        for (command, option) in [
            ("encrypt -R", "--recipients-file"),
            ("decrypt -i", "--identity"),
            ("keys verify-backup - -i", "--identity"),
        ] {
            let told = format!(
                "error: {option}: is an age identity, and not the name of a file\n  hint: name a \
                 file; what was on the command line, other users and the shell's history have seen\n"
            );
            directory.fails(&format!("{command} {}", *identity), SECRET, told);
        }
        directory.put(".seal.yaml", directory.read("config.yaml"));
        directory.fails(
            "encrypt",
            SECRET,
            str![[r#"
error: .seal.yaml:1:32: recipients: is an age identity, the private side of a key; give its recipient

"#]],
        );
    }
}

#[test]
fn post_quantum_recipients_and_others_never_share_a_value() {
    let (directory, _) = furnished(KeyKind::X25519);
    let later = AgeKeys::put_in(&directory, KeyKind::MlKem768X25519, &["later"]);
    let told = "error: prod.txt:3 and later.txt:3: post-quantum recipients (age1pq1…) and others \
                (age1…) cannot share a value: [..]\n  hint: the weaker key would undo the stronger: \
                take recipients of one kind, which age-keygen -pq makes, or age-keygen without it\n";
    directory.fails("encrypt -R prod.txt -R later.txt", SECRET, told);
    let told = told.replace("later.txt:3", ".seal.yaml:2:10");
    directory.put(
        ".seal.yaml",
        format!(
            "clusters: {{prod: {{recipients: [prod.txt]}}}}\nescrow: [{}]\n",
            later.recipient("later")
        ),
    );
    directory.fails("encrypt", SECRET, told);
}

#[test]
fn the_kind_follows_who_is_named_unless_it_is_said() {
    let (directory, keys) = furnished(KeyKind::X25519);
    directory.put(
        ".seal.yaml",
        "clusters: {prod: {certificate: cert.pem, recipients: [prod.txt]}}\n",
    );
    let sealed = |arguments: &str| {
        let encrypt = format!("encrypt secret.yaml -w sealed.yaml {arguments}");
        directory.succeeds(&encrypt, "");
        text_at(&directory, "sealed.yaml", 0, &HINT)
    };
    assert_eq!(sealed(""), keys.id("prod"));
    assert_eq!(sealed("--kind age"), keys.id("prod"));
    assert_eq!(sealed("--kind hybrid"), key_id());
    assert_eq!(sealed("--cert cert.pem"), key_id());
    assert_eq!(sealed("-R edge.txt"), keys.id("edge"));
    assert_eq!(
        sealed("-R edge.txt --cert cert.pem --kind age"),
        keys.id("edge")
    );
    assert_eq!(
        sealed("-R edge.txt --cert cert.pem --kind hybrid"),
        key_id()
    );
    directory.fails(
        "encrypt -R edge.txt --cert cert.pem",
        SECRET,
        str![[r#"
error: a value is sealed with one certificate or for age recipients, and both are named
  hint: leave one out (SEALED_SECRETS_CERT names a certificate, too), or say which with --kind age or --kind hybrid

"#]],
    );
    directory.fails(
        "encrypt --kind age --no-config",
        SECRET,
        str![[r#"
error: nothing says for which age recipients to seal
  hint: name them with --recipient or --recipients-file, name a cluster to ask with --context NAME, or give a cluster of .seal.yaml recipients

"#]],
    );
    directory.fails(
        "encrypt -R -",
        SECRET,
        str![[r#"
error: recipients are read from files and URLs here, not from standard input
  hint: write them to a file first

"#]],
    );
}

#[test]
fn one_object_is_sealed_for_several_clusters_and_the_escrow() {
    let (directory, keys) = furnished(KeyKind::MlKem768X25519);
    let later = AgeKeys::put_in(&directory, KeyKind::MlKem768X25519, &["later"]);
    directory.put(
        ".seal.yaml",
        format!(
            "clusters:\n  prod: {{recipients: [prod.txt]}}\n  edge: {{certificate: cert.pem, \
             recipients: [{}]}}\nescrow: [escrow.txt]\nrules:\n  - {{path: both.yaml, clusters: \
             [prod, edge]}}\n  - {{path: edge.yaml, clusters: [edge], escrow: [{}]}}\n",
            keys.recipient("edge"),
            later.recipient("later"),
        ),
    );
    directory.succeeds("encrypt secret.yaml -w both.yaml", "");
    keys.expect_openers(&directory, "both.yaml", "user", &["edge", "escrow", "prod"]);
    directory.succeeds("encrypt secret.yaml -w edge.yaml", "");
    let sealed = value(&directory, "edge.yaml", 0, "user");
    assert_eq!(stanzas(&sealed).post_quantum, 3);
    assert_eq!(keys.openers(&sealed).0, ["edge", "escrow"]);
    assert_eq!(later.openers(&sealed).0, ["later"]);
    // The escrow opens what the command line names others for, too.
    directory.succeeds("encrypt secret.yaml -R prod.txt -w edge.yaml", "");
    let sealed = value(&directory, "edge.yaml", 0, "user");
    assert_eq!(keys.openers(&sealed).0, ["escrow", "prod"]);
    directory.fails(
        "encrypt secret.yaml -w both.yaml --kind hybrid --no-config",
        "",
        str![[r#"
error: nothing says with which certificate to seal
  hint: name it with --cert FILE, name a cluster to ask with --context NAME, or let seal init write a .seal.yaml

"#]],
    );
    directory.fails(
        "encrypt secret.yaml -w edge.yaml --kind hybrid",
        "",
        str![[r#"
error: .seal.yaml: what is sealed with a certificate does not open with the escrow keys that it names
  hint: give the cluster age recipients, take the escrow out of the rules of such files, or seal without them: --no-config

"#]],
    );
}

#[test]
fn a_hybrid_value_is_for_one_cluster() {
    let (directory, _) = furnished(KeyKind::X25519);
    directory.put(
        ".seal.yaml",
        "clusters: {a: {certificate: cert.pem, recipients: [prod.txt]}, b: {recipients: [edge.txt]}}\n\
         rules: [{path: '*', clusters: [a, b]}]\n",
    );
    directory.fails(
        "encrypt --kind hybrid",
        SECRET,
        str![[r#"
error: stdin.yaml is sealed for the clusters a, b, and a hybrid value is for one RSA key
  hint: seal for age recipients, which each of the clusters needs: --kind age

"#]],
    );
    directory.put(".seal.yaml", "clusters: {b: {recipients: [edge.txt]}}\n");
    directory.fails(
        "encrypt --kind hybrid",
        SECRET,
        str![[r#"
error: .seal.yaml: the cluster b has no certificate
  hint: give it one there: seal keys fetch -w cert.pem; or seal with --kind age

"#]],
    );
    directory.put(".seal.yaml", "clusters: {a: {certificate: cert.pem}}\n");
    directory.fails(
        "encrypt --kind age",
        SECRET,
        str![[r#"
error: .seal.yaml: the cluster a has no age recipients
  hint: give it recipients there: seal keys fetch --recipients -w recipients.txt

"#]],
    );
}

#[test]
fn a_recipient_that_is_not_pinned_is_refused_wherever_it_comes_from() {
    let (directory, keys) = furnished(KeyKind::X25519);
    let config = |pin: &str| {
        format!(
            "clusters: {{prod: {{recipients: [prod.txt], pins: ['{pin}']}}}}\nescrow: [escrow.txt]\n"
        )
    };
    directory.put(".seal.yaml", config(&keys.id("prod")));
    directory.succeeds("encrypt secret.yaml -w sealed.yaml", "");
    keys.expect_openers(&directory, "sealed.yaml", "user", &["escrow", "prod"]);
    directory.succeeds("encrypt -R escrow.txt", SECRET);
    directory.fails(
        "encrypt -R edge.txt",
        SECRET,
        str![[r#"
error: edge.txt:3: its key SHA256:[..] is none of those that .seal.yaml pins for the cluster prod; nothing is sealed for it
  hint: make sure, in the cluster, that this is its key, and add it to the pins; if it is not, somebody wants to read what you seal

"#]],
    );
    directory.succeeds("encrypt -R edge.txt --no-config", SECRET);
    directory.put(".seal.yaml", config(&keys.id("edge")));
    directory.fails(
        "encrypt",
        SECRET,
        str![[r#"
error: prod.txt:3: its key SHA256:[..] is none of those that .seal.yaml pins for the cluster prod; nothing is sealed for it
  hint: make sure, in the cluster, that this is its key, and add it to the pins; if it is not, somebody wants to read what you seal

"#]],
    );
}

#[test]
fn what_is_said_of_recipients_is_refused_with_its_place() {
    let (directory, _) = furnished(KeyKind::X25519);
    for (config, told) in [
        (
            "clusters: {prod: {recipients: []}}",
            "1:31: recipients: the list is empty; leave it out",
        ),
        (
            "clusters: {prod: {recipients: age1q}}",
            "1:31: recipients: expected a list, found text",
        ),
        (
            "clusters: {prod: {recipients: [age1q]}}",
            "1:32: recipients: a malformed age recipient (age1…)",
        ),
        (
            "clusters: {prod: {recipients: [ssh-rsa AAAA]}}",
            "1:32: recipients: SSH keys cannot be recipients here; make an age key with age-keygen",
        ),
        (
            "clusters: {prod: {pins: ['SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU']}}",
            "1:12: the cluster needs a certificate or recipients, or a context with which it is \
             asked for them",
        ),
        (
            "escrow: [https://pki.example/escrow.txt]",
            "1:10: escrow: expected a recipient or a file, not a URL",
        ),
        (
            "clusters: {a: {certificate: a.pem}, b: {context: b}}\nrules: [{path: x, clusters: [a, b]}]",
            "2:29: clusters: files for several clusters are sealed for age recipients, and \"a\" has \
             neither recipients nor a context with which it is asked for them",
        ),
    ] {
        directory.put(".seal.yaml", format!("{config}\n"));
        directory.fails("encrypt", SECRET, format!("error: .seal.yaml:{told}\n"));
    }
}
