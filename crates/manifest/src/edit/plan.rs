//! From what is wanted to bytes to replace, and on to the new text.

use std::ops::Range;

use zeroize::Zeroizing;

use super::error::EditError;
use super::intent::{Intent, MappingIntent};
use super::layout::Layout;
use super::{block, flow, value};
use crate::node::Node;
use crate::stream::Stream;
use crate::tree::{Content, NodeId};
use crate::wiped::Wiped;

/// Bytes of the source that become others.
pub(super) struct Replacement {
    pub(super) range: Range<usize>,
    pub(super) text: Zeroizing<String>,
}

impl Replacement {
    pub(super) fn new(range: Range<usize>, text: Zeroizing<String>) -> Self {
        Self { range, text }
    }

    pub(super) fn insert(at: usize, text: Zeroizing<String>) -> Self {
        Self::new(at..at, text)
    }

    pub(super) fn delete(range: Range<usize>) -> Self {
        Self::new(range, Zeroizing::default())
    }
}

/// The replacements for one document. Where two insert at one place, the deeper node's comes first.
pub(super) fn plan(layout: &Layout<'_>, intent: &Intent) -> Result<Vec<Replacement>, EditError> {
    let mut planned = Vec::new();
    for (id, text) in &intent.texts {
        planned.push((*id, value::replace(layout, *id, &text.0)?));
    }
    for (id, wanted) in &intent.mappings {
        let around = layout.family.line(*id).skip(1);
        let growing = around.filter(|id| intent.adds_to(*id));
        let growth: Vec<usize> = growing.map(|id| block::growth(layout, id)).collect();
        planned.push((*id, mapping(layout, *id, wanted, &growth)?));
    }
    planned.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    Ok(planned.into_iter().flat_map(|(_, new)| new).collect())
}

fn mapping(
    layout: &Layout<'_>,
    id: NodeId,
    intent: &MappingIntent,
    growth: &[usize],
) -> Result<Vec<Replacement>, EditError> {
    let content = layout.data(id).map(|data| &data.content);
    match content {
        Some(Content::Mapping { flow: false, .. }) => block::edit(layout, id, intent, growth),
        Some(Content::Mapping { flow: true, .. }) if !block::may_open(layout, id) => {
            flow::edit(layout, id, intent)
        }
        _ if layout.in_flow(id) => flow::replace_null(layout, id, &intent.added),
        _ => block::open(layout, id, &intent.added),
    }
}

/// The new text.
pub(super) fn apply(
    stream: &Stream,
    mut replacements: Vec<Replacement>,
) -> Result<Wiped, EditError> {
    let text = stream.text();
    replacements.sort_by_key(|replacement| (replacement.range.start, replacement.range.end));
    let added: usize = replacements.iter().map(|new| new.text.len()).sum();
    let mut result = Wiped::with_capacity(text.len() + added);
    let mut at = 0;
    for replacement in &replacements {
        let Range { start, end } = replacement.range;
        // Deletions may overlap: neighbours both take the line break between them.
        if start < at && !replacement.text.is_empty() {
            return Err(EditError::Unproven {
                location: stream.place(start),
            });
        }
        result.push_str(text.get(at..start.max(at)).unwrap_or_default());
        result.push_str(&replacement.text);
        at = at.max(end);
    }
    result.push_str(text.get(at..).unwrap_or_default());
    Ok(result)
}

impl EditError {
    pub(super) fn unproven(node: Node<'_>) -> Self {
        Self::Unproven {
            location: node.location(),
        }
    }
}
