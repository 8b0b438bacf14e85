//! Go's `strconv`: literals and numbers to and from text.

mod float;
mod quote;
mod unquote;

pub(crate) use float::{format_float, parse_float};
pub(crate) use quote::{can_backquote, quote, quote_rune};
pub(crate) use unquote::{unquote, unquote_char_constant};

/// Why a number could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberError {
    Syntax,
    Range,
}

/// Go's `ParseUint`: base 0 takes the base from the prefix and allows
/// underscores between digits.
pub(crate) fn parse_uint(text: &[u8], base: u32) -> Result<u64, NumberError> {
    let (digits, radix, underscores) = match (base, text) {
        (0, [b'0', b'x' | b'X', rest @ ..]) => (rest, 16, true),
        (0, [b'0', b'b' | b'B', rest @ ..]) => (rest, 2, true),
        (0, [b'0', b'o' | b'O', rest @ ..]) => (rest, 8, true),
        (0, [b'0', rest @ ..]) if !rest.is_empty() => (rest, 8, true),
        (0, _) => (text, 10, true),
        (radix, _) => (text, radix, false),
    };
    if digits.is_empty() || underscores && !underscores_ok(text) {
        return Err(NumberError::Syntax);
    }
    let mut value: u64 = 0;
    let mut overflow = false;
    for &byte in digits {
        if byte == b'_' && underscores {
            continue;
        }
        let digit = char::from(byte)
            .to_digit(radix)
            .ok_or(NumberError::Syntax)?;
        match value
            .checked_mul(u64::from(radix))
            .and_then(|v| v.checked_add(u64::from(digit)))
        {
            Some(next) => value = next,
            None => overflow = true,
        }
    }
    if overflow {
        return Err(NumberError::Range);
    }
    Ok(value)
}

/// Go's `ParseInt` into 64 bits.
pub(crate) fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value = parse_uint(digits, base)?;
    if negative {
        0i64.checked_sub_unsigned(value).ok_or(NumberError::Range)
    } else {
        i64::try_from(value).map_err(|_| NumberError::Range)
    }
}

/// Whether underscores stand only between digits or after a base prefix.
fn underscores_ok(text: &[u8]) -> bool {
    #[derive(PartialEq)]
    enum Saw {
        Begin,
        Digit,
        Underscore,
        Other,
    }
    let text = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    let (rest, mut saw, hexadecimal) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (rest, Saw::Digit, true),
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (rest, Saw::Digit, false),
        _ => (text, Saw::Begin, false),
    };
    for byte in rest {
        saw = match byte {
            b'0'..=b'9' => Saw::Digit,
            b'a'..=b'f' | b'A'..=b'F' if hexadecimal => Saw::Digit,
            b'_' if saw == Saw::Digit => Saw::Underscore,
            b'_' => return false,
            _ if saw == Saw::Underscore => return false,
            _ => Saw::Other,
        };
    }
    saw != Saw::Underscore
}
