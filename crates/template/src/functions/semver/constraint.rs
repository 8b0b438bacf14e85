//! Version constraints such as `>=1.2, <2 || ~3.1`.

use std::cmp::Ordering;

use super::Version;
use crate::error::Outcome;
use crate::functions::Run;
use crate::text::{find, from, part, upto};

/// Alternatives, each of constraints that must all hold.
pub(super) struct Constraints(Vec<Vec<Constraint>>);

struct Constraint {
    operator: Operator,
    version: Version,
    /// Where a part is missing or a wildcard: the minor, the patch, or any.
    minor_open: bool,
    patch_open: bool,
    open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

impl Constraints {
    /// Nothing if the text is malformed.
    pub(super) fn parse(run: &mut Run<'_>, text: &[u8]) -> Outcome<Option<Self>> {
        run.budget.allocate(text.len().saturating_mul(32))?;
        run.budget.step(text.len() as u64)?;
        let text = without_ranges(text);
        let mut alternatives = Vec::new();
        let mut rest = text.as_slice();
        loop {
            let end = find(rest, b"||");
            let Some(all) = all_of(part(rest, 0..end.unwrap_or(rest.len()))) else {
                return Ok(None);
            };
            alternatives.push(all);
            match end {
                Some(end) => rest = from(rest, end + 2),
                None => return Ok(Some(Constraints(alternatives))),
            }
        }
    }

    pub(super) fn check(&self, version: &Version) -> bool {
        let Constraints(alternatives) = self;
        alternatives.iter().any(|all| {
            // Pre-releases count only where one is asked for.
            let pre = all
                .iter()
                .any(|constraint| !constraint.version.pre.is_empty());
            (version.pre.is_empty() || pre)
                && all.iter().all(|constraint| constraint.check(version))
        })
    }
}

impl Constraint {
    fn check(&self, version: &Version) -> bool {
        let wanted = &self.version;
        let order = version.compare(wanted);
        match self.operator {
            Operator::Equal if self.open => self.tilde(version),
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => self.differs(version),
            Operator::Greater => self.greater(version),
            Operator::Less => order == Ordering::Less,
            Operator::GreaterEqual => order != Ordering::Less,
            Operator::LessEqual if self.open => {
                version.major < wanted.major
                    || version.major == wanted.major
                        && (version.minor <= wanted.minor || self.minor_open)
            }
            Operator::LessEqual => order != Ordering::Greater,
            Operator::Tilde => self.tilde(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if self.open {
            if wanted.major != version.major {
                return true;
            }
            if self.minor_open {
                return false;
            }
            if wanted.minor != version.minor {
                return true;
            }
            if wanted.patch != version.patch && !self.patch_open {
                return true;
            }
            if self.patch_open {
                return version.pre != wanted.pre;
            }
        }
        version.compare(wanted) != Ordering::Equal
    }

    fn greater(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if self.open {
            match version.major.cmp(&wanted.major) {
                Ordering::Equal => {}
                order => return order == Ordering::Greater,
            }
            if self.minor_open {
                return false;
            }
            if self.patch_open {
                return version.minor > wanted.minor;
            }
        }
        version.compare(wanted) == Ordering::Greater
    }

    /// Patch releases; `~0.0.0` is anything.
    fn tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version.compare(wanted) == Ordering::Less {
            return false;
        }
        let zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
        if zero && !self.minor_open && !self.patch_open {
            return true;
        }
        version.major == wanted.major && (version.minor == wanted.minor || self.minor_open)
    }

    /// Everything up to the next change of the leftmost nonzero part.
    fn caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version.compare(wanted) == Ordering::Less {
            return false;
        }
        if wanted.major > 0 || self.minor_open {
            return version.major == wanted.major;
        }
        if version.major > 0 {
            return false;
        }
        if wanted.minor > 0 || self.patch_open {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }
}

/// Constraints separated by spaces or commas.
fn all_of(text: &[u8]) -> Option<Vec<Constraint>> {
    let mut rest = trim_start(text);
    let mut all = Vec::new();
    loop {
        let (constraint, tail) = one(rest)?;
        all.push(constraint);
        let after = trim_start(tail);
        if after.is_empty() {
            return Some(all);
        }
        rest = match after {
            [b',', next @ ..] => trim_start(next),
            _ if after.len() < tail.len() => after,
            // Two with nothing between them: `1.2>3` is no constraint.
            _ => return None,
        };
    }
}

fn trim_start(text: &[u8]) -> &[u8] {
    let spaces = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0xC))
        .count();
    from(text, spaces)
}

