//! Entries of block mappings come and go by whole lines.

use std::ops::Range;

use zeroize::Zeroizing;

use super::error::EditError;
use super::habits::Habits;
use super::intent::{Added, MappingIntent, New};
use super::layout::{Layout, Pair};
use super::plan::Replacement;
use super::spelling::{concat, spell};
use super::value::drop_tag;
use crate::tree::{Content, NodeId};

/// Edits a block mapping; `growth` is where those around it get new entries.
pub(super) fn edit(
    layout: &Layout<'_>,
    mapping: NodeId,
    intent: &MappingIntent,
    growth: &[usize],
) -> Result<Vec<Replacement>, EditError> {
    let indentation = layout.indentation(mapping).ok_or_else(|| {
        layout.unsupported(
            mapping,
            "all keys here are written with \"?\"; write them as \"key:\"",
        )
    })?;
    let block = Block {
        layout,
        mapping,
        indentation,
        pairs: layout.pairs(mapping),
        intent,
        growth,
    };
    if !intent.removed.is_empty() {
        return block.remove();
    }
    block.append().map(|new| vec![new])
}

/// Where a block mapping gets its new entries: behind its last one.
pub(super) fn growth(layout: &Layout<'_>, mapping: NodeId) -> usize {
    let indentation = layout.indentation(mapping).unwrap_or_default();
    let pairs = layout.pairs(mapping);
    pairs
        .last()
        .map_or(0, |last| layout.extent(*last, indentation))
}

/// Whether an empty flow mapping may become a block mapping: `key: {}` outside of brackets.
pub(super) fn may_open(layout: &Layout<'_>, mapping: NodeId) -> bool {
    let inside = layout.slice(layout.node(mapping).span());
    let empty = inside
        .trim_start_matches('{')
        .trim_end_matches('}')
        .chars()
        .all(|c| c == ' ');
    empty && !layout.in_flow(mapping) && key_of(layout, mapping).is_some()
}

/// The key of a value in a block mapping.
fn key_of(layout: &Layout<'_>, value: NodeId) -> Option<NodeId> {
    let key = layout.family.key(value)?;
    let parent = layout.family.parent(value)?;
    let simple = layout.is_simple(Pair { key, value });
    (simple && layout.is_block_mapping(parent)).then_some(key)
}

/// Makes a block mapping of a null or `{}` behind its key.
pub(super) fn open(
    layout: &Layout<'_>,
    value: NodeId,
    added: &Added,
) -> Result<Vec<Replacement>, EditError> {
    let reason = "there is no mapping here and no plain \"key:\" before to put one behind";
    let (Some(key), Some(parent)) = (key_of(layout, value), layout.family.parent(value)) else {
        return Err(layout.unsupported(value, reason));
    };
    let after_key = layout.after_colon(key).unwrap_or_default();
    let node = layout.node(value);
    let behind = node
        .properties_span()
        .map_or(after_key, |properties| properties.end.max(after_key));
    let outer = layout.indentation(parent).unwrap_or_default();
    let writer = Writer::new(layout, layout.habits(parent, Some(value)), parent, behind);
    let mut replacements = drop_tag(layout, value);
    let span = node.span();
    let own_line = layout.begins_line(span.start) && layout.column(span.start) > outer;
    if !span.is_empty() && own_line {
        let text = writer.entries(added, layout.column(span.start), false);
        replacements.push(Replacement::new(span, text));
        return Ok(replacements);
    }
    if !span.is_empty() {
        if layout.line_end(behind) < span.end {
            return Err(layout.unsupported(value, reason));
        }
        let blank = layout.slice(behind..span.start).trim_end().is_empty();
        let start = if blank { behind } else { span.start };
        replacements.push(Replacement::delete(start..span.end));
    }
    let text = writer.entries(added, outer + writer.step, true);
    replacements.push(Replacement::insert(layout.line_end(behind), text));
    Ok(replacements)
}

struct Block<'a> {
    layout: &'a Layout<'a>,
    mapping: NodeId,
    indentation: usize,
    pairs: Vec<Pair>,
    intent: &'a MappingIntent,
    growth: &'a [usize],
}

