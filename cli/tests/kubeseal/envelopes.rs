//! What is inside the sealed values.

use std::{collections::BTreeMap, sync::LazyLock};

use seal_api::Scope;
use seal_envelope::Identity;
use seal_keyring::identities_from_pem;
use seal_manifest::{Reading, Stream};
use serde_json::Value;

use crate::transcripts::{Transcript, Transcripts};

/// What is wrong with the envelopes in `text`, by what the transcript says of them.
pub(crate) fn check(case: &Transcript, opened: &Value, text: &str) -> Vec<String> {
    let Some(documents) = opened.as_array() else {
        let key = opened["key"].as_str().unwrap();
        return open(key, opened, text, &opened["plaintext_b64"])
            .err()
            .into_iter()
            .collect();
    };
    // A notice of a deprecated flag may come first.
    let text = match text.strip_prefix("Flag ") {
        Some(notice) => notice.split_once('\n').unwrap().1,
        None => text,
    };
    let stream = Stream::parse("", text, Reading::Kubernetes).unwrap();
    let found: Vec<Value> = stream
        .documents()
        .iter()
        .map(|it| it.to_json().unwrap())
        .collect();
    if found.len() != documents.len() {
        return vec![format!(
            "{} documents, expected {}",
            found.len(),
            documents.len()
        )];
    }
    let pairs = documents.iter().zip(&found);
    pairs
        .flat_map(|(expected, found)| document(case, expected, found))
        .collect()
}

fn document(case: &Transcript, expected: &Value, found: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let items = found["spec"]["encryptedData"].as_object().unwrap();
    let wanted = expected["items"].as_object().unwrap();
    if !items.keys().eq(wanted.keys()) {
        wrong.push(format!(
            "items {:?}, expected {:?}",
            items.keys(),
            wanted.keys()
        ));
        return wrong;
    }
    for (item, plaintext) in wanted {
        let sealed = items[item].as_str().unwrap();
        let (label, plaintext) = match plaintext {
            Value::Object(own) => (plaintext, &own["plaintext_b64"]),
            _ => (expected, plaintext),
        };
        let keys = expected["keys"].as_array().unwrap();
        let tried: Vec<_> = keys
            .iter()
            .map(|key| open(key.as_str().unwrap(), label, sealed, plaintext))
            .collect();
        if tried.iter().all(Result::is_err) {
            wrong.push(format!("{item}: {tried:?}"));
        }
    }
    for item in expected["kept"].as_array().into_iter().flatten() {
        let sealed = items[item.as_str().unwrap()].as_str().unwrap();
        if !case.files.values().any(|file| file.contains(sealed)) {
            wrong.push(format!("{item} was sealed anew"));
        }
    }
    wrong
}

fn open(key: &str, label: &Value, sealed: &str, plaintext: &Value) -> Result<(), String> {
    let text = |name: &str| label[name].as_str().unwrap_or_default();
    let scope: Scope = text("scope").parse().unwrap();
    let label = seal_sealing::label(scope, text("namespace"), text("name"));
    let envelope = seal_sealing::decode(sealed).map_err(|error| error.to_string())?;
    let opened = identities()[key]
        .open(&envelope, &label)
        .map_err(|error| format!("key {key}: {error}"))?;
    let right = seal_sealing::decode(plaintext.as_str().unwrap()).unwrap();
    match opened.as_bytes() == right.as_slice() {
        true => Ok(()),
        false => Err("another value".into()),
    }
}

fn identities() -> &'static BTreeMap<&'static str, Identity> {
    static IDENTITIES: LazyLock<BTreeMap<&str, Identity>> = LazyLock::new(|| {
        let keys = Transcripts::recorded().keys.iter();
        keys.filter_map(|(name, key)| {
            let pem = key.pkcs1_pem.as_ref()?;
            // Not every size opens here.
            let identity = identities_from_pem(pem.as_bytes()).ok()?.pop()?;
            Some((name.as_str(), identity))
        })
        .collect()
    });
    &IDENTITIES
}
