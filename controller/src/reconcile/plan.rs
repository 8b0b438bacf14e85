//! What one pass decides: pure data from what is known, without a cluster.

use seal_api::{Mode, Record, SealedSecret, SealedSecretStatus};
use seal_keyring::{KEY_LABEL, Keyring};

use super::secret_cache::SecretMeta;
use crate::outcome::{Failure, Reason};

/// All that a decision stands on.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The object.
    pub sealed: &'a SealedSecret,
    /// Its status: what the cache has, or what we wrote since.
    pub status: Option<&'a SealedSecretStatus>,
    /// The hash of its inputs.
    pub inputs: &'a str,
    /// The Secret of its name, if there is one.
    pub secret: Option<&'a SecretMeta>,
    /// The keys in use.
    pub keyring: &'a Keyring,
    /// Whether this very situation was found hopeless before.
    pub hopeless: bool,
    /// What must not be written.
    pub guard: Guard<'a>,
}

/// The controller's own keys, which no SealedSecret may plant or change.
#[derive(Debug, Clone, Copy)]
pub struct Guard<'a> {
    /// The controller's namespace.
    pub namespace: &'a str,
    /// What the names of key Secrets begin with; exactly so is the legacy key named.
    pub key_prefix: &'a str,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nothing: all is as it was left, or nothing can help.
    Nothing,
    /// Nothing can be done; say why.
    Fail(Failure),
    /// Unseal and create the Secret.
    Create {
        /// Somebody deleted it.
        repair: bool,
    },
    /// Read the Secret; unseal and write unless it is right already.
    Update(Update),
}

/// How an existing Secret is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The Secret that was seen: no other is written.
    pub uid: String,
    /// Replace its data and metadata, or merge into them.
    pub merge: bool,
    /// Set the owner reference.
    pub own: bool,
    /// The inputs are those of the last write: a difference is drift, and metadata that others
    /// added stays.
    pub same_inputs: bool,
}

/// Decides.
#[must_use]
pub fn plan(seen: &Observation<'_>) -> Plan {
    if seen.sealed.metadata.deletion_timestamp.is_some() || is_settled(seen) || seen.hopeless {
        return Plan::Nothing;
    }
    if let Some(failure) = forbidden(seen) {
        return Plan::Fail(failure);
    }
    if seen.keyring.is_empty() && has_ciphertext(seen.sealed) {
        return Plan::Fail(Failure::new(Reason::NoKeys, "there is no sealing key yet"));
    }
    match seen.secret {
        None => create(seen),
        Some(secret) => update(seen, secret),
    }
}

/// The record justifies skipping when nothing that decided or shows the last write has changed, and
/// the status is of this generation.
fn is_settled(seen: &Observation<'_>) -> bool {
    let (Some(status), Some(record), Some(secret)) = (seen.status, record(seen), seen.secret)
    else {
        return false;
    };
    status.observed_generation == seen.sealed.metadata.generation
        && status
            .conditions
            .first()
            .is_some_and(|it| it.status == seal_api::ConditionStatus::True)
        && record.inputs == seen.inputs
        && record.secret.uid == secret.uid
        && record.secret.resource_version == secret.resource_version
        && record.mode == secret.mode(uid(seen))
        && record.keys.iter().all(|id| seen.keyring.contains(id))
}

fn forbidden(seen: &Observation<'_>) -> Option<Failure> {
    let metadata = &seen.sealed.metadata;
    if metadata.namespace.as_deref() != Some(seen.guard.namespace) {
        return None;
    }
    let labels = seen
        .sealed
        .spec
        .template
        .metadata
        .as_ref()
        .and_then(|it| it.labels.as_ref());
    let plants_a_key = labels.is_some_and(|labels| labels.contains_key(KEY_LABEL))
        || metadata.name.as_deref() == Some(seen.guard.key_prefix)
        || seen.secret.is_some_and(|secret| secret.key_label);
    plants_a_key.then(|| {
        Failure::new(
            Reason::Protected,
            "the Secret would be a sealing key of this controller; choose another name and remove \
             the label of sealing keys from the template",
        )
    })
}

/// One that nobody controls is not made again after somebody deleted it, as long as its inputs are
/// the same.
fn create(seen: &Observation<'_>) -> Plan {
    let same = record(seen).filter(|record| record.inputs == seen.inputs);
    match same.map(|record| record.mode) {
        Some(Mode::Unowned | Mode::Patched) => Plan::Nothing,
        same => Plan::Create {
            repair: same.is_some(),
        },
    }
}

fn update(seen: &Observation<'_>, secret: &SecretMeta) -> Plan {
    let controlled = secret.mode(uid(seen)) == Mode::Owned || is_predecessors(seen, secret);
    if !(controlled || secret.managed || secret.patch) {
        let name = seen.sealed.metadata.name.as_deref().unwrap_or_default();
        return Plan::Fail(Failure::new(
            Reason::NotOwned,
            format!(
                "Resource \"{name}\" already exists and is not managed by SealedSecret: delete it, \
                 or annotate it with {}: \"true\"",
                seal_api::annotations::MANAGED
            ),
        ));
    }
    let first_sight = record(seen).is_none() && controlled;
    Plan::Update(Update {
        uid: secret.uid.clone(),
        merge: secret.patch,
        own: !secret.patch || secret.managed,
        same_inputs: first_sight || record(seen).is_some_and(|it| it.inputs == seen.inputs),
    })
}

/// Whether the Secret is controlled by an older object of the same name: a SealedSecret that was
/// deleted and made again, while the garbage collector has not taken the Secret yet (upstream
/// #1599).
fn is_predecessors(seen: &Observation<'_>, secret: &SecretMeta) -> bool {
    secret.controller.as_ref().is_some_and(|controller| {
        controller.is_sealed_secret
            && Some(controller.name.as_str()) == seen.sealed.metadata.name.as_deref()
    })
}

fn record<'a>(seen: &Observation<'a>) -> Option<&'a Record> {
    let record = seen.status?.record.as_ref()?;
    (record.version == Record::VERSION).then_some(record)
}

fn has_ciphertext(sealed: &SealedSecret) -> bool {
    sealed.spec.data.is_some() || !sealed.spec.encrypted_data.is_empty()
}

fn uid<'a>(seen: &Observation<'a>) -> &'a str {
    seen.sealed.metadata.uid.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests;
