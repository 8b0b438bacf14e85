//! `html`, `js` and `urlquery`.

use super::{Args, Run};
use crate::buffer::Buffer;
use crate::error::Outcome;
use crate::fmt;
use crate::text::{Text, decode_rune, from, part};
use crate::unicode::is_print;
use crate::value::Value;

pub(super) fn html(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    escaped(run, args, |text| {
        let (&first, _) = text.split_first()?;
        let escape = match first {
            0 => "\u{FFFD}",
            b'"' => "&#34;",
            b'\'' => "&#39;",
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => return None,
        };
        Some((1, escape.to_owned()))
    })
}

pub(super) fn js(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    escaped(run, args, |text| {
        let (rune, width) = decode_rune(text);
        let escape = match rune {
            '\\' => "\\\\".to_owned(),
            '\'' => "\\'".to_owned(),
            '"' => "\\\"".to_owned(),
            '<' | '>' | '&' | '=' | '\0'..='\u{1F}' => format!("\\u{:04X}", u32::from(rune)),
            // An invalid byte is kept as it is: U+FFFD counts as printable.
            ' '..='\u{7F}' => return None,
            _ if is_print(rune) => return None,
            _ => format!("\\u{:04X}", u32::from(rune)),
        };
        Some((width, escape))
    })
}

pub(super) fn urlquery(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    escaped(run, args, |text| {
        let (&first, _) = text.split_first()?;
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => None,
            b' ' => Some((1, "+".to_owned())),
            _ => Some((1, format!("%{first:02X}"))),
        }
    })
}

/// Replaces what `escape` says at any byte: its width and the replacement.
fn escaped(
    run: &mut Run<'_>,
    args: Args<'_>,
    escape: impl Fn(&[u8]) -> Option<(usize, String)>,
) -> Outcome<Value> {
    let text = joined(run, args)?;
    let text = text.as_bytes();
    run.budget.step(text.len() as u64 / 16)?;
    let mut out = Buffer::new();
    let (mut plain, mut at) = (0, 0);
    while at < text.len() {
        match escape(from(text, at)) {
            Some((width, replacement)) => {
                run.budget.step(1)?;
                out.push(run.budget, part(text, plain..at))?;
                out.push(run.budget, replacement.as_bytes())?;
                at += width;
                plain = at;
            }
            None => at += 1,
        }
    }
    out.push(run.budget, from(text, plain))?;
    Ok(out.into_text().into())
}

/// The arguments as one text, nil as an action would print it.
fn joined(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Text> {
    if let [Value::Text(text)] = args.all() {
        return Ok(text.clone());
    }
    let shown: Vec<Value> = args
        .all()
        .iter()
        .map(|value| match value {
            Value::Invalid | Value::Nil => Value::from("<no value>"),
            value => value.clone(),
        })
        .collect();
    fmt::sprint(run, &shown)
}
