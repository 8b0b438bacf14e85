//! JSON as Go's `encoding/json` writes it.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use zeroize::{Zeroize, Zeroizing};

use crate::emit::EmitError;
use crate::number::go_json_f64;

/// Writes JSON as `kubectl` and `kubeseal` print it: two blanks per level, `<`, `>`, `&` escaped,
/// a line break at the end. Fields come in the order in which the value serializes them.
///
/// # Errors
/// When the value does not serialize to JSON.
pub fn to_json_pretty<T: Serialize + ?Sized>(value: &T) -> Result<Zeroizing<String>, EmitError> {
    let mut text = write(
        value,
        GoFormatter::new(PrettyFormatter::new(), Escape::Html),
    )?;
    text.push('\n');
    Ok(text)
}

/// JSON on one line that every YAML parser reads, too.
pub(crate) fn to_yaml_safe_json<T: Serialize + ?Sized>(
    value: &T,
) -> Result<Zeroizing<String>, EmitError> {
    write(
        value,
        GoFormatter::new(CompactFormatter, Escape::Unprintable),
    )
}

fn write<T: Serialize + ?Sized>(
    value: &T,
    formatter: impl Formatter,
) -> Result<Zeroizing<String>, EmitError> {
    let mut bytes = WipedBuffer::default();
    let mut serializer = Serializer::with_formatter(&mut bytes, formatter);
    value
        .serialize(&mut serializer)
        .map_err(|_| EmitError::NotSerializable)?;
    let bytes = std::mem::take(&mut *bytes.0);
    String::from_utf8(bytes)
        .map(Zeroizing::new)
        .map_err(|_| EmitError::NotSerializable)
}

/// A buffer that leaves no copies behind where it grows.
#[derive(Default)]
struct WipedBuffer(Zeroizing<Vec<u8>>);

impl io::Write for &mut WipedBuffer {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let needed = self.0.len() + piece.len();
        // Room for the line break that may follow.
        if needed >= self.0.capacity() {
            let mut grown = Vec::with_capacity((needed + 1).next_power_of_two().max(1024));
            grown.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = Zeroizing::new(grown);
        }
        self.0.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Escape {
    /// As Go's `SetEscapeHTML(true)`: `<`, `>`, `&`, U+2028, U+2029.
    Html,
    /// What YAML does not let stand in quotes.
    Unprintable,
}

impl Escape {
    fn applies(self, character: char) -> bool {
        match self {
            Self::Html => matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'),
            Self::Unprintable => matches!(
                character,
                '\u{7f}'
                    ..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            ),
        }
    }
}

/// The layout of another formatter, with Go's numbers and escapes.
struct GoFormatter<F> {
    layout: F,
    escape: Escape,
}

impl<F: Formatter> GoFormatter<F> {
    fn new(layout: F, escape: Escape) -> Self {
        Self { layout, escape }
    }
}

impl<F: Formatter> Formatter for GoFormatter<F> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let text = go_json_f64(value).unwrap_or_else(|| "null".to_owned());
        writer.write_all(text.as_bytes())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, character)) = rest
            .char_indices()
            .find(|(_, character)| self.escape.applies(*character))
        {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            write!(writer, "\\u{:04x}", u32::from(character))?;
            rest = from.get(character.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.layout.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.layout.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_object_value(writer)
    }
}
