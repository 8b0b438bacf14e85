//! age files as bytes: what goes into one comes out of it.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::{Identity, Recipient};
use crate::SealError;

/// What every binary age file begins with; armored ones do not.
pub(crate) const MAGIC: &[u8] = b"age-encryption.org/";

/// Stanzas in one header. Each costs whoever opens it up to 0.1 ms, so that the most expensive
/// header costs about as much as one RSA-4096 operation.
pub(crate) const MOST_RECIPIENTS: usize = 32;

/// The largest stanza, post-quantum: its first line has 1,120 bytes in base64.
const LONGEST_STANZA: usize = 2 * 1024;

const STANZA_LINE: &[u8] = b"-> ";
const MAC_LINE: &[u8] = b"--- ";
/// The width of full lines in the body of a stanza.
const COLUMNS: usize = 64;

/// Why an age file does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// No stanza is for this identity.
    #[error("it is encrypted to other recipients")]
    NoMatch,
    /// The file is malformed, has been changed, or is cut off.
    #[error("it is no age file, or damaged")]
    Damaged,
}

/// Encrypts `payload` to all `recipients`.
pub(crate) fn encrypt<'a>(
    recipients: impl IntoIterator<Item = &'a Recipient>,
    payload: &[u8],
) -> Result<Vec<u8>, SealError> {
    let recipients = recipients.into_iter().map(Recipient::as_age);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(|_| SealError)?;
    let mut file = Vec::new();
    let mut writer = encryptor.wrap_output(&mut file).map_err(|_| SealError)?;
    writer.write_all(payload).map_err(|_| SealError)?;
    writer.finish().map_err(|_| SealError)?;
    Ok(file)
}

/// Decrypts `file`, all of it, before any of it is used.
pub(crate) fn decrypt(
    identity: &Identity,
    file: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    if !is_well_formed(file) {
        return Err(DecryptError::Damaged);
    }
    let decryptor = age::Decryptor::new_buffered(file).map_err(|_| DecryptError::Damaged)?;
    let identities = std::iter::once(identity.as_age());
    let mut reader = decryptor.decrypt(identities).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => DecryptError::NoMatch,
        _ => DecryptError::Damaged,
    })?;
    // Sized once: growing would leave copies of the plaintext behind.
    let mut payload = Zeroizing::new(Vec::with_capacity(file.len()));
    reader
        .read_to_end(&mut payload)
        .map_err(|_| DecryptError::Damaged)?;
    Ok(payload)
}

/// Whether `file` has a header that ends, of a size that is worth trying, in which every stanza ends
/// with a short line as the specification demands: the library also takes a form without it.
pub(crate) fn is_well_formed(file: &[u8]) -> bool {
    let longest = MAGIC.len() + (MOST_RECIPIENTS + 1) * LONGEST_STANZA;
    let start = file.get(..longest).unwrap_or(file);
    let mut stanzas = 0;
    let mut is_open = false;
    for line in start.split(|byte| *byte == b'\n').skip(1) {
        if line.starts_with(MAC_LINE) {
            return !is_open;
        }
        if line.starts_with(STANZA_LINE) {
            stanzas += 1;
            if is_open || stanzas > MOST_RECIPIENTS {
                return false;
            }
            is_open = true;
        } else if line.len() < COLUMNS {
            is_open = false;
        }
    }
    false
}

#[cfg(test)]
mod cctv_tests;
