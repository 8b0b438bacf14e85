//! JSON to and from values, as Go's `encoding/json` does it.

mod decode;
mod encode;

use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::value::Value;

use encode::Style;

/// What cannot be decoded is nil.
pub(super) fn from_json(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let decoded = decode::decode(run, args.bytes(0)?)?;
    Ok(decoded.map_or(Value::Nil, |decoded| decoded.value))
}

pub(super) fn must_from_json(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    match decode::decode(run, args.bytes(0)?)? {
        Some(decoded) if !decoded.number_out_of_range => Ok(decoded.value),
        Some(_) => Err(Fault::new("a JSON number is out of range")),
        None => Err(Fault::new("invalid JSON")),
    }
}

/// What cannot be encoded is nothing.
pub(super) fn to_json(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    or_nothing(must_to_json(run, args))
}

pub(super) fn to_pretty_json(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    or_nothing(must_to_pretty_json(run, args))
}

fn or_nothing(result: Outcome<Value>) -> Outcome<Value> {
    match result {
        Err(fault) if !fault.is_limit() => Ok(Value::from("")),
        result => result,
    }
}

pub(super) fn must_to_json(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    encode::encode(run, args.value(0)?, Style::Compact)
}

pub(super) fn must_to_pretty_json(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    encode::encode(run, args.value(0)?, Style::Pretty)
}

pub(super) fn to_raw_json(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    encode::encode(run, args.value(0)?, Style::Raw)
}
