//! What the HTTP API does with age keys and age envelopes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

mod served;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use seal_api::{Scope, SealedSecret, annotations};
use seal_envelope::{Identity, KeyId, KeyKind, KeySize, Kind, Recipients, generate_age};
use seal_keyring::{Key, NewAgeKey, NewKey};
use seal_sealing::{decode, label, seal_value, unseal};
use serde_json::{Value, json};

use self::served::Api;

fn begins(year: i16) -> Timestamp {
    format!("{year}-01-01T00:00:00Z").parse().unwrap()
}

fn rsa(year: i16) -> Arc<Key> {
    let ten_years = SignedDuration::from_hours(10 * 24 * 365);
    let key = NewKey::generate(KeySize::Rsa2048, begins(year), ten_years, "").unwrap();
    let secret = key.secret("ns", "rsa", BTreeMap::new(), BTreeMap::new());
    Arc::new(Key::from_secret(secret.unwrap()).unwrap())
}

fn age(year: i16) -> Arc<Key> {
    let key = NewAgeKey::generate(KeyKind::X25519, begins(year)).unwrap();
    let secret = key.secret("ns", "age", BTreeMap::new(), BTreeMap::new());
    Arc::new(Key::from_secret(secret).unwrap())
}

/// An old and a current key of each kind.
struct Keys {
    old_rsa: Arc<Key>,
    rsa: Arc<Key>,
    old_age: Arc<Key>,
    age: Arc<Key>,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    old_rsa: rsa(2024),
    rsa: rsa(2025),
    old_age: age(2024),
    age: age(2025),
});

/// The key of another cluster.
static OTHER: LazyLock<Identity> =
    LazyLock::new(|| Identity::from_age(&generate_age(KeyKind::X25519).unwrap()).unwrap());

fn api() -> Api {
    let Keys {
        old_rsa,
        rsa,
        old_age,
        age,
    } = &*KEYS;
    Api::with_keys([old_rsa, rsa, old_age, age].map(Arc::clone))
}

fn of(key: &Key) -> Recipients {
    key.public().recipients().clone()
}

fn with_other(key: &Key) -> Recipients {
    let all = of(key);
    let others = [OTHER.recipient().clone()];
    Recipients::new(all.iter().cloned().chain(others)).unwrap()
}

/// An object with these values and the hint that a sealer writes.
fn object(values: &[(&str, Recipients)]) -> Value {
    let label = label(Scope::Strict, "team-a", "db");
    let sealed = values.iter().map(|(item, recipients)| {
        let text = seal_value(item.as_bytes(), &label, recipients).unwrap();
        ((*item).to_owned(), Value::from(text))
    });
    let ids: BTreeSet<_> = values.iter().flat_map(|(_, keys)| keys.ids()).collect();
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    json!({
        "kind": "SealedSecret",
        "metadata": {
            "name": "db",
            "namespace": "team-a",
            "annotations": { annotations::KEY_HINTS: ids.join(",") },
        },
        "spec": { "encryptedData": serde_json::Map::from_iter(sealed) },
    })
}

async fn rotated(path: &str, object: &Value) -> Value {
    let (status, body) = api().post(path, object).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn text<'a>(object: &'a Value, item: &str) -> &'a str {
    object["spec"]["encryptedData"][item].as_str().unwrap()
}

fn kind(object: &Value, item: &str) -> Kind {
    Kind::of(&decode(text(object, item)).unwrap())
}

/// Whether this identity alone opens the item.
fn opens(object: &Value, item: &str, identity: &Identity) -> bool {
    let mut sealed = SealedSecret::decode(object.clone()).unwrap();
    sealed.spec.encrypted_data.retain(|name, _| name == item);
    let unsealed = unseal(&sealed, &[identity], false);
    unsealed.is_ok_and(|it| it.secret.data[item].as_bytes() == item.as_bytes())
}

fn hints(object: &Value) -> BTreeSet<&str> {
    let hints = &object["metadata"]["annotations"][annotations::KEY_HINTS];
    hints.as_str().unwrap().split(',').collect()
}

