use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

/// As Go's `base64.StdEncoding`: padding is required, unused bits of the last letter may be set.
const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A text that is not base64, told in Go's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("illegal base64 data at input byte {at}")]
pub struct Base64Error {
    /// Offset of the first byte that does not fit.
    pub at: usize,
}

/// Decodes standard base64 as Go does: line breaks are skipped wherever they stand.
///
/// # Errors
/// [`Base64Error`].
pub fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, Base64Error> {
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len()));
    letters.extend(text.bytes().filter(|byte| !is_line_break(*byte)));
    let mut bytes = Zeroizing::new(Vec::with_capacity(letters.len() / 4 * 3 + 3));
    match STANDARD.decode_vec(letters.as_slice(), &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Base64Error {
            at: first_misfit(text),
        }),
    }
}

/// Encodes as standard base64 with padding and without line breaks.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Where Go's decoder says that it gave up (`Encoding.decodeQuantum`): at a foreign letter, at
/// padding that comes too early, behind complete padding, at the last group of a text too short.
fn first_misfit(text: &str) -> usize {
    let mut letters = text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| !is_line_break(*byte));
    let mut in_group = 0;
    while let Some((at, byte)) = letters.next() {
        match byte {
            b'=' if in_group < 2 => return at,
            b'=' if in_group == 2 => match letters.next() {
                Some((_, b'=')) => return letters.next().map_or(text.len(), |(at, _)| at),
                Some((at, _)) => return at - 1,
                None => return text.len(),
            },
            b'=' => return letters.next().map_or(text.len(), |(at, _)| at),
            b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => in_group = (in_group + 1) % 4,
            _ => return at,
        }
    }
    text.len() - in_group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stand_where_go_sees_them() {
        for (text, at) in [
            ("!", 0),
            ("QQ", 0),
            ("QUJD?", 4),
            ("Q===", 1),
            ("QQ=", 3),
            ("QQ=Q", 2),
            ("QQ==Q", 4),
            ("QUI=\n=", 5),
            ("QUJDQ", 4),
            ("QUJ\nD QQ==", 5),
        ] {
            assert_eq!(decode(text).unwrap_err(), Base64Error { at }, "{text:?}");
        }
    }

    #[test]
    fn line_breaks_and_stray_bits_are_read_over() {
        assert_eq!(decode("QU\r\nI=\n").unwrap().as_slice(), b"AB");
        assert_eq!(decode("QR==").unwrap().as_slice(), b"A");
        assert_eq!(decode("").unwrap().as_slice(), b"");
    }
}
