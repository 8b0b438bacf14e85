use super::calendar::{MONTHS, WEEKDAYS, is_leap};
use super::layout::{Element, ZoneForm, split};
use super::{Civil, Location, Time, days_in_month};
use crate::strconv::parse_int;
use crate::text::{from, upto};

/// Go's `ParseInLocation` with the local zone; nothing if the value does not
/// follow the layout.
pub(crate) fn parse(layout: &[u8], value: &[u8]) -> Option<Time> {
    let mut parsed = Parsed::default();
    let mut layout = layout;
    let mut value = value;
    loop {
        let (literal, element, tail) = split(layout);
        value = skip(value, literal)?;
        let Some(element) = element else {
            if !value.is_empty() {
                return None;
            }
            break;
        };
        layout = tail;
        value = parsed.element(element, value, layout)?;
    }
    parsed.time()
}

#[derive(Default)]
struct Parsed {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: Option<String>,
}

impl Parsed {
    /// Takes one element from the value and gives what is left.
    fn element<'v>(
        &mut self,
        element: Element,
        value: &'v [u8],
        layout: &[u8],
    ) -> Option<&'v [u8]> {
        let (result, rest) = match element {
            Element::Year => {
                let (digits, rest) = value.split_at_checked(2)?;
                let year = parse_int(digits, 10).ok()?;
                (year + if year >= 69 { 1900 } else { 2000 }, rest)
            }
            Element::LongYear => {
                let (digits, rest) = value.split_at_checked(4)?;
                value.first().filter(|byte| byte.is_ascii_digit())?;
                (parse_int(digits, 10).ok()?, rest)
            }
            Element::Month | Element::LongMonth => name(&MONTHS, value, element == Element::Month)?,
            Element::Weekday | Element::LongWeekday => {
                return name(&WEEKDAYS, value, element == Element::Weekday).map(|(_, rest)| rest);
            }
            Element::UnderDay => number(value.strip_prefix(b" ").unwrap_or(value), false)?,
            Element::UnderYearDay => {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                three_digits(value.strip_prefix(b" ").unwrap_or(value), false)?
            }
            Element::ZeroYearDay => three_digits(value, true)?,
            Element::ZeroMonth
            | Element::ZeroDay
            | Element::ZeroHour12
            | Element::ZeroMinute
            | Element::ZeroSecond => number(value, true)?,
            Element::NumberMonth
            | Element::Day
            | Element::Hour
            | Element::Hour12
            | Element::Minute
            | Element::Second => number(value, false)?,
            Element::HalfDay { upper } => return self.half_day(value, upper),
            Element::ZoneName => return self.zone_name(value),
            Element::Zone { iso, form } => return self.zone(value, iso, form),
            Element::Fraction { digits, exact, .. } => {
                return self.fraction(value, digits, exact);
            }
        };
        self.store(element, result)?;
        if matches!(element, Element::Second | Element::ZeroSecond) {
            return self.unannounced_fraction(rest, layout);
        }
        Some(rest)
    }

    fn store(&mut self, element: Element, number: i64) -> Option<()> {
        let within = |range: std::ops::RangeInclusive<i64>| range.contains(&number).then_some(());
        match element {
            Element::Year | Element::LongYear => self.year = number,
            Element::Month | Element::LongMonth => self.month = Some(number),
            Element::NumberMonth | Element::ZeroMonth => {
                within(1..=12)?;
                self.month = Some(number);
            }
            Element::Day | Element::UnderDay | Element::ZeroDay => self.day = Some(number),
            Element::UnderYearDay | Element::ZeroYearDay => self.year_day = Some(number),
            Element::Hour => {
                within(0..=23)?;
                self.hour = number;
            }
            Element::Hour12 | Element::ZeroHour12 => {
                within(0..=12)?;
                self.hour = number;
            }
            Element::Minute | Element::ZeroMinute => {
                within(0..=59)?;
                self.minute = number;
            }
            _ => {
                within(0..=59)?;
                self.second = number;
            }
        }
        Some(())
    }

    /// A fraction after the seconds is read even if the layout has none.
    fn unannounced_fraction<'v>(&mut self, value: &'v [u8], layout: &[u8]) -> Option<&'v [u8]> {
        if !matches!(value, [b'.' | b',', b'0'..=b'9', ..]) {
            return Some(value);
        }
        if let (_, Some(Element::Fraction { .. }), _) = split(layout) {
            return Some(value);
        }
        let digits = from(value, 1)
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.nanosecond = nanoseconds(value, digits)?;
        Some(from(value, 1 + digits))
    }

    fn fraction<'v>(&mut self, value: &'v [u8], digits: usize, exact: bool) -> Option<&'v [u8]> {
        if exact {
            value.get(digits)?;
            self.nanosecond = nanoseconds(value, digits)?;
            return Some(from(value, 1 + digits));
        }
        if !matches!(value, [b'.' | b',', b'0'..=b'9', ..]) {
            return Some(value);
        }
        let digits = from(value, 1)
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.nanosecond = nanoseconds(value, digits)?;
        Some(from(value, 1 + digits))
    }

    fn half_day<'v>(&mut self, value: &'v [u8], upper: bool) -> Option<&'v [u8]> {
        let (word, rest) = value.split_at_checked(2)?;
        self.afternoon = match (word, upper) {
            (b"PM", true) | (b"pm", false) => Some(true),
            // Go remembers both.
            (b"AM", true) | (b"am", false) => self.afternoon.or(Some(false)),
            _ => return None,
        };
        Some(rest)
    }

    fn zone_name<'v>(&mut self, value: &'v [u8]) -> Option<&'v [u8]> {
        if let Some(rest) = value.strip_prefix(b"UTC") {
            self.utc = true;
            return Some(rest);
        }
        let length = zone_name_length(value)?;
        self.zone_name = std::str::from_utf8(upto(value, length))
            .ok()
            .map(ToOwned::to_owned);
        Some(from(value, length))
    }

    fn zone<'v>(&mut self, value: &'v [u8], iso: bool, form: ZoneForm) -> Option<&'v [u8]> {
        if iso && let Some(rest) = value.strip_prefix(b"Z") {
            self.utc = true;
            return Some(rest);
        }
        let length = match form {
            ZoneForm::Hours => 3,
            ZoneForm::Minutes => 5,
            ZoneForm::ColonMinutes => 6,
            ZoneForm::Seconds => 7,
            ZoneForm::ColonSeconds => 9,
        };
        let (text, rest) = value.split_at_checked(length)?;
        let (hours, minutes, seconds): (&[u8], &[u8], &[u8]) = match (form, text) {
            (ZoneForm::ColonMinutes, [_, h @ .., b':', _, _]) => (h, from(text, 4), b"00"),
            (ZoneForm::ColonSeconds, [_, a, b, b':', _, _, b':', _, _]) => {
                (&[*a, *b], text.get(4..6)?, from(text, 7))
            }
            (ZoneForm::ColonMinutes | ZoneForm::ColonSeconds, _) => return None,
            (ZoneForm::Hours, _) => (from(text, 1), b"00", b"00"),
            (ZoneForm::Minutes, _) => (text.get(1..3)?, from(text, 3), b"00"),
            (ZoneForm::Seconds, _) => (text.get(1..3)?, text.get(3..5)?, from(text, 5)),
        };
        let (hours, _) = number(hours, true)?;
        let (minutes, _) = number(minutes, true)?;
        let (seconds, _) = number(seconds, true)?;
        if hours > 24 || minutes > 60 || seconds > 60 {
            return None;
        }
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match text.first()? {
            b'+' => offset,
            b'-' => -offset,
            _ => return None,
        });
        Some(rest)
    }

    fn time(mut self) -> Option<Time> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.date()?;
        if day < 1 || day > days_in_month(self.year, month) {
            return None;
        }
        let civil = Civil {
            year: self.year,
            month,
            day,
            hour: self.hour,
            minute: self.minute,
            second: self.second,
        };
        let nanosecond = u32::try_from(self.nanosecond).ok()?;
        let at = |location| Time::from_civil(civil, nanosecond, location);
        if self.utc {
            return Some(at(Location::Utc));
        }
        let name = self.zone_name.unwrap_or_default();
        Some(match self.offset {
            Some(0) if matches!(name.as_str(), "" | "UTC") => at(Location::Local),
            Some(seconds) => at(Location::Fixed { name, seconds }),
            None if name.is_empty() => at(Location::Local),
            None => {
                // The offset of an abbreviation is unknown: the clock's time
                // is taken for UTC. Only GMT+3 says what it means.
                let hours = name.strip_prefix("GMT").filter(|tail| !tail.is_empty());
                let hours = hours.and_then(|tail| parse_int(tail.as_bytes(), 10).ok());
                let seconds = hours.unwrap_or(0) * 3600;
                at(Location::Utc).in_location(Location::Fixed { name, seconds })
            }
        })
    }

    /// Month and day, from the day of the year if that was given.
    fn date(&self) -> Option<(i64, i64)> {
        let Some(mut year_day) = self.year_day else {
            return Some((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        if !(1..=365 + i64::from(is_leap(self.year))).contains(&year_day) {
            return None;
        }
        let mut month = 1;
        while year_day > days_in_month(self.year, month) {
            year_day -= days_in_month(self.year, month);
            month += 1;
        }
        if self.month.is_some_and(|given| given != month)
            || self.day.is_some_and(|given| given != year_day)
        {
            return None;
        }
        Some((month, year_day))
    }
}

/// Passes literal text; a run of spaces matches any run, even none at the
/// value's end.
fn skip<'v>(mut value: &'v [u8], mut literal: &[u8]) -> Option<&'v [u8]> {
    while let Some((&first, rest)) = literal.split_first() {
        if first == b' ' {
            if value.first().is_some_and(|&byte| byte != b' ') {
                return None;
            }
            literal = literal.trim_prefix_spaces();
            value = value.trim_prefix_spaces();
            continue;
        }
        value = value.strip_prefix(&[first])?;
        literal = rest;
    }
    Some(value)
}

