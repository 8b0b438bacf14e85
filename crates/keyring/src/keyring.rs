use std::{cmp::Reverse, collections::HashSet, str::FromStr, sync::Arc};

use jiff::Timestamp;
use seal_envelope::{Identity, KeyId, Kind};

use crate::Key;

/// What makes a key newer than another (`--key-order-priority`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyOrder {
    /// The notBefore of its certificate, or what is noted so on an age key.
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
            Self::CertNotBefore => key.public().not_before(),
            Self::SecretCreationTimestamp => key.created().unwrap_or(Timestamp::MIN),
        }
    }

    /// What sorts the newest key first. Secrets are created in whole seconds: among those of one
    /// second the certificates decide.
    fn rank(self, key: &Key) -> impl Ord + use<> {
        (
            Reverse(self.time(key)),
            Reverse(key.public().not_before()),
            key.id().clone(),
            key.name().to_owned(),
        )
    }
}

/// All keys in use. Those of each kind have an order of their own: the current one first, then the
/// newest. Cloning shares the keys.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    hybrid: Vec<Arc<Key>>,
    age: Vec<Arc<Key>>,
    order: KeyOrder,
    backup_required: bool,
}

impl Keyring {
    /// Orders the keys; the newest of each kind is current. Of several Secrets with the same key only
    /// the first in order counts; equal times are ordered by the certificate and then by key id, so
    /// that every replica agrees.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = Arc<Key>>, order: KeyOrder) -> Self {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_by_key(|key| order.rank(key));
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.id().clone()));
        let (hybrid, age) = keys.into_iter().partition(|key| key.kind() == Kind::Hybrid);
        Self {
            hybrid,
            age,
            order,
            backup_required: false,
        }
    }

    /// The same keys, where one that [awaits its backup](crate::Marks::must_be_backed_up) does not
    /// seal: the newest of the others of its kind is current, and if there is no other, the oldest of
    /// all. So a cluster whose first key is not backed up can still seal.
    #[must_use]
    pub fn requiring_backup(mut self) -> Self {
        self.backup_required = true;
        let may_seal = |key: &Arc<Key>| !key.marks().must_be_backed_up();
        for keys in [&mut self.hybrid, &mut self.age] {
            let current = keys.iter().position(may_seal);
            let current = current.unwrap_or(keys.len().saturating_sub(1));
            if let Some(newer) = keys.get_mut(..=current) {
                newer.rotate_right(1);
            }
        }
        self
    }

    /// The keys of one kind, the current one first, then the newest.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &[Arc<Key>] {
        match kind {
            Kind::Hybrid => &self.hybrid,
            Kind::Age => &self.age,
        }
    }

    /// The key that makes envelopes of this kind.
    #[must_use]
    pub fn current(&self, kind: Kind) -> Option<&Arc<Key>> {
        self.of(kind).first()
    }

    /// The newest key of this kind: the current one, unless that one is the last that is backed up.
    #[must_use]
    pub fn newest(&self, kind: Kind) -> Option<&Arc<Key>> {
        let keys = self.of(kind).iter();
        keys.min_by_key(|key| self.order.rank(key))
    }

    /// The keys of this kind that are newer than the current one and do not seal before they are
    /// backed up.
    pub fn awaiting_backup(&self, kind: Kind) -> impl Iterator<Item = &Arc<Key>> {
        let rank = self.current(kind).map(|key| self.order.rank(key));
        let waits = move |key: &&Arc<Key>| {
            self.backup_required && rank.as_ref().is_some_and(|it| self.order.rank(key) < *it)
        };
        self.of(kind).iter().filter(waits)
    }

    /// The keys of this kind that may seal: those that do not await their backup, the current one first.
    pub fn may_seal(&self, kind: Kind) -> impl Iterator<Item = &Arc<Key>> {
        let awaiting: HashSet<_> = self.awaiting_backup(kind).map(|key| key.id()).collect();
        let keys = self.of(kind).iter();
        keys.filter(move |key| !awaiting.contains(key.id()))
    }

    /// The time that orders a key of this ring.
    #[must_use]
    pub fn time(&self, key: &Key) -> Timestamp {
        self.order.time(key)
    }

    /// The latest of all times that order the keys of this kind, or from which on they seal: a key
    /// that is to be the newest must begin later.
    #[must_use]
    pub fn latest(&self, kind: Kind) -> Option<Timestamp> {
        let times = |key: &Arc<Key>| self.order.time(key).max(key.public().not_before());
        self.of(kind).iter().map(times).max()
    }

    /// The keys, RSA keys before age keys, of each kind the current one first, then the newest.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.hybrid.iter().chain(&self.age)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hybrid.len() + self.age.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key with this id, as text.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Key>> {
        self.iter().find(|key| key.id().as_str() == id)
    }

    /// Whether the key with this id, as text, is in use.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// The keys in the order in which they should be tried: those that are hinted at, then the `last`
    /// one that worked, then the others. Ids of keys that are not here are passed over: a hint costs
    /// time, never correctness.
    #[must_use]
    pub fn preferring(&self, hints: &[KeyId], last: Option<&KeyId>) -> Vec<Arc<Key>> {
        let mut ordered: Vec<Arc<Key>> = Vec::with_capacity(self.len());
        let hinted = self.iter().filter(|key| hints.contains(key.id()));
        let last = self.iter().filter(|key| Some(key.id()) == last);
        for key in hinted.chain(last).chain(self.iter()) {
            if !ordered.iter().any(|other| Arc::ptr_eq(other, key)) {
                ordered.push(Arc::clone(key));
            }
        }
        ordered
    }

    /// The identities, in the order of [`iter`](Self::iter).
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.iter().map(|key| key.identity())
    }
}
