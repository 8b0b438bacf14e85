//! Go's regular expressions: RE2's syntax, leftmost-first matching in time
//! linear in the text, every step charged to the budget.
//!
//! The `regex` crate reads a different syntax, does not match bytes that are
//! not UTF-8 as U+FFFD, and cannot be stopped.

mod class;
mod compile;
mod groups;
mod machine;
mod parse;

use crate::budget::Budget;
use crate::error::{Fault, Outcome};
use crate::text::{decode_rune, from};

use compile::Program;
use machine::Machine;

/// A compiled expression.
pub(crate) struct Regex {
    program: Program,
    /// Names of the groups, the whole match first; empty if unnamed.
    names: Vec<Vec<u8>>,
    empty: bool,
}

/// Where a match lies, and its groups: starts and ends by turns.
pub(crate) type Slots = Vec<Option<usize>>;

impl Regex {
    pub(crate) fn new(budget: &mut Budget, pattern: &[u8]) -> Outcome<Self> {
        let text = std::str::from_utf8(pattern)
            .map_err(|_| Fault::new("the regular expression is not UTF-8"))?;
        let parsed = parse::parse(budget, text)?;
        Ok(Regex {
            program: compile::compile(budget, &parsed)?,
            names: parsed.names,
            empty: pattern.is_empty(),
        })
    }

    /// What searches a text; `groups` says whether groups are wanted besides
    /// the match itself.
    pub(crate) fn search<'t>(
        &self,
        budget: &mut Budget,
        text: &'t [u8],
        groups: bool,
    ) -> Outcome<Machine<'_, 't>> {
        let slots = if groups { self.names.len() * 2 } else { 2 };
        Machine::new(budget, &self.program, text, slots)
    }

    /// The first `most` matches; none is empty right after another.
    pub(crate) fn find_all(
        &self,
        budget: &mut Budget,
        text: &[u8],
        most: Option<usize>,
    ) -> Outcome<Vec<(usize, usize)>> {
        let mut machine = self.search(budget, text, false)?;
        let mut found = Vec::new();
        let mut at = 0;
        let mut last_end = None;
        while at <= text.len() && most.is_none_or(|most| found.len() < most) {
            let Some(slots) = machine.find_at(budget, at)? else {
                break;
            };
            let (start, end) = ends(&slots);
            let repeats = end == at && Some(start) == last_end;
            at = if end == at {
                at + decode_rune(from(text, at)).1.max(1)
            } else {
                end
            };
            last_end = Some(end);
            if !repeats {
                budget.allocate(16)?;
                found.push((start, end));
            }
        }
        Ok(found)
    }

    /// Whether the expression has no text at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.empty
    }

    /// The group of that name, if it took part in the match.
    pub(crate) fn named_group(&self, slots: &Slots, name: &[u8]) -> Option<(usize, usize)> {
        self.names
            .iter()
            .enumerate()
            .filter(|(_, known)| known.as_slice() == name)
            .find_map(|(index, _)| group(slots, index))
    }
}

/// Start and end of the whole match.
pub(crate) fn ends(slots: &Slots) -> (usize, usize) {
    group(slots, 0).unwrap_or_default()
}

pub(crate) fn group(slots: &Slots, index: usize) -> Option<(usize, usize)> {
    let at = |slot: usize| slots.get(slot).copied().flatten();
    at(index.checked_mul(2)?).zip(at(index.checked_mul(2)?.checked_add(1)?))
}

/// Escapes all that means something in an expression.
pub(crate) fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if b"\\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}
