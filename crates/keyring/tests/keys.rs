//! Keys as upstream and people write them, and their order.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{OwnerReference, Time},
};
use seal_envelope::{KeyId, KeySize, Kind, Label};
use seal_keyring::{
    Certificate, CertificateError, IdentityError, KEY_LABEL, Key, KeyOrder, KeySecretError,
    Keyring, Naming, NewKey, identities_from_objects, identities_from_pem, in_use, not_before,
};
use serde_json::{Value, json};
use x509_cert::der::{Decode, oid::AssociatedOid};

fn recorded_keys() -> Vec<Value> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/envelope.json"
    );
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    vectors["keys"].as_array().unwrap().clone()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn new_key(not_before: &str) -> NewKey {
    let year = SignedDuration::from_hours(24 * 365);
    NewKey::generate(KeySize::Rsa2048, time(not_before), year, "").unwrap()
}

fn secret(key: &NewKey, name: &str) -> Secret {
    key.secret("sealed-secrets", name, BTreeMap::new(), BTreeMap::new())
        .unwrap()
}

fn stored(not_before: &str, name: &str, created: &str) -> Arc<Key> {
    let mut secret = secret(&new_key(not_before), name);
    secret.metadata.creation_timestamp = Some(Time(time(created)));
    Arc::new(Key::from_secret(secret).unwrap())
}

#[test]
fn upstreams_certificates_and_keys_are_read_in_every_encoding() {
    for key in recorded_keys() {
        let certificate = Certificate::from_pem(text(&key, "cert_pem").as_bytes()).unwrap();
        assert_eq!(certificate.key_id().as_str(), text(&key, "fingerprint"));
        assert_eq!(
            certificate.not_before(),
            time(text(&key, "cert_not_before"))
        );
        assert_eq!(certificate.not_after(), time(text(&key, "cert_not_after")));
        assert_eq!(certificate.to_pem(), text(&key, "cert_pem"));
        for pem in [text(&key, "pkcs1_pem"), text(&key, "pkcs8_pem")] {
            let identities = identities_from_pem(pem.as_bytes()).unwrap();
            assert_eq!(identities[0].id(), certificate.key_id());
        }
    }
}

#[test]
fn the_first_certificate_of_a_chain_counts() {
    let keys = recorded_keys();
    let chain = format!(
        "subject=x\n{}{}",
        text(&keys[0], "cert_pem"),
        text(&keys[1], "cert_pem")
    );
    let certificate = Certificate::from_pem(chain.as_bytes()).unwrap();
    assert_eq!(certificate.key_id().as_str(), text(&keys[0], "fingerprint"));
}

#[test]
fn a_certificate_expires_after_its_last_moment() {
    let key = new_key("2024-01-01T00:00:00Z");
    let certificate = key.certificate();
    assert!(!certificate.is_expired(time("2024-12-31T00:00:00Z")));
    assert!(certificate.is_expired(time("2024-12-31T00:00:01Z")));
}

#[test]
fn certificates_that_cannot_seal_are_refused_with_the_reason() {
    let refused = |pem: &str| Certificate::from_pem(pem.as_bytes()).unwrap_err();
    assert_eq!(refused(""), CertificateError::Missing);
    assert_eq!(refused("-----BEGIN CERTIFICATE-----\nAAAA\n"), {
        CertificateError::Malformed("-----END CERTIFICATE----- is missing".into())
    });
    let garbage = refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(
        matches!(garbage, CertificateError::Malformed(_)),
        "{garbage}"
    );
    assert_eq!(
        refused(include_str!("ec-certificate.pem")).to_string(),
        "the certificate cannot be used for sealing: expected an RSA key but found one of \
         algorithm 1.2.840.10045.2.1"
    );
}

#[test]
fn private_keys_that_cannot_open_are_refused_with_the_reason() {
    let refused = |pem: &str| identities_from_pem(pem.as_bytes()).unwrap_err();
    assert_eq!(refused("nothing here"), IdentityError::Missing);
    assert_eq!(
        refused(include_str!("ec-certificate.pem")),
        IdentityError::Missing
    );
    let damaged = "-----BEGIN RSA PRIVATE KEY-----\n!!!\n-----END RSA PRIVATE KEY-----\n";
    assert_eq!(refused(damaged), IdentityError::Pem);
    let encrypted = damaged.replace("RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(refused(&encrypted), IdentityError::Encrypted);
    let elliptic = damaged.replace("RSA PRIVATE KEY", "EC PRIVATE KEY");
    assert!(
        refused(&elliptic)
            .to_string()
            .contains("expected an RSA key")
    );
}

#[test]
fn a_new_key_is_read_back_from_its_secret_and_opens_what_it_seals() {
    let key = new_key("2026-01-02T03:04:05Z");
    let secret = secret(&key, "sealed-secrets-keyabcde");
    assert_eq!(secret.type_.as_deref(), Some("kubernetes.io/tls"));
    assert!(in_use(&secret, "sealed-secrets-key"));
    let private = String::from_utf8(secret.data.as_ref().unwrap()["tls.key"].0.clone()).unwrap();
    assert!(private.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));

    let stored = Key::from_secret(secret).unwrap();
    assert_eq!(stored.id(), key.certificate().key_id());
    assert_eq!(stored.public().not_before(), time("2026-01-02T03:04:05Z"));
    let label = Label::new("team-a/db");
    let envelope = stored
        .public()
        .recipients()
        .seal(&label, b"s3cr3t")
        .unwrap();
    assert_eq!(
        stored
            .identity()
            .open(&envelope, &label)
            .unwrap()
            .as_bytes(),
        b"s3cr3t"
    );
}

