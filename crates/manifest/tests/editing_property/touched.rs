//! Which lines an edit may touch, by the places of nodes alone.

use std::collections::BTreeSet;
use std::ops::Range;

use seal_manifest::{Node, ScalarStyle};

/// Lines by their numbers from 0; all others must stay as they are.
#[derive(Default)]
pub(crate) struct Touched(BTreeSet<usize>);

/// A place in a manifest: a value, its key, and the mapping or list around it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) key: Option<Node<'a>>,
}

fn line_of(text: &str, at: usize) -> usize {
    lines(&text[..at]).len() - 1
}

/// Lines without their ends.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.replace("\r\n", "\n")
        .replace('\u{feff}', "")
        .split(['\n', '\r'])
        .map(str::to_owned)
        .collect()
}

impl Touched {
    fn add(&mut self, text: &str, range: Range<usize>) {
        self.0
            .extend(line_of(text, range.start)..=line_of(text, range.end));
    }

    pub(crate) fn replaced(&mut self, text: &str, place: Place<'_>) {
        let span = place.node.span();
        let block = matches!(
            place.node.scalar_style(),
            Some(ScalarStyle::Literal | ScalarStyle::Folded)
        );
        let properties = place.node.properties_span();
        let first = properties.map_or(span.start, |range| range.start.min(span.start));
        self.add(
            text,
            place.key.map_or(first, |key| key.span().end)..span.end,
        );
        if block {
            self.0.insert(line_of(text, span.start) - 1);
        }
    }

    pub(crate) fn inserted(&mut self, text: &str, place: Place<'_>) {
        let span = place.node.span();
        if !place.node.is_mapping() || text[span.clone()].starts_with('{') {
            let start = place
                .key
                .map_or(span.start, |key| key.span().end.min(span.start));
            self.add(text, start..span.end);
        }
    }

    /// `removed` leaves `place`.
    pub(crate) fn removed(&mut self, text: &str, place: Place<'_>, removed: Place<'_>) {
        let span = place.node.span();
        let key = removed.key.unwrap();
        if text[span.clone()].starts_with('{') {
            return self.add(text, span);
        }
        self.add(
            text,
            key.span().start..removed.node.span().end.max(key.span().end),
        );
        let all = lines(text);
        let column = key.location().column - 1;
        for (at, line) in all
            .iter()
            .enumerate()
            .skip(line_of(text, removed.node.span().end.max(key.span().end)) + 1)
        {
            let content = line.trim_start_matches([' ', '\u{feff}']);
            match content.chars().next() {
                None => {}
                Some('#') if line.len() - content.len() > column => {
                    self.0.insert(at);
                }
                _ => break,
            }
        }
        // Emptied, the mapping becomes `{}` behind its key.
        if let Some(key) = place.key {
            self.add(text, key.span());
        }
        // Behind a dash, the next key takes the place of the first.
        let first = line_of(text, span.start);
        if all[first].trim_start().starts_with('-') {
            for entry in place.node.entries().unwrap() {
                self.add(text, entry.key_node.span());
            }
        }
    }

    /// Whether all other lines are there in the same order, apart from empty ones.
    pub(crate) fn others_stay(&self, old: &str, new: &str) -> Option<String> {
        let new = lines(new);
        let mut rest = new.iter();
        for (at, line) in lines(old).iter().enumerate() {
            if self.0.contains(&at) || line.trim().is_empty() {
                continue;
            }
            if !rest.any(|other| other == line) {
                return Some(line.clone());
            }
        }
        None
    }
}
