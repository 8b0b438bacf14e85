//! The text of one input, wiped when the last document of it is gone.

use std::fmt;
use std::ops::Range;

use zeroize::Zeroize;

use crate::error::{Error, Location, Problem};
use crate::wiped::Wiped;

/// UTF-8 text with a name and an index of its lines. `Debug` prints no content.
pub(crate) struct Source {
    name: String,
    text: Wiped,
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
}

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Source {
    pub(crate) fn decode(name: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        let wide = looks_wide(&bytes);
        let (text, invalid_at) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let mut bytes = error.into_bytes();
                let head =
                    String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default()).into_owned();
                bytes.zeroize();
                (head, Some(valid))
            }
        };
        let source = Self {
            name: name.to_owned(),
            lines: line_starts(&text),
            text: text.into(),
        };
        if wide {
            return Err(source.error(0, Problem::WideEncoding));
        }
        match invalid_at {
            Some(offset) => Err(source.error(offset, Problem::NotUtf8)),
            None => Ok(source),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn slice(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The line, from 1, that holds the byte at `offset`.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// Where the lines begin that do so in this range.
    pub(crate) fn lines_in(&self, range: &Range<usize>) -> &[usize] {
        let first = self.lines.partition_point(|start| *start < range.start);
        let end = self.lines.partition_point(|start| *start < range.end);
        self.lines.get(first..end).unwrap_or_default()
    }

    /// Where the line that holds the byte at `offset` begins.
    pub(crate) fn line_start(&self, offset: usize) -> usize {
        let line = self.line(offset);
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0)
    }

    pub(crate) fn location(&self, offset: usize) -> Location {
        let line = self.line(offset);
        let start = self.line_start(offset);
        let before = self.text.get(start..offset).unwrap_or_default();
        Location {
            source: self.name.clone(),
            line,
            column: before.chars().filter(|c| *c != BYTE_ORDER_MARK).count() + 1,
        }
    }

    pub(crate) fn error(&self, offset: usize, problem: Problem) -> Error {
        Error {
            location: self.location(offset),
            problem,
        }
    }

    /// Where the content begins: after a byte-order mark.
    pub(crate) fn content_start(&self) -> usize {
        if self.text.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len_utf8()
        } else {
            0
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// A UTF-16 or UTF-32 byte-order mark, or the zero bytes of ASCII in either without one.
fn looks_wide(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [0, second, ..] => *second != 0 || bytes.starts_with(&[0, 0, 0xfe, 0xff]),
        [first, 0, ..] => *first != 0,
        _ => false,
    }
}

/// Lines end with LF, CR LF or a lone CR (YAML 1.2.2, section 5.4).
fn line_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    // The search for one character is many times faster than a look at every byte.
    if !text.contains('\r') {
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        return starts;
    }
    let bytes = text.as_bytes();
    let ends = text
        .match_indices(['\n', '\r'])
        .map(|(at, _)| at)
        .filter(|at| !(bytes.get(*at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n')));
    starts.extend(ends.map(|at| at + 1));
    starts
}
