//! Methods of times, durations, zones and versions. Values have no others.

use std::cmp::Ordering;
use std::rc::Rc;

use super::semver::{Version, metadata_is_valid, pre_is_valid};
use super::{Args, Effect, Function, Run, Special, Type};
use crate::error::{Fault, Outcome};
use crate::heap::Element;
use crate::time::{Location, Time, duration_text, month_name, round_duration, weekday_name};
use crate::value::Value;

/// The method of that name.
pub(crate) fn find(receiver: &Value, name: &[u8]) -> Option<&'static Function> {
    let tables: &[&[Function]] = match receiver {
        Value::Time(_) => &[TIME, MALFORMED_TIME],
        Value::Duration(_) => &[DURATION],
        Value::Month(_) => &[MONTH],
        Value::Weekday(_) => &[WEEKDAY],
        Value::Location(_) => &[LOCATION],
        Value::Version { pointer: true, .. } => &[VERSION, VERSION_POINTER],
        Value::Version { pointer: false, .. } => &[VERSION],
        _ => &[],
    };
    let mut methods = tables.iter().copied().flatten();
    methods.find(|method| method.name.as_bytes() == name)
}

const fn method(name: &'static str, parameters: &'static [Type], body: super::Body) -> Function {
    Function {
        name,
        parameters,
        rest: None,
        effect: Effect::Pure,
        special: Special::None,
        body,
    }
}

static TIME: &[Function] = &[
    method("Year", &[], |_, args| {
        Ok(Value::Int(args.time(0)?.civil().year))
    }),
    method("Month", &[], |_, args| {
        Ok(Value::Month(args.time(0)?.civil().month))
    }),
    method("Day", &[], |_, args| {
        Ok(Value::Int(args.time(0)?.civil().day))
    }),
    method("Weekday", &[], |_, args| {
        Ok(Value::Weekday(args.time(0)?.weekday()))
    }),
    method("Hour", &[], |_, args| {
        Ok(Value::Int(args.time(0)?.civil().hour))
    }),
    method("Minute", &[], |_, args| {
        Ok(Value::Int(args.time(0)?.civil().minute))
    }),
    method("Second", &[], |_, args| {
        Ok(Value::Int(args.time(0)?.civil().second))
    }),
    method("Nanosecond", &[], |_, args| {
        Ok(Value::Int(i64::from(args.time(0)?.nanosecond())))
    }),
    method("YearDay", &[], |_, args| {
        Ok(Value::Int(args.time(0)?.year_day()))
    }),
    method("Unix", &[], |_, args| unix(args, 1)),
    method("UnixMilli", &[], |_, args| unix(args, 1_000)),
    method("UnixMicro", &[], |_, args| unix(args, 1_000_000)),
    method("UnixNano", &[], |_, args| unix(args, 1_000_000_000)),
    method("Format", &[Type::Text], |run, args| {
        run.budget.step(args.bytes(1)?.len() as u64 / 2)?;
        let text = args.time(0)?.format(args.bytes(1)?);
        run.text(text)
    }),
    method("String", &[], |run, args| run.text(args.time(0)?.to_text())),
    method("GoString", &[], |run, args| {
        run.text(args.time(0)?.go_text())
    }),
    method("Add", &[Type::Duration], |_, args| {
        Ok(instant(args.time(0)?.plus(args.int(1)?)))
    }),
    method("AddDate", &[Type::Int, Type::Int, Type::Int], |_, args| {
        let (years, months, days) = (args.int(1)?, args.int(2)?, args.int(3)?);
        Ok(instant(args.time(0)?.plus_date(years, months, days)))
    }),
    method("After", &[Type::Time], |_, args| {
        ordered(args, Ordering::Greater)
    }),
    method("Before", &[Type::Time], |_, args| {
        ordered(args, Ordering::Less)
    }),
    method("Equal", &[Type::Time], |_, args| {
        ordered(args, Ordering::Equal)
    }),
    method("Compare", &[Type::Time], |_, args| {
        Ok(Value::Int(args.time(0)?.compare(args.time(1)?) as i64))
    }),
    method("Sub", &[Type::Time], |_, args| {
        Ok(Value::Duration(args.time(0)?.since(args.time(1)?)))
    }),
    method("IsZero", &[], |_, args| {
        Ok(Value::Bool(args.time(0)?.is_zero()))
    }),
    method("IsDST", &[], |_, args| {
        Ok(Value::Bool(args.time(0)?.offset().summer))
    }),
    method("UTC", &[], |_, args| {
        Ok(instant(args.time(0)?.in_location(Location::Utc)))
    }),
    method("Local", &[], |_, args| {
        Ok(instant(args.time(0)?.in_location(Location::Local)))
    }),
    method("In", &[Type::Location], |_, args| match args.value(1)? {
        Value::Location(location) => Ok(instant(args.time(0)?.in_location(location.clone()))),
        _ => Err(Fault::new("nil pointer dereference")),
    }),
    method("Location", &[], |_, args| {
        Ok(Value::Location(args.time(0)?.location().clone()))
    }),
    method("Truncate", &[Type::Duration], |_, args| {
        Ok(instant(args.time(0)?.truncated(args.int(1)?)))
    }),
    method("Round", &[Type::Duration], |_, args| {
        Ok(instant(args.time(0)?.rounded(args.int(1)?)))
    }),
    method("MarshalJSON", &[], |run, args| {
        let text = rfc3339(args.time(0)?)?;
        bytes(run, format!("\"{text}\"").as_bytes())
    }),
    method("MarshalText", &[], |run, args| {
        let text = rfc3339(args.time(0)?)?;
        bytes(run, text.as_bytes())
    }),
];

