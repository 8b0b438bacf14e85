//! Sealing again by the controllers.

use std::collections::{HashMap, hash_map::Entry};

use seal_api::SealedSecret;
use seal_envelope::{KeyId, Shape};
use seal_sealing::{decode, key_hints};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    Reseal, RotationError,
    aim::{Header, openers},
    tree::{Object, Resealed},
};
use crate::{
    cluster::{
        ServiceName,
        resealing::{Resealing, Unanswered},
        runtime,
    },
    error::{Error, Errors},
    recipients::Sealing,
};

type Asked = (Option<String>, ServiceName);

/// The controllers, each connected once it is asked.
pub(super) struct Controllers<'a> {
    sealing: &'a Sealing<'a>,
    connected: HashMap<Asked, Resealing>,
    // Dropped last: what is connected runs in it.
    runtime: Runtime,
    gone: Errors,
    unreached: usize,
}

impl<'a> Controllers<'a> {
    /// Nobody is asked yet; `sealing` knows how the clusters are reached.
    pub(super) fn new(sealing: &'a Sealing<'a>) -> Result<Self, Error> {
        Ok(Self {
            sealing,
            connected: HashMap::new(),
            runtime: runtime()?,
            gone: Errors::default(),
            unreached: 0,
        })
    }

    fn ask(&mut self, asked: &Asked, objects: &[&Object<'_>]) -> Vec<Result<Resealed, Errors>> {
        let resealing = match self.connected.entry(asked.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let connection = self.sealing.connection(asked.0.as_deref());
                let opened = self
                    .runtime
                    .block_on(Resealing::open(&connection, &asked.1));
                entry.insert(opened)
            }
        };
        let sent: Vec<&Value> = objects.iter().map(|object| &object.json).collect();
        let answers = self.runtime.block_on(resealing.reseal(&sent));
        let mut outcomes = Vec::new();
        for (object, answer) in objects.iter().zip(answers) {
            outcomes.push(match answer {
                Ok(answer) => taken(object, answer).map_err(Errors::from),
                Err(Unanswered::Refused(why)) => Err(refused(object, why).into()),
                Err(Unanswered::Unreached) => {
                    self.unreached += 1;
                    Err(Errors::default())
                }
            });
        }
        if let Some(error) = resealing.take_error() {
            self.gone.push(error);
        }
        outcomes
    }
}

impl Reseal for Controllers<'_> {
    fn reseal(&mut self, objects: &[&Object<'_>]) -> Vec<Result<Resealed, Errors>> {
        let mut outcomes: Vec<_> = objects.iter().map(|_| Ok(Resealed::default())).collect();
        let mut due: HashMap<&Asked, Vec<usize>> = HashMap::new();
        for (index, object) in objects.iter().enumerate() {
            if object.is_settled() || object.values().is_empty() {
                continue;
            }
            if let Err(refusal) = expect_fit(object) {
                if let Some(place) = outcomes.get_mut(index) {
                    *place = Err(refusal.into());
                }
                continue;
            }
            let asked = &object.target.controller;
            due.entry(asked).or_default().push(index);
        }
        for (asked, indices) in due {
            let asking: Vec<_> = indices
                .iter()
                .filter_map(|index| objects.get(*index).copied())
                .collect();
            for (index, outcome) in indices.iter().zip(self.ask(asked, &asking)) {
                if let Some(place) = outcomes.get_mut(*index) {
                    *place = outcome;
                }
            }
        }
        outcomes
    }

    fn unreached(&mut self) -> (usize, Errors) {
        (self.unreached, std::mem::take(&mut self.gone))
    }
}

/// Refuses what the controller would do to an object that nobody wants, or cannot do.
fn expect_fit(object: &Object<'_>) -> Result<(), Error> {
    object.expect_named()?;
    let at = |item| object.at_value(item);
    for (item, text) in object.values() {
        let header = Header::of(text);
        if let Header::Age(stanzas) = header
            && stanzas.recipients() > 1
        {
            return Err(RotationError::WouldLose {
                at: at(item),
                called: object.called(),
                item: item.to_owned(),
                openers: openers(stanzas, &object.hints),
            }
            .into());
        }
        if let Some(Err(why)) = object.target.aim.own(header) {
            return Err(RotationError::NotByController {
                at: at(item),
                called: object.called(),
                item: item.to_owned(),
                why,
            }
            .into());
        }
    }
    Ok(())
}

/// The values out of the controller's answer that are others than before.
fn taken(object: &Object<'_>, answer: Value) -> Result<Resealed, Error> {
    let answer = SealedSecret::decode(answer)
        .map_err(|error| refused(object, format!("the answer is no SealedSecret: {error}")))?;
    let wanted = &object.wanted;
    let hints = key_hints(&answer.metadata);
    if hints.iter().any(|hint| !wanted.contains(hint))
        // Sealed Secrets' own controller leaves the hint as it was.
        && !hints.iter().eq(object.hints.iter())
    {
        let expected: Vec<_> = wanted.iter().map(KeyId::as_str).collect();
        let found: Vec<_> = hints.iter().map(KeyId::as_str).collect();
        return Err(RotationError::OtherKey {
            expected: expected.join(", "),
            found: found.join(", "),
        }
        .into());
    }
    let mut resealed = Resealed::default();
    for (item, before) in object.values() {
        let after = match &answer.spec.data {
            Some(blob) => Some(blob),
            None => answer.spec.encrypted_data.get(item),
        };
        let is_sealed = |text: &&String| {
            let envelope = decode(text).unwrap_or_default();
            Shape::of(&envelope).is_some()
        };
        let Some(after) = after.filter(is_sealed) else {
            let why = format!("the answer holds no sealed value {item:?}");
            return Err(refused(object, why));
        };
        if after != before {
            resealed.texts.insert(item.to_owned(), after.clone());
            *resealed.from.entry(before_by_hint(object)).or_default() += 1;
        }
    }
    Ok(resealed)
}

/// Which key the values that moved were under, where the hint leaves no choice.
fn before_by_hint(object: &Object<'_>) -> Option<KeyId> {
    let mut others = object.hints.difference(&object.wanted);
    let first = others.next()?;
    others.next().is_none().then(|| first.clone())
}

fn refused(object: &Object<'_>, why: String) -> Error {
    RotationError::Refused {
        at: object.at.clone(),
        called: object.called(),
        why,
    }
    .into()
}

/// Without asking anybody: every value of an object whose hint does not settle it counts as one that
/// has to be sealed again.
pub(super) struct Hints;

impl Reseal for Hints {
    fn reseal(&mut self, objects: &[&Object<'_>]) -> Vec<Result<Resealed, Errors>> {
        let outcome = |object: &&Object<'_>| {
            let mut resealed = Resealed::default();
            if !object.is_settled() && !object.values().is_empty() {
                let values = object.values().len();
                resealed.from.insert(before_by_hint(object), values);
            }
            Ok(resealed)
        };
        objects.iter().map(outcome).collect()
    }
}
