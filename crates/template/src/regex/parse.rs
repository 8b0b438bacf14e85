//! The syntax of Go's `regexp/syntax` with its Perl flags.

use regex_syntax::hir::ClassUnicode;

use super::class;
use super::groups::Flags;
use crate::budget::{Budget, Limit, on_enough_stack};
use crate::error::{Fault, Outcome};

/// An expression as a table of nodes, so that it is dropped flat.
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
    pub(super) names: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) u32);

pub(super) enum Node {
    Empty,
    Rune(char),
    Set(ClassUnicode),
    Any,
    AnyButNewline,
    Assert(Assertion),
    Group(usize, NodeId),
    Concat(Vec<NodeId>),
    Alternate(Vec<NodeId>),
    Repeat {
        node: NodeId,
        min: u32,
        max: Option<u32>,
        greedy: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assertion {
    BeginText,
    EndText,
    BeginLine,
    EndLine,
    WordBoundary,
    NoWordBoundary,
}

pub(super) fn parse(budget: &mut Budget, pattern: &str) -> Outcome<Parsed> {
    let mut parser = Parser {
        budget,
        rest: pattern,
        nodes: Vec::new(),
        names: vec![Vec::new()],
        flags: Flags::default(),
        depth: 0,
    };
    let root = parser.alternation()?;
    if !parser.rest.is_empty() {
        return Err(Fault::new("unexpected ) in the regular expression"));
    }
    Ok(Parsed {
        root,
        nodes: parser.nodes,
        names: parser.names,
    })
}

pub(super) struct Parser<'b, 'p> {
    pub(super) budget: &'b mut Budget,
    pub(super) rest: &'p str,
    nodes: Vec<Node>,
    pub(super) names: Vec<Vec<u8>>,
    pub(super) flags: Flags,
    depth: u32,
}

/// Deeper nesting is an error in Go, too.
const DEEPEST: u32 = 1_000;
/// The most repetitions, nested ones multiplied.
const MOST_REPEATS: u32 = 1_000;

pub(super) fn bad(reason: &'static str) -> Fault {
    Fault::with(reason, format!("error parsing regexp: {reason}"))
}

impl<'p> Parser<'_, 'p> {
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let mut runes = self.rest.chars();
        let rune = runes.next()?;
        self.rest = runes.as_str();
        Some(rune)
    }

    pub(super) fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn node(&mut self, node: Node) -> Outcome<NodeId> {
        self.budget.step(1)?;
        let size = match &node {
            Node::Set(set) => set.ranges().len() * 8,
            Node::Concat(nodes) | Node::Alternate(nodes) => nodes.len() * 4,
            _ => 0,
        };
        self.budget.allocate(size_of::<Node>() + size)?;
        self.nodes.push(node);
        let last = u32::try_from(self.nodes.len() - 1);
        last.map(NodeId).map_err(|_| Fault::over(Limit::Bytes))
    }

    /// Alternatives up to the end or a closing parenthesis.
    fn alternation(&mut self) -> Outcome<NodeId> {
        if self.depth >= DEEPEST {
            return Err(bad("expression nests too deeply"));
        }
        self.depth += 1;
        let outer_flags = self.flags;
        let result = on_enough_stack(|| self.alternatives());
        self.flags = outer_flags;
        self.depth -= 1;
        result
    }

    fn alternatives(&mut self) -> Outcome<NodeId> {
        let mut alternatives = vec![self.concatenation()?];
        while self.take("|") {
            alternatives.push(self.concatenation()?);
        }
        match alternatives.as_slice() {
            [only] => Ok(*only),
            _ => self.node(Node::Alternate(alternatives)),
        }
    }

    fn concatenation(&mut self) -> Outcome<NodeId> {
        let mut items = Vec::new();
        let mut after_repeat = false;
        while let Some(rune) = self.peek() {
            if matches!(rune, '|' | ')') {
                break;
            }
            if let Some((min, max)) = self.repetition()? {
                let greedy = self.take("?") == self.flags.ungreedy;
                if after_repeat {
                    return Err(bad("invalid nested repetition operator"));
                }
                let node = items
                    .pop()
                    .ok_or_else(|| bad("missing argument to repetition operator"))?;
                items.push(self.repeat(node, min, max, greedy)?);
                after_repeat = true;
                continue;
            }
            after_repeat = false;
            self.item(rune, &mut items)?;
        }
        match items.as_slice() {
            [] => self.node(Node::Empty),
            [only] => Ok(*only),
            _ => self.node(Node::Concat(items)),
        }
    }

