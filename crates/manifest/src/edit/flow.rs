//! Entries of flow mappings, JSON objects included, come and go with their commas.

use zeroize::Zeroizing;

use super::error::EditError;
use super::habits::Habits;
use super::intent::{Added, MappingIntent, New};
use super::layout::{Layout, Pair};
use super::plan::Replacement;
use super::spelling::{Context, concat, spell};
use super::value::{drop_tag, place_of_nothing};
use crate::tree::NodeId;

/// Edits a flow mapping.
pub(super) fn edit(
    layout: &Layout<'_>,
    mapping: NodeId,
    intent: &MappingIntent,
) -> Result<Vec<Replacement>, EditError> {
    let pairs = layout.pairs(mapping);
    let span = layout.node(mapping).span();
    if !layout.slice(span.clone()).starts_with('{') {
        let reason = "this pair stands in a list without braces; put it in braces";
        return Err(layout.unsupported(mapping, reason));
    }
    let odd = pairs
        .iter()
        .find(|pair| intent.removed.contains(&pair.key) && is_explicit(layout, **pair));
    if let Some(pair) = odd {
        let reason = "this key is written with \"?\"; write it as \"key:\"";
        return Err(layout.unsupported(pair.key, reason));
    }
    let flow = Flow {
        layout,
        pairs,
        intent,
        style: Style::of(layout, mapping),
        inside: span.start + 1..span.end.saturating_sub(1),
    };
    let mut replacements = flow.remove();
    if !intent.added.0.is_empty() {
        replacements.extend(flow.add());
    }
    Ok(replacements)
}

/// Puts a flow mapping where a null stands.
pub(super) fn replace_null(
    layout: &Layout<'_>,
    value: NodeId,
    added: &Added,
) -> Result<Vec<Replacement>, EditError> {
    let Some(parent) = layout.family.parent(value) else {
        return Err(layout.unsupported(value, "there is no mapping here; write \"{}\""));
    };
    let text = Style::of(layout, parent).braces(added, 0);
    let mut replacements = drop_tag(layout, value);
    let span = layout.node(value).span();
    replacements.push(if span.is_empty() {
        let (at, before) = place_of_nothing(layout, value)?;
        Replacement::insert(at, concat(&[before, &text]))
    } else {
        Replacement::new(span, text)
    });
    Ok(replacements)
}

fn is_explicit(layout: &Layout<'_>, pair: Pair) -> bool {
    let before = layout.slice(0..layout.start(pair.key));
    before.trim_end().ends_with('?')
}

struct Flow<'a> {
    layout: &'a Layout<'a>,
    pairs: Vec<Pair>,
    intent: &'a MappingIntent,
    style: Style,
    /// Between the braces.
    inside: std::ops::Range<usize>,
}

