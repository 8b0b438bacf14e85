//! What is wanted of one document, by node: pure data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use zeroize::Zeroizing;

use super::error::EditError;
use crate::node::Node;
use crate::tree::NodeId;

/// What shall become of the nodes of one document; those not named stay.
#[derive(Debug, Default)]
pub(super) struct Intent {
    /// Scalars and aliases that become other texts.
    pub(super) texts: BTreeMap<NodeId, Text>,
    /// Mappings, and nulls that become mappings.
    pub(super) mappings: BTreeMap<NodeId, MappingIntent>,
}

#[derive(Debug, Default)]
pub(super) struct MappingIntent {
    /// Keys of the entries that go.
    pub(super) removed: BTreeSet<NodeId>,
    /// Entries that come behind the others.
    pub(super) added: Added,
}

/// New entries of a mapping, in order.
#[derive(Debug, Default)]
pub(super) struct Added(pub(super) Vec<(String, New)>);

#[derive(Debug)]
pub(super) enum New {
    Text(Text),
    Mapping(Added),
}

/// A wanted text; `Debug` prints nothing of it.
pub(super) struct Text(pub(super) Zeroizing<String>);

impl Intent {
    pub(super) fn replace(
        &mut self,
        node: Node<'_>,
        text: Zeroizing<String>,
    ) -> Result<(), EditError> {
        let id = node.id();
        if self.mappings.contains_key(&id) || self.texts.contains_key(&id) {
            return Err(EditError::conflict(node));
        }
        self.texts.insert(id, Text(text));
        Ok(())
    }

    pub(super) fn add(&mut self, mapping: Node<'_>, added: Added) -> Result<(), EditError> {
        if self.texts.contains_key(&mapping.id()) {
            return Err(EditError::conflict(mapping));
        }
        let intent = self.mappings.entry(mapping.id()).or_default();
        if intent.added.merge(added) {
            Ok(())
        } else {
            Err(EditError::conflict(mapping))
        }
    }

    /// Keys of all entries that go.
    pub(super) fn gone(&self) -> BTreeSet<NodeId> {
        let mappings = self.mappings.values();
        mappings
            .flat_map(|wanted| wanted.removed.iter().copied())
            .collect()
    }

    /// Whether the mapping gets new entries.
    pub(super) fn adds_to(&self, mapping: NodeId) -> bool {
        let wanted = self.mappings.get(&mapping);
        wanted.is_some_and(|wanted| !wanted.added.0.is_empty())
    }

    /// All entries with this key, as the last one would only uncover the one before.
    pub(super) fn remove(&mut self, mapping: Node<'_>, key: &str) -> Result<(), EditError> {
        let intent = self.mappings.entry(mapping.id()).or_default();
        for (id, _) in mapping.pairs() {
            let node = mapping.sibling(*id);
            let equal = !node.is_merge() && node.key_text()? == key;
            if equal && !intent.removed.insert(*id) {
                return Err(EditError::conflict(node));
            }
        }
        Ok(())
    }
}

impl Added {
    /// One text below a path of keys.
    pub(super) fn text(path: &[&str], text: Zeroizing<String>) -> Self {
        let (last, parents) = match path.split_last() {
            Some((last, parents)) => (*last, parents),
            None => return Self::default(),
        };
        let innermost = Self(vec![(last.to_owned(), New::Text(Text(text)))]);
        parents.iter().rev().fold(innermost, |inner, key| {
            Self(vec![((*key).to_owned(), New::Mapping(inner))])
        })
    }

    /// Whether the other entries go together with these.
    fn merge(&mut self, other: Self) -> bool {
        for (key, new) in other.0 {
            match self.0.iter_mut().find(|(own, _)| *own == key) {
                None => self.0.push((key, new)),
                Some((_, New::Mapping(own))) => {
                    let New::Mapping(new) = new else { return false };
                    if !own.merge(new) {
                        return false;
                    }
                }
                Some((_, New::Text(_))) => return false,
            }
        }
        true
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
