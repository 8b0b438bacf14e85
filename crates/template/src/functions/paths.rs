//! Slash-separated paths (Go's `path`; `filepath` on Unix is the same).

use super::{Args, Run};
use crate::error::Outcome;
use crate::text::{from, upto};
use crate::value::Value;

pub(super) fn base(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let path = args.bytes(0)?;
    if path.is_empty() {
        return Ok(Value::from("."));
    }
    let end = path
        .iter()
        .rposition(|&byte| byte != b'/')
        .map_or(0, |at| at + 1);
    let trimmed = upto(path, end);
    let start = trimmed
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |at| at + 1);
    match from(trimmed, start) {
        b"" => Ok(Value::from("/")),
        name => run.text(name),
    }
}

pub(super) fn dir(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let path = args.bytes(0)?;
    let end = path
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |at| at + 1);
    run.text(cleaned(upto(path, end)))
}

pub(super) fn clean(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let path = args.bytes(0)?;
    run.text(cleaned(path))
}

pub(super) fn ext(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let path = args.bytes(0)?;
    let start = path.iter().rposition(|byte| matches!(byte, b'.' | b'/'));
    run.text(match start {
        Some(at) if path.get(at) == Some(&b'.') => from(path, at),
        _ => b"",
    })
}

pub(super) fn is_abs(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Bool(args.bytes(0)?.starts_with(b"/")))
}

/// The shortest equivalent path, by its text alone.
fn cleaned(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut elements: Vec<&[u8]> = Vec::new();
    for element in path.split(|&byte| byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." => match elements.last() {
                Some(&last) if last != b".." => {
                    elements.pop();
                }
                None if rooted => {}
                _ => elements.push(element),
            },
            _ => elements.push(element),
        }
    }
    let joined = elements.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
