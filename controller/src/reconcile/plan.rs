//! What one pass decides: pure data from what is known, without a cluster.

use seal_api::{
    ConditionStatus, ConditionType, Mode, Record, SealedSecret, SealedSecretStatus,
    annotations::{SKIP_SET_OWNER_REFERENCES, is_true},
};
use seal_keyring::Keyring;

use super::{secret_cache::SecretMeta, voucher::is_genuine};
use crate::{
    args::DriftPolicy,
    outcome::{Failure, Reason},
};

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
    /// What to do about a Secret that others have changed.
    pub drift: DriftPolicy,
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
    /// Nothing but the status says what the inputs of the last write were, as after upstream's
    /// controller, and anybody may have written it: the Secret is left if it can be seen to be right.
    pub first_sight: bool,
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
    let (Some(record), Some(secret)) = (record(seen), seen.secret) else {
        return false;
    };
    is_synced(seen)
        && !(is_drifted(seen) && seen.drift == DriftPolicy::Heal)
        && record.inputs == seen.inputs
        && record.secret.uid == secret.uid
        && record.secret.resource_version == secret.resource_version
        && record.mode == secret.mode(uid(seen))
        && record.keys.iter().all(|id| seen.keyring.contains(id))
}

fn forbidden(seen: &Observation<'_>) -> Option<Failure> {
    let metadata = &seen.sealed.metadata;
    let name = metadata.name.as_deref().unwrap_or_default();
    let own = metadata.namespace.as_deref() == Some(seen.guard.namespace);
    let is_a_key = name.starts_with(seen.guard.key_prefix)
        || seen.secret.is_some_and(|secret| secret.key_label);
    (own && is_a_key).then(would_be_a_key)
}

/// Why a Secret that is labelled as a sealing key is not written in the controller's namespace.
/// What is to be written is known only after unsealing: the deprecated blob has labels of its own.
#[must_use]
pub fn would_be_a_key() -> Failure {
    Failure::new(
        Reason::Protected,
        "the Secret would be a sealing key of this controller: choose another name, and no label of \
         sealing keys",
    )
}

/// One that nobody controls is not made again after somebody deleted it, as long as its inputs are
/// the same.
fn create(seen: &Observation<'_>) -> Plan {
    let same = record(seen).filter(|record| record.inputs == seen.inputs);
    let unowned = is_true(
        seen.sealed.spec.template.annotations(),
        SKIP_SET_OWNER_REFERENCES,
    );
    match same.map(|record| record.mode) {
        Some(Mode::Unowned) if unowned => Plan::Nothing,
        Some(Mode::Patched) => Plan::Nothing,
        same => Plan::Create {
            repair: same.is_some(),
        },
    }
}

fn update(seen: &Observation<'_>, secret: &SecretMeta) -> Plan {
    let owned = secret.mode(uid(seen)) == Mode::Owned;
    let controlled = owned || is_predecessors(seen, secret);
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
    Plan::Update(Update {
        uid: secret.uid.clone(),
        merge: secret.patch,
        own: !secret.patch || secret.managed,
        same_inputs: record(seen).is_some_and(|it| it.inputs == seen.inputs),
        first_sight: record(seen).is_none() && owned && is_synced(seen),
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

/// Whether the status says that this generation was unsealed.
fn is_synced(seen: &Observation<'_>) -> bool {
    seen.status.is_some_and(|status| {
        let synced = status.conditions.first();
        status.observed_generation == seen.sealed.metadata.generation
            && synced.is_some_and(|it| it.status == ConditionStatus::True)
    })
}

/// Whether the status says that the Secret was left as somebody else had changed it.
fn is_drifted(seen: &Observation<'_>) -> bool {
    let conditions = seen.status.into_iter().flat_map(|it| &it.conditions);
    conditions
        .into_iter()
        .any(|it| it.type_ == ConditionType::Drifted && it.status == ConditionStatus::True)
}

fn record<'a>(seen: &Observation<'a>) -> Option<&'a Record> {
    record_of(seen.status, seen.keyring)
}

/// The record of a status, if it is of this version and ours.
#[must_use]
pub fn record_of<'a>(
    status: Option<&'a SealedSecretStatus>,
    keyring: &Keyring,
) -> Option<&'a Record> {
    let record = status?.record.as_ref()?;
    (record.version == Record::VERSION && is_genuine(record, keyring)).then_some(record)
}

fn has_ciphertext(sealed: &SealedSecret) -> bool {
    sealed.spec.data.is_some() || !sealed.spec.encrypted_data.is_empty()
}

fn uid<'a>(seen: &Observation<'a>) -> &'a str {
    seen.sealed.metadata.uid.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests;
