//! The result is read again: what was to change has changed, and nothing else.

use std::collections::BTreeMap;

use super::error::EditError;
use super::intent::{Added, Intent, MappingIntent, New, Text};
use crate::document::{Document, Format};
use crate::node::Node;
use crate::scalar::Scalar;
use crate::stream::Stream;
use crate::tree::{Content, NodeId};

/// Parses the new text and compares it, node by node, with the old one and with what is wanted.
pub(super) fn read_back(
    old: &Stream,
    text: &str,
    intents: &BTreeMap<usize, Intent>,
) -> Result<(), EditError> {
    let none = Intent::default();
    let new = old.reparse(text.as_bytes().to_vec());
    let place = || {
        let edited = intents.keys().next().copied().unwrap_or_default();
        EditError::Unproven {
            location: old
                .documents()
                .get(edited)
                .map_or_else(|| old.place(0), |document| document.root().location()),
        }
    };
    let new = new.map_err(|_| place())?;
    if new.documents().len() != old.documents().len() {
        return Err(place());
    }
    for (index, (before, after)) in old.documents().iter().zip(new.documents()).enumerate() {
        let comparison = Comparison {
            before,
            after,
            intent: intents.get(&index).unwrap_or(&none),
        };
        if comparison.holds() != Some(true) {
            return Err(EditError::unproven(before.root()));
        }
    }
    Ok(())
}

/// Parses the new text, and compares every document with those that shall stand in its place, or with
/// what it was.
pub(super) fn reads_back_with(
    old: &Stream,
    text: &str,
    wanted: &BTreeMap<usize, Stream>,
) -> Result<(), EditError> {
    let intent = &Intent::default();
    let replaced = wanted.keys().next().and_then(|it| old.documents().get(*it));
    let unproven = |document: Option<&Document>| EditError::Unproven {
        location: document.map_or_else(|| old.place(0), |it| it.root().location()),
    };
    let new = old.reparse(text.as_bytes().to_vec());
    let new = new.map_err(|_| unproven(replaced))?;
    let mut found = new.documents().iter();
    for (index, document) in old.documents().iter().enumerate() {
        let itself = std::slice::from_ref(document);
        for before in wanted.get(&index).map_or(itself, Stream::documents) {
            let holds = found.next().and_then(|after| {
                let comparison = Comparison {
                    before,
                    after,
                    intent,
                };
                comparison.holds()
            });
            if holds != Some(true) {
                return Err(unproven(Some(document)));
            }
        }
    }
    match found.next() {
        Some(_) => Err(unproven(replaced)),
        None => Ok(()),
    }
}

struct Comparison<'a> {
    before: &'a Document,
    after: &'a Document,
    intent: &'a Intent,
}

