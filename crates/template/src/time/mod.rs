//! Go's `time` for templates: instants, durations, layouts and zones.
//!
//! The local zone is UTC, as in the containers that controllers run in.

mod calendar;
mod duration;
mod format;
mod layout;
mod parse;
mod zone;

pub(crate) use calendar::{days_in_month, month_name, weekday_name};
pub(crate) use duration::{duration_text, parse_duration, round_duration};
pub(crate) use parse::parse;
pub(crate) use zone::Location;

use calendar::{Date, civil_from_days, days_from_civil};
use zone::Offset;

const DAY: i64 = 86_400;
/// 1 January of year 1, Go's zero time.
const YEAR_ONE: i64 = -62_135_596_800;
const NANOSECONDS: i64 = 1_000_000_000;

/// An instant and the zone to show it in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Time {
    /// Since 1970, UTC.
    seconds: i64,
    nanoseconds: u32,
    location: Location,
}

/// A date and a time of day.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Time {
    /// Go's zero time.
    pub(crate) fn zero() -> Self {
        Time {
            seconds: YEAR_ONE,
            nanoseconds: 0,
            location: Location::Utc,
        }
    }

    pub(crate) fn now() -> Self {
        let now = jiff::Timestamp::now();
        Time {
            seconds: now.as_second(),
            nanoseconds: u32::try_from(now.subsec_nanosecond()).unwrap_or_default(),
            location: Location::Local,
        }
    }

    pub(crate) fn from_unix(seconds: i64) -> Self {
        Time {
            seconds,
            nanoseconds: 0,
            location: Location::Local,
        }
    }

    /// The instant at which clocks of `location` show this; what is out of
    /// range carries over.
    pub(crate) fn from_civil(civil: Civil, nanoseconds: u32, location: Location) -> Self {
        let months = civil
            .year
            .saturating_mul(12)
            .saturating_add(civil.month - 1);
        let days = days_from_civil(months.div_euclid(12), months.rem_euclid(12) + 1, 1)
            .saturating_add(civil.day - 1);
        let local = days
            .wrapping_mul(DAY)
            .wrapping_add(civil.hour * 3600 + civil.minute * 60 + civil.second);
        let mut time = Time {
            seconds: local,
            nanoseconds,
            location,
        };
        // The offset depends on the instant that it leads to: try twice.
        let first = time.offset().seconds;
        time.seconds = local - first;
        let second = time.offset().seconds;
        if second != first {
            time.seconds = local - second;
            if time.offset().seconds != second {
                time.seconds = local - first;
            }
        }
        time
    }

    pub(crate) fn in_location(&self, location: Location) -> Self {
        Time {
            location,
            ..self.clone()
        }
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    pub(crate) fn unix(&self) -> i64 {
        self.seconds
    }

    pub(crate) fn nanosecond(&self) -> u32 {
        self.nanoseconds
    }

    /// What Go keeps of an instant.
    pub(crate) fn seconds_since_year_one(&self) -> i64 {
        self.seconds.wrapping_sub(YEAR_ONE)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.seconds == YEAR_ONE && self.nanoseconds == 0
    }

    pub(crate) fn offset(&self) -> Offset {
        self.location.offset_at(self.seconds)
    }

    pub(crate) fn civil(&self) -> Civil {
        let local = self.seconds.wrapping_add(self.offset().seconds);
        let Date { year, month, day } = civil_from_days(local.div_euclid(DAY));
        let second = local.rem_euclid(DAY);
        Civil {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }

    /// Sunday is 0.
    pub(crate) fn weekday(&self) -> i64 {
        let local = self.seconds.wrapping_add(self.offset().seconds);
        (local.div_euclid(DAY) + 4).rem_euclid(7)
    }

    /// 1 January is 1.
    pub(crate) fn year_day(&self) -> i64 {
        let Civil {
            year, month, day, ..
        } = self.civil();
        days_from_civil(year, month, day) - days_from_civil(year, 1, 1) + 1
    }

    /// Later by so many nanoseconds.
    pub(crate) fn plus(&self, duration: i64) -> Self {
        let nanoseconds = i64::from(self.nanoseconds) + duration % NANOSECONDS;
        let seconds = self
            .seconds
            .wrapping_add(duration / NANOSECONDS)
            .wrapping_add(nanoseconds.div_euclid(NANOSECONDS));
        Time {
            seconds,
            nanoseconds: u32::try_from(nanoseconds.rem_euclid(NANOSECONDS)).unwrap_or_default(),
            location: self.location.clone(),
        }
    }

    /// The nanoseconds since another instant, as far as 64 bits reach.
    pub(crate) fn since(&self, earlier: &Time) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        let nanoseconds = seconds * i128::from(NANOSECONDS) + i128::from(self.nanoseconds)
            - i128::from(earlier.nanoseconds);
        let limited = nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        i64::try_from(limited).unwrap_or_default()
    }

    pub(crate) fn plus_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let moved = Civil {
            year: civil.year.saturating_add(years),
            month: civil.month.saturating_add(months),
            day: civil.day.saturating_add(days),
            ..civil
        };
        Time::from_civil(moved, self.nanoseconds, self.location.clone())
    }

    /// Nanoseconds since year one modulo `unit`.
    fn remainder(&self, unit: i64) -> i64 {
        let total = (i128::from(self.seconds) - i128::from(YEAR_ONE)) * i128::from(NANOSECONDS)
            + i128::from(self.nanoseconds);
        i64::try_from(total.rem_euclid(i128::from(unit))).unwrap_or_default()
    }

    pub(crate) fn truncated(&self, unit: i64) -> Self {
        if unit <= 0 {
            return self.clone();
        }
        self.plus(-self.remainder(unit))
    }

    pub(crate) fn rounded(&self, unit: i64) -> Self {
        if unit <= 0 {
            return self.clone();
        }
        let remainder = self.remainder(unit);
        if remainder < unit - remainder {
            self.plus(-remainder)
        } else {
            self.plus(unit - remainder)
        }
    }

    /// Before, at the same instant or after.
    pub(crate) fn compare(&self, other: &Time) -> std::cmp::Ordering {
        (self.seconds, self.nanoseconds).cmp(&(other.seconds, other.nanoseconds))
    }

    /// Go's `String`.
    pub(crate) fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.format(b"2006-01-02 15:04:05.999999999 -0700 MST"))
            .into_owned()
    }

    /// RFC 3339 with nanoseconds, for the years it can say.
    pub(crate) fn to_rfc3339(&self) -> Option<String> {
        let offset_hours = self.offset().seconds.abs() / 3600;
        if !(0..10_000).contains(&self.civil().year) || offset_hours > 23 {
            return None;
        }
        let text = self.format(b"2006-01-02T15:04:05.999999999Z07:00");
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// Go's `GoString`.
    pub(crate) fn go_text(&self) -> String {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self.civil();
        let location = match &self.location {
            Location::Utc => "time.UTC".to_owned(),
            Location::Local => "time.Local".to_owned(),
            other => {
                let name = crate::strconv::quote(other.name().as_bytes(), false);
                format!("time.Location({})", String::from_utf8_lossy(&name))
            }
        };
        format!(
            "time.Date({year}, time.{}, {day}, {hour}, {minute}, {second}, {}, {location})",
            month_name(month),
            self.nanoseconds
        )
    }
}
