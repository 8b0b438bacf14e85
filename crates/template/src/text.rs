//! Byte strings as Go has them: any bytes, read as UTF-8 where runes matter.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroize;

/// A Go string: immutable, shared, wiped when the last owner lets go.
#[derive(Clone)]
pub(crate) struct Text(Arc<Wiped>);

struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Text {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Text(Arc::new(Wiped(bytes)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    /// For messages that only the owner of the values sees.
    pub(crate) fn lossy(&self) -> String {
        String::from_utf8_lossy(self.as_bytes()).into_owned()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text::new(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Text::new(bytes.to_vec())
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The first rune and its width: U+FFFD of width one for an invalid byte
/// (Go's `utf8.DecodeRune`), width zero at the end.
#[inline]
pub(crate) fn decode_rune(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if first < 0x80 {
        return (char::from(first), 1);
    }
    let width = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (char::REPLACEMENT_CHARACTER, 1),
    };
    bytes
        .get(..width)
        .and_then(|head| std::str::from_utf8(head).ok())
        .and_then(|text| text.chars().next())
        .map_or((char::REPLACEMENT_CHARACTER, 1), |rune| (rune, width))
}

/// The last rune and its width (Go's `utf8.DecodeLastRune`).
pub(crate) fn decode_last_rune(bytes: &[u8]) -> (char, usize) {
    for width in 1..=bytes.len().min(4) {
        let tail = bytes.get(bytes.len() - width..).unwrap_or_default();
        let (rune, used) = decode_rune(tail);
        if used == width && (width > 1 || tail.first().is_some_and(u8::is_ascii)) {
            return (rune, width);
        }
    }
    (char::REPLACEMENT_CHARACTER, bytes.len().min(1))
}

/// Iterates over `(offset, rune, width)` as Go's `range` over a string does.
pub(crate) fn runes(bytes: &[u8]) -> Runes<'_> {
    Runes { bytes, at: 0 }
}

pub(crate) struct Runes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for Runes<'_> {
    type Item = (usize, char, usize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (rune, width) = decode_rune(self.bytes.get(self.at..)?);
        if width == 0 {
            return None;
        }
        let start = self.at;
        self.at += width;
        Some((start, rune, width))
    }
}

pub(crate) fn rune_count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    runes(bytes).count()
}

pub(crate) fn push_rune(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The part of `bytes` in `range`, empty where the range leaves it.
pub(crate) fn part(bytes: &[u8], range: std::ops::Range<usize>) -> &[u8] {
    bytes.get(range).unwrap_or_default()
}

pub(crate) fn from(bytes: &[u8], start: usize) -> &[u8] {
    bytes.get(start..).unwrap_or_default()
}

pub(crate) fn upto(bytes: &[u8], end: usize) -> &[u8] {
    bytes.get(..end).unwrap_or(bytes)
}

/// Offset of the first `needle`; zero for an empty one.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [byte] => memchr::memchr(*byte, haystack),
        _ => memchr::memmem::find(haystack, needle),
    }
}
