//! Secrets sealed and unsealed again, whole and in slices, and why some do not unseal.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

mod diagnosis;

use std::sync::LazyLock;

use proptest::prelude::*;
use seal_api::{Scope, SealedSecret, annotations};
use seal_envelope::{Identity, KeyKind, KeySize, PrivateKeyDer, Recipients, generate_age};
use seal_manifest::{Reading, Stream};
use seal_sealing::{
    SealError, Secret, SecretError, UnsealError, Unsealing, drawn_items, key_hints, label, seal,
    seal_value, unseal, uses_random_or_time,
};

static KEYS: LazyLock<Vec<Identity>> = LazyLock::new(|| {
    let key = || Identity::new(&PrivateKeyDer::generate(KeySize::Rsa2048).unwrap()).unwrap();
    let age = || Identity::from_age(&generate_age(KeyKind::X25519).unwrap()).unwrap();
    vec![key(), key(), key(), age()]
});

fn keys() -> Vec<&'static Identity> {
    KEYS.iter().collect()
}

fn for_key(index: usize) -> Recipients {
    KEYS[index].recipient().clone().into()
}

fn read(yaml: &str) -> Result<Secret, SecretError> {
    let stream = Stream::parse("secret.yaml", yaml, Reading::Strict)?;
    Secret::from_node(&stream.documents()[0].root())
}

fn secret(metadata: &str) -> Secret {
    read(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: team-a{metadata}}}\n\
         type: example.com/own\nimmutable: true\ndata: {{user: YXBw}}\nstringData: {{password: s3cr3t}}\n"
    ))
    .unwrap()
}

fn sealed(metadata: &str) -> SealedSecret {
    seal(&secret(metadata), &for_key(0)).unwrap()
}

fn value(sealed: &SealedSecret, key: &str) -> String {
    let unsealed = unseal(sealed, &keys(), false).unwrap();
    String::from_utf8(unsealed.secret.data[key].to_vec()).unwrap()
}

#[test]
fn a_sealed_secret_unseals_to_what_it_was() {
    let sealed = sealed(", labels: {app: shop}");
    let unsealed = unseal(&sealed, &keys(), false).unwrap();
    let secret = &unsealed.secret;
    assert_eq!(value(&sealed, "user"), "app");
    assert_eq!(value(&sealed, "password"), "s3cr3t");
    assert_eq!(
        (secret.type_.as_deref(), secret.immutable),
        (Some("example.com/own"), Some(true))
    );
    assert_eq!(secret.metadata.labels.as_ref().unwrap()["app"], "shop");
    assert_eq!(unsealed.keys.keys().collect::<Vec<_>>(), [KEYS[0].id()]);
}

#[test]
fn values_given_as_text_win_over_those_in_base64() {
    let secret =
        read("metadata: {name: db, namespace: team-a}\ndata: {a: b2xk}\nstringData: {a: new}\n");
    let sealed = seal(&secret.unwrap(), &for_key(0)).unwrap();
    assert_eq!(value(&sealed, "a"), "new");
}

#[test]
fn copies_of_the_plaintext_and_fields_of_the_server_do_not_reach_the_template() {
    let sealed = sealed(
        ", uid: u, resourceVersion: '7', creationTimestamp: 2024-01-01T00:00:00Z, \
         ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: o, uid: u}], annotations: \
         {kubectl.kubernetes.io/last-applied-configuration: s3cr3t, note: hello}",
    );
    let text = serde_json::to_string(&sealed).unwrap();
    assert!(!text.contains("s3cr3t"), "{text}");
    let template = sealed.spec.template.metadata.unwrap();
    assert_eq!(
        template
            .annotations
            .unwrap()
            .into_keys()
            .collect::<Vec<_>>(),
        ["note"]
    );
    assert_eq!((template.uid, template.resource_version), (None, None));
    assert_eq!(
        (template.creation_timestamp, template.owner_references),
        (None, None)
    );
}

#[test]
fn the_scope_of_the_annotations_binds_the_values_and_is_written_on_the_sealed_secret() {
    for scope in Scope::ALL {
        let mut secret = secret("");
        secret.set_scope(scope);
        let mut sealed = seal(&secret, &for_key(0)).unwrap();
        assert_eq!(sealed.scope(), scope);
        let opens = |sealed: &SealedSecret| unseal(sealed, &keys(), false).is_ok();
        assert!(opens(&sealed));
        sealed.metadata.name = Some("renamed".into());
        assert_eq!(opens(&sealed), scope != Scope::Strict);
        sealed.metadata.namespace = Some("moved".into());
        assert_eq!(opens(&sealed), scope == Scope::ClusterWide);
    }
}

