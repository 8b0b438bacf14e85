//! Entries of mappings: equal keys, and merges (`<<`).

use std::borrow::Cow;
use std::collections::HashMap;

use crate::document::Reading;
use crate::error::{Error, Problem};
use crate::node::Node;
use crate::scalar::Scalar;
use crate::tree::{Content, NodeId, ScalarStyle, Tag};

/// A key of a mapping with its value.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The key as JSON spells it: `1.50` is `1.5`, `n` is `false`.
    pub key: Cow<'a, str>,
    /// Where the key stands.
    pub key_node: Node<'a>,
    /// The value.
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    /// The entries of a mapping in the order of their keys' first appearance, merges (`<<`) applied
    /// as Kubernetes does: where they stand, so that a merge replaces the keys before it.
    ///
    /// # Errors
    /// When it is no mapping, and for keys that JSON cannot have. A key that stands twice: the last
    /// one wins for Kubernetes, a [strict](Reading::Strict) reading refuses it.
    pub fn entries(&self) -> Result<Vec<Entry<'a>>, Error> {
        let mut entries = Entries::default();
        self.collect(&mut entries, Origin::Own)?;
        Ok(entries.list)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    pub fn get(&self, key: &str) -> Result<Option<Node<'a>>, Error> {
        let entries = self.entries()?;
        Ok(entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| entry.value))
    }

    /// The value of a field of an API object. Like Go's `encoding/json`, the reading for Kubernetes
    /// takes a key in another case where no key is spelled exactly so.
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    pub fn field(&self, name: &str) -> Result<Option<Node<'a>>, Error> {
        let entries = self.entries()?;
        let exact = entries.iter().find(|entry| entry.key == name);
        let folded = || match self.reading() {
            Reading::Strict => None,
            Reading::Kubernetes => entries
                .iter()
                .rfind(|entry| entry.key.eq_ignore_ascii_case(name)),
        };
        Ok(exact.or_else(folded).map(|entry| entry.value))
    }

    fn collect(&self, entries: &mut Entries<'a>, origin: Origin<'a>) -> Result<(), Error> {
        let Some(Content::Mapping { entries: pairs, .. }) = self.content() else {
            return Err(self.wrong_type("a mapping"));
        };
        let mut merged = None;
        for (key, value) in pairs {
            let key = self.sibling(*key);
            let value = self.sibling(*value);
            if key.is_merge() {
                if let Some(first_line) = merged.replace(key.line()).filter(|_| self.strict()) {
                    let problem = Problem::DuplicateKey {
                        key: "<<".to_owned(),
                        first_line,
                    };
                    return Err(key.error(problem));
                }
                value.merge_into(entries, key)?;
            } else {
                let text = key.key_text()?;
                entries.insert(
                    Entry {
                        key: text,
                        key_node: key,
                        value,
                    },
                    origin,
                    self.strict(),
                )?;
            }
        }
        Ok(())
    }

    /// Applies this value of a `<<`.
    fn merge_into(&self, entries: &mut Entries<'a>, merge: Node<'a>) -> Result<(), Error> {
        if self.is_mapping() {
            return self.collect(entries, Origin::Merged(merge));
        }
        // An alias to a list of mappings is no list of mappings to yaml.v2.
        let Some(Content::Sequence { items, .. }) = self.raw().map(|node| &node.content) else {
            return Err(self.error(Problem::MergeValue));
        };
        // Backwards, as the earlier mapping wins.
        for id in items.iter().rev() {
            let item = self.sibling(*id);
            if !item.is_mapping() {
                return Err(item.error(Problem::MergeValue));
            }
            item.collect(entries, Origin::Merged(merge))?;
        }
        Ok(())
    }

    /// Keys and values of a mapping as they stand there; none of anything else.
    pub(crate) fn pairs(&self) -> &'a [(NodeId, NodeId)] {
        match self.content() {
            Some(Content::Mapping { entries, .. }) => entries,
            _ => &[],
        }
    }

    pub(crate) fn is_merge(&self) -> bool {
        let tag = self.raw().map_or(Tag::None, |node| node.tag);
        let plain = self.scalar_style() == Some(ScalarStyle::Plain) && tag == Tag::None;
        let alias = matches!(
            self.raw().map(|node| &node.content),
            Some(Content::Alias(_))
        );
        !alias && self.as_str() == Some("<<") && (plain || tag == Tag::Merge)
    }

    /// A key as text.
    pub(crate) fn key_text(&self) -> Result<Cow<'a, str>, Error> {
        if self.content().is_none() || self.is_mapping() || self.is_sequence() {
            return Err(self.error(Problem::BadKey(self.type_name())));
        }
        match self.scalar()? {
            Scalar::Text(text) => Ok(text),
            other => other
                .into_key()
                .map(Cow::Owned)
                .map_err(|problem| self.error(problem)),
        }
    }
}

/// How an entry comes to stand in a mapping.
#[derive(Clone, Copy)]
enum Origin<'a> {
    /// It stands there.
    Own,
    /// A merge brings it.
    Merged(Node<'a>),
}

#[derive(Default)]
struct Entries<'a> {
    list: Vec<Entry<'a>>,
    /// Where in `list`, and whether it stood there itself.
    index: HashMap<Cow<'a, str>, (usize, bool)>,
}

impl<'a> Entries<'a> {
    fn insert(&mut self, entry: Entry<'a>, origin: Origin<'a>, strict: bool) -> Result<(), Error> {
        let own = matches!(origin, Origin::Own);
        let Some((at, was_own)) = self.index.get(&entry.key).copied() else {
            self.index.insert(entry.key.clone(), (self.list.len(), own));
            self.list.push(entry);
            return Ok(());
        };
        let Some(slot) = self.list.get_mut(at) else {
            return Ok(());
        };
        if strict && was_own {
            let key = entry.key.clone().into_owned();
            let first_line = slot.key_node.line();
            return Err(match origin {
                Origin::Own => entry
                    .key_node
                    .error(Problem::DuplicateKey { key, first_line }),
                Origin::Merged(merge) => merge.error(Problem::MergeOverrides { key, first_line }),
            });
        }
        *slot = entry;
        self.index
            .entry(slot.key.clone())
            .and_modify(|(_, was)| *was = own);
        Ok(())
    }
}
