//! Number literals (Go's `parse.NumberNode`).

use crate::ast::Number;
use crate::strconv::{NumberError, parse_float, parse_int, parse_uint, unquote_char_constant};
use crate::text::{from, upto};

pub(super) fn char_constant(literal: &[u8]) -> Result<Number, &'static str> {
    let rune = unquote_char_constant(literal).ok_or("malformed character constant")?;
    Ok(Number {
        int: Some(i64::from(rune)),
        uint: Some(u64::from(rune)),
        float: Some(f64::from(rune)),
        ..Number::default()
    })
}

pub(super) fn complex(literal: &[u8]) -> Result<Number, &'static str> {
    const BAD: &str = "illegal number syntax";
    let split = literal
        .iter()
        .enumerate()
        .skip(1)
        .filter(|&(at, byte)| {
            matches!(byte, b'+' | b'-')
                && !matches!(literal.get(at - 1), Some(b'e' | b'E' | b'p' | b'P'))
        })
        .map(|(at, _)| at)
        .next_back()
        .ok_or(BAD)?;
    let real = parse_float(upto(literal, split)).map_err(|_| BAD)?;
    let imaginary = literal
        .get(split..literal.len().saturating_sub(1))
        .and_then(|text| parse_float(text).ok())
        .ok_or(BAD)?;
    Ok(simplified(real, imaginary))
}

pub(super) fn plain(literal: &[u8]) -> Result<Number, &'static str> {
    if let [number @ .., b'i'] = literal
        && let Ok(imaginary) = parse_float(number)
    {
        return Ok(simplified(0.0, imaginary));
    }
    let mut number = Number {
        int: parse_int(literal, 0).ok(),
        uint: parse_uint(literal, 0).ok(),
        ..Number::default()
    };
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    let fractional = literal
        .iter()
        .any(|byte| matches!(byte, b'.' | b'e' | b'E' | b'p' | b'P'));
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Ok(float) = parse_float(literal) {
        if !fractional {
            return Err("integer overflow");
        }
        number.float = Some(float);
        number.int = exact_int(float);
        number.uint = exact_uint(float);
    } else if parse_float(literal) == Err(NumberError::Range) && !fractional {
        return Err("integer overflow");
    } else {
        return Err("illegal number syntax");
    }
    number.written_as_float = fractional && !is_hexadecimal_int(literal);
    Ok(number)
}

/// Of `0x1E`, whose E is a digit.
fn is_hexadecimal_int(literal: &[u8]) -> bool {
    matches!(upto(literal, 2), b"0x" | b"0X")
        && literal.len() > 2
        && !from(literal, 2)
            .iter()
            .any(|byte| matches!(byte, b'p' | b'P'))
}

fn simplified(real: f64, imaginary: f64) -> Number {
    let mut number = Number {
        complex: Some((real, imaginary)),
        ..Number::default()
    };
    if imaginary == 0.0 {
        number.float = Some(real);
        number.int = exact_int(real);
        number.uint = exact_uint(real);
    }
    number
}

fn exact_int(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float && float < 9_223_372_036_854_775_808.0).then_some(int)
}

fn exact_uint(float: f64) -> Option<u64> {
    let uint = float as u64;
    (uint as f64 == float && float < 18_446_744_073_709_551_616.0).then_some(uint)
}
