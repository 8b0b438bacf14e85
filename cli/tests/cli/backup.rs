//! Backups of keys, as far as no cluster is needed.

use seal_envelope::{Identity, KeyKind, Recipients, generate_age};
use serde_json::{Value, json};
use snapbox::str;

use crate::{directory::Directory, vectors};

/// Holds `keys.yaml`, `keys.age` and the identity that opens it.
fn with_backup() -> Directory {
    let directory = Directory::new();
    let keys = vectors::envelope();
    let keys = keys["keys"].as_array().unwrap()[..2].iter().zip(1..);
    let secrets: Vec<_> = keys.map(|(key, at)| secret(key, at)).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": secrets }).to_string();
    let text = generate_age(KeyKind::X25519).unwrap();
    let identity = Identity::from_age(&text).unwrap();
    let recipients = Recipients::from(identity.recipient().clone());
    directory.put(
        "keys.age",
        recipients.encrypt_file(list.as_bytes()).unwrap(),
    );
    directory.put("keys.yaml", list);
    directory.put(
        "identity.txt",
        format!("# a comment\n\n{}\n", text.as_str()),
    );
    let other = generate_age(KeyKind::MlKem768X25519).unwrap();
    directory.put("other.txt", other.as_bytes());
    directory
}

/// The younger stands first, as a list that is ordered by names may have it.
fn secret(key: &Value, at: u32) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": format!("key-{at}"),
            "labels": { "sealedsecrets.bitnami.com/sealed-secrets-key": "active" },
            "creationTimestamp": format!("2024-01-0{}T00:00:00Z", 9 - at),
        },
        "stringData": { "tls.key": key["pkcs1_pem"], "tls.crt": key["cert_pem"] },
    })
}

#[test]
fn what_a_backup_holds_is_told_oldest_first_encrypted_or_not() {
    let directory = with_backup();
    for file in ["keys.age -i other.txt -i identity.txt", "keys.yaml"] {
        let command = format!("keys verify-backup --offline {file}");
        let told = directory.succeeds(&command, "");
        let names: Vec<_> = told
            .lines()
            .map(|it| it.split(' ').nth(2).unwrap())
            .collect();
        assert_eq!(names, ["key-2", "key-1"], "{told}");
        let told = directory.succeeds(&format!("{command} --output json"), "");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["keys"][0]["secret"], "key-2");
        assert_eq!(told.get("missing"), None);
        assert!(told["digest"].as_str().unwrap().starts_with("sha256:"));
    }
}

#[test]
fn a_file_that_was_appended_to_holds_each_key_once() {
    let directory = with_backup();
    let twice = format!("{0}\n---\n{0}\n", directory.read("keys.yaml"));
    let told = directory.succeeds("keys verify-backup --offline -", &twice);
    assert_eq!(told.lines().count(), 2);
}

#[test]
fn a_backup_that_does_not_open_is_refused_and_says_why() {
    let directory = with_backup();
    let file = std::fs::read(directory.path("keys.age")).unwrap();
    directory.put("cut.age", &file[..file.len() - 1]);
    directory.put("armored.age", "-----BEGIN AGE ENCRYPTED FILE-----\n");
    let verify = |file: &str| format!("keys verify-backup --offline {file}");
    directory.fails(
        &verify("keys.age"),
        "",
        str![[r#"
error: keys.age: is encrypted, and no identity is given
  hint: name the file with the age identity: --identity FILE

"#]],
    );
    directory.fails(
        &verify("keys.age -i other.txt"),
        "",
        str![[r#"
error: keys.age: is encrypted to other recipients than the given identities
  hint: name the identity of one of the recipients that it was made for

"#]],
    );
    directory.fails(
        &verify("cut.age -i identity.txt"),
        "",
        str![[r#"
error: cut.age: the age file is damaged or cut off

"#]],
    );
    directory.fails(
        &verify("armored.age -i identity.txt"),
        "",
        str![[r#"
error: armored.age: an armored age file is not read
  hint: decrypt it with age and hand the result on: age -d -i FILE BACKUP | seal … -

"#]],
    );
    directory.fails(
        &verify("secret.yaml"),
        "",
        str![[r#"
error: secret.yaml: holds no key
  hint: key Secrets have the label sealedsecrets.bitnami.com/sealed-secrets-key

"#]],
    );
    directory.fails(
        &verify("keys.age -i cert.pem"),
        "",
        str![[r#"
error: cert.pem:1: expected an age identity: AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…

"#]],
    );
}

#[test]
fn a_certificate_of_another_key_is_not_taken_for_a_key() {
    let directory = with_backup();
    let keys = vectors::envelope();
    let mut secret = secret(&keys["keys"][0], 1);
    secret["stringData"]["tls.crt"] = keys["keys"][1]["cert_pem"].clone();
    directory
        .seal("keys verify-backup --offline -")
        .stdin(secret.to_string())
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: <stdin>: holds no key: the Secret key-1 holds no usable key: tls.crt certifies key [..] but tls.key is [..]
...
"#]]);
}

#[test]
fn a_backup_is_made_for_somebody_or_asked_about() {
    let directory = Directory::new();
    directory.put("nobody.txt", "# nobody\n");
    directory.fails(
        "keys backup -R nobody.txt -w keys.age",
        "",
        str![[r#"
error: nobody.txt: holds no age recipient
  hint: a recipient is a line that begins with age1; age-keygen -y prints that of an identity

"#]],
    );
    directory.fails(
        "keys backup -r age1nonsense -w keys.age",
        "",
        str![[r#"
error: --recipient age1nonsense: a malformed age recipient (age1…)

"#]],
    );
    directory.fails(
        "keys backup -r AGE-SECRET-KEY-1NONSENSE -w keys.age",
        "",
        str![[r#"
error: --recipient: is an age identity, the private side of a key; nothing was done with it
  hint: give its recipient, which age-keygen -y prints; an identity that others have seen protects nothing any more

"#]],
    );
    directory.fails(
        "keys backup --plaintext -w keys.yaml",
        "",
        str![[r#"
error: Write the private keys to keys.yaml in plaintext? There is no terminal to ask
  hint: if that is intended, add --yes

"#]],
    );
}
