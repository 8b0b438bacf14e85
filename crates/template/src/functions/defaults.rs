//! Defaults and emptiness.

use super::{Args, Run};
use crate::error::Outcome;
use crate::eval::truth;
use crate::value::Value;

/// Nil, zero, false, or of no length; structs never.
pub(super) fn is_empty(run: &Run<'_>, value: &Value) -> bool {
    !truth(run, value)
}

pub(super) fn default(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(match args.from(1).first() {
        Some(given) if !is_empty(run, given) => given.clone(),
        _ => args.value(0)?.clone(),
    })
}

pub(super) fn empty(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Bool(is_empty(run, args.value(0)?)))
}

pub(super) fn coalesce(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let found = args.all().iter().find(|value| !is_empty(run, value));
    Ok(found.cloned().unwrap_or(Value::Nil))
}

pub(super) fn all(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Bool(
        args.all().iter().all(|value| !is_empty(run, value)),
    ))
}

pub(super) fn any(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Bool(
        args.all().iter().any(|value| !is_empty(run, value)),
    ))
}

pub(super) fn ternary(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let chosen = if args.flag(2)? { 0 } else { 1 };
    Ok(args.value(chosen)?.clone())
}
