//! Carrying a plan out. Every write has a precondition: a Secret is created only when absent and
//! replaced only at the resourceVersion that was read.

mod recreate;

use std::sync::Arc;

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Api, Error, api::PostParams};
use seal_api::{ConditionStatus, Mode, Record, SealedSecret};
use seal_keyring::{Wiped, has_key_label};
use seal_sealing::{Secret as Plain, Unsealed};

use super::{
    Context,
    desired::{self, Fingerprint},
    memory::Situation,
    plan::{Plan, Update, record_of, would_be_a_key},
    secret_cache::{Key, SecretMeta},
};
use crate::{
    args::DriftPolicy,
    keys::Snapshot,
    outcome::{Failure, Reason, Success},
    schedule::Priority,
    watched::Watched,
};

/// The field manager that users' Argo CD rules expect.
const FIELD_MANAGER: &str = "controller";

/// What carrying a plan out came to.
#[derive(Debug)]
pub enum Applied {
    /// The Secret is right.
    Right(Right),
    /// The cluster had moved on since the observation: observe again.
    Overtaken,
}

/// A Secret that is right, and how that came about.
#[derive(Debug)]
pub struct Right {
    /// What was done.
    pub success: Success,
    /// The Secret as it is now.
    pub secret: SecretMeta,
    /// How it belongs to the SealedSecret.
    pub mode: Mode,
    /// The keys that opened its values.
    pub openers: Openers,
}

/// The keys that opened the values of a Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Openers {
    /// Their ids, sorted.
    pub keys: Vec<String>,
    /// How many values each of them opened, where there are several and that is known.
    pub values: Vec<usize>,
}

impl Applied {
    /// Whether somebody else's change was put right.
    #[must_use]
    pub fn is_repair(&self) -> bool {
        matches!(self, Self::Right(right) if right.success == Success::Repaired)
    }
}

/// Carries out a plan that writes.
///
/// # Errors
/// [`Failure`], which is then recorded.
pub async fn apply(
    watched: &Arc<Watched>,
    context: &Context,
    key: &Key,
    plan: Plan,
    situation: &Situation,
    keys: &Snapshot,
) -> Result<Applied, Failure> {
    let Ok(sealed) = &watched.0 else {
        return Ok(Applied::Overtaken);
    };
    let task = Task {
        watched,
        sealed,
        context,
        key,
        situation,
        keys,
        secrets: Api::namespaced(context.client.clone(), &key.0),
    };
    match plan {
        Plan::Create { repair } => task.create(repair).await,
        Plan::Update(update) => task.update(&update).await,
        Plan::Fail(failure) => Err(failure),
        Plan::Nothing => Ok(Applied::Overtaken),
    }
}

struct Task<'a> {
    watched: &'a Arc<Watched>,
    sealed: &'a SealedSecret,
    context: &'a Context,
    key: &'a Key,
    situation: &'a Situation,
    keys: &'a Snapshot,
    secrets: Api<Secret>,
}

/// What is learnt of a touched Secret by looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Glance {
    /// Whether it is what it was.
    Tells,
    /// That it is there is all that matters.
    Enough,
    /// Nothing: it has to be unsealed to compare.
    InVain,
}

