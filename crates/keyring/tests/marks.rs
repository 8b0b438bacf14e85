//! What is noted on key Secrets, what follows from it for the current key, and how it is told.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{OwnerReference, Time},
};
use seal_envelope::{KeySize, Kind};
use seal_keyring::{
    AWAITS_BACKUP, BACKUP, BACKUP_TIME, Inventory, KEY_LABEL, Key, KeyEntry, KeyOrder,
    KeySecretError, KeyState, Keyring, MADE_FOR, Marks, NewKey, SUCCEEDS,
    requests::{Answer, Request, RequestOutcome},
    state_of,
};
use serde_json::json;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ID: &str = "SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A key Secret from the first of a month of 2026, with these annotations.
fn secret(name: &str, month: u8, annotations: &[(&str, &str)]) -> Secret {
    let begins = time(&format!("2026-{month:02}-01T00:00:00Z"));
    let year = SignedDuration::from_hours(24 * 365);
    let key = NewKey::generate(KeySize::Rsa2048, begins, year, "").unwrap();
    let pairs = annotations.iter();
    let annotations = pairs.map(|(key, value)| ((*key).into(), (*value).into()));
    let mut secret = key
        .secret("ns", name, BTreeMap::new(), annotations.collect())
        .unwrap();
    secret.metadata.creation_timestamp = Some(Time(begins));
    secret
}

fn key(name: &str, month: u8, annotations: &[(&str, &str)]) -> Arc<Key> {
    Arc::new(Key::from_secret(secret(name, month, annotations)).unwrap())
}

fn requiring(keys: &[&Arc<Key>]) -> Keyring {
    let keys = keys.iter().map(|key| Arc::clone(key));
    Keyring::new(keys, KeyOrder::default()).requiring_backup()
}

fn names<'a>(keys: impl Iterator<Item = &'a Arc<Key>>) -> Vec<&'a str> {
    keys.map(|key| key.name()).collect()
}

#[test]
fn marks_are_read_as_they_are_written() {
    let annotations = [
        (BACKUP, DIGEST),
        (BACKUP_TIME, "2026-02-03T04:05:06Z"),
        (AWAITS_BACKUP, "true"),
        (MADE_FOR, "a,b"),
        (SUCCEEDS, ID),
    ];
    let marks = Marks::of(&secret("k", 1, &annotations).metadata);
    let backup = marks.backup.as_ref().unwrap();
    assert_eq!(backup.digest.as_str(), DIGEST);
    assert_eq!(backup.time, Some(time("2026-02-03T04:05:06Z")));
    assert_eq!(marks.made_for, ["a", "b"]);
    assert!(marks.awaits_backup && !marks.must_be_backed_up());
    let pairs = annotations.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(marks.annotations(), BTreeMap::from(pairs));
}

#[test]
fn what_is_no_digest_marks_no_backup() {
    let upper = DIGEST.to_uppercase();
    for text in ["", "true", "sha256:", "sha256:abc", upper.as_str()] {
        let marks = Marks::of(&secret("k", 1, &[(BACKUP, text)]).metadata);
        assert_eq!(marks, Marks::default(), "{text}");
    }
}

#[test]
fn the_label_tells_the_state_and_a_sealed_secret_plants_no_key() {
    let mut secret = secret("k", 1, &[]);
    for (label, state) in [
        ("active", KeyState::Active),
        ("compromised", KeyState::Compromised),
        ("retired", KeyState::Retired),
        ("parked", KeyState::Other("parked".into())),
    ] {
        let labels = secret.metadata.labels.as_mut().unwrap();
        labels.insert(KEY_LABEL.into(), label.into());
        assert_eq!(state_of(&secret.metadata, "prefix"), Some(state.clone()));
        assert_eq!(state.as_str(), label);
    }
    secret.metadata.labels = None;
    assert_eq!(state_of(&secret.metadata, "prefix"), None);
    assert_eq!(state_of(&secret.metadata, "k"), Some(KeyState::Active));
    secret.metadata.owner_references = Some(vec![OwnerReference {
        kind: "SealedSecret".into(),
        ..OwnerReference::default()
    }]);
    assert_eq!(state_of(&secret.metadata, "k"), None);
}

#[test]
fn a_new_key_seals_once_it_is_backed_up_where_that_is_required() {
    let old = key("old", 1, &[]);
    let waiting = key("new", 2, &[(AWAITS_BACKUP, "true")]);
    let backed_up = key("new", 2, &[(AWAITS_BACKUP, "true"), (BACKUP, DIGEST)]);

    let ring = requiring(&[&waiting, &old]);
    assert_eq!(names(ring.iter()), ["old", "new"]);
    assert_eq!(ring.newest(Kind::Hybrid).unwrap().name(), "new");
    assert_eq!(names(ring.awaiting_backup(Kind::Hybrid)), ["new"]);

    let ring = requiring(&[&backed_up, &old]);
    assert_eq!(names(ring.iter()), ["new", "old"]);
    assert_eq!(ring.awaiting_backup(Kind::Hybrid).count(), 0);

    let ring = Keyring::new([old, waiting], KeyOrder::default());
    assert_eq!(names(ring.iter()), ["new", "old"], "nobody requires it");
    assert_eq!(ring.awaiting_backup(Kind::Hybrid).count(), 0);
}

