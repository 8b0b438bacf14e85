use crate::{Identity, KeyId, Label, Plaintext, Stanzas, age, hybrid, key::PrivateKey};

/// The kinds of envelopes, told apart by their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// RSA-OAEP and AES-256-GCM, for one RSA key: upstream's.
    Hybrid,
    /// A binary age file, for any number of age recipients.
    Age,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hybrid, Self::Age];

    /// The kind that `envelope` says it is of.
    ///
    /// A hybrid envelope never begins as an age file does: its first two bytes would be the length
    /// of an RSA key of 200,000 bits.
    #[must_use]
    pub fn of(envelope: &[u8]) -> Self {
        if envelope.starts_with(age::MAGIC) {
            Self::Age
        } else {
            Self::Hybrid
        }
    }
}

/// What an envelope tells of itself without any key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A hybrid envelope.
    Hybrid {
        /// Bytes of its RSA part: the modulus of its key.
        modulus: usize,
        /// Bytes of its plaintext.
        plaintext: usize,
    },
    /// An age file.
    Age {
        /// Whom it is for, as far as its header tells. Which keys these are, it does not tell.
        stanzas: Stanzas,
        /// Bytes of its label and its plaintext together.
        labelled: usize,
    },
}

impl Shape {
    /// The shape of `envelope`; `None` when it is truncated or damaged so that it shows.
    #[must_use]
    pub fn of(envelope: &[u8]) -> Option<Self> {
        match Kind::of(envelope) {
            Kind::Age => {
                age::shape(envelope).map(|(stanzas, labelled)| Self::Age { stanzas, labelled })
            }
            Kind::Hybrid => hybrid::lengths(envelope)
                .map(|(modulus, plaintext)| Self::Hybrid { modulus, plaintext }),
        }
    }
}

/// An envelope could not be made: the system's random generator or the library failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library could not seal the value")]
pub struct SealError;

/// An envelope does not open. The text is upstream's and never says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key could decrypt secret")]
pub struct OpenError;

/// A value taken out of its envelope.
#[derive(Debug)]
pub struct Opened {
    /// The plaintext, wiped when dropped.
    pub plaintext: Plaintext,
    /// The key that opened the envelope.
    pub key: KeyId,
}

/// Why an envelope does not open, for those who hold the identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// It opens under the label at this index of those that were given.
    OpensUnder {
        /// Index into the labels given.
        label: usize,
        /// The key that opens it.
        key: KeyId,
    },
    /// A key opens it, but it is bound to a label that was not given. Hybrid envelopes do not tell:
    /// for them this is [`Diagnosis::NoKey`].
    OtherLabel {
        /// The key that opens it.
        key: KeyId,
    },
    /// A key opens the session key or the file key, but the value is damaged, or it is an age file
    /// that was not made by sealing.
    Damaged {
        /// The key that opens the session key or the file key.
        key: KeyId,
    },
    /// Too short to be an envelope, or its parts do not fit together: truncated or damaged.
    Malformed,
    /// No identity opens it under any of the labels: another key sealed it, it is bound to a label
    /// that was not given, or the part for the key is damaged.
    NoKey,
}

/// What one identity finds out about an envelope that does not open.
pub(crate) enum Finding {
    OpensUnder(usize),
    OtherLabel,
    Damaged,
    NotMine,
}

/// Opens `envelope` with the first of `identities` that can, in their order.
///
/// # Errors
/// [`OpenError`], whatever the reason.
pub fn open<'a>(
    envelope: &[u8],
    label: &Label,
    identities: impl IntoIterator<Item = &'a Identity>,
) -> Result<Opened, OpenError> {
    identities
        .into_iter()
        .find_map(|identity| {
            let plaintext = identity.open(envelope, label).ok()?;
            Some(Opened {
                plaintext,
                key: identity.id().clone(),
            })
        })
        .ok_or(OpenError)
}

/// Finds out why `envelope` does not open, by trying every label with every identity.
///
/// The answer helps an attacker who can ask often: it is for the holder of the identities and for
/// the labels of the object itself.
pub fn diagnose<'a>(
    envelope: &[u8],
    labels: &[Label],
    identities: impl IntoIterator<Item = &'a Identity>,
) -> Diagnosis {
    if Shape::of(envelope).is_none() {
        return Diagnosis::Malformed;
    }
    let kind = Kind::of(envelope);
    for identity in identities {
        let finding = match (identity.key(), kind) {
            (PrivateKey::Rsa(key), Kind::Hybrid) => hybrid::examine(key, envelope, labels),
            (PrivateKey::Age(key), Kind::Age) => age::examine(key, envelope, labels),
            _ => Finding::NotMine,
        };
        let key = identity.id().clone();
        return match finding {
            Finding::OpensUnder(label) => Diagnosis::OpensUnder { label, key },
            Finding::OtherLabel => Diagnosis::OtherLabel { key },
            Finding::Damaged => Diagnosis::Damaged { key },
            Finding::NotMine => continue,
        };
    }
    Diagnosis::NoKey
}