/// Upstream #185.
#[test]
fn items_of_one_object_that_different_keys_have_sealed_all_open() {
    let bound = label(Scope::Strict, "team-a", "db");
    let mut sealed = sealed("");
    for (item, key) in [("first", 1), ("second", 2), ("third", 0)] {
        let text = seal_value(item.as_bytes(), &bound, &for_key(key)).unwrap();
        sealed.spec.encrypted_data.insert(item.into(), text);
    }
    for item in ["first", "second", "third"] {
        assert_eq!(value(&sealed, item), item);
    }
    assert_eq!(value(&sealed, "password"), "s3cr3t");
    let used = unseal(&sealed, &keys(), false).unwrap().keys;
    // The values that were there before are under the first, as is the third.
    let mut counts = [KEYS[0].id(), KEYS[1].id(), KEYS[2].id()].map(|key| used[key]);
    counts.sort_unstable();
    assert_eq!(
        (used.len(), counts),
        (3, [1, 1, sealed.spec.encrypted_data.len() - 2])
    );
}

/// Upstream #1607.
#[test]
fn templates_see_the_values_and_no_value_stands_for_an_absent_one_alone() {
    let mut sealed = sealed("");
    let templates = [
        ("url", "{{ .user }}:{{ index . \"password\" }}"),
        ("none", "{{ .absent }}"),
        ("default", "{{ .absent | default .user }}"),
    ];
    let templates = templates.map(|(key, text)| (key.to_owned(), Some(text.to_owned())));
    sealed.spec.template.data = Some(templates.into());
    assert_eq!(value(&sealed, "url"), "app:s3cr3t");
    assert_eq!(value(&sealed, "none"), "<no value>");
    assert_eq!(value(&sealed, "default"), "app");
}

#[test]
fn the_hint_names_the_key_that_seals() {
    assert_eq!(key_hints(&sealed("").metadata), [KEYS[0].id().clone()]);
    let mut garbage = sealed("").metadata;
    let hints = format!("nonsense,, {} ,SHA256:short", KEYS[1].id());
    garbage
        .annotations
        .as_mut()
        .unwrap()
        .insert(annotations::KEY_HINTS.into(), hints);
    assert_eq!(key_hints(&garbage), [KEYS[1].id().clone()]);
}

#[test]
fn what_a_scope_needs_must_be_there() {
    let sealed = |yaml: &str, scope| {
        let mut secret = read(yaml).unwrap();
        secret.set_scope(scope);
        seal(&secret, &for_key(0)).map(drop)
    };
    let no_namespace = "metadata: {name: db}\n";
    assert_eq!(
        sealed(no_namespace, Scope::Strict),
        Err(SealError::NoNamespace {
            scope: Scope::Strict
        })
    );
    assert_eq!(
        sealed(no_namespace, Scope::NamespaceWide),
        Err(SealError::NoNamespace {
            scope: Scope::NamespaceWide
        })
    );
    assert_eq!(sealed(no_namespace, Scope::ClusterWide), Ok(()));
    let no_name = "metadata: {namespace: team-a}\n";
    assert_eq!(sealed(no_name, Scope::Strict), Err(SealError::NoName));
    assert_eq!(sealed(no_name, Scope::NamespaceWide), Ok(()));
}

#[test]
fn manifests_that_are_no_secrets_are_refused_with_their_place() {
    let refused = |yaml: &str| read(yaml).unwrap_err().to_string();
    assert_eq!(
        refused("# a comment\napiVersion: v1\nkind: ConfigMap\n"),
        "secret.yaml:2:1: expected a Secret of API version v1 but found v1 ConfigMap"
    );
    let base64 = refused("kind: Secret\ndata:\n  password: s3cr3t!\n");
    assert!(
        base64.starts_with("secret.yaml:3:13: data.password: illegal base64"),
        "{base64}"
    );
    assert!(!base64.contains("s3cr3t"), "{base64}");
    let ambiguous = refused("kind: Secret\nstringData:\n  mode: 0777\n");
    assert!(ambiguous.starts_with("secret.yaml:3:9: "), "{ambiguous}");
    assert!(!ambiguous.contains("0777"), "{ambiguous}");
}

#[test]
fn all_items_that_fail_are_told_together() {
    let mut sealed = sealed("");
    sealed
        .spec
        .encrypted_data
        .insert("bad".into(), "not base64!".into());
    sealed
        .spec
        .encrypted_data
        .insert("short".into(), "AA==".into());
    let error = unseal(&sealed, &keys(), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "illegal base64 data at input byte 3 (bad)\nno key could decrypt secret (short)"
    );
}

