//! Age keys are made by the same rules as RSA keys, each kind for itself.

use seal_keyring::NewAgeKey;

use super::*;

const NOW: &str = "2026-01-02T00:00:00Z";

fn making(age: KeyKind) -> KeyPolicy {
    KeyPolicy {
        age: Some(age),
        ..policy(720)
    }
}

fn x25519() -> KeyPolicy {
    making(KeyKind::X25519)
}

fn post_quantum() -> KeyPolicy {
    making(KeyKind::MlKem768X25519)
}

/// An age key that seals from this time on, stored then.
fn age_key(kind: KeyKind, since: &str, marks: &Marks) -> Arc<Key> {
    let since = time(since);
    let key = NewAgeKey::generate(kind, since).unwrap();
    let mut secret = key.secret("ns", "age", BTreeMap::new(), marks.annotations());
    secret.metadata.creation_timestamp = Some(Time(since));
    Arc::new(Key::from_secret(secret).unwrap())
}

/// Made by a controller as the successor of another key.
fn successor() -> Marks {
    let key = key(time(NOW), time(NOW), &Marks::default());
    Marks {
        succeeds: Some(key.id().clone()),
        ..Marks::default()
    }
}

/// An RSA key that is not due, and these.
fn with_rsa(age: &[Arc<Key>]) -> Snapshot {
    let rsa = key(time(NOW), time(NOW), &Marks::default());
    let keys: Vec<_> = age.iter().cloned().chain([rsa]).collect();
    snapshot(ring(&keys))
}

fn made(policy: &KeyPolicy, keys: &Snapshot, started: &str, now: &str) -> Option<Make> {
    let seen = Seen {
        keys,
        pending: &Pending::new(),
        signalled: &BTreeSet::new(),
        started: time(started),
    };
    policy.plan(&seen, time(now)).make
}

#[test]
fn a_first_age_key_is_made_after_the_first_rsa_key_where_age_keys_are_wanted() {
    let nothing = snapshot(Keyring::default());
    for policy in [policy(720), x25519(), post_quantum()] {
        let first = made(&policy, &nothing, NOW, NOW).unwrap();
        assert_eq!(first.kind, KeyKind::Rsa(KeySize::Rsa2048));
    }
    let keys = with_rsa(&[]);
    assert_eq!(made(&policy(720), &keys, NOW, NOW), None, "none are wanted");
    for kind in [KeyKind::X25519, KeyKind::MlKem768X25519] {
        let occasion = Occasion::First;
        let first = made(&making(kind), &keys, NOW, NOW);
        assert_eq!(first, Some(Make { kind, occasion }));
    }
}

#[test]
fn each_kind_is_renewed_when_its_own_newest_key_is_due() {
    let age = age_key(KeyKind::X25519, "2025-12-10T00:00:00Z", &Marks::default());
    let keys = with_rsa(&[age]);
    let due = "2026-01-09T00:00:00Z";
    assert_eq!(
        made(&x25519(), &keys, NOW, "2026-01-08T23:59:59Z"),
        None,
        "neither is due"
    );
    let renewed = Make {
        kind: KeyKind::X25519,
        occasion: Occasion::Due(time(due)),
    };
    assert_eq!(made(&x25519(), &keys, NOW, due), Some(renewed));
    assert_eq!(made(&policy(720), &keys, NOW, due), None, "turned off");
    let early = time(due).checked_sub(SignedDuration::from_secs(7)).unwrap();
    let sleep = asked(&x25519(), &keys, &[], early).sleep;
    assert_eq!(sleep, Duration::from_secs(7), "whichever is due first");
}

#[test]
fn an_age_key_of_another_algorithm_is_replaced_at_once_when_the_flag_has_changed() {
    for (found, policy) in [
        (KeyKind::X25519, post_quantum()),
        (KeyKind::MlKem768X25519, x25519()),
    ] {
        let old = age_key(found, "2026-01-01T00:00:00Z", &successor());
        let keys = with_rsa(std::slice::from_ref(&old));
        let replaced = made(&policy, &keys, NOW, NOW).unwrap();
        assert_eq!(replaced.occasion, Occasion::Algorithm(found));
        assert_eq!(Some(replaced.kind), policy.age);

        let new = age_key(replaced.kind, NOW, &successor());
        let keys = with_rsa(&[old, new]);
        assert_eq!(made(&policy, &keys, NOW, NOW), None, "once");
    }
}

#[test]
fn a_key_that_seals_only_from_after_the_start_was_still_made_before_it() {
    let since = time("2026-01-02T00:00:02Z");
    let key = NewAgeKey::generate(KeyKind::X25519, since).unwrap();
    let annotations = successor().annotations();
    let mut secret = key.secret("ns", "age", BTreeMap::new(), annotations);
    secret.metadata.creation_timestamp = Some(Time(time(NOW)));
    let keys = with_rsa(&[Arc::new(Key::from_secret(secret).unwrap())]);
    let started = "2026-01-02T00:00:01Z";
    let replaced = made(&post_quantum(), &keys, started, started).unwrap();
    assert_eq!(replaced.occasion, Occasion::Algorithm(KeyKind::X25519));
}

#[test]
fn two_versions_that_overlap_do_not_replace_each_others_keys_without_end() {
    let (before, during) = ("2026-01-02T10:00:00Z", "2026-01-02T11:00:00Z");
    let made_by_the_new = age_key(KeyKind::MlKem768X25519, during, &successor());
    let keys = with_rsa(&[made_by_the_new]);
    let later = "2026-01-02T12:00:00Z";
    assert_eq!(made(&x25519(), &keys, before, later), None);
    let restarted = made(&x25519(), &keys, later, later).unwrap();
    assert_eq!(
        restarted.occasion,
        Occasion::Algorithm(KeyKind::MlKem768X25519)
    );
}

