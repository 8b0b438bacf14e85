//! Types with methods or fields of their own.

use crate::text::Text;
use crate::time::{duration_text, month_name, weekday_name};
use crate::value::Value;

/// What the value's `String` method gives.
pub(super) fn stringer(value: &Value) -> Option<Text> {
    Some(match value {
        Value::Time(time) => Text::from(time.to_text().as_str()),
        Value::Month(month) => Text::from(month_name(*month).as_str()),
        Value::Weekday(weekday) => Text::from(weekday_name(*weekday).as_str()),
        Value::Duration(nanoseconds) => Text::from(duration_text(*nanoseconds).as_str()),
        Value::Location(location) => Text::from(location.name()),
        Value::Version { version, .. } => Text::from(version.to_text().as_slice()),
        _ => return None,
    })
}

/// What the value's `GoString` method gives.
pub(super) fn go_stringer(value: &Value) -> Option<String> {
    match value {
        Value::Time(time) => Some(time.go_text()),
        _ => None,
    }
}

/// The fields of a struct in order.
pub(super) fn fields(value: &Value) -> Vec<(&'static str, Value)> {
    match value {
        Value::Certificate(certificate) => vec![
            ("Cert", Value::Text(certificate.cert.clone())),
            ("Key", Value::Text(certificate.key.clone())),
        ],
        Value::Version { version, .. } => vec![
            ("major", Value::Uint64(version.major)),
            ("minor", Value::Uint64(version.minor)),
            ("patch", Value::Uint64(version.patch)),
            ("pre", Value::text(version.pre.clone())),
            ("metadata", Value::text(version.metadata.clone())),
            ("original", Value::text(version.original.clone())),
        ],
        Value::Time(time) => vec![
            ("wall", Value::Uint64(u64::from(time.nanosecond()))),
            ("ext", Value::Int64(time.seconds_since_year_one())),
            // A pointer, of which only that for UTC, nil, is the same each time.
            ("loc", Value::Uint64(0)),
        ],
        _ => Vec::new(),
    }
}
