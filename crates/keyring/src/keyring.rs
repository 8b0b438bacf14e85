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

    /// What sorts the newest key first. Secrets are created in whole seconds: among those of one
    /// second the certificates decide.
    fn rank(self, key: &Key) -> impl Ord + use<> {
        (
            Reverse(self.time(key)),
            Reverse(key.certificate().not_before()),
            key.id().clone(),
            key.name().to_owned(),
        )
    }
}

/// All keys in use: the current one first, then the newest. Cloning shares the keys.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<Arc<Key>>,
    order: KeyOrder,
    backup_required: bool,
}

impl Keyring {
    /// Orders the keys; the newest is current. Of several Secrets with the same key only the first
    /// in order counts; equal times are ordered by the certificate and then by key id, so that every
    /// replica agrees.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = Arc<Key>>, order: KeyOrder) -> Self {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_by_key(|key| order.rank(key));
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.id().clone()));
        Self {
            keys,
            order,
            backup_required: false,
        }
    }

    /// The same keys, where one that [awaits its backup](crate::Marks::must_be_backed_up) does not
    /// seal: the newest of the others is current, and if there is no other, the oldest of all. So a
    /// cluster whose first key is not backed up can still seal.
    #[must_use]
    pub fn requiring_backup(mut self) -> Self {
        self.backup_required = true;
        let may_seal = |key: &Arc<Key>| !key.marks().must_be_backed_up();
        let current = self.keys.iter().position(may_seal);
        let current = current.unwrap_or(self.keys.len().saturating_sub(1));
        if let Some(newer) = self.keys.get_mut(..=current) {
            newer.rotate_right(1);
        }
        self
    }

    /// The key that seals.
    #[must_use]
    pub fn current(&self) -> Option<&Arc<Key>> {
        self.keys.first()
    }

    /// The newest key: the current one, unless that one is the last that is backed up.
    #[must_use]
    pub fn newest(&self) -> Option<&Arc<Key>> {
        self.keys.iter().min_by_key(|key| self.order.rank(key))
    }

    /// The keys that are newer than the current one and do not seal before they are backed up.
    pub fn awaiting_backup(&self) -> impl Iterator<Item = &Arc<Key>> {
        let rank = self.current().map(|key| self.order.rank(key));
        let waits = move |key: &&Arc<Key>| {
            self.backup_required && rank.as_ref().is_some_and(|it| self.order.rank(key) < *it)
        };
        self.keys.iter().filter(waits)
    }

    /// The time that orders the current key.
    #[must_use]
    pub fn current_since(&self) -> Option<Timestamp> {
        self.current().map(|key| self.order.time(key))
    }

    /// The time that orders a key of this ring.
    #[must_use]
    pub fn time(&self, key: &Key) -> Timestamp {
        self.order.time(key)
    }

    /// The latest of all times that order the keys, or that their certificates begin: a key that is
    /// to be the newest must begin later.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        let times = |key: &Arc<Key>| self.order.time(key).max(key.certificate().not_before());
        self.keys.iter().map(times).max()
    }

    /// The keys, the current one first, then the newest.
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

    /// The keys in the order in which they should be tried: those in `first`, then the current one,
    /// then the newest. Ids of keys that are not here are passed over: a hint costs time, never correctness.
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

    /// The identities, in the same order.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.keys.iter().map(|key| key.identity())
    }
}
