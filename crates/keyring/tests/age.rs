//! Age keys: as Secrets hold them, as age writes them, and beside RSA keys.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{OwnerReference, Time},
};
use seal_envelope::{KeyKind, KeySize, Kind, Label};
use seal_keyring::{
    AGE_KEY_LABEL, AWAITS_BACKUP, IdentityError, Inventory, KEY_LABEL, Key, KeyEntry, KeyOrder,
    KeySecretError, KeyState, Keyring, NOT_BEFORE, NewAgeKey, NewKey, Standing, has_key_label,
    identities_from_age, identities_from_objects, in_use, is_age_identity_file, state_of,
};
use serde_json::json;

const KINDS: [KeyKind; 2] = [KeyKind::X25519, KeyKind::MlKem768X25519];

/// As `age-keygen` v1.3 writes it.
const KEYGEN: &str = "# created: 2026-01-02T03:04:05Z\n\
    # public key: age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj\n\
    AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n";
const KEYGEN_RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn new_key(kind: KeyKind, month: u8) -> NewAgeKey {
    NewAgeKey::generate(kind, time(&format!("2026-{month:02}-01T00:00:00Z"))).unwrap()
}

fn secret(name: &str, month: u8, annotations: &[(&str, &str)]) -> Secret {
    let pairs = annotations.iter();
    let annotations = pairs.map(|(key, value)| ((*key).into(), (*value).into()));
    let key = new_key(KeyKind::X25519, month);
    let mut secret = key.secret("ns", name, BTreeMap::new(), annotations.collect());
    secret.metadata.creation_timestamp = Some(Time(time("2026-07-01T00:00:00Z")));
    secret
}

fn key(name: &str, month: u8) -> Arc<Key> {
    Arc::new(Key::from_secret(secret(name, month, &[])).unwrap())
}

fn rsa(name: &str, month: u8) -> Arc<Key> {
    let begins = time(&format!("2026-{month:02}-01T00:00:00Z"));
    let year = SignedDuration::from_hours(24 * 365);
    let key = NewKey::generate(KeySize::Rsa2048, begins, year, "").unwrap();
    let secret = key.secret("ns", name, BTreeMap::new(), BTreeMap::new());
    Arc::new(Key::from_secret(secret.unwrap()).unwrap())
}

/// A Secret with these items, as somebody makes it by hand.
fn by_hand(items: &[(&str, &str)]) -> Secret {
    let mut secret = Secret::default();
    secret.metadata.name = Some("by-hand".into());
    let data = items
        .iter()
        .map(|(name, text)| ((*name).to_owned(), ByteString((*text).into())));
    secret.data = Some(data.collect());
    secret
}

fn refused(items: &[(&str, &str)]) -> KeySecretError {
    Key::from_secret(by_hand(items)).unwrap_err().1
}

fn names<'a>(keys: impl IntoIterator<Item = &'a Arc<Key>>) -> Vec<&'a str> {
    keys.into_iter().map(|key| key.name()).collect()
}