impl Flow<'_> {
    fn remove(&self) -> Vec<Replacement> {
        let kept = self.pairs.iter().rposition(|pair| !self.goes(*pair));
        if self.intent.removed.is_empty() {
            return Vec::new();
        }
        let Some(kept) = kept else {
            return self.clear();
        };
        let mut replacements = Vec::new();
        for (at, pair) in self.pairs.iter().enumerate().take(kept) {
            if let Some(next) = self.pairs.get(at + 1).filter(|_| self.goes(*pair)) {
                let start = self.layout.start(pair.key);
                let end = self.layout.start(next.key);
                replacements.push(self.without_comments(*pair, start, end));
            }
        }
        let mut end = self.pairs.get(kept).map_or(0, |pair| self.end(*pair));
        for pair in self.pairs.iter().skip(kept + 1) {
            let start = end;
            end = self.end(*pair);
            replacements.push(self.without_comments(*pair, start, end));
        }
        replacements
    }

    /// Deletes from `start` to `end`. Where a comment stands there, the entry's own line goes, or the
    /// entry and its comma alone.
    fn without_comments(&self, pair: Pair, start: usize, end: usize) -> Replacement {
        let own = self.layout.start(pair.key)..self.end(pair);
        let before = self.layout.slice(start.min(own.start)..own.start);
        let behind = self.layout.slice(own.end..end.max(own.end));
        if before.contains('#') || behind.contains('#') {
            let end = self.comma(pair).unwrap_or(own.end);
            let line_end = self.layout.line_end(end);
            let rest = self.layout.slice(end..line_end).trim_start();
            let alone = self.layout.begins_line(own.start) && line_end < self.inside.end;
            let line = self.layout.line_end_before(own.start);
            return Replacement::delete(match line {
                Some(before) if alone && (rest.is_empty() || rest.starts_with('#')) => {
                    before..line_end
                }
                _ => own.start..end,
            });
        }
        Replacement::delete(start..end)
    }

    /// Removes all entries, and with them what else stands between the braces unless there are
    /// comments.
    fn clear(&self) -> Vec<Replacement> {
        let between: String = self.gaps().concat();
        let (Some(first), Some(last)) = (self.pairs.first(), self.pairs.last()) else {
            return Vec::new();
        };
        if between.contains('#') {
            let own = |pair: &Pair| {
                let end = self.comma(*pair).unwrap_or_else(|| self.end(*pair));
                Replacement::delete(self.layout.start(pair.key)..end)
            };
            return self.pairs.iter().map(own).collect();
        }
        if self.intent.added.0.is_empty() {
            return vec![Replacement::delete(self.inside.clone())];
        }
        let end = self.comma(*last).unwrap_or_else(|| self.end(*last));
        let text = self.style.entries(&self.intent.added, 0);
        vec![Replacement::new(self.layout.start(first.key)..end, text)]
    }

    /// What stands between the braces besides the entries.
    fn gaps(&self) -> Vec<&str> {
        let mut at = self.inside.start;
        let mut gaps = Vec::new();
        for pair in &self.pairs {
            gaps.push(self.layout.slice(at..self.layout.start(pair.key)));
            at = self.end(*pair);
        }
        gaps.push(self.layout.slice(at..self.inside.end));
        gaps
    }

    fn add(&self) -> Vec<Replacement> {
        let text = self.style.entries(&self.intent.added, 0);
        let Some(last) = self.pairs.last() else {
            return self.fill(text);
        };
        let kept = self.pairs.iter().rposition(|pair| !self.goes(*pair));
        let gaps = self.gaps();
        if kept.is_none() && !gaps.concat().contains('#') {
            // They took the place of those that went.
            return Vec::new();
        }
        // Where a comment stands behind it, the comma behind the last entry that stays does, too.
        let has_comma = kept.is_none_or(|kept| {
            let gap = gaps.get(kept + 1).filter(|_| kept + 1 < self.pairs.len());
            gap.is_some_and(|gap| gap.contains('#'))
        });
        let end = self.end(*last);
        let separator = self.style.separator(0);
        let Some(comma) = self.comma(*last) else {
            return self.behind_last(end, has_comma, &separator, &text);
        };
        // A trailing comma stays one, and a comment behind it with it.
        let line_end = self.layout.line_end(comma);
        let at = if line_end < self.inside.end {
            line_end
        } else {
            comma
        };
        vec![Replacement::insert(at, concat(&[&separator, &text, ","]))]
    }

    fn behind_last(
        &self,
        end: usize,
        has_comma: bool,
        separator: &str,
        text: &str,
    ) -> Vec<Replacement> {
        let line_end = self.layout.line_end(end);
        let comma = if has_comma { "" } else { "," };
        if line_end < self.inside.end && self.style.is_spread() {
            let comma = Zeroizing::new(comma.to_owned());
            return vec![
                Replacement::insert(end, comma),
                Replacement::insert(line_end, concat(&[separator, text])),
            ];
        }
        vec![Replacement::insert(end, concat(&[comma, separator, text]))]
    }

    /// Puts entries between empty braces.
    fn fill(&self, text: Zeroizing<String>) -> Vec<Replacement> {
        let inside = self.layout.slice(self.inside.clone());
        if !inside.chars().all(|c| c == ' ' || c == '\t') {
            return vec![Replacement::insert(self.inside.start, text)];
        }
        let spread = concat(&[&self.style.lead(0), &text, &self.style.trail(0)]);
        vec![Replacement::new(self.inside.clone(), spread)]
    }

    fn goes(&self, pair: Pair) -> bool {
        self.intent.removed.contains(&pair.key)
    }

    fn end(&self, pair: Pair) -> usize {
        self.layout.pair_end(pair)
    }

    /// Behind the comma that follows an entry.
    fn comma(&self, pair: Pair) -> Option<usize> {
        let mut at = self.end(pair);
        loop {
            let rest = self.layout.slice(at..self.inside.end);
            let content = rest.trim_start();
            at += rest.len() - content.len();
            match content.chars().next()? {
                ',' => return Some(at + 1),
                '#' => at = self.layout.line_end(at),
                _ => return None,
            }
        }
    }
}

/// How a flow mapping is laid out.
struct Style {
    habits: Habits,
    /// `: `, or `:` in compact JSON.
    colon: &'static str,
    /// Behind a comma on the same line.
    blank: &'static str,
    lines: Option<Lines>,
}

