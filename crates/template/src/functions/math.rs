//! Integer and floating point arithmetic.

use super::conversion::{to_float64, to_int64};
use super::{Args, Run};
use crate::buffer::Buffer;
use crate::error::{Fault, Outcome};
use crate::heap::Element;
use crate::value::Value;

pub(super) fn add1(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Int64(to_int64(args.value(0)?).wrapping_add(1)))
}

pub(super) fn add(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let sum = args
        .all()
        .iter()
        .fold(0i64, |sum, value| sum.wrapping_add(to_int64(value)));
    Ok(Value::Int64(sum))
}

pub(super) fn sub(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (a, b) = operands(args)?;
    Ok(Value::Int64(a.wrapping_sub(b)))
}

pub(super) fn div(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (a, b) = operands(args)?;
    if b == 0 {
        return Err(Fault::new("integer divide by zero"));
    }
    Ok(Value::Int64(a.wrapping_div(b)))
}

pub(super) fn modulo(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (a, b) = operands(args)?;
    if b == 0 {
        return Err(Fault::new("integer divide by zero"));
    }
    Ok(Value::Int64(a.wrapping_rem(b)))
}

pub(super) fn mul(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let product = args
        .all()
        .iter()
        .fold(1i64, |product, value| product.wrapping_mul(to_int64(value)));
    Ok(Value::Int64(product))
}

fn operands(args: Args<'_>) -> Outcome<(i64, i64)> {
    Ok((to_int64(args.value(0)?), to_int64(args.value(1)?)))
}

pub(super) fn max(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let largest = args.all().iter().map(to_int64).max();
    Ok(Value::Int64(largest.unwrap_or_default()))
}

pub(super) fn min(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let smallest = args.all().iter().map(to_int64).min();
    Ok(Value::Int64(smallest.unwrap_or_default()))
}

pub(super) fn maxf(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    reduce(
        args,
        |a, b| a > b || a == b && a.is_sign_positive(),
        f64::INFINITY,
    )
}

pub(super) fn minf(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    reduce(
        args,
        |a, b| a < b || a == b && a.is_sign_negative(),
        f64::NEG_INFINITY,
    )
}

/// Go's `math.Max` and `math.Min`: the infinity wins even over NaN.
fn reduce(args: Args<'_>, better: fn(f64, f64) -> bool, most: f64) -> Outcome<Value> {
    let pick = |a: f64, b: f64| {
        if a == most || b == most {
            most
        } else if a.is_nan() || b.is_nan() {
            f64::NAN
        } else if better(a, b) {
            a
        } else {
            b
        }
    };
    let result = args.all().iter().map(to_float64).reduce(pick);
    Ok(Value::Float(result.unwrap_or_default()))
}

pub(super) fn ceil(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Float(to_float64(args.value(0)?).ceil()))
}

pub(super) fn floor(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::Float(to_float64(args.value(0)?).floor()))
}

/// Rounds up from `.5` or the given fraction; negative numbers always down.
pub(super) fn round(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let up_from = if args.len() > 2 { args.float(2)? } else { 0.5 };
    let scale = 10f64.powf(args.int(1)? as f64);
    let scaled = scale * to_float64(args.value(0)?);
    let fraction = if scaled.is_infinite() {
        f64::NAN
    } else {
        scaled.fract()
    };
    let rounded = if fraction >= up_from {
        scaled.ceil()
    } else {
        scaled.floor()
    };
    Ok(Value::Float(rounded / scale))
}

pub(super) fn until(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let stop = args.int(0)?;
    integers(run, 0, stop, if stop < 0 { -1 } else { 1 })
}

pub(super) fn until_step(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    integers(run, args.int(0)?, args.int(1)?, args.int(2)?)
}

fn integers(run: &mut Run<'_>, start: i64, stop: i64, step: i64) -> Outcome<Value> {
    let count = charged_count(run, start, stop, step)?;
    let items = steps(start, step, count).map(Value::Int).collect();
    run.grown_list(Element::Int, items)
}

/// How many numbers lie from `start` towards `stop`, charged for.
fn charged_count(run: &mut Run<'_>, start: i64, stop: i64, step: i64) -> Outcome<usize> {
    let forwards = stop >= start;
    if step == 0 || forwards != (step > 0) {
        return Ok(0);
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    run.budget.step(count / 4)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    run.budget
        .allocate(count.saturating_mul(size_of::<Value>()))?;
    Ok(count)
}

fn steps(start: i64, step: i64, count: usize) -> impl Iterator<Item = i64> {
    std::iter::successors(Some(start), move |n| Some(n.wrapping_add(step))).take(count)
}

/// Like the Unix command, in one string.
pub(super) fn seq(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let towards = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match args.len() {
        1 => (1, args.int(0)?, towards(1, args.int(0)?)),
        2 => (
            args.int(0)?,
            args.int(1)?,
            towards(args.int(0)?, args.int(1)?),
        ),
        3 => (args.int(0)?, args.int(2)?, args.int(1)?),
        _ => return Ok(Value::from("")),
    };
    if args.len() == 3 && end < start && step > 0 {
        return Ok(Value::from(""));
    }
    let count = charged_count(run, start, end.wrapping_add(towards(start, end)), step)?;
    let mut out = Buffer::new();
    for (index, number) in steps(start, step, count).enumerate() {
        if index > 0 {
            out.push(run.budget, b" ")?;
        }
        out.push(run.budget, number.to_string().as_bytes())?;
    }
    Ok(out.into_text().into())
}
