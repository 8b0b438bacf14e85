use super::super::Run;
use super::super::conversion::bytes_of;
use crate::budget::Budget;
use crate::buffer::Buffer;
use crate::error::{Fault, Outcome};
use crate::heap::{DictId, Element, List};
use crate::strconv::format_float;
use crate::text::{decode_rune, from, part};
use crate::value::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `<`, `>` and `&` escaped.
    Compact,
    /// The same, indented by two spaces.
    Pretty,
    /// No HTML escapes.
    Raw,
}

pub(super) fn encode(run: &mut Run<'_>, value: &Value, style: Style) -> Outcome<Value> {
    let mut encoder = Encoder {
        run,
        out: Buffer::new(),
        style,
        inside: Vec::new(),
        indentation: 0,
    };
    encoder.value(value)?;
    Ok(encoder.out.into_text().into())
}

struct Encoder<'r, 'b> {
    run: &'r mut Run<'b>,
    out: Buffer,
    style: Style,
    /// The dicts being encoded, to notice one inside itself.
    inside: Vec<DictId>,
    indentation: usize,
}

impl Encoder<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.out.push(self.run.budget, bytes)
    }

    fn value(&mut self, value: &Value) -> Outcome<()> {
        self.run.budget.step(1)?;
        match value {
            Value::Invalid | Value::Nil | Value::Dict(None) => self.write(b"null"),
            Value::Bool(true) => self.write(b"true"),
            Value::Bool(false) => self.write(b"false"),
            Value::Float(float) => self.float(*float),
            Value::Text(text) => self.text(text.as_bytes()),
            Value::List(list) => self.list(list),
            Value::Dict(Some(id)) => self.dict(*id),
            Value::StringMap(map) => {
                let entries = map.iter().map(|(key, text)| (key.clone(), text.clone()));
                let entries = entries.map(|(key, text)| (key, Value::Text(text)));
                self.object(entries)
            }
            Value::Time(time) => match time.to_rfc3339() {
                Some(text) => self.text(text.as_bytes()),
                None => Err(Fault::new("year outside of what JSON can say")),
            },
            Value::Version { version, .. } => self.text(&version.to_text()),
            Value::Certificate(certificate) => {
                let (cert, key) = (certificate.cert.clone(), certificate.key.clone());
                let entries = [
                    ("Cert".into(), Value::Text(cert)),
                    ("Key".into(), Value::Text(key)),
                ];
                self.object(entries.into_iter())
            }
            Value::Location(_) => self.write(b"{}"),
            Value::Complex(..) => Err(Fault::new("JSON has no complex numbers")),
            _ => {
                let digits = match (value.signed(), value.unsigned()) {
                    (Some(n), _) => n.to_string(),
                    (None, n) => n.unwrap_or_default().to_string(),
                };
                self.write(digits.as_bytes())
            }
        }
    }

    /// ES6's format: exponents only for the very small and very large.
    fn float(&mut self, float: f64) -> Outcome<()> {
        if !float.is_finite() {
            return Err(Fault::new("JSON has no infinity or NaN"));
        }
        let magnitude = float.abs();
        let text = if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
            let text = format_float(float, b'e', None);
            match text.split_once("e-0") {
                Some((mantissa, exponent)) => format!("{mantissa}e-{exponent}"),
                None => text,
            }
        } else {
            format_float(float, b'f', None)
        };
        self.write(text.as_bytes())
    }

    fn text(&mut self, text: &[u8]) -> Outcome<()> {
        self.run.budget.read(text.len())?;
        self.write(b"\"")?;
        let (mut plain, mut at) = (0, 0);
        while let Some(skipped) = from(text, at).iter().position(|&byte| !is_plain(byte)) {
            at += skipped;
            let (rune, width) = decode_rune(from(text, at));
            let here = at;
            at += width;
            let invalid = rune == char::REPLACEMENT_CHARACTER && width == 1;
            let html = matches!(rune, '<' | '>' | '&') && self.style != Style::Raw;
            let special = matches!(rune, '\0'..='\u{1F}' | '"' | '\\' | '\u{2028}' | '\u{2029}');
            if !(invalid || html || special) {
                continue;
            }
            self.run.budget.step(1)?;
            self.write(part(text, plain..here))?;
            plain = at;
            match rune {
                '"' => self.write(b"\\\"")?,
                '\\' => self.write(b"\\\\")?,
                '\u{8}' => self.write(b"\\b")?,
                '\u{C}' => self.write(b"\\f")?,
                '\n' => self.write(b"\\n")?,
                '\r' => self.write(b"\\r")?,
                '\t' => self.write(b"\\t")?,
                _ => self.write(format!("\\u{:04x}", u32::from(rune)).as_bytes())?,
            }
        }
        self.write(text.get(plain..).unwrap_or_default())?;
        self.write(b"\"")
    }

    fn list(&mut self, list: &List) -> Outcome<()> {
        if list.is_nil() {
            return self.write(b"null");
        }
        if list.element == Element::Byte {
            let bytes = bytes_of(self.run, &Value::List(*list));
            let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
            return self.text(encoded.as_bytes());
        }
        self.write(b"[")?;
        self.indentation += 1;
        for index in 0..list.len() {
            if index > 0 {
                self.write(b",")?;
            }
            self.line()?;
            let item = self.run.heap.item(list, index).unwrap_or(Value::Nil);
            self.deeper(&item)?;
        }
        self.close(list.len() == 0, b"]")
    }

    fn dict(&mut self, id: DictId) -> Outcome<()> {
        if self.inside.contains(&id) {
            return Err(Fault::new("a dict contains itself"));
        }
        self.inside.push(id);
        let entries = self.run.heap.entries(Some(id));
        self.run
            .budget
            .allocate(entries.len() * crate::heap::ENTRY)?;
        let entries: Vec<_> = entries
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        self.object(entries.into_iter())?;
        self.inside.pop();
        Ok(())
    }

    fn object(&mut self, entries: impl Iterator<Item = (crate::text::Text, Value)>) -> Outcome<()> {
        self.write(b"{")?;
        self.indentation += 1;
        let mut empty = true;
        for (key, value) in entries {
            if !std::mem::replace(&mut empty, false) {
                self.write(b",")?;
            }
            self.line()?;
            self.text(key.as_bytes())?;
            self.write(if self.style == Style::Pretty {
                b": "
            } else {
                b":"
            })?;
            self.deeper(&value)?;
        }
        self.close(empty, b"}")
    }

    fn close(&mut self, empty: bool, bracket: &[u8]) -> Outcome<()> {
        self.indentation -= 1;
        if !empty {
            self.line()?;
        }
        self.write(bracket)
    }

    fn line(&mut self) -> Outcome<()> {
        if self.style != Style::Pretty {
            return Ok(());
        }
        self.write(b"\n")?;
        self.out.pad(self.run.budget, b' ', self.indentation * 2)
    }

    fn deeper(&mut self, value: &Value) -> Outcome<()> {
        Budget::deeper(
            self,
            |encoder| encoder.run.budget,
            |encoder| encoder.value(value),
        )
    }
}

/// Whether a byte stands for itself wherever it is.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&')
}
