//! How long envelopes are, by kind and number of recipients: the formulas and the table of
//! docs/wire-format.md, compared with envelopes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::{fs, iter, ops::RangeInclusive};

use seal_envelope::{
    Identity, KeyKind, KeySize, Label, PrivateKeyDer, Recipient, Recipients, generate_age,
};

const LABEL: &str = "team-a/db";
const CHUNK: usize = 64 << 10;

/// Length of the RSA part, its own length, and the tag.
fn hybrid(modulus: usize, value: usize) -> usize {
    2 + modulus + value + 16
}

/// Version line, MAC line, nonce, payload and its tags; a stanza for each recipient, and the one of
/// random length that is for nobody.
fn age(kind: KeyKind, recipients: usize, label: usize, value: usize) -> RangeInclusive<usize> {
    let stanza = match kind {
        KeyKind::X25519 => 98,
        _ => 1557,
    };
    let payload = 8 + 2 + label + value;
    let tags = 16 * payload.div_ceil(CHUNK).max(1);
    let length = 22 + 48 + 16 + payload + tags + recipients * stanza;
    length + 13..=length + 190
}

fn base64(length: usize) -> usize {
    length.div_ceil(3) * 4
}

fn recipients(kind: KeyKind, count: usize) -> Recipients {
    let make = || -> Recipient {
        let identity = Identity::from_age(&generate_age(kind).unwrap()).unwrap();
        identity.recipient().clone()
    };
    Recipients::new(iter::repeat_with(make).take(count)).unwrap()
}

#[test]
fn envelopes_are_as_long_as_the_formulas_say() {
    let label = Label::new(LABEL);
    for kind in [KeyKind::X25519, KeyKind::MlKem768X25519] {
        for count in [1, 2, 5, 32] {
            let recipients = recipients(kind, count);
            for value in [0, 32, CHUNK - 19, CHUNK - 18, 150_000] {
                let expected = age(kind, count, LABEL.len(), value);
                for _ in 0..4 {
                    let length = recipients.seal(&label, &vec![7; value]).unwrap().len();
                    let called = format!("{kind} {count} {value}: {length}, {expected:?}");
                    assert!(expected.contains(&length), "{called}");
                }
            }
        }
    }
    let rsa = Identity::new(&PrivateKeyDer::generate(KeySize::Rsa2048).unwrap()).unwrap();
    for value in [0, 32, 150_000] {
        let envelope = rsa.recipient().seal(&label, &vec![7; value]).unwrap();
        assert_eq!(envelope.len(), hybrid(256, value));
    }
}

#[test]
fn the_wire_format_has_the_table_of_sizes() {
    const VALUE: usize = 32;
    let range = |kind, count| {
        let lengths = age(kind, count, LABEL.len(), VALUE);
        let (least, most) = (base64(*lengths.start()), base64(*lengths.end()));
        format!("{least} to {most}")
    };
    let mut table = "| recipients | hybrid, RSA-4096 | age, X25519 | age, post-quantum |\n\
                     |---|---|---|---|\n"
        .to_owned();
    for count in [1, 2, 3, 5, 10, 32] {
        let rsa = match count {
            1 => base64(hybrid(512, VALUE)).to_string(),
            _ => "-".to_owned(),
        };
        let x25519 = range(KeyKind::X25519, count);
        let post_quantum = range(KeyKind::MlKem768X25519, count);
        table += &format!("| {count} | {rsa} | {x25519} | {post_quantum} |\n");
    }
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/wire-format.md");
    let text = fs::read_to_string(docs).unwrap();
    assert!(text.contains(&table), "docs/wire-format.md lacks\n{table}");
}
