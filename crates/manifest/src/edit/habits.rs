//! What the siblings of a new key or value look like.

use super::layout::{Layout, Pair};
use super::spelling::{Context, Habit, Quotes, is_safe_plain};
use crate::scalar::Scalar;
use crate::tree::{Content, NodeId, ScalarStyle};

/// The habits of one collection.
pub(super) struct Habits {
    pub(super) keys: Habit,
    pub(super) values: Habit,
    pub(super) context: Context,
}

/// So many siblings are looked at.
const SIBLINGS: usize = 16;

impl Layout<'_> {
    /// How keys and values of this mapping are written; `node` itself does not count.
    pub(super) fn habits(&self, collection: NodeId, node: Option<NodeId>) -> Habits {
        let pairs = self.pairs(collection);
        let keys = pairs.iter().map(|pair: &Pair| pair.key);
        let values: Vec<_> = match self.data(collection).map(|data| &data.content) {
            Some(Content::Sequence { items, .. }) => items.clone(),
            _ => pairs.iter().map(|pair| pair.value).collect(),
        };
        let values = values.into_iter().filter(|id| Some(*id) != node);
        let context = if self.is_json() {
            Context::Json
        } else if self.is_flow(collection) || self.in_flow(collection) {
            Context::Flow
        } else {
            Context::Block
        };
        Habits {
            keys: self.habit(keys, context),
            values: self.habit(values, context),
            context,
        }
    }

    /// The nearest sibling counts that could be written either way; for the kind of quotes any.
    fn habit(&self, siblings: impl DoubleEndedIterator<Item = NodeId>, context: Context) -> Habit {
        let mut plain = None;
        let mut quotes = None;
        for id in siblings.rev().take(SIBLINGS) {
            let node = self.node(id);
            let style = match self.data(id).map(|data| &data.content) {
                Some(Content::Scalar { style, .. }) => *style,
                _ => continue,
            };
            let Some(text) = node.as_str() else { continue };
            match style {
                ScalarStyle::Plain if matches!(node.scalar(), Ok(Scalar::Text(_))) => {
                    plain = plain.or(Some(true));
                }
                ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                    let single = style == ScalarStyle::SingleQuoted;
                    let kind = if single {
                        Quotes::Single
                    } else {
                        Quotes::Double
                    };
                    quotes = quotes.or(Some(kind));
                    if plain.is_none() && is_safe_plain(text, context) {
                        plain = Some(false);
                    }
                }
                _ => {}
            }
            if plain.is_some() && quotes.is_some() {
                break;
            }
        }
        Habit {
            plain: plain.unwrap_or(true),
            quotes,
        }
    }
}
