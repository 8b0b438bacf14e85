//! String and character literals.

use crate::text::{decode_rune, from, push_rune};

/// The value of a literal in double quotes or backquotes, quotes included in
/// `literal`; nothing if it is malformed.
pub(crate) fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    match literal {
        [b'`', inner @ .., b'`'] => Some(
            inner
                .iter()
                .copied()
                .filter(|&byte| byte != b'\r')
                .collect(),
        ),
        [b'"', inner @ .., b'"'] => {
            if !inner.contains(&b'\\') && std::str::from_utf8(inner).is_ok() {
                return Some(inner.to_vec());
            }
            let mut out = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while !rest.is_empty() {
                let (unit, tail) = unquote_unit(rest, b'"')?;
                match unit {
                    Unit::Byte(byte) => out.push(byte),
                    Unit::Rune(rune) => push_rune(&mut out, rune),
                }
                rest = tail;
            }
            Some(out)
        }
        _ => None,
    }
}

/// The value of a character constant such as `'a'`, quotes included.
pub(crate) fn unquote_char_constant(literal: &[u8]) -> Option<u32> {
    let (unit, tail) = unquote_unit(from(literal, 1), b'\'')?;
    if tail != b"'" {
        return None;
    }
    Some(match unit {
        Unit::Byte(byte) => u32::from(byte),
        Unit::Rune(rune) => u32::from(rune),
    })
}

enum Unit {
    Byte(u8),
    Rune(char),
}

/// Decodes one character or escape sequence (Go's `UnquoteChar`).
fn unquote_unit(text: &[u8], quote: u8) -> Option<(Unit, &[u8])> {
    let (&first, after) = text.split_first()?;
    if first == quote {
        return None;
    }
    if first >= 0x80 {
        let (rune, width) = decode_rune(text);
        return Some((Unit::Rune(rune), from(text, width)));
    }
    if first != b'\\' {
        return Some((Unit::Byte(first), after));
    }
    let (&escape, rest) = after.split_first()?;
    let simple = |byte| Some((Unit::Byte(byte), rest));
    match escape {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' if escape == quote => simple(escape),
        b'x' => {
            let (value, tail) = digits(rest, 2, 16)?;
            Some((Unit::Byte(u8::try_from(value).ok()?), tail))
        }
        b'u' | b'U' => {
            let (value, tail) = digits(rest, if escape == b'u' { 4 } else { 8 }, 16)?;
            Some((Unit::Rune(char::from_u32(value)?), tail))
        }
        b'0'..=b'7' => {
            let (value, tail) = digits(after, 3, 8)?;
            Some((Unit::Byte(u8::try_from(value).ok()?), tail))
        }
        _ => None,
    }
}

fn digits(text: &[u8], count: usize, radix: u32) -> Option<(u32, &[u8])> {
    let (head, tail) = text.split_at_checked(count)?;
    let mut value: u32 = 0;
    for &byte in head {
        value = value
            .checked_mul(radix)?
            .checked_add(char::from(byte).to_digit(radix)?)?;
    }
    Some((value, tail))
}
