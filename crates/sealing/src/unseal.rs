use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    fmt,
};

use seal_api::{
    SealedSecret,
    annotations::{SKIP_SET_OWNER_REFERENCES, is_true},
};
use seal_envelope::{Identity, KeyId, Kind, Label, Opened, Plaintext};
use seal_manifest::{Reading, Stream};

use crate::{Base64Error, Secret, base64::decode, label, owner_reference, render::render};

/// Where the deprecated blob stands in errors and in the work list.
const V1_DATA: &str = "data";

/// A SealedSecret that does not become a Secret: the fault of the object, or of a missing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnsealError {
    /// Items failed; all of them are told together.
    Items(Vec<FailedItem>),
    /// The deprecated blob is there but not accepted.
    V1NotAccepted,
    /// The deprecated blob stands beside `encryptedData`.
    V1BesideEncryptedData,
    /// The deprecated blob failed.
    V1(ItemError),
    /// The deprecated blob opened, but holds no Secret.
    V1NotASecret,
}

/// One item of a SealedSecret that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedItem {
    /// Its key.
    pub item: String,
    /// Why.
    pub error: ItemError,
}

/// Why an item failed. The texts are upstream's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum ItemError {
    /// It is not base64.
    #[error(transparent)]
    Base64(#[from] Base64Error),
    /// No identity opens it.
    #[error("no key could decrypt secret")]
    NoKey,
    /// It is made from a template, which failed. The text holds no value.
    #[error("{0}")]
    Template(String),
}

impl std::error::Error for UnsealError {}

impl fmt::Display for UnsealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Items(failed) => f.write_str(&lines(failed)),
            Self::V1NotAccepted => f.write_str(
                "using deprecated 'data' field, use 'encryptedData' or flip the feature flag",
            ),
            Self::V1BesideEncryptedData => f.write_str(
                "cannot use the field 'encryptedData' and the deprecated field 'data' at the same \
                 time",
            ),
            Self::V1(error) => error.fmt(f),
            Self::V1NotASecret => f.write_str("the deprecated field 'data' holds no Secret"),
        }
    }
}

