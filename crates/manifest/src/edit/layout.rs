//! Where nodes stand: their parents, lines, columns and ends.

use std::collections::BTreeSet;
use std::ops::Range;

use super::error::EditError;
use crate::document::{Document, Format};
use crate::node::Node;
use crate::source::Source;
use crate::tree::{Content, NodeData, NodeId, ScalarStyle};

/// Who stands in whom.
pub(super) struct Family {
    /// By node: its parent and, for the value of a mapping, its key.
    around: Vec<(Option<NodeId>, Option<NodeId>)>,
}

impl Family {
    pub(super) fn of(document: &Document) -> Self {
        let mut around = vec![(None, None); document.nodes().len()];
        let mut put = |child: NodeId, parent, key| {
            if let Some(slot) = around.get_mut(child as usize) {
                *slot = (Some(parent), key);
            }
        };
        for (id, node) in (0..).zip(document.nodes()) {
            match &node.content {
                Content::Sequence { items, .. } => {
                    items.iter().for_each(|item| put(*item, id, None));
                }
                Content::Mapping { entries, .. } => entries.iter().for_each(|(key, value)| {
                    put(*key, id, None);
                    put(*value, id, Some(*key));
                }),
                _ => {}
            }
        }
        Self { around }
    }

    pub(super) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.around.get(id as usize)?.0
    }

    /// The key of a mapping's value.
    pub(super) fn key(&self, id: NodeId) -> Option<NodeId> {
        self.around.get(id as usize)?.1
    }

    /// The node, what it stands in, and so on.
    pub(super) fn line(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(id), |id| self.parent(*id))
    }
}

/// A document with its places.
pub(super) struct Layout<'a> {
    pub(super) document: &'a Document,
    pub(super) family: &'a Family,
    /// Keys of the entries that are to go.
    pub(super) gone: &'a BTreeSet<NodeId>,
}

/// A key with its value.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) key: NodeId,
    pub(super) value: NodeId,
}

/// The `|` or `>` of a block scalar with its indicators.
pub(super) struct Header {
    pub(super) range: Range<usize>,
    pub(super) chomping: Option<char>,
    pub(super) indentation: Option<char>,
}

