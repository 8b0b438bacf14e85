//! Go's `reflect.DeepEqual`.

use super::Run;
use crate::budget::Budget;
use crate::error::Outcome;
use crate::heap::{DictId, List};
use crate::value::Value;

/// Whether two values have the same type and, all the way down, content.
pub(super) fn deeply_equal(run: &mut Run<'_>, left: &Value, right: &Value) -> Outcome<bool> {
    run.budget.step(1)?;
    if left.type_name() != right.type_name() {
        return Ok(false);
    }
    Ok(match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Text(a), Value::Text(b)) => {
            run.budget.read(a.len())?;
            a == b
        }
        (Value::List(a), Value::List(b)) => return lists_equal(run, a, b),
        (Value::Dict(a), Value::Dict(b)) => return dicts_equal(run, *a, *b),
        (Value::StringMap(a), Value::StringMap(b)) => {
            run.budget.step(a.len() as u64)?;
            a == b
        }
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Location(a), Value::Location(b)) => a == b,
        (Value::Version { version: a, .. }, Value::Version { version: b, .. }) => a == b,
        (Value::Certificate(a), Value::Certificate(b)) => a == b,
        _ => left.signed() == right.signed() && left.unsigned() == right.unsigned(),
    })
}

fn lists_equal(run: &mut Run<'_>, left: &List, right: &List) -> Outcome<bool> {
    if left.is_nil() != right.is_nil() || left.len() != right.len() {
        return Ok(false);
    }
    if left.same(right) {
        return Ok(true);
    }
    for index in 0..left.len() {
        let (Some(a), Some(b)) = (run.heap.item(left, index), run.heap.item(right, index)) else {
            return Ok(false);
        };
        if !deeper(run, &a, &b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn dicts_equal(run: &mut Run<'_>, left: Option<DictId>, right: Option<DictId>) -> Outcome<bool> {
    if left == right {
        return Ok(true);
    }
    let (a, b) = (run.heap.entries(left), run.heap.entries(right));
    if left.is_none() != right.is_none() || a.len() != b.len() {
        return Ok(false);
    }
    run.budget.allocate(a.len() * 2 * size_of::<Value>())?;
    let mut pairs = Vec::with_capacity(a.len());
    for (key, value) in a {
        match b.get(key) {
            Some(other) => pairs.push((value.clone(), other.clone())),
            None => return Ok(false),
        }
    }
    for (a, b) in pairs {
        if !deeper(run, &a, &b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn deeper(run: &mut Run<'_>, left: &Value, right: &Value) -> Outcome<bool> {
    Budget::deeper(run, |run| run.budget, |run| deeply_equal(run, left, right))
}
