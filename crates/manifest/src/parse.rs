//! Parser events to node trees: the one pass that reading and editing share.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScanError, Span, StructureStyle};
use zeroize::Zeroizing;

use crate::error::{Error, Problem};
use crate::source::Source;
use crate::tree::{Content, NodeData, NodeId, ScalarStyle, Tag, Text};

/// Deepest nesting that is read, aliases followed: what `serde_json` reads, too, and far from what
/// the stack of a thread holds.
pub const MAX_DEPTH: usize = 127;

/// Most nodes that are read from one input. A Kubernetes object is at most about 1.5 MiB.
pub const MAX_NODES: usize = 1_000_000;

/// A document may grow by its aliases to this many times its own size, …
const ALIAS_FACTOR: u64 = 8;
/// … or to this size (in bytes of text plus nodes).
const ALIAS_FREE: u64 = 1 << 20;

/// One parsed document.
pub(crate) struct Tree {
    pub(crate) nodes: Vec<NodeData>,
    pub(crate) root: NodeId,
    /// From the document's first byte to its last, markers included.
    pub(crate) span: Range<usize>,
}

/// Parses the documents in `range` of the source: all of them, or the first error.
pub(crate) fn parse(
    source: &Source,
    range: Range<usize>,
    node_budget: usize,
) -> Result<Vec<Tree>, Error> {
    let text = source.slice(&range);
    let mut options = granit_parser::options! {
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        // JSON knows no limit, YAML's 1,024 characters would refuse keys that Kubernetes reads.
        simple_key_max_lookahead: 1 << 16,
    };
    options.set_emit_comments(false);
    let mut builder = Builder::new(source, range.start, text, node_budget);
    let mut trees = Vec::new();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| scan_error(source, range.start, &error))?;
        if let Some(tree) = builder.event(event, &span)? {
            trees.push(tree);
        }
    }
    Ok(trees)
}

/// Collects the events of one document after the other.
struct Builder<'s> {
    source: &'s Source,
    /// Offset of `text` in the source.
    base: usize,
    text: &'s str,
    node_budget: usize,
    nodes: Vec<NodeData>,
    sizes: Vec<Size>,
    anchors: HashMap<usize, NodeId>,
    open: Vec<Open>,
    root: Option<NodeId>,
    start: usize,
}

/// Extent of a node with its aliases followed. Zero while its collection is still open.
#[derive(Clone, Copy, Default)]
struct Size {
    height: usize,
    weight: u64,
}

/// A collection whose end has not been seen.
struct Open {
    id: NodeId,
    /// The key that waits for its value.
    key: Option<NodeId>,
    size: Size,
    /// End of the last child.
    end: usize,
}

impl<'s> Builder<'s> {
    fn new(source: &'s Source, base: usize, text: &'s str, node_budget: usize) -> Self {
        Self {
            source,
            base,
            text,
            node_budget,
            nodes: Vec::new(),
            sizes: Vec::new(),
            anchors: HashMap::new(),
            open: Vec::new(),
            root: None,
            start: base,
        }
    }

    fn event(&mut self, event: Event<'s>, span: &Span) -> Result<Option<Tree>, Error> {
        let range = self.range(span);
        match event {
            Event::DocumentStart(..) => self.start = range.start,
            Event::DocumentEnd => return Ok(self.finish(range.end)),
            Event::Scalar(text, style, anchor, tag) => {
                let content = self.scalar(text, style, &range);
                let id = self.add(content, range, tag.as_deref(), span, anchor)?;
                let weight = 1 + self.text_len(id);
                self.attach(id, Size { height: 1, weight })?;
            }
            Event::Alias(anchor) => self.alias(anchor, range, span)?,
            Event::SequenceStart(style, anchor, tag) => {
                let content = Content::Sequence {
                    items: Vec::new(),
                    flow: style == StructureStyle::Flow,
                };
                let id = self.add(content, range, tag.as_deref(), span, anchor)?;
                self.open(id)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let content = Content::Mapping {
                    entries: Vec::new(),
                    flow: style == StructureStyle::Flow,
                };
                let id = self.add(content, range, tag.as_deref(), span, anchor)?;
                self.open(id)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&range)?,
            Event::Anchor(..) => {
                if let Some(node) = self.nodes.last_mut() {
                    node.properties = Some(match node.properties.take() {
                        Some(tag) => range.start.min(tag.start)..range.end.max(tag.end),
                        None => range,
                    });
                }
            }
            // Stream ends; comments, which other users of the parser may have compiled in.
            _ => {}
        }
        Ok(None)
    }

