//! Strings to lists and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::conversion::strval;
use super::{Args, Run};
use crate::buffer::Buffer;
use crate::error::Outcome;
use crate::heap::{Element, List};
use crate::text::{Text, decode_rune, find, from, part, rune_count};
use crate::value::Value;

pub(super) fn join(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let separator = args.bytes(0)?;
    let items = strings(run, args.value(1)?)?;
    let mut out = Buffer::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(run.budget, separator)?;
        }
        out.push(run.budget, item.as_bytes())?;
    }
    Ok(out.into_text().into())
}

/// Sorts; a `[]string` in place, as Go does.
pub(super) fn sort_alpha(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let value = args.value(0)?;
    let Value::List(list) = value else {
        let only = strval(run, value)?;
        return run.list(Element::String, vec![Value::Text(only)]);
    };
    let mut items = strings(run, value)?;
    run.budget
        .step(items.len() as u64 * u64::from(items.len().max(1).ilog2()) / 4)?;
    items.sort_unstable();
    let items: Vec<Value> = items.into_iter().map(Value::Text).collect();
    if list.element == Element::String {
        run.heap.overwrite(list, items);
        return Ok(Value::List(*list));
    }
    run.list(Element::String, items)
}

pub(super) fn to_strings(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let value = args.value(0)?;
    if let Value::List(List {
        element: Element::String,
        ..
    }) = value
    {
        return Ok(value.clone());
    }
    let items = strings(run, value)?;
    let items = items.into_iter().map(Value::Text).collect();
    run.list(Element::String, items)
}

/// sprig's `strslice`: the strings of a list, nils left out; one string of
/// anything else.
fn strings(run: &mut Run<'_>, value: &Value) -> Outcome<Vec<Text>> {
    match value {
        Value::Nil | Value::Invalid => Ok(Vec::new()),
        Value::List(list) => {
            run.budget.allocate(list.len() * size_of::<Text>())?;
            let items = run.heap.to_vec(list);
            let mut texts = Vec::with_capacity(items.len());
            for item in items.iter().filter(|item| !item.is_nil()) {
                texts.push(strval(run, item)?);
            }
            Ok(texts)
        }
        _ => Ok(vec![strval(run, value)?]),
    }
}

pub(super) fn split(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    numbered(run, args.bytes(1)?, args.bytes(0)?, None)
}

pub(super) fn splitn(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let most = usize::try_from(args.int(1)?).ok();
    numbered(run, args.bytes(2)?, args.bytes(0)?, most)
}

pub(super) fn split_list(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let pieces = pieces(run, args.bytes(1)?, args.bytes(0)?, None)?;
    run.list(Element::String, pieces)
}

/// A `map[string]string` with keys `_0`, `_1` and so on.
fn numbered(
    run: &mut Run<'_>,
    text: &[u8],
    separator: &[u8],
    most: Option<usize>,
) -> Outcome<Value> {
    let pieces = pieces(run, text, separator, most)?;
    run.budget.allocate(pieces.len() * crate::heap::ENTRY)?;
    let entries: BTreeMap<Text, Text> = pieces
        .into_iter()
        .enumerate()
        .filter_map(|(index, piece)| match piece {
            Value::Text(piece) => Some((Text::from(format!("_{index}").as_str()), piece)),
            _ => None,
        })
        .collect();
    Ok(Value::StringMap(Arc::new(entries)))
}

/// Go's `strings.SplitN`; an empty separator splits after every rune.
fn pieces(
    run: &mut Run<'_>,
    text: &[u8],
    separator: &[u8],
    most: Option<usize>,
) -> Outcome<Vec<Value>> {
    if most == Some(0) {
        return Ok(Vec::new());
    }
    let most = most.unwrap_or(usize::MAX);
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut add = |run: &mut Run<'_>, piece: &[u8]| {
        run.budget.step(1)?;
        run.budget.allocate(piece.len() + size_of::<Value>() + 40)?;
        pieces.push(Value::text(piece));
        Ok(())
    };
    let mut count = 1;
    if separator.is_empty() {
        if rune_count(text) == 0 {
            return Ok(pieces);
        }
        while count < most {
            let (_, width) = decode_rune(rest);
            if width == rest.len() {
                break;
            }
            add(run, part(rest, 0..width))?;
            rest = from(rest, width);
            count += 1;
        }
    } else {
        while count < most
            && let Some(at) = find(rest, separator)
        {
            add(run, part(rest, 0..at))?;
            rest = from(rest, at + separator.len());
            count += 1;
        }
    }
    add(run, rest)?;
    Ok(pieces)
}
