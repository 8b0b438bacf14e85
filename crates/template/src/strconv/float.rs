//! Floating point numbers to and from text, as Go writes and reads them.

use super::{NumberError, underscores_ok};

/// Go's `ParseFloat` into 64 bits.
pub(crate) fn parse_float(text: &[u8]) -> Result<f64, NumberError> {
    let (negative, body) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") {
        return Ok(sign * f64::INFINITY);
    }
    if text.eq_ignore_ascii_case(b"nan") {
        return Ok(f64::NAN);
    }
    if body.contains(&b'_') && !underscores_ok(text) {
        return Err(NumberError::Syntax);
    }
    let plain: Vec<u8> = body.iter().copied().filter(|&byte| byte != b'_').collect();
    let value = match plain.as_slice() {
        [b'0', b'x' | b'X', rest @ ..] => parse_hexadecimal(rest)?,
        _ => parse_decimal(&plain)?,
    };
    if value.is_infinite() {
        return Err(NumberError::Range);
    }
    Ok(sign * value)
}

fn parse_decimal(text: &[u8]) -> Result<f64, NumberError> {
    // Rust's parser also takes names and a sign, which were dealt with above.
    if !text
        .first()
        .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
    {
        return Err(NumberError::Syntax);
    }
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(NumberError::Syntax)
}

/// A hexadecimal mantissa and its mandatory binary exponent.
fn parse_hexadecimal(text: &[u8]) -> Result<f64, NumberError> {
    let split = text
        .iter()
        .position(|byte| matches!(byte, b'p' | b'P'))
        .ok_or(NumberError::Syntax)?;
    let (mantissa, exponent) = text.split_at(split);
    let exponent = match exponent.get(1..).unwrap_or_default() {
        [sign @ (b'+' | b'-'), digits @ ..] => exponent_value(digits, *sign == b'-')?,
        digits => exponent_value(digits, false)?,
    };
    let mut bits: u64 = 0;
    let mut sticky = false;
    let mut scale: i64 = exponent;
    let (mut digits, mut point) = (0usize, false);
    for &byte in mantissa {
        if byte == b'.' {
            if point {
                return Err(NumberError::Syntax);
            }
            point = true;
            continue;
        }
        let digit = char::from(byte).to_digit(16).ok_or(NumberError::Syntax)?;
        digits += 1;
        if bits >> 60 == 0 {
            bits = bits << 4 | u64::from(digit);
            scale -= if point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            scale += if point { 0 } else { 4 };
        }
    }
    if digits == 0 {
        return Err(NumberError::Syntax);
    }
    Ok(scale_to_float(bits, sticky, scale))
}

fn exponent_value(digits: &[u8], negative: bool) -> Result<i64, NumberError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberError::Syntax);
    }
    let value = digits.iter().fold(0i64, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(100_000)
    });
    Ok(if negative { -value } else { value })
}

/// `bits * 2^scale`, rounded to nearest even; `sticky` says that nonzero bits
/// follow.
fn scale_to_float(bits: u64, sticky: bool, scale: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let high = 63 - i64::from(bits.leading_zeros());
    let exponent = high + scale;
    if exponent > 1023 {
        return f64::INFINITY;
    }
    // The weight of the last kept bit; subnormal numbers keep fewer.
    let unit = (exponent - 52).max(-1074);
    let drop = unit - scale;
    let mantissa = if drop <= 0 {
        bits << (-drop).clamp(0, 63)
    } else if drop > 64 {
        0
    } else {
        let wide = u128::from(bits);
        let kept = wide >> drop;
        let rest = wide & ((1u128 << drop) - 1);
        let half = 1u128 << (drop - 1);
        let up = rest > half || rest == half && (sticky || kept & 1 == 1);
        u64::try_from(kept + u128::from(up)).unwrap_or(u64::MAX)
    };
    mantissa as f64 * pow2(unit)
}

fn pow2(exponent: i64) -> f64 {
    let clamped = exponent.clamp(-1074, 1023);
    if clamped >= -1022 {
        f64::from_bits(u64::try_from(clamped + 1023).unwrap_or_default() << 52)
    } else {
        f64::from_bits(1u64 << u32::try_from(clamped + 1074).unwrap_or_default())
    }
}