    fn add(
        &mut self,
        content: Content,
        range: Range<usize>,
        tag: Option<&granit_parser::Tag>,
        span: &Span,
        anchor: usize,
    ) -> Result<NodeId, Error> {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        if self.node_budget == 0 {
            return Err(self.source.error(range.start, Problem::TooManyNodes));
        }
        self.node_budget -= 1;
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.nodes.push(NodeData {
            content,
            tag: tag.map_or(Tag::None, Tag::of),
            properties: span.tag_span().map(|span| self.range(&span)),
            span: range,
        });
        self.sizes.push(Size::default());
        Ok(id)
    }

    fn scalar(
        &self,
        text: Cow<'s, str>,
        style: granit_parser::ScalarStyle,
        range: &Range<usize>,
    ) -> Content {
        let style = match style {
            granit_parser::ScalarStyle::SingleQuoted => ScalarStyle::SingleQuoted,
            granit_parser::ScalarStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
            granit_parser::ScalarStyle::Literal => ScalarStyle::Literal,
            granit_parser::ScalarStyle::Folded => ScalarStyle::Folded,
            _ => ScalarStyle::Plain,
        };
        let text = match text {
            // The parser shows an absent value as `~`.
            _ if style == ScalarStyle::Plain && range.is_empty() => Text::Source(range.clone()),
            Cow::Borrowed(piece) => self.locate(piece).map_or_else(
                || Text::Owned(Zeroizing::new(piece.to_owned())),
                Text::Source,
            ),
            Cow::Owned(text) => Text::Owned(Zeroizing::new(text)),
        };
        Content::Scalar { text, style }
    }

    /// Where a borrowed piece stands in the source.
    fn locate(&self, piece: &str) -> Option<Range<usize>> {
        let start = (piece.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let range = start..start.checked_add(piece.len())?;
        (self.text.get(range.clone())? == piece)
            .then(|| self.base + range.start..self.base + range.end)
    }

    fn text_len(&self, id: NodeId) -> u64 {
        match self.node(id).map(|node| &node.content) {
            Some(Content::Scalar {
                text: Text::Source(range),
                ..
            }) => range.len() as u64,
            Some(Content::Scalar {
                text: Text::Owned(text),
                ..
            }) => text.len() as u64,
            _ => 0,
        }
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>, span: &Span) -> Result<(), Error> {
        let at = range.start;
        let Some(target) = self.anchors.get(&anchor).copied() else {
            let problem = Problem::Syntax("an alias without its anchor".to_owned());
            return Err(self.source.error(at, problem));
        };
        let size = self.sizes.get(target as usize).copied().unwrap_or_default();
        if size.weight == 0 {
            return Err(self.source.error(at, Problem::SelfReference));
        }
        let id = self.add(Content::Alias(target), range, None, span, 0)?;
        self.attach(id, size)
    }

    /// Without aliases no document reaches it: every node takes at least a byte.
    fn weight_limit(&self) -> u64 {
        ALIAS_FREE.max(ALIAS_FACTOR.saturating_mul(self.text.len() as u64))
    }

    fn open(&mut self, id: NodeId) -> Result<(), Error> {
        let start = self.node(id).map_or(self.base, |node| node.span.end);
        if self.open.len() >= MAX_DEPTH {
            return Err(self.source.error(start, Problem::TooDeep));
        }
        self.open.push(Open {
            id,
            key: None,
            size: Size::default(),
            end: start,
        });
        Ok(())
    }

    fn close(&mut self, range: &Range<usize>) -> Result<(), Error> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        if let Some(node) = self.nodes.get_mut(open.id as usize) {
            let flow = matches!(
                node.content,
                Content::Sequence { flow: true, .. } | Content::Mapping { flow: true, .. }
            );
            // A block collection's end event comes with the next token, behind comments.
            node.span.end = if flow {
                range.end.max(open.end)
            } else {
                open.end
            };
        }
        let size = Size {
            height: open.size.height + 1,
            weight: open.size.weight.saturating_add(1),
        };
        self.attach(open.id, size)
    }

