//! The hint of an object of which some values are sealed again or removed.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::annotations::KEY_HINTS;
use seal_envelope::KeyId;
use seal_manifest::{EditError, Edits, Node};
use seal_sealing::key_hints;

const ANNOTATIONS: [&str; 2] = ["metadata", "annotations"];

/// What becomes of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Hint {
    /// It is as it was, or there is none.
    Stays,
    /// It is removed.
    Goes,
    /// It has this text.
    Becomes(String),
}

impl Hint {
    /// The hint names the keys of all values: those of the hint so far, as long as other values stay,
    /// and those that something was sealed for now. Where there was none and other values stay, there
    /// is none afterwards: it would name one key of several.
    #[must_use]
    pub fn of(metadata: &ObjectMeta, sealed_for: &BTreeSet<KeyId>, others_stay: bool) -> Self {
        let had_hint = Self::is_on(metadata);
        let before: BTreeSet<KeyId> = key_hints(metadata).into_iter().collect();
        let mut keys = match others_stay {
            true => before.clone(),
            false => BTreeSet::new(),
        };
        keys.extend(sealed_for.iter().cloned());
        match keys.is_empty() {
            true if had_hint && !others_stay => Self::Goes,
            false if keys != before && (had_hint || !others_stay) => {
                let keys: Vec<_> = keys.iter().map(KeyId::as_str).collect();
                Self::Becomes(keys.join(","))
            }
            _ => Self::Stays,
        }
    }

    /// Whether an object has one.
    #[must_use]
    pub fn is_on(metadata: &ObjectMeta) -> bool {
        let annotations = metadata.annotations.as_ref();
        annotations.is_some_and(|it| it.contains_key(KEY_HINTS))
    }

    /// Writes it on the object at `node`.
    ///
    /// # Errors
    /// Where the file cannot be edited there.
    pub fn write<'a>(&self, edits: &mut Edits<'a>, node: Node<'a>) -> Result<(), EditError> {
        let [metadata, annotations] = ANNOTATIONS;
        let path = [metadata, annotations, KEY_HINTS];
        match self {
            Self::Stays => Ok(()),
            Self::Goes if is_alone(&node) => edits.remove(node, &ANNOTATIONS),
            Self::Goes => edits.remove(node, &path),
            Self::Becomes(text) => edits.set(node, &path, text),
        }
    }
}

/// Whether an object has no other annotation.
fn is_alone(node: &Node<'_>) -> bool {
    let annotations = ANNOTATIONS.iter().try_fold(*node, |node, field| {
        node.is_mapping().then(|| node.get(field).ok().flatten())?
    });
    annotations.is_some_and(|it| it.entries().is_ok_and(|entries| entries.len() == 1))
}