    fn item(&mut self, rune: char, items: &mut Vec<NodeId>) -> Outcome<()> {
        let node = match rune {
            '(' => match self.open_group()? {
                Some(group) => {
                    let inner = self.group_body(group.flags)?;
                    match group.index {
                        Some(index) => Node::Group(index, inner),
                        None => {
                            items.push(inner);
                            return Ok(());
                        }
                    }
                }
                // Flags alone hold for the rest of the group.
                None => return Ok(()),
            },
            '\\' if self.rest.starts_with("\\Q") => return self.literal_run(items),
            '\\' => self.escape_node()?,
            '[' => Node::Set(self.bracketed()?),
            '.' => {
                self.next();
                if self.flags.dot_newline {
                    Node::Any
                } else {
                    Node::AnyButNewline
                }
            }
            '^' | '$' => {
                self.next();
                Node::Assert(match (rune, self.flags.multi_line) {
                    ('^', true) => Assertion::BeginLine,
                    ('^', false) => Assertion::BeginText,
                    (_, true) => Assertion::EndLine,
                    (_, false) => Assertion::EndText,
                })
            }
            _ => {
                self.next();
                self.literal(rune)
            }
        };
        let node = self.node(node)?;
        items.push(node);
        Ok(())
    }

    fn group_body(&mut self, flags: Flags) -> Outcome<NodeId> {
        let outer = std::mem::replace(&mut self.flags, flags);
        let inner = self.alternation()?;
        self.flags = outer;
        if !self.take(")") {
            return Err(bad("missing closing )"));
        }
        Ok(inner)
    }

    /// `\Q...\E`.
    fn literal_run(&mut self, items: &mut Vec<NodeId>) -> Outcome<()> {
        self.take("\\Q");
        let (literal, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
        self.rest = rest;
        for rune in literal.chars() {
            let node = self.literal(rune);
            let node = self.node(node)?;
            items.push(node);
        }
        Ok(())
    }

    fn literal(&self, rune: char) -> Node {
        if !self.flags.fold_case {
            return Node::Rune(rune);
        }
        Node::Set(self.folded(class::from_ranges(&[(rune, rune)])))
    }

    pub(super) fn folded(&self, mut set: ClassUnicode) -> ClassUnicode {
        if self.flags.fold_case {
            set.case_fold_simple();
        }
        set
    }

    fn escape_node(&mut self) -> Outcome<Node> {
        let mut ahead = self.rest.chars();
        let assertion = match ahead.nth(1) {
            Some('A') => Assertion::BeginText,
            Some('z') => Assertion::EndText,
            Some('b') => Assertion::WordBoundary,
            Some('B') => Assertion::NoWordBoundary,
            _ => {
                return match self.escaped_class()? {
                    Some(set) => Ok(Node::Set(set)),
                    None => self.escaped_rune().map(|rune| match rune {
                        Some(rune) => self.literal(rune),
                        None => Node::Set(ClassUnicode::empty()),
                    }),
                };
            }
        };
        self.rest = ahead.as_str();
        Ok(Node::Assert(assertion))
    }

    /// A repetition operator, if one is next.
    fn repetition(&mut self) -> Outcome<Option<(u32, Option<u32>)>> {
        let range = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(),
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(range))
    }

    /// `{2}`, `{2,}` or `{2,5}`; anything else in braces is literal.
    fn counted(&mut self) -> Outcome<Option<(u32, Option<u32>)>> {
        let Some((body, rest)) = self
            .rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
        else {
            return Ok(None);
        };
        let (min, max) = match body.split_once(',') {
            None => (count(body), count(body)),
            Some((min, "")) => (count(min), Some(None)),
            Some((min, max)) => (count(min), count(max)),
        };
        let (Some(min), Some(max)) = (min, max) else {
            return Ok(None);
        };
        let too_large = |n: Option<u32>| n.is_some_and(|n| n > MOST_REPEATS);
        let Some(min) = min.filter(|&min| min <= MOST_REPEATS) else {
            return Err(bad("invalid repeat count"));
        };
        if too_large(max) || max.is_some_and(|max| max < min) {
            return Err(bad("invalid repeat count"));
        }
        self.rest = rest;
        Ok(Some((min, max)))
    }

    fn repeat(
        &mut self,
        node: NodeId,
        min: u32,
        max: Option<u32>,
        greedy: bool,
    ) -> Outcome<NodeId> {
        let counts = min >= 2 || max.is_some_and(|max| max >= 2);
        if counts && self.repeats(node)?.saturating_mul(max.unwrap_or(min)) > MOST_REPEATS {
            return Err(bad("invalid repeat count"));
        }
        self.node(Node::Repeat {
            node,
            min,
            max,
            greedy,
        })
    }

    /// How often the counts inside a node multiply.
    fn repeats(&mut self, id: NodeId) -> Outcome<u32> {
        self.budget.step(1)?;
        let inner = match self.nodes.get(id.0 as usize) {
            Some(Node::Repeat { node, min, max, .. }) => {
                let (node, own) = (*node, max.unwrap_or(*min).max(1));
                let inner = on_enough_stack(|| self.repeats(node))?;
                return Ok(inner.saturating_mul(own));
            }
            Some(Node::Group(_, node)) => vec![*node],
            Some(Node::Concat(nodes) | Node::Alternate(nodes)) => nodes.clone(),
            _ => return Ok(1),
        };
        let mut most = 1;
        for node in inner {
            most = most.max(on_enough_stack(|| self.repeats(node))?);
        }
        Ok(most)
    }
}

/// A count without leading zeros; none inside if it is absurdly large.
fn count(text: &str) -> Option<Option<u32>> {
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if text.is_empty() || leading_zero || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Some(text.parse().unwrap_or(u32::MAX)))
}