impl<'a> Layout<'a> {
    pub(super) fn source(&self) -> &'a Source {
        self.document.source()
    }

    pub(super) fn text(&self) -> &'a str {
        self.source().text()
    }

    pub(super) fn node(&self, id: NodeId) -> Node<'a> {
        Node::new(self.document, id)
    }

    pub(super) fn data(&self, id: NodeId) -> Option<&'a NodeData> {
        self.document.node(id)
    }

    pub(super) fn unsupported(&self, id: NodeId, reason: &'static str) -> EditError {
        EditError::unsupported(self.node(id), reason)
    }

    pub(super) fn pairs(&self, mapping: NodeId) -> Vec<Pair> {
        let pairs = self.node(mapping).pairs().iter();
        pairs
            .map(|(key, value)| Pair {
                key: *key,
                value: *value,
            })
            .collect()
    }

    /// Whether the node stands inside of brackets.
    pub(super) fn in_flow(&self, id: NodeId) -> bool {
        self.is_json() || self.family.line(id).skip(1).any(|id| self.is_flow(id))
    }

    pub(super) fn is_json(&self) -> bool {
        self.document.format() == Format::Json
    }

    pub(super) fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self.data(id).map(|data| &data.content),
            Some(Content::Mapping { flow: true, .. } | Content::Sequence { flow: true, .. })
        )
    }

    pub(super) fn is_block_mapping(&self, id: NodeId) -> bool {
        matches!(
            self.data(id).map(|data| &data.content),
            Some(Content::Mapping { flow: false, .. })
        )
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.source().slice(&range)
    }

    /// Where the node begins, its anchor and tag included.
    pub(super) fn start(&self, id: NodeId) -> usize {
        let node = self.node(id);
        let span = node.span().start;
        node.properties_span()
            .map_or(span, |properties| properties.start.min(span))
    }

    /// Behind the node's last byte.
    pub(super) fn end(&self, id: NodeId) -> usize {
        let Some(data) = self.data(id) else { return 0 };
        let properties = data.properties.as_ref().map_or(0, |range| range.end);
        let end = match &data.content {
            Content::Scalar { style, .. } if is_block(*style) => self.block_scalar_end(id),
            Content::Mapping {
                flow: false,
                entries,
            } => entries.last().map_or(data.span.end, |(key, value)| {
                self.pair_end(Pair {
                    key: *key,
                    value: *value,
                })
            }),
            Content::Sequence { flow: false, items } => {
                items.last().map_or(data.span.end, |item| self.end(*item))
            }
            _ => data.span.end,
        };
        end.max(properties)
    }

    /// Behind an entry's last byte; behind its colon, where it has no value.
    pub(super) fn pair_end(&self, pair: Pair) -> usize {
        let colon = self.after_colon(pair.key);
        self.end(pair.value)
            .max(colon.unwrap_or_else(|| self.node(pair.key).span().end))
    }

    /// Behind the colon that follows a key in its line.
    pub(super) fn after_colon(&self, key: NodeId) -> Option<usize> {
        let end = self.node(key).span().end;
        let rest = self.slice(end..self.text().len());
        let rest = rest.trim_start_matches([' ', '\t']);
        rest.starts_with(':')
            .then(|| self.text().len() - rest.len() + 1)
    }

    /// Whether only blanks and `- ` stand before the key, and a colon behind it.
    pub(super) fn is_simple(&self, pair: Pair) -> bool {
        let start = self.start(pair.key);
        let before = self.slice(self.source().line_start(start)..start);
        !before.contains('?') && self.after_colon(pair.key).is_some()
    }

    /// Whether only indentation stands before it.
    pub(super) fn begins_line(&self, at: usize) -> bool {
        let before = self.slice(self.source().line_start(at)..at);
        before.chars().all(|c| c == ' ' || c == '\u{feff}')
    }

    /// The column, from 0, of the keys of a block mapping.
    pub(super) fn indentation(&self, mapping: NodeId) -> Option<usize> {
        let pairs = self.pairs(mapping);
        let pair = pairs.into_iter().find(|pair| self.is_simple(*pair))?;
        Some(self.column(self.start(pair.key)))
    }

    pub(super) fn column(&self, at: usize) -> usize {
        self.source().location(at).column - 1
    }

    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.slice(at..self.text().len());
        at + rest.find(['\n', '\r']).unwrap_or(rest.len())
    }

    /// Behind the line break at this place.
    pub(super) fn after_break(&self, at: usize) -> usize {
        let rest = self.slice(at..self.text().len());
        at + line_break(rest).map_or(0, str::len)
    }

    /// The end of the empty lines that follow the line that ends here.
    pub(super) fn after_blank_lines(&self, mut at: usize) -> usize {
        loop {
            let next = self.after_break(at);
            let end = self.line_end(next);
            let ends = next == at || next == self.text().len();
            if ends || !self.slice(next..end).trim().is_empty() {
                return at;
            }
            at = end;
        }
    }

    /// The end of the line before the one that holds this place.
    pub(super) fn line_end_before(&self, at: usize) -> Option<usize> {
        let start = self.source().line_start(at);
        let before = self.slice(0..start);
        let trimmed = before
            .strip_suffix("\r\n")
            .or_else(|| before.strip_suffix(['\n', '\r']))?;
        Some(trimmed.len())
    }

    /// The line break in use here: that of this line, of the one before, or of the first.
    pub(super) fn line_break(&self, at: usize) -> &'a str {
        let places = [
            Some(self.line_end(at)),
            self.line_end_before(at),
            Some(self.line_end(0)),
        ];
        places
            .into_iter()
            .flatten()
            .find_map(|end| line_break(self.slice(end..self.text().len())))
            .unwrap_or("\n")
    }

    /// The end of the last line of an entry: a comment behind it and deeper comment lines below
    /// belong to it.
    pub(super) fn extent(&self, pair: Pair, indentation: usize) -> usize {
        let mut extent = self.line_end(self.pair_end(pair));
        let mut at = extent;
        loop {
            let next = self.after_break(at);
            if next == at {
                return extent;
            }
            at = self.line_end(next);
            let line = self.slice(next..at);
            let content = line.trim_start_matches([' ', '\t']);
            if content.starts_with('#') && line.len() - content.len() > indentation {
                extent = at;
            } else if !content.is_empty() {
                return extent;
            }
        }
    }

    /// The last scalar in a node that is to stay, where it is a block scalar.
    pub(super) fn last_block_scalar(&self, id: NodeId) -> Option<NodeId> {
        match &self.data(id)?.content {
            Content::Scalar { style, .. } => is_block(*style).then_some(id),
            Content::Mapping { entries, .. } => {
                let mut stay = entries.iter().filter(|(key, _)| !self.gone.contains(key));
                self.last_block_scalar(stay.next_back()?.1)
            }
            Content::Sequence { items, .. } => self.last_block_scalar(*items.last()?),
            Content::Alias(_) => None,
        }
    }

    /// The header of a block scalar: the next token behind the node before it.
    pub(super) fn header(&self, id: NodeId) -> Option<Header> {
        let before = (0..id).rev().find_map(|id| match self.data(id)?.content {
            Content::Scalar { style, .. } if is_block(style) => Some(self.block_content_end(id)),
            Content::Scalar { .. } | Content::Alias(_) => Some(self.end(id)),
            // No block scalar stands inside of it.
            _ if self.is_flow(id) => Some(self.end(id)),
            _ => None,
        });
        let mut at = before.unwrap_or(self.document.span().start);
        if let Some(properties) = self.node(id).properties_span() {
            at = at.max(properties.end);
        }
        let start = self.find_header(at)?;
        let indicators: String = self
            .slice(start + 1..self.text().len())
            .chars()
            .take_while(|c| matches!(c, '+' | '-' | '1'..='9'))
            .collect();
        Some(Header {
            range: start..start + 1 + indicators.len(),
            chomping: indicators.chars().find(|c| matches!(c, '+' | '-')),
            indentation: indicators.chars().find(char::is_ascii_digit),
        })
    }

    /// Passes over blanks, comments, indicators, and anchors and tags of collections.
    fn find_header(&self, mut at: usize) -> Option<usize> {
        loop {
            let next = self.slice(at..self.text().len()).chars().next()?;
            at = match next {
                '|' | '>' => return Some(at),
                '#' => self.line_end(at),
                '&' | '!' => {
                    let rest = self.slice(at..self.text().len());
                    at + rest.find([' ', '\t', '\r', '\n'])?
                }
                ' ' | '\t' | '\r' | '\n' | ':' | '-' | '?' | ']' | '}' | ',' => at + 1,
                _ => return None,
            };
        }
    }

    /// Behind the last byte of a block scalar that is content: the trailing empty lines are not,
    /// unless they are kept (`+`).
    fn block_scalar_end(&self, id: NodeId) -> usize {
        let Some(header) = self.header(id) else {
            return self.node(id).span().end;
        };
        let content_end = self.block_content_end(id);
        let content = self.slice(header.range.end..content_end);
        let without_break =
            |text: &str| line_break_before(text).map_or(text.len(), |length| text.len() - length);
        let length = if header.chomping == Some('+') {
            without_break(content)
        } else {
            let solid = content.trim_end().len();
            let rest = content.get(solid..).unwrap_or_default();
            solid + rest.find(['\n', '\r']).unwrap_or(rest.len())
        };
        header.range.end + length
    }

    /// A block scalar's span may reach into the indentation of the next line.
    fn block_content_end(&self, id: NodeId) -> usize {
        let end = self.node(id).span().end;
        let start = self.source().line_start(end);
        let blank = self.slice(start..end).chars().all(|c| c == ' ');
        if blank && end < self.text().len() {
            start
        } else {
            end
        }
    }
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

/// The line break that a text begins with.
fn line_break(text: &str) -> Option<&str> {
    ["\r\n", "\n", "\r"]
        .iter()
        .find_map(|end| text.starts_with(end).then(|| text.get(..end.len())))
        .flatten()
}

/// The length of the line break that a text ends with.
fn line_break_before(text: &str) -> Option<usize> {
    ["\r\n", "\n", "\r"]
        .iter()
        .find(|end| text.ends_with(*end))
        .map(|end| end.len())
}
