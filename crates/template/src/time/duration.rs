//! Durations, in nanoseconds.

use crate::text::{from, upto};

/// Go's `Duration.String`.
pub(crate) fn duration_text(duration: i64) -> String {
    let magnitude = duration.unsigned_abs();
    let sign = if duration < 0 { "-" } else { "" };
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < 1_000_000_000 {
        let (unit, name, decimals) = match magnitude {
            0..1_000 => (1, "ns", 0),
            1_000..1_000_000 => (1_000, "µs", 3),
            _ => (1_000_000, "ms", 6),
        };
        return format!("{sign}{}{name}", with_fraction(magnitude, unit, decimals));
    }
    let minutes = magnitude / 60_000_000_000;
    let seconds = with_fraction(magnitude % 60_000_000_000, 1_000_000_000, 9);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

fn with_fraction(number: u64, unit: u64, decimals: usize) -> String {
    let fraction = format!("{:0decimals$}", number % unit);
    let fraction = fraction.trim_end_matches('0');
    if decimals == 0 || fraction.is_empty() {
        return (number / unit).to_string();
    }
    format!("{}.{fraction}", number / unit)
}

/// Go's `Duration.Round`.
pub(crate) fn round_duration(duration: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return duration;
    }
    let remainder = (duration % unit).unsigned_abs();
    let rest = i64::try_from(remainder).unwrap_or_default();
    let towards_zero = remainder * 2 < unit.unsigned_abs();
    match (duration < 0, towards_zero) {
        (true, true) => duration + rest,
        (true, false) => duration.saturating_sub(unit - rest),
        (false, true) => duration - rest,
        (false, false) => duration.saturating_add(unit - rest),
    }
}

/// Go's `ParseDuration`: numbers with units, such as `1h15m30.5s`.
pub(crate) fn parse_duration(text: &[u8]) -> Option<i64> {
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    const MOST: u64 = 1 << 63;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole = upto(rest, digit_count(rest));
        rest = from(rest, whole.len());
        let value = leading_number(whole)?;
        let mut fraction: &[u8] = b"";
        if let [b'.', tail @ ..] = rest {
            fraction = upto(tail, digit_count(tail));
            rest = from(tail, fraction.len());
        }
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let length = rest
            .iter()
            .take_while(|byte| !matches!(byte, b'.' | b'0'..=b'9'))
            .count();
        let unit = unit(upto(rest, length))?;
        rest = from(rest, length);
        if value > MOST / unit {
            return None;
        }
        let (numerator, scale) = leading_fraction(fraction);
        let part = if numerator == 0 {
            0
        } else {
            (numerator as f64 * (unit as f64 / scale)) as u64
        };
        total = total.checked_add(value * unit)?.checked_add(part)?;
        if total > MOST {
            return None;
        }
    }
    if negative {
        return 0i64.checked_sub_unsigned(total);
    }
    i64::try_from(total).ok()
}

fn digit_count(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn leading_number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |number, digit| {
        let next = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        (next <= 1 << 63).then_some(next)
    })
}

/// Digits beyond what 63 bits hold are dropped.
fn leading_fraction(digits: &[u8]) -> (u64, f64) {
    let (mut number, mut scale) = (0u64, 1.0);
    for digit in digits {
        if number > (i64::MAX as u64) / 10 {
            break;
        }
        number = number * 10 + u64::from(digit - b'0');
        scale *= 10.0;
    }
    (number, scale)
}

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60_000_000_000,
        b"h" => 3_600_000_000_000,
        _ => return None,
    })
}
