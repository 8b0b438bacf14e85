//! age's `mlkem768x25519` recipients (<https://c2sp.org/age#the-mlkem768x25519-recipient-type>):
//! HPKE (RFC 9180) in base mode with the KEM MLKEM768-X25519 (X-Wing), HKDF-SHA256 and
//! ChaCha20-Poly1305.

use std::{collections::HashSet, fmt, str::FromStr};

use age::{DecryptError, EncryptError};
use age_core::{
    format::{FILE_KEY_BYTES, FileKey, Stanza},
    secrecy::ExposeSecret,
};
use aws_lc_rs::{agreement, rand};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use bech32::{FromBase32, ToBase32, Variant};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::XWing, single_shot_open, single_shot_seal,
};
use zeroize::Zeroizing;

const RECIPIENT_PREFIX: &str = "age1pq";
const IDENTITY_PREFIX: &str = "age-secret-key-pq-";
const STANZA_TAG: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// Recipients with this label are not mixed with others.
const LABEL: &str = "postquantum";
const SEED: usize = 32;
const ENCAPSULATION: usize = 1120;
const X25519_SHARE: usize = 32;
const WRAPPED_FILE_KEY: usize = FILE_KEY_BYTES + 16;

type PublicKey = <XWing as Kem>::PublicKey;
type PrivateKey = <XWing as Kem>::PrivateKey;
type Encapsulation = <XWing as Kem>::EncappedKey;

/// The text is no key of this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParseError;

/// Encrypts: `age1pq1…`.
pub(super) struct Recipient(Box<PublicKey>);

impl FromStr for Recipient {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes = decode(text, RECIPIENT_PREFIX)?;
        PublicKey::from_bytes(&bytes)
            .map(|key| Self(Box::new(key)))
            .map_err(|_| ParseError)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.to_bytes().to_base32();
        bech32::encode_to_fmt(f, RECIPIENT_PREFIX, bytes, Variant::Bech32)
            .map_err(|_| fmt::Error)?
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let (encapsulation, body) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeS::Base,
            &self.0,
            INFO,
            file_key.expose_secret(),
            &[],
        )
        .map_err(|error| EncryptError::Io(std::io::Error::other(error.to_string())))?;
        let stanza = Stanza {
            tag: STANZA_TAG.into(),
            args: vec![BASE64_STANDARD_NO_PAD.encode(encapsulation.to_bytes())],
            body,
        };
        Ok((vec![stanza], HashSet::from([LABEL.into()])))
    }
}

/// Decrypts: `AGE-SECRET-KEY-PQ-1…`.
pub(crate) struct Identity(Box<PrivateKey>);

impl Identity {
    /// A new identity, from the system's random generator.
    pub(super) fn generate() -> Result<Self, ParseError> {
        let mut seed = Zeroizing::new([0; SEED]);
        rand::fill(seed.as_mut_slice()).map_err(|_| ParseError)?;
        PrivateKey::from_bytes(seed.as_slice())
            .map(|key| Self(Box::new(key)))
            .map_err(|_| ParseError)
    }

    pub(super) fn to_public(&self) -> Recipient {
        Recipient(Box::new(XWing::sk_to_pk(&self.0)))
    }

    /// The text that [`str::parse`] reads.
    pub(super) fn to_text(&self) -> Result<Zeroizing<String>, ParseError> {
        let seed = Zeroizing::new(<[u8; SEED]>::from(self.0.to_bytes()));
        let text = bech32::encode(IDENTITY_PREFIX, seed.to_base32(), Variant::Bech32);
        let text = Zeroizing::new(text.map_err(|_| ParseError)?);
        Ok(Zeroizing::new(text.to_ascii_uppercase()))
    }
}

impl FromStr for Identity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let seed = decode(text, IDENTITY_PREFIX)?;
        PrivateKey::from_bytes(&seed)
            .map(|key| Self(Box::new(key)))
            .map_err(|_| ParseError)
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag != STANZA_TAG {
            return None;
        }
        let Some(encapsulation) = encapsulation(stanza) else {
            return Some(Err(DecryptError::InvalidHeader));
        };
        // A stanza for somebody else fails here: the next may be ours.
        let file_key = single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.0,
            &encapsulation,
            INFO,
            &stanza.body,
            &[],
        );
        let file_key = Zeroizing::new(file_key.ok()?);
        let file_key: &[u8; FILE_KEY_BYTES] = file_key.as_slice().try_into().ok()?;
        Some(Ok(FileKey::init_with_mut(|key| *key = *file_key)))
    }
}

/// The encapsulated key of a stanza, if the stanza has the one form that the specification allows.
fn encapsulation(stanza: &Stanza) -> Option<Encapsulation> {
    let [argument] = stanza.args.as_slice() else {
        return None;
    };
    let bytes = BASE64_STANDARD_NO_PAD.decode(argument).ok()?;
    let (_, share) = bytes.split_last_chunk::<X25519_SHARE>()?;
    let lengths = bytes.len() == ENCAPSULATION && stanza.body.len() == WRAPPED_FILE_KEY;
    if !lengths || is_low_order(share) {
        return None;
    }
    Encapsulation::from_bytes(&bytes).ok()
}

/// Whether every shared secret with this X25519 share is zero (RFC 7748 §6.1). The answer does not
/// depend on the private key, so any will do.
fn is_low_order(share: &[u8; X25519_SHARE]) -> bool {
    let Ok(any) = agreement::PrivateKey::from_private_key(&agreement::X25519, &[8; 32]) else {
        return true;
    };
    let share = agreement::UnparsedPublicKey::new(&agreement::X25519, share);
    agreement::agree(&any, share, (), |_| Ok(())).is_err()
}

fn decode(text: &str, prefix: &str) -> Result<Zeroizing<Vec<u8>>, ParseError> {
    match bech32::decode(text) {
        Ok((found, data, Variant::Bech32)) if found.eq_ignore_ascii_case(prefix) => {
            Vec::from_base32(&data)
                .map(Zeroizing::new)
                .map_err(|_| ParseError)
        }
        _ => Err(ParseError),
    }
}
