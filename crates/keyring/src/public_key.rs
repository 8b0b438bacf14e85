use std::fmt;

use jiff::Timestamp;
use seal_envelope::{KeyId, KeyKind, Recipients};

use crate::{AgeRecipient, Certificate};

/// The published side of a sealing key.
pub enum PublicKey {
    /// Of an RSA key.
    Certificate(Certificate),
    /// Of an age key.
    Age(AgeRecipient),
}

impl PublicKey {
    /// The id of the key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        match self {
            Self::Certificate(certificate) => certificate.key_id(),
            Self::Age(recipient) => recipient.key_id(),
        }
    }

    /// The algorithm.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.recipients().kind()
    }

    /// The key that seals, as the only recipient.
    #[must_use]
    pub fn recipients(&self) -> &Recipients {
        match self {
            Self::Certificate(certificate) => certificate.recipients(),
            Self::Age(recipient) => recipient.recipients(),
        }
    }

    /// From when on the key seals.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        match self {
            Self::Certificate(certificate) => certificate.not_before(),
            Self::Age(recipient) => recipient.not_before(),
        }
    }

    /// After this nothing is sealed with the key; age keys have no such end.
    #[must_use]
    pub fn not_after(&self) -> Option<Timestamp> {
        match self {
            Self::Certificate(certificate) => Some(certificate.not_after()),
            Self::Age(_) => None,
        }
    }

    /// The certificate; `None` for an age key.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Certificate(certificate) => Some(certificate),
            Self::Age(_) => None,
        }
    }

    /// The age recipient; `None` for an RSA key.
    #[must_use]
    pub fn age(&self) -> Option<&AgeRecipient> {
        match self {
            Self::Certificate(_) => None,
            Self::Age(recipient) => Some(recipient),
        }
    }

    /// As it is published: a certificate as PEM, or a recipients file of age.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Certificate(certificate) => certificate.to_pem(),
            Self::Age(recipient) => recipient.to_file(),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(certificate) => certificate.fmt(f),
            Self::Age(recipient) => recipient.fmt(f),
        }
    }
}