#[tokio::test]
async fn the_recipient_of_the_current_age_key_is_served_where_there_is_one() {
    let api = Api::with_burst(10);
    let (status, _) = api.get("/v1/recipients.txt").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "nothing is known");

    let api = Api::with_keys([Arc::clone(&KEYS.rsa)]);
    let (status, why) = api.get("/v1/recipients.txt").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(why, "there is no age key\n");

    let file = recipients_file(&KEYS.age);
    assert_eq!(
        self::api().get("/v1/recipients.txt").await,
        (StatusCode::OK, file)
    );
}

/// The file as the contract with age has it: comments, and one recipient a line.
fn recipients_file(key: &Key) -> String {
    let recipient = key.identity().recipient();
    format!("# {}\n{}\n", recipient.id(), recipient.age().unwrap())
}

#[tokio::test]
async fn objects_in_both_kinds_are_verified() {
    let good = object(&[("a", of(&KEYS.old_rsa)), ("b", with_other(&KEYS.old_age))]);
    let (status, body) = api().post("/v1/verify", &good).await;
    assert_eq!(status, StatusCode::OK, "{body}");

    let for_others = object(&[("b", OTHER.recipient().clone().into())]);
    let mut moved = good.clone();
    moved["metadata"]["name"] = "elsewhere".into();
    for bad in [for_others, moved] {
        let (status, body) = api().post("/v1/verify", &bad).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(body, "no key could decrypt secret\n");
    }
}

#[tokio::test]
async fn rotating_keeps_the_kind_of_each_value_and_seals_for_the_current_keys_alone() {
    let old = object(&[
        ("hybrid", of(&KEYS.old_rsa)),
        ("mine", of(&KEYS.old_age)),
        ("shared", with_other(&KEYS.age)),
    ]);
    let new = rotated("/v1/rotate", &old).await;
    for (item, key, kind_then) in [
        ("hybrid", &KEYS.rsa, Kind::Hybrid),
        ("mine", &KEYS.age, Kind::Age),
        ("shared", &KEYS.age, Kind::Age),
    ] {
        assert!(opens(&new, item, key.identity()), "{item}");
        assert_eq!(kind(&new, item), kind_then);
        assert_ne!(text(&new, item), text(&old, item));
    }
    assert!(!opens(&new, "mine", KEYS.old_age.identity()));
    assert!(opens(&old, "shared", &OTHER));
    assert!(!opens(&new, "shared", &OTHER), "others are dropped");
    let current = [KEYS.rsa.id().as_str(), KEYS.age.id().as_str()];
    assert_eq!(hints(&new), current.into());
}

#[tokio::test]
async fn what_the_current_key_of_its_kind_opens_may_stay_with_all_its_recipients() {
    let old = object(&[
        ("hybrid", of(&KEYS.rsa)),
        ("mine", of(&KEYS.old_age)),
        ("shared", with_other(&KEYS.age)),
    ]);
    let new = rotated("/v1/rotate?keep=current", &old).await;
    assert_eq!(text(&new, "hybrid"), text(&old, "hybrid"));
    assert_eq!(text(&new, "shared"), text(&old, "shared"));
    assert!(opens(&new, "mine", KEYS.age.identity()));
    assert!(!opens(&new, "mine", KEYS.old_age.identity()));
    // The hint names everybody that a value is for, also who is not here.
    let all = [KEYS.rsa.id(), KEYS.age.id(), OTHER.id()];
    assert_eq!(hints(&new), all.map(KeyId::as_str).into());

    // Once no age value of others is left, they are not named any more.
    let hybrid = object(&[("hybrid", of(&KEYS.rsa))]);
    let new = rotated("/v1/rotate?keep=current", &hybrid).await;
    assert_eq!(hints(&new), [KEYS.rsa.id().as_str()].into());
}

#[tokio::test]
async fn a_value_for_an_old_and_the_current_key_counts_as_sealed_with_the_current_one() {
    let both = Recipients::new(
        of(&KEYS.old_age)
            .iter()
            .chain(of(&KEYS.age).iter())
            .cloned(),
    );
    let old = object(&[("a", both.unwrap())]);
    let new = rotated("/v1/rotate?keep=current", &old).await;
    assert_eq!(text(&new, "a"), text(&old, "a"));
}
