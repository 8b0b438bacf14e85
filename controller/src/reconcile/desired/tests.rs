use super::*;

const OWNER: &str = "uid-of-the-sealed-secret";

fn texts(pairs: &[(&str, &str)]) -> Option<Texts> {
    Some(
        pairs
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
    )
}

fn plain() -> Plain {
    Plain {
        metadata: ObjectMeta {
            labels: texts(&[("app", "shop")]),
            ..ObjectMeta::default()
        },
        data: [("a".to_owned(), Plaintext::new(b"1".to_vec()))].into(),
        ..Plain::default()
    }
}

fn actual(change: impl FnOnce(&mut Secret)) -> Wiped {
    let mut actual = created(plain(), OWNER);
    actual.0.type_ = Some("Opaque".into());
    actual.0.metadata.uid = Some("u".into());
    change(&mut actual.0);
    actual
}

fn update(merge: bool, same_inputs: bool) -> Update {
    Update {
        uid: "u".into(),
        merge,
        own: !merge,
        same_inputs,
        first_sight: false,
    }
}

fn value(secret: &mut Secret, key: &str, value: &str) {
    let data = secret.data.get_or_insert_default();
    data.insert(key.into(), ByteString(value.into()));
}

#[test]
fn a_replacement_names_the_object_and_the_version_that_were_read() {
    let before = actual(|secret| {
        secret.metadata.resource_version = Some("7".into());
        value(secret, "a", "changed");
    });
    for update in [
        update(false, false),
        update(false, true),
        update(true, false),
    ] {
        let after = updated(&before, plain(), &update, OWNER).unwrap();
        assert_eq!(after.0.metadata.uid.as_deref(), Some("u"));
        assert_eq!(after.0.metadata.resource_version.as_deref(), Some("7"));
    }
}

#[test]
fn a_right_secret_is_left_alone() {
    for merge in [false, true] {
        let actual = actual(|_| {});
        assert!(updated(&actual, plain(), &update(merge, true), OWNER).is_none());
    }
}

#[test]
fn changed_added_and_removed_values_are_put_right() {
    for change in [
        (|it: &mut Secret| value(it, "a", "2")) as fn(&mut Secret),
        |it| value(it, "b", "2"),
        |it| it.data = None,
    ] {
        let fixed = updated(&actual(change), plain(), &update(false, true), OWNER).unwrap();
        assert_eq!(fixed.0.data, created(plain(), OWNER).0.data);
    }
}

#[test]
fn at_first_sight_all_is_compared_but_what_is_drawn_anew_and_what_others_added() {
    let drawn = |found: fn(&mut Secret)| {
        let mut plain = plain();
        let now = Plaintext::new(b"this time".to_vec());
        plain.data.insert("drawn".to_owned(), now);
        let actual = actual(|it| {
            value(it, "drawn", "last time");
            found(it);
        });
        is_right_but_for(&["drawn"], &actual, plain, &update(false, false), OWNER)
    };
    assert!(drawn(|_| {}));
    assert!(drawn(|it| {
        it.metadata.annotations = texts(&[("theirs", "x")]);
    }));
    for change in [
        (|it: &mut Secret| value(it, "a", "stale")) as fn(&mut Secret),
        |it| value(it, "b", "added"),
        |it| {
            it.data.as_mut().unwrap().remove("a");
        },
        |it| {
            it.data.as_mut().unwrap().remove("drawn");
        },
        |it| it.type_ = Some("other".into()),
        |it| it.metadata.labels = None,
        |it| it.metadata.owner_references = Some(vec![OwnerReference::default()]),
    ] {
        assert!(!drawn(change));
    }
}

#[test]
fn metadata_of_others_stays_when_drift_is_put_right_and_goes_with_new_inputs() {
    let touched = || {
        actual(|it| {
            value(it, "a", "2");
            it.metadata.labels = texts(&[("app", "changed"), ("theirs", "x")]);
        })
    };
    let labels = |same_inputs| {
        updated(&touched(), plain(), &update(false, same_inputs), OWNER)
            .unwrap()
            .0
            .metadata
            .labels
            .clone()
    };
    assert_eq!(labels(true), texts(&[("app", "shop"), ("theirs", "x")]));
    assert_eq!(labels(false), texts(&[("app", "shop")]));
    let only_theirs = actual(|it| it.metadata.labels = texts(&[("app", "shop"), ("theirs", "x")]));
    assert!(updated(&only_theirs, plain(), &update(false, true), OWNER).is_none());
}

#[test]
fn merging_keeps_the_values_of_others() {
    let merged = |theirs: Option<&str>| {
        let patched = actual(|it| {
            it.data = None;
            it.metadata.labels = None;
            if let Some(key) = theirs {
                value(it, key, "x");
            }
        });
        let merged = updated(&patched, plain(), &update(true, false), OWNER).unwrap();
        assert_eq!(merged.0.metadata.labels, texts(&[("app", "shop")]));
        let keys = merged.0.data.iter().flatten().map(|(key, _)| key.clone());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(merged(Some("theirs")), ["a", "theirs"]);
    assert_eq!(merged(None), ["a"], "a Secret without data");
}

#[test]
fn what_kubernetes_puts_into_a_token_secret_stays() {
    let token = actual(|it| {
        it.type_ = Some(TOKEN_TYPE.into());
        value(it, "token", "x");
    });
    let mut plain = plain();
    plain.type_ = Some(TOKEN_TYPE.into());
    assert!(updated(&token, plain, &update(false, true), OWNER).is_none());
}

#[test]
fn what_belongs_to_the_server_is_not_taken_from_the_template() {
    let owner = |uid: &str| OwnerReference {
        uid: uid.into(),
        ..OwnerReference::default()
    };
    let forged = || {
        let mut plain = plain();
        plain.metadata.uid = Some("forged".into());
        plain.metadata.resource_version = Some("42".into());
        plain.metadata.owner_references = Some(vec![owner("forged"), owner(OWNER)]);
        plain
    };
    let created = created(forged(), OWNER).0.metadata.clone();
    assert_eq!((created.uid, created.resource_version), (None, None));
    assert_eq!(created.owner_references, Some(vec![owner(OWNER)]));
    let before = actual(|_| {});
    let updated = updated(&before, forged(), &update(false, false), OWNER).unwrap();
    let updated = &updated.0.metadata;
    assert_eq!(updated.uid.as_deref(), Some("u"));
    assert_eq!(updated.owner_references, Some(vec![owner(OWNER)]));
}

#[test]
fn a_fingerprint_matches_until_something_of_ours_changes() {
    let key = DigestKey::generate().unwrap();
    let right = actual(|_| {});
    let fingerprint = key.fingerprint(&right, &plain().metadata);
    assert!(key.matches(&fingerprint, &right));
    let theirs = actual(|it| it.metadata.annotations = texts(&[("theirs", "x")]));
    assert!(key.matches(&fingerprint, &theirs));
    for change in [
        (|it: &mut Secret| value(it, "a", "2")) as fn(&mut Secret),
        |it| value(it, "b", ""),
        |it| it.type_ = Some("other".into()),
        |it| it.metadata.labels = None,
    ] {
        assert!(!key.matches(&fingerprint, &actual(change)));
    }
    assert!(!DigestKey::generate().unwrap().matches(&fingerprint, &right));
}
