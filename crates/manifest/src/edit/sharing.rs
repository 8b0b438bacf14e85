//! Aliases: an edit must change one place, and leave no alias without its anchor.

use std::collections::BTreeMap;

use super::error::EditError;
use super::intent::Intent;
use super::layout::Family;
use crate::document::Document;
use crate::node::Node;
use crate::tree::{Content, NodeId};

/// Refuses edits that others would feel, and edits inside of what another edit removes.
pub(super) fn check(
    document: &Document,
    family: &Family,
    intent: &Intent,
) -> Result<(), EditError> {
    let sharing = Sharing {
        document,
        intent,
        aliases: aliases(document),
        family,
    };
    let touched = intent.texts.keys().chain(intent.mappings.keys());
    touched.copied().try_for_each(|id| sharing.touch(id))?;
    sharing.keep_anchors()
}

struct Sharing<'a> {
    document: &'a Document,
    intent: &'a Intent,
    family: &'a Family,
    /// By what they refer to.
    aliases: BTreeMap<NodeId, Vec<NodeId>>,
}

fn aliases(document: &Document) -> BTreeMap<NodeId, Vec<NodeId>> {
    let mut aliases: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for (id, node) in (0..).zip(document.nodes()) {
        if let Content::Alias(target) = node.content {
            aliases.entry(target).or_default().push(id);
        }
    }
    aliases
}

impl Sharing<'_> {
    fn touch(&self, id: NodeId) -> Result<(), EditError> {
        if self.removed(id) {
            return Err(EditError::conflict(self.node(id)));
        }
        for around in self.family.line(id) {
            if let Some(alias) = self.alias_in_use(around) {
                return Err(EditError::shared(self.node(alias), self.node(around)));
            }
        }
        Ok(())
    }

    fn keep_anchors(&self) -> Result<(), EditError> {
        for anchored in self.aliases.keys().copied() {
            let Some(alias) = self.alias_in_use(anchored) else {
                continue;
            };
            if self.removed(anchored) {
                return Err(EditError::Anchored {
                    location: self.node(anchored).location(),
                    alias: self.node(alias).location(),
                });
            }
        }
        Ok(())
    }

    /// An alias of this node that is still one after all edits.
    fn alias_in_use(&self, target: NodeId) -> Option<NodeId> {
        let aliases = self.aliases.get(&target)?;
        aliases
            .iter()
            .copied()
            .find(|alias| !self.intent.texts.contains_key(alias) && !self.removed(*alias))
    }

    /// Whether it stands in an entry that goes.
    fn removed(&self, id: NodeId) -> bool {
        let mut below = None;
        for node in self.family.line(id) {
            let goes = below.is_some_and(|child: NodeId| {
                self.intent.mappings.get(&node).is_some_and(|intent| {
                    let key = self.family.key(child).unwrap_or(child);
                    intent.removed.contains(&key)
                })
            });
            if goes {
                return true;
            }
            below = Some(node);
        }
        false
    }

    fn node(&self, id: NodeId) -> Node<'_> {
        Node::new(self.document, id)
    }
}