#[test]
fn a_new_certificate_looks_like_upstreams() {
    let key = NewKey::generate(
        KeySize::Rsa2048,
        time("2026-01-02T03:04:05Z"),
        SignedDuration::from_hours(87_600),
        "sealed.example",
    )
    .unwrap();
    let (_, der) = pem_rfc7468::decode_vec(key.certificate().to_pem().as_bytes()).unwrap();
    let ours = x509_cert::Certificate::from_der(&der).unwrap();
    let recorded = recorded_keys();
    let theirs = text(&recorded[1], "cert_pem");
    let (_, der) = pem_rfc7468::decode_vec(theirs.as_bytes()).unwrap();
    let theirs = x509_cert::Certificate::from_der(&der).unwrap();

    let extension = |certificate: &x509_cert::Certificate, oid| {
        let extensions = certificate.tbs_certificate().extensions().unwrap().clone();
        extensions
            .into_iter()
            .find(|extension| extension.extn_id == oid)
    };
    for oid in [
        x509_cert::ext::pkix::KeyUsage::OID,
        x509_cert::ext::pkix::BasicConstraints::OID,
    ] {
        assert_eq!(extension(&ours, oid), extension(&theirs, oid), "{oid}");
    }
    assert_eq!(
        ours.tbs_certificate().subject().to_string(),
        "CN=sealed.example"
    );
    assert_eq!(
        ours.tbs_certificate().issuer(),
        ours.tbs_certificate().subject()
    );
    assert_eq!(ours.signature_algorithm(), theirs.signature_algorithm());
    assert_eq!(key.certificate().not_after(), time("2035-12-31T03:04:05Z"));
}

#[test]
fn the_newest_certificate_is_current_whenever_its_secret_was_created() {
    let old = stored("2024-01-01T00:00:00Z", "old", "2026-01-01T00:00:00Z");
    let new = stored("2025-01-01T00:00:00Z", "new", "2024-01-01T00:00:00Z");
    let by_certificate = Keyring::new([old.clone(), new.clone()], "CertNotBefore".parse().unwrap());
    assert_eq!(by_certificate.current(Kind::Hybrid).unwrap().name(), "new");
    let by_secret = Keyring::new([old, new], "SecretCreationTimestamp".parse().unwrap());
    assert_eq!(by_secret.current(Kind::Hybrid).unwrap().name(), "old");
}

#[test]
fn equal_times_are_ordered_the_same_way_by_everybody() {
    let same = "2024-01-01T00:00:00Z";
    let (a, b) = (stored(same, "a", same), stored(same, "b", same));
    let one = Keyring::new([a.clone(), b.clone()], KeyOrder::default());
    let other = Keyring::new([b, a], KeyOrder::default());
    let current = |ring: &Keyring| ring.current(Kind::Hybrid).unwrap().id().clone();
    assert_eq!(current(&one), current(&other));
}

#[test]
fn two_secrets_with_one_key_count_once() {
    let key = new_key("2024-01-01T00:00:00Z");
    let stored = |name| Arc::new(Key::from_secret(secret(&key, name)).unwrap());
    let keyring = Keyring::new([stored("b"), stored("a")], KeyOrder::default());
    assert_eq!(keyring.len(), 1);
    assert_eq!(keyring.current(Kind::Hybrid).unwrap().name(), "a");
}

#[test]
fn hinted_keys_are_tried_first_and_unknown_hints_are_passed_over() {
    let names = ["k1", "k2", "k3"];
    let day = |n| format!("2024-01-0{n}T00:00:00Z");
    let keys: Vec<_> = names
        .iter()
        .zip(1..)
        .map(|(name, n)| stored(&day(n), name, &day(n)))
        .collect();
    let keyring = Keyring::new(keys.iter().cloned(), KeyOrder::default());
    let foreign = new_key("2024-01-01T00:00:00Z");
    let foreign = foreign.certificate().key_id();
    let order = |hints: &[&KeyId], last| {
        let hints: Vec<_> = hints.iter().copied().cloned().collect();
        let order = keyring.preferring(&hints, last);
        order
            .iter()
            .map(|key| key.name().to_owned())
            .collect::<Vec<_>>()
    };
    let (k1, k2) = (keys[0].id(), keys[1].id());
    assert_eq!(order(&[foreign, k1, k1], None), ["k1", "k3", "k2"]);
    assert_eq!(order(&[], Some(k1)), ["k1", "k3", "k2"]);
    assert_eq!(order(&[k1], Some(k2)), ["k1", "k2", "k3"]);
    assert_eq!(order(&[k1, k2], Some(foreign)), ["k2", "k1", "k3"]);
}