#[test]
fn a_new_age_key_is_read_back_from_its_secret_and_opens_what_it_seals() {
    for kind in KINDS {
        let begins = time("2026-01-02T03:04:05.678Z");
        let new = NewAgeKey::generate(kind, begins).unwrap();
        let secret = new.secret("ns", "k", BTreeMap::new(), BTreeMap::new());
        assert_eq!(secret.type_.as_deref(), Some("seal.alt/age-key"));
        let labels = secret.metadata.labels.as_ref().unwrap();
        assert_eq!(labels["seal.alt/age-key"], "active");
        assert!(
            !labels.contains_key(KEY_LABEL),
            "upstream must pass it over"
        );
        let annotations = secret.metadata.annotations.as_ref().unwrap();
        assert_eq!(annotations["seal.alt/not-before"], "2026-01-02T03:04:05Z");
        let data = secret.data.as_ref().unwrap();
        let text = |item: &str| String::from_utf8(data[item].0.clone()).unwrap();
        assert_eq!(
            text("recipient.txt"),
            format!("{}\n", new.recipient().as_str())
        );
        assert!(text("identity.txt").starts_with("AGE-SECRET-KEY-"));
        assert_eq!(text("identity.txt").lines().count(), 1);
        assert!(in_use(&secret, "sealed-secrets-key"));

        let stored = Key::from_secret(secret).unwrap();
        assert_eq!(stored.id(), new.recipient().key_id());
        assert_eq!((stored.kind(), stored.public().kind()), (Kind::Age, kind));
        assert_eq!(stored.public().not_before(), time("2026-01-02T03:04:05Z"));
        assert_eq!(stored.public().not_after(), None);
        let label = Label::new("team-a/db");
        let envelope = stored.public().recipients().seal(&label, b"s3cr3t");
        let opened = stored.identity().open(&envelope.unwrap(), &label).unwrap();
        assert_eq!(opened.as_bytes(), b"s3cr3t");
    }
}

#[test]
fn an_identity_file_of_age_keygen_is_a_key_with_or_without_its_recipient() {
    let recipient = format!("# of the cluster\n\n{KEYGEN_RECIPIENT}\n");
    for items in [
        vec![("identity.txt", KEYGEN)],
        vec![("identity.txt", KEYGEN), ("recipient.txt", &recipient)],
    ] {
        let mut secret = by_hand(&items);
        secret.metadata.creation_timestamp = Some(Time(time("2026-05-06T07:08:09Z")));
        let key = Key::from_secret(secret).unwrap();
        let public = key.public().age().unwrap();
        assert_eq!(public.as_str(), KEYGEN_RECIPIENT);
        assert_eq!(
            public.not_before(),
            time("2026-05-06T07:08:09Z"),
            "without a note the creation counts"
        );
        assert_eq!(
            public.to_file(),
            format!("# {}\n{KEYGEN_RECIPIENT}\n", key.id())
        );
    }
    let identities = identities_from_age(KEYGEN.as_bytes()).unwrap();
    assert_eq!(identities[0].recipient().age(), Some(KEYGEN_RECIPIENT));
}

#[test]
fn a_malformed_age_key_secret_is_told_without_its_private_part() {
    let damaged = KEYGEN.replace("4EGAEX", "4EGAEY");
    let several = format!("{KEYGEN}{KEYGEN}");
    let other = new_key(KeyKind::X25519, 1);
    let other = other.recipient().as_str();
    for (items, told) in [
        (
            vec![("identity.txt", "# nothing\n")],
            "identity.txt: no private key found",
        ),
        (
            vec![("identity.txt", damaged.as_str())],
            "identity.txt: line 3: a malformed age identity",
        ),
        (
            vec![("identity.txt", several.as_str())],
            "identity.txt holds 2 identities: each key has a Secret of its own",
        ),
        (
            vec![("identity.txt", KEYGEN), ("recipient.txt", "# none\n")],
            "recipient.txt does not hold one age recipient",
        ),
        (
            vec![("identity.txt", KEYGEN), ("recipient.txt", "age1x")],
            "recipient.txt: a malformed age recipient",
        ),
        (
            vec![("identity.txt", KEYGEN), ("recipient.txt", other)],
            "recipient.txt is of key SHA256:",
        ),
        (vec![("identity.txt", "")], "tls.key is missing or empty"),
    ] {
        let error = refused(&items).to_string();
        assert!(error.starts_with(told), "{error}");
        assert!(!error.contains("GFPYY"), "{error}");
    }
}

