//! The hybrid envelope of Bitnami Sealed Secrets (`pkg/crypto/crypto.go`, `HybridEncrypt` and
//! `HybridDecrypt`).

use aes_gcm::{
    AeadInOut, Aes128Gcm, Aes256Gcm, AesGcm, KeyInit, Nonce, Tag,
    aes::Aes192,
    aes::cipher::consts::{U12, U16},
};
use aws_lc_rs::{rand, rsa::OAEP_SHA256_MGF1SHA256};
use zeroize::Zeroizing;

use crate::{
    Label, OpenError, Plaintext, SealError,
    envelope::Finding,
    rsa::{PrivateKey, PublicKey},
};

const HEADER: usize = 2;
const TAG: usize = 16;
const LARGEST_MODULUS: usize = 8192 / 8;
const SESSION_KEY: usize = 32;
const NONCE: [u8; 12] = [0; 12];

type Aes192Gcm = AesGcm<Aes192, U12>;

/// Seals `plaintext` under `label`; the result is `2 + modulus + plaintext + 16` bytes.
pub(crate) fn seal(
    recipient: &PublicKey,
    label: &Label,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut session_key = Zeroizing::new([0; SESSION_KEY]);
    rand::fill(session_key.as_mut_slice()).map_err(|_| SealError)?;
    let cipher = Aes256Gcm::new_from_slice(session_key.as_slice()).map_err(|_| SealError)?;

    let mut rsa_part = [0; LARGEST_MODULUS];
    let rsa_part = recipient
        .oaep()
        .encrypt(
            &OAEP_SHA256_MGF1SHA256,
            session_key.as_slice(),
            &mut rsa_part,
            Some(label.as_bytes()),
        )
        .map_err(|_| SealError)?;
    let rsa_length = u16::try_from(rsa_part.len()).map_err(|_| SealError)?;

    // Sized once: growing would leave copies of the plaintext behind.
    let mut envelope = Vec::with_capacity(HEADER + rsa_part.len() + plaintext.len() + TAG);
    envelope.extend_from_slice(&rsa_length.to_be_bytes());
    envelope.extend_from_slice(rsa_part);
    let aes_part = envelope.len();
    envelope.extend_from_slice(plaintext);
    let tag = {
        let (_, buffer) = envelope.split_at_mut(aes_part);
        cipher
            .encrypt_inout_detached(&Nonce::from(NONCE), &[], buffer.into())
            .map_err(|_| SealError)?
    };
    envelope.extend_from_slice(&tag);
    Ok(envelope)
}

/// Opens `envelope` under `label`: one private-key operation, none when its lengths cannot be right
/// for this key.
pub(crate) fn open(
    key: &PrivateKey,
    envelope: &[u8],
    label: &Label,
) -> Result<Plaintext, OpenError> {
    let parts = Parts::split(envelope).ok_or(OpenError)?;
    let session_key = open_session_key(key, parts.rsa, label).ok_or(OpenError)?;
    parts.open(&session_key).ok_or(OpenError)
}

/// Whether opening `envelope` with this key would cost a private-key operation.
pub(crate) fn may_open(key: &PrivateKey, envelope: &[u8]) -> bool {
    Parts::split(envelope).is_some_and(|parts| fits(key, parts.rsa))
}

/// The lengths of the RSA part and of the plaintext, when they fit together.
pub(crate) fn lengths(envelope: &[u8]) -> Option<(usize, usize)> {
    let parts = Parts::split(envelope).filter(|parts| !parts.rsa.is_empty())?;
    Some((parts.rsa.len(), parts.aes.len().checked_sub(TAG)?))
}

/// Tries every label: one private-key operation each.
pub(crate) fn examine(key: &PrivateKey, envelope: &[u8], labels: &[Label]) -> Finding {
    let Some(parts) = Parts::split(envelope) else {
        return Finding::NotMine;
    };
    for (index, label) in labels.iter().enumerate() {
        let Some(session_key) = open_session_key(key, parts.rsa, label) else {
            continue;
        };
        return match parts.open(&session_key) {
            Some(_) => Finding::OpensUnder(index),
            None => Finding::Damaged,
        };
    }
    Finding::NotMine
}

fn fits(key: &PrivateKey, rsa_part: &[u8]) -> bool {
    !rsa_part.is_empty() && rsa_part.len() <= key.size().bytes()
}

/// A part shorter than the modulus is read as an integer whose leading zeros were cut, as Go does.
fn open_session_key(
    key: &PrivateKey,
    rsa_part: &[u8],
    label: &Label,
) -> Option<Zeroizing<Vec<u8>>> {
    if !fits(key, rsa_part) {
        return None;
    }
    let mut padded = vec![0; key.size().bytes() - rsa_part.len()];
    padded.extend_from_slice(rsa_part);
    let mut output = Zeroizing::new(vec![0; key.oaep().min_output_size()]);
    let session_key = key
        .oaep()
        .decrypt(
            &OAEP_SHA256_MGF1SHA256,
            &padded,
            &mut output,
            Some(label.as_bytes()),
        )
        .ok()?;
    Some(Zeroizing::new(session_key.to_vec()))
}

/// The two ciphertexts of an envelope.
struct Parts<'a> {
    rsa: &'a [u8],
    aes: &'a [u8],
}

impl<'a> Parts<'a> {
    fn split(envelope: &'a [u8]) -> Option<Self> {
        let (header, rest) = envelope.split_first_chunk::<HEADER>()?;
        let (rsa, aes) = rest.split_at_checked(u16::from_be_bytes(*header).into())?;
        Some(Self { rsa, aes })
    }

    /// Upstream seals with keys of 32 bytes and opens with any length that AES has.
    fn open(&self, session_key: &[u8]) -> Option<Plaintext> {
        match session_key.len() {
            16 => self.open_with(&Aes128Gcm::new_from_slice(session_key).ok()?),
            24 => self.open_with(&Aes192Gcm::new_from_slice(session_key).ok()?),
            32 => self.open_with(&Aes256Gcm::new_from_slice(session_key).ok()?),
            _ => None,
        }
    }

    fn open_with(
        &self,
        cipher: &impl AeadInOut<NonceSize = U12, TagSize = U16>,
    ) -> Option<Plaintext> {
        let (ciphertext, tag) = self.aes.split_last_chunk::<TAG>()?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        cipher
            .decrypt_inout_detached(
                &Nonce::from(NONCE),
                &[],
                plaintext.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .ok()?;
        Some(plaintext.into())
    }
}

#[cfg(test)]
mod wycheproof_tests;