trait TrimSpaces {
    fn trim_prefix_spaces(&self) -> &Self;
}

impl TrimSpaces for [u8] {
    fn trim_prefix_spaces(&self) -> &[u8] {
        let mut rest = self;
        while let [b' ', tail @ ..] = rest {
            rest = tail;
        }
        rest
    }
}

/// One or two digits; two if `fixed`.
fn number(value: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    let digit = |byte: &u8| i64::from(byte - b'0');
    match value {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => Some((digit(a) * 10 + digit(b), rest)),
        [a @ b'0'..=b'9', rest @ ..] if !fixed => Some((digit(a), rest)),
        _ => None,
    }
}

fn three_digits(value: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    let count = value
        .iter()
        .take(3)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count == 0 || fixed && count != 3 {
        return None;
    }
    Some((parse_int(upto(value, count), 10).ok()?, from(value, count)))
}

/// The index from one of the name that the value begins with, in any case.
fn name<'v>(names: &[&str], value: &'v [u8], short: bool) -> Option<(i64, &'v [u8])> {
    for (index, name) in (1..).zip(names) {
        let name = if short { name.get(..3)? } else { name };
        let (head, rest) = value.split_at_checked(name.len()).unwrap_or((b"", b""));
        if head.eq_ignore_ascii_case(name.as_bytes()) {
            return Some((index, rest));
        }
    }
    None
}

