//! Editing in place: what is wanted is collected as data, planned as replacements of bytes, applied
//! in one go, and read again to prove it.
//!
//! | step | module |
//! |---|---|
//! | what is wanted, resolved to nodes | here and [`intent`] |
//! | what else that would change: aliases, anchors, merges | [`sharing`] |
//! | bytes to replace: values, entries of block and of flow mappings | [`plan`], [`value`], [`block`], [`flow`] |
//! | how texts are written there, and where things stand | [`spelling`], [`layout`] |
//! | whether the result reads back as wanted | [`line`] where a line suffices, otherwise [`proof`] |
//! | whole documents that become others | [`replace`] |

mod block;
mod error;
mod flow;
mod habits;
mod intent;
mod layout;
mod line;
mod plan;
mod proof;
mod replace;
mod sharing;
mod spelling;
mod value;

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

pub use error::EditError;

use self::intent::{Added, Intent};
use self::layout::{Family, Layout};
use crate::error::Problem;
use crate::mapping::Entry;
use crate::node::Node;
use crate::stream::Stream;
use crate::tree::Content;
use crate::wiped::Wiped;

/// Edits of a stream that are wanted, applied together by [`apply`](Self::apply) or not at all.
///
/// What is edited is named by a node and a path of keys below it, taken exactly as
/// [`Entry::key`](crate::Entry::key) spells them. With an empty path it is the node itself, which
/// saves the search where a caller goes over all entries of a mapping.
#[derive(Debug)]
pub struct Edits<'a> {
    stream: &'a Stream,
    /// By the index of the document.
    intents: BTreeMap<usize, Intent>,
}

/// The text of a stream after its edits, wiped when dropped. `Debug` prints no content.
pub struct Edited(Wiped);

impl Edited {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Edited")
    }
}

impl Stream {
    /// Begins to edit; see [`Edits`].
    #[must_use]
    pub fn edit(&self) -> Edits<'_> {
        Edits {
            stream: self,
            intents: BTreeMap::new(),
        }
    }
}

impl<'a> Edits<'a> {
    /// Makes the value at a path this text: replaces the scalar or alias there, or inserts a key
    /// behind the others of its mapping. Mappings on the way that are absent, null or `{}` are made.
    ///
    /// A scalar keeps its style where the text allows; a new one is written as its siblings are. A
    /// key that only a merge (`<<`) brings becomes one of the mapping's own.
    ///
    /// # Errors
    /// When the path leads through something that is no mapping or to something that is no scalar,
    /// through an alias, or to a key that a merge behind it replaces; when it is edited already; and
    /// as [`Node::entries`].
    pub fn set(&mut self, node: Node<'a>, path: &[&str], text: &str) -> Result<(), EditError> {
        let text = Zeroizing::new(text.to_owned());
        match self.follow(node, path)? {
            Place::Value(value) => {
                let scalar = matches!(value.content(), Some(Content::Scalar { .. }));
                if !scalar {
                    return Err(value.wrong_type("a scalar").into());
                }
                self.intent(value)?.replace(value, text)
            }
            Place::Absent { mapping, path } => {
                let added = Added::text(path, text);
                self.intent(mapping)?.add(mapping, added)
            }
        }
    }