#[test]
fn the_deprecated_blob_is_read_only_where_it_is_accepted_and_alone() {
    let yaml = "kind: Secret\nmetadata: {labels: {l: '1'}}\nstringData: {a: s3cr3t}\n";
    let mut sealed = sealed("");
    sealed.spec.data = Some(
        seal_value(
            yaml.as_bytes(),
            &label(Scope::Strict, "team-a", "db"),
            &for_key(1),
        )
        .unwrap(),
    );
    assert_eq!(
        unseal(&sealed, &keys(), false).unwrap_err(),
        UnsealError::V1NotAccepted
    );
    assert_eq!(
        unseal(&sealed, &keys(), true).unwrap_err(),
        UnsealError::V1BesideEncryptedData
    );
    sealed.spec.encrypted_data.clear();
    let unsealed = unseal(&sealed, &keys(), true).unwrap();
    assert_eq!(unsealed.secret.string_data["a"].as_bytes(), b"s3cr3t");
    assert_eq!(unsealed.secret.metadata.name.as_deref(), Some("db"));
}

#[test]
fn a_blob_that_holds_no_secret_fails_without_quoting_it() {
    for text in [
        "s3cr3t: [",
        "kind: ConfigMap\ndata: {a: s3cr3t}\n",
        "--- \na: 1\n---\nb: 2\n",
    ] {
        let blob = seal_value(
            text.as_bytes(),
            &label(Scope::Strict, "ns", "n"),
            &for_key(0),
        );
        let mut sealed = SealedSecret::default();
        sealed.metadata.namespace = Some("ns".into());
        sealed.metadata.name = Some("n".into());
        sealed.spec.data = Some(blob.unwrap());
        let error = unseal(&sealed, &keys(), true).unwrap_err();
        assert_eq!(error, UnsealError::V1NotASecret);
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    }
}

#[test]
fn one_object_may_hold_both_kinds_of_envelopes() {
    let mut sealed = sealed("");
    let bound = label(Scope::Strict, "team-a", "db");
    let text = seal_value(b"in age", &bound, &for_key(3)).unwrap();
    sealed.spec.encrypted_data.insert("other".into(), text);
    assert_eq!(value(&sealed, "other"), "in age");
    assert_eq!(value(&sealed, "password"), "s3cr3t");
    let used = unseal(&sealed, &keys(), false).unwrap().keys;
    let others = sealed.spec.encrypted_data.len() - 1;
    let expected = [(KEYS[0].id().clone(), others), (KEYS[3].id().clone(), 1)];
    assert_eq!(used, expected.into());
}

#[test]
fn items_are_drawn_anew_whose_own_templates_ask_for_it_unless_a_sealed_value_wins() {
    let mut sealed = SealedSecret::default();
    let random = || Some("{{ randAlphaNum 8 }}".to_owned());
    let templates = [
        ("drawn", random()),
        ("fixed", Some("{{ .drawn }}".to_owned())),
        ("gone", None),
        ("sealed", random()),
        ("wrong", Some("{{".to_owned())),
    ];
    let templates = templates.map(|(item, text)| (item.to_owned(), text));
    sealed.spec.template.data = Some(templates.into());
    sealed
        .spec
        .encrypted_data
        .insert("sealed".into(), "QQ==".into());
    assert_eq!(drawn_items(&sealed).collect::<Vec<_>>(), ["drawn"]);
    assert!(uses_random_or_time(&sealed));
    sealed.spec.template.data.as_mut().unwrap().remove("drawn");
    assert!(!uses_random_or_time(&sealed));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Items under different keys, in any slices, with any first guess: the same Secret in the end,
    /// and never more operations than were allowed.
    #[test]
    fn unsealing_in_slices_gives_what_unsealing_at_once_gives(
        sealed_with in prop::collection::vec(0..4usize, 1..6),
        slice in 1..5usize,
    ) {
        let bound = label(Scope::Strict, "team-a", "db");
        let mut sealed = SealedSecret::default();
        sealed.metadata.namespace = Some("team-a".into());
        sealed.metadata.name = Some("db".into());
        for (item, key) in sealed_with.iter().enumerate() {
            let text = seal_value(format!("v{item}").as_bytes(), &bound, &for_key(*key));
            sealed.spec.encrypted_data.insert(format!("k{item}"), text.unwrap());
        }
        let at_once = unseal(&sealed, &keys(), false).unwrap();
        let mut unsealing = Unsealing::new(&sealed, false).unwrap();
        let mut steps = 0;
        while !unsealing.is_done() {
            prop_assert!(unsealing.step(&keys(), slice) <= slice);
            steps += 1;
            prop_assert!(steps <= KEYS.len() * sealed_with.len());
        }
        let in_slices = unsealing.finish(&sealed).unwrap();
        prop_assert_eq!(in_slices.secret, at_once.secret);
        prop_assert_eq!(in_slices.keys, at_once.keys);
    }
}
