//! Upstream's recorded ciphertexts: all that must open, all that must not, and why not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_envelope::{Diagnosis, Identity, KeyKind, KeySize, Label, PrivateKeyDer, diagnose, open};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    keys: Vec<Key>,
    cases: Vec<Case>,
    negative: Vec<Case>,
}

#[derive(Deserialize)]
struct Key {
    name: String,
    bits: usize,
    fingerprint: String,
    pkcs1_pem: String,
    pkcs8_pem: String,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    keys_offered: Vec<String>,
    label_hex: String,
    ciphertext_b64: String,
    #[serde(default)]
    plaintext_b64: String,
    #[serde(default)]
    sealed_label_hex: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    stage: String,
}

impl Case {
    fn ciphertext(&self) -> Vec<u8> {
        STANDARD.decode(&self.ciphertext_b64).unwrap()
    }

    fn label(&self) -> Label {
        label(&self.label_hex)
    }

    fn offered<'a>(&self, identities: &'a HashMap<String, Identity>) -> Vec<&'a Identity> {
        self.keys_offered
            .iter()
            .map(|name| &identities[name])
            .collect()
    }
}

fn label(hex: &str) -> Label {
    let bytes = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    Label::new(bytes.map(byte).collect::<Vec<u8>>())
}

fn vectors() -> Vectors {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/envelope.json"
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn pem(text: &str) -> Vec<u8> {
    let body: String = text
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    STANDARD.decode(body).unwrap()
}

fn identities(keys: &[Key]) -> HashMap<String, Identity> {
    let identity = |key: &Key| {
        let der = PrivateKeyDer::from_pkcs1(&pem(&key.pkcs1_pem)).unwrap();
        (key.name.clone(), Identity::new(&der).unwrap())
    };
    keys.iter().map(identity).collect()
}

#[test]
fn a_key_has_upstreams_fingerprint_in_either_encoding() {
    for key in vectors().keys {
        let from_pkcs1 = PrivateKeyDer::from_pkcs1(&pem(&key.pkcs1_pem)).unwrap();
        let from_pkcs8 = PrivateKeyDer::from_pkcs8(&pem(&key.pkcs8_pem)).unwrap();
        assert_eq!(from_pkcs1.pkcs8(), from_pkcs8.pkcs8(), "{}", key.name);
        assert_eq!(
            from_pkcs8.pkcs1().unwrap(),
            pem(&key.pkcs1_pem),
            "{}",
            key.name
        );
        let identity = Identity::new(&from_pkcs1).unwrap();
        assert_eq!(identity.id().as_str(), key.fingerprint, "{}", key.name);
        let size = KeySize::try_from(key.bits).unwrap();
        assert_eq!(
            identity.recipient().kind(),
            KeyKind::Rsa(size),
            "{}",
            key.name
        );
    }
}

#[test]
fn every_ciphertext_of_upstream_opens() {
    let vectors = vectors();
    let identities = identities(&vectors.keys);
    for case in &vectors.cases {
        let opened = open(&case.ciphertext(), &case.label(), case.offered(&identities))
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(
            STANDARD.encode(&*opened.plaintext),
            case.plaintext_b64,
            "{}",
            case.name
        );
    }
    assert_eq!(vectors.cases.len(), 57);
}

#[test]
fn every_ciphertext_that_upstream_refuses_does_not_open() {
    let vectors = vectors();
    let identities = identities(&vectors.keys);
    for case in &vectors.negative {
        let answer = open(&case.ciphertext(), &case.label(), case.offered(&identities));
        assert_eq!(
            answer.map(|_| ()).map_err(|error| error.to_string()),
            Err("no key could decrypt secret".into()),
            "{}",
            case.name
        );
    }
    assert_eq!(vectors.negative.len(), 50);
}

#[test]
fn a_diagnosis_names_the_class_of_failure() {
    let vectors = vectors();
    let identities = identities(&vectors.keys);
    for case in &vectors.negative {
        let labels = [case.label(), label(&case.sealed_label_hex)];
        let found = diagnose(&case.ciphertext(), &labels, case.offered(&identities));
        let right = match (case.error.as_str(), case.stage.as_str()) {
            ("too_short", _) => found == Diagnosis::Malformed,
            ("wrong_label", _) => matches!(found, Diagnosis::OpensUnder { label: 1, .. }),
            ("no_key", _) => found == Diagnosis::NoKey || case.ciphertext_b64.len() < 4,
            ("corrupt", "aead" | "session") => {
                matches!(found, Diagnosis::Damaged { .. } | Diagnosis::Malformed)
            }
            ("corrupt", "rsa") => matches!(found, Diagnosis::NoKey | Diagnosis::Malformed),
            other => panic!("{}: {other:?}", case.name),
        };
        assert!(
            right,
            "{}: {found:?} for {} at {}",
            case.name, case.error, case.stage
        );
    }
}
