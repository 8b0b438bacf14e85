//! Merging dicts (dario.cat/mergo).

use super::{Args, Run};
use crate::budget::Budget;
use crate::error::{Fault, Outcome};
use crate::eval::truth;
use crate::heap::{Dict, DictId, ENTRY};
use crate::text::Text;
use crate::value::{Kind, Value};

pub(super) fn merge(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    or_nothing(must_merge(run, args))
}

pub(super) fn merge_overwrite(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    or_nothing(must_merge_overwrite(run, args))
}

/// sprig swallows the errors of mergo, but not panics.
fn or_nothing(result: Outcome<Value>) -> Outcome<Value> {
    match result {
        Err(fault) if !fault.is_limit() => Ok(Value::from("")),
        result => result,
    }
}

/// Fills what is missing or empty in the first dict.
pub(super) fn must_merge(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    merge_all(run, args, false)
}

/// Later dicts win.
pub(super) fn must_merge_overwrite(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    merge_all(run, args, true)
}

fn merge_all(run: &mut Run<'_>, args: Args<'_>, overwrite: bool) -> Outcome<Value> {
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
        merge_into(run, id, *source, overwrite)?;
    }
    Ok(Value::Dict(target))
}

fn merge_into(run: &mut Run<'_>, target: DictId, source: DictId, overwrite: bool) -> Outcome<()> {
    let entries = run.heap.entries(Some(source));
    run.budget.allocate(entries.len() * ENTRY)?;
    let entries: Vec<(Text, Value)> = entries
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for (key, value) in entries {
        run.budget.step(1)?;
        merge_entry(run, target, key, value, overwrite)?;
    }
    Ok(())
}

fn merge_entry(
    run: &mut Run<'_>,
    target: DictId,
    key: Text,
    value: Value,
    overwrite: bool,
) -> Outcome<()> {
    let old = run.heap.entries(Some(target)).get(&key).cloned();
    if value.is_nil() {
        return if overwrite {
            run.heap.insert(run.budget, target, key, value)
        } else {
            Ok(())
        };
    }
    let both_dicts = match (&old, &value) {
        (Some(Value::Dict(Some(old))), Value::Dict(Some(new))) => {
            let (old, new) = (*old, *new);
            Budget::deeper(
                run,
                |run| run.budget,
                |run| merge_into(run, old, new, overwrite),
            )?;
            true
        }
        (Some(Value::Version { pointer: true, .. }), new) => {
            let differs = matches!(new.kind(), Kind::Map | Kind::Struct);
            if differs && !overwrite {
                return Err(Fault::new("src and dst must be of same type"));
            }
            false
        }
        (Some(old), new) => old.kind() == Kind::Map && new.kind() == Kind::Map,
        _ => false,
    };
    let filled = old.as_ref().is_some_and(|old| truth(run, old));
    if filled && value.kind() == Kind::Slice {
        return if overwrite {
            run.heap.insert(run.budget, target, key, value)
        } else {
            Ok(())
        };
    }
    if filled && both_dicts {
        return Ok(());
    }
    if overwrite || !filled {
        run.heap.insert(run.budget, target, key, value)?;
    }
    Ok(())
}
