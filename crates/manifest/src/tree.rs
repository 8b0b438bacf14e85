//! The nodes of one document, as data: an arena whose indices are node ids.

use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

/// Index of a node in its document.
pub(crate) type NodeId = u32;

/// One node as it stands in the text.
pub(crate) struct NodeData {
    pub(crate) content: Content,
    /// Bytes of the scalar with its quotes or of the flow collection with its brackets. A block
    /// collection begins where its first entry does and ends where its last one does.
    pub(crate) span: Range<usize>,
    pub(crate) tag: Tag,
    /// Bytes of `&anchor` and `!tag` before the value, if it has either.
    pub(crate) properties: Option<Range<usize>>,
}

pub(crate) enum Content {
    Scalar {
        text: Text,
        style: ScalarStyle,
    },
    Sequence {
        items: Vec<NodeId>,
        flow: bool,
    },
    Mapping {
        entries: Vec<(NodeId, NodeId)>,
        flow: bool,
    },
    Alias(NodeId),
}

/// The text of a scalar: a piece of the source where it stands there literally.
pub(crate) enum Text {
    Source(Range<usize>),
    Owned(Zeroizing<String>),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes: the only style whose type depends on its text.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// The tags that change how a scalar is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Untagged.
    None,
    Str,
    Int,
    Float,
    Bool,
    Null,
    Timestamp,
    Binary,
    Merge,
    /// Any other, `!` included: a scalar so tagged is text.
    Other,
}

impl Tag {
    pub(crate) fn of(tag: &granit_parser::Tag) -> Self {
        match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
            Some("str") => Self::Str,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("bool") => Self::Bool,
            Some("null") => Self::Null,
            Some("timestamp") => Self::Timestamp,
            Some("binary") => Self::Binary,
            Some("merge") => Self::Merge,
            _ => Self::Other,
        }
    }
}

// Contents may be plaintext: no derived Debug may ever reach them.
impl fmt::Debug for NodeData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeData")
            .field("span", &self.span)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}
