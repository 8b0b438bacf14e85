//! From nodes to a program, built from its end.

use super::parse::{Assertion, Node, NodeId, Parsed};
use crate::budget::{Budget, on_enough_stack};
use crate::error::Outcome;
use crate::text::push_rune;

#[derive(Debug)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) start: usize,
    /// The bytes that a match can begin with; nothing if it can be empty or
    /// depends on what is around it.
    pub(super) first_bytes: Option<Box<[bool; 256]>>,
}

#[derive(Debug)]
pub(super) enum Instruction {
    Match,
    Rune(char, usize),
    Any(usize),
    AnyButNewline(usize),
    Set(Box<[(char, char)]>, usize),
    Assert(Assertion, usize),
    Save(usize, usize),
    /// Tries the first way before the second.
    Split(usize, usize),
}

pub(super) fn compile(budget: &mut Budget, parsed: &Parsed) -> Outcome<Program> {
    let mut compiler = Compiler {
        budget,
        parsed,
        instructions: Vec::new(),
    };
    let matched = compiler.add(Instruction::Match)?;
    let close = compiler.add(Instruction::Save(1, matched))?;
    let body = compiler.node(parsed.root, close)?;
    let start = compiler.add(Instruction::Save(0, body))?;
    let instructions = compiler.instructions;
    let first_bytes = first_bytes(&instructions, start);
    Ok(Program {
        instructions,
        start,
        first_bytes,
    })
}

struct Compiler<'b, 'p> {
    budget: &'b mut Budget,
    parsed: &'p Parsed,
    instructions: Vec<Instruction>,
}

