//! Integers, floats and complex numbers.

use super::printer::{Flags, Printer, rune_of};
use crate::error::Outcome;
use crate::strconv::{format_float, quote_rune};
use crate::text::push_rune;
use crate::unicode::is_print;
use crate::value::Value;

impl Printer<'_> {
    pub(super) fn integer(
        &mut self,
        bits: u64,
        signed: bool,
        verb: char,
        value: &Value,
    ) -> Outcome<()> {
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                let result = self.digits(bits, signed, 16, verb);
                self.flags.sharp = sharp;
                result
            }
            'v' | 'd' => self.digits(bits, signed, 10, verb),
            'b' => self.digits(bits, signed, 2, verb),
            'o' | 'O' => self.digits(bits, signed, 8, verb),
            'x' | 'X' => self.digits(bits, signed, 16, verb),
            'c' => {
                let mut text = Vec::new();
                push_rune(&mut text, rune_of(bits));
                self.pad(&text)
            }
            'q' => self.pad(&quote_rune(rune_of(bits), self.flags.plus)),
            'U' => self.unicode(bits),
            _ => self.bad_verb(value, verb),
        }
    }

    fn digits(&mut self, bits: u64, signed: bool, base: u32, verb: char) -> Outcome<()> {
        let Flags {
            width,
            precision,
            minus,
            plus,
            sharp,
            space,
            zero,
            ..
        } = self.flags;
        let negative = signed && bits.cast_signed() < 0;
        let magnitude = if negative { bits.wrapping_neg() } else { bits };
        let least = match precision {
            Some(0) if magnitude == 0 => {
                let zero = std::mem::replace(&mut self.flags.zero, false);
                let result = self.padding(width.unwrap_or(0));
                self.flags.zero = zero;
                return result;
            }
            Some(precision) => precision,
            None if zero && !minus => {
                let signs = usize::from(negative || plus || space);
                width.unwrap_or(0).saturating_sub(signs)
            }
            None => 0,
        };
        let mut body = match base {
            2 => format!("{magnitude:b}"),
            8 => format!("{magnitude:o}"),
            16 if verb == 'X' => format!("{magnitude:X}"),
            16 => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        self.budget.allocate(least)?;
        if body.len() < least {
            body.insert_str(0, &"0".repeat(least - body.len()));
        }
        let prefix = match (base, verb) {
            (_, 'O') => "0o",
            (2, _) if sharp => "0b",
            (8, _) if sharp && !body.starts_with('0') => "0",
            (16, 'X') if sharp => "0X",
            (16, _) if sharp => "0x",
            _ => "",
        };
        let sign = match (negative, plus, space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        self.pad_with_spaces(format!("{sign}{prefix}{body}").as_bytes())
    }

    /// `U+0041`, and with `#` the character itself.
    fn unicode(&mut self, bits: u64) -> Outcome<()> {
        let least = self.flags.precision.unwrap_or(4).max(4);
        self.budget.allocate(least)?;
        let digits = format!("{bits:X}");
        let mut text = format!(
            "U+{}{digits}",
            "0".repeat(least.saturating_sub(digits.len()))
        );
        if self.flags.sharp
            && let Some(rune) = u32::try_from(bits).ok().and_then(char::from_u32)
            && is_print(rune)
        {
            text.push_str(&format!(" '{rune}'"));
        }
        self.pad_with_spaces(text.as_bytes())
    }

    pub(super) fn float(&mut self, float: f64, verb: char, value: &Value) -> Outcome<()> {
        match verb {
            'v' => self.formatted(float, b'g', None, verb),
            'b' | 'g' | 'G' | 'x' | 'X' => self.formatted(float, verb as u8, None, verb),
            'f' | 'e' | 'E' => self.formatted(float, verb as u8, Some(6), verb),
            'F' => self.formatted(float, b'f', Some(6), verb),
            _ => self.bad_verb(value, verb),
        }
    }

    pub(super) fn complex(
        &mut self,
        real: f64,
        imaginary: f64,
        verb: char,
        value: &Value,
    ) -> Outcome<()> {
        if !matches!(
            verb,
            'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E'
        ) {
            return self.bad_verb(value, verb);
        }
        self.write(b"(")?;
        self.float(real, verb, value)?;
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(imaginary, verb, value)?;
        self.flags.plus = plus;
        self.write(b"i)")
    }

    fn formatted(
        &mut self,
        float: f64,
        format: u8,
        precision: Option<usize>,
        verb: char,
    ) -> Outcome<()> {
        let precision = self.flags.precision.or(precision);
        self.budget.allocate(precision.unwrap_or(0) + 400)?;
        self.budget.step(precision.unwrap_or(0) as u64 / 8)?;
        let text = format_float(float, format, precision);
        // The sign apart from the digits, as padding goes between them.
        let (sign, mut digits) = match text.as_bytes().first() {
            Some(b'-') => (b'-', text.get(1..).unwrap_or_default().to_owned()),
            Some(b'+') => (b'+', text.get(1..).unwrap_or_default().to_owned()),
            _ => (b'+', text),
        };
        let Flags { plus, space, .. } = self.flags;
        let sign = if space && sign == b'+' && !plus {
            b' '
        } else {
            sign
        };
        if !float.is_finite() {
            // Infinity keeps its sign even where numbers have none.
            let bare = float.is_nan() && !space && !plus;
            let shown = if bare {
                digits
            } else {
                format!("{}{digits}", char::from(sign))
            };
            return self.pad_with_spaces(shown.as_bytes());
        }
        if self.flags.sharp && format != b'b' {
            digits = with_all_digits(&digits, format, verb, precision);
        }
        if !plus && sign == b'+' {
            return self.pad(digits.as_bytes());
        }
        let Flags {
            zero, minus, width, ..
        } = self.flags;
        let length = digits.len() + 1;
        match width {
            Some(width) if zero && !minus && width > length => {
                self.write(&[sign])?;
                self.padding(width - length)?;
                self.write(digits.as_bytes())
            }
            _ => self.pad(format!("{}{digits}", char::from(sign)).as_bytes()),
        }
    }
}

/// The `#` flag: always a point, and for `%g` no removed zeros.
fn with_all_digits(digits: &str, format: u8, verb: char, precision: Option<usize>) -> String {
    let mut wanted = match format {
        b'g' | b'G' | b'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let tail_at = digits
        .find(|c: char| match c {
            'p' | 'P' => true,
            'e' | 'E' => !matches!(verb, 'x' | 'X'),
            _ => false,
        })
        .unwrap_or(digits.len());
    let (head, tail) = digits.split_at(tail_at);
    let mut seen_nonzero = false;
    for c in head.chars().filter(|&c| c != '.') {
        seen_nonzero |= c != '0';
        if seen_nonzero {
            wanted = wanted.saturating_sub(1);
        }
    }
    let mut out = head.to_owned();
    if !head.contains('.') {
        if head == "0" {
            wanted = wanted.saturating_sub(1);
        }
        out.push('.');
    }
    out.push_str(&"0".repeat(wanted));
    out.push_str(tail);
    out
}
