//! Format strings.

use super::printer::{Flags, Printer};
use crate::buffer::Buffer;
use crate::error::Outcome;
use crate::functions::Run;
use crate::text::{Text, decode_rune, from, part};
use crate::value::Value;

/// Go's `Sprintf`.
pub(crate) fn printf(run: &mut Run<'_>, format: &[u8], values: &[Value]) -> Outcome<Text> {
    let mut out = Buffer::new();
    let mut state = State {
        format,
        values,
        at: 0,
        next: 0,
        reordered: false,
        good_index: true,
        after_index: false,
        printer: Printer::new(&run.heap, run.budget, &mut out),
    };
    state.all()?;
    Ok(out.into_text())
}

struct State<'a, 'p> {
    format: &'a [u8],
    values: &'a [Value],
    at: usize,
    /// The operand that the next verb takes.
    next: usize,
    reordered: bool,
    good_index: bool,
    after_index: bool,
    printer: Printer<'p>,
}

/// Larger widths and precisions count as malformed.
const LARGEST: i64 = 1_000_000;

impl State<'_, '_> {
    fn all(&mut self) -> Outcome<()> {
        while self.at < self.format.len() {
            self.good_index = true;
            let rest = from(self.format, self.at);
            let literal = rest
                .iter()
                .position(|&byte| byte == b'%')
                .unwrap_or(rest.len());
            self.printer.write(part(rest, 0..literal))?;
            self.at += literal + 1;
            if literal == rest.len() {
                break;
            }
            self.printer.flags = Flags::default();
            if !self.verb()? {
                break;
            }
        }
        self.extra()
    }

    fn byte(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// One verb with its flags; false if the format ended before it.
    fn verb(&mut self) -> Outcome<bool> {
        if self.simple_flags()? {
            return Ok(true);
        }
        self.after_index = false;
        self.index();
        self.width()?;
        self.precision()?;
        if !self.after_index {
            self.index();
        }
        let (verb, width) = decode_rune(from(self.format, self.at));
        if width == 0 {
            self.printer.write(b"%!(NOVERB)")?;
            return Ok(false);
        }
        self.at += width;
        match verb {
            '%' => self.printer.write(b"%")?,
            _ if !self.good_index => self.complain(verb, b"(BADINDEX)")?,
            _ => match self.values.get(self.next) {
                None => self.complain(verb, b"(MISSING)")?,
                Some(value) => {
                    self.print(value, verb)?;
                    self.next += 1;
                }
            },
        }
        Ok(true)
    }

    /// Flags; true if a lower-case verb followed at once and is done.
    fn simple_flags(&mut self) -> Outcome<bool> {
        while let Some(byte) = self.byte() {
            let flags = &mut self.printer.flags;
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                b'a'..=b'z' => {
                    let Some(value) = self.values.get(self.next) else {
                        return Ok(false);
                    };
                    self.print(value, char::from(byte))?;
                    self.next += 1;
                    self.at += 1;
                    return Ok(true);
                }
                _ => return Ok(false),
            }
            self.at += 1;
        }
        Ok(false)
    }

    fn print(&mut self, value: &Value, verb: char) -> Outcome<()> {
        let flags = &mut self.printer.flags;
        if matches!(verb, 'v' | 'w') {
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        self.printer.value(value, verb)
    }

    fn complain(&mut self, verb: char, what: &[u8]) -> Outcome<()> {
        self.printer.write(b"%!")?;
        self.printer.out.push_rune(self.printer.budget, verb)?;
        self.printer.write(what)
    }

    fn width(&mut self) -> Outcome<()> {
        if self.byte() == Some(b'*') {
            self.at += 1;
            match self.star() {
                Some(width) => {
                    self.printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
                    if width < 0 {
                        self.printer.flags.minus = true;
                        self.printer.flags.zero = false;
                    }
                }
                None => self.printer.write(b"%!(BADWIDTH)")?,
            }
            self.after_index = false;
            return Ok(());
        }
        let width = self.number();
        self.printer.flags.width = width;
        if self.after_index && width.is_some() {
            self.good_index = false;
        }
        Ok(())
    }

    fn precision(&mut self) -> Outcome<()> {
        // A point that ends the format is taken for the verb.
        if self.byte() != Some(b'.') || self.at + 1 >= self.format.len() {
            return Ok(());
        }
        self.at += 1;
        if self.after_index {
            self.good_index = false;
        }
        self.index();
        if self.byte() == Some(b'*') {
            self.at += 1;
            let precision = self.star().filter(|&precision| precision >= 0);
            self.printer.flags.precision = precision.and_then(|p| usize::try_from(p).ok());
            if precision.is_none() {
                self.printer.write(b"%!(BADPREC)")?;
            }
            self.after_index = false;
        } else {
            self.printer.flags.precision = Some(self.number().unwrap_or(0));
        }
        Ok(())
    }

    /// The operand that a `*` takes, if it is an integer of sensible size.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        let number = match (value.signed(), value.unsigned()) {
            (Some(number), _) => number,
            (None, number) => i64::try_from(number?).ok()?,
        };
        (-LARGEST..=LARGEST).contains(&number).then_some(number)
    }

    /// Decimal digits; one that is far too large swallows the whole format.
    fn number(&mut self) -> Option<usize> {
        let (number, end) = parse_number(self.format, self.at, self.format.len());
        self.at = end;
        number
    }

    /// An explicit operand index such as `[2]`.
    fn index(&mut self) {
        self.after_index = false;
        let rest = from(self.format, self.at);
        if rest.first() != Some(&b'[') {
            return;
        }
        self.reordered = true;
        let close = rest.iter().position(|&byte| byte == b']');
        let (index, width) = match close.filter(|_| rest.len() >= 3) {
            None => (None, 1),
            Some(close) => {
                let (number, end) = parse_number(rest, 1, close);
                let whole = number.filter(|_| end == close);
                (whole, close + 1)
            }
        };
        self.at += width;
        match index.and_then(|index| index.checked_sub(1)) {
            Some(index) if index < self.values.len() => {
                self.next = index;
                self.after_index = true;
            }
            _ => {
                self.good_index = false;
                self.after_index = index.is_some();
            }
        }
    }

    /// Operands that no verb took.
    fn extra(&mut self) -> Outcome<()> {
        let Some(left) = self.values.get(self.next..).filter(|left| !left.is_empty()) else {
            return Ok(());
        };
        if self.reordered {
            return Ok(());
        }
        self.printer.flags = Flags::default();
        self.printer.write(b"%!(EXTRA ")?;
        for (index, value) in left.iter().enumerate() {
            if index > 0 {
                self.printer.write(b", ")?;
            }
            if !value.is_nil() {
                self.printer.write(value.type_name().as_bytes())?;
                self.printer.write(b"=")?;
            }
            self.printer.value(value, 'v')?;
        }
        self.printer.write(b")")
    }
}

fn parse_number(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let mut number: Option<usize> = None;
    let mut at = start;
    while at < end {
        let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit()) else {
            break;
        };
        let value = number.unwrap_or(0);
        if value > 1_000_000 {
            return (None, end);
        }
        number = Some(value * 10 + usize::from(digit - b'0'));
        at += 1;
    }
    (number, at.max(start.min(end)))
}
