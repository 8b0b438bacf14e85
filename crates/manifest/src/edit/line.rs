//! The proof for the commonest edit, which costs one line instead of the whole input: a value of a
//! block mapping, on one line with its key, that becomes another text in the same style.
//!
//! The reader comes to that line as it did before, for nothing before it has changed. The line is
//! read again by itself, and must be one key with the wanted value, which takes exactly the bytes
//! that were put there. Then the reader leaves the line as it did before, too: a scalar of one line
//! leaves nothing behind but its style, the line ends in the same bytes, and what it goes on with is
//! the same. Only aliases, whose limits speak of the whole input, reach further.

use std::collections::BTreeMap;

use super::intent::{Intent, Text};
use super::layout::Layout;
use super::plan::Replacement;
use super::proof::is_text;
use super::spelling::concat;
use crate::document::{Document, Format};
use crate::node::Node;
use crate::stream::Stream;
use crate::tree::{Content, NodeId, ScalarStyle};

/// Whether these replacements in one document are proven so. If not, nothing is said about them.
pub(super) fn proves(
    stream: &Stream,
    layout: &Layout<'_>,
    intent: &Intent,
    planned: &[Replacement],
) -> bool {
    if !intent.mappings.is_empty()
        || planned.len() != intent.texts.len()
        || stream.documents().iter().any(has_aliases)
    {
        return false;
    }
    let planned: BTreeMap<usize, &Replacement> =
        planned.iter().map(|new| (new.range.start, new)).collect();
    intent.texts.iter().all(|(id, wanted)| {
        let span = layout.node(*id).span();
        let new = planned.get(&span.start).filter(|new| new.range == span);
        new.is_some_and(|new| holds(stream, layout, *id, wanted, &new.text) == Some(true))
    })
}

fn has_aliases(document: &Document) -> bool {
    let mut nodes = document.nodes().iter();
    nodes.any(|node| matches!(node.content, Content::Alias(_)))
}

/// Whether the line of this value reads as wanted with the new spelling in the place of the old one.
fn holds(
    stream: &Stream,
    layout: &Layout<'_>,
    id: NodeId,
    wanted: &Text,
    new: &str,
) -> Option<bool> {
    let (old, old_key) = (layout.node(id), layout.node(layout.family.key(id)?));
    let span = old.span();
    let start = layout.source().line_start(old_key.span().start);
    let end = layout.line_end(start);
    let indentation = layout.slice(start..layout.start(old_key.id()));
    let alone = layout.document.format() == Format::Yaml
        && layout.is_block_mapping(layout.family.parent(id)?)
        && indentation.bytes().all(|byte| byte == b' ')
        && layout.start(id) >= old_key.span().end
        && !span.is_empty()
        && span.end <= end;
    if !alone {
        return Some(false);
    }
    let line = concat(&[
        layout.slice(start..span.start),
        new,
        layout.slice(span.end..end),
    ]);
    let line = stream.reparse(line.as_bytes().to_vec()).ok()?;
    let [document] = line.documents() else {
        return Some(false);
    };
    let root = document.root();
    let [(key, value)] = root.pairs() else {
        return Some(false);
    };
    let (key, value) = (root.sibling(*key), root.sibling(*value));
    let flow = matches!(root.content()?, Content::Mapping { flow: true, .. });
    Some(
        document.format() == Format::Yaml
            && !flow
            && is_same(key, old_key, start)
            && key.span().end + start == old_key.span().end
            && key.as_str() == old_key.as_str()
            && is_same(value, old, start)
            && value.span().len() == new.len()
            && is_text(value, wanted),
    )
}

/// Whether a scalar of the line begins where the old one does and is of the same style, tag and
/// anchor.
fn is_same(new: Node<'_>, old: Node<'_>, line_start: usize) -> bool {
    let style = |node: Node<'_>| match node.raw().map(|node| &node.content) {
        Some(Content::Scalar { style, .. }) => Some(*style),
        _ => None,
    };
    let is_of_one_line = |style| !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    let properties = |node: Node<'_>, by: usize| {
        let span = node.properties_span();
        span.map(|span| span.start + by..span.end + by)
    };
    style(new) == style(old)
        && style(new).is_some_and(is_of_one_line)
        && new.span().start + line_start == old.span().start
        && properties(new, line_start) == properties(old, 0)
        && new.raw().map(|node| node.tag) == old.raw().map(|node| node.tag)
}