/// Entries with a line each.
struct Lines {
    line_break: String,
    column: usize,
    step: usize,
}

impl Style {
    fn of(layout: &Layout<'_>, mapping: NodeId) -> Self {
        let habits = layout.habits(mapping, None);
        let pairs = layout.pairs(mapping);
        let compact = pairs.last().is_some_and(|last| is_compact(layout, *last));
        let quoted = habits.context == Context::Json || !habits.keys.plain;
        let compact = compact && quoted;
        Self {
            colon: if compact { ":" } else { ": " },
            blank: if compact { "" } else { " " },
            lines: lines(layout, mapping),
            habits,
        }
    }

    fn is_spread(&self) -> bool {
        self.lines.is_some()
    }

    /// Between two entries, behind the comma.
    fn separator(&self, depth: usize) -> String {
        self.line(depth).unwrap_or_else(|| self.blank.to_owned())
    }

    /// Between an opening brace and the first entry.
    fn lead(&self, depth: usize) -> String {
        self.line(depth).unwrap_or_default()
    }

    /// Between the last entry and the closing brace, one level further out.
    fn trail(&self, depth: usize) -> String {
        let Some(lines) = self.lines_at(depth) else {
            return String::new();
        };
        let column = lines.column + depth * lines.step;
        format!(
            "{}{}",
            lines.line_break,
            " ".repeat(column.saturating_sub(lines.step))
        )
    }

    fn line(&self, depth: usize) -> Option<String> {
        let lines = self.lines_at(depth)?;
        let column = lines.column + depth * lines.step;
        Some(format!("{}{}", lines.line_break, " ".repeat(column)))
    }

    /// New mappings take lines of their own in JSON alone.
    fn lines_at(&self, depth: usize) -> Option<&Lines> {
        let json = self.habits.context == Context::Json;
        self.lines.as_ref().filter(|_| depth == 0 || json)
    }

    fn braces(&self, added: &Added, depth: usize) -> Zeroizing<String> {
        let inner = depth + 1;
        let entries = self.entries(added, inner);
        concat(&["{", &self.lead(inner), &entries, &self.trail(inner), "}"])
    }

    fn entries(&self, added: &Added, depth: usize) -> Zeroizing<String> {
        let mut pieces = Vec::new();
        let separator = self.separator(depth);
        for (at, (key, new)) in added.0.iter().enumerate() {
            let key = spell(key, self.habits.keys, self.habits.context);
            let value = match new {
                New::Text(text) => spell(&text.0, self.habits.values, self.habits.context),
                New::Mapping(added) => self.braces(added, depth),
            };
            let (comma, separator) = if at == 0 {
                ("", "")
            } else {
                (",", separator.as_str())
            };
            pieces.push(concat(&[comma, separator, &key, self.colon, &value]));
        }
        let pieces: Vec<&str> = pieces.iter().map(|piece| piece.as_str()).collect();
        concat(&pieces)
    }
}

/// Whether nothing stands between colon and value.
fn is_compact(layout: &Layout<'_>, pair: Pair) -> bool {
    let value = layout.start(pair.value);
    layout.after_colon(pair.key) == Some(value) && !layout.node(pair.value).span().is_empty()
}

/// The lines of a mapping whose last entry begins one; for an empty JSON object those around it.
fn lines(layout: &Layout<'_>, mapping: NodeId) -> Option<Lines> {
    let last = layout.pairs(mapping).pop();
    let around = layout.family.line(mapping).skip(1);
    let parents: Vec<_> = around.filter(|id| layout.is_flow(*id)).collect();
    let (place, depth) = match last {
        Some(last) => (layout.start(last.key), 0),
        None if !layout.is_json() => return None,
        None => {
            let pairs = parents.iter().find_map(|id| layout.pairs(*id).pop());
            (layout.start(pairs?.key), 1)
        }
    };
    if !layout.begins_line(place) {
        return None;
    }
    let column = layout.column(place);
    let outer = parents
        .iter()
        .skip(depth)
        .filter_map(|id| layout.pairs(*id).pop())
        .map(|pair| layout.column(layout.start(pair.key)))
        .find(|outer| *outer < column);
    let step = match outer {
        Some(outer) => column - outer,
        None if layout.is_json() && column > 0 => column,
        None => 2,
    };
    Some(Lines {
        line_break: layout.line_break(place).to_owned(),
        column: column + depth * step,
        step,
    })
}
