use std::sync::Arc;

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::Time};
use seal_keyring::{Key, KeyOrder, Keyring, Marks, NewKey, not_before};

use super::*;
use crate::keys::keys;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn policy(renew_hours: i64) -> KeyPolicy {
    KeyPolicy {
        namespace: "ns".into(),
        prefix: "sealed-secrets-key".into(),
        size: KeySize::Rsa2048,
        age: None,
        validity: SignedDuration::from_hours(24),
        common_name: String::new(),
        renew_period: SignedDuration::from_hours(renew_hours),
        cutoff: None,
        require_backup: false,
        requests_per_hour: 2,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    }
}

fn policy_with_cutoff(cutoff: &str) -> KeyPolicy {
    KeyPolicy {
        cutoff: Some(time(cutoff)),
        ..policy(0)
    }
}

/// A key whose certificate begins and whose Secret was created at these times.
fn key(begins: Timestamp, created: Timestamp, marks: &Marks) -> Arc<Key> {
    let day = SignedDuration::from_hours(24);
    let key = NewKey::generate(KeySize::Rsa2048, begins, day, "").unwrap();
    let mut secret: Secret = key
        .secret("ns", "k", BTreeMap::new(), marks.annotations())
        .unwrap();
    secret.metadata.creation_timestamp = Some(Time(created));
    Arc::new(Key::from_secret(secret).unwrap())
}

fn ring(keys: &[Arc<Key>]) -> Keyring {
    Keyring::new(keys.iter().cloned(), KeyOrder::default())
}

fn snapshot(keyring: Keyring) -> Snapshot {
    let (sink, source) = keys();
    sink.put(keyring, vec![]);
    (*source.snapshot()).clone()
}

fn keys_since(not_before: &str) -> Snapshot {
    let since = time(not_before);
    snapshot(ring(&[key(since, since, &Marks::default())]))
}

fn occasion(
    policy: &KeyPolicy,
    keys: &Snapshot,
    started: Timestamp,
    now: Timestamp,
) -> Option<Occasion> {
    let seen = Seen {
        keys,
        pending: &Pending::new(),
        signalled: &BTreeSet::new(),
        started,
    };
    Some(policy.plan(&seen, now).make?.occasion)
}

fn pending(ids: &[&str], kind: Kind) -> Pending {
    let requests = ids
        .iter()
        .map(|id| ((*id).to_owned(), Ok(Request::Rotate { kind })));
    requests.collect()
}

/// What is decided when these requests are there, and which of them the key would be made for.
#[derive(Debug)]
struct Decided {
    make: Option<Make>,
    made_for: Vec<String>,
    answers: Answers,
    sleep: Duration,
}

impl Decided {
    fn occasion(&self) -> Option<Occasion> {
        self.make.map(|make| make.occasion)
    }
}

fn asked(policy: &KeyPolicy, keys: &Snapshot, ids: &[&str], now: Timestamp) -> Decided {
    asked_for(policy, keys, &pending(ids, Kind::Hybrid), now)
}

fn asked_for(policy: &KeyPolicy, keys: &Snapshot, pending: &Pending, now: Timestamp) -> Decided {
    let seen = Seen {
        keys,
        pending,
        signalled: &BTreeSet::new(),
        started: now,
    };
    let Plan {
        make,
        answers,
        sleep,
    } = policy.plan(&seen, now);
    let kinds = Kind::ALL.into_iter();
    Decided {
        make,
        made_for: kinds
            .flat_map(|kind| policy.made_for(&seen, kind, now))
            .collect(),
        answers,
        sleep,
    }
}

/// What is made after a signal.
fn signalled(policy: &KeyPolicy, keys: &Snapshot, now: Timestamp) -> Option<Occasion> {
    let seen = Seen {
        keys,
        pending: &Pending::new(),
        signalled: &Kind::ALL.into(),
        started: now,
    };
    Some(policy.plan(&seen, now).make?.occasion)
}

fn made_for(ids: &[&str]) -> Marks {
    Marks {
        made_for: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..Marks::default()
    }
}

#[test]
fn a_first_key_is_made_when_there_is_none() {
    let now = time("2026-01-01T00:00:00Z");
    let plan = asked(&policy(720), &snapshot(Keyring::default()), &["a"], now);
    assert_eq!(plan.occasion(), Some(Occasion::First));
    assert_eq!(plan.made_for, ["a"], "who asks meanwhile gets the same one");
}

