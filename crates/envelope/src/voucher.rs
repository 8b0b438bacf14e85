use std::fmt;

use aws_lc_rs::{
    hkdf::{self, HKDF_SHA256},
    hmac::{self, HMAC_SHA256},
};

use crate::{Identity, KeyError};

/// Sets this use of the private key apart from every other.
const PURPOSE: &[u8] = b"seal.alt/voucher/v1";

/// What only the holder of a private key can have said: HMAC-SHA-256 (RFC 2104) under a key derived
/// from the private key with HKDF-SHA-256 (RFC 5869).
pub(crate) struct Voucher(hmac::Key);

impl Voucher {
    /// `private` is the private key in a form that does not depend on how it was stored: of an RSA
    /// key PKCS#1, of an age key its text.
    pub(crate) fn of(private: &[u8]) -> Result<Self, KeyError> {
        let secret = hkdf::Salt::new(HKDF_SHA256, &[]).extract(private);
        let derived = secret.expand(&[PURPOSE], HMAC_SHA256);
        let derived = derived.map_err(|_| KeyError::Generate)?;
        Ok(Self(derived.into()))
    }
}

impl fmt::Debug for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Voucher([redacted])")
    }
}

impl Identity {
    /// A code of 32 bytes that nobody without this private key can make for `message`. It is always
    /// the same.
    #[must_use]
    pub fn vouch(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.voucher().0, message).as_ref().to_vec()
    }

    /// Whether `code` was made for `message` by the holder of this private key, in constant time.
    #[must_use]
    pub fn has_vouched(&self, message: &[u8], code: &[u8]) -> bool {
        hmac::verify(&self.voucher().0, message, code).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)] // A test may fail.

    use crate::{Identity, KeySize, PrivateKeyDer};

    #[test]
    fn only_the_same_key_vouches_for_the_same_message() {
        let der = PrivateKeyDer::generate(KeySize::Rsa2048).unwrap();
        let (key, again) = (Identity::new(&der).unwrap(), Identity::new(&der).unwrap());
        let other = Identity::new(&PrivateKeyDer::generate(KeySize::Rsa2048).unwrap()).unwrap();
        let mut code = key.vouch(b"message");
        assert!(again.has_vouched(b"message", &code));
        assert!(!again.has_vouched(b"another", &code));
        assert!(!other.has_vouched(b"message", &code));
        assert!(!again.has_vouched(b"message", &[]));
        code[0] ^= 1;
        assert!(!again.has_vouched(b"message", &code));
    }
}
