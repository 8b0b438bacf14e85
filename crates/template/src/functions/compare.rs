//! `eq`, `ne`, `lt`, `le`, `gt` and `ge`.

use std::cmp::Ordering;

use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::value::{Kind, Value};

pub(super) fn eq(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let first = args.value(0)?;
    if args.len() < 2 {
        return Err(Fault::new("missing argument for comparison"));
    }
    for other in args.from(1) {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    equal(args.value(0)?, args.value(1)?).map(|equal| Value::Bool(!equal))
}

pub(super) fn lt(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    less(args.value(0)?, args.value(1)?).map(Value::Bool)
}

pub(super) fn le(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    less_or_equal(args).map(Value::Bool)
}

pub(super) fn gt(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    less_or_equal(args).map(|le| Value::Bool(!le))
}

pub(super) fn ge(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    less(args.value(0)?, args.value(1)?).map(|less| Value::Bool(!less))
}

fn less_or_equal(args: Args<'_>) -> Outcome<bool> {
    let (left, right) = (args.value(0)?, args.value(1)?);
    Ok(less(left, right)? || equal(left, right)?)
}

/// The kinds that can be compared.
enum Basic<'a> {
    None,
    Bool(bool),
    Complex(f64, f64),
    Int(i64),
    Float(f64),
    Text(&'a [u8]),
    Uint(u64),
}

fn basic(value: &Value) -> Basic<'_> {
    match value {
        Value::Bool(value) => Basic::Bool(*value),
        Value::Complex(real, imaginary) => Basic::Complex(*real, *imaginary),
        Value::Float(value) => Basic::Float(*value),
        Value::Text(text) => Basic::Text(text.as_bytes()),
        _ => match (value.signed(), value.unsigned()) {
            (Some(n), _) => Basic::Int(n),
            (_, Some(n)) => Basic::Uint(n),
            _ => Basic::None,
        },
    }
}

fn incompatible(left: &Value, right: &Value) -> Fault {
    Fault::with(
        "incompatible types for comparison",
        format!(
            "incompatible types for comparison: {} and {}",
            left.type_name(),
            right.type_name()
        ),
    )
}

fn equal(left: &Value, right: &Value) -> Outcome<bool> {
    Ok(match (basic(left), basic(right)) {
        (Basic::Bool(a), Basic::Bool(b)) => a == b,
        (Basic::Complex(a, b), Basic::Complex(c, d)) => a == c && b == d,
        (Basic::Int(a), Basic::Int(b)) => a == b,
        (Basic::Uint(a), Basic::Uint(b)) => a == b,
        (Basic::Float(a), Basic::Float(b)) => a == b,
        (Basic::Text(a), Basic::Text(b)) => a == b,
        (Basic::Int(a), Basic::Uint(b)) | (Basic::Uint(b), Basic::Int(a)) => {
            u64::try_from(a) == Ok(b)
        }
        (Basic::None, Basic::None) => return equal_others(left, right),
        _ if left.is_nil() || right.is_nil() => false,
        _ => return Err(incompatible(left, right)),
    })
}

fn equal_others(left: &Value, right: &Value) -> Outcome<bool> {
    if left.kind() != right.kind() && !left.is_nil() && !right.is_nil() {
        return Err(incompatible(left, right));
    }
    let (left_nil, right_nil) = (holds_nil(left), holds_nil(right));
    if left_nil || right_nil {
        return Ok(left_nil == right_nil);
    }
    match (left, right) {
        (Value::Time(a), Value::Time(b)) => Ok(a == b),
        (Value::Certificate(a), Value::Certificate(b)) => Ok(a == b),
        (Value::Location(a), Value::Location(b)) => Ok(a == b),
        (
            Value::Version {
                version: a,
                pointer: true,
            },
            Value::Version {
                version: b,
                pointer: true,
            },
        ) => Ok(std::rc::Rc::ptr_eq(a, b)),
        (Value::Version { version: a, .. }, Value::Version { version: b, .. }) => {
            Ok(a == b && left.kind() == right.kind())
        }
        _ if right.kind() == Kind::Slice || right.kind() == Kind::Map => {
            Err(Fault::new("this type can't be compared"))
        }
        _ => Ok(false),
    }
}

/// Whether the value is nil of its type.
fn holds_nil(value: &Value) -> bool {
    match value {
        Value::Invalid | Value::Nil | Value::Dict(None) => true,
        Value::List(list) => list.is_nil(),
        _ => false,
    }
}

fn less(left: &Value, right: &Value) -> Outcome<bool> {
    Ok(match (basic(left), basic(right)) {
        (Basic::None, _) | (_, Basic::None) => {
            return Err(Fault::new("invalid type for comparison"));
        }
        (Basic::Int(a), Basic::Int(b)) => a < b,
        (Basic::Uint(a), Basic::Uint(b)) => a < b,
        (Basic::Float(a), Basic::Float(b)) => a < b,
        (Basic::Text(a), Basic::Text(b)) => a.cmp(b) == Ordering::Less,
        (Basic::Int(a), Basic::Uint(b)) => u64::try_from(a).is_ok_and(|a| a < b) || a < 0,
        (Basic::Uint(a), Basic::Int(b)) => u64::try_from(b).is_ok_and(|b| a < b),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => {
            return Err(Fault::new("invalid type for comparison"));
        }
        _ => return Err(incompatible(left, right)),
    })
}
