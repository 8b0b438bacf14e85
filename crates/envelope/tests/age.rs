//! Age envelopes: whom they are for, what they are bound to, and what does not open.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::{io::Write, iter, sync::LazyLock};

use proptest::prelude::*;
use seal_envelope::{
    DecryptError, Diagnosis, Identity, KeyError, KeyKind, KeySize, Kind, Label, OpenError,
    PrivateKeyDer, Recipient, Recipients, RecipientsError, Shape, Stanzas, diagnose, generate_age,
    open,
};

static CLASSIC: LazyLock<[Identity; 3]> = LazyLock::new(|| made(KeyKind::X25519));
static POST_QUANTUM: LazyLock<[Identity; 3]> = LazyLock::new(|| made(KeyKind::MlKem768X25519));
static RSA: LazyLock<Identity> =
    LazyLock::new(|| Identity::new(&PrivateKeyDer::generate(KeySize::Rsa2048).unwrap()).unwrap());

fn made(kind: KeyKind) -> [Identity; 3] {
    [(); 3].map(|()| Identity::from_age(&generate_age(kind).unwrap()).unwrap())
}

fn both() -> [&'static [Identity; 3]; 2] {
    [&*CLASSIC, &*POST_QUANTUM]
}

fn recipients(identities: &[Identity]) -> Recipients {
    Recipients::new(identities.iter().map(|i| i.recipient().clone())).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text)
}

#[test]
fn whole_files_open_for_every_recipient_and_nobody_else_and_are_no_values() {
    for identities in both() {
        let file = recipients(&identities[..2]).encrypt_file(b"keys").unwrap();
        for identity in &identities[..2] {
            assert_eq!(identity.decrypt_file(&file).unwrap().as_bytes(), b"keys");
            assert!(identity.open(&file, &label("")).is_err());
        }
        let none = DecryptError::NoMatch;
        assert_eq!(identities[2].decrypt_file(&file).unwrap_err(), none);
        assert_eq!(RSA.decrypt_file(&file).unwrap_err(), none);
        for end in [0, 10, file.len() / 2, file.len() - 1] {
            let cut = identities[0].decrypt_file(&file[..end]);
            assert_eq!(cut.unwrap_err(), DecryptError::Damaged, "{end}");
        }
    }
    let rsa = Recipients::from(RSA.recipient().clone());
    assert!(rsa.encrypt_file(b"keys").is_err());
}

#[test]
fn every_recipient_opens_and_the_answer_names_its_key() {
    for identities in both() {
        let envelope = recipients(&identities[..2])
            .seal(&label("team-a/db"), b"hunter2")
            .unwrap();
        assert_eq!(Kind::of(&envelope), Kind::Age);
        for identity in &identities[..2] {
            let opened = open(&envelope, &label("team-a/db"), [identity]).unwrap();
            assert_eq!(opened.plaintext.as_bytes(), b"hunter2");
            assert_eq!(&opened.key, identity.id());
        }
        let other = identities[2].open(&envelope, &label("team-a/db"));
        assert_eq!(other.unwrap_err(), OpenError);
        assert_eq!(
            RSA.open(&envelope, &label("team-a/db")).unwrap_err(),
            OpenError
        );
    }
}

#[test]
fn a_value_moved_to_another_name_namespace_or_scope_does_not_open() {
    for identities in both() {
        let envelope = identities[0]
            .recipient()
            .seal(&label("team-a/db"), b"x")
            .unwrap();
        for other in ["team-a/dc", "team-b/db", "team-a", "", "team-a/db "] {
            assert!(
                identities[0].open(&envelope, &label(other)).is_err(),
                "{other}"
            );
        }
        let found = diagnose(
            &envelope,
            &[label("team-a"), label("team-a/db")],
            &identities[..],
        );
        let key = identities[0].id().clone();
        assert_eq!(
            found,
            Diagnosis::OpensUnder {
                label: 1,
                key: key.clone()
            }
        );
        let found = diagnose(&envelope, &[label("team-b/db")], &identities[..]);
        assert_eq!(found, Diagnosis::OtherLabel { key });
    }
}

