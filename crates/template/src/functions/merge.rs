//! Merging dicts (dario.cat/mergo).

use std::sync::Arc;

use super::{Args, Run};
use crate::budget::Budget;
use crate::error::{Fault, Outcome};
use crate::eval::truth;
use crate::heap::{Dict, DictId, ENTRY};
use crate::text::Text;
use crate::value::{Kind, StringMap, Value};

/// Fills what is missing or empty in the first dict.
pub(super) fn merge(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(merge_all(run, args, false)?.unwrap_or_else(|| Value::from("")))
}

/// Later dicts win.
pub(super) fn merge_overwrite(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(merge_all(run, args, true)?.unwrap_or_else(|| Value::from("")))
}

pub(super) fn must_merge(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    merge_all(run, args, false)?.ok_or_else(unlike)
}

pub(super) fn must_merge_overwrite(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    merge_all(run, args, true)?.ok_or_else(unlike)
}

fn unlike() -> Fault {
    Fault::new("src and dst must be of same type")
}

/// Nothing where mergo gives an error, which sprig may swallow; where mergo
/// panics it is a fault.
fn merge_all(run: &mut Run<'_>, args: Args<'_>, overwrite: bool) -> Outcome<Option<Value>> {
    let mut target = args.dict(0)?;
    for source in args.from(1) {
        let Value::Dict(Some(source)) = source else {
            continue;
        };
        let id = match target {
            Some(id) => id,
            None => run.heap.dict(run.budget, Dict::new())?,
        };
        target = Some(id);
        let entries = entries_of(run, *source)?;
        if !merge_into(run, id, entries, overwrite)? {
            return Ok(None);
        }
    }
    Ok(Some(Value::Dict(target)))
}

fn entries_of(run: &mut Run<'_>, source: DictId) -> Outcome<Vec<(Text, Value)>> {
    let entries = run.heap.entries(Some(source));
    run.budget.allocate(entries.len() * ENTRY)?;
    Ok(entries
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect())
}

fn merge_into(
    run: &mut Run<'_>,
    target: DictId,
    entries: Vec<(Text, Value)>,
    overwrite: bool,
) -> Outcome<bool> {
    for (key, value) in entries {
        run.budget.step(1)?;
        if !merge_entry(run, target, key, value, overwrite)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn merge_entry(
    run: &mut Run<'_>,
    target: DictId,
    key: Text,
    value: Value,
    overwrite: bool,
) -> Outcome<bool> {
    let old = run.heap.entries(Some(target)).get(&key).cloned();
    let filled = old.as_ref().is_some_and(|old| truth(run, old));
    if value.is_nil() || filled && value.kind() == Kind::Slice {
        if overwrite {
            run.heap.insert(run.budget, target, key, value)?;
        }
        return Ok(true);
    }
    match merge_maps(run, old.as_ref(), &value, overwrite)? {
        Merged::Unlike => return Ok(false),
        Merged::Replaced(merged) if filled => {
            run.heap.insert(run.budget, target, key, merged)?;
            return Ok(true);
        }
        Merged::InPlace if filled => return Ok(true),
        _ => {}
    }
    if overwrite || !filled {
        run.heap.insert(run.budget, target, key, value)?;
    }
    Ok(true)
}

enum Merged {
    /// Not two maps.
    Neither,
    InPlace,
    Replaced(Value),
    Unlike,
}

/// Merges two values of one key, if both are maps.
fn merge_maps(
    run: &mut Run<'_>,
    old: Option<&Value>,
    new: &Value,
    overwrite: bool,
) -> Outcome<Merged> {
    let (target, entries) = match (old, new) {
        (Some(Value::Dict(Some(old))), Value::Dict(Some(new))) => (*old, entries_of(run, *new)?),
        (Some(Value::Dict(Some(old))), Value::StringMap(new)) => (*old, texts_of(run, new)?),
        (Some(Value::StringMap(old)), Value::StringMap(new)) => {
            return merged_texts(run, old, new, overwrite);
        }
        (Some(Value::StringMap(old)), Value::Dict(new)) => {
            // Go cannot store the `interface {}` of one in the other.
            let stores = run.heap.entries(*new).iter().any(|(key, value)| {
                let free = old.get(key).is_none_or(Text::is_empty);
                overwrite || value.kind() == Kind::Slice || free && !value.is_nil()
            });
            return if stores {
                Err(Fault::new("a map of strings holds nothing else"))
            } else {
                Ok(Merged::InPlace)
            };
        }
        (Some(Value::Version { pointer: true, .. }), _)
            if matches!(new.kind(), Kind::Map | Kind::Struct) && !overwrite =>
        {
            return Ok(Merged::Unlike);
        }
        (Some(old), new) if old.kind() == Kind::Map && new.kind() == Kind::Map => {
            return Ok(Merged::InPlace);
        }
        _ => return Ok(Merged::Neither),
    };
    let alike = Budget::deeper(
        run,
        |run| run.budget,
        |run| merge_into(run, target, entries, overwrite),
    )?;
    Ok(if alike {
        Merged::InPlace
    } else {
        Merged::Unlike
    })
}

fn texts_of(run: &mut Run<'_>, map: &StringMap) -> Outcome<Vec<(Text, Value)>> {
    run.budget.allocate(map.len() * ENTRY)?;
    Ok(map
        .iter()
        .map(|(key, text)| (key.clone(), Value::Text(text.clone())))
        .collect())
}

fn merged_texts(
    run: &mut Run<'_>,
    old: &Arc<StringMap>,
    new: &StringMap,
    overwrite: bool,
) -> Outcome<Merged> {
    run.budget.allocate((old.len() + new.len()) * ENTRY)?;
    let mut merged = StringMap::clone(old);
    for (key, text) in new {
        if overwrite || merged.get(key).is_none_or(Text::is_empty) {
            merged.insert(key.clone(), text.clone());
        }
    }
    Ok(Merged::Replaced(Value::StringMap(Arc::new(merged))))
}