/// Methods that Go's templates refuse to call: they give several results.
static MALFORMED_TIME: &[Function] = &[
    method("Date", &[], several_results),
    method("Clock", &[], several_results),
    method("ISOWeek", &[], several_results),
    method("Zone", &[], several_results),
    method("ZoneBounds", &[], several_results),
];

static DURATION: &[Function] = &[
    method("String", &[], |run, args| {
        run.text(duration_text(args.int(0)?))
    }),
    method("Nanoseconds", &[], |_, args| Ok(Value::Int64(args.int(0)?))),
    method("Microseconds", &[], |_, args| {
        Ok(Value::Int64(args.int(0)? / 1_000))
    }),
    method("Milliseconds", &[], |_, args| {
        Ok(Value::Int64(args.int(0)? / 1_000_000))
    }),
    method("Seconds", &[], |_, args| in_units(args, 1_000_000_000)),
    method("Minutes", &[], |_, args| in_units(args, 60_000_000_000)),
    method("Hours", &[], |_, args| in_units(args, 3_600_000_000_000)),
    method("Truncate", &[Type::Duration], |_, args| {
        let (duration, unit) = (args.int(0)?, args.int(1)?);
        let rest = if unit > 0 { duration % unit } else { 0 };
        Ok(Value::Duration(duration - rest))
    }),
    method("Round", &[Type::Duration], |_, args| {
        Ok(Value::Duration(round_duration(args.int(0)?, args.int(1)?)))
    }),
    method("Abs", &[], |_, args| {
        Ok(Value::Duration(args.int(0)?.saturating_abs()))
    }),
];

static MONTH: &[Function] = &[method("String", &[], |run, args| {
    run.text(month_name(args.int(0)?))
})];

static WEEKDAY: &[Function] = &[method("String", &[], |run, args| {
    run.text(weekday_name(args.int(0)?))
})];

static LOCATION: &[Function] = &[method("String", &[], |run, args| match args.value(0)? {
    Value::Location(location) => run.text(location.name()),
    _ => Err(Fault::new("argument of an unexpected type")),
})];

