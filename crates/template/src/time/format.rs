use super::layout::{Element, ZoneForm, split};
use super::{Civil, Time, month_name, weekday_name};

impl Time {
    /// Go's `Format`.
    pub(crate) fn format(&self, layout: &[u8]) -> Vec<u8> {
        let civil = self.civil();
        let mut out = Vec::with_capacity(layout.len() + 10);
        let mut rest = layout;
        while !rest.is_empty() {
            let (literal, element, tail) = split(rest);
            out.extend_from_slice(literal);
            let Some(element) = element else { break };
            self.push_element(&mut out, element, &civil);
            rest = tail;
        }
        out
    }

    fn push_element(&self, out: &mut Vec<u8>, element: Element, civil: &Civil) {
        let hour12 = match civil.hour % 12 {
            0 => 12,
            hour => hour,
        };
        match element {
            Element::Year => push_number(out, civil.year.abs() % 100, 2),
            Element::LongYear => push_number(out, civil.year, 4),
            Element::LongMonth => out.extend(month_name(civil.month).bytes()),
            Element::Month => out.extend(month_name(civil.month).bytes().take(3)),
            Element::NumberMonth => push_number(out, civil.month, 0),
            Element::ZeroMonth => push_number(out, civil.month, 2),
            Element::LongWeekday => out.extend(weekday_name(self.weekday()).bytes()),
            Element::Weekday => out.extend(weekday_name(self.weekday()).bytes().take(3)),
            Element::Day => push_number(out, civil.day, 0),
            Element::UnderDay => out.extend(format!("{:2}", civil.day).bytes()),
            Element::ZeroDay => push_number(out, civil.day, 2),
            Element::UnderYearDay => out.extend(format!("{:3}", self.year_day()).bytes()),
            Element::ZeroYearDay => push_number(out, self.year_day(), 3),
            Element::Hour => push_number(out, civil.hour, 2),
            Element::Hour12 => push_number(out, hour12, 0),
            Element::ZeroHour12 => push_number(out, hour12, 2),
            Element::Minute => push_number(out, civil.minute, 0),
            Element::ZeroMinute => push_number(out, civil.minute, 2),
            Element::Second => push_number(out, civil.second, 0),
            Element::ZeroSecond => push_number(out, civil.second, 2),
            Element::HalfDay { upper } => out.extend_from_slice(match (civil.hour >= 12, upper) {
                (true, true) => b"PM",
                (false, true) => b"AM",
                (true, false) => b"pm",
                (false, false) => b"am",
            }),
            Element::ZoneName => match self.offset().abbreviation.as_str() {
                "" => push_offset(out, self.offset().seconds, ZoneForm::Minutes),
                name => out.extend(name.bytes()),
            },
            Element::Zone { iso, form } => match self.offset().seconds {
                0 if iso => out.push(b'Z'),
                seconds => push_offset(out, seconds, form),
            },
            Element::Fraction {
                digits,
                exact,
                comma,
            } => self.push_fraction(out, digits, exact, comma),
        }
    }

    fn push_fraction(&self, out: &mut Vec<u8>, digits: usize, exact: bool, comma: bool) {
        // Go writes at most nine digits.
        let all = format!("{:09}", self.nanosecond());
        let mut shown = all.get(..digits.min(9)).unwrap_or(&all);
        if !exact {
            shown = shown.trim_end_matches('0');
            if shown.is_empty() {
                return;
            }
        }
        out.push(if comma { b',' } else { b'.' });
        out.extend(shown.bytes());
    }
}

fn push_number(out: &mut Vec<u8>, number: i64, width: usize) {
    if number < 0 {
        out.push(b'-');
    }
    out.extend(format!("{:0width$}", number.unsigned_abs()).bytes());
}

fn push_offset(out: &mut Vec<u8>, seconds: i64, form: ZoneForm) {
    let minutes = seconds / 60;
    out.push(if minutes < 0 { b'-' } else { b'+' });
    let colon = matches!(form, ZoneForm::ColonMinutes | ZoneForm::ColonSeconds);
    push_number(out, minutes.abs() / 60, 2);
    if colon {
        out.push(b':');
    }
    if form != ZoneForm::Hours {
        push_number(out, minutes.abs() % 60, 2);
    }
    if matches!(form, ZoneForm::Seconds | ZoneForm::ColonSeconds) {
        if colon {
            out.push(b':');
        }
        let magnitude = if minutes < 0 { -seconds } else { seconds };
        push_number(out, magnitude % 60, 2);
    }
}
