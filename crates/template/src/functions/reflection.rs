//! Types, kinds and deep equality.

use super::equality::deeply_equal;
use super::{Args, Run};
use crate::error::Outcome;
use crate::value::Value;

pub(super) fn type_of(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::from(args.value(0)?.type_name()))
}

pub(super) fn type_is(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let name = args.value(1)?.type_name();
    Ok(Value::Bool(args.bytes(0)? == name.as_bytes()))
}

pub(super) fn type_is_like(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (target, name) = (args.bytes(0)?, args.value(1)?.type_name().as_bytes());
    Ok(Value::Bool(
        target == name || name.strip_prefix(b"*") == Some(target),
    ))
}

pub(super) fn kind_of(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::from(args.value(0)?.kind().name()))
}

pub(super) fn kind_is(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let name = args.value(1)?.kind().name();
    Ok(Value::Bool(args.bytes(0)? == name.as_bytes()))
}

pub(super) fn deep_equal(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    deeply_equal(run, args.value(0)?, args.value(1)?).map(Value::Bool)
}