#[test]
fn a_key_of_another_algorithm_that_somebody_brings_along_is_replaced_at_once() {
    let brought = age_key(KeyKind::X25519, "2026-01-03T00:00:00Z", &Marks::default());
    let keys = with_rsa(&[brought]);
    let replaced = made(&post_quantum(), &keys, NOW, "2026-01-03T00:00:01Z").unwrap();
    assert_eq!(replaced.occasion, Occasion::Algorithm(KeyKind::X25519));
}

#[test]
fn a_signal_asks_for_one_key_of_each_kind_that_is_made() {
    let keys = with_rsa(&[age_key(KeyKind::X25519, NOW, &Marks::default())]);
    let after = |policy: &KeyPolicy, signalled: &[Kind]| {
        let seen = Seen {
            keys: &keys,
            pending: &Pending::new(),
            signalled: &signalled.iter().copied().collect(),
            started: time(NOW),
        };
        policy.plan(&seen, time(NOW)).make
    };
    let make = |kind| {
        let occasion = Occasion::Signal;
        Some(Make { kind, occasion })
    };
    let rsa = KeyKind::Rsa(KeySize::Rsa2048);
    assert_eq!(after(&x25519(), &Kind::ALL), make(rsa));
    assert_eq!(after(&x25519(), &[Kind::Age]), make(KeyKind::X25519));
    assert_eq!(after(&x25519(), &[]), None);
    assert_eq!(after(&policy(720), &[Kind::Age]), None);
    let kinds: Vec<_> = policy(720).kinds().collect();
    assert_eq!(kinds, [rsa], "a signal without age keys asks for no other");
}

#[test]
fn a_request_is_met_by_a_key_of_the_kind_that_it_names() {
    let keys = with_rsa(&[age_key(KeyKind::X25519, NOW, &Marks::default())]);
    let mut both = pending(&["age"], Kind::Age);
    let plan = asked_for(&x25519(), &keys, &both, time(NOW));
    let occasion = Occasion::Requests;
    let kind = KeyKind::X25519;
    assert_eq!(plan.make, Some(Make { kind, occasion }));
    assert_eq!(plan.made_for, ["age"]);

    both.extend(pending(&["rsa"], Kind::Hybrid));
    let plan = asked_for(&x25519(), &keys, &both, time(NOW));
    let kind = KeyKind::Rsa(KeySize::Rsa2048);
    assert_eq!(plan.make, Some(Make { kind, occasion }));
    let seen = Seen {
        keys: &keys,
        pending: &both,
        signalled: &BTreeSet::new(),
        started: time(NOW),
    };
    for (kind, id) in [(Kind::Hybrid, "rsa"), (Kind::Age, "age")] {
        assert_eq!(x25519().made_for(&seen, kind, time(NOW)), [id]);
    }

    let made = age_key(KeyKind::X25519, NOW, &made_for(&["age"]));
    let plan = asked_for(&x25519(), &with_rsa(&[made]), &both, time(NOW));
    assert!(matches!(
        plan.answers["age"].outcome,
        RequestOutcome::Done { .. }
    ));
    assert_eq!(plan.made_for, ["rsa"]);
}

#[test]
fn a_request_for_an_age_key_is_refused_where_none_are_made() {
    let keys = with_rsa(&[age_key(KeyKind::X25519, NOW, &Marks::default())]);
    let plan = asked_for(&policy(720), &keys, &pending(&["a"], Kind::Age), time(NOW));
    assert_eq!(plan.make, None);
    let RequestOutcome::Refused { why } = &plan.answers["a"].outcome else {
        panic!("{:?}", plan.answers);
    };
    assert!(why.contains("--age-keys=off"), "{why}");
}

#[test]
fn the_limit_per_hour_counts_the_keys_of_both_kinds() {
    let asked_for_age = age_key(KeyKind::X25519, NOW, &made_for(&["a"]));
    let asked_for_rsa = key(time(NOW), time(NOW), &made_for(&["b"]));
    let keys = snapshot(ring(&[asked_for_age, asked_for_rsa]));
    for kind in Kind::ALL {
        let plan = asked_for(&x25519(), &keys, &pending(&["c"], kind), time(NOW));
        assert_eq!(plan.make, None);
        let refused = &plan.answers["c"].outcome;
        assert!(matches!(refused, RequestOutcome::Refused { .. }));
    }
}

#[test]
fn a_key_that_awaits_its_backup_holds_up_its_own_kind_alone() {
    let waits = Marks {
        awaits_backup: true,
        ..successor()
    };
    let old = age_key(KeyKind::X25519, "2026-01-01T00:00:00Z", &Marks::default());
    let waiting = age_key(KeyKind::X25519, NOW, &waits);
    let rsa = key(time(NOW), time(NOW), &Marks::default());
    let keys = [old.clone(), waiting.clone(), rsa];
    let keys = snapshot(ring(&keys).requiring_backup());
    let now = time(NOW);
    let plan = asked_for(&x25519(), &keys, &pending(&["a"], Kind::Age), now);
    assert_eq!(plan.make, None);
    let waits = RequestOutcome::AwaitsBackup {
        old_key: Some(old.id().to_string()),
        new_key: waiting.id().to_string(),
    };
    assert_eq!(plan.answers["a"].outcome, waits);
    let plan = asked(&x25519(), &keys, &["b"], now);
    assert_eq!(plan.occasion(), Some(Occasion::Requests));
    assert_eq!(plan.made_for, ["b"]);
}
