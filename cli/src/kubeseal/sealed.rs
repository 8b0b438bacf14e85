//! SealedSecrets as upstream's programs read them.

use seal_api::SealedSecret;
use seal_manifest::{Node, Reading, Stream};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    documents::{self, Held},
    failure::{Failure, Outcome},
};

/// A SealedSecret with all that stands in it.
pub struct Found {
    /// The document.
    pub value: Value,
    /// What we know of it.
    pub sealed: SealedSecret,
}

/// The documents of an input that is decoded as one object. Upstream takes the first of several
/// without a word; here all of them are given.
///
/// # Errors
/// In upstream's words, when it is no SealedSecret.
pub fn decode(name: &str, bytes: &Zeroizing<Vec<u8>>) -> Outcome<Vec<Found>> {
    check_json_end(bytes)?;
    let stream = Stream::parse(name, bytes.to_vec(), Reading::Kubernetes)?;
    let documents = stream.documents();
    if documents.is_empty() {
        return Err(Failure::new("Object 'Kind' is missing in 'null'"));
    }
    documents
        .iter()
        .map(|document| found(&document.root()))
        .collect()
}

/// What a stream for the controller holds. It is not checked: that is the controller's part.
///
/// # Errors
/// When one of the documents cannot be read.
pub fn stream(name: &str, bytes: Zeroizing<Vec<u8>>) -> Outcome<Vec<Value>> {
    documents::read(name, bytes, |root, _| {
        let value = root.to_json()?;
        Ok(match holds_any(&value) {
            true => Held::Found(value),
            false => Held::Nothing,
        })
    })
}

/// Whether it has anything of what an object has.
#[must_use]
pub fn holds_any(value: &Value) -> bool {
    let known = ["kind", "apiVersion", "metadata", "spec", "status"];
    let is_known = |name: &String| known.iter().any(|it| it.eq_ignore_ascii_case(name));
    value.as_object().is_some_and(|fields| {
        fields
            .iter()
            .any(|(name, it)| is_known(name) && !it.is_null())
    })
}

/// Whether upstream's controller takes it: it takes no other kind, and none without a kind.
#[must_use]
pub fn is_sealed(value: &Value) -> bool {
    value.get("kind").and_then(Value::as_str) == Some("SealedSecret")
}

fn found(root: &Node<'_>) -> Outcome<Found> {
    if !root.is_mapping() {
        let what = go_type(root);
        return Err(Failure::new(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go \
             value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind \
             string \"json:\\\"kind,omitempty\\\"\" }}"
        )));
    }
    let value = root.to_json().map_err(Failure::from)?;
    expect_kind(&value)?;
    let sealed = SealedSecret::decode(value.clone())
        .map_err(|error| Failure::new(format!("{}: {error}", root.location())))?;
    Ok(Found { value, sealed })
}

fn expect_kind(value: &Value) -> Outcome<()> {
    let text = |name| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("" | "bitnami.com/v1alpha1", "" | "SealedSecret") => Ok(()),
        ("v1", kind) => Err(Failure::new(format!(
            "converting (v1.{kind}) to (v1alpha1.SealedSecret): unknown conversion"
        ))),
        (version, kind) => Err(Failure::new(format!(
            "no kind {kind:?} is registered for version {version:?} in scheme \
             \"pkg/runtime/scheme.go:111\""
        ))),
    }
}

/// What follows a JSON object is told in the words of Go's `encoding/json`.
fn check_json_end(bytes: &[u8]) -> Outcome<()> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Ok(());
    }
    let mut objects =
        serde_json::Deserializer::from_slice(bytes).into_iter::<serde::de::IgnoredAny>();
    if objects.next().is_none_or(|object| object.is_err()) {
        return Ok(());
    }
    let rest = bytes.get(objects.byte_offset()..).unwrap_or_default();
    let rest = String::from_utf8_lossy(rest);
    match rest.trim_start().chars().next() {
        Some(next) => Err(Failure::new(format!(
            "couldn't get version/kind; json parse error: invalid character '{next}' after \
             top-level value"
        ))),
        None => Ok(()),
    }
}

fn go_type(node: &Node<'_>) -> &'static str {
    if node.is_sequence() {
        "array"
    } else {
        "string"
    }
}
