//! Strings, all but case and wrapping.

use super::conversion::strval;
use super::{Args, Run};
use crate::buffer::Buffer;
use crate::error::{Fault, Outcome};
use crate::fmt::text_of;
use crate::strconv;
use crate::text::{decode_last_rune, decode_rune, find, from, part, push_rune, runes, upto};
use crate::unicode::is_space;
use crate::value::Value;

pub(super) fn hello(_: &mut Run<'_>, _: Args<'_>) -> Outcome<Value> {
    Ok(Value::from("Hello!"))
}

pub(super) fn trunc(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (count, text) = (args.int(0)?, args.bytes(1)?);
    let kept = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let result = if count >= 0 {
        upto(text, kept)
    } else {
        from(text, text.len().saturating_sub(kept))
    };
    run.text(result)
}

pub(super) fn substr(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (start, end, text) = (args.int(0)?, args.int(1)?, args.bytes(2)?);
    let position = |n: i64| usize::try_from(n).ok();
    let result = match (position(start), position(end)) {
        (None, end) => end.and_then(|end| text.get(..end)),
        (Some(start), Some(end)) if end <= text.len() => text.get(start..end),
        (Some(start), _) => text.get(start..),
    };
    run.text(result.ok_or_else(|| Fault::new("slice bounds out of range"))?)
}

pub(super) fn trim(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    run.text(trimmed(args.bytes(0)?, is_space))
}

pub(super) fn trim_all(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let cutset: Vec<char> = runes(args.bytes(0)?).map(|(_, rune, _)| rune).collect();
    run.budget.allocate(cutset.len() * 4)?;
    let text = args.bytes(1)?;
    run.budget
        .step((text.len() as u64).saturating_mul(cutset.len() as u64) / 64)?;
    run.text(trimmed(text, |rune| cutset.contains(&rune)))
}

fn trimmed(mut text: &[u8], cut: impl Fn(char) -> bool) -> &[u8] {
    loop {
        let (rune, width) = decode_rune(text);
        if width == 0 || !cut(rune) {
            break;
        }
        text = from(text, width);
    }
    loop {
        let (rune, width) = decode_last_rune(text);
        if width == 0 || !cut(rune) {
            return text;
        }
        text = upto(text, text.len() - width);
    }
}

pub(super) fn trim_suffix(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.bytes(1)?;
    run.text(text.strip_suffix(args.bytes(0)?).unwrap_or(text))
}

pub(super) fn trim_prefix(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.bytes(1)?;
    run.text(text.strip_prefix(args.bytes(0)?).unwrap_or(text))
}

/// Bytes taken for Latin-1 characters, as goutils does: white space goes, and
/// where any went the rest is encoded anew.
pub(super) fn nospace(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.text(0)?;
    let is_gap = |byte: u8| is_space(char::from(byte));
    if !text.as_bytes().iter().copied().any(is_gap) {
        return Ok(Value::Text(text.clone()));
    }
    let mut out = Vec::new();
    for &byte in text.as_bytes().iter().filter(|&&byte| !is_gap(byte)) {
        push_rune(&mut out, char::from(byte));
    }
    run.text(out)
}

/// The first byte of every word, taken for a Latin-1 character.
pub(super) fn initials(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut out = Vec::new();
    let mut after_gap = true;
    for &byte in args.bytes(0)? {
        let gap = is_space(char::from(byte));
        if after_gap && !gap {
            push_rune(&mut out, char::from(byte));
        }
        after_gap = gap;
    }
    run.text(out)
}

pub(super) fn contains(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Bool(find(args.bytes(1)?, args.bytes(0)?).is_some()))
}

pub(super) fn has_prefix(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Bool(args.bytes(1)?.starts_with(args.bytes(0)?)))
}

pub(super) fn has_suffix(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Bool(args.bytes(1)?.ends_with(args.bytes(0)?)))
}

pub(super) fn quote(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut out = Buffer::new();
    for value in args.all().iter().filter(|value| !value.is_nil()) {
        if !out.bytes().is_empty() {
            out.push(run.budget, b" ")?;
        }
        let text = strval(run, value)?;
        run.budget.allocate(text.len())?;
        out.push(run.budget, &strconv::quote(text.as_bytes(), false))?;
    }
    Ok(out.into_text().into())
}

pub(super) fn squote(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut out = Buffer::new();
    for value in args.all().iter().filter(|value| !value.is_nil()) {
        let text = text_of(run, value)?;
        let open: &[u8] = if out.bytes().is_empty() { b"'" } else { b" '" };
        out.push(run.budget, open)?;
        out.push(run.budget, text.as_bytes())?;
        out.push(run.budget, b"'")?;
    }
    Ok(out.into_text().into())
}

pub(super) fn cat(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut out = Buffer::new();
    let shown = args.all().iter().filter(|value| !value.is_nil());
    for (index, value) in shown.enumerate() {
        if index > 0 {
            out.push(run.budget, b" ")?;
        }
        let text = text_of(run, value)?;
        out.push(run.budget, text.as_bytes())?;
    }
    Ok(out.into_text().into())
}

pub(super) fn repeat(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.bytes(1)?;
    let count = usize::try_from(args.int(0)?).map_err(|_| Fault::new("negative repeat count"))?;
    run.budget.allocate(text.len().saturating_mul(count))?;
    Ok(Value::text(text.repeat(if text.is_empty() {
        0
    } else {
        count
    })))
}

pub(super) fn indent(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    indented(run, args, b"")
}

pub(super) fn nindent(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    indented(run, args, b"\n")
}

fn indented(run: &mut Run<'_>, args: Args<'_>, before: &[u8]) -> Outcome<Value> {
    let spaces = usize::try_from(args.int(0)?).map_err(|_| Fault::new("negative repeat count"))?;
    let mut out = Buffer::new();
    out.push(run.budget, before)?;
    for (index, line) in args.bytes(1)?.split(|&byte| byte == b'\n').enumerate() {
        if index > 0 {
            out.push(run.budget, b"\n")?;
        }
        out.pad(run.budget, b' ', spaces)?;
        out.push(run.budget, line)?;
    }
    Ok(out.into_text().into())
}

pub(super) fn replace(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (old, new, text) = (args.bytes(0)?, args.bytes(1)?, args.bytes(2)?);
    let mut out = Buffer::new();
    if old.is_empty() {
        out.push(run.budget, new)?;
        for (at, _, width) in runes(text) {
            run.budget.step(1)?;
            out.push(run.budget, part(text, at..at + width))?;
            out.push(run.budget, new)?;
        }
        return Ok(out.into_text().into());
    }
    let mut rest = text;
    while let Some(at) = find(rest, old) {
        run.budget.step(1)?;
        out.push(run.budget, part(rest, 0..at))?;
        out.push(run.budget, new)?;
        rest = from(rest, at + old.len());
    }
    out.push(run.budget, rest)?;
    Ok(out.into_text().into())
}

pub(super) fn plural(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let chosen = if args.int(2)? == 1 { 0 } else { 1 };
    Ok(args.value(chosen)?.clone())
}