/// Go's `FormatFloat` for 64 bits. `format` is one of `e E f g G b x X`;
/// no precision asks for the shortest text that reads back the same.
pub(crate) fn format_float(value: f64, format: u8, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match format {
        b'e' | b'E' => with_exponent(value, precision, format),
        b'f' => match precision {
            Some(precision) => fixed(value, precision),
            None => format!("{value}"),
        },
        b'g' | b'G' => general(value, precision, format),
        b'b' => binary(value),
        _ => hexadecimal(value, precision, format),
    }
}

/// No float has more digits than these; zeros follow. (Rust's formatting
/// takes no precision beyond 65,535.)
const MOST_DIGITS: usize = 1_100;

fn fixed(value: f64, precision: usize) -> String {
    let zeros = precision.saturating_sub(MOST_DIGITS);
    format!(
        "{value:.*}{}",
        precision.min(MOST_DIGITS),
        "0".repeat(zeros)
    )
}

fn with_exponent(value: f64, precision: Option<usize>, format: u8) -> String {
    let text = match precision {
        Some(precision) => format!("{value:.*e}", precision.min(MOST_DIGITS)),
        None => format!("{value:e}"),
    };
    let zeros = precision.unwrap_or(0).saturating_sub(MOST_DIGITS);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = format!("{mantissa}{}", "0".repeat(zeros));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}{}{sign}{digits:0>2}", char::from(format))
}

fn general(value: f64, precision: Option<usize>, format: u8) -> String {
    let shortest = precision.is_none();
    let precision = precision.map(|precision| precision.max(1));
    let scientific = match precision {
        Some(precision) => format!("{value:.*e}", (precision - 1).min(MOST_DIGITS)),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i64 = exponent.parse().unwrap_or_default();
    // Trailing zeros are no digits of the number.
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = digits.trim_end_matches('0').len().max(1);
    let point = exponent + 1;
    let mut threshold = precision.map_or(6, |p| i64::try_from(p).unwrap_or(i64::MAX));
    let count_signed = i64::try_from(count).unwrap_or(i64::MAX);
    if threshold > count_signed && count_signed >= point {
        threshold = count_signed;
    }
    if shortest {
        threshold = 6;
    }
    if exponent < -4 || exponent >= threshold {
        let decimals = count - 1;
        let used = match precision {
            Some(precision) => decimals.min(precision - 1),
            None => decimals,
        };
        return with_exponent(value, Some(used), if format == b'g' { b'e' } else { b'E' });
    }
    let decimals = usize::try_from((count_signed - point).max(0)).unwrap_or_default();
    fixed(value, decimals)
}

fn binary(value: f64) -> String {
    let bits = value.to_bits();
    let exponent = i64::try_from(bits >> 52 & 0x7FF).unwrap_or_default();
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = if exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, exponent - 1075)
    };
    let sign = if value.is_sign_negative() { "-" } else { "" };
    format!("{sign}{mantissa}p{exponent:+}")
}

fn hexadecimal(value: f64, precision: Option<usize>, format: u8) -> String {
    let bits = value.to_bits();
    let mut mantissa = bits & ((1 << 52) - 1);
    let biased = i64::try_from(bits >> 52 & 0x7FF).unwrap_or_default();
    let mut exponent = if biased == 0 { -1022 } else { biased - 1023 };
    if biased != 0 {
        mantissa |= 1 << 52;
    }
    if mantissa == 0 {
        exponent = 0;
    }
    // One leading bit, sixty fraction bits.
    mantissa <<= 8;
    while mantissa != 0 && mantissa & 1 << 60 == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|&precision| precision < 15) {
        let shift = precision * 4;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & 1 << 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut out = String::new();
    if value.is_sign_negative() {
        out.push('-');
    }
    out.push_str("0x");
    out.push(if mantissa >> 60 & 1 == 1 { '1' } else { '0' });
    let mut fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    match precision {
        Some(precision) => {
            while fraction.len() < precision {
                fraction.push('0');
            }
            fraction.truncate(precision);
        }
        None => fraction.truncate(fraction.trim_end_matches('0').len()),
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(&fraction);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out.push_str(&format!("p{sign}{:02}", exponent.unsigned_abs()));
    if format == b'X' {
        out.to_uppercase()
    } else {
        out
    }
}
