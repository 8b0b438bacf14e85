//! Why a value does not open.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::{Scope, SealedSecret, annotations};
use seal_envelope::{Identity, KeyId, KeyKind, Kind, Recipients, generate_age};
use seal_sealing::{Cause, diagnose, seal, set_key_hints, unseal};

use crate::{KEYS, for_key, keys, sealed, secret, value};

#[test]
fn a_diagnosis_says_what_is_wrong_and_what_to_do() {
    let cause = |sealed: &SealedSecret, identities: &[&Identity]| {
        diagnose(sealed, &sealed.spec.encrypted_data["password"], identities)
    };
    let good = sealed("");
    let hints = vec![KEYS[0].id().clone()];
    let kind = Kind::Hybrid;
    let wrong_key = Cause::WrongKey {
        kind,
        hints,
        held: vec![],
    };
    assert_eq!(cause(&good, &[&KEYS[1]]), wrong_key);

    let mut widened = good.clone();
    widened.metadata.annotations =
        Some([(annotations::CLUSTER_WIDE.to_owned(), "true".to_owned())].into());
    let wrong_scope = Cause::WrongScope {
        sealed: Scope::Strict,
        asked: Scope::ClusterWide,
    };
    assert_eq!(cause(&widened, &keys()), wrong_scope);
    assert!(wrong_scope.to_string().contains("remove the annotation"));

    let mut renamed = good.clone();
    renamed.metadata.name = Some("renamed".into());
    let keys_of_hint = vec![KEYS[0].id().clone()];
    let keys_of_hint = Cause::WrongNameOrCorrupt { keys: keys_of_hint };
    assert_eq!(cause(&renamed, &keys()), keys_of_hint);
    renamed.metadata.annotations = None;
    let hints = vec![];
    let wrong_key = Cause::WrongKey {
        kind,
        hints,
        held: vec![],
    };
    assert_eq!(cause(&renamed, &keys()), wrong_key);

    let mut damaged = good;
    let text = damaged.spec.encrypted_data.get_mut("password").unwrap();
    text.replace_range(text.len() - 8..text.len() - 4, "AAAA");
    assert_eq!(cause(&damaged, &keys()), Cause::Corrupt);
}

#[test]
fn a_renamed_object_in_age_envelopes_is_told_from_a_damaged_one() {
    let mut sealed = seal(&secret(""), &for_key(3)).unwrap();
    let cause =
        |sealed: &SealedSecret| diagnose(sealed, &sealed.spec.encrypted_data["password"], &keys());
    sealed.metadata.name = Some("renamed".into());
    let key = KEYS[3].id().clone();
    assert_eq!(cause(&sealed), Cause::WrongName { key });
    assert!(unseal(&sealed, &keys(), false).is_err());
    sealed.spec.encrypted_data.insert(
        "password".into(),
        STANDARD.encode(b"age-encryption.org/v1\n-> X25519 AAAA\n"),
    );
    assert_eq!(cause(&sealed), Cause::Corrupt);
}

#[test]
fn an_age_envelope_for_others_is_told_by_the_recipients_that_are_not_here() {
    let other = Identity::from_age(&generate_age(KeyKind::X25519).unwrap()).unwrap();
    let for_both = |keys: [&Identity; 2]| {
        let recipients = keys.map(|key| key.recipient().clone());
        Recipients::new(recipients).unwrap()
    };
    let shared = seal(&secret(""), &for_both([&KEYS[3], &other])).unwrap();
    assert_eq!(value(&shared, "password"), "s3cr3t", "ours is among them");

    // Only one of the values is for us, and the hint names the recipients of both.
    let mut mixed = shared;
    let theirs = seal(&secret(""), &other.recipient().clone().into()).unwrap();
    let password = theirs.spec.encrypted_data["password"].clone();
    mixed
        .spec
        .encrypted_data
        .insert("password".into(), password.clone());
    let told = diagnose(&mixed, &password, &keys());
    let (kind, hints) = (Kind::Age, vec![other.id().clone()]);
    assert_eq!(
        told,
        Cause::WrongKey {
            kind,
            hints,
            held: vec![]
        }
    );
    assert!(told.to_string().contains("age recipient"), "{told}");
}

#[test]
fn a_hint_at_an_age_key_says_nothing_about_a_hybrid_value() {
    let mut renamed = sealed("");
    renamed.metadata.name = Some("renamed".into());
    let password = renamed.spec.encrypted_data["password"].clone();
    let hints = [KEYS[0].id().clone(), KEYS[3].id().clone()];
    set_key_hints(&mut renamed.metadata, &hints.clone().into());
    let held: Vec<_> = keys().into_iter().skip(1).collect();
    let (kind, hints) = (Kind::Hybrid, vec![KEYS[0].id().clone()]);
    let told = diagnose(&renamed, &password, &held);
    assert_eq!(
        told,
        Cause::WrongKey {
            kind,
            hints,
            held: vec![]
        }
    );
}

#[test]
fn a_key_of_the_hint_that_is_missing_is_the_wrong_key_although_another_one_is_here() {
    let mut mixed = sealed("");
    let theirs = seal(&secret(""), &for_key(1)).unwrap();
    let password = theirs.spec.encrypted_data["password"].clone();
    let items = &mut mixed.spec.encrypted_data;
    items.insert("password".into(), password.clone());
    let (ours, missing) = (KEYS[0].id().clone(), KEYS[1].id().clone());
    set_key_hints(&mut mixed.metadata, &[ours.clone(), missing.clone()].into());

    let told = diagnose(&mixed, &password, &[&KEYS[0]]);
    let text = told.to_string();
    let place = |key: &KeyId| text.find(key.as_str()).unwrap();
    assert!(place(&missing) < place(&ours), "{text}");
    let wrong_key = Cause::WrongKey {
        kind: Kind::Hybrid,
        hints: vec![missing.clone()],
        held: vec![ours.clone()],
    };
    assert_eq!(told, wrong_key);

    // With both here nothing is missing.
    mixed.metadata.name = Some("renamed".into());
    let mut both = vec![ours, missing];
    both.sort();
    let told = diagnose(&mixed, &password, &keys());
    assert_eq!(told, Cause::WrongNameOrCorrupt { keys: both });
}
