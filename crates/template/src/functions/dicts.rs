//! Dicts, which are shared and changed in place.

use std::rc::Rc;

use super::conversion::strval;
use super::{Args, Run};
use crate::budget::Budget;
use crate::error::{Fault, Outcome};
use crate::heap::{Dict, DictId, ENTRY, Element, List};
use crate::text::Text;
use crate::value::Value;

pub(super) fn dict(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut entries = Dict::new();
    for pair in args.all().chunks(2) {
        let Some(key) = pair.first() else { continue };
        let key = strval(run, key)?;
        let value = pair.get(1).cloned();
        entries.insert(key, value.unwrap_or_else(|| Value::from("")));
    }
    run.dict(entries)
}

pub(super) fn get(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let found = run.heap.entries(args.dict(0)?).get(args.bytes(1)?).cloned();
    Ok(found.unwrap_or_else(|| Value::from("")))
}

pub(super) fn set(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let id = args
        .dict(0)?
        .ok_or_else(|| Fault::new("assignment to entry in nil map"))?;
    let (key, value) = (args.text(1)?.clone(), args.value(2)?.clone());
    run.heap.insert(run.budget, id, key, value)?;
    Ok(args.value(0)?.clone())
}

pub(super) fn unset(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    if let Some(id) = args.dict(0)? {
        run.heap.remove(id, args.bytes(1)?);
    }
    Ok(args.value(0)?.clone())
}

pub(super) fn has_key(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let entries = run.heap.entries(args.dict(0)?);
    Ok(Value::Bool(entries.contains_key(args.bytes(1)?)))
}

pub(super) fn pluck(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let key = args.bytes(0)?;
    let mut found = Vec::new();
    for value in args.from(1) {
        if let Value::Dict(id) = value {
            found.extend(run.heap.entries(*id).get(key).cloned());
        }
    }
    run.grown_list(Element::Any, found)
}

/// Sorted, where Go's order is random.
pub(super) fn keys(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut keys = Vec::new();
    for value in args.all() {
        if let Value::Dict(id) = value {
            keys.extend(run.heap.entries(*id).keys().cloned().map(Value::Text));
        }
    }
    run.grown_list(Element::String, keys)
}

/// In the order of the keys, where Go's is random.
pub(super) fn values(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let values = run.heap.entries(args.dict(0)?).values().cloned().collect();
    run.grown_list(Element::Any, values)
}

pub(super) fn pick(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let entries = run.heap.entries(args.dict(0)?);
    let mut picked = Dict::new();
    for key in args.from(1) {
        if let Value::Text(key) = key
            && let Some(value) = entries.get(key)
        {
            picked.insert(key.clone(), value.clone());
        }
    }
    run.dict(picked)
}

pub(super) fn omit(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let entries = run.heap.entries(args.dict(0)?);
    run.budget.allocate(entries.len() * ENTRY)?;
    let mut kept = entries.clone();
    for key in args.from(1) {
        if let Value::Text(key) = key {
            kept.remove(key);
        }
    }
    run.dict(kept)
}

/// The value at a path of keys; the default if a key is missing.
pub(super) fn dig(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let [path @ .., default, dict] = args.all() else {
        return Err(Fault::new("dig needs at least three arguments"));
    };
    if path.is_empty() {
        return Err(Fault::new("dig needs at least three arguments"));
    }
    let wrong = || Fault::new("wrong type on the way to the value");
    let keys: Vec<&Text> = path
        .iter()
        .map(|key| match key {
            Value::Text(key) => Ok(key),
            _ => Err(wrong()),
        })
        .collect::<Outcome<_>>()?;
    let mut current = dict.clone();
    for key in keys {
        let Value::Dict(id) = current else {
            return Err(wrong());
        };
        match run.heap.entries(id).get(key) {
            Some(value) => current = value.clone(),
            None => return Ok(default.clone()),
        }
    }
    Ok(current)
}

/// mitchellh/copystructure, for the types that templates have.
pub(super) fn deep_copy(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    match args.value(0)? {
        Value::Nil => Err(Fault::new("nothing to copy")),
        value => copied(run, value),
    }
}

fn copied(run: &mut Run<'_>, value: &Value) -> Outcome<Value> {
    run.budget.step(1)?;
    match value {
        Value::List(list) => copied_list(run, list),
        Value::Dict(Some(id)) => copied_dict(run, *id),
        // Its fields are private, so that the copy has none of them.
        Value::Version { pointer, .. } => Ok(Value::Version {
            version: Rc::default(),
            pointer: *pointer,
        }),
        _ => Ok(value.clone()),
    }
}

fn copied_list(run: &mut Run<'_>, list: &List) -> Outcome<Value> {
    if list.is_nil() {
        return Ok(Value::List(*list));
    }
    run.budget.allocate(list.len() * size_of::<Value>())?;
    let mut items = Vec::with_capacity(list.len());
    for index in 0..list.len() {
        let item = run.heap.item(list, index).unwrap_or(Value::Nil);
        items.push(deeper(run, &item)?);
    }
    run.list(list.element, items)
}

fn copied_dict(run: &mut Run<'_>, id: DictId) -> Outcome<Value> {
    let entries = run.heap.entries(Some(id));
    run.budget.allocate(entries.len() * ENTRY)?;
    let entries = entries.clone();
    let mut copy = Dict::new();
    for (key, value) in &entries {
        copy.insert(key.clone(), deeper(run, value)?);
    }
    run.dict(copy)
}

fn deeper(run: &mut Run<'_>, value: &Value) -> Outcome<Value> {
    Budget::deeper(run, |run| run.budget, |run| copied(run, value))
}