#[test]
fn stanzas_swapped_between_two_values_do_not_open() {
    for identities in both() {
        let name = label("team-a/db");
        let [one, two] =
            [b"one", b"two"].map(|value| identities[0].recipient().seal(&name, value).unwrap());
        let split = |file: &[u8]| {
            let end = file.windows(5).position(|at| at == b"\n--- ").unwrap();
            (file[..end].to_vec(), file[end..].to_vec())
        };
        let ((one_stanza, _), (_, two_rest)) = (split(&one), split(&two));
        let swapped = [one_stanza, two_rest].concat();
        assert!(identities[0].open(&swapped, &name).is_err());
        let found = diagnose(&swapped, std::slice::from_ref(&name), &identities[..]);
        let key = identities[0].id().clone();
        assert_eq!(found, Diagnosis::Damaged { key });
    }
}

/// An age file to the same recipient, made by somebody with the age program.
#[test]
fn a_foreign_age_file_does_not_open() {
    let recipient: age::x25519::Recipient = CLASSIC[0].recipient().age().unwrap().parse().unwrap();
    for payload in [
        b"".as_slice(),
        b"hunter2",
        b"sealed\0\x02\0\0x",
        b"sealed\0\x01\xff\xffx",
    ] {
        let recipients = iter::once(&recipient as &dyn age::Recipient);
        let mut file = Vec::new();
        let mut writer = age::Encryptor::with_recipients(recipients)
            .unwrap()
            .wrap_output(&mut file)
            .unwrap();
        writer.write_all(payload).unwrap();
        writer.finish().unwrap();

        assert!(CLASSIC[0].open(&file, &label("")).is_err());
        let found = diagnose(&file, &[label("")], &CLASSIC[..]);
        let key = CLASSIC[0].id().clone();
        assert_eq!(found, Diagnosis::Damaged { key });
    }
}

#[test]
fn recipients_that_would_weaken_each_other_are_refused() {
    let of = |identities: &[&Identity]| {
        Recipients::new(identities.iter().map(|i| i.recipient().clone())).unwrap_err()
    };
    assert_eq!(of(&[]), RecipientsError::None);
    let mixed = of(&[&POST_QUANTUM[0], &CLASSIC[0]]);
    assert!(
        matches!(mixed, RecipientsError::PostQuantumWithOther { .. }),
        "{mixed}"
    );
    for pair in [[&CLASSIC[0], &*RSA], [&*RSA, &POST_QUANTUM[0]]] {
        let mixed = of(&pair);
        assert!(
            matches!(mixed, RecipientsError::SeveralWithRsa { .. }),
            "{mixed}"
        );
    }
    let many = iter::repeat_with(|| made(KeyKind::X25519))
        .flatten()
        .take(33);
    let many = Recipients::new(many.map(|i| i.recipient().clone())).unwrap_err();
    assert_eq!(many, RecipientsError::TooMany { count: 33 });
}

#[test]
fn the_most_recipients_that_may_be_sealed_for_all_open() {
    let identities: Vec<Identity> = iter::repeat_with(|| made(KeyKind::X25519))
        .flatten()
        .take(32)
        .collect();
    let envelope = recipients(&identities).seal(&label("a/b"), b"x").unwrap();
    for identity in &identities {
        assert!(identity.open(&envelope, &label("a/b")).is_ok());
    }
}

#[test]
fn an_envelope_tells_without_a_key_how_many_it_is_for_and_how_long_it_is() {
    for identities in both() {
        for (count, length) in [(1, 0), (2, 1), (3, 65_521), (3, 65_522), (2, 200_000)] {
            let plaintext = vec![7; length];
            let sealed = recipients(&identities[..count]);
            let envelope = sealed.seal(&label("team-a"), &plaintext).unwrap();
            let Some(Shape::Age { stanzas, labelled }) = Shape::of(&envelope) else {
                panic!("{count} {length}");
            };
            let (x25519, post_quantum) = match sealed.kind() {
                KeyKind::X25519 => (count, 0),
                _ => (0, count),
            };
            let expected = Stanzas {
                x25519,
                post_quantum,
                other: 0,
            };
            assert_eq!(stanzas, expected);
            assert_eq!((stanzas.recipients(), labelled), (count, length + 6));
            for end in [0, 30, 200] {
                assert_eq!(Shape::of(&envelope[..end]), None, "{end}");
            }
        }
    }
}