#[test]
fn a_key_is_renewed_when_its_period_is_over_and_not_before() {
    let keys = keys_since("2026-01-01T00:00:00Z");
    let policy = policy(720);
    let due = time("2026-01-31T00:00:00Z");
    let early = time("2026-01-30T23:59:50Z");
    assert_eq!(occasion(&policy, &keys, due, early), None);
    assert_eq!(occasion(&policy, &keys, due, due), Some(Occasion::Due(due)));
    let plan = asked(&policy, &keys, &[], early);
    assert_eq!(plan.sleep, Duration::from_secs(10));
}

#[test]
fn a_period_of_zero_never_renews() {
    let keys = keys_since("2020-01-01T00:00:00Z");
    let now = time("2026-01-01T00:00:00Z");
    assert_eq!(occasion(&policy(0), &keys, now, now), None);
}

#[test]
fn a_key_from_before_the_cut_off_is_replaced_once() {
    let cutoff = "2026-01-01T00:00:00Z";
    let policy = policy_with_cutoff(cutoff);
    let now = time("2026-01-02T00:00:00Z");
    let old = keys_since("2025-12-31T00:00:00Z");
    let replaced = Occasion::CutOff(time(cutoff));
    assert_eq!(occasion(&policy, &old, now, now), Some(replaced));
    assert_eq!(occasion(&policy, &keys_since(cutoff), now, now), None);
}

#[test]
fn a_cut_off_in_the_future_makes_one_key() {
    let policy = policy_with_cutoff("2099-01-01T00:00:00Z");
    let started = time("2026-01-02T00:00:00.5Z");
    let old = keys_since("2026-01-01T00:00:00Z");
    let replaced = Occasion::CutOff(started);
    assert_eq!(occasion(&policy, &old, started, started), Some(replaced));
    let made = keys_since("2026-01-02T00:00:00Z");
    let later = time("2026-01-03T00:00:00Z");
    assert_eq!(occasion(&policy, &made, started, later), None);
}

#[test]
fn clocks_that_jump_by_hours_make_one_key_more_at_most_and_always_a_newer_one() {
    let policy = policy(720);
    // The clock of the API server, which does not jump, and ours, which does.
    let true_time = time("2026-01-31T00:00:00Z");
    let hours = SignedDuration::from_hours;
    for jumps in [
        [5, -5, 5, -5],
        [-48, 48, -48, 48],
        [800, 0, -800, 0],
        [-9000, 9000, 0, 3],
    ] {
        let since = time("2026-01-30T00:00:00Z");
        let mut made = vec![key(since, since, &Marks::default())];
        for (step, jump) in (0..).zip(jumps) {
            let real = true_time.checked_add(hours(step)).unwrap();
            let now = real.checked_add(hours(jump)).unwrap();
            // A few looks at each time: no clock makes keys without end.
            for _ in 0..3 {
                let keyring = ring(&made);
                let newest = keyring.current(Kind::Hybrid).unwrap().id().clone();
                let keys = snapshot(keyring.clone());
                if occasion(&policy, &keys, now, now).is_none() {
                    continue;
                }
                let begins = not_before(now, keyring.latest(Kind::Hybrid));
                made.push(key(begins, real, &Marks::default()));
                let current = ring(&made).current(Kind::Hybrid).unwrap().id().clone();
                assert_ne!(current, newest, "the new key is the one that seals");
            }
        }
        let wrong_by_a_month = jumps.iter().any(|jump| *jump > 720);
        assert_eq!(made.len(), 1 + usize::from(wrong_by_a_month), "{jumps:?}");
    }
}

#[test]
fn a_key_from_the_future_is_renewed_a_period_after_it_was_stored() {
    let stored = time("2026-01-01T00:00:00Z");
    let brought = key(time("2050-01-01T00:00:00Z"), stored, &Marks::default());
    let keys = snapshot(ring(&[brought]));
    let due = time("2026-01-31T00:00:00Z");
    assert_eq!(occasion(&policy(720), &keys, stored, stored), None);
    assert_eq!(
        occasion(&policy(720), &keys, stored, due),
        Some(Occasion::Due(due))
    );
}

