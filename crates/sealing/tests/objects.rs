//! Whole SealedSecrets that upstream's library unsealed or refused, as recorded.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::collections::HashMap;

use seal_api::SealedSecret;
use seal_envelope::Identity;
use seal_keyring::identities_from_pem;
use seal_sealing::{Secret, UnsealError, encode, unseal};
use serde_json::{Map, Value, json};

fn vectors() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/envelope.json"
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn identities(vectors: &Value) -> HashMap<String, Identity> {
    let keys = vectors["keys"].as_array().unwrap().iter();
    let identity = |key: &Value| {
        let pem = key["pkcs1_pem"].as_str().unwrap();
        (
            key["name"].as_str().unwrap().into(),
            identities_from_pem(pem.as_bytes()).unwrap().remove(0),
        )
    };
    keys.map(identity).collect()
}

fn shown(secret: Secret) -> Value {
    let mut shown = json!({ "kind": "Secret", "apiVersion": "v1" });
    let mut metadata = serde_json::to_value(&secret.metadata).unwrap();
    // Go leaves out no empty uid of an owner.
    for owner in metadata["ownerReferences"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        owner
            .as_object_mut()
            .unwrap()
            .entry("uid")
            .or_insert("".into());
    }
    shown["metadata"] = metadata;
    if !secret.data.is_empty() {
        let data = secret
            .data
            .iter()
            .map(|(key, value)| (key.clone(), encode(value).into()));
        shown["data"] = Value::Object(data.collect::<Map<_, _>>());
    }
    if !secret.string_data.is_empty() {
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let data = secret
            .string_data
            .iter()
            .map(|(key, value)| (key.clone(), text(value).into()));
        shown["stringData"] = Value::Object(data.collect::<Map<_, _>>());
    }
    if let Some(type_) = secret.type_ {
        shown["type"] = type_.into();
    }
    if let Some(immutable) = secret.immutable {
        shown["immutable"] = immutable.into();
    }
    shown
}

/// The recorded Secret in terms that JSON can compare: an empty value is no null, and an owner is
/// always named in full, which upstream fails to do for objects without a kind.
fn expected(mut secret: Value) -> Value {
    for value in secret["data"]
        .as_object_mut()
        .into_iter()
        .flat_map(|data| data.values_mut())
    {
        if value.is_null() {
            *value = "".into();
        }
    }
    if secret["data"].is_null() || secret["data"] == json!({}) {
        secret.as_object_mut().unwrap().remove("data");
    }
    for owner in secret["metadata"]["ownerReferences"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        owner["apiVersion"] = "bitnami.com/v1alpha1".into();
        owner["kind"] = "SealedSecret".into();
    }
    secret
}

fn sorted_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn check(case: &Value, identities: &HashMap<String, Identity>) -> Result<(), String> {
    let keys: Vec<&Identity> = case["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| &identities[name.as_str().unwrap()])
        .collect();
    let sealed = SealedSecret::decode(case["sealed"].clone());
    if case["decode_error"].is_string() {
        // The base64 of a blob is decoded later here than upstream does.
        let refused = sealed.map_or(true, |sealed| unseal(&sealed, &keys, true).is_err());
        return refused.then_some(()).ok_or("was not refused".into());
    }
    let sealed = sealed.map_err(|error| format!("does not decode: {error}"))?;
    let accept_v1_data = case["accept_v1_data"].as_bool().unwrap();
    match (unseal(&sealed, &keys, accept_v1_data), &case["secret"]) {
        (Ok(unsealed), Value::Null) => Err(format!("unsealed to {}", shown(unsealed.secret))),
        (Err(error), Value::Null) => error_matches(&error, case),
        (Ok(unsealed), secret) => {
            let (ours, theirs) = (shown(unsealed.secret), expected(secret.clone()));
            (ours == theirs)
                .then_some(())
                .ok_or(format!("\n ours {ours}\n theirs {theirs}"))
        }
        (Err(error), _) => Err(format!("failed: {error}")),
    }
}

/// Errors of decryption are upstream's to the letter; those of templates and of the blob quote
/// values there and so have words of their own here.
fn error_matches(error: &UnsealError, case: &Value) -> Result<(), String> {
    let recorded = case["error"].as_str().unwrap();
    let own_words = recorded.contains("template: ")
        || recorded.contains("conversion")
        || matches!(error, UnsealError::V1NotASecret);
    let ours = error.to_string();
    if own_words && failed_items(&ours) != failed_items(recorded) {
        return Err(format!(
            "names other items than upstream: {ours:?}, {recorded:?}"
        ));
    }
    if own_words || sorted_lines(&ours) == sorted_lines(recorded) {
        return Ok(());
    }
    let seen = case["errors_seen"].as_array();
    let seen = seen.is_some_and(|seen| seen.iter().any(|text| *text == ours.as_str()));
    seen.then_some(())
        .ok_or(format!("says {ours:?}, upstream {recorded:?}"))
}

/// The keys in brackets at the ends of the lines.
fn failed_items(text: &str) -> Vec<String> {
    let items = text
        .lines()
        .filter_map(|line| line.strip_suffix(')')?.rsplit_once('('));
    let mut items: Vec<_> = items
        .flat_map(|(_, items)| items.split(", "))
        .map(str::to_owned)
        .collect();
    items.retain(|item| !item.contains('.'));
    items.sort();
    items
}

#[test]
fn every_recorded_object_unseals_as_upstream_unseals_it() {
    let vectors = vectors();
    let identities = identities(&vectors);
    let cases = vectors["unseal"].as_array().unwrap();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for case in cases {
        let name = case["name"].as_str().unwrap();
        checked += 1;
        if let Err(why) = check(case, &identities) {
            wrong.push(format!("{name}: {why}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {checked}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(checked, 133);
}
