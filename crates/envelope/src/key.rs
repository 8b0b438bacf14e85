use std::{fmt, str::FromStr, sync::Arc};

use crate::{
    DecryptError, KeyId, KeySize, Label, OpenError, Plaintext, PrivateKeyDer, SealError, age,
    envelope::Kind, hybrid, rsa, voucher::Voucher,
};

/// A key that cannot seal or open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key belongs to another algorithm.
    #[error("expected an RSA key but found one of algorithm {algorithm}")]
    NotRsa {
        /// Its object identifier in dotted form.
        algorithm: String,
    },
    /// RSA, of a size that is not supported.
    #[error("RSA keys of {bits} bits are not supported: use 2048, 3072, 4096 or 8192")]
    Size {
        /// The size found.
        bits: usize,
    },
    /// The DER does not hold a key, or one whose numbers are inconsistent.
    #[error("the key is malformed: {0}")]
    Malformed(&'static str),
    /// The text is no age recipient that seals here.
    #[error("{0}")]
    Age(&'static str),
    /// The random generator or the allocator failed.
    #[error("the cryptographic library could not make a key")]
    Generate,
}

/// What a sealing key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// RSA: makes hybrid envelopes.
    Rsa(KeySize),
    /// age's X25519: makes age envelopes.
    X25519,
    /// age's ML-KEM-768 with X25519: makes age envelopes that a quantum computer does not open.
    MlKem768X25519,
}

impl KeyKind {
    /// The kind of the envelopes that such a key makes and opens.
    #[must_use]
    pub fn envelope(self) -> Kind {
        match self {
            Self::Rsa(_) => Kind::Hybrid,
            Self::X25519 | Self::MlKem768X25519 => Kind::Age,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(size) => write!(f, "RSA-{}", size.bits()),
            Self::X25519 => f.write_str("X25519"),
            Self::MlKem768X25519 => f.write_str("ML-KEM-768+X25519"),
        }
    }
}

/// The public side of a sealing key: seals. Cloning shares it.
#[derive(Clone)]
pub struct Recipient(Arc<PublicKey>);

pub(crate) enum PublicKey {
    Rsa(rsa::PublicKey),
    Age(age::Recipient),
}

impl Recipient {
    /// Takes a `SubjectPublicKeyInfo` (RFC 5280 §4.1), as certificates hold it.
    ///
    /// # Errors
    /// [`KeyError::NotRsa`], [`KeyError::Size`] or [`KeyError::Malformed`].
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        rsa::PublicKey::from_spki(der)
            .map(PublicKey::Rsa)
            .map(Self::from)
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        match &*self.0 {
            PublicKey::Rsa(key) => key.id(),
            PublicKey::Age(key) => key.id(),
        }
    }

    /// What the key is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match &*self.0 {
            PublicKey::Rsa(key) => KeyKind::Rsa(key.size()),
            PublicKey::Age(key) => key.kind(),
        }
    }

    /// The recipient as age writes it, `age1…` or `age1pq1…`; `None` for an RSA key.
    #[must_use]
    pub fn age(&self) -> Option<&str> {
        match &*self.0 {
            PublicKey::Rsa(_) => None,
            PublicKey::Age(key) => Some(key.as_str()),
        }
    }

    /// Seals `plaintext` under `label` for this recipient alone.
    ///
    /// # Errors
    /// [`SealError`] when the system's random generator fails.
    pub fn seal(&self, label: &Label, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        match &*self.0 {
            PublicKey::Rsa(key) => hybrid::seal(key, label, plaintext),
            PublicKey::Age(key) => age::seal([key], label, plaintext),
        }
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.0
    }
}

impl From<PublicKey> for Recipient {
    fn from(key: PublicKey) -> Self {
        Self(Arc::new(key))
    }
}

/// The same key, whoever holds it.
impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Recipient {}

impl FromStr for Recipient {
    type Err = KeyError;

    /// Reads an age recipient: `age1…` (X25519) or `age1pq1…` (ML-KEM-768 with X25519).
    fn from_str(text: &str) -> Result<Self, KeyError> {
        text.parse().map(PublicKey::Age).map(Self::from)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.id())
    }
}

/// The private side of a sealing key: opens.
pub struct Identity {
    key: PrivateKey,
    voucher: Voucher,
    recipient: Recipient,
}

pub(crate) enum PrivateKey {
    Rsa(rsa::PrivateKey),
    Age(age::Identity),
}

impl Identity {
    /// Takes an RSA private key. Its numbers are checked for consistency, which costs about as much
    /// as one decryption.
    ///
    /// # Errors
    /// [`KeyError::Size`] or [`KeyError::Malformed`].
    pub fn new(der: &PrivateKeyDer) -> Result<Self, KeyError> {
        let (key, public) = rsa::PrivateKey::new(der)?;
        Ok(Self {
            key: PrivateKey::Rsa(key),
            voucher: Voucher::of(der.pkcs1()?)?,
            recipient: PublicKey::Rsa(public).into(),
        })
    }

    /// Reads an age identity: `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`.
    ///
    /// # Errors
    /// [`KeyError::Age`], which never quotes the text.
    pub fn from_age(text: &str) -> Result<Self, KeyError> {
        let (key, public) = age::Identity::parse(text)?;
        Ok(Self {
            key: PrivateKey::Age(key),
            voucher: Voucher::of(text.trim().as_bytes())?,
            recipient: PublicKey::Age(public).into(),
        })
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        self.recipient.id()
    }

    /// The public side.
    #[must_use]
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Opens `envelope` under `label`: one private-key operation, none when its kind or its lengths
    /// cannot be right for this key.
    ///
    /// # Errors
    /// [`OpenError`], whatever the reason.
    pub fn open(&self, envelope: &[u8], label: &Label) -> Result<Plaintext, OpenError> {
        match (&self.key, Kind::of(envelope)) {
            (PrivateKey::Rsa(key), Kind::Hybrid) => hybrid::open(key, envelope, label),
            (PrivateKey::Age(key), Kind::Age) => age::open(key, envelope, label),
            _ => Err(OpenError),
        }
    }

    /// Decrypts a whole age file, all of it, as [`Recipients::encrypt_file`](crate::Recipients) or
    /// `age` made it; armored files are not read.
    ///
    /// # Errors
    /// [`DecryptError`]; an RSA key decrypts none.
    pub fn decrypt_file(&self, file: &[u8]) -> Result<Plaintext, DecryptError> {
        match &self.key {
            PrivateKey::Rsa(_) => Err(DecryptError::NoMatch),
            PrivateKey::Age(key) => age::decrypt(key, file).map(Plaintext::from),
        }
    }

    /// Whether opening `envelope` with this key would cost a private-key operation.
    #[must_use]
    pub fn may_open(&self, envelope: &[u8]) -> bool {
        match (&self.key, Kind::of(envelope)) {
            (PrivateKey::Rsa(key), Kind::Hybrid) => hybrid::may_open(key, envelope),
            (PrivateKey::Age(_), Kind::Age) => true,
            _ => false,
        }
    }

    pub(crate) fn key(&self) -> &PrivateKey {
        &self.key
    }

    pub(crate) fn voucher(&self) -> &Voucher {
        &self.voucher
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, [redacted])", self.id())
    }
}
