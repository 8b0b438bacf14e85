//! Conversions, with the rules of spf13/cast.

use super::{Args, Run};
use crate::error::Outcome;
use crate::fmt::{sprint, text_of};
use crate::heap::Element;
use crate::strconv::{NumberError, parse_float, parse_int};
use crate::text::Text;
use crate::value::Value;

/// sprig's `strval`: `%v`, but bytes as the string they are.
pub(super) fn strval(run: &mut Run<'_>, value: &Value) -> Outcome<Text> {
    if let Value::List(list) = value
        && list.element == Element::Byte
    {
        run.budget.allocate(list.len())?;
        return Ok(Text::new(bytes_of(run, value)));
    }
    text_of(run, value)
}

/// The bytes of a `[]uint8`.
pub(super) fn bytes_of(run: &Run<'_>, value: &Value) -> Vec<u8> {
    let Value::List(list) = value else {
        return Vec::new();
    };
    run.heap
        .to_vec(list)
        .iter()
        .filter_map(|item| u8::try_from(item.unsigned()?).ok())
        .collect()
}

pub(super) fn to_string(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    strval(run, args.value(0)?).map(Value::Text)
}

pub(super) fn atoi(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.bytes(0)?;
    Ok(Value::Int(match parse_int(text, 10) {
        Ok(number) => number,
        // Go's parser gives the nearest number with the error.
        Err(NumberError::Range) if text.starts_with(b"-") => i64::MIN,
        Err(NumberError::Range) => i64::MAX,
        Err(NumberError::Syntax) => 0,
    }))
}

pub(super) fn int(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Int(to_int64(args.value(0)?)))
}

pub(super) fn int64(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Int64(to_int64(args.value(0)?)))
}

pub(super) fn float64(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Float(to_float64(args.value(0)?)))
}

/// Reads the value's text as an octal number.
pub(super) fn to_decimal(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = sprint(run, args.all())?;
    Ok(Value::Int64(parse_int(text.as_bytes(), 8).unwrap_or(0)))
}

/// `cast.ToInt64`; what cannot be converted is 0.
pub(super) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(n) | Value::Int64(n) | Value::Month(n) | Value::Weekday(n) => *n,
        Value::Uint64(n) => n.cast_signed(),
        Value::Uint8(n) => i64::from(*n),
        Value::Float(float) => float_to_int64(*float),
        Value::Text(text) => {
            parse_int(without_zero_decimals(text.as_bytes()), 0).unwrap_or_default()
        }
        Value::Bool(value) => i64::from(*value),
        _ => 0,
    }
}

/// Truncates; out of range as amd64 does it.
pub(super) fn float_to_int64(float: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float) {
        float as i64
    } else {
        i64::MIN
    }
}

/// `cast.ToFloat64`; what cannot be converted is 0.
pub(super) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Int(n) | Value::Int64(n) | Value::Month(n) | Value::Weekday(n) => *n as f64,
        Value::Uint64(n) => *n as f64,
        Value::Uint8(n) => f64::from(*n),
        Value::Float(float) => *float,
        Value::Text(text) => parse_float(text.as_bytes()).unwrap_or_default(),
        Value::Bool(value) => f64::from(u8::from(*value)),
        _ => 0.0,
    }
}

/// `1.00` as `1`.
fn without_zero_decimals(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|&&byte| byte == b'0').count();
    match text.get(..text.len() - zeros) {
        Some([head @ .., b'.']) if zeros > 0 => head,
        _ => text,
    }
}
