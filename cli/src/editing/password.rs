//! Values that nobody has seen.

use zeroize::Zeroizing;

/// Of what characters a generated value is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Alphabet {
    /// A-Z, a-z, 0-9
    Alphanumeric,
    /// 0-9, a-f
    Hex,
    /// 0-9
    Digits,
    /// All that ASCII can print, without the blank
    Printable,
}

impl Alphabet {
    /// Its characters.
    #[must_use]
    pub(super) fn characters(self) -> Vec<u8> {
        let printable = b'!'..=b'~';
        match self {
            Self::Alphanumeric => printable.filter(u8::is_ascii_alphanumeric).collect(),
            Self::Hex => b"0123456789abcdef".to_vec(),
            Self::Digits => (b'0'..=b'9').collect(),
            Self::Printable => printable.collect(),
        }
    }
}

/// So many characters, each as likely as any other, from the system's random generator.
///
/// Bytes that would make some characters likelier than others are thrown away.
///
/// # Errors
/// When the generator fails.
pub(super) fn generate(
    length: usize,
    characters: &[u8],
) -> Result<Zeroizing<Vec<u8>>, getrandom::Error> {
    draw(length, characters, getrandom::fill)
}

fn draw<E>(
    length: usize,
    characters: &[u8],
    mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Zeroizing<Vec<u8>>, E> {
    let mut value = Zeroizing::new(Vec::with_capacity(length));
    let mut random = Zeroizing::new([0; 256]);
    let fair = 256 - 256 % characters.len().max(1);
    while value.len() < length && !characters.is_empty() {
        fill(random.as_mut_slice())?;
        let indices = random.iter().map(|byte| usize::from(*byte));
        let drawn = indices
            .filter(|index| *index < fair)
            .filter_map(|index| characters.get(index % characters.len()));
        let missing = length - value.len();
        value.extend(drawn.take(missing));
    }
    Ok(value)
}

/// How many bits an attacker has to guess, rounded down.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "lengths are far below 2^52, and the result is positive"
)]
pub(super) fn bits(length: usize, characters: usize) -> usize {
    (length as f64 * (characters as f64).log2()) as usize
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn every_byte_of_the_generator_gives_each_character_equally_often() {
        for alphabet in [
            Alphabet::Alphanumeric,
            Alphabet::Hex,
            Alphabet::Digits,
            Alphabet::Printable,
        ] {
            let characters = alphabet.characters();
            let all = |buffer: &mut [u8]| {
                for (slot, byte) in buffer.iter_mut().zip(0..=u8::MAX) {
                    *slot = byte;
                }
                Ok::<_, Infallible>(())
            };
            let fair = 256 / characters.len() * characters.len();
            let value = draw(fair, &characters, all).unwrap();
            for character in &characters {
                let count = value.iter().filter(|it| *it == character).count();
                assert_eq!(count, 256 / characters.len(), "{alphabet:?}");
            }
        }
    }

    #[test]
    fn a_value_has_the_length_asked_for_and_is_another_each_time() {
        let characters = Alphabet::Alphanumeric.characters();
        assert_eq!(characters.len(), 62);
        let values = [1, 2].map(|_| generate(1000, &characters).unwrap());
        assert_eq!(values[0].len(), 1000);
        assert_ne!(values[0], values[1]);
        assert_eq!(bits(32, 62), 190);
    }
}