#[test]
fn only_active_keys_and_the_legacy_secret_are_in_use() {
    let mut key = secret(&new_key("2024-01-01T00:00:00Z"), "sealed-secrets-key");
    assert!(in_use(&key, "sealed-secrets-key"));
    let labels = key.metadata.labels.as_mut().unwrap();
    labels.insert(KEY_LABEL.into(), "compromised".into());
    assert!(!in_use(&key, "sealed-secrets-key"));
    key.metadata.labels = None;
    assert!(
        in_use(&key, "sealed-secrets-key"),
        "the legacy Secret counts without a label"
    );
    assert!(!in_use(&key, "other-prefix"));
}

#[test]
fn a_secret_that_a_sealed_secret_owns_is_never_a_key() {
    let mut key = secret(&new_key("2024-01-01T00:00:00Z"), "planted");
    key.metadata.owner_references = Some(vec![OwnerReference {
        kind: "SealedSecret".into(),
        ..OwnerReference::default()
    }]);
    assert!(!in_use(&key, "sealed-secrets-key"));
}

#[test]
fn key_secrets_are_read_from_lists_and_bare_arrays() {
    let one = serde_json::to_value(secret(&new_key("2024-01-01T00:00:00Z"), "one")).unwrap();
    let two = serde_json::to_value(secret(&new_key("2024-01-01T00:00:00Z"), "two")).unwrap();
    let empty = json!({ "metadata": { "name": "empty" } });
    let count = |object| identities_from_objects(object).map(|found| found.len());
    assert_eq!(count(one.clone()), Ok(1));
    assert_eq!(
        count(json!({ "kind": "List", "items": [one, empty, two] })),
        Ok(2)
    );
    assert_eq!(count(json!([one, two])), Ok(2));
    assert_eq!(count(json!([])), Err(IdentityError::Missing));
    assert_eq!(count(json!("text")), Err(IdentityError::NotASecret));
}

#[test]
fn a_malformed_key_secret_is_named_with_what_is_wrong() {
    let key = new_key("2024-01-01T00:00:00Z");
    let other = new_key("2024-01-01T00:00:00Z");
    let broken = |change: &dyn Fn(&mut Secret)| {
        let mut secret = secret(&key, "broken");
        change(&mut secret);
        let (name, error) = Key::from_secret(secret).unwrap_err();
        assert_eq!(name, "broken");
        error
    };
    let data = |secret: &mut Secret, item: &str, bytes: Vec<u8>| {
        secret.data.as_mut().unwrap().get_mut(item).unwrap().0 = bytes;
    };
    assert_eq!(broken(&|secret| secret.data = None), KeySecretError::NoKey);
    assert_eq!(
        broken(&|secret| data(secret, "tls.crt", vec![])),
        KeySecretError::NoCertificate
    );
    let garbage = broken(&|secret| data(secret, "tls.key", b"garbage".to_vec()));
    assert_eq!(garbage, KeySecretError::PrivateKey(IdentityError::Missing));
    let foreign = broken(&|secret| {
        data(secret, "tls.crt", other.certificate().to_pem().into_bytes());
    });
    assert!(
        matches!(foreign, KeySecretError::Mismatch { .. }),
        "{foreign}"
    );
}

#[test]
fn a_new_key_begins_after_the_newest_whatever_the_clock_says() {
    let now = time("2026-01-01T00:00:00Z");
    assert_eq!(not_before(now, None), now);
    assert_eq!(not_before(now, Some(time("2025-01-01T00:00:00Z"))), now);
    assert_eq!(
        not_before(now, Some(time("2027-01-01T00:00:00Z"))),
        time("2027-01-01T00:00:01Z")
    );
}

#[test]
fn two_makers_name_the_key_of_one_occasion_alike() {
    let naming = Naming {
        prefix: "sealed-secrets-key",
        current_uid: "u1",
        occasion: "2026-01",
    };
    assert_eq!(naming.name(), naming.name());
    assert_eq!(naming.name().len(), "sealed-secrets-key".len() + 5);
    assert_ne!(
        naming.name(),
        Naming {
            occasion: "2026-02",
            ..naming
        }
        .name()
    );
    assert_ne!(
        naming.name(),
        Naming {
            current_uid: "u2",
            ..naming
        }
        .name()
    );
    assert_ne!(
        Naming {
            current_uid: "u",
            occasion: "x",
            ..naming
        }
        .name(),
        Naming {
            current_uid: "",
            occasion: "ux",
            ..naming
        }
        .name()
    );
}
