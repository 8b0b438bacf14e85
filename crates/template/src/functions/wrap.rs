//! Wrapping and abbreviating (goutils), counted in bytes.

use super::{Args, Run};
use crate::buffer::Buffer;
use crate::error::{Fault, Outcome};
use crate::text::{from, part, upto};
use crate::value::Value;

pub(super) fn wrap(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    wrapped(run, args.bytes(1)?, args.int(0)?, b"\n", false)
}

pub(super) fn wrap_with(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let newline = match args.bytes(1)? {
        b"" => b"\n",
        newline => newline,
    };
    wrapped(run, args.bytes(2)?, args.int(0)?, newline, true)
}

fn wrapped(
    run: &mut Run<'_>,
    text: &[u8],
    width: i64,
    newline: &[u8],
    break_words: bool,
) -> Outcome<Value> {
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let mut out = Buffer::new();
    let mut offset = 0;
    while text.len() - offset > width {
        run.budget.step(1)?;
        let rest = from(text, offset);
        if rest.first() == Some(&b' ') {
            offset += 1;
            continue;
        }
        let line = part(rest, 0..width + 1);
        run.budget.read(line.len())?;
        let cut = match line.iter().rposition(|&byte| byte == b' ') {
            Some(space) => Some((space, space + 1)),
            None if break_words => Some((width, width)),
            None => {
                let tail = from(rest, width);
                let space = tail.iter().position(|&byte| byte == b' ');
                space.map(|space| (width + space, width + space + 1))
            }
        };
        let Some((end, next)) = cut else {
            break;
        };
        out.push(run.budget, part(rest, 0..end))?;
        out.push(run.budget, newline)?;
        offset += next;
    }
    out.push(run.budget, from(text, offset))?;
    Ok(out.into_text().into())
}

pub(super) fn abbrev(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (width, text) = (args.int(0)?, args.text(1)?);
    if width < 4 {
        return Ok(Value::Text(text.clone()));
    }
    run.text(abbreviated(text.as_bytes(), 0, width)?)
}

pub(super) fn abbrevboth(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (left, right, text) = (args.int(0)?, args.int(1)?, args.text(2)?);
    if right < 4 || left > 0 && right < 7 {
        return Ok(Value::Text(text.clone()));
    }
    run.text(abbreviated(text.as_bytes(), left, right)?)
}

/// `goutils.AbbreviateFull`, for widths of at least four.
fn abbreviated(text: &[u8], offset: i64, width: i64) -> Outcome<Vec<u8>> {
    const MARKER: &[u8] = b"...";
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if length <= width {
        return Ok(text.to_vec());
    }
    let at = |n: i64| usize::try_from(n).map_err(|_| Fault::new("slice bounds out of range"));
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return Ok([upto(text, at(width - 3)?), MARKER].concat());
    }
    if width < 7 {
        return Ok(Vec::new());
    }
    if offset + width - 3 < length {
        let inner = abbreviated(from(text, at(offset)?), 0, width - 3)?;
        return Ok([MARKER, &inner].concat());
    }
    Ok([MARKER, from(text, at(length - (width - 3))?)].concat())
}
