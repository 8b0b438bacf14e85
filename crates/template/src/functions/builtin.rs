//! Go's builtins that fit no other group, and `fail`.

use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::eval::truth;
use crate::fmt;
use crate::value::Value;

pub(super) fn not(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Bool(!truth(run, args.value(0)?)))
}

pub(super) fn print(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    fmt::sprint(run, args.all()).map(Value::Text)
}

pub(super) fn println(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    fmt::sprintln(run, args.all()).map(Value::Text)
}

pub(super) fn printf(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    fmt::printf(run, args.bytes(0)?, args.from(1)).map(Value::Text)
}

/// No value in a template is a function.
pub(super) fn call(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Err(match args.value(0)? {
        Value::Invalid | Value::Nil => Fault::new("call of nil"),
        _ => Fault::new("call of a value that is no function"),
    })
}

/// Of `and` and `or`, which the evaluator does itself.
pub(super) fn unreachable(_: &mut Run<'_>, _: Args<'_>) -> Outcome<Value> {
    Err(Fault::new("not callable"))
}

pub(super) fn fail(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Err(Fault::with(
        "the template failed on purpose",
        args.text(0)?.lossy(),
    ))
}
