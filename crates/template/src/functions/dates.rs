//! Dates. What is no date counts as now.

use std::rc::Rc;

use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::strconv::{NumberError, parse_int};
use crate::time::{Location, Time, duration_text, parse, parse_duration, round_duration};
use crate::value::Value;

pub(super) fn now(_: &mut Run<'_>, _: Args<'_>) -> Outcome<Value> {
    Ok(instant(Time::now()))
}

fn instant(time: Time) -> Value {
    Value::Time(Rc::new(time))
}

/// A date, or seconds since 1970.
fn time_of(value: &Value) -> Time {
    match value {
        Value::Time(time) => time.as_ref().clone(),
        Value::Int(seconds) | Value::Int64(seconds) => Time::from_unix(*seconds),
        _ => Time::now(),
    }
}

fn formatted(run: &mut Run<'_>, layout: &[u8], date: &Value, zone: &[u8]) -> Outcome<Value> {
    let location = Location::load(zone).unwrap_or(Location::Utc);
    run.budget.step(layout.len() as u64 / 2)?;
    // No element is longer than twelve times its spelling.
    run.budget.allocate(layout.len() * 2 + 64)?;
    let text = time_of(date).in_location(location).format(layout);
    run.text(text)
}

pub(super) fn date(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    formatted(run, args.bytes(0)?, args.value(1)?, b"Local")
}

pub(super) fn date_in_zone(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    formatted(run, args.bytes(0)?, args.value(1)?, args.bytes(2)?)
}

pub(super) fn html_date(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    formatted(run, b"2006-01-02", args.value(0)?, b"Local")
}

pub(super) fn html_date_in_zone(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    formatted(run, b"2006-01-02", args.value(0)?, args.bytes(1)?)
}

/// Leaves the date as it is if the duration is malformed.
pub(super) fn date_modify(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let time = args.time(1)?;
    let duration = parse_duration(args.bytes(0)?).unwrap_or(0);
    Ok(instant(time.plus(duration)))
}

pub(super) fn must_date_modify(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.text(0)?;
    let duration = parse_duration(text.as_bytes()).ok_or_else(|| {
        Fault::with(
            "invalid duration",
            format!("time: invalid duration {:?}", text.lossy()),
        )
    })?;
    Ok(instant(args.time(1)?.plus(duration)))
}

pub(super) fn to_date(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    run.budget.step(args.bytes(0)?.len() as u64 / 2)?;
    let parsed = parse(args.bytes(0)?, args.bytes(1)?);
    Ok(instant(parsed.unwrap_or_else(Time::zero)))
}

pub(super) fn must_to_date(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    run.budget.step(args.bytes(0)?.len() as u64 / 2)?;
    let (layout, text) = (args.text(0)?, args.text(1)?);
    parse(layout.as_bytes(), text.as_bytes())
        .map(instant)
        .ok_or_else(|| {
            Fault::with(
                "the text is no date of this layout",
                format!("parsing time {:?} as {:?}", text.lossy(), layout.lossy()),
            )
        })
}

pub(super) fn unix_epoch(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    run.text(args.time(0)?.unix().to_string())
}

pub(super) fn ago(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let elapsed = Time::now().since(&time_of(args.value(0)?));
    run.text(duration_text(round_duration(elapsed, 1_000_000_000)))
}

/// Seconds, as a string or an int64, to a duration.
pub(super) fn duration(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let seconds = match args.value(0)? {
        Value::Text(text) => match parse_int(text.as_bytes(), 10) {
            Ok(seconds) => seconds,
            Err(NumberError::Range) if text.as_bytes().starts_with(b"-") => i64::MIN,
            Err(NumberError::Range) => i64::MAX,
            Err(NumberError::Syntax) => 0,
        },
        Value::Int64(seconds) => *seconds,
        _ => 0,
    };
    run.text(duration_text(seconds.wrapping_mul(1_000_000_000)))
}

/// The largest unit of a duration alone.
pub(super) fn duration_round(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let duration = match args.value(0)? {
        Value::Text(text) => parse_duration(text.as_bytes()).unwrap_or(0),
        Value::Int64(duration) => *duration,
        Value::Time(time) => Time::now().since(time),
        _ => 0,
    };
    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3600 * SECOND;
    const UNITS: [(u64, &str); 6] = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60 * SECOND, "m"),
        (SECOND, "s"),
    ];
    let magnitude = duration.unsigned_abs();
    let unit = UNITS.iter().find(|(unit, _)| magnitude > *unit);
    run.text(match unit {
        Some((unit, name)) => format!("{}{name}", magnitude / unit),
        None => "0s".to_owned(),
    })
}
