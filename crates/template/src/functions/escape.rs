//! `html`, `js` and `urlquery`.

use super::{Args, Run};
use crate::buffer::Buffer;
use crate::error::Outcome;
use crate::fmt;
use crate::text::{Text, runes};
use crate::unicode::is_print;
use crate::value::Value;

pub(super) fn html(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = joined(run, args)?;
    let mut out = Buffer::new();
    for &byte in text.as_bytes() {
        let escaped: &[u8] = match byte {
            0 => "\u{FFFD}".as_bytes(),
            b'"' => b"&#34;",
            b'\'' => b"&#39;",
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            _ => &[byte],
        };
        out.push(run.budget, escaped)?;
    }
    Ok(out.into_text().into())
}

pub(super) fn js(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = joined(run, args)?;
    let mut out = Buffer::new();
    for (at, rune, width) in runes(text.as_bytes()) {
        let budget = &mut *run.budget;
        match rune {
            '\\' => out.push(budget, b"\\\\")?,
            '\'' => out.push(budget, b"\\'")?,
            '"' => out.push(budget, b"\\\"")?,
            '<' | '>' | '&' | '=' | '\0'..='\u{1F}' => {
                out.push(budget, format!("\\u{:04X}", u32::from(rune)).as_bytes())?;
            }
            ' '..='\u{7F}' => out.push_rune(budget, rune)?,
            // An invalid byte is kept as it is: U+FFFD counts as printable.
            _ if is_print(rune) => {
                let raw = text.as_bytes().get(at..at + width).unwrap_or_default();
                out.push(budget, raw)?;
            }
            _ => out.push(budget, format!("\\u{:04X}", u32::from(rune)).as_bytes())?,
        }
    }
    Ok(out.into_text().into())
}

pub(super) fn urlquery(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = joined(run, args)?;
    let mut out = Buffer::new();
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(run.budget, &[byte])?;
            }
            b' ' => out.push(run.budget, b"+")?,
            _ => out.push(run.budget, format!("%{byte:02X}").as_bytes())?,
        }
    }
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