    /// Removes the key at a path with its value, of equal keys all. A mapping that loses its last
    /// key stays as `{}`.
    ///
    /// A comment behind the value goes with it, and so do comment lines below it that are indented
    /// deeper than the key. Comment lines above it stay: they may speak of more than this key, and a
    /// stale comment is seen in a review while a lost one is not.
    ///
    /// # Errors
    /// [`EditError::Missing`] where there is no such key, [`EditError::Merged`] where a merge brings
    /// it, otherwise as [`set`](Self::set).
    pub fn remove(&mut self, node: Node<'a>, path: &[&str]) -> Result<(), EditError> {
        let Some((key, parents)) = path.split_last() else {
            return Err(EditError::unsupported(
                node,
                "a value without its key cannot be removed",
            ));
        };
        let missing = |node: Node<'_>| EditError::Missing {
            location: node.location(),
            key: path.join("."),
        };
        let mapping = match self.follow(node, parents)? {
            Place::Value(mapping) => mapping,
            Place::Absent { mapping, .. } => return Err(missing(mapping)),
        };
        if let Some(anchor) = mapping.alias_target() {
            return Err(EditError::shared(mapping, anchor));
        }
        if mapping.entry(key)?.is_none() {
            return Err(missing(mapping));
        }
        if let Some(merge) = mapping.merged(key)? {
            return Err(EditError::Merged {
                location: mapping.location(),
                key: (*key).to_owned(),
                merge: merge.location(),
            });
        }
        self.intent(mapping)?.remove(mapping, key)
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.intents.is_empty()
    }

    /// The text with what the edits touch replaced, read again as far as that proves it. Every other
    /// byte stays, and so does what it means: comments, order, quoting, anchors, indentation, line
    /// ends, a byte-order mark.
    ///
    /// # Errors
    /// [`EditError::Shared`] where an edit would change a second place through an alias or a merge,
    /// [`EditError::Anchored`] where it would leave an alias without its anchor,
    /// [`EditError::Conflict`] where two edits touch one place, [`EditError::Unsupported`] for
    /// layouts that have no place for the edit, and [`EditError::Unproven`] when the result does not
    /// read back exactly as wanted.
    pub fn apply(&self) -> Result<Edited, EditError> {
        let mut replacements = Vec::new();
        let mut proven = true;
        for (index, intent) in &self.intents {
            if let Some(document) = self.stream.documents().get(*index) {
                let family = &Family::of(document);
                sharing::check(document, family, intent)?;
                let gone = &intent.gone();
                let layout = Layout {
                    document,
                    family,
                    gone,
                };
                let planned = plan::plan(&layout, intent)?;
                proven = proven && line::proves(self.stream, &layout, intent, &planned);
                replacements.extend(planned);
            }
        }
        let text = plan::apply(self.stream, replacements)?;
        if !proven {
            proof::read_back(self.stream, &text, &self.intents)?;
        }
        Ok(Edited(text))
    }

    fn intent(&mut self, node: Node<'a>) -> Result<&mut Intent, EditError> {
        let document = node.document();
        let index = document.index();
        let ours = self.stream.documents().get(index);
        if !ours.is_some_and(|ours| std::ptr::eq(ours, document)) {
            return Err(EditError::unsupported(node, "it belongs to another input"));
        }
        Ok(self.intents.entry(index).or_default())
    }

    /// Goes down a path as far as there are keys.
    fn follow<'p>(&self, node: Node<'a>, path: &'p [&'p str]) -> Result<Place<'a, 'p>, EditError> {
        let mut at = node;
        for (depth, key) in path.iter().enumerate() {
            let rest = path.get(depth..).unwrap_or_default();
            if let Some(anchor) = at.alias_target() {
                return Err(EditError::shared(at, anchor));
            }
            if at.is_null() {
                return Ok(Place::Absent {
                    mapping: at,
                    path: rest,
                });
            }
            let Some(entry) = at.entry(key)? else {
                return Ok(Place::Absent {
                    mapping: at,
                    path: rest,
                });
            };
            let merged = !at.owns(&entry);
            if merged && rest.len() == 1 {
                at.refuse_own(key, &entry)?;
                return Ok(Place::Absent {
                    mapping: at,
                    path: rest,
                });
            }
            at = entry.value;
        }
        Ok(Place::Value(at))
    }
}

/// Where a path leads.
enum Place<'a, 'p> {
    Value(Node<'a>),
    /// To keys that this mapping, or the null in its place, has not got.
    Absent {
        mapping: Node<'a>,
        path: &'p [&'p str],
    },
}

impl<'a> Node<'a> {
    /// The entry of a key, merges applied.
    fn entry(&self, key: &str) -> Result<Option<Entry<'a>>, EditError> {
        let entries = self.entries()?;
        Ok(entries.into_iter().find(|entry| entry.key == key))
    }

    /// Whether the entry stands in the mapping itself.
    fn owns(&self, entry: &Entry<'_>) -> bool {
        self.pairs()
            .iter()
            .any(|(key, value)| *key == entry.key_node.id() && *value == entry.value.id())
    }

    /// The value that a merge brings for this key, whether or not it is overridden here.
    fn merged(&self, key: &str) -> Result<Option<Node<'a>>, EditError> {
        for (merge, value) in self.pairs() {
            if !self.sibling(*merge).is_merge() {
                continue;
            }
            let value = self.sibling(*value);
            let mappings = if value.is_mapping() {
                vec![value]
            } else {
                value.items()?
            };
            for mapping in mappings {
                if let Some(value) = mapping.get(key)? {
                    return Ok(Some(value));
                }
            }
        }
        Ok(None)
    }

    /// Refuses a merged entry that stands in the mapping itself, too, before the merge.
    fn refuse_own(&self, key: &str, entry: &Entry<'_>) -> Result<(), EditError> {
        for (own, _) in self.pairs() {
            let own = self.sibling(*own);
            if !own.is_merge() && own.key_text()? == key {
                let problem = Problem::MergeOverrides {
                    key: key.to_owned(),
                    first_line: own.line(),
                };
                return Err(entry.key_node.error(problem).into());
            }
        }
        Ok(())
    }

    /// The node that an alias refers to.
    fn alias_target(&self) -> Option<Node<'a>> {
        match self.raw()?.content {
            Content::Alias(target) => Some(self.sibling(target)),
            _ => None,
        }
    }
}
