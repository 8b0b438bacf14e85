//! RSA keys, as the hybrid envelope needs them.

use std::fmt;

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{
        KeySize as AwsKeySize, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        PrivateDecryptingKey, PublicEncryptingKey,
    },
};
use pkcs8::{
    AlgorithmIdentifierRef, ObjectIdentifier, PrivateKeyInfoRef, SubjectPublicKeyInfoRef,
    der::{Decode, Encode, asn1::OctetStringRef},
};
use zeroize::Zeroizing;

use crate::{KeyError, KeyId};

/// `rsaEncryption`, RFC 8017 appendix C.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The sizes of RSA keys that seal: their modulus in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeySize {
    /// 2048 bits.
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits, upstream's default.
    Rsa4096,
    /// 8192 bits.
    Rsa8192,
}

impl KeySize {
    /// The modulus in bits.
    #[must_use]
    pub fn bits(self) -> usize {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
            Self::Rsa8192 => 8192,
        }
    }

    /// The modulus in bytes, which is also the length of the RSA part of an envelope.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.bits() / 8
    }
}

impl TryFrom<usize> for KeySize {
    type Error = KeyError;

    fn try_from(bits: usize) -> Result<Self, KeyError> {
        match bits {
            2048 => Ok(Self::Rsa2048),
            3072 => Ok(Self::Rsa3072),
            4096 => Ok(Self::Rsa4096),
            8192 => Ok(Self::Rsa8192),
            _ => Err(KeyError::Size { bits }),
        }
    }
}

/// A private key as DER, wiped when dropped.
pub struct PrivateKeyDer {
    pkcs8: Zeroizing<Vec<u8>>,
}

impl PrivateKeyDer {
    /// Takes a PKCS#8 document (RFC 5958, `PrivateKeyInfo`).
    ///
    /// # Errors
    /// [`KeyError::Malformed`] or [`KeyError::NotRsa`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::try_from(der)
            .map_err(|_| KeyError::Malformed("not a PKCS#8 private key"))?;
        expect_rsa(&info.algorithm.oid)?;
        Self::from_pkcs1(info.private_key.as_bytes())
    }

    /// Takes a PKCS#1 document (RFC 8017 appendix A.1.2, `RSAPrivateKey`).
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::Malformed("not a PKCS#1 RSA private key");
        let octets = OctetStringRef::new(der).map_err(malformed)?;
        let algorithm = AlgorithmIdentifierRef {
            oid: RSA_ENCRYPTION,
            parameters: Some(pkcs8::der::asn1::AnyRef::NULL),
        };
        let pkcs8 = PrivateKeyInfoRef::new(algorithm, octets)
            .to_der()
            .map_err(malformed)?;
        Ok(Self {
            pkcs8: Zeroizing::new(pkcs8),
        })
    }

    /// A new RSA key from the system's random generator: 0.1 to 0.5 s for 4096 bits.
    ///
    /// # Errors
    /// [`KeyError::Generate`].
    pub fn generate(size: KeySize) -> Result<Self, KeyError> {
        let size = match size {
            KeySize::Rsa2048 => AwsKeySize::Rsa2048,
            KeySize::Rsa3072 => AwsKeySize::Rsa3072,
            KeySize::Rsa4096 => AwsKeySize::Rsa4096,
            KeySize::Rsa8192 => AwsKeySize::Rsa8192,
        };
        let key = PrivateDecryptingKey::generate(size).map_err(|_| KeyError::Generate)?;
        let der = AsDer::as_der(&key).map_err(|_| KeyError::Generate)?;
        Ok(Self {
            pkcs8: Zeroizing::new(der.as_ref().to_vec()),
        })
    }

    /// The key as PKCS#8.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The key as PKCS#1, the form in which upstream stores it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn pkcs1(&self) -> Result<&[u8], KeyError> {
        PrivateKeyInfoRef::try_from(self.pkcs8.as_slice())
            .map(|info| info.private_key.as_bytes())
            .map_err(|_| KeyError::Malformed("not a PKCS#8 private key"))
    }
}

impl fmt::Debug for PrivateKeyDer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKeyDer([redacted])")
    }
}

/// An RSA public key.
pub(crate) struct PublicKey {
    key: OaepPublicEncryptingKey,
    size: KeySize,
    id: KeyId,
}

impl PublicKey {
    /// Takes a `SubjectPublicKeyInfo`.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed("not an RSA public key");
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| malformed.clone())?;
        expect_rsa(&spki.algorithm.oid)?;
        let bits = spki
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| malformed.clone())?;
        let numbers = pkcs1::RsaPublicKeyRef::from_der(bits).map_err(|_| malformed.clone())?;
        let (modulus, exponent) = (
            numbers.modulus.as_bytes(),
            numbers.public_exponent.as_bytes(),
        );
        let size = KeySize::try_from(significant_bits(modulus))?;
        let id = KeyId::of_rsa(modulus, exponent).ok_or_else(|| malformed.clone())?;
        let key = PublicEncryptingKey::from_der(der)
            .map_err(|_| malformed.clone())
            .and_then(|key| OaepPublicEncryptingKey::new(key).map_err(|_| malformed))?;
        Ok(Self { key, size, id })
    }

    pub(crate) fn id(&self) -> &KeyId {
        &self.id
    }

    pub(crate) fn size(&self) -> KeySize {
        self.size
    }

    pub(crate) fn oaep(&self) -> &OaepPublicEncryptingKey {
        &self.key
    }
}

/// An RSA private key.
pub(crate) struct PrivateKey {
    key: OaepPrivateDecryptingKey,
    size: KeySize,
}

impl PrivateKey {
    /// Takes a private key and derives the public one.
    pub(crate) fn new(der: &PrivateKeyDer) -> Result<(Self, PublicKey), KeyError> {
        let inconsistent = KeyError::Malformed("not a consistent RSA private key");
        let size = KeySize::try_from(private_key_bits(der)?)?;
        let key =
            PrivateDecryptingKey::from_pkcs8(der.pkcs8()).map_err(|_| inconsistent.clone())?;
        debug_assert_eq!(size.bytes(), key.key_size_bytes());
        let public = AsDer::as_der(&key.public_key()).map_err(|_| inconsistent.clone())?;
        let public = PublicKey::from_spki(public.as_ref())?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| inconsistent)?;
        Ok((Self { key, size }, public))
    }

    pub(crate) fn size(&self) -> KeySize {
        self.size
    }

    pub(crate) fn oaep(&self) -> &OaepPrivateDecryptingKey {
        &self.key
    }
}

fn expect_rsa(oid: &ObjectIdentifier) -> Result<(), KeyError> {
    if *oid == RSA_ENCRYPTION {
        return Ok(());
    }
    Err(KeyError::NotRsa {
        algorithm: oid.to_string(),
    })
}

/// The size is read before the library sees the key, so that an odd size is named as such.
fn private_key_bits(der: &PrivateKeyDer) -> Result<usize, KeyError> {
    let key = pkcs1::RsaPrivateKeyRef::from_der(der.pkcs1()?)
        .map_err(|_| KeyError::Malformed("not a PKCS#1 RSA private key"))?;
    Ok(significant_bits(key.modulus.as_bytes()))
}

fn significant_bits(big_endian: &[u8]) -> usize {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    match big_endian.get(zeros) {
        Some(first) => (big_endian.len() - zeros) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}
