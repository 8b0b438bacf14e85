//! The age envelope: a binary age file (<https://c2sp.org/age>) with a payload of our own.
//!
//! ```text
//! "sealed", 0, version 1
//! u16 big-endian length of the label
//! label
//! plaintext
//! ```
//!
//! age authenticates the payload but takes no associated data, so the label lies inside it and is
//! compared when the envelope is opened: a value that was moved to another name, namespace or scope
//! does not open, and neither does an age file that was made for something else.

mod file;
mod keys;
mod post_quantum;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use crate::{Label, OpenError, Plaintext, SealError, envelope::Finding};
pub use file::{DecryptError, Stanzas};
pub(crate) use file::{MAGIC, MOST_RECIPIENTS, decrypt, encrypt};
pub use keys::generate_age;
pub(crate) use keys::{Identity, Recipient};

const PAYLOAD_MAGIC: &[u8] = b"sealed\0\x01";
const LABEL_LENGTH: usize = 2;

/// Whom `envelope` says it is for, and how many bytes its label and its plaintext have together, if
/// it is not damaged so that it shows.
pub(crate) fn shape(envelope: &[u8]) -> Option<(Stanzas, usize)> {
    let header = file::Header::of(envelope)?;
    let payload = header.payload(envelope)?;
    let labelled = payload.saturating_sub(PAYLOAD_MAGIC.len() + LABEL_LENGTH);
    Some((header.stanzas, labelled))
}

/// Seals `plaintext` under `label` for all `recipients`, which are of one kind.
pub(crate) fn seal<'a>(
    recipients: impl IntoIterator<Item = &'a Recipient>,
    label: &Label,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let label = label.as_bytes();
    let label_length = u16::try_from(label.len()).map_err(|_| SealError)?;
    let length = PAYLOAD_MAGIC.len() + LABEL_LENGTH + label.len() + plaintext.len();
    // Sized once: growing would leave copies of the plaintext behind.
    let mut payload = Zeroizing::new(Vec::with_capacity(length));
    payload.extend_from_slice(PAYLOAD_MAGIC);
    payload.extend_from_slice(&label_length.to_be_bytes());
    payload.extend_from_slice(label);
    payload.extend_from_slice(plaintext);
    file::encrypt(recipients, &payload)
}

/// Opens `envelope` if its payload is bound to `label`.
pub(crate) fn open(
    identity: &Identity,
    envelope: &[u8],
    label: &Label,
) -> Result<Plaintext, OpenError> {
    let file = file::decrypt(identity, envelope).map_err(|_| OpenError)?;
    let payload = Payload::split(&file).ok_or(OpenError)?;
    if !payload.is_bound_to(label) {
        return Err(OpenError);
    }
    Ok(Zeroizing::new(payload.plaintext.to_vec()).into())
}

/// Opens `envelope` once and compares every label.
pub(crate) fn examine(identity: &Identity, envelope: &[u8], labels: &[Label]) -> Finding {
    let file = match file::decrypt(identity, envelope) {
        Ok(file) => file,
        Err(DecryptError::NoMatch) => return Finding::NotMine,
        Err(DecryptError::Damaged) => return Finding::Damaged,
    };
    let Some(payload) = Payload::split(&file) else {
        return Finding::Damaged;
    };
    match labels.iter().position(|label| payload.is_bound_to(label)) {
        Some(index) => Finding::OpensUnder(index),
        None => Finding::OtherLabel,
    }
}

struct Payload<'a> {
    label: &'a [u8],
    plaintext: &'a [u8],
}

impl<'a> Payload<'a> {
    fn split(payload: &'a [u8]) -> Option<Self> {
        let rest = payload.strip_prefix(PAYLOAD_MAGIC)?;
        let (length, rest) = rest.split_first_chunk::<LABEL_LENGTH>()?;
        let (label, plaintext) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        Some(Self { label, plaintext })
    }

    fn is_bound_to(&self, label: &Label) -> bool {
        verify_slices_are_equal(self.label, label.as_bytes()).is_ok()
    }
}