/// One line for each text, with the keys of all items that failed with it.
fn lines(failed: &[FailedItem]) -> String {
    let mut by_text: BTreeMap<&ItemError, Vec<Cow<'_, str>>> = BTreeMap::new();
    for FailedItem { item, error } in failed {
        by_text.entry(error).or_default().push(printable(item));
    }
    let line =
        |(error, items): (&ItemError, Vec<Cow<'_, str>>)| format!("{error} ({})", items.join(", "));
    by_text.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A key as it may stand in a message: one with a line break would forge a line of the log.
#[must_use]
pub fn printable(item: &str) -> Cow<'_, str> {
    if item.chars().any(char::is_control) {
        return item.escape_debug().to_string().into();
    }
    item.into()
}

/// What a SealedSecret becomes.
#[derive(Debug)]
pub struct Unsealed {
    /// The Secret, with the owner reference that it should have.
    pub secret: Secret,
    /// The keys that opened its values, and how many of them each.
    pub keys: BTreeMap<KeyId, usize>,
}

/// Unseals at once, trying `identities` in their order.
///
/// # Errors
/// [`UnsealError`].
pub fn unseal(
    sealed: &SealedSecret,
    identities: &[&Identity],
    accept_v1_data: bool,
) -> Result<Unsealed, UnsealError> {
    let mut unsealing = Unsealing::new(sealed, accept_v1_data)?;
    unsealing.step(identities, usize::MAX);
    unsealing.finish(sealed)
}

/// The unsealing of one object, in as many slices as its queue allows.
#[derive(Debug)]
pub struct Unsealing {
    label: Label,
    pending: VecDeque<Pending>,
    opened: BTreeMap<String, Plaintext>,
    failed: Vec<FailedItem>,
    /// Which key opened which item.
    keys: BTreeMap<String, KeyId>,
    /// The identity that opened the last item: the next one is likely sealed with it, too.
    last: usize,
}

#[derive(Debug)]
struct Pending {
    item: String,
    envelope: Vec<u8>,
    /// How many identities have been tried.
    tried: usize,
}

impl Unsealing {
    /// Prepares the work: decodes base64, tries no key.
    ///
    /// # Errors
    /// [`UnsealError`] for objects that no key can help.
    pub fn new(sealed: &SealedSecret, accept_v1_data: bool) -> Result<Self, UnsealError> {
        let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
        let name = sealed.metadata.name.as_deref().unwrap_or_default();
        let mut unsealing = Self {
            label: label(sealed.scope(), namespace, name),
            pending: VecDeque::new(),
            opened: BTreeMap::new(),
            failed: Vec::new(),
            keys: BTreeMap::new(),
            last: 0,
        };
        if let Some(blob) = &sealed.spec.data {
            if !accept_v1_data {
                return Err(UnsealError::V1NotAccepted);
            }
            if !sealed.spec.encrypted_data.is_empty() {
                return Err(UnsealError::V1BesideEncryptedData);
            }
            unsealing.add(V1_DATA, blob);
        }
        for (item, text) in &sealed.spec.encrypted_data {
            unsealing.add(item, text);
        }
        Ok(unsealing)
    }

    fn add(&mut self, item: &str, text: &str) {
        match decode(text) {
            Ok(envelope) => self.pending.push_back(Pending {
                item: item.into(),
                envelope: envelope.to_vec(),
                tried: 0,
            }),
            Err(error) => self.fail(item.into(), error.into()),
        }
    }

    fn fail(&mut self, item: String, error: ItemError) {
        self.failed.push(FailedItem { item, error });
    }

    /// Whether there is nothing left to try.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.pending.is_empty()
    }

    /// Opens items until it has made about `operations` private-key operations; the answer is how
    /// many it made. `identities` must be the same, in the same order, at every step.
    pub fn step(&mut self, identities: &[&Identity], operations: usize) -> usize {
        let mut made = 0;
        while made < operations
            && let Some(mut pending) = self.pending.pop_front()
        {
            let Some((index, identity)) = self.next_identity(identities, pending.tried) else {
                self.fail(pending.item, ItemError::NoKey);
                continue;
            };
            pending.tried += 1;
            made += usize::from(identity.may_open(&pending.envelope));
            match identity.open(&pending.envelope, &self.label) {
                Ok(plaintext) => {
                    self.last = index;
                    let key = identity.id().clone();
                    self.keys.insert(pending.item.clone(), key);
                    self.opened.insert(pending.item, plaintext);
                }
                Err(_) => self.pending.push_front(pending),
            }
        }
        made
    }

    /// The identity that opened the last item comes first, then all others in their order. `last`
    /// changes only when an item is done, so no item skips an identity.
    fn next_identity<'a>(
        &self,
        identities: &[&'a Identity],
        tried: usize,
    ) -> Option<(usize, &'a Identity)> {
        let index = match tried {
            0 => self.last,
            n if n <= self.last => n - 1,
            n => n,
        };
        identities.get(index).map(|identity| (index, *identity))
    }

    /// The Secret, once everything is done. `sealed` is the object that the work began with.
    ///
    /// # Errors
    /// [`UnsealError`] with every item that failed.
    pub fn finish(mut self, sealed: &SealedSecret) -> Result<Unsealed, UnsealError> {
        for pending in std::mem::take(&mut self.pending) {
            self.fail(pending.item, ItemError::NoKey);
        }
        let mut keys = BTreeMap::new();
        for key in std::mem::take(&mut self.keys).into_values() {
            *keys.entry(key).or_default() += 1;
        }
        let mut secret = match sealed.spec.data {
            Some(_) => self.blob()?,
            None => self.items(sealed)?,
        };
        secret.metadata.name.clone_from(&sealed.metadata.name);
        secret
            .metadata
            .namespace
            .clone_from(&sealed.metadata.namespace);
        if !is_true(
            sealed.spec.template.annotations(),
            SKIP_SET_OWNER_REFERENCES,
        ) {
            secret.metadata.owner_references = Some(vec![owner_reference(&sealed.metadata)]);
        }
        Ok(Unsealed { secret, keys })
    }

    /// The opened values by item and the keys that opened them, without rendering anything: `None` when
    /// one of them failed. The deprecated blob is the item `data`.
    #[must_use]
    pub fn into_opened(mut self) -> Option<BTreeMap<String, Opened>> {
        if !self.failed.is_empty() || !self.pending.is_empty() {
            return None;
        }
        let with_key = |(item, plaintext)| {
            let key = self.keys.remove(&item)?;
            Some((item, Opened { plaintext, key }))
        };
        self.opened.into_iter().map(with_key).collect()
    }

    /// The most private-key operations that the rest can take with these identities.
    pub fn most_operations<'a>(&self, identities: impl IntoIterator<Item = &'a Identity>) -> usize {
        let taken = |identity: &Identity| {
            let kind = identity.recipient().kind().envelope();
            let pending = self.pending.iter();
            pending.filter(|it| Kind::of(&it.envelope) == kind).count()
        };
        identities.into_iter().map(taken).sum()
    }

    fn blob(mut self) -> Result<Secret, UnsealError> {
        if let Some(FailedItem { error, .. }) = self.failed.pop() {
            return Err(UnsealError::V1(error));
        }
        let blob = self.opened.remove(V1_DATA).unwrap_or_default();
        let stream = Stream::parse(V1_DATA, blob.to_vec(), Reading::Kubernetes)
            .map_err(|_| UnsealError::V1NotASecret)?;
        match stream.documents() {
            [] => Ok(Secret::default()),
            [document] => {
                Secret::from_node(&document.root()).map_err(|_| UnsealError::V1NotASecret)
            }
            _ => Err(UnsealError::V1NotASecret),
        }
    }

    fn items(mut self, sealed: &SealedSecret) -> Result<Secret, UnsealError> {
        render(sealed, &mut self.opened, &mut self.failed);
        if !self.failed.is_empty() {
            return Err(UnsealError::Items(self.failed));
        }
        let template = &sealed.spec.template;
        Ok(Secret {
            metadata: template.metadata.clone().unwrap_or_default(),
            type_: template.type_.clone(),
            immutable: template.immutable,
            data: self.opened,
            string_data: BTreeMap::new(),
        })
    }
}
