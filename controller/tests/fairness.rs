//! What one tenant, or somebody at the HTTP port, can do to the others: nothing that counts. It is
//! counted in private-key operations, since they are what takes the time; the time is printed. The
//! tests make the turns of the queue themselves, so that it is always the same ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.
#![allow(
    clippy::print_stdout,
    reason = "what was measured is for who reads the test's output"
)]

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};
use seal_api::{Scope, SealedSecret};
use seal_controller::{
    metrics::Metrics,
    outcome::{Failure, Reason},
    schedule::Priority,
    unsealer::{Allowance, Refusal, Unsealer},
    watched::Watched,
};
use seal_envelope::KeySize;
use seal_keyring::{Key, KeyOrder, Keyring, NewKey};
use seal_sealing::{Unsealed, label, seal_value};
use tokio::task::{JoinHandle, JoinSet};

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

/// A queue without threads, and what is counted of it.
fn queue() -> (Unsealer, Metrics) {
    let metrics = Metrics::default();
    (Unsealer::new(true, metrics.clone()), metrics)
}

type Answer = JoinHandle<Result<Unsealed, Failure>>;

/// Puts an object of a new generation into the queue.
async fn enqueue(unsealer: &Unsealer, object: &Arc<Watched>) -> Answer {
    let (unsealer, object) = (unsealer.clone(), Arc::clone(object));
    let answer =
        tokio::spawn(async move { unsealer.unseal(object, &keyring(), Priority::New).await });
    tokio::task::yield_now().await;
    answer
}

/// Makes turns until there is the answer, and tells how many private-key operations they took.
async fn operations_until(unsealer: &Unsealer, metrics: &Metrics, answer: &Answer) -> u64 {
    let (before, began) = (metrics.operations_made(), Instant::now());
    while !answer.is_finished() {
        assert!(unsealer.turn(), "the queue is empty and gave no answer");
        tokio::task::yield_now().await;
    }
    let (made, took) = (metrics.operations_made() - before, began.elapsed());
    println!("{made} operations, {took:?}");
    made
}

#[tokio::test]
async fn a_flood_of_the_worst_objects_in_one_namespace_holds_up_no_other() {
    let (unsealer, metrics) = queue();
    let worst = object("flood", &STRANGER, 1_400);
    for _ in 0..50 {
        enqueue(&unsealer, &worst).await;
    }
    assert!(unsealer.turn() && unsealer.turn());

    let quiet = enqueue(&unsealer, &object("quiet", &KEYS[0], 3)).await;
    let made = operations_until(&unsealer, &metrics, &quiet).await;
    assert!(quiet.await.unwrap().is_ok());
    // Its own: each key for the first value, then one for each. Before it the flood has one turn.
    let own = 12 + 2;
    let bound = own + TURN;
    assert!(made <= bound, "{made} operations, at most {bound}");
}

/// Finding out why costs private-key operations, too: three for each key.
#[tokio::test]
async fn finding_out_why_objects_fail_holds_up_no_other_namespace() {
    let (unsealer, metrics) = queue();
    let failing = object("flood", &STRANGER, 1);
    let first = enqueue(&unsealer, &failing).await;
    for _ in 1..50 {
        enqueue(&unsealer, &failing).await;
    }
    // One to open it, and the first one to find out why it does not open.
    assert!(unsealer.turn() && unsealer.turn());

    let quiet = enqueue(&unsealer, &object("quiet", &KEYS[11], 1)).await;
    let made = operations_until(&unsealer, &metrics, &quiet).await;
    assert!(quiet.await.unwrap().is_ok());
    assert!(made <= 1 + TURN, "{made} operations");

    operations_until(&unsealer, &metrics, &first).await;
    let failure = first.await.unwrap().unwrap_err();
    assert_eq!(failure.reason, Reason::WrongKey, "{failure}");
}

#[tokio::test]
async fn what_finding_out_why_costs_is_counted() {
    let (unsealer, metrics) = queue();
    let failing = enqueue(&unsealer, &object("alone", &STRANGER, 1)).await;
    let made = operations_until(&unsealer, &metrics, &failing).await;
    assert_eq!(
        made,
        4 * 12,
        "each key once to open, three times to explain"
    );
}

#[tokio::test]
async fn requests_over_http_hold_up_no_reconciling() {
    let (unsealer, metrics) = queue();
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
    tokio::task::yield_now().await;
    assert!(unsealer.turn() && unsealer.turn());

    let new = enqueue(&unsealer, &object("team", &KEYS[0], 40)).await;
    let made = operations_until(&unsealer, &metrics, &new).await;
    assert!(new.await.unwrap().is_ok());
    // Its own come in four turns, and HTTP has one of eight.
    let bound = 12 + 39 + TURN;
    assert!(made <= bound, "{made} operations, at most {bound}");
    // More than may wait are refused at once, so that the others are not in vain.
    let mut busy = 0;
    while let Some(Ok(answer)) = requests.try_join_next() {
        busy += usize::from(matches!(answer, Err(Refusal::Busy)));
    }
    assert_eq!(busy, 40 - 32);
}
