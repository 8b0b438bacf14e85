use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::digest;
use ssh_key::{
    HashAlg, Mpint,
    public::{KeyData, RsaPublicKey},
};

/// The name of a sealing key: `SHA256:` and 43 characters of unpadded base64.
///
/// For RSA it is the OpenSSH fingerprint of the public key, SHA-256 over the `ssh-rsa` wire form
/// (RFC 4253 §6.6), as `ssh-keygen -l` and upstream's `crypto.PublicKeyFingerprint` print it. For an
/// age key it is the SHA-256 of its recipient, `age1…`, as text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The fingerprint of the RSA key with this modulus and exponent, both big-endian and unsigned.
    ///
    /// `None` when one of them is no positive integer.
    pub(crate) fn of_rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let key = RsaPublicKey {
            e: Mpint::from_positive_bytes(exponent).ok()?,
            n: Mpint::from_positive_bytes(modulus).ok()?,
        };
        let fingerprint = KeyData::Rsa(key).fingerprint(HashAlg::Sha256);
        Some(Self(fingerprint.to_string().into()))
    }

    /// The hash of an age recipient as age writes it (`age1…`).
    pub(crate) fn of_age(recipient: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, recipient.as_bytes());
        let bytes = hash.as_ref().try_into().unwrap_or_default();
        Self(ssh_key::Fingerprint::Sha256(bytes).to_string().into())
    }

    /// The text, prefix included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key id is \"SHA256:\" and 43 characters of unpadded base64")]
pub struct ParseKeyIdError;

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fingerprint: ssh_key::Fingerprint = text.parse().map_err(|_| ParseKeyIdError)?;
        match fingerprint.algorithm() {
            HashAlg::Sha256 => Ok(Self(fingerprint.to_string().into())),
            _ => Err(ParseKeyIdError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_is_read_back_as_it_is_written() {
        let text = "SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU";
        assert_eq!(text.parse::<KeyId>().unwrap().to_string(), text);
    }

    #[test]
    fn other_texts_are_no_key_ids() {
        for text in [
            "",
            "SHA256:",
            "SHA256:short",
            "cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU",
            "SHA512:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU",
            "SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU=",
            "SHA256:cHRXAi6Wurpev2FQmY/l7J3XPamWPleTLioMTdbqcMU ",
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(ParseKeyIdError), "{text:?}");
        }
    }
}