impl Comparison<'_> {
    fn holds(&self) -> Option<bool> {
        let roots = (self.before.root().id(), self.after.root().id());
        let mut twins = vec![None; self.before.nodes().len()];
        let same = self.same(roots.0, roots.1, &mut twins)?
            // YAML may turn into JSON, `{a: b}` into `{}`, but not the other way.
            && (self.before.format() == Format::Yaml || self.after.format() == Format::Json);
        Some(same && self.aliases_hold(&twins)? && self.mappings_hold(&twins)?)
    }

    /// Whether a node became what it should; notes for each old node the new one.
    fn same(&self, old: NodeId, new: NodeId, twins: &mut [Option<NodeId>]) -> Option<bool> {
        *twins.get_mut(old as usize)? = Some(new);
        let after = Node::new(self.after, new);
        if let Some(text) = self.intent.texts.get(&old) {
            return Some(is_text(after, text));
        }
        let intent = self.intent.mappings.get(&old);
        let (before, data) = (self.before.node(old)?, self.after.node(new)?);
        let unchanged = intent.is_none() && before.tag == data.tag;
        Some(match (&before.content, &data.content) {
            (Content::Scalar { style, .. }, Content::Scalar { style: other, .. }) => {
                let text = Node::new(self.before, old).as_str();
                unchanged && style == other && text == after.as_str()
            }
            (Content::Alias(_), Content::Alias(_)) => unchanged,
            (Content::Sequence { items, .. }, Content::Sequence { items: others, .. }) => {
                let mut pairs = items.iter().zip(others);
                unchanged
                    && items.len() == others.len()
                    && pairs.all(|(old, new)| self.same(*old, *new, twins) == Some(true))
            }
            (
                Content::Mapping { entries, .. },
                Content::Mapping {
                    entries: others, ..
                },
            ) => {
                let kept = entries
                    .iter()
                    .filter(|(key, _)| !intent.is_some_and(|intent| intent.removed.contains(key)));
                let mut others = others.iter();
                for (key, value) in kept {
                    let (new_key, new_value) = others.next()?;
                    if !self.same(*key, *new_key, twins)?
                        || !self.same(*value, *new_value, twins)?
                    {
                        return Some(false);
                    }
                }
                let rest: Vec<_> = others.copied().collect();
                self.added(intent.map(|intent| &intent.added), &rest)?
            }
            (Content::Scalar { .. }, Content::Mapping { entries, .. }) => {
                let was_null = Node::new(self.before, old).is_null();
                was_null && intent.is_some() && self.added(intent.map(|it| &it.added), entries)?
            }
            _ => false,
        })
    }

    /// Whether these entries are the wanted ones.
    fn added(&self, added: Option<&Added>, entries: &[(NodeId, NodeId)]) -> Option<bool> {
        let wanted = added.map_or(&[][..], |added| added.0.as_slice());
        if wanted.len() != entries.len() {
            return Some(false);
        }
        for ((key, new), (key_id, value_id)) in wanted.iter().zip(entries) {
            let key_node = Node::new(self.after, *key_id);
            let value = Node::new(self.after, *value_id);
            let key_holds = matches!(key_node.scalar(), Ok(Scalar::Text(text)) if text == *key)
                && key_node.refuse_ambiguous().is_ok();
            let value_holds = match new {
                New::Text(text) => is_text(value, text),
                New::Mapping(added) => match value.content()? {
                    Content::Mapping { entries, .. } => self.added(Some(added), entries)?,
                    _ => false,
                },
            };
            if !key_holds || !value_holds {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Whether every alias still refers to the same node.
    fn aliases_hold(&self, twins: &[Option<NodeId>]) -> Option<bool> {
        for (old, new) in self.before.nodes().iter().zip(twins) {
            let (Content::Alias(target), Some(new)) = (&old.content, new) else {
                continue;
            };
            if let Content::Alias(new_target) = self.after.node(*new)?.content
                && *twins.get(*target as usize)? != Some(new_target)
            {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Whether readers find in every edited mapping what is wanted there: merges and equal keys.
    fn mappings_hold(&self, twins: &[Option<NodeId>]) -> Option<bool> {
        for (old, intent) in &self.intent.mappings {
            let new = (*twins.get(*old as usize)?)?;
            if !self.mapping_holds(Node::new(self.after, new), intent)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn mapping_holds(&self, new: Node<'_>, intent: &MappingIntent) -> Option<bool> {
        let entries = new.entries().ok()?;
        let own: BTreeMap<&str, NodeId> = entries
            .iter()
            .map(|entry| (entry.key.as_ref(), entry.value.id()))
            .collect();
        let behind = new.pairs().len().checked_sub(intent.added.0.len())?;
        let added = intent.added.0.iter().zip(new.pairs().iter().skip(behind));
        let added_hold = added
            .into_iter()
            .all(|((key, _), (_, value))| own.get(key.as_str()) == Some(value));
        let mut removed = intent.removed.iter();
        let removed_hold = removed.all(|id| {
            let key = Node::new(self.before, *id).key_text();
            key.is_ok_and(|key| {
                let again = intent.added.0.iter().any(|(added, _)| *added == key);
                again || !own.contains_key(key.as_ref())
            })
        });
        Some(added_hold && removed_hold)
    }
}

/// Whether every reader takes the scalar for this text.
pub(super) fn is_text(node: Node<'_>, text: &Text) -> bool {
    matches!(node.scalar(), Ok(Scalar::Text(read)) if read == text.0.as_str())
        && node.refuse_ambiguous().is_ok()
}
