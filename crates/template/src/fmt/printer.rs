//! One value under one verb.

use super::structure;
use crate::budget::Budget;
use crate::buffer::Buffer;
use crate::error::Outcome;
use crate::heap::{Element, Heap, List};
use crate::strconv::{can_backquote, quote};
use crate::text::{Text, decode_rune, rune_count, runes, upto};
use crate::value::{Kind, Value};

/// Writes values as the flags say.
pub(crate) struct Printer<'a> {
    pub(super) heap: &'a Heap,
    pub(super) budget: &'a mut Budget,
    pub(super) out: &'a mut Buffer,
    pub(super) flags: Flags,
    /// Inside the report of a bad verb, where no method is called.
    pub(super) erroring: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) plus_v: bool,
    pub(super) sharp_v: bool,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(heap: &'a Heap, budget: &'a mut Budget, out: &'a mut Buffer) -> Self {
        Printer {
            heap,
            budget,
            out,
            flags: Flags::default(),
            erroring: false,
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.out.push(self.budget, bytes)
    }

    /// An operand (Go's `printArg`).
    pub(crate) fn value(&mut self, value: &Value, verb: char) -> Outcome<()> {
        if value.is_nil() {
            return match verb {
                'T' | 'v' => self.pad(b"<nil>"),
                _ => self.bad_verb(value, verb),
            };
        }
        match verb {
            'T' => self.string(value.type_name().as_bytes()),
            'p' => self.pointer(value),
            _ => self.nested(value, verb, 0),
        }
    }

    /// Go's `%p`, whose addresses mean nothing here.
    fn pointer(&mut self, value: &Value) -> Outcome<()> {
        match value.kind() {
            Kind::Map | Kind::Slice | Kind::Ptr => self.pad(b"0xc000000000"),
            _ => self.bad_verb(value, 'p'),
        }
    }

    /// A value `depth` levels inside the operand (Go's `printValue`).
    pub(super) fn nested(&mut self, value: &Value, verb: char, depth: usize) -> Outcome<()> {
        self.budget.step(1)?;
        if verb == 'w' {
            return self.bad_verb(value, verb);
        }
        if !self.erroring
            && !self.flags.sharp_v
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = structure::stringer(value)
        {
            return self.text(text.as_bytes(), verb, value);
        }
        if let Some(text) =
            structure::go_stringer(value).filter(|_| self.flags.sharp_v && !self.erroring)
        {
            return self.string(text.as_bytes());
        }
        match value {
            Value::Invalid | Value::Nil => self.nil_element(value, verb),
            Value::Bool(bool) => match verb {
                't' | 'v' => self.pad(if *bool { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Float(float) => self.float(*float, verb, value),
            Value::Complex(real, imaginary) => self.complex(*real, *imaginary, verb, value),
            Value::Text(text) => self.text(text.as_bytes(), verb, value),
            Value::List(list) => self.list(list, verb, depth),
            Value::Dict(id) => {
                let entries = self.heap.entries(*id);
                let items = entries.iter().map(|(key, value)| (key, value.clone()));
                self.map(value, items, id.is_none(), verb, depth)
            }
            Value::StringMap(map) => {
                let items = map
                    .iter()
                    .map(|(key, text)| (key, Value::Text(text.clone())));
                self.map(value, items, false, verb, depth)
            }
            Value::Time(_) | Value::Location(_) | Value::Version { .. } | Value::Certificate(_) => {
                self.structure(value, verb, depth)
            }
            _ => self.integer_value(value, verb),
        }
    }

    fn integer_value(&mut self, value: &Value, verb: char) -> Outcome<()> {
        match (value.signed(), value.unsigned()) {
            (Some(n), _) => self.integer(n.cast_unsigned(), true, verb, value),
            (None, n) => self.integer(n.unwrap_or_default(), false, verb, value),
        }
    }

    fn nil_element(&mut self, value: &Value, verb: char) -> Outcome<()> {
        if self.flags.sharp_v {
            return self.write(b"interface {}(nil)");
        }
        match verb {
            // Go looks only at the interface here, never at the verb.
            _ if matches!(value, Value::Nil) => self.write(b"<nil>"),
            'v' => self.write(b"<nil>"),
            _ => self.bad_verb(value, verb),
        }
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) -> Outcome<()> {
        if list.element == Element::Byte && matches!(verb, 's' | 'q' | 'x' | 'X') {
            let bytes: Vec<u8> = self
                .heap
                .to_vec(list)
                .iter()
                .filter_map(|value| u8::try_from(value.unsigned()?).ok())
                .collect();
            return self.text(&bytes, verb, &Value::Invalid);
        }
        let (open, between, close): (&[u8], &[u8], &[u8]) = if self.flags.sharp_v {
            self.write(list.element.slice_type().as_bytes())?;
            if list.is_nil() {
                return self.write(b"(nil)");
            }
            (b"{", b", ", b"}")
        } else {
            (b"[", b" ", b"]")
        };
        self.write(open)?;
        for index in 0..list.len() {
            if index > 0 {
                self.write(between)?;
            }
            let item = self.heap.item(list, index).unwrap_or(Value::Invalid);
            self.inner(&item, verb, depth)?;
        }
        self.write(close)
    }

    fn map<'k>(
        &mut self,
        value: &Value,
        entries: impl Iterator<Item = (&'k Text, Value)>,
        nil: bool,
        verb: char,
        depth: usize,
    ) -> Outcome<()> {
        let (open, between, close): (&[u8], &[u8], &[u8]) = if self.flags.sharp_v {
            self.write(value.type_name().as_bytes())?;
            if nil {
                return self.write(b"(nil)");
            }
            (b"{", b", ", b"}")
        } else {
            (b"map[", b" ", b"]")
        };
        self.write(open)?;
        for (index, (key, value)) in entries.enumerate() {
            if index > 0 {
                self.write(between)?;
            }
            self.nested(&Value::Text(key.clone()), verb, depth + 1)?;
            self.write(b":")?;
            self.inner(&value, verb, depth)?;
        }
        self.write(close)
    }

    fn structure(&mut self, value: &Value, verb: char, depth: usize) -> Outcome<()> {
        let pointer = value.kind() == Kind::Ptr;
        if pointer {
            if depth > 0 {
                return self.write(b"0xc000000000");
            }
            self.write(b"&")?;
        }
        if self.flags.sharp_v {
            self.write(value.type_name().trim_start_matches('*').as_bytes())?;
        }
        self.write(b"{")?;
        for (index, (name, field)) in structure::fields(value).into_iter().enumerate() {
            if index > 0 {
                self.write(if self.flags.sharp_v { b", " } else { b" " })?;
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.write(name.as_bytes())?;
                self.write(b":")?;
            }
            self.inner(&field, verb, depth)?;
        }
        self.write(b"}")
    }

    fn inner(&mut self, value: &Value, verb: char, depth: usize) -> Outcome<()> {
        Budget::deeper(
            self,
            |printer| printer.budget,
            |printer| printer.nested(value, verb, depth + 1),
        )
    }

    /// A string under a verb (Go's `fmtString`); `value` is what to report.
    pub(super) fn text(&mut self, text: &[u8], verb: char, value: &Value) -> Outcome<()> {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.string(text),
            'q' => self.quoted(text),
            'x' => self.hexadecimal(text, b"0123456789abcdefx"),
            'X' => self.hexadecimal(text, b"0123456789ABCDEFX"),
            _ => self.bad_verb(value, verb),
        }
    }

    pub(super) fn string(&mut self, text: &[u8]) -> Outcome<()> {
        self.pad(self.truncated(text))
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else {
            return text;
        };
        match runes(text).nth(precision) {
            Some((at, ..)) => upto(text, at),
            None => text,
        }
    }

    fn quoted(&mut self, text: &[u8]) -> Outcome<()> {
        let text = self.truncated(text);
        self.budget.allocate(text.len() * 4)?;
        if self.flags.sharp && can_backquote(text) {
            return self.pad(&[b"`", text, b"`"].concat());
        }
        self.pad(&quote(text, self.flags.plus))
    }

    fn hexadecimal(&mut self, text: &[u8], digits: &[u8; 17]) -> Outcome<()> {
        let text = upto(text, self.flags.precision.unwrap_or(text.len()));
        let Flags { space, sharp, .. } = self.flags;
        if text.is_empty() {
            return self.padding(self.flags.width.unwrap_or(0));
        }
        self.budget.allocate(text.len() * 5)?;
        let digit = |n: u8| digits.get(usize::from(n)).copied().unwrap_or(b'0');
        let mut out = Vec::with_capacity(text.len() * 5);
        for (index, byte) in text.iter().enumerate() {
            if space && index > 0 {
                out.push(b' ');
            }
            if sharp && (space || index == 0) {
                out.extend([b'0', digit(16)]);
            }
            out.extend([digit(byte >> 4), digit(byte & 15)]);
        }
        let padding = self.flags.width.unwrap_or(0).saturating_sub(out.len());
        if self.flags.minus {
            self.write(&out)?;
            self.padding(padding)
        } else {
            self.padding(padding)?;
            self.write(&out)
        }
    }

    /// Pads to the width, counted in runes.
    pub(super) fn pad(&mut self, text: &[u8]) -> Outcome<()> {
        let width = match self.flags.width {
            None | Some(0) => return self.write(text),
            Some(width) => width,
        };
        let padding = width.saturating_sub(rune_count(text));
        if self.flags.minus {
            self.write(text)?;
            self.padding(padding)
        } else {
            self.padding(padding)?;
            self.write(text)
        }
    }

    pub(super) fn padding(&mut self, count: usize) -> Outcome<()> {
        let zeros = self.flags.zero && !self.flags.minus;
        self.out
            .pad(self.budget, if zeros { b'0' } else { b' ' }, count)
    }

    /// Pads text that a zero flag must not touch.
    pub(super) fn pad_with_spaces(&mut self, text: &[u8]) -> Outcome<()> {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        let result = self.pad(text);
        self.flags.zero = zero;
        result
    }

    /// `%!verb(type=value)`.
    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) -> Outcome<()> {
        let outer = std::mem::replace(&mut self.erroring, true);
        self.write(b"%!")?;
        self.out.push_rune(self.budget, verb)?;
        self.write(b"(")?;
        if value.is_nil() {
            self.write(b"<nil>")?;
        } else {
            self.write(value.type_name().as_bytes())?;
            self.write(b"=")?;
            self.nested(value, 'v', 0)?;
        }
        self.erroring = outer;
        self.write(b")")
    }
}

/// The rune of an integer: U+FFFD if it is none.
pub(super) fn rune_of(number: u64) -> char {
    u32::try_from(number)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(decode_rune(b"").0)
}