#[test]
fn files_of_identities_are_told_from_pem_and_manifests_and_refused_by_line() {
    for text in [KEYGEN, "AGE-SECRET-KEY-PQ-1DAMAGED", "\n age-secret-key-1"] {
        assert!(is_age_identity_file(text.as_bytes()), "{text}");
    }
    for text in ["", "# age\n", "-----BEGIN PRIVATE KEY-----", "kind: Secret"] {
        assert!(!is_age_identity_file(text.as_bytes()), "{text}");
    }
    let refused = |file: &[u8]| identities_from_age(file).unwrap_err();
    assert_eq!(refused(b"# only a comment\n"), IdentityError::Missing);
    assert_eq!(refused(b"\xff"), IdentityError::NotText);
    let mixed = refused(format!("{KEYGEN}secret words\n").as_bytes()).to_string();
    assert!(
        mixed.starts_with("line 4: ") && !mixed.contains("words"),
        "{mixed}"
    );
}

#[test]
fn identities_are_read_from_lists_of_secrets_of_both_kinds() {
    let age = serde_json::to_value(secret("age", 1, &[])).unwrap();
    let year = SignedDuration::from_hours(24 * 365);
    let rsa = NewKey::generate(KeySize::Rsa2048, Timestamp::UNIX_EPOCH, year, "").unwrap();
    let rsa = rsa.secret("ns", "rsa", BTreeMap::new(), BTreeMap::new());
    let rsa = serde_json::to_value(rsa.unwrap()).unwrap();
    let list = json!({ "kind": "List", "items": [age, rsa] });
    let identities = identities_from_objects(list).unwrap();
    let kinds: Vec<_> = identities
        .iter()
        .map(|it| it.recipient().kind().envelope())
        .collect();
    assert_eq!(kinds, [Kind::Age, Kind::Hybrid]);
}

#[test]
fn each_kind_has_its_own_current_key_whichever_is_newer() {
    let keys = [
        key("age1", 1),
        rsa("rsa2", 2),
        key("age3", 3),
        rsa("rsa1", 1),
    ];
    let ring = Keyring::new(keys, KeyOrder::default());
    assert_eq!(names(ring.iter()), ["rsa2", "rsa1", "age3", "age1"]);
    assert_eq!(ring.current(Kind::Age).unwrap().name(), "age3");
    assert_eq!(ring.newest(Kind::Hybrid).unwrap().name(), "rsa2");
    assert_eq!(
        ring.latest(Kind::Hybrid),
        Some(time("2026-02-01T00:00:00Z"))
    );
    assert_eq!(ring.latest(Kind::Age), Some(time("2026-03-01T00:00:00Z")));
    assert_eq!((ring.len(), ring.is_empty()), (4, false));

    let only_age = Keyring::new([key("age1", 1)], KeyOrder::default());
    assert!(only_age.current(Kind::Hybrid).is_none() && !only_age.is_empty());
}

#[test]
fn the_newest_age_key_is_current_whatever_its_algorithm() {
    let of = |kind, month: u8, name: &str| {
        let secret = new_key(kind, month).secret("ns", name, BTreeMap::new(), BTreeMap::new());
        Arc::new(Key::from_secret(secret).unwrap())
    };
    let [x25519, post_quantum] = KINDS;
    let ring = Keyring::new(
        [of(post_quantum, 1, "pq"), of(x25519, 2, "x")],
        KeyOrder::default(),
    );
    assert_eq!(ring.current(Kind::Age).unwrap().name(), "x");
}

#[test]
fn an_age_key_that_awaits_its_backup_holds_up_no_rsa_key() {
    let waiting = secret("new", 4, &[(AWAITS_BACKUP, "true")]);
    let waiting = Arc::new(Key::from_secret(waiting).unwrap());
    let keys = [waiting, key("old", 1), rsa("rsa", 1)];
    let ring = Keyring::new(keys, KeyOrder::default()).requiring_backup();
    assert_eq!(names(ring.of(Kind::Age)), ["old", "new"]);
    assert_eq!(names(ring.awaiting_backup(Kind::Age)), ["new"]);
    assert_eq!(names(ring.may_seal(Kind::Age)), ["old"]);
    assert_eq!(ring.awaiting_backup(Kind::Hybrid).count(), 0);
    assert_eq!(names(ring.may_seal(Kind::Hybrid)), ["rsa"]);
}

