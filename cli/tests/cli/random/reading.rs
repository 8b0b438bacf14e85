//! What a sealed file holds, and where.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, test_runner::TestCaseError};
use seal_api::{Scope, annotations::KEY_HINTS};
use seal_envelope::Identity;
use seal_keyring::{Certificate, identities_from_pem};
use seal_manifest::{Node, ScalarStyle, Stream};
use seal_sealing::{decode, label, seal_value};
use serde_json::Value;

use super::{
    change::Wanted,
    touched::{Place, Touched},
};
use crate::vectors;

/// The names of two of the recorded keys.
pub(super) const OLD: &str = "rsa3072";
pub(super) const NEW: &str = "rsa2048";

pub(super) fn certificate(key: &str) -> Certificate {
    let keys = vectors::envelope()["keys"].as_array().unwrap();
    let key = keys.iter().find(|known| known["name"] == key).unwrap();
    Certificate::from_pem(key["cert_pem"].as_str().unwrap().as_bytes()).unwrap()
}

pub(super) fn key_id(key: &str) -> String {
    certificate(key).key_id().to_string()
}

/// A value of the object that the tests edit.
pub(super) fn sealed(key: &str, plaintext: &str) -> String {
    let label = label(Scope::Strict, "team-a", "db");
    seal_value(plaintext.as_bytes(), &label, certificate(key).recipients()).unwrap()
}

/// The id of the key that opens a value of that object, and the plaintext.
fn opened(text: &str) -> Option<(String, String)> {
    let label = label(Scope::Strict, "team-a", "db");
    [OLD, NEW].into_iter().find_map(|key| {
        let identity: Identity = identities_from_pem(vectors::key(key).as_bytes())
            .unwrap()
            .remove(0);
        let plaintext = identity.open(&decode(text).ok()?, &label).ok()?;
        Some((
            key_id(key),
            String::from_utf8(plaintext.as_bytes().to_vec()).unwrap(),
        ))
    })
}

/// A file with one SealedSecret.
pub(super) struct Reading {
    text: String,
    stream: Stream,
    /// Its documents, the values and the hint taken out of them.
    rest: Vec<Value>,
    /// Sealed, by key.
    pub(super) values: BTreeMap<String, String>,
    hint: Option<BTreeSet<String>>,
}

const VALUES: [&str; 2] = ["spec", "encryptedData"];
const HINT: [&str; 3] = ["metadata", "annotations", KEY_HINTS];

impl Reading {
    pub(super) fn of(text: &str) -> Self {
        let stream = Stream::parse("sealed.yaml", text, seal_manifest::Reading::Strict).unwrap();
        let documents = stream.documents().iter();
        let mut rest: Vec<Value> = documents.map(|it| it.to_json().unwrap()).collect();
        let object = rest
            .iter_mut()
            .find(|it| it["kind"] == "SealedSecret")
            .unwrap();
        let values = taken(object, VALUES[0], VALUES[1]);
        let values = values.as_object().into_iter().flatten();
        let values =
            values.map(|(key, text)| (key.clone(), text.as_str().unwrap_or_default().to_owned()));
        let values = values.collect();
        let mut annotations = taken(object, HINT[0], HINT[1]);
        let hint = annotations
            .as_object_mut()
            .and_then(|it| it.remove(KEY_HINTS));
        let hint = hint.map(|hint| {
            hint.as_str()
                .unwrap()
                .split(',')
                .map(str::to_owned)
                .collect()
        });
        if annotations.as_object().is_some_and(|it| !it.is_empty()) {
            object[HINT[0]][HINT[1]] = annotations;
        }
        Self {
            text: text.to_owned(),
            stream,
            rest,
            values,
            hint,
        }
    }

    /// Whether this became the other, as wanted and no further.
    pub(super) fn expect(&self, wanted: &Wanted, after: &Self) -> Result<(), TestCaseError> {
        let told = || format!("{wanted:?}\n{}\n->\n{}", self.text, after.text);
        prop_assert_eq!(&self.rest, &after.rest, "{}", told());
        let mut keys: BTreeSet<_> = self.values.keys().chain(wanted.set.keys()).collect();
        keys.retain(|key| !wanted.removed.contains(*key));
        prop_assert_eq!(keys, after.values.keys().collect(), "{}", told());
        for (key, text) in &after.values {
            let before = self.values.get(key);
            if let Some(plaintext) = wanted.set.get(key) {
                prop_assert_ne!(before, Some(text), "{}", told());
                prop_assert_eq!(
                    opened(text),
                    Some((key_id(NEW), plaintext.clone())),
                    "{}",
                    told()
                );
            } else if wanted.reseals() {
                let plaintext = opened(before.unwrap()).unwrap().1;
                prop_assert_eq!(opened(text), Some((key_id(NEW), plaintext)), "{}", told());
            } else {
                prop_assert_eq!(before, Some(text), "{}", told());
            }
        }
        self.expect_hint(wanted, after, &told)?;
        let lost = self
            .touched(wanted, after)
            .others_stay(&self.text, &after.text);
        prop_assert_eq!(lost, None, "{}", told());
        if let (Some(before), Some(after)) =
            (self.around(wanted, after), after.around(wanted, self))
        {
            prop_assert_eq!(before, after, "{}", told());
        }
        Ok(())
    }