#[test]
fn a_recipient_given_twice_counts_once() {
    let twice = [&CLASSIC[0], &CLASSIC[0], &CLASSIC[1]];
    let recipients = Recipients::new(twice.map(|i| i.recipient().clone())).unwrap();
    assert_eq!(recipients.iter().count(), 2);
    let envelope = recipients.seal(&label(""), b"x").unwrap();
    let stanzas = String::from_utf8_lossy(&envelope)
        .matches("-> X25519")
        .count();
    assert_eq!(stanzas, 2);
}

#[test]
fn a_header_with_more_stanzas_than_may_be_tried_is_malformed() {
    let envelope = CLASSIC[0].recipient().seal(&label(""), b"x").unwrap();
    let body = envelope.windows(4).position(|at| at == b"\n-> ").unwrap();
    let end = envelope.windows(5).position(|at| at == b"\n--- ").unwrap();
    let stanza = &envelope[body..end];
    let flood = [&envelope[..body], &stanza.repeat(33), &envelope[end..]].concat();
    assert_eq!(
        diagnose(&flood, &[label("")], &CLASSIC[..]),
        Diagnosis::Malformed
    );
    assert!(CLASSIC[0].open(&flood, &label("")).is_err());
}

#[test]
fn keys_are_read_as_age_writes_them_and_nothing_else() {
    for kind in [KeyKind::X25519, KeyKind::MlKem768X25519] {
        let text = generate_age(kind).unwrap();
        let identity = Identity::from_age(&text).unwrap();
        assert_eq!(identity.recipient().kind(), kind);
        let public = identity.recipient().age().unwrap();
        let recipient: Recipient = public.parse().unwrap();
        assert_eq!(recipient.id(), identity.id());
        assert!(recipient.id().as_str().starts_with("SHA256:"));
        let (rest, last) = public.split_at(public.len() - 1);
        let damaged = format!("{rest}{}", if last == "q" { "p" } else { "q" });
        assert!(damaged.parse::<Recipient>().is_err());
    }
    for refused in [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN",
        "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
        "passphrase",
        "",
    ] {
        let error = refused.parse::<Recipient>().unwrap_err();
        assert!(matches!(error, KeyError::Age(_)), "{refused}: {error}");
    }
    for refused in [
        "AGE-SECRET-KEY-1",
        "AGE-SECRET-KEY-PQ-1QQ",
        "AGE-PLUGIN-X-1QQ",
        "",
    ] {
        assert!(Identity::from_age(refused).is_err(), "{refused}");
    }
}

#[test]
fn an_error_never_quotes_an_identity() {
    let text = generate_age(KeyKind::X25519).unwrap().replace("1Q", "1P");
    let error = Identity::from_age(&format!("{text}Q"))
        .unwrap_err()
        .to_string();
    assert!(!error.contains(&text[20..30]), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_plaintext_and_label_come_back(
        plaintext in proptest::collection::vec(any::<u8>(), 0..3000),
        bound in proptest::collection::vec(any::<u8>(), 0..300),
        post_quantum: bool,
    ) {
        let identity = &both()[usize::from(post_quantum)][0];
        let label = Label::new(bound);
        let envelope = identity.recipient().seal(&label, &plaintext).unwrap();
        let opened = identity.open(&envelope, &label).unwrap();
        prop_assert_eq!(opened.as_bytes(), plaintext);
    }

    #[test]
    fn no_changed_byte_and_no_cut_envelope_opens(
        at: prop::sample::Index,
        bit in 0..8_u32,
        post_quantum: bool,
    ) {
        let identity = &both()[usize::from(post_quantum)][0];
        let envelope = identity.recipient().seal(&label("a/b"), b"hunter2").unwrap();
        let at = at.index(envelope.len());
        let mut flipped = envelope.clone();
        flipped[at] ^= 1 << bit;
        prop_assert!(identity.open(&flipped, &label("a/b")).is_err());
        prop_assert!(identity.open(&envelope[..at], &label("a/b")).is_err());
    }

    #[test]
    fn any_bytes_are_answered(tail in proptest::collection::vec(any::<u8>(), 0..600)) {
        let envelope = [b"age-encryption.org/v1\n".as_slice(), &tail].concat();
        prop_assert!(CLASSIC[0].open(&envelope, &label("")).is_err());
        diagnose(&envelope, &[label("")], &CLASSIC[..]);
    }
}
