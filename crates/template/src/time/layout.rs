//! Go's layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` spelled as
//! the text should look.

use crate::text::{from, upto};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    /// `PM` or `pm`.
    HalfDay {
        upper: bool,
    },
    ZoneName,
    /// An offset; `iso` writes `Z` for none.
    Zone {
        iso: bool,
        form: ZoneForm,
    },
    /// Fractional seconds of so many digits; `exact` keeps trailing zeros.
    Fraction {
        digits: usize,
        exact: bool,
        comma: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ZoneForm {
    /// `-0700`
    Minutes,
    /// `-07:00`
    ColonMinutes,
    /// `-070000`
    Seconds,
    /// `-07:00:00`
    ColonSeconds,
    /// `-07`
    Hours,
}

/// The text before the first element, the element, and the rest.
pub(super) fn split(layout: &[u8]) -> (&[u8], Option<Element>, &[u8]) {
    for at in 0..layout.len() {
        if let Some((element, skip, length)) = element_at(from(layout, at)) {
            return (
                upto(layout, at + skip),
                Some(element),
                from(layout, at + length),
            );
        }
    }
    (layout, None, b"")
}

/// The element that the text begins with, how much of it is literal, and the
/// length of both.
fn element_at(text: &[u8]) -> Option<(Element, usize, usize)> {
    let whole = |element, length| Some((element, 0, length));
    match text {
        [b'J', b'a', b'n', rest @ ..] => {
            if text.starts_with(b"January") {
                return whole(Element::LongMonth, 7);
            }
            return (!begins_lower(rest)).then_some((Element::Month, 0, 3));
        }
        [b'M', b'o', b'n', rest @ ..] => {
            if text.starts_with(b"Monday") {
                return whole(Element::LongWeekday, 6);
            }
            return (!begins_lower(rest)).then_some((Element::Weekday, 0, 3));
        }
        [b'M', b'S', b'T', ..] => return whole(Element::ZoneName, 3),
        [b'0', b'0', b'2', ..] => return whole(Element::ZeroYearDay, 3),
        [b'0', digit @ b'1'..=b'6', ..] => {
            let element = match digit {
                b'1' => Element::ZeroMonth,
                b'2' => Element::ZeroDay,
                b'3' => Element::ZeroHour12,
                b'4' => Element::ZeroMinute,
                b'5' => Element::ZeroSecond,
                _ => Element::Year,
            };
            return whole(element, 2);
        }
        [b'1', b'5', ..] => return whole(Element::Hour, 2),
        [b'1', ..] => return whole(Element::NumberMonth, 1),
        [b'2', b'0', b'0', b'6', ..] => return whole(Element::LongYear, 4),
        [b'2', ..] => return whole(Element::Day, 1),
        [b'_', b'2', b'0', b'0', b'6', ..] => return Some((Element::LongYear, 1, 5)),
        [b'_', b'2', ..] => return whole(Element::UnderDay, 2),
        [b'_', b'_', b'2', ..] => return whole(Element::UnderYearDay, 3),
        [b'3', ..] => return whole(Element::Hour12, 1),
        [b'4', ..] => return whole(Element::Minute, 1),
        [b'5', ..] => return whole(Element::Second, 1),
        [b'P', b'M', ..] => return whole(Element::HalfDay { upper: true }, 2),
        [b'p', b'm', ..] => return whole(Element::HalfDay { upper: false }, 2),
        [b'-' | b'Z', ..] => return zone(text),
        [separator @ (b'.' | b','), digit @ (b'0' | b'9'), ..] => {
            let digits = from(text, 1)
                .iter()
                .take_while(|byte| *byte == digit)
                .count();
            if text.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let element = Element::Fraction {
                digits,
                exact: *digit == b'0',
                comma: *separator == b',',
            };
            return whole(element, 1 + digits);
        }
        _ => {}
    }
    None
}

fn zone(text: &[u8]) -> Option<(Element, usize, usize)> {
    let iso = text.first() == Some(&b'Z');
    let forms: [(&[u8], ZoneForm); 5] = [
        (b"070000", ZoneForm::Seconds),
        (b"07:00:00", ZoneForm::ColonSeconds),
        (b"0700", ZoneForm::Minutes),
        (b"07:00", ZoneForm::ColonMinutes),
        (b"07", ZoneForm::Hours),
    ];
    let rest = from(text, 1);
    forms
        .iter()
        .find(|(pattern, _)| rest.starts_with(pattern))
        .map(|(pattern, form)| (Element::Zone { iso, form: *form }, 0, pattern.len() + 1))
}

fn begins_lower(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_lowercase)
}
