//! age files as bytes: what goes into one comes out of it.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::{Identity, Recipient};
use crate::SealError;

/// What every binary age file begins with; armored ones do not.
pub(crate) const MAGIC: &[u8] = b"age-encryption.org/";

/// Recipients of one file. Each costs whoever opens it up to 0.1 ms, so that the most expensive
/// header costs about as much as one RSA-4096 operation.
pub(crate) const MOST_RECIPIENTS: usize = 32;

/// Those and the one that the library adds for nobody, so that readers learn to pass over what they
/// do not know.
const MOST_STANZAS: usize = MOST_RECIPIENTS + 1;

/// The largest stanza, post-quantum: its first line has 1,120 bytes in base64.
const LONGEST_STANZA: usize = 2 * 1024;

const STANZA_LINE: &[u8] = b"-> ";
const MAC_LINE: &[u8] = b"--- ";
/// The width of full lines in the body of a stanza.
const COLUMNS: usize = 64;

const NONCE: usize = 16;
const TAG: usize = 16;
/// Plaintext in a full chunk of the payload.
const CHUNK: usize = 64 * 1024;

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
    if Header::of(file).is_none() {
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

/// What a header tells without any key: how many stanzas of which type it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stanzas {
    /// For X25519 recipients.
    pub x25519: usize,
    /// For post-quantum recipients (`mlkem768x25519`).
    pub post_quantum: usize,
    /// Of types that are not used here, such as those for SSH keys. Those that are for nobody, which
    /// the specification calls grease, are not counted.
    pub other: usize,
}

impl Stanzas {
    /// How many recipients can open the file, as far as it tells.
    #[must_use]
    pub fn recipients(self) -> usize {
        self.x25519 + self.post_quantum + self.other
    }

    fn count(&mut self, stanza: &[u8]) {
        let tag = stanza.split(|byte| *byte == b' ').next();
        match tag.unwrap_or_default() {
            b"X25519" => self.x25519 += 1,
            b"mlkem768x25519" => self.post_quantum += 1,
            tag if tag.ends_with(b"-grease") => {}
            _ => self.other += 1,
        }
    }
}

/// Where the header of a file ends, and what it tells.
pub(super) struct Header {
    pub(super) stanzas: Stanzas,
    length: usize,
}

impl Header {
    /// The header of `file`, if it ends, is of a size that is worth trying, and every stanza in it
    /// ends with a short line as the specification demands: the library also takes a form without it.
    pub(super) fn of(file: &[u8]) -> Option<Self> {
        let longest = MAGIC.len() + (MOST_STANZAS + 1) * LONGEST_STANZA;
        let start = file.get(..longest).unwrap_or(file);
        let mut stanzas = Stanzas::default();
        let mut lines = start.split_inclusive(|byte| *byte == b'\n');
        let mut length = lines.next()?.len();
        let mut found = 0;
        let mut is_open = false;
        for line in lines {
            length += line.len();
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if line.starts_with(MAC_LINE) {
                return (!is_open).then_some(Self { stanzas, length });
            }
            if let Some(stanza) = line.strip_prefix(STANZA_LINE) {
                stanzas.count(stanza);
                found += 1;
                let is_flood = found > MOST_STANZAS || stanzas.recipients() > MOST_RECIPIENTS;
                if is_open || is_flood {
                    return None;
                }
                is_open = true;
            } else if line.len() < COLUMNS {
                is_open = false;
            }
        }
        None
    }

    /// Bytes of the payload in plaintext; `None` for a file that is cut off so that it shows.
    pub(super) fn payload(&self, file: &[u8]) -> Option<usize> {
        let chunks = file.len().checked_sub(self.length + NONCE)?;
        let count = chunks.div_ceil(CHUNK + TAG).max(1);
        chunks.checked_sub(count * TAG)
    }
}

#[cfg(test)]
mod cctv_tests;