impl<'p> Compiler<'_, 'p> {
    fn add(&mut self, instruction: Instruction) -> Outcome<usize> {
        self.budget.step(1)?;
        self.budget.allocate(size_of::<Instruction>())?;
        self.instructions.push(instruction);
        Ok(self.instructions.len() - 1)
    }

    fn get(&self, id: NodeId) -> &'p Node {
        self.parsed.nodes.get(id.0 as usize).unwrap_or(&Node::Empty)
    }

    /// Adds what matches a node and then goes on at `next`; gives its start.
    fn node(&mut self, id: NodeId, next: usize) -> Outcome<usize> {
        self.budget.step(1)?;
        match self.get(id) {
            Node::Empty => Ok(next),
            Node::Rune(rune) => self.add(Instruction::Rune(*rune, next)),
            Node::Any => self.add(Instruction::Any(next)),
            Node::AnyButNewline => self.add(Instruction::AnyButNewline(next)),
            Node::Set(set) => {
                self.budget.allocate(set.ranges().len() * 8)?;
                let ranges = set
                    .ranges()
                    .iter()
                    .map(|range| (range.start(), range.end()));
                self.add(Instruction::Set(ranges.collect(), next))
            }
            Node::Assert(assertion) => self.add(Instruction::Assert(*assertion, next)),
            Node::Group(index, inner) => {
                let close = self.add(Instruction::Save(index * 2 + 1, next))?;
                let body = self.deeper(*inner, close)?;
                self.add(Instruction::Save(index * 2, body))
            }
            Node::Concat(nodes) => {
                let mut start = next;
                for node in nodes.iter().rev() {
                    start = self.deeper(*node, start)?;
                }
                Ok(start)
            }
            Node::Alternate(nodes) => {
                let mut starts = Vec::with_capacity(nodes.len());
                for node in nodes {
                    starts.push(self.deeper(*node, next)?);
                }
                let mut starts = starts.into_iter().rev();
                let mut start = starts.next().unwrap_or(next);
                for first in starts {
                    start = self.add(Instruction::Split(first, start))?;
                }
                Ok(start)
            }
            Node::Repeat {
                node,
                min,
                max,
                greedy,
            } => self.repeat(*node, *min, *max, *greedy, next),
        }
    }

    fn deeper(&mut self, id: NodeId, next: usize) -> Outcome<usize> {
        on_enough_stack(|| self.node(id, next))
    }

    fn split(&mut self, body: usize, next: usize, greedy: bool) -> Outcome<usize> {
        self.add(if greedy {
            Instruction::Split(body, next)
        } else {
            Instruction::Split(next, body)
        })
    }

    /// Copies as often as must be, then optional copies or a loop.
    fn repeat(
        &mut self,
        node: NodeId,
        min: u32,
        max: Option<u32>,
        greedy: bool,
        next: usize,
    ) -> Outcome<usize> {
        let mut start = next;
        let mut copies = min;
        match max {
            Some(max) => {
                // x{0,3} is (x(x(x)?)?)?: leaving any goes straight on.
                for _ in min..max {
                    let body = self.deeper(node, start)?;
                    start = self.split(body, next, greedy)?;
                }
            }
            None => {
                let nullable = on_enough_stack(|| self.nullable(node))?;
                start = self.looped(node, greedy, next, min > 0 || nullable)?;
                copies = min.saturating_sub(1);
                // A nullable star is an optional plus, for the priorities.
                if min == 0 && nullable {
                    start = self.split(start, next, greedy)?;
                }
            }
        }
        for _ in 0..copies {
            start = self.deeper(node, start)?;
        }
        Ok(start)
    }

    /// A loop that is entered at its body (`+`) or at its choice (`*`).
    fn looped(&mut self, node: NodeId, greedy: bool, next: usize, at_body: bool) -> Outcome<usize> {
        let choice = self.split(next, next, greedy)?;
        let body = self.deeper(node, choice)?;
        let ways = if greedy { (body, next) } else { (next, body) };
        if let Some(slot) = self.instructions.get_mut(choice) {
            *slot = Instruction::Split(ways.0, ways.1);
        }
        Ok(if at_body { body } else { choice })
    }

    fn nullable(&mut self, id: NodeId) -> Outcome<bool> {
        self.budget.step(1)?;
        let nodes = match self.get(id) {
            Node::Empty | Node::Assert(_) => return Ok(true),
            Node::Rune(_) | Node::Set(_) | Node::Any | Node::AnyButNewline => return Ok(false),
            Node::Group(_, node) => return on_enough_stack(|| self.nullable(*node)),
            Node::Repeat { node, min, .. } => {
                return if *min == 0 {
                    Ok(true)
                } else {
                    on_enough_stack(|| self.nullable(*node))
                };
            }
            Node::Concat(nodes) | Node::Alternate(nodes) => nodes,
        };
        let all = matches!(self.get(id), Node::Concat(_));
        for node in nodes {
            if on_enough_stack(|| self.nullable(*node))? != all {
                return Ok(!all);
            }
        }
        Ok(all)
    }
}

fn first_bytes(instructions: &[Instruction], start: usize) -> Option<Box<[bool; 256]>> {
    let mut bytes = Box::new([false; 256]);
    let mut seen = vec![false; instructions.len()];
    let mut open = vec![start];
    let mut mark = |low: char, high: char| {
        let first = |rune: char| {
            let mut encoded = Vec::new();
            push_rune(&mut encoded, rune);
            encoded.first().copied().unwrap_or_default()
        };
        for slot in bytes
            .iter_mut()
            .take(usize::from(first(high)) + 1)
            .skip(usize::from(first(low)))
        {
            *slot = true;
        }
        // A byte that begins no rune reads as U+FFFD.
        if (low..=high).contains(&char::REPLACEMENT_CHARACTER) {
            for slot in bytes.iter_mut().skip(0x80) {
                *slot = true;
            }
        }
    };
    while let Some(at) = open.pop() {
        if std::mem::replace(seen.get_mut(at)?, true) {
            continue;
        }
        match instructions.get(at)? {
            Instruction::Match | Instruction::Assert(..) => return None,
            Instruction::Any(_) | Instruction::AnyButNewline(_) => return None,
            Instruction::Rune(rune, _) => mark(*rune, *rune),
            Instruction::Set(ranges, _) => {
                for &(low, high) in ranges {
                    mark(low, high);
                }
            }
            Instruction::Save(_, next) => open.push(*next),
            Instruction::Split(first, second) => open.extend([*first, *second]),
        }
    }
    Some(bytes)
}
