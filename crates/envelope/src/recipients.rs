use std::collections::BTreeSet;

use crate::{KeyId, KeyKind, Kind, Label, Recipient, SealError, age, hybrid, key::PublicKey};

/// Whom a value is sealed for: one RSA key, or any number of age recipients.
///
/// X25519 and post-quantum recipients never stand together, as the age specification demands: the
/// weaker would undo the stronger.
#[derive(Debug, Clone)]
pub struct Recipients {
    first: Recipient,
    more: Vec<Recipient>,
}

/// Recipients that cannot share an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipientsError {
    /// There is none.
    #[error("there is no recipient")]
    None,
    /// An RSA key and another recipient.
    #[error(
        "a value is sealed for one certificate or for age recipients, not for {first} and {other}"
    )]
    SeveralWithRsa {
        /// One of the keys.
        first: KeyId,
        /// A key that does not go with it.
        other: KeyId,
    },
    /// A post-quantum recipient and one that is not.
    #[error(
        "post-quantum recipients (age1pq1…) and others (age1…) cannot share a value: {first} and \
         {other}"
    )]
    PostQuantumWithOther {
        /// One of the keys.
        first: KeyId,
        /// A key that does not go with it.
        other: KeyId,
    },
    /// More recipients than one envelope holds.
    #[error("a value has at most {} recipients, not {count}", age::MOST_RECIPIENTS)]
    TooMany {
        /// How many were given.
        count: usize,
    },
}

impl Recipients {
    /// Checks that `recipients` can share an envelope. One that is given twice counts once.
    ///
    /// # Errors
    /// [`RecipientsError`].
    pub fn new(recipients: impl IntoIterator<Item = Recipient>) -> Result<Self, RecipientsError> {
        let mut recipients = recipients.into_iter();
        let first = recipients.next().ok_or(RecipientsError::None)?;
        let mut more: Vec<Recipient> = Vec::new();
        for other in recipients {
            if first.id() == other.id() || more.iter().any(|known| known.id() == other.id()) {
                continue;
            }
            let ids = || (first.id().clone(), other.id().clone());
            if first.kind().envelope() == Kind::Hybrid || other.kind().envelope() == Kind::Hybrid {
                let (first, other) = ids();
                return Err(RecipientsError::SeveralWithRsa { first, other });
            }
            if first.kind() != other.kind() {
                let (first, other) = ids();
                return Err(RecipientsError::PostQuantumWithOther { first, other });
            }
            more.push(other);
        }
        if more.len() >= age::MOST_RECIPIENTS {
            return Err(RecipientsError::TooMany {
                count: more.len() + 1,
            });
        }
        Ok(Self { first, more })
    }

    /// The recipients, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Recipient> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The names of their keys.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<KeyId> {
        self.iter()
            .map(|recipient| recipient.id().clone())
            .collect()
    }

    /// What their keys are.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.first.kind()
    }

    /// Seals `plaintext` under `label` for all of them.
    ///
    /// # Errors
    /// [`SealError`] when the system's random generator fails.
    pub fn seal(&self, label: &Label, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        match self.first.key() {
            PublicKey::Rsa(key) => hybrid::seal(key, label, plaintext),
            PublicKey::Age(_) => age::seal(self.age_keys(), label, plaintext),
        }
    }

    /// Encrypts a whole file to all of them, as `age` does (<https://c2sp.org/age>): bound to no
    /// label, and nothing that [`Identity::open`](crate::Identity::open) takes for a value.
    ///
    /// # Errors
    /// [`SealError`] for an RSA key, which age does not know, or when the system's random generator
    /// fails.
    pub fn encrypt_file(&self, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        match self.first.key() {
            PublicKey::Rsa(_) => Err(SealError),
            PublicKey::Age(_) => age::encrypt(self.age_keys(), plaintext),
        }
    }

    fn age_keys(&self) -> impl Iterator<Item = &age::Recipient> {
        self.iter().filter_map(|recipient| match recipient.key() {
            PublicKey::Age(key) => Some(key),
            PublicKey::Rsa(_) => None,
        })
    }
}

impl From<Recipient> for Recipients {
    fn from(first: Recipient) -> Self {
        Self {
            first,
            more: Vec::new(),
        }
    }
}