    /// A hint names the keys of all values, as it did before; nobody writes one that does not.
    fn expect_hint(
        &self,
        wanted: &Wanted,
        after: &Self,
        told: &dyn Fn() -> String,
    ) -> Result<(), TestCaseError> {
        let values = after.values.values();
        let keys: BTreeSet<String> = values.filter_map(|text| Some(opened(text)?.0)).collect();
        if let Some(hint) = &after.hint {
            prop_assert!(keys.is_subset(hint), "{:?} of {:?}: {}", hint, keys, told());
        }
        if self.hint.is_some() && !keys.is_empty() {
            prop_assert!(after.hint.is_some(), "{}", told());
        }
        if wanted.reseals() && !keys.is_empty() {
            prop_assert_eq!(after.hint.as_ref(), Some(&keys), "{}", told());
        }
        Ok(())
    }

    /// The pieces of the text around the values that changed, and around the hint; nothing unless all
    /// of these are scalars of one line that stay where they are.
    fn around(&self, wanted: &Wanted, other: &Self) -> Option<Vec<&str>> {
        let mut spans = Vec::new();
        let paths = self
            .values
            .keys()
            .map(|key| [&VALUES[..], &[key.as_str()]].concat());
        for path in paths.chain([HINT.to_vec()]) {
            let Some(place) = self.place(&path) else {
                continue;
            };
            spans.push(one_line(&self.text, &place.node)?);
        }
        let moved = self.values.keys().ne(other.values.keys())
            || self.hint.is_some() != other.hint.is_some();
        if moved || !wanted.removed.is_empty() {
            return None;
        }
        spans.sort_by_key(|span| span.start);
        let ends = spans.iter().map(|span| span.end);
        let starts = spans.iter().map(|span| span.start).chain([self.text.len()]);
        [0].into_iter()
            .chain(ends)
            .zip(starts)
            .map(|(from, to)| self.text.get(from..to))
            .collect()
    }

    fn touched(&self, wanted: &Wanted, after: &Self) -> Touched {
        let mut touched = Touched::default();
        for (key, text) in &after.values {
            let path = [&VALUES[..], &[key.as_str()]].concat();
            match self.place(&path) {
                Some(place) if self.values.get(key) != Some(text) => {
                    touched.replaced(&self.text, place);
                }
                Some(_) => {}
                None => touched.inserted(&self.text, self.nearest(&VALUES)),
            }
        }
        for key in &wanted.removed {
            let place = self.place(&[VALUES[0], VALUES[1], key]).unwrap();
            touched.removed(&self.text, self.nearest(&VALUES), place);
        }
        match (self.place(&HINT), &after.hint) {
            (Some(place), Some(_)) if self.hint != after.hint => {
                touched.replaced(&self.text, place);
            }
            (Some(_), None) => {
                // With the last annotation the mapping goes.
                let depth = if after.place(&HINT[..2]).is_some() {
                    3
                } else {
                    2
                };
                let gone = self.place(&HINT[..depth]).unwrap();
                touched.removed(&self.text, self.nearest(&HINT[..depth - 1]), gone);
            }
            (None, Some(_)) => touched.inserted(&self.text, self.nearest(&HINT[..2])),
            _ => {}
        }
        touched
    }

    fn place(&self, path: &[&str]) -> Option<Place<'_>> {
        let documents = self.stream.documents().iter();
        let mut roots = documents.map(seal_manifest::Document::root);
        let root = roots
            .find(|root| root.kind().as_deref() == Some("SealedSecret"))
            .unwrap();
        let root = Place {
            node: root,
            key: None,
        };
        path.iter().try_fold(root, |place, key| {
            let entries = place.node.entries().ok()?;
            let entry = entries.into_iter().find(|entry| entry.key == *key)?;
            Some(Place {
                node: entry.value,
                key: Some(entry.key_node),
            })
        })
    }

    /// The place of the path, or of as much of it as there is.
    fn nearest(&self, path: &[&str]) -> Place<'_> {
        let lengths = (0..=path.len()).rev();
        lengths
            .filter_map(|length| self.place(&path[..length]))
            .next()
            .unwrap()
    }
}

/// Takes a field of a field out of an object.
fn taken(object: &mut Value, outer: &str, inner: &str) -> Value {
    let outer = object.get_mut(outer).and_then(Value::as_object_mut);
    outer.and_then(|it| it.remove(inner)).unwrap_or_default()
}

fn one_line(text: &str, node: &Node<'_>) -> Option<std::ops::Range<usize>> {
    let span = node.span();
    let block = matches!(
        node.scalar_style(),
        None | Some(ScalarStyle::Literal | ScalarStyle::Folded)
    );
    (!block && !span.is_empty() && !text[span.clone()].contains(['\n', '\r'])).then_some(span)
}