impl Task<'_> {
    async fn create(&self, repair: bool) -> Result<Applied, Failure> {
        let unsealed = self.unseal().await?;
        // Thousands of passes may wait to unseal: what they need afterwards they get then.
        Box::pin(self.store(unsealed, repair)).await
    }

    async fn store(&self, unsealed: Unsealed, repair: bool) -> Result<Applied, Failure> {
        let ours = unsealed.secret.metadata.clone();
        let openers = openers(&unsealed);
        let wanted = desired::created(unsealed.secret, self.uid());
        let _permit = self.context.workers.acquire().await;
        match self.secrets.create(&parameters(), &wanted.0).await {
            Ok(answer) => {
                let success = if repair {
                    Success::Repaired
                } else {
                    Success::Written
                };
                Ok(self.right(success, &Wiped(answer), &ours, openers))
            }
            Err(Error::Api(status)) if status.is_already_exists() => self.look_again().await,
            Err(error) => Err(Failure::of_write(&error)),
        }
    }

    async fn update(&self, update: &Update) -> Result<Applied, Failure> {
        let drift = update.same_inputs && self.was_synced();
        let glance = self.glance(update, drift);
        if glance != Glance::InVain {
            let Some((actual, meta)) = Box::pin(self.read(update)).await? else {
                return Ok(Applied::Overtaken);
            };
            if glance == Glance::Enough || self.is_still_right(&actual) {
                return Ok(self.untouched(Success::AlreadyRight, meta));
            }
        }
        // Read after it has been unsealed: thousands of Secrets would lie about while their turns come.
        let unsealed = self.unseal().await?;
        Box::pin(self.put_right(unsealed, update, drift)).await
    }

    async fn put_right(
        &self,
        unsealed: Unsealed,
        update: &Update,
        drift: bool,
    ) -> Result<Applied, Failure> {
        let Some((actual, meta)) = self.read(update).await? else {
            return Ok(Applied::Overtaken);
        };
        let ours = unsealed.secret.metadata.clone();
        let openers = openers(&unsealed);
        if update.first_sight && self.is_right_at_first_sight(&actual, &unsealed.secret, update) {
            return Ok(self.right(Success::AlreadyRight, &actual, &ours, openers));
        }
        let Some(wanted) = desired::updated(&actual, unsealed.secret, update, self.uid()) else {
            return Ok(self.right(Success::AlreadyRight, &actual, &ours, openers));
        };
        if drift && self.context.drift == DriftPolicy::Report {
            return Ok(self.untouched(Success::Drifted, meta));
        }
        let success = if drift {
            Success::Repaired
        } else {
            Success::Written
        };
        match self.replace(&wanted).await {
            Ok(answer) => Ok(self.right(success, &answer, &ours, openers)),
            Err(Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                self.look_again().await
            }
            Err(error) => {
                let failure = Failure::of_write(&error);
                if failure.reason != Reason::Immutable || !self.may_recreate(&meta, update) {
                    return Err(failure);
                }
                match self.recreate(&meta, wanted).await? {
                    Some(answer) => Ok(self.right(Success::Recreated, &answer, &ours, openers)),
                    None => self.look_again().await,
                }
            }
        }
    }

    /// What templates draw anew each time shows nothing: a sealed value that they alone make use of
    /// cannot be seen in the Secret.
    fn is_right_at_first_sight(&self, actual: &Wiped, plain: &Plain, update: &Update) -> bool {
        let drawn: Vec<_> = seal_sealing::drawn_items(self.sealed).collect();
        let mut sealed = self.sealed.spec.encrypted_data.keys();
        let is_seen = drawn.is_empty() || sealed.all(|item| plain.data.contains_key(item));
        is_seen && desired::is_right_but_for(&drawn, actual, plain.clone(), update, self.uid())
    }

    async fn replace(&self, wanted: &Wiped) -> Result<Wiped, Error> {
        let _permit = self.context.workers.acquire().await;
        let answer = self
            .secrets
            .replace(&self.key.1, &parameters(), &wanted.0)
            .await;
        answer.map(Wiped)
    }

    /// What a look at a touched Secret can tell without unsealing.
    fn glance(&self, update: &Update, drift: bool) -> Glance {
        if !update.same_inputs {
            return Glance::InVain;
        }
        // Drift is to be ignored; or rendering again would change what nobody has changed.
        if (drift && self.context.drift == DriftPolicy::Ignore)
            || seal_sealing::uses_random_or_time(self.sealed)
        {
            return Glance::Enough;
        }
        let keys = self.recorded().keys;
        let keys_are_here =
            !keys.is_empty() && keys.iter().all(|id| self.keys.keyring.contains(id));
        match keys_are_here && self.fingerprint().is_some() {
            true => Glance::Tells,
            false => Glance::InVain,
        }
    }

    /// Whether it is what it was, by the fingerprint in memory.
    fn is_still_right(&self, actual: &Wiped) -> bool {
        self.fingerprint()
            .is_some_and(|fingerprint| self.context.digest_key.matches(&fingerprint, actual))
    }

    /// What the Secret looked like when it was last right, with the same inputs.
    fn fingerprint(&self) -> Option<Fingerprint> {
        let (inputs, fingerprint) = self.context.memory.of(self.key).right?;
        (inputs == self.situation.inputs).then_some(fingerprint)
    }

    /// A Secret that was read and not written.
    fn untouched(&self, success: Success, secret: SecretMeta) -> Applied {
        let mode = secret.mode(self.uid());
        Applied::Right(Right {
            success,
            secret,
            mode,
            openers: self.recorded(),
        })
    }

    fn recorded(&self) -> Openers {
        let remembered = self.context.memory.of(self.key);
        let status = super::status_of(self.sealed, &remembered);
        let record = record_of(status, &self.keys.keyring);
        let openers = |record: &Record| Openers {
            keys: record.keys.clone(),
            values: record.values.clone(),
        };
        record.map(openers).unwrap_or_default()
    }

    async fn unseal(&self) -> Result<Unsealed, Failure> {
        let unsealed = self.wait_for_turn().await?;
        let is_a_key = has_key_label(unsealed.secret.metadata.labels.as_ref());
        if is_a_key && self.key.0 == self.context.namespace {
            return Err(would_be_a_key());
        }
        Ok(unsealed)
    }

    async fn wait_for_turn(&self) -> Result<Unsealed, Failure> {
        let generation = self.sealed.metadata.generation;
        let remembered = self.context.memory.of(self.key);
        let observed = super::status_of(self.sealed, &remembered)
            .is_some_and(|status| status.observed_generation == generation);
        let priority = if observed {
            Priority::Background
        } else {
            Priority::New
        };
        let watched = Arc::clone(self.watched);
        self.context
            .unsealer
            .unseal(watched, &self.keys.keyring, priority)
            .await
    }

    /// The Secret, unless it is not the one that was seen any more.
    async fn read(&self, update: &Update) -> Result<Option<(Wiped, SecretMeta)>, Failure> {
        let _permit = self.context.workers.acquire().await;
        let answer = self.secrets.get_opt(&self.key.1).await;
        let Some(found) = answer.map_err(|error| Failure::of_write(&error))? else {
            self.context.secrets.forget(self.key);
            return Ok(None);
        };
        let actual = Wiped(found);
        let meta = SecretMeta::of(&actual.0.metadata);
        let seen = self.context.secrets.find(self.key);
        if seen.as_ref() != Some(&meta) || meta.uid != update.uid {
            self.context.secrets.learn(self.key.clone(), meta);
            return Ok(None);
        }
        Ok(Some((actual, meta)))
    }

    /// Learns what the watch has not told yet.
    async fn look_again(&self) -> Result<Applied, Failure> {
        let answer = self.secrets.get_metadata_opt(&self.key.1).await;
        match answer.map_err(|error| Failure::of_write(&error))? {
            Some(found) => {
                let meta = SecretMeta::of(&found.metadata);
                self.context.secrets.learn(self.key.clone(), meta);
            }
            None => self.context.secrets.forget(self.key),
        }
        Ok(Applied::Overtaken)
    }

    fn right(
        &self,
        success: Success,
        secret: &Wiped,
        ours: &ObjectMeta,
        openers: Openers,
    ) -> Applied {
        let meta = SecretMeta::of(&secret.0.metadata);
        self.context.secrets.learn(self.key.clone(), meta.clone());
        let fingerprint = self.context.digest_key.fingerprint(secret, ours);
        let inputs = self.situation.inputs.clone();
        self.context
            .memory
            .update(self.key, |it| it.right = Some((inputs, fingerprint)));
        let mode = meta.mode(self.uid());
        Applied::Right(Right {
            success,
            secret: meta,
            mode,
            openers,
        })
    }

    /// Whether the last status says that the Secret was right: a difference then is drift.
    fn was_synced(&self) -> bool {
        let remembered = self.context.memory.of(self.key);
        let status = super::status_of(self.sealed, &remembered);
        let synced = status.and_then(|status| status.conditions.first());
        synced.is_some_and(|condition| condition.status == ConditionStatus::True)
    }

    fn uid(&self) -> &str {
        self.sealed.metadata.uid.as_deref().unwrap_or_default()
    }
}

fn openers(unsealed: &Unsealed) -> Openers {
    let keys: Vec<_> = unsealed.keys.keys().map(ToString::to_string).collect();
    let values = match keys.len() {
        0 | 1 => Vec::new(),
        _ => unsealed.keys.values().copied().collect(),
    };
    Openers { keys, values }
}

fn parameters() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.into()),
        ..PostParams::default()
    }
}
