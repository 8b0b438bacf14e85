//! One document of a stream.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::error::Error;
use crate::node::Node;
use crate::parse::Tree;
use crate::source::Source;
use crate::tree::{NodeData, NodeId};

/// How documents are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As Kubernetes reads them, but what different readers take differently is refused: duplicate
    /// keys always, plain scalars where text is wanted ([`Node::text`]) or where the caller asks
    /// ([`Node::refuse_ambiguous`]).
    Strict,
    /// As Kubernetes reads them (`sigs.k8s.io/yaml`): YAML 1.1, the last duplicate key wins.
    Kubernetes,
}

/// The notation of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML, flow style included.
    Yaml,
    /// JSON.
    Json,
}

/// One document that holds something. `Debug` prints no content.
pub struct Document {
    source: Arc<Source>,
    nodes: Vec<NodeData>,
    root: NodeId,
    span: Range<usize>,
    reading: Reading,
    format: Format,
    index: usize,
}

impl Document {
    pub(crate) fn new(
        source: Arc<Source>,
        tree: Tree,
        reading: Reading,
        format: Format,
        index: usize,
    ) -> Self {
        let Tree { nodes, root, span } = tree;
        Self {
            source,
            nodes,
            root,
            span,
            reading,
            format,
            index,
        }
    }

    /// Its place among the documents of the stream that hold something, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The line, from 1, in which its content begins, after comments and `---`.
    #[must_use]
    pub fn line(&self) -> usize {
        self.root().line()
    }

    /// Bytes of the source from its first marker or token to its last.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// YAML or JSON.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How it is read.
    #[must_use]
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// The outermost node.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node::new(self, self.root)
    }

    /// [`Node::to_json`] of the whole document.
    ///
    /// # Errors
    /// As [`Node::to_json`].
    pub fn to_json(&self) -> Result<Value, Error> {
        self.root().to_json()
    }

    /// `apiVersion`, where it is text.
    #[must_use]
    pub fn api_version(&self) -> Option<String> {
        self.root().api_version()
    }

    /// `kind`, where it is text.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        self.root().kind()
    }

    /// The objects in the document: itself, or the items of a `List`, of lists in it, too.
    ///
    /// # Errors
    /// As [`Node::entries`].
    pub fn objects(&self) -> Result<Vec<Node<'_>>, Error> {
        let mut objects = Vec::new();
        self.root().flatten(&mut objects)?;
        Ok(objects)
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&NodeData> {
        self.nodes.get(id as usize)
    }

    pub(crate) fn nodes(&self) -> &[NodeData] {
        &self.nodes
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Whether it holds nothing: comments alone, or a null, which `kubectl` passes over as well.
    pub(crate) fn is_blank(&self) -> bool {
        self.root().is_null()
    }
}

impl<'a> Node<'a> {
    /// `apiVersion` of an object, where it is text.
    #[must_use]
    pub fn api_version(&self) -> Option<String> {
        self.text_field("apiVersion")
    }

    /// `kind` of an object, where it is text.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        self.text_field("kind")
    }

    fn text_field(&self, name: &str) -> Option<String> {
        let value = self.field(name).ok().flatten()?;
        value.as_str().map(str::to_owned)
    }

    /// As `kubectl`: an object whose kind ends in `List` and that has a list of `items`.
    fn flatten(self, objects: &mut Vec<Node<'a>>) -> Result<(), Error> {
        if self.kind().is_some_and(|kind| kind.ends_with("List"))
            && let Some(items) = self.field("items")?.filter(Node::is_sequence)
        {
            return items
                .items()?
                .into_iter()
                .try_for_each(|item| item.flatten(objects));
        }
        objects.push(self);
        Ok(())
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("index", &self.index)
            .field("at", &self.root().location())
            .finish_non_exhaustive()
    }
}