static VERSION: &[Function] = &[
    method("Major", &[], |_, args| {
        Ok(Value::Uint64(args.version(0)?.major))
    }),
    method("Minor", &[], |_, args| {
        Ok(Value::Uint64(args.version(0)?.minor))
    }),
    method("Patch", &[], |_, args| {
        Ok(Value::Uint64(args.version(0)?.patch))
    }),
    method("Prerelease", &[], |run, args| {
        run.text(args.version(0)?.pre.clone())
    }),
    method("Metadata", &[], |run, args| {
        run.text(args.version(0)?.metadata.clone())
    }),
    method("String", &[], |run, args| {
        run.text(args.version(0)?.to_text())
    }),
    method("Value", &[], |run, args| {
        run.text(args.version(0)?.to_text())
    }),
    method("MarshalText", &[], |run, args| {
        let text = args.version(0)?.to_text();
        bytes(run, &text)
    }),
    method("MarshalJSON", &[], |run, args| {
        let text = [b"\"", args.version(0)?.to_text().as_slice(), b"\""].concat();
        bytes(run, &text)
    }),
    method("IncMajor", &[], |_, args| {
        changed(args, |version| {
            version.major = version.major.wrapping_add(1);
            (version.minor, version.patch) = (0, 0);
            release(version);
        })
    }),
    method("IncMinor", &[], |_, args| {
        changed(args, |version| {
            version.minor = version.minor.wrapping_add(1);
            version.patch = 0;
            release(version);
        })
    }),
    method("IncPatch", &[], |_, args| {
        changed(args, |version| {
            if version.pre.is_empty() {
                version.patch = version.patch.wrapping_add(1);
            }
            release(version);
        })
    }),
    method("SetPrerelease", &[Type::Text], |_, args| {
        let pre = args.bytes(1)?;
        if !pre_is_valid(pre) {
            return Err(Fault::new("invalid prerelease string"));
        }
        changed(args, |version| version.pre = pre.to_vec())
    }),
    method("SetMetadata", &[Type::Text], |_, args| {
        let metadata = args.bytes(1)?;
        if !metadata_is_valid(metadata) {
            return Err(Fault::new("invalid metadata string"));
        }
        changed(args, |version| version.metadata = metadata.to_vec())
    }),
];

static VERSION_POINTER: &[Function] = &[
    method("Original", &[], |run, args| {
        run.text(args.version(0)?.original.clone())
    }),
    method("Compare", &[Type::Version], |_, args| {
        Ok(Value::Int(args.version(0)?.compare(args.version(1)?) as i64))
    }),
    method("LessThan", &[Type::Version], |_, args| {
        relation(args, Ordering::is_lt)
    }),
    method("LessThanEqual", &[Type::Version], |_, args| {
        relation(args, Ordering::is_le)
    }),
    method("GreaterThan", &[Type::Version], |_, args| {
        relation(args, Ordering::is_gt)
    }),
    method("GreaterThanEqual", &[Type::Version], |_, args| {
        relation(args, Ordering::is_ge)
    }),
    method("Equal", &[Type::Version], |_, args| {
        match args.value(1)? {
            Value::Version { .. } => relation(args, Ordering::is_eq),
            _ => Ok(Value::Bool(false)),
        }
    }),
];

fn instant(time: Time) -> Value {
    Value::Time(Rc::new(time))
}

fn unix(args: Args<'_>, per_second: i64) -> Outcome<Value> {
    let time = args.time(0)?;
    let fraction = i64::from(time.nanosecond()) / (1_000_000_000 / per_second);
    Ok(Value::Int64(
        time.unix().wrapping_mul(per_second).wrapping_add(fraction),
    ))
}

fn ordered(args: Args<'_>, wanted: Ordering) -> Outcome<Value> {
    Ok(Value::Bool(args.time(0)?.compare(args.time(1)?) == wanted))
}

fn relation(args: Args<'_>, holds: fn(Ordering) -> bool) -> Outcome<Value> {
    Ok(Value::Bool(holds(
        args.version(0)?.compare(args.version(1)?),
    )))
}

/// Whole units and the fraction apart, as Go adds them up.
fn in_units(args: Args<'_>, unit: i64) -> Outcome<Value> {
    let duration = args.int(0)?;
    let fraction = (duration % unit) as f64 / unit as f64;
    Ok(Value::Float((duration / unit) as f64 + fraction))
}

fn several_results(_: &mut Run<'_>, _: Args<'_>) -> Outcome<Value> {
    Err(Fault::new("this method gives several results"))
}

fn rfc3339(time: &Time) -> Outcome<String> {
    time.to_rfc3339()
        .ok_or_else(|| Fault::new("year outside of what RFC 3339 can say"))
}

fn bytes(run: &mut Run<'_>, bytes: &[u8]) -> Outcome<Value> {
    run.list(
        Element::Byte,
        bytes.iter().copied().map(Value::Uint8).collect(),
    )
}

fn release(version: &mut Version) {
    version.pre.clear();
    version.metadata.clear();
}

fn changed(args: Args<'_>, change: impl FnOnce(&mut Version)) -> Outcome<Value> {
    Ok(Value::Version {
        version: Rc::new(args.version(0)?.changed(change)),
        pointer: false,
    })
}
