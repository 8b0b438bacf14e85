use std::{cmp::Reverse, collections::HashSet, str::FromStr, sync::Arc};

use jiff::Timestamp;
use seal_envelope::{Identity, KeyId};

use crate::Key;

/// What makes a key newer than another (`--key-order-priority`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyOrder {
    /// The notBefore of its certificate.
    #[default]
    CertNotBefore,
    /// The creation of its Secret.
    SecretCreationTimestamp,
}

/// The text names no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: CertNotBefore, SecretCreationTimestamp")]
pub struct ParseKeyOrderError;

impl FromStr for KeyOrder {
    type Err = ParseKeyOrderError;

    fn from_str(text: &str) -> Result<Self, ParseKeyOrderError> {
        match text {
            "CertNotBefore" => Ok(Self::CertNotBefore),
            "SecretCreationTimestamp" => Ok(Self::SecretCreationTimestamp),
            _ => Err(ParseKeyOrderError),
        }
    }
}

impl KeyOrder {
    /// The time that orders `key`.
    #[must_use]
    pub fn time(self, key: &Key) -> Timestamp {
        match self {
            Self::CertNotBefore => key.certificate().not_before(),
            Self::SecretCreationTimestamp => key.created().unwrap_or(Timestamp::MIN),
        }
    }
}

/// All keys in use, newest first. Cloning shares the keys.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<Arc<Key>>,
    order: KeyOrder,
}

impl Keyring {
    /// Orders the keys. Of several Secrets with the same key only the first in order counts; equal
    /// times are ordered by key id, so that every replica agrees.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = Arc<Key>>, order: KeyOrder) -> Self {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_by_key(|key| {
            (
                Reverse(order.time(key)),
                key.id().clone(),
                key.name().to_owned(),
            )
        });
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.id().clone()));
        Self { keys, order }
    }

    /// The newest key: it seals.
    #[must_use]
    pub fn current(&self) -> Option<&Arc<Key>> {
        self.keys.first()
    }

    /// The time that orders the newest key, from which renewal counts.
    #[must_use]
    pub fn current_since(&self) -> Option<Timestamp> {
        self.current().map(|key| self.order.time(key))
    }

    /// The keys, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.iter()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the key with this id, as text, is in use.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id().as_str() == id)
    }

    /// The keys in the order in which they should be tried: those in `first`, then the rest, newest
    /// first. Ids of keys that are not here are passed over: a hint costs time, never correctness.
    #[must_use]
    pub fn preferring<'a>(&self, first: impl IntoIterator<Item = &'a KeyId>) -> Vec<Arc<Key>> {
        let mut ordered: Vec<Arc<Key>> = Vec::with_capacity(self.keys.len());
        let hinted = first
            .into_iter()
            .filter_map(|id| self.keys.iter().find(|key| key.id() == id));
        for key in hinted.chain(&self.keys) {
            if !ordered.iter().any(|other| Arc::ptr_eq(other, key)) {
                ordered.push(Arc::clone(key));
            }
        }
        ordered
    }

    /// The identities, newest first.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.keys.iter().map(|key| key.identity())
    }
}
