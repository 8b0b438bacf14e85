//! Regular expressions.

use std::rc::Rc;

use super::{Args, Run};
use crate::buffer::Buffer;
use crate::error::Outcome;
use crate::heap::{Element, List, grown_capacity};
use crate::regex::{self, Regex, Slots, ends, group};
use crate::text::{decode_rune, find as find_bytes, from, part, runes, upto};
use crate::unicode::{is_digit, is_letter};
use crate::value::Value;

fn compiled(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Rc<Regex>> {
    let pattern = args.text(0)?;
    if let Some(known) = run.regexes.get(pattern.as_bytes()) {
        return Ok(Rc::clone(known));
    }
    let regex = Rc::new(Regex::new(run.budget, pattern.as_bytes())?);
    run.regexes.insert(pattern.clone(), Rc::clone(&regex));
    Ok(regex)
}

/// An invalid expression matches nothing.
pub(super) fn is_match(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    match must_match(run, args) {
        Err(fault) if !fault.is_limit() => Ok(Value::Bool(false)),
        result => result,
    }
}

pub(super) fn must_match(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let regex = compiled(run, args)?;
    let found = regex
        .search(run.budget, args.bytes(1)?, false)?
        .find_at(run.budget, 0)?;
    Ok(Value::Bool(found.is_some()))
}

pub(super) fn find(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let regex = compiled(run, args)?;
    let text = args.bytes(1)?;
    let found = regex
        .search(run.budget, text, false)?
        .find_at(run.budget, 0)?;
    let (start, end) = found.as_ref().map(ends).unwrap_or_default();
    run.text(part(text, start..end))
}

pub(super) fn find_all(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let regex = compiled(run, args)?;
    let text = args.bytes(1)?;
    let most = usize::try_from(args.int(2)?).ok();
    let found = regex.find_all(run.budget, text, most)?;
    if found.is_empty() {
        return Ok(Value::List(List::nil(Element::String)));
    }
    let mut items = Vec::with_capacity(found.len());
    for (start, end) in found {
        items.push(run.text(part(text, start..end))?);
    }
    // Go begins with room for ten.
    appended(run, items, 10)
}

/// A list that was appended to one by one from some capacity on.
fn appended(run: &mut Run<'_>, items: Vec<Value>, mut capacity: usize) -> Outcome<Value> {
    while capacity < items.len() {
        capacity = grown_capacity(Element::String, capacity, capacity + 1);
    }
    let list = run
        .heap
        .roomy_list(run.budget, Element::String, items, capacity)?;
    Ok(Value::List(list))
}

pub(super) fn split(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let regex = compiled(run, args)?;
    let text = args.bytes(1)?;
    let most = usize::try_from(args.int(2)?).ok();
    if most == Some(0) {
        return Ok(Value::List(List::nil(Element::String)));
    }
    if text.is_empty() && !regex.is_empty() {
        let empty = run.text(b"".as_slice())?;
        return run.list(Element::String, vec![empty]);
    }
    let found = regex.find_all(run.budget, text, most)?;
    let capacity = found.len();
    let mut items = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for (match_start, match_end) in found {
        if most.is_some_and(|most| items.len() == most - 1) {
            break;
        }
        end = match_start;
        if match_end != 0 {
            items.push(run.text(part(text, begin..end))?);
        }
        begin = match_end;
    }
    if end != text.len() {
        items.push(run.text(from(text, begin))?);
    }
    appended(run, items, capacity)
}

pub(super) fn replace_all_literal(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    replaced(run, args, false)
}

/// `$1` and `${name}` in the replacement stand for groups.
pub(super) fn replace_all(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    replaced(run, args, true)
}

fn replaced(run: &mut Run<'_>, args: Args<'_>, expand: bool) -> Outcome<Value> {
    let regex = compiled(run, args)?;
    let (text, replacement) = (args.bytes(1)?, args.bytes(2)?);
    let expand = expand && replacement.contains(&b'$');
    let mut machine = regex.search(run.budget, text, expand)?;
    let mut out = Buffer::new();
    let (mut at, mut last_end) = (0, 0);
    while at <= text.len() {
        let Some(slots) = machine.find_at(run.budget, at)? else {
            break;
        };
        let (start, end) = ends(&slots);
        out.push(run.budget, part(text, last_end..start))?;
        // Not for an empty match right after another.
        if end > last_end || start == 0 {
            if expand {
                expanded(run, &regex, &slots, text, replacement, &mut out)?;
            } else {
                out.push(run.budget, replacement)?;
            }
        }
        last_end = end;
        let width = decode_rune(from(text, at)).1.max(1);
        at = if at + width > end { at + width } else { end };
    }
    out.push(run.budget, from(text, last_end))?;
    Ok(out.into_text().into())
}

/// Writes a replacement with its groups filled in (Go's `Expand`).
fn expanded(
    run: &mut Run<'_>,
    regex: &Regex,
    slots: &Slots,
    text: &[u8],
    replacement: &[u8],
    out: &mut Buffer,
) -> Outcome<()> {
    run.budget.read(replacement.len())?;
    let mut rest = replacement;
    while let Some(at) = find_bytes(rest, b"$") {
        out.push(run.budget, upto(rest, at))?;
        rest = from(rest, at + 1);
        if let Some(tail) = rest.strip_prefix(b"$") {
            out.push(run.budget, b"$")?;
            rest = tail;
            continue;
        }
        let Some((name, tail)) = reference(rest) else {
            out.push(run.budget, b"$")?;
            continue;
        };
        rest = tail;
        let found = match group_number(name) {
            Some(index) => group(slots, index),
            None => {
                run.budget.step(slots.len() as u64 / 16)?;
                regex.named_group(slots, name)
            }
        };
        if let Some((start, end)) = found {
            out.push(run.budget, part(text, start..end))?;
        }
    }
    out.push(run.budget, rest)
}

/// The name after a dollar sign, in braces or not, and what follows it.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, braced) = match text.strip_prefix(b"{") {
        Some(body) => (body, true),
        None => (text, false),
    };
    let length = runes(body)
        .find(|&(_, rune, _)| !(is_letter(rune) || is_digit(rune) || rune == '_'))
        .map_or(body.len(), |(at, ..)| at);
    if length == 0 {
        return None;
    }
    let rest = from(body, length);
    let rest = if braced {
        rest.strip_prefix(b"}")?
    } else {
        rest
    };
    Some((upto(body, length), rest))
}

/// A name of digits alone, without leading zeros.
fn group_number(name: &[u8]) -> Option<usize> {
    let leading_zero = name.len() > 1 && name.starts_with(b"0");
    if leading_zero || !name.iter().all(u8::is_ascii_digit) || name.len() > 9 {
        return None;
    }
    std::str::from_utf8(name).ok()?.parse().ok()
}

pub(super) fn quote_meta(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.bytes(0)?;
    run.budget.allocate(text.len())?;
    run.text(regex::quote_meta(text))
}
