//! What holds for every value, every label and every damage.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::sync::LazyLock;

use proptest::prelude::*;
use rsa::{Oaep, pkcs8::DecodePrivateKey, sha2::Sha256};
use seal_envelope::{
    Diagnosis, Identity, KeyError, KeyKind, KeySize, Label, PrivateKeyDer, diagnose,
};

static KEY: LazyLock<PrivateKeyDer> =
    LazyLock::new(|| PrivateKeyDer::generate(KeySize::Rsa2048).unwrap());
static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity::new(&KEY).unwrap());

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn what_is_sealed_opens_under_its_label_alone(
        plaintext in prop::collection::vec(any::<u8>(), 0..5000),
        label in prop::collection::vec(any::<u8>(), 0..100),
        other in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let (bound, free) = (Label::new(label), Label::new(other));
        let envelope = IDENTITY.recipient().seal(&bound, &plaintext).unwrap();
        prop_assert_eq!(envelope.len(), 2 + 256 + plaintext.len() + 16);
        let opened = IDENTITY.open(&envelope, &bound).unwrap();
        prop_assert_eq!(opened.as_bytes(), plaintext);
        prop_assert_eq!(IDENTITY.open(&envelope, &free).is_ok(), bound == free);
    }

    #[test]
    fn a_flipped_bit_anywhere_closes_the_envelope(
        plaintext in prop::collection::vec(any::<u8>(), 0..300),
        position in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let label = Label::new("team-a/db");
        let mut envelope = IDENTITY.recipient().seal(&label, &plaintext).unwrap();
        let position = position.index(envelope.len());
        envelope[position] ^= 1 << bit;
        prop_assert!(IDENTITY.open(&envelope, &label).is_err());
    }

    #[test]
    fn a_truncated_or_lengthened_envelope_stays_closed(
        cut in any::<prop::sample::Index>(),
        tail in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let label = Label::new("team-a/db");
        let mut envelope = IDENTITY.recipient().seal(&label, b"s3cr3t").unwrap();
        let cut = cut.index(envelope.len());
        prop_assert!(IDENTITY.open(&envelope[..cut], &label).is_err());
        envelope.extend(tail);
        prop_assert!(IDENTITY.open(&envelope, &label).is_err());
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let label = Label::new("");
        prop_assert!(IDENTITY.open(&bytes, &label).is_err());
        let found = diagnose(&bytes, &[label], [&*IDENTITY]);
        prop_assert!(matches!(found, Diagnosis::Malformed | Diagnosis::NoKey));
    }

    #[test]
    fn any_bytes_as_a_key_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(PrivateKeyDer::from_pkcs8(&bytes).is_err());
        prop_assert!(seal_envelope::Recipient::from_spki(&bytes).is_err());
        if let Ok(der) = PrivateKeyDer::from_pkcs1(&bytes) {
            prop_assert!(Identity::new(&der).is_err());
        }
    }
}

#[test]
fn sealing_twice_gives_two_envelopes() {
    let label = Label::new("team-a/db");
    let seal = || IDENTITY.recipient().seal(&label, b"s3cr3t").unwrap();
    assert_ne!(seal(), seal());
}

#[test]
fn every_supported_size_makes_keys_that_open_what_they_seal() {
    // 8192 bits take the better part of a minute to make: the other sizes show generation.
    for size in [KeySize::Rsa2048, KeySize::Rsa3072, KeySize::Rsa4096] {
        let identity = Identity::new(&PrivateKeyDer::generate(size).unwrap()).unwrap();
        assert_eq!(identity.recipient().kind(), KeyKind::Rsa(size));
        let label = Label::new("team-a");
        let envelope = identity.recipient().seal(&label, b"s3cr3t").unwrap();
        assert_eq!(
            identity.open(&envelope, &label).unwrap().as_bytes(),
            b"s3cr3t"
        );
    }
}

#[test]
fn an_8192_bit_key_opens_what_it_seals() {
    let der = der_of(include_str!("rsa8192.pem"));
    let identity = Identity::new(&PrivateKeyDer::from_pkcs8(&der).unwrap()).unwrap();
    assert_eq!(identity.recipient().kind(), KeyKind::Rsa(KeySize::Rsa8192));
    let label = Label::new("team-a/db");
    let envelope = identity.recipient().seal(&label, b"s3cr3t").unwrap();
    assert_eq!(envelope.len(), 2 + 1024 + 6 + 16);
    assert_eq!(
        identity.open(&envelope, &label).unwrap().as_bytes(),
        b"s3cr3t"
    );
}

#[test]
fn other_sizes_are_refused_by_name() {
    let der = der_of(include_str!("rsa1024.pem"));
    let der = PrivateKeyDer::from_pkcs8(&der).unwrap();
    assert_eq!(
        Identity::new(&der).unwrap_err(),
        KeyError::Size { bits: 1024 }
    );
    let der = der_of(include_str!("rsa2560.pem"));
    let der = PrivateKeyDer::from_pkcs8(&der).unwrap();
    let error = Identity::new(&der).unwrap_err();
    assert_eq!(
        error.to_string(),
        "RSA keys of 2560 bits are not supported: use 2048, 3072, 4096 or 8192"
    );
}

#[test]
fn an_elliptic_curve_key_is_refused_by_its_algorithm() {
    let der = der_of(include_str!("ec.pem"));
    let error = PrivateKeyDer::from_pkcs8(&der).unwrap_err();
    assert_eq!(
        error,
        KeyError::NotRsa {
            algorithm: "1.2.840.10045.2.1".into()
        }
    );
}

#[test]
fn debug_output_shows_no_key_material() {
    assert_eq!(format!("{:?}", &*KEY), "PrivateKeyDer([redacted])");
    let shown = format!("{:?}", &*IDENTITY);
    assert_eq!(shown, format!("Identity({}, [redacted])", IDENTITY.id()));
}

/// An implementation of RSA and OAEP that shares no code with ours opens the session key.
#[test]
fn the_rsa_crate_opens_the_session_key_and_seals_one_that_opens() {
    let peer = rsa::RsaPrivateKey::from_pkcs8_der(KEY.pkcs8()).unwrap();
    let label = Label::new("team-a/db");
    let envelope = IDENTITY.recipient().seal(&label, b"s3cr3t").unwrap();
    let oaep = || Oaep::new_with_label::<Sha256, _>("team-a/db");
    let session_key = peer.decrypt(oaep(), &envelope[2..258]).unwrap();
    assert_eq!(session_key.len(), 32);

    let mut rng = rsa::rand_core::OsRng;
    let rsa_part = peer
        .to_public_key()
        .encrypt(&mut rng, oaep(), &session_key)
        .unwrap();
    let mut foreign = envelope[..2].to_vec();
    foreign.extend(rsa_part);
    foreign.extend(&envelope[258..]);
    assert_eq!(
        IDENTITY.open(&foreign, &label).unwrap().as_bytes(),
        b"s3cr3t"
    );
}

fn der_of(pem: &str) -> Vec<u8> {
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body).unwrap()
}