#[test]
fn the_inventory_tells_age_keys_like_the_others() {
    let ring = Keyring::new(
        [key("age", 2), key("older", 1), rsa("rsa", 1)],
        KeyOrder::default(),
    );
    let mut damaged = secret("damaged", 1, &[]);
    damaged.data.as_mut().unwrap().remove("recipient.txt");
    let others = vec![
        KeyEntry::out_of_use(&secret("leaked", 1, &[]), KeyState::Compromised),
        KeyEntry::out_of_use(&damaged, KeyState::Retired),
    ];
    let inventory = Inventory::new(&ring, others);
    let told: Vec<_> = inventory
        .keys
        .iter()
        .map(|key| (key.secret.as_str(), key.standing.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("rsa", "current"),
            ("age", "current"),
            ("older", "active"),
            ("leaked", "compromised"),
            ("damaged", "retired"),
        ]
    );
    let json = serde_json::to_string(&inventory).unwrap();
    assert!(!json.contains("SECRET-KEY"), "{json}");
    let age = serde_json::to_value(&inventory.keys[1]).unwrap();
    assert_eq!(age["kind"], "X25519");
    assert_eq!(age["notBefore"], "2026-02-01T00:00:00Z");
    assert_eq!(age.get("notAfter"), None);
    assert_eq!(inventory.keys[3].kind.as_deref(), Some("X25519"));
    assert_eq!(
        inventory.keys[4].problem.as_deref(),
        Some("recipient.txt does not hold one age recipient")
    );
    assert_eq!(
        inventory.keys[4].standing,
        Standing::OutOfUse(KeyState::Retired)
    );
}

#[test]
fn the_label_of_age_keys_tells_the_state_and_a_sealed_secret_plants_no_age_key() {
    let mut secret = secret("sealed-secrets-key-age-abcde", 1, &[]);
    let mut labelled = |labels: &[(&str, &str)]| {
        let pairs = labels.iter();
        let labels = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        secret.metadata.labels = Some(labels.collect());
        let key_label = has_key_label(secret.metadata.labels.as_ref());
        let state = state_of(&secret.metadata, "sealed-secrets-key");
        assert_eq!(key_label, state.is_some());
        state
    };
    assert_eq!(
        labelled(&[(AGE_KEY_LABEL, "active")]),
        Some(KeyState::Active)
    );
    let retired = Some(KeyState::Retired);
    assert_eq!(labelled(&[(AGE_KEY_LABEL, "retired")]), retired);
    let both = |rsa, age| [(KEY_LABEL, rsa), (AGE_KEY_LABEL, age)];
    assert_eq!(labelled(&both("active", "retired")), retired);
    assert_eq!(labelled(&both("retired", "active")), retired);
    assert_eq!(labelled(&both("active", "active")), Some(KeyState::Active));
    assert_eq!(labelled(&[("app", "shop")]), None);

    labelled(&[(AGE_KEY_LABEL, "active")]);
    secret.metadata.owner_references = Some(vec![OwnerReference {
        kind: "SealedSecret".into(),
        ..OwnerReference::default()
    }]);
    assert_eq!(state_of(&secret.metadata, "sealed-secrets-key"), None);
}

#[test]
fn a_note_of_when_a_key_seals_survives_where_the_creation_does_not() {
    let mut moved = secret("moved", 3, &[]);
    moved.metadata.creation_timestamp = None;
    let begins = |secret: &Secret| {
        let key = Key::from_secret(secret.clone()).unwrap();
        key.public().not_before()
    };
    assert_eq!(begins(&moved), time("2026-03-01T00:00:00Z"));
    let annotations = moved.metadata.annotations.as_mut().unwrap();
    annotations.insert(NOT_BEFORE.into(), "yesterday".into());
    assert_eq!(begins(&moved), Timestamp::UNIX_EPOCH);
}