impl Block<'_> {
    /// Puts the new entries behind the last one.
    fn append(&self) -> Result<Replacement, EditError> {
        let layout = self.layout;
        let at = growth(layout, self.mapping);
        let open_end = self
            .pairs
            .last()
            .and_then(|last| layout.last_block_scalar(last.value))
            .filter(|scalar| layout.end(*scalar) == layout.text().len())
            .filter(|scalar| !self.is_stripped(*scalar));
        if let Some(scalar) = open_end {
            let reason = "a block scalar ends the input without a line break; add one";
            return Err(layout.unsupported(scalar, reason));
        }
        Ok(Replacement::insert(at, self.new_lines(at, true)))
    }

    fn remove(&self) -> Result<Vec<Replacement>, EditError> {
        let odd = self
            .pairs
            .iter()
            .find(|pair| self.goes(pair) && !(self.layout.is_simple(**pair)));
        if let Some(pair) = odd {
            let reason = "this key is written with \"?\"; write it as \"key:\"";
            return Err(self.layout.unsupported(pair.key, reason));
        }
        if self.pairs.iter().all(|pair| self.goes(pair)) {
            return Ok(self.clear());
        }
        let mut replacements = Vec::new();
        let adds = !self.intent.added.0.is_empty();
        let joined = self.join_first(&mut replacements);
        let kept = self.pairs.iter().rposition(|pair| !self.goes(pair));
        let tail = kept.map_or(0, |kept| kept + 1);
        let head = self
            .pairs
            .iter()
            .position(|pair| !self.goes(pair))
            .unwrap_or(0);
        for (at, pair) in self.pairs.iter().enumerate().skip(joined) {
            if self.goes(pair) {
                let grows = adds || self.grows_behind(pair);
                let stays = !grows && at >= tail && self.ends_input_behind_block_scalar(tail);
                let leads = at < head && self.begins_input();
                let mut range = self.lines(*pair, stays || leads);
                if self.keeps_blank_lines_before(at) && !self.grows_behind(pair) {
                    range.end = self.layout.after_blank_lines(range.end);
                }
                replacements.push(Replacement::delete(range));
            }
        }
        match replacements.pop() {
            // The last entry gives its place to the new ones.
            Some(last) if adds && tail < self.pairs.len() => {
                let extent = self
                    .pairs
                    .last()
                    .map_or(last.range.end, |pair| self.extent(*pair));
                let text = self.new_lines(last.range.start, true);
                replacements.push(Replacement::new(last.range.start..extent, text));
            }
            last => {
                replacements.extend(last);
                if adds {
                    replacements.push(self.append()?);
                }
            }
        }
        Ok(replacements)
    }

    /// Where the first key stands behind `- `, the first one kept takes its place. Returns how many
    /// entries are done with.
    fn join_first(&self, replacements: &mut Vec<Replacement>) -> usize {
        let layout = self.layout;
        let (Some(first), Some(kept)) = (
            self.pairs.first(),
            self.pairs.iter().position(|pair| !self.goes(pair)),
        ) else {
            return 0;
        };
        let start = layout.start(first.key);
        if kept == 0 || layout.begins_line(start) {
            return 0;
        }
        let next = self
            .pairs
            .get(kept)
            .map_or(start, |pair| layout.start(pair.key));
        let mut gone = self.pairs.iter().take(kept).zip(self.pairs.iter().skip(1));
        let comments = gone.any(|(pair, next)| {
            let gap = self.extent(*pair)..layout.start(next.key);
            layout.slice(gap).contains('#')
        });
        if comments {
            replacements.push(Replacement::delete(start..self.extent(*first)));
            return 1;
        }
        replacements.push(Replacement::delete(start..next));
        kept
    }

    /// Removes all entries: others take their place, or `{}`.
    fn clear(&self) -> Vec<Replacement> {
        let layout = self.layout;
        let Some((first, others)) = self.pairs.split_first() else {
            return Vec::new();
        };
        let start = layout.start(first.key);
        let mut replacements = Vec::new();
        let behind_key = layout
            .family
            .key(self.mapping)
            .filter(|_| layout.begins_line(start));
        if !self.intent.added.0.is_empty() {
            let text = self.new_lines(start, false);
            replacements.push(Replacement::new(start..self.extent(*first), text));
        } else if let Some(at) = behind_key.and_then(|key| layout.after_colon(key)) {
            let properties = layout.node(self.mapping).properties_span();
            let at = properties.map_or(at, |properties| properties.end.max(at));
            let empty = Zeroizing::new(" {}".to_owned());
            replacements.push(Replacement::insert(at, empty));
            replacements.push(Replacement::delete(self.lines(*first, false)));
        } else {
            let empty = Zeroizing::new("{}".to_owned());
            replacements.push(Replacement::new(start..self.extent(*first), empty));
        }
        let lines = others.iter().map(|pair| self.lines(*pair, false));
        replacements.extend(lines.map(Replacement::delete));
        replacements
    }

    /// The lines of an entry with the line break before them, or with the one behind them where that
    /// before is to stay or does not exist.
    fn lines(&self, pair: Pair, break_before_stays: bool) -> Range<usize> {
        let start = self.layout.start(pair.key);
        let extent = self.extent(pair);
        match self
            .layout
            .line_end_before(start)
            .filter(|_| !break_before_stays)
        {
            Some(before) => before..extent,
            None => {
                let mark = self.layout.source().content_start();
                let start = self.layout.source().line_start(start).max(mark);
                start..self.layout.after_break(extent)
            }
        }
    }

    fn begins_input(&self) -> bool {
        let first = self.pairs.first().map(|pair| self.layout.start(pair.key));
        first.is_some_and(|start| self.layout.line_end_before(start).is_none())
    }

    /// Whether without the last entries a block scalar would end the input and lose its line break.
    fn ends_input_behind_block_scalar(&self, tail: usize) -> bool {
        let last = self.pairs.last().map(|pair| self.extent(*pair));
        let kept = tail.checked_sub(1).and_then(|at| self.pairs.get(at));
        last == Some(self.layout.text().len())
            && kept.is_some_and(|kept| self.layout.last_block_scalar(kept.value).is_some())
    }

    /// Whether, without this entry and those that go before it, a block scalar would take the empty
    /// lines behind it for its own.
    fn keeps_blank_lines_before(&self, at: usize) -> bool {
        let before = self.pairs.get(..at).unwrap_or_default();
        let kept = before.iter().rfind(|pair| !self.goes(pair));
        let scalar = kept.and_then(|kept| self.layout.last_block_scalar(kept.value));
        let header = scalar.and_then(|scalar| self.layout.header(scalar));
        header.is_some_and(|header| header.chomping == Some('+'))
    }

    /// Whether a mapping around this one gets its new entries right behind this entry.
    fn grows_behind(&self, pair: &Pair) -> bool {
        self.growth.contains(&self.extent(*pair))
    }

    fn is_stripped(&self, scalar: NodeId) -> bool {
        let header = self.layout.header(scalar);
        header.is_some_and(|header| header.chomping == Some('-'))
    }

    fn goes(&self, pair: &Pair) -> bool {
        self.intent.removed.contains(&pair.key)
    }

    fn extent(&self, pair: Pair) -> usize {
        self.layout.extent(pair, self.indentation)
    }

    /// The new entries, on lines of their own or from the middle of one.
    fn new_lines(&self, at: usize, own_line: bool) -> Zeroizing<String> {
        let habits = self.layout.habits(self.mapping, None);
        let writer = Writer::new(self.layout, habits, self.mapping, at);
        writer.entries(&self.intent.added, self.indentation, own_line)
    }
}