/// The nanoseconds of a separator and so many digits after it.
fn nanoseconds(value: &[u8], digits: usize) -> Option<i64> {
    value.first().filter(|byte| matches!(byte, b'.' | b','))?;
    let used = digits.min(9);
    let number = parse_int(value.get(1..=used)?, 10).ok()?;
    let missing = u32::try_from(9 - used).ok()?;
    (number >= 0).then(|| number * 10i64.pow(missing))
}

/// Length of what looks like a time zone.
fn zone_name_length(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_offset_length(rest));
    }
    if matches!(value, [b'+' | b'-', ..]) {
        return Some(signed_offset_length(value)).filter(|&length| length > 0);
    }
    let upper = value
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    match (upper, value) {
        (5, [_, _, _, _, b'T', ..]) => Some(5),
        (4, [_, _, _, b'T', ..] | [b'W', b'I', b'T', b'A', ..]) => Some(4),
        (3, _) => Some(3),
        _ => None,
    }
}

/// Length of a signed number of hours from -23 to 23, or zero.
fn signed_offset_length(value: &[u8]) -> usize {
    let [b'+' | b'-', rest @ ..] = value else {
        return 0;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match parse_int(upto(rest, digits), 10) {
        Ok(0..=23) => 1 + digits,
        _ => 0,
    }
}