#[test]
fn a_cluster_in_which_no_key_is_backed_up_seals_with_the_one_it_began_with() {
    let waits = [(AWAITS_BACKUP, "true")];
    let (first, second, third) = (
        key("a", 1, &waits),
        key("b", 2, &waits),
        key("c", 3, &waits),
    );
    let ring = requiring(&[&second, &third, &first]);
    assert_eq!(names(ring.iter()), ["a", "c", "b"]);
    assert_eq!(names(ring.awaiting_backup(Kind::Hybrid)), ["c", "b"]);
    assert!(requiring(&[]).current(Kind::Hybrid).is_none());
}

#[test]
fn secrets_created_in_one_second_are_ordered_by_their_certificates() {
    let created = |month| {
        let mut secret = secret(&format!("k{month}"), month, &[]);
        secret.metadata.creation_timestamp = Some(Time(time("2026-07-01T00:00:00Z")));
        Arc::new(Key::from_secret(secret).unwrap())
    };
    let order = KeyOrder::SecretCreationTimestamp;
    for keys in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let ring = Keyring::new(keys.map(created), order);
        assert_eq!(names(ring.iter()), ["k3", "k2", "k1"]);
    }
    let ring = Keyring::new([created(9)], order);
    assert_eq!(
        ring.latest(Kind::Hybrid),
        Some(time("2026-09-01T00:00:00Z"))
    );
}

#[test]
fn the_inventory_tells_every_key_and_nothing_private() {
    let ring = requiring(&[
        &key("current", 3, &[(BACKUP, DIGEST)]),
        &key("old", 1, &[]),
        &key("new", 4, &[(AWAITS_BACKUP, "true"), (MADE_FOR, "r1")]),
    ]);
    let mut damaged = secret("damaged", 1, &[]);
    damaged.data = None;
    let inventory = Inventory::new(
        &ring,
        vec![
            KeyEntry::malformed("broken", &KeySecretError::NoKey),
            KeyEntry::out_of_use(&secret("leaked", 2, &[]), KeyState::Compromised),
            KeyEntry::out_of_use(&damaged, KeyState::Retired),
        ],
    );
    let told: Vec<_> = inventory
        .keys
        .iter()
        .map(|key| {
            (
                key.secret.as_str(),
                key.standing.as_str(),
                key.standing.opens(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("current", "current", true),
            ("new", "awaits-backup", true),
            ("old", "active", true),
            ("leaked", "compromised", false),
            ("broken", "malformed", false),
            ("damaged", "retired", false),
        ]
    );
    let json = serde_json::to_string(&inventory).unwrap();
    assert!(!json.contains("PRIVATE"), "{json}");
    assert_eq!(serde_json::from_str::<Inventory>(&json).unwrap(), inventory);
    let current = serde_json::to_value(&inventory.keys[0]).unwrap();
    assert_eq!(current["standing"], "current");
    assert_eq!(current["kind"], "RSA-2048");
    assert_eq!(current["notAfter"], "2027-03-01T00:00:00Z");
    assert_eq!(current["backup"]["digest"], DIGEST);
    assert_eq!(inventory.keys[1].made_for, ["r1"]);
    assert_eq!(
        inventory.keys[4].problem.as_deref(),
        Some("tls.key is missing or empty (in the Secret of an age key, identity.txt)")
    );
    let id = inventory.keys[2].id.clone().unwrap();
    assert_eq!(inventory.find(&id).unwrap().secret, "old");
}

#[test]
fn requests_and_answers_have_these_words() {
    for (text, kind) in [
        (r#"{"action":"rotate"}"#, Kind::Hybrid),
        (r#"{"action":"rotate","kind":"age"}"#, Kind::Age),
    ] {
        let request: Request = serde_json::from_str(text).unwrap();
        assert_eq!(request, Request::Rotate { kind });
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
    }
    let rsa: Request = serde_json::from_str(r#"{"action":"rotate","kind":"rsa"}"#).unwrap();
    let kind = Kind::Hybrid;
    assert_eq!(rsa, Request::Rotate { kind });
    for text in [
        r#"{"action":"dance"}"#,
        r#"{"action":"rotate","kind":"dsa"}"#,
    ] {
        assert!(serde_json::from_str::<Request>(text).is_err());
    }
    let answer = |outcome| {
        let time = time("2026-01-01T00:00:00Z");
        serde_json::to_value(Answer { time, outcome }).unwrap()
    };
    assert_eq!(
        answer(RequestOutcome::Done {
            old_key: None,
            new_key: ID.into()
        }),
        json!({ "time": "2026-01-01T00:00:00Z", "state": "done", "newKey": ID })
    );
    assert_eq!(
        answer(RequestOutcome::Refused { why: "no".into() }),
        json!({ "time": "2026-01-01T00:00:00Z", "state": "refused", "why": "no" })
    );
}