#[test]
fn requests_at_one_time_are_met_by_one_key_and_each_is_answered_again_and_again() {
    let now = time("2026-01-02T00:00:00Z");
    let old = key(
        time("2026-01-01T00:00:00Z"),
        time("2026-01-01T00:00:00Z"),
        &Marks::default(),
    );
    let before = snapshot(ring(std::slice::from_ref(&old)));
    let plan = asked(&policy(0), &before, &["a", "b"], now);
    assert_eq!(plan.occasion(), Some(Occasion::Requests));
    assert_eq!(plan.made_for, ["a", "b"]);
    assert!(plan.answers.is_empty());

    let marks = Marks {
        succeeds: Some(old.id().clone()),
        ..made_for(&["a", "b"])
    };
    let new = key(now, now, &marks);
    let after = snapshot(ring(&[old.clone(), new.clone()]));
    for _ in 0..2 {
        let plan = asked(&policy(0), &after, &["a", "b"], now);
        assert_eq!((plan.make, plan.made_for.len()), (None, 0));
        for id in ["a", "b"] {
            let done = RequestOutcome::Done {
                old_key: Some(old.id().to_string()),
                new_key: new.id().to_string(),
            };
            assert_eq!(plan.answers[id].outcome, done);
        }
    }
    let plan = asked(&policy(0), &after, &["c"], now);
    assert_eq!(plan.made_for, ["c"], "a later request is one of its own");
}

#[test]
fn keys_on_request_are_limited_per_hour_and_others_are_not() {
    let made = time("2026-01-02T00:00:00Z");
    let keys = snapshot(ring(&[
        key(made, made, &made_for(&["a"])),
        key(made, made, &made_for(&["b"])),
        key(made, made, &Marks::default()),
    ]));
    let minutes = |minutes| {
        made.checked_add(SignedDuration::from_mins(minutes))
            .unwrap()
    };
    for refused in [minutes(0), minutes(59), minutes(-59)] {
        let plan = asked(&policy(0), &keys, &["c"], refused);
        assert_eq!(plan.make, None);
        let RequestOutcome::Refused { why } = &plan.answers["c"].outcome else {
            panic!("{plan:?}");
        };
        assert!(why.contains("at most 2 keys an hour"), "{why}");
    }
    // Also when our clock is hours off in either direction.
    for granted in [minutes(60), minutes(300), minutes(-300)] {
        let plan = asked(&policy(0), &keys, &["c"], granted);
        assert_eq!(plan.occasion(), Some(Occasion::Requests));
    }
    assert_eq!(signalled(&policy(0), &keys, made), Some(Occasion::Signal));
}

#[test]
fn a_request_that_cannot_be_read_is_refused_with_the_reason() {
    let keys = keys_since("2026-01-01T00:00:00Z");
    let pending = [("x".to_owned(), Err("no such action".to_owned()))].into();
    let now = time("2026-01-02T00:00:00Z");
    let plan = asked_for(&policy(0), &keys, &pending, now);
    assert_eq!(plan.make, None);
    let why = "no such action".to_owned();
    assert_eq!(plan.answers["x"].outcome, RequestOutcome::Refused { why });
}

#[test]
fn while_a_key_awaits_its_backup_no_other_is_made_unless_it_is_due() {
    let (old, new) = (time("2026-01-01T00:00:00Z"), time("2026-01-02T00:00:00Z"));
    let waits = Marks {
        awaits_backup: true,
        ..Marks::default()
    };
    let (old, new) = (key(old, old, &Marks::default()), key(new, new, &waits));
    let keys = snapshot(ring(&[old.clone(), new.clone()]).requiring_backup());
    let now = time("2026-01-02T01:00:00Z");
    let plan = asked(&policy(720), &keys, &["a"], now);
    assert_eq!(plan.make, None);
    let waiting = RequestOutcome::AwaitsBackup {
        old_key: Some(old.id().to_string()),
        new_key: new.id().to_string(),
    };
    assert_eq!(plan.answers["a"].outcome, waiting);
    assert_eq!(signalled(&policy(720), &keys, now), None);
    // The period counts from the newest key, or one would be made at every look.
    let due = time("2026-02-01T00:00:00Z");
    let early = due.checked_sub(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(occasion(&policy(720), &keys, now, early), None);
    assert_eq!(
        occasion(&policy(720), &keys, now, due),
        Some(Occasion::Due(due))
    );
}

mod age;