/// One constraint and what follows it.
fn one(text: &[u8]) -> Option<(Constraint, &[u8])> {
    const OPERATORS: [(&[u8], Operator); 11] = [
        (b"!=", Operator::NotEqual),
        (b">=", Operator::GreaterEqual),
        (b"=>", Operator::GreaterEqual),
        (b"<=", Operator::LessEqual),
        (b"=<", Operator::LessEqual),
        (b"~>", Operator::Tilde),
        (b"=", Operator::Equal),
        (b">", Operator::Greater),
        (b"<", Operator::Less),
        (b"~", Operator::Tilde),
        (b"^", Operator::Caret),
    ];
    let (operator, rest) = OPERATORS
        .iter()
        .find_map(|(spelling, operator)| Some((*operator, text.strip_prefix(*spelling)?)))
        .unwrap_or((Operator::Equal, text));
    let pattern = Pattern::parse(trim_start(rest))?;
    Some((pattern.constraint(operator)?, pattern.rest))
}

/// A version whose parts may be missing or wildcards.
struct Pattern<'t> {
    parts: [&'t [u8]; 3],
    /// Pre-release and metadata, with their marks.
    pre: &'t [u8],
    metadata: &'t [u8],
    rest: &'t [u8],
}

impl<'t> Pattern<'t> {
    fn parse(text: &'t [u8]) -> Option<Self> {
        let text = text.strip_prefix(b"v").unwrap_or(text);
        let length = |text: &[u8]| {
            text.iter()
                .take_while(|byte| matches!(byte, b'0'..=b'9' | b'|' | b'x' | b'X' | b'*'))
                .count()
        };
        let first = length(text);
        if first == 0 {
            return None;
        }
        let mut parts: [&[u8]; 3] = [upto(text, first), b"", b""];
        let mut rest = from(text, first);
        for slot in parts.iter_mut().skip(1) {
            if let [b'.', tail @ ..] = rest
                && length(tail) > 0
            {
                *slot = upto(tail, length(tail));
                rest = from(tail, length(tail));
            } else {
                break;
            }
        }
        let (pre, rest) = marked(rest, b'-');
        let (metadata, rest) = marked(rest, b'+');
        Some(Pattern {
            parts,
            pre,
            metadata,
            rest,
        })
    }

    fn constraint(&self, operator: Operator) -> Option<Constraint> {
        let open = |part: &[u8]| matches!(part, b"" | b"x" | b"X" | b"*");
        let [major, minor, patch] = self.parts;
        let (all_open, minor_open, patch_open) = (
            open(major),
            !open(major) && open(minor),
            !open(major) && !open(minor) && open(patch),
        );
        let zero = b"0".as_slice();
        let (major, minor, patch) = (
            if all_open { zero } else { major },
            if all_open || minor_open { zero } else { minor },
            if all_open || minor_open || patch_open {
                zero
            } else {
                patch
            },
        );
        // Of an open version Go keeps the pre-release but not the metadata.
        let open = all_open || minor_open || patch_open;
        let metadata = if open { b"".as_slice() } else { self.metadata };
        let text = [major, b".", minor, b".", patch, self.pre, metadata].concat();
        Some(Constraint {
            operator,
            version: Version::parse(&text)?,
            minor_open,
            patch_open,
            open,
        })
    }
}

/// Dotted identifiers after `mark`, mark included; empty if there are none.
fn marked(text: &[u8], mark: u8) -> (&[u8], &[u8]) {
    let Some(body) = text.strip_prefix(&[mark]) else {
        return (b"", text);
    };
    let mut length = 0;
    for (index, identifier) in body.split(|&byte| byte == b'.').enumerate() {
        let valid = identifier
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        if valid == 0 {
            break;
        }
        length += valid + usize::from(index > 0);
        if valid < identifier.len() {
            break;
        }
    }
    if length == 0 {
        return (b"", text);
    }
    (upto(text, length + 1), from(text, length + 1))
}

/// Rewrites `1.2 - 2.3` to `>= 1.2, <= 2.3`.
fn without_ranges(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let here = from(text, at);
        if let Some((low, high, length)) = range(here) {
            out.extend([b">= ", low, b", <= ", high, b" "].concat());
            at += length;
        } else {
            out.push(here.first().copied().unwrap_or_default());
            at += 1;
        }
    }
    out
}

/// A range at the start of the text: its ends, and its length with the
/// spaces around it.
fn range(text: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let start = trim_start(text);
    let low = Pattern::parse(start)?;
    let low_text = upto(start, start.len() - low.rest.len());
    let after = trim_start(low.rest);
    if after.len() == low.rest.len() {
        return None;
    }
    let dash = after.strip_prefix(b"-")?;
    let second = trim_start(dash);
    if second.len() == dash.len() {
        return None;
    }
    let high = Pattern::parse(second)?;
    let high_text = upto(second, second.len() - high.rest.len());
    let length = text.len() - trim_start(high.rest).len();
    Some((low_text, high_text, length))
}
