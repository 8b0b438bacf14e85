//! Go's `%q`.

use crate::text::{decode_rune, from, push_rune, runes, upto};
use crate::unicode::is_print;

/// Quotes as a Go string literal; `ascii` escapes everything beyond ASCII.
pub(crate) fn quote(text: &[u8], ascii: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 2 + 8);
    out.push(b'"');
    let mut at = 0;
    while at < text.len() {
        let rest = from(text, at);
        let plain = rest
            .iter()
            .take_while(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
            .count();
        out.extend_from_slice(upto(rest, plain));
        at += plain;
        let (rune, width) = decode_rune(from(text, at));
        if width == 0 {
            break;
        }
        if width == 1 && rune == char::REPLACEMENT_CHARACTER {
            push_hex_byte(&mut out, text.get(at).copied().unwrap_or_default());
        } else {
            push_escaped(&mut out, rune, '"', ascii);
        }
        at += width;
    }
    out.push(b'"');
    out
}

/// Quotes as a Go character literal.
pub(crate) fn quote_rune(rune: char, ascii: bool) -> Vec<u8> {
    let mut out = vec![b'\''];
    push_escaped(&mut out, rune, '\'', ascii);
    out.push(b'\'');
    out
}

/// Whether the text can stand unchanged between backquotes.
pub(crate) fn can_backquote(text: &[u8]) -> bool {
    runes(text).all(|(_, rune, width)| match rune {
        '\u{FEFF}' => false,
        char::REPLACEMENT_CHARACTER => width > 1,
        '\t' => true,
        '`' | '\u{7F}' => false,
        _ => rune >= ' ',
    })
}

fn push_escaped(out: &mut Vec<u8>, rune: char, quote: char, ascii: bool) {
    if rune == quote || rune == '\\' {
        out.push(b'\\');
        push_rune(out, rune);
        return;
    }
    if is_print(rune) && (!ascii || rune.is_ascii()) {
        push_rune(out, rune);
        return;
    }
    match rune {
        '\u{7}' => out.extend_from_slice(b"\\a"),
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\u{C}' => out.extend_from_slice(b"\\f"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\u{B}' => out.extend_from_slice(b"\\v"),
        _ => {
            let code = u32::from(rune);
            let (escape, digits) = match code {
                0..0x20 | 0x7F => (b"\\x", 2),
                0..0x1_0000 => (b"\\u", 4),
                _ => (b"\\U", 8),
            };
            out.extend_from_slice(escape);
            push_hex(out, code, digits);
        }
    }
}

fn push_hex_byte(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(b"\\x");
    push_hex(out, byte.into(), 2);
}

fn push_hex(out: &mut Vec<u8>, code: u32, digits: u32) {
    let nibbles = (0..digits).rev().map(|digit| (code >> (4 * digit)) & 0xF);
    out.extend(
        nibbles
            .filter_map(|nibble| char::from_digit(nibble, 16))
            .map(|hex| hex as u8),
    );
}
