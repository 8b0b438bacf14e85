//! Thompson's simulation with captures, after Pike: all alternatives advance
//! together, in order of priority.

use super::Slots;
use super::compile::{Instruction, Program};
use super::parse::Assertion;
use crate::budget::Budget;
use crate::error::Outcome;
use crate::text::{decode_last_rune, decode_rune, from, upto};

/// Searches one text, again and again.
pub(crate) struct Machine<'p, 't> {
    program: &'p Program,
    text: &'t [u8],
    slots: usize,
    current: Threads,
    following: Threads,
    /// Ways still to follow without reading, last first.
    open: Vec<Way>,
    scratch: Slots,
}

enum Way {
    Go(usize),
    Restore(usize, Option<usize>),
}

/// Threads in order of priority, at most one for each instruction.
struct Threads {
    dense: Vec<usize>,
    sparse: Vec<usize>,
    captures: Slots,
}

impl Threads {
    fn new(size: usize, slots: usize) -> Self {
        Threads {
            dense: Vec::with_capacity(size),
            sparse: vec![0; size],
            captures: vec![None; size * slots],
        }
    }

    fn add(&mut self, at: usize) -> bool {
        let known = self.sparse.get(at).copied().unwrap_or_default();
        if self.dense.get(known) == Some(&at) {
            return false;
        }
        if let Some(slot) = self.sparse.get_mut(at) {
            *slot = self.dense.len();
        }
        self.dense.push(at);
        true
    }
}

/// Thread moves per step of the budget.
const MOVES_PER_STEP: u64 = 6;

impl<'p, 't> Machine<'p, 't> {
    /// `slots` is how many of the starts and ends of groups are wanted.
    pub(super) fn new(
        budget: &mut Budget,
        program: &'p Program,
        text: &'t [u8],
        slots: usize,
    ) -> Outcome<Self> {
        let size = program.instructions.len();
        let captures = size.saturating_mul(slots) * size_of::<Option<usize>>();
        budget.allocate(2 * (captures + size * 16))?;
        budget.step(size as u64 / 8)?;
        Ok(Machine {
            program,
            text,
            slots,
            current: Threads::new(size, slots),
            following: Threads::new(size, slots),
            open: Vec::new(),
            scratch: vec![None; slots],
        })
    }

    /// The first match at or after `start`.
    pub(crate) fn find_at(&mut self, budget: &mut Budget, start: usize) -> Outcome<Option<Slots>> {
        budget.step(2)?;
        self.current.dense.clear();
        self.following.dense.clear();
        let mut matched: Option<Slots> = None;
        let mut at = start;
        let mut moves = 0;
        loop {
            if self.current.dense.is_empty() {
                if matched.is_some() {
                    break;
                }
                if let Some(first) = &self.program.first_bytes {
                    let rest = from(self.text, at);
                    let possible = |byte: &u8| first.get(usize::from(*byte)) == Some(&true);
                    match rest.iter().position(possible) {
                        Some(skipped) => {
                            moves += skipped as u64 / 8;
                            at += skipped;
                        }
                        None => {
                            moves += rest.len() as u64 / 8;
                            break;
                        }
                    }
                }
            }
            if matched.is_none() {
                self.scratch.fill(None);
                moves += self.follow(at, self.program.start, false);
            }
            let (rune, width) = decode_rune(from(self.text, at));
            moves += self.advance(at, rune, width, &mut matched);
            budget.step(moves / MOVES_PER_STEP)?;
            moves %= MOVES_PER_STEP;
            std::mem::swap(&mut self.current, &mut self.following);
            self.following.dense.clear();
            if width == 0 {
                break;
            }
            at += width;
        }
        budget.step(moves / MOVES_PER_STEP)?;
        Ok(matched)
    }

    /// Moves every thread over one rune; a match cuts off all behind it.
    fn advance(&mut self, at: usize, rune: char, width: usize, matched: &mut Option<Slots>) -> u64 {
        let mut moves = 0;
        for index in 0..self.current.dense.len() {
            moves += 1;
            let thread = self.current.dense.get(index).copied().unwrap_or_default();
            let next = match self.program.instructions.get(thread) {
                Some(Instruction::Match) => {
                    *matched = Some(self.captures_of(thread).to_vec());
                    break;
                }
                _ if width == 0 => None,
                Some(Instruction::Rune(wanted, next)) => (*wanted == rune).then_some(*next),
                Some(Instruction::Any(next)) => Some(*next),
                Some(Instruction::AnyButNewline(next)) => (rune != '\n').then_some(*next),
                Some(Instruction::Set(ranges, next)) => contains(ranges, rune).then_some(*next),
                _ => None,
            };
            if let Some(next) = next {
                let captures = self
                    .current
                    .captures
                    .get(thread * self.slots..(thread + 1) * self.slots)
                    .unwrap_or_default();
                self.scratch.copy_from_slice(captures);
                moves += self.follow(at + width, next, true);
            }
        }
        moves
    }

    fn captures_of(&self, thread: usize) -> &[Option<usize>] {
        self.current
            .captures
            .get(thread * self.slots..(thread + 1) * self.slots)
            .unwrap_or_default()
    }

    /// Adds the threads that are reached from an instruction without reading.
    fn follow(&mut self, at: usize, start: usize, into_following: bool) -> u64 {
        let mut moves = 0;
        self.open.push(Way::Go(start));
        while let Some(way) = self.open.pop() {
            let mut here = match way {
                Way::Restore(slot, old) => {
                    if let Some(value) = self.scratch.get_mut(slot) {
                        *value = old;
                    }
                    continue;
                }
                Way::Go(here) => here,
            };
            loop {
                moves += 1;
                let threads = if into_following {
                    &mut self.following
                } else {
                    &mut self.current
                };
                if !threads.add(here) {
                    break;
                }
                match self.program.instructions.get(here) {
                    Some(Instruction::Split(first, second)) => {
                        self.open.push(Way::Go(*second));
                        here = *first;
                    }
                    Some(Instruction::Assert(assertion, next)) => {
                        if !holds(self.text, at, *assertion) {
                            break;
                        }
                        here = *next;
                    }
                    Some(Instruction::Save(slot, next)) => {
                        if let Some(value) = self.scratch.get_mut(*slot) {
                            self.open.push(Way::Restore(*slot, *value));
                            *value = Some(at);
                        }
                        here = *next;
                    }
                    _ => {
                        let range = here * self.slots..(here + 1) * self.slots;
                        if let Some(captures) = threads.captures.get_mut(range) {
                            captures.copy_from_slice(&self.scratch);
                        }
                        break;
                    }
                }
            }
        }
        moves
    }
}

fn contains(ranges: &[(char, char)], rune: char) -> bool {
    ranges
        .binary_search_by(|&(low, high)| {
            if high < rune {
                std::cmp::Ordering::Less
            } else if low > rune {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

fn holds(text: &[u8], at: usize, assertion: Assertion) -> bool {
    let before = upto(text, at);
    let after = from(text, at);
    let is_word =
        |(rune, width): (char, usize)| width > 0 && (rune.is_ascii_alphanumeric() || rune == '_');
    let boundary = || is_word(decode_last_rune(before)) != is_word(decode_rune(after));
    match assertion {
        Assertion::BeginText => before.is_empty(),
        Assertion::EndText => after.is_empty(),
        Assertion::BeginLine => before.is_empty() || before.ends_with(b"\n"),
        Assertion::EndLine => after.is_empty() || after.starts_with(b"\n"),
        Assertion::WordBoundary => boundary(),
        Assertion::NoWordBoundary => !boundary(),
    }
}
