//! Versions (Masterminds/semver).

mod constraint;

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::strconv::parse_uint;
use crate::text::{from, upto};
use crate::value::Value;

use constraint::Constraints;

/// A semantic version, leniently read: `v1.2` is 1.2.0.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) pre: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
    pub(crate) original: Vec<u8>,
}

pub(super) fn semver(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.bytes(0)?;
    run.budget.allocate(text.len() * 2 + size_of::<Version>())?;
    Ok(Value::Version {
        version: Rc::new(Version::parse(text).ok_or_else(|| invalid(text))?),
        pointer: true,
    })
}

pub(super) fn semver_compare(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (constraint, version) = (args.bytes(0)?, args.bytes(1)?);
    let constraints = Constraints::parse(run, constraint)?.ok_or_else(|| {
        Fault::with(
            "improper version constraint",
            format!(
                "improper constraint: {}",
                String::from_utf8_lossy(constraint)
            ),
        )
    })?;
    let version = Version::parse(version).ok_or_else(|| invalid(version))?;
    Ok(Value::Bool(constraints.check(&version)))
}

fn invalid(text: &[u8]) -> Fault {
    Fault::with(
        "invalid semantic version",
        format!(
            "invalid semantic version {:?}",
            String::from_utf8_lossy(text)
        ),
    )
}

impl Version {
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let rest = text.strip_prefix(b"v").unwrap_or(text);
        let (major, mut rest) = number(rest)?;
        let mut segment = || match rest {
            [b'.', tail @ ..] => {
                let (number, tail) = number(tail)?;
                rest = tail;
                Some(number)
            }
            _ => Some(0),
        };
        let minor = segment()?;
        let patch = segment()?;
        let (pre, rest) = suffix(rest, b'-')?;
        let (metadata, rest) = suffix(rest, b'+')?;
        if !rest.is_empty() || !pre_is_valid(pre) {
            return None;
        }
        Some(Version {
            major,
            minor,
            patch,
            pre: pre.to_vec(),
            metadata: metadata.to_vec(),
            original: text.to_vec(),
        })
    }

    /// The canonical text, without a leading `v`.
    pub(crate) fn to_text(&self) -> Vec<u8> {
        let mut text = format!("{}.{}.{}", self.major, self.minor, self.patch).into_bytes();
        for (mark, part) in [(b'-', &self.pre), (b'+', &self.metadata)] {
            if !part.is_empty() {
                text.push(mark);
                text.extend_from_slice(part);
            }
        }
        text
    }

    /// Precedence; metadata does not count.
    pub(crate) fn compare(&self, other: &Version) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_pre(&self.pre, &other.pre),
            })
    }

    /// A version changed by `change`, its original text made anew.
    pub(super) fn changed(&self, change: impl FnOnce(&mut Version)) -> Version {
        let mut version = self.clone();
        change(&mut version);
        let prefix: &[u8] = if self.original.starts_with(b"v") {
            b"v"
        } else {
            b""
        };
        version.original = [prefix, &version.to_text()].concat();
        version
    }
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = parse_uint(upto(text, digits), 10).ok()?;
    Some((number, from(text, digits)))
}

/// What follows `mark`, if that comes next: dotted identifiers.
fn suffix(text: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let Some(rest) = text.strip_prefix(&[mark]) else {
        return Some((b"", text));
    };
    let length = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        .count();
    let identifiers = upto(rest, length);
    let complete = identifiers
        .split(|&byte| byte == b'.')
        .all(|part| !part.is_empty());
    complete.then_some((identifiers, from(rest, length)))
}

/// Whether dotted identifiers can be a pre-release: no numbers with leading
/// zeros.
pub(super) fn pre_is_valid(pre: &[u8]) -> bool {
    pre.is_empty()
        || pre.split(|&byte| byte == b'.').all(|part| {
            let numeric = part.iter().all(u8::is_ascii_digit);
            is_identifier(part) && !(numeric && part.len() > 1 && part.starts_with(b"0"))
        })
}

pub(super) fn metadata_is_valid(metadata: &[u8]) -> bool {
    metadata.is_empty() || metadata.split(|&byte| byte == b'.').all(is_identifier)
}

fn is_identifier(part: &[u8]) -> bool {
    !part.is_empty()
        && part
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Compares dotted identifiers: numbers as numbers and before words, more
/// identifiers after fewer.
fn compare_pre(left: &[u8], right: &[u8]) -> Ordering {
    let mut left = left.split(|&byte| byte == b'.');
    let mut right = right.split(|&byte| byte == b'.');
    loop {
        let (a, b) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (a, b),
        };
        let order = match (parse_uint(a, 10), parse_uint(b, 10)) {
            _ if a == b => Ordering::Equal,
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            // Go never finds differing spellings equal.
            (Ok(a), Ok(b)) if a > b => Ordering::Greater,
            (Ok(_), Ok(_)) => Ordering::Less,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