    /// Hands a finished node to the collection around it.
    fn attach(&mut self, id: NodeId, size: Size) -> Result<(), Error> {
        if let Some(slot) = self.sizes.get_mut(id as usize) {
            *slot = size;
        }
        let Some(span) = self.node(id).map(|node| node.span.clone()) else {
            return Ok(());
        };
        if self.open.len() + size.height > MAX_DEPTH {
            return Err(self.source.error(span.start, Problem::TooDeep));
        }
        let limit = self.weight_limit();
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            return Ok(());
        };
        if open.size.weight.saturating_add(size.weight) > limit {
            return Err(self.source.error(span.start, Problem::AliasExpansion));
        }
        refuse_tab_indentation(
            self.source,
            open,
            self.nodes.get(open.id as usize),
            span.start,
        )?;
        open.size.height = open.size.height.max(size.height);
        open.size.weight = open.size.weight.saturating_add(size.weight);
        open.end = open.end.max(span.end);
        match self
            .nodes
            .get_mut(open.id as usize)
            .map(|node| &mut node.content)
        {
            Some(Content::Sequence { items, .. }) => items.push(id),
            Some(Content::Mapping { entries, .. }) => match open.key.take() {
                None => open.key = Some(id),
                Some(key) => entries.push((key, id)),
            },
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, end: usize) -> Option<Tree> {
        self.sizes.clear();
        self.anchors.clear();
        self.open.clear();
        let nodes = std::mem::take(&mut self.nodes);
        let root = self.root.take()?;
        Some(Tree {
            nodes,
            root,
            span: self.start..end,
        })
    }

    fn node(&self, id: NodeId) -> Option<&NodeData> {
        self.nodes.get(id as usize)
    }

    fn range(&self, span: &Span) -> Range<usize> {
        let start = span.start.byte_offset().unwrap_or(0);
        let end = span.end.byte_offset().unwrap_or(start).max(start);
        self.base + start..self.base + end
    }
}

/// YAML 1.1 and Kubernetes know no tab before a key or item of block style, YAML 1.2 some.
fn refuse_tab_indentation(
    source: &Source,
    open: &Open,
    collection: Option<&NodeData>,
    start: usize,
) -> Result<(), Error> {
    let begins_line = match collection.map(|node| &node.content) {
        Some(Content::Mapping { flow: false, .. }) => open.key.is_none(),
        Some(Content::Sequence { flow: false, .. }) => true,
        _ => false,
    };
    if !begins_line {
        return Ok(());
    }
    let line = source.text().get(..start).unwrap_or_default();
    let indentation = line.rsplit(['\n', '\r']).next().unwrap_or_default();
    let only_indicators = indentation
        .chars()
        .all(|c| matches!(c, ' ' | '\t' | '-' | '?'));
    if only_indicators && indentation.contains('\t') {
        let problem = Problem::Syntax("a tab in the indentation; use blanks".to_owned());
        return Err(source.error(start, problem));
    }
    Ok(())
}

/// The parser's errors quote no text but the one unexpected character, which may be a secret's.
fn scan_error(source: &Source, base: usize, error: &ScanError) -> Error {
    let offset = base + error.marker().byte_offset().unwrap_or(0);
    let problem = match error.kind() {
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => {
            Problem::ControlCharacter
        }
        ErrorKind::UnexpectedCharacter { .. } => Problem::Syntax(
            "a character that no plain scalar may begin with; quote the value".to_owned(),
        ),
        ErrorKind::RecursionLimitExceeded => Problem::TooDeep,
        kind => Problem::Syntax(kind.to_string()),
    };
    source.error(offset, problem)
}
