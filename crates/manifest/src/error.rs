//! What can be wrong with a manifest, and where.

use std::fmt;

/// A manifest that cannot be read, with the place. Always the fault of the input.
///
/// Its text names keys, types and positions but never a value: a manifest may hold plaintext.
#[derive(Debug, thiserror::Error)]
#[error("{location}: {problem}")]
pub struct Error {
    /// Where.
    pub location: Location,
    /// What.
    pub problem: Problem,
}

/// A place in a manifest, printed as `name:line:column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// What the caller called the input: a path, or `-`.
    pub source: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

/// What is wrong, without the place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes are no UTF-8.
    #[error("not UTF-8 text; save the file as UTF-8")]
    NotUtf8,
    /// The bytes are UTF-16 or UTF-32.
    #[error("UTF-16 or UTF-32 text; save the file as UTF-8")]
    WideEncoding,
    /// Neither YAML nor JSON.
    #[error("{0}")]
    Syntax(String),
    /// A character that YAML allows only escaped.
    #[error("a control character; escape it in double quotes")]
    ControlCharacter,
    /// U+0085, U+2028 or U+2029, line breaks in YAML 1.1 only.
    #[error(
        "a Unicode line break (U+0085, U+2028 or U+2029), which Kubernetes reads as the end of a \
         line; escape it in double quotes (\\N, \\L, \\P)"
    )]
    UnicodeBreak,
    /// Text after the last JSON document that begins no other.
    #[error("text after the end of a document; remove it, or separate documents by a line \"---\"")]
    TrailingText,
    /// `---` glued to other text.
    #[error(
        "a line that begins with \"---\" separates documents; put a line break after the \"---\""
    )]
    GluedSeparator,
    /// Nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("nested more than {} levels deep", crate::MAX_DEPTH)]
    TooDeep,
    /// More nodes than any manifest has.
    #[error("more than {} values in one input; split it", crate::MAX_NODES)]
    TooManyNodes,
    /// Aliases that multiply the document.
    #[error("aliases that repeat the document too often; write the values out")]
    AliasExpansion,
    /// An alias inside the node that its anchor names.
    #[error("an alias inside the very value it refers to")]
    SelfReference,
    /// The same key twice in one mapping, or `<<` twice.
    #[error("the key {key:?} stands here and in line {first_line}; remove one of the two")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Line of its first occurrence.
        first_line: usize,
    },
    /// A merge whose mapping sets a key that stands before it.
    #[error(
        "this merge (<<) replaces the key {key:?} of line {first_line} for Kubernetes and keeps it \
         for YAML 1.2; move the merge to the top of its mapping"
    )]
    MergeOverrides {
        /// The key.
        key: String,
        /// Line of its explicit value.
        first_line: usize,
    },
    /// A merge of something else than mappings.
    #[error("a merge (<<) takes a mapping or a list of mappings")]
    MergeValue,
    /// A key that no JSON object can have.
    #[error("{0} as a key of a mapping; quote it")]
    BadKey(&'static str),
    /// A value of another type than asked for.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the place needs.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A scalar that contradicts its explicit tag.
    #[error("the value is not what its tag {0} says")]
    TagMismatch(&'static str),
    /// `.inf` or `.nan` where JSON has to hold it.
    #[error("an infinite or undefined number, which JSON cannot hold; quote it")]
    NotFinite,
    /// A plain scalar whose text would not reach the Secret as it stands.
    #[error("this plain scalar {0}; quote it to keep it as text")]
    Ambiguous(Ambiguity),
}

/// How the readings of a plain scalar differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    /// YAML 1.1 and the core schema of YAML 1.2 see different types.
    #[error("is {v1_1} in YAML 1.1 and {v1_2} in YAML 1.2")]
    Versions {
        /// Type in YAML 1.1.
        v1_1: &'static str,
        /// Type in YAML 1.2.
        v1_2: &'static str,
    },
    /// All see the same type, but Kubernetes writes its text anew.
    #[error("is {0}, which Kubernetes spells differently")]
    Respelled(&'static str),
}
