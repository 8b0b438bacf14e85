use super::super::Run;
use crate::budget::Budget;
use crate::error::Outcome;
use crate::heap::{Dict, ENTRY, Element};
use crate::strconv::parse_float;
use crate::text::{Text, decode_rune, from, push_rune};
use crate::value::Value;

pub(super) struct Decoded {
    pub(super) value: Value,
    /// Such a number is nil, as Go leaves it.
    pub(super) number_out_of_range: bool,
}

/// Nothing if the text is not one JSON value.
pub(super) fn decode(run: &mut Run<'_>, text: &[u8]) -> Outcome<Option<Decoded>> {
    let mut decoder = Decoder {
        run,
        text,
        at: 0,
        number_out_of_range: false,
    };
    decoder.space();
    let Some(value) = decoder.value()? else {
        return Ok(None);
    };
    decoder.space();
    Ok((decoder.at == text.len()).then_some(Decoded {
        value,
        number_out_of_range: decoder.number_out_of_range,
    }))
}

struct Decoder<'r, 'b, 't> {
    run: &'r mut Run<'b>,
    text: &'t [u8],
    at: usize,
    number_out_of_range: bool,
}

/// A value, or nothing where the text is malformed.
type Parsed<T> = Outcome<Option<T>>;

impl<'t> Decoder<'_, '_, 't> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Parsed<Value> {
        self.run.budget.step(1)?;
        match self.peek() {
            Some(b'"') => Ok(self.string()?.map(Value::Text)),
            Some(b'[') => Budget::deeper(self, |decoder| decoder.run.budget, Self::list),
            Some(b'{') => Budget::deeper(self, |decoder| decoder.run.budget, Self::object),
            Some(b't') => Ok(self.word(b"true", Value::Bool(true))),
            Some(b'f') => Ok(self.word(b"false", Value::Bool(false))),
            Some(b'n') => Ok(self.word(b"null", Value::Nil)),
            _ => Ok(self.number()),
        }
    }

    fn word(&mut self, word: &[u8], value: Value) -> Option<Value> {
        from(self.text, self.at).starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && !self.digits() {
            return None;
        }
        if self.take(b'.') && !self.digits() {
            return None;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if !self.digits() {
                return None;
            }
        }
        let literal = self.text.get(start..self.at)?;
        Some(parse_float(literal).map_or_else(
            |_| {
                self.number_out_of_range = true;
                Value::Nil
            },
            Value::Float,
        ))
    }

    fn list(&mut self) -> Parsed<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if !self.take(b']') {
            loop {
                self.space();
                let Some(item) = self.value()? else {
                    return Ok(None);
                };
                self.run.budget.allocate(size_of::<Value>())?;
                items.push(item);
                self.space();
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return Ok(None);
                }
            }
        }
        self.run.grown_list(Element::Any, items).map(Some)
    }

    fn object(&mut self) -> Parsed<Value> {
        self.at += 1;
        let mut entries = Dict::new();
        self.space();
        if !self.take(b'}') {
            loop {
                self.space();
                if self.peek() != Some(b'"') {
                    return Ok(None);
                }
                let Some(key) = self.string()? else {
                    return Ok(None);
                };
                self.space();
                if !self.take(b':') {
                    return Ok(None);
                }
                self.space();
                let Some(value) = self.value()? else {
                    return Ok(None);
                };
                self.run.budget.allocate(ENTRY)?;
                entries.insert(key, value);
                self.space();
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return Ok(None);
                }
            }
        }
        self.run.dict(entries).map(Some)
    }

    fn string(&mut self) -> Parsed<Text> {
        self.at += 1;
        let start = self.at;
        let rest = from(self.text, start);
        let plain = rest
            .iter()
            .position(|&byte| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..))
            .unwrap_or(rest.len());
        self.run.budget.allocate(plain)?;
        let mut out = rest.get(..plain).unwrap_or_default().to_vec();
        self.at += plain;
        loop {
            let (rune, width) = decode_rune(from(self.text, self.at));
            self.at += width;
            match rune {
                _ if width == 0 => return Ok(None),
                '"' => break,
                '\0'..='\u{1F}' => return Ok(None),
                '\\' => match self.escape() {
                    Some(rune) => push_rune(&mut out, rune),
                    None => return Ok(None),
                },
                rune => push_rune(&mut out, rune),
            }
        }
        self.run.budget.allocate(out.len().saturating_sub(plain))?;
        Ok(Some(Text::new(out)))
    }

    fn escape(&mut self) -> Option<char> {
        let escape = self.peek()?;
        self.at += 1;
        Some(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hexadecimal(self.at)?;
                self.at += 4;
                // A pair of surrogates; one alone becomes U+FFFD.
                if let 0xD800..0xDC00 = first
                    && from(self.text, self.at).starts_with(b"\\u")
                    && let Some(second @ 0xDC00..0xE000) = self.hexadecimal(self.at + 2)
                {
                    self.at += 6;
                    let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                    return char::from_u32(code);
                }
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn hexadecimal(&self, at: usize) -> Option<u32> {
        self.text
            .get(at..at + 4)?
            .iter()
            .try_fold(0, |value, &byte| {
                Some(value << 4 | char::from(byte).to_digit(16)?)
            })
    }
}
