//! Sealing again with private keys, on all cores.

use std::collections::BTreeSet;

use seal_envelope::{Identity, KeyId, Opened};
use seal_sealing::{Cause, SealError, decode, diagnose, label, reseal};

use super::{
    Reseal, RotationError,
    aim::{Aim, Header, openers},
    tree::{Object, Resealed},
};
use crate::{
    error::{Error, Errors},
    parallel,
};

/// Private keys.
pub(super) struct Opener<'a> {
    pub(super) identities: Vec<&'a Identity>,
    /// Whether values are sealed again that are right as far as anybody can tell.
    pub(super) all: bool,
}

/// One value of one object.
struct Task<'a> {
    object: &'a Object<'a>,
    item: &'a str,
    text: &'a str,
}

/// Nobody who can open a value loses it without a word: neither other clusters, nor an escrow key, nor
/// what is closed to quantum computers.
fn expect_no_loss(task: &Task<'_>, header: Header) -> Result<(), RotationError> {
    let (object, target) = (task.object, &task.object.target);
    match header {
        Header::Age(stanzas)
            if !target.may_drop && (stanzas.recipients() > 1 || !target.aim.is_for_age()) =>
        {
            Err(RotationError::Unlisted {
                at: object.at_value(task.item),
                called: object.called(),
                item: task.item.to_owned(),
                openers: openers(stanzas, &object.hints),
            })
        }
        _ => Ok(()),
    }
}

impl Reseal for Opener<'_> {
    fn reseal(&mut self, objects: &[&Object<'_>]) -> Vec<Result<Resealed, Errors>> {
        let mut tasks = Vec::new();
        for object in objects.iter().filter(|object| !self.believes(object)) {
            let values = object.values().into_iter();
            tasks.extend(values.map(|(item, text)| Task { object, item, text }));
        }
        let done = parallel::map(&tasks, |task| self.value(task));
        let mut done = tasks.iter().zip(done).peekable();
        let outcome = |object: &&Object<'_>| {
            let mut resealed = Resealed::default();
            let mut errors = Errors::default();
            while let Some((task, value)) =
                done.next_if(|(task, _)| std::ptr::eq(task.object, *object))
            {
                if let Some((from, text)) = errors.ok(value).flatten() {
                    resealed.texts.insert(task.item.to_owned(), text);
                    *resealed.from.entry(Some(from)).or_default() += 1;
                }
            }
            match errors.is_empty() {
                true => Ok(resealed),
                // Without what they are bound to nothing else can be said of the values.
                false => object.expect_named().map_err(Errors::from).and(Err(errors)),
            }
        };
        objects.iter().map(outcome).collect()
    }
}

impl Opener<'_> {
    /// Whether the hint has to do, since the key that it names is not here.
    fn believes(&self, object: &Object<'_>) -> bool {
        !self.all && object.is_settled() && !self.has_any(object.hints.iter())
    }

    fn has_any<'k>(&self, mut keys: impl Iterator<Item = &'k KeyId>) -> bool {
        keys.any(|key| self.has(key))
    }

    fn has(&self, key: &KeyId) -> bool {
        self.identities.iter().any(|identity| identity.id() == key)
    }

    /// The new text of a value and the key that it was sealed with; nothing for one that stays.
    fn value(&self, task: &Task<'_>) -> Result<Option<(KeyId, String)>, Error> {
        let object = task.object;
        let failed = |why: String| Error::Unseal {
            at: object.at_value(task.item),
            called: object.called(),
            item: task.item.to_owned(),
            why,
        };
        let envelope =
            decode(task.text).map_err(|error| failed(format!("{error}: {}", Cause::Corrupt)))?;
        let mut identities = self.identities.clone();
        identities.sort_by_key(|identity| !object.hints.contains(identity.id()));
        let metadata = &object.sealed.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let name = metadata.name.as_deref().unwrap_or_default();
        let label = label(object.sealed.scope(), namespace, name);
        let header = Header::of(task.text);
        let opened = seal_envelope::open(&envelope, &label, identities.iter().copied());
        let Ok(Opened { plaintext, key }) = opened else {
            if self.must_be_current(object, header) {
                return Ok(None);
            }
            let cause = diagnose(&object.sealed, task.text, &identities);
            return Err(failed(cause.to_string()));
        };
        let Aim::Recipients(recipients) = &object.target.aim else {
            return Ok(None);
        };
        let openers = || {
            identities
                .iter()
                .filter(|it| it.open(&envelope, &label).is_ok())
        };
        let is_current = match header {
            Header::Hybrid => recipients.ids().contains(&key),
            _ => self.is_for(object, &openers().map(|it| it.id().clone()).collect()),
        };
        if is_current && object.target.aim.fits(header) && !self.all {
            return Ok(None);
        }
        expect_no_loss(task, header)?;
        let again = reseal(&object.sealed, [(task.item, &plaintext)], recipients);
        let mut again = again.map_err(|error| Error::Seal {
            at: object.at_value(task.item).to_string(),
            error: SealError::Envelope(error),
        })?;
        Ok(again.remove(task.item).map(|text| (key, text)))
    }

    /// Whether a value that no key here opens can only be sealed for whom it shall be: as far as its
    /// envelope tells it is, and the keys of the hint that are not here are wanted.
    fn must_be_current(&self, object: &Object<'_>, header: Header) -> bool {
        let mut absent = object.hints.iter().filter(|key| !self.has(key)).peekable();
        let is_wanted = |key| object.wanted.contains(key);
        !self.all
            && object.target.aim.fits(header)
            && absent.peek().is_some()
            && absent.all(is_wanted)
    }

    /// Whether an age value that these keys open, of all that are here, is sealed for the wanted
    /// recipients. Who else opens it, only the hint tells; how many there are is looked at before.
    fn is_for(&self, object: &Object<'_>, openers: &BTreeSet<KeyId>) -> bool {
        let wanted = &object.wanted;
        let mut at_hand = wanted.iter().filter(|key| self.has(key));
        openers.is_subset(wanted)
            && at_hand.all(|key| openers.contains(key))
            && (wanted.is_subset(openers) || object.hints == *wanted)
    }
}