/// Writes new entries of block mappings.
struct Writer<'a> {
    habits: Habits,
    line_break: &'a str,
    /// Columns from one level to the next.
    step: usize,
}

impl<'a> Writer<'a> {
    fn new(layout: &Layout<'a>, habits: Habits, mapping: NodeId, at: usize) -> Self {
        Self {
            habits,
            line_break: layout.line_break(at),
            step: step(layout, mapping),
        }
    }

    fn entries(&self, added: &Added, indentation: usize, own_line: bool) -> Zeroizing<String> {
        let blanks = " ".repeat(indentation);
        let mut pieces = Vec::new();
        for (at, (key, new)) in added.0.iter().enumerate() {
            let key = spell(key, self.habits.keys, self.habits.context);
            let value = match new {
                New::Text(text) => {
                    let text = spell(&text.0, self.habits.values, self.habits.context);
                    concat(&[" ", &text])
                }
                New::Mapping(added) => self.entries(added, indentation + self.step, true),
            };
            let before = if own_line || at > 0 {
                concat(&[self.line_break, &blanks])
            } else {
                Zeroizing::default()
            };
            pieces.push(concat(&[&before, &key, ":", &value]));
        }
        let pieces: Vec<&str> = pieces.iter().map(|piece| piece.as_str()).collect();
        concat(&pieces)
    }
}

/// The step of indentation: that of a mapping here, else of this one, else of those around it.
fn step(layout: &Layout<'_>, mapping: NodeId) -> usize {
    let own = layout.indentation(mapping).unwrap_or_default();
    let below = layout.pairs(mapping).into_iter().find_map(|pair| {
        let inner = layout.is_block_mapping(pair.value);
        let column = inner.then(|| layout.indentation(pair.value)).flatten()?;
        column.checked_sub(own).filter(|step| *step > 0)
    });
    let around = layout.family.line(mapping).find_map(|id| {
        let parent = layout.family.parent(id)?;
        let inner = layout.is_block_mapping(id)
            && matches!(
                layout.data(parent).map(|data| &data.content),
                Some(Content::Mapping { flow: false, .. })
            );
        let column = inner.then(|| layout.indentation(id)).flatten()?;
        let step = column.checked_sub(layout.indentation(parent)?)?;
        (step > 0).then_some(step)
    });
    below.or(around).unwrap_or(2)
}
