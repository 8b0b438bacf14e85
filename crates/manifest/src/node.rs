//! A node of a document, as its readers see it: aliases followed, merges applied.

use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::document::{Document, Format, Reading};
use crate::error::{Error, Location, Problem};
use crate::scalar::{Scalar, ambiguity, resolve};
use crate::tree::{Content, NodeData, NodeId, ScalarStyle, Tag, Text};

/// A value in a document: a cheap handle. `Debug` prints its place alone.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    document: &'a Document,
    id: NodeId,
}

impl<'a> Node<'a> {
    pub(crate) fn new(document: &'a Document, id: NodeId) -> Self {
        Self { document, id }
    }

    /// Where the node stands; for an alias, where the alias does.
    #[must_use]
    pub fn location(&self) -> Location {
        self.document.source().location(self.span().start)
    }

    /// Line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.document.source().line(self.span().start)
    }

    /// Bytes of the source that it takes: a scalar with its quotes (a block scalar without its
    /// header), a flow collection with its brackets, a block collection from its first key to its
    /// last value. Anchors and tags stand outside.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.raw().map_or(0..0, |node| node.span.clone())
    }

    /// Bytes of the anchor and the tag before it.
    #[must_use]
    pub fn properties_span(&self) -> Option<Range<usize>> {
        self.raw()?.properties.clone()
    }

    /// An error that names this node's place.
    #[must_use]
    pub fn error(&self, problem: Problem) -> Error {
        self.document.source().error(self.span().start, problem)
    }

    /// How the scalar is written; `None` for a mapping or list.
    #[must_use]
    pub fn scalar_style(&self) -> Option<ScalarStyle> {
        match self.content()? {
            Content::Scalar { style, .. } => Some(*style),
            _ => None,
        }
    }

    /// Whether it is a mapping.
    #[must_use]
    pub fn is_mapping(&self) -> bool {
        matches!(self.content(), Some(Content::Mapping { .. }))
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_sequence(&self) -> bool {
        matches!(self.content(), Some(Content::Sequence { .. }))
    }

    /// Whether it is null: `null`, `~` or nothing at all.
    #[must_use]
    pub fn is_null(&self) -> bool {
        // Not for collections: their error would cost the search for its column.
        self.as_str().is_some() && matches!(self.scalar(), Ok(Scalar::Null))
    }

    /// The text of a scalar as it stands there, unresolved: `0777` is `"0777"`.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        match self.content()? {
            Content::Scalar {
                text: Text::Source(range),
                ..
            } => Some(self.document.source().slice(range)),
            Content::Scalar {
                text: Text::Owned(text),
                ..
            } => Some(text.as_str()),
            _ => None,
        }
    }

    /// The scalar as Kubernetes reads it.
    ///
    /// # Errors
    /// For a mapping or list, for a scalar that contradicts its tag, and for a line break that only
    /// YAML 1.1 knows.
    pub fn scalar(&self) -> Result<Scalar<'a>, Error> {
        let target = self.followed();
        let (Some(text), Some(style)) = (target.as_str(), target.scalar_style()) else {
            return Err(self.wrong_type("a scalar"));
        };
        target.refuse_unicode_breaks(style)?;
        let tag = target.raw().map_or(Tag::None, |node| node.tag);
        resolve(text, style, tag).map_err(|problem| target.error(problem))
    }

    /// The scalar where text is wanted (a value of `stringData`, a label): `0777` is `"511"` and
    /// null is `""` to Kubernetes.
    ///
    /// # Errors
    /// As [`scalar`](Self::scalar); in a [strict](Reading::Strict) reading also for a plain scalar
    /// that would not arrive as it is written.
    pub fn text(&self) -> Result<Zeroizing<String>, Error> {
        let scalar = self.scalar()?;
        if self.strict() {
            self.followed().refuse_ambiguous_scalar()?;
        }
        Ok(scalar.to_text())
    }

    /// The items of a list.
    ///
    /// # Errors
    /// When it is none.
    pub fn items(&self) -> Result<Vec<Node<'a>>, Error> {
        match self.content() {
            Some(Content::Sequence { items, .. }) => {
                Ok(items.iter().map(|id| self.sibling(*id)).collect())
            }
            _ => Err(self.wrong_type("a list")),
        }
    }

    /// The value as JSON, as Kubernetes would get it where no type is known: `0777` is `511`. The
    /// result is not wiped from memory: take secrets with [`text`](Self::text).
    ///
    /// # Errors
    /// As [`entries`](Self::entries) and [`scalar`](Self::scalar), and for infinite numbers.
    pub fn to_json(&self) -> Result<Value, Error> {
        if self.is_mapping() {
            let mut object = Map::new();
            for entry in self.entries()? {
                object.insert(entry.key.into_owned(), entry.value.to_json()?);
            }
            return Ok(Value::Object(object));
        }
        if self.is_sequence() {
            let items = self.items()?;
            return items
                .iter()
                .map(Self::to_json)
                .collect::<Result<_, _>>()
                .map(Value::Array);
        }
        self.scalar()?
            .to_json()
            .map_err(|problem| self.followed().error(problem))
    }

    /// Refuses, here and below, plain scalars and keys whose text would not arrive as it is
    /// written, or that YAML 1.1 and 1.2 read differently: `0777`, `on`, `1_000`, `1:30`, `~`.
    ///
    /// # Errors
    /// At the first such scalar.
    pub fn refuse_ambiguous(&self) -> Result<(), Error> {
        match self.content() {
            Some(Content::Scalar { .. }) => self.followed().refuse_ambiguous_scalar(),
            Some(Content::Sequence { .. }) => {
                self.items()?.iter().try_for_each(Self::refuse_ambiguous)
            }
            Some(Content::Mapping { .. }) => self.entries()?.iter().try_for_each(|entry| {
                entry.key_node.followed().refuse_ambiguous_scalar()?;
                entry.value.refuse_ambiguous()
            }),
            _ => Ok(()),
        }
    }

    fn refuse_ambiguous_scalar(&self) -> Result<(), Error> {
        let plain = self.scalar_style() == Some(ScalarStyle::Plain);
        let untagged = self.raw().is_some_and(|node| node.tag == Tag::None);
        if self.document.format() == Format::Yaml && holds_any(self.raw_text(), &UNICODE_BREAKS) {
            return Err(self.error(Problem::UnicodeBreak));
        }
        match self
            .as_str()
            .filter(|_| plain && untagged)
            .and_then(ambiguity)
        {
            Some(ambiguity) => Err(self.error(Problem::Ambiguous(ambiguity))),
            None => Ok(()),
        }
    }

    /// U+0085, U+2028 and U+2029 end a line in YAML 1.1 alone; inside quotes the latter two stay.
    fn refuse_unicode_breaks(&self, style: ScalarStyle) -> Result<(), Error> {
        if self.document.format() == Format::Json {
            return Ok(());
        }
        let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        let breaks = if quoted {
            &UNICODE_BREAKS[..1]
        } else {
            &UNICODE_BREAKS[..]
        };
        if holds_any(self.raw_text(), breaks) {
            return Err(self.error(Problem::UnicodeBreak));
        }
        Ok(())
    }

    pub(crate) fn wrong_type(&self, expected: &'static str) -> Error {
        self.error(Problem::WrongType {
            expected,
            found: self.type_name(),
        })
    }

    /// Its type, for messages: `a mapping`, `an integer`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.content() {
            Some(Content::Mapping { .. }) => "a mapping",
            Some(Content::Sequence { .. }) => "a list",
            _ => self
                .scalar()
                .map_or("a scalar", |scalar| scalar.type_name()),
        }
    }

    pub(crate) fn reading(&self) -> Reading {
        self.document.reading()
    }

    pub(crate) fn strict(&self) -> bool {
        self.reading() == Reading::Strict
    }

    pub(crate) fn document(&self) -> &'a Document {
        self.document
    }

    pub(crate) fn id(&self) -> NodeId {
        self.id
    }

    /// Another node of the same document.
    pub(crate) fn sibling(&self, id: NodeId) -> Self {
        Self::new(self.document, id)
    }

    /// The node itself, an alias included.
    pub(crate) fn raw(&self) -> Option<&'a NodeData> {
        self.document.node(self.id)
    }

    fn raw_text(&self) -> &'a str {
        self.document.source().slice(&self.span())
    }

    /// The node that an alias refers to, itself otherwise.
    fn followed(&self) -> Self {
        match self.raw().map(|node| &node.content) {
            // An alias never refers to an alias: those cannot carry anchors.
            Some(Content::Alias(target)) => self.sibling(*target),
            _ => *self,
        }
    }

    pub(crate) fn content(&self) -> Option<&'a Content> {
        self.followed().raw().map(|node| &node.content)
    }
}

const UNICODE_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// None of them is ASCII, as most texts are, which is seen many times faster.
fn holds_any(text: &str, breaks: &[char]) -> bool {
    !text.is_ascii() && text.contains(breaks)
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.location())
    }
}
