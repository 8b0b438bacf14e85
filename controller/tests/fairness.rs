//! What one tenant, or somebody at the HTTP port, can do to the others: nothing that counts. It is
//! counted in private-key operations, since they are what takes the time; the time is printed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.
#![allow(
    clippy::print_stdout,
    reason = "what was measured is for who reads the test's output"
)]

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use seal_api::{Scope, SealedSecret};
use seal_controller::{
    metrics::Metrics,
    outcome::Reason,
    schedule::Priority,
    unsealer::{Allowance, Refusal, Unsealer},
    watched::Watched,
};
use seal_envelope::KeySize;
use seal_keyring::{Key, KeyOrder, Keyring, NewKey};
use seal_sealing::{label, seal_value};
use tokio::task::JoinSet;

/// As many keys as a year of monthly renewals leaves behind.
static KEYS: LazyLock<Vec<Arc<Key>>> = LazyLock::new(|| (0..12).map(new_key).collect());
/// One that nobody holds.
static STRANGER: LazyLock<Arc<Key>> = LazyLock::new(|| new_key(100));

/// What one turn of the queue may cost.
const TURN: u64 = 16;

fn new_key(number: i64) -> Arc<Key> {
    let since = Timestamp::from_second(number * 86_400).unwrap();
    let year = SignedDuration::from_hours(24 * 365);
    let key = NewKey::generate(KeySize::Rsa2048, since, year, "").unwrap();
    let name = format!("key-{number}");
    let secret = key.secret("ns", &name, BTreeMap::new(), BTreeMap::new());
    Arc::new(Key::from_secret(secret.unwrap()).unwrap())
}

fn keyring() -> Keyring {
    Keyring::new(KEYS.iter().cloned(), KeyOrder::default())
}

/// An object of `items` small values under `key`, without hints. All values are the same: opening
/// costs the same.
fn object(namespace: &str, key: &Key, items: usize) -> Arc<Watched> {
    let mut sealed = SealedSecret::default();
    sealed.metadata.name = Some("db".into());
    sealed.metadata.namespace = Some(namespace.into());
    let label = label(Scope::Strict, namespace, "db");
    let text = seal_value(b"s", &label, key.public().recipients()).unwrap();
    sealed.spec.encrypted_data = (0..items)
        .map(|item| (format!("item-{item}"), text.clone()))
        .collect();
    Arc::new(Watched(Ok(sealed)))
}

/// Waits until the queue has worked for so many turns.
async fn worked(metrics: &Metrics, turns: u64) {
    while metrics.operations_made() < turns * TURN {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_the_worst_objects_in_one_namespace_holds_up_no_other() {
    let metrics = Metrics::default();
    let unsealer = Unsealer::start(1, true, metrics.clone()).unwrap();
    let worst = object("flood", &STRANGER, 1_400);
    let mut flood = JoinSet::new();
    for _ in 0..50 {
        let (unsealer, worst) = (unsealer.clone(), Arc::clone(&worst));
        flood.spawn(async move { unsealer.unseal(worst, &keyring(), Priority::New).await });
    }
    worked(&metrics, 2).await;

    let oldest = object("quiet", &KEYS[0], 3);
    let (before, began) = (metrics.operations_made(), Instant::now());
    let unsealed = unsealer.unseal(oldest, &keyring(), Priority::New).await;
    let (made, took) = (metrics.operations_made() - before, began.elapsed());
    println!("the quiet namespace's object: {took:?}, {made} operations meanwhile");
    assert!(unsealed.is_ok());
    // Its own: each key for the first value, then one for each. Between its turns, and before the
    // first, the flood has one; and one is under way when this one's end is counted.
    let own = 12 + 2;
    let bound = own + 3 * TURN;
    assert!(made <= bound, "{made} operations, at most {bound}");
    unsealer.close();
}

/// Finding out why costs private-key operations, too: three for each key.
#[tokio::test(flavor = "multi_thread")]
async fn finding_out_why_objects_fail_holds_up_no_other_namespace() {
    let metrics = Metrics::default();
    let unsealer = Unsealer::start(1, true, metrics.clone()).unwrap();
    let mut flood = JoinSet::new();
    for _ in 0..50 {
        let (unsealer, failing) = (unsealer.clone(), object("flood", &STRANGER, 1));
        flood.spawn(async move { unsealer.unseal(failing, &keyring(), Priority::New).await });
    }
    worked(&metrics, 1).await;
    let quiet = object("quiet", &KEYS[11], 1);
    let before = metrics.operations_made();
    let unsealed = unsealer.unseal(quiet, &keyring(), Priority::New).await;
    let made = metrics.operations_made() - before;
    assert!(unsealed.is_ok());
    assert!(made <= 1 + 2 * TURN, "{made} operations");

    let failure = flood.join_next().await.unwrap().unwrap().unwrap_err();
    assert_eq!(failure.reason, Reason::WrongKey, "{failure}");
    // What it cost was counted: each key once to open, and three times to explain.
    let explained = object("alone", &STRANGER, 1);
    drop(flood);
    let before = metrics.operations_made();
    assert!(
        unsealer
            .unseal(explained, &keyring(), Priority::New)
            .await
            .is_err()
    );
    assert!(metrics.operations_made() - before >= 4 * 12);
    unsealer.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_over_http_hold_up_no_reconciling() {
    let metrics = Metrics::default();
    let unsealer = Unsealer::start(1, true, metrics.clone()).unwrap();
    let dear = object("anywhere", &STRANGER, 300);
    let mut requests = JoinSet::new();
    for _ in 0..40 {
        let (unsealer, dear) = (unsealer.clone(), Arc::clone(&dear));
        requests.spawn(async move {
            let sealed = dear.0.as_ref().unwrap();
            unsealer
                .open(sealed, &keyring(), &mut Allowance::default())
                .await
        });
    }
    worked(&metrics, 2).await;
    let new = object("team", &KEYS[0], 40);
    let (before, began) = (metrics.operations_made(), Instant::now());
    let unsealed = unsealer.unseal(new, &keyring(), Priority::New).await;
    let (made, took) = (metrics.operations_made() - before, began.elapsed());
    println!("the new object: {took:?}, {made} operations meanwhile");
    assert!(unsealed.is_ok());
    // Its own come in four turns; the one under way comes first, then HTTP has one of eight.
    let bound = 12 + 39 + 3 * TURN;
    assert!(made <= bound, "{made} operations, at most {bound}");
    // More than may wait are refused at once, so that the others are not in vain.
    let mut busy = 0;
    while let Some(Ok(answer)) = requests.try_join_next() {
        busy += usize::from(matches!(answer, Err(Refusal::Busy)));
    }
    assert_eq!(busy, 40 - 32);
    unsealer.close();
}
