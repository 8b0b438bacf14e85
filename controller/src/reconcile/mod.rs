//! One pass over one SealedSecret: observe, plan, apply, record.

pub mod apply;
pub mod desired;
pub mod memory;
pub mod plan;
mod record;
pub mod secret_cache;
pub mod voucher;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, Resource, runtime::controller::Action};
use seal_api::SealedSecret;
use tokio::sync::Semaphore;

use self::{
    apply::{Applied, apply},
    desired::DigestKey,
    memory::{Memory, Remembered, Situation},
    plan::{Guard, Observation, Plan, plan},
    secret_cache::{Key, SecretCache, SecretMeta, key_of},
};
use crate::{
    args::DriftPolicy,
    backoff::backoff,
    clock::Clock,
    inputs,
    keys::{KeySource, Snapshot},
    leader::Leadership,
    metrics::Metrics,
    outcome::{Failure, Reason},
    unsealer::Unsealer,
    watched::Watched,
};

/// By so much sooner than after a failure an object is looked at again when it was overtaken.
const OVERTAKEN_SOONER: u32 = 10;

/// What every pass shares.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// The metadata of all Secrets.
    pub secrets: SecretCache,
    /// What this process remembers.
    pub memory: Memory,
    /// The keys in use.
    pub keys: KeySource,
    /// Whether this replica leads: no other makes passes.
    pub leadership: Leadership,
    /// The decryption queue.
    pub unsealer: Unsealer,
    /// The key of the fingerprints in memory.
    pub digest_key: DigestKey,
    /// How many passes may talk to the API server at once.
    pub workers: Semaphore,
    /// What is measured.
    pub metrics: Metrics,
    /// The time.
    pub clock: Clock,
    /// The controller's own namespace.
    pub namespace: String,
    /// What the names of its keys begin with.
    pub key_prefix: String,
    /// Whether statuses are written at all.
    pub update_status: bool,
    /// What to do about Secrets that others have changed.
    pub drift: DriftPolicy,
    /// After so many retries an object waits for a change; `None` for never.
    pub max_retries: Option<u32>,
}

/// Makes one pass. It does not fail: what goes wrong is recorded and told, and the answer says when
/// to come again.
pub async fn pass(watched: Arc<Watched>, context: Arc<Context>) -> Action {
    let key = key_of(watched.meta());
    if let Ok(sealed) = &watched.0
        && let (Some(version), Some(status)) = (&sealed.metadata.resource_version, &sealed.status)
    {
        context.memory.caught_up(&key, version, status);
    }
    let remembered = context.memory.of(&key);
    let keys = context.keys.snapshot();
    let secret = match Box::pin(look_up(&context, &key)).await {
        Ok(secret) => secret,
        Err(error) => {
            tracing::warn!(%error, "the Secret cannot be looked up; trying again");
            return observe_again(&context, &key);
        }
    };
    let inputs = match &watched.0 {
        Ok(sealed) => inputs::hash(sealed),
        Err(_) => watched.meta().resource_version.clone().unwrap_or_default(),
    };
    let situation = Situation {
        inputs,
        keyring: keys.generation,
        secret: secret
            .as_ref()
            .map(|it| (it.uid.clone(), it.resource_version.clone())),
    };
    let decided = match &watched.0 {
        Ok(sealed) => plan(&Observation {
            sealed,
            status: status_of(sealed, &remembered),
            inputs: &situation.inputs,
            secret: secret.as_ref(),
            keyring: &keys.keyring,
            drift: context.drift,
            hopeless: remembered.hopeless.as_ref() == Some(&situation),
            guard: Guard {
                namespace: &context.namespace,
                key_prefix: &context.key_prefix,
            },
        }),
        Err(_) if remembered.hopeless.as_ref() == Some(&situation) => Plan::Nothing,
        Err(unreadable) => Plan::Fail(Failure::new(
            Reason::Malformed,
            format!("the SealedSecret cannot be read: {}", unreadable.error),
        )),
    };
    if let Some(delay) = remembered.retry_delay(&situation, context.clock.now()) {
        return Action::requeue(delay);
    }
    let repairs = matches!(
        decided,
        Plan::Create { repair: true }
            | Plan::Update(plan::Update {
                same_inputs: true,
                ..
            })
    );
    let delay = remembered.repair_delay(context.clock.now());
    if repairs && !delay.is_zero() {
        tracing::warn!(
            ?delay,
            "somebody keeps changing the Secret back; the next repair waits"
        );
        return Action::requeue(delay);
    }
    carry_out(&watched, &context, &key, decided, &situation, &keys).await
}

/// What is known of the Secret. Where none are watched it has to be asked for.
async fn look_up(context: &Context, key: &Key) -> Result<Option<SecretMeta>, kube::Error> {
    if context.secrets.is_watched() {
        return Ok(context.secrets.find(key));
    }
    let secrets: Api<Secret> = Api::namespaced(context.client.clone(), &key.0);
    let _permit = context.workers.acquire().await;
    match secrets.get_metadata_opt(&key.1).await? {
        Some(found) => {
            let meta = SecretMeta::of(&found.metadata);
            context.secrets.learn(key.clone(), meta.clone());
            Ok(Some(meta))
        }
        None => {
            context.secrets.forget(key);
            Ok(None)
        }
    }
}

async fn carry_out(
    watched: &Arc<Watched>,
    context: &Context,
    key: &Key,
    decided: Plan,
    situation: &Situation,
    keys: &Snapshot,
) -> Action {
    let began = Instant::now();
    let outcome = match decided {
        Plan::Nothing => return Action::await_change(),
        Plan::Fail(failure) => Err(failure),
        decided => apply(watched, context, key, decided, situation, keys).await,
    };
    match &outcome {
        Ok(Applied::Overtaken) => return observe_again(context, key),
        Ok(Applied::Right(right)) => tracing::info!("{}", right.success),
        Err(failure) if failure.reason == Reason::Terminating => tracing::debug!("{failure}"),
        Err(failure) => {
            tracing::warn!(reason = %failure.reason, "{}", failure.message);
            context.metrics.failed(failure.reason.metric(), &key.0);
        }
    }
    let outcome = outcome.map_err(|failure| given_up(context, key, failure));
    let recorded = record::record(watched, context, key, &outcome, situation, &keys.keyring);
    let recorded = Box::pin(recorded).await;
    context.metrics.pass(began.elapsed());
    match (&outcome, recorded) {
        (_, Err(error)) => {
            tracing::warn!(%error, "the status could not be written; trying again");
            context.metrics.failed("status", &key.0);
            again(context, key, situation)
        }
        (Err(failure), Ok(())) if failure.is_hopeless() => {
            context.memory.update(key, |it| {
                it.hopeless = Some(situation.clone());
                it.failures = 0;
            });
            Action::await_change()
        }
        (Err(_), Ok(())) => again(context, key, situation),
        (Ok(applied), Ok(())) => settled(context, key, applied),
    }
}

/// What time could mend is hopeless, too, after as many retries as were asked for.
fn given_up(context: &Context, key: &Key, failure: Failure) -> Failure {
    let failures = context.memory.of(key).failures;
    match context.max_retries {
        Some(most) if failures >= most => failure.given_up(most),
        _ => failure,
    }
}

fn settled(context: &Context, key: &Key, applied: &Applied) -> Action {
    let now = context.clock.now();
    if applied.is_repair() {
        context.metrics.repair();
    }
    context.memory.update(key, |it| {
        it.hopeless = None;
        it.failures = 0;
        if applied.is_repair() {
            it.count_repair(now);
        }
    });
    Action::await_change()
}

/// The cluster had moved on: no failure, but if it keeps doing so the next look waits, too.
fn observe_again(context: &Context, key: &Key) -> Action {
    Action::requeue(backoff(count_failure(context, key)) / OVERTAKEN_SOONER)
}

fn count_failure(context: &Context, key: &Key) -> u32 {
    context.memory.update(key, |it| {
        it.failures = it.failures.saturating_add(1);
        it.failures
    })
}

fn again(context: &Context, key: &Key, situation: &Situation) -> Action {
    context.metrics.retry();
    let failures = count_failure(context, key);
    if context.max_retries.is_some_and(|most| failures > most) {
        tracing::warn!(failures, "given up until something changes");
        return Action::await_change();
    }
    let now = context.clock.now();
    let delay = jittered(backoff(failures), now.subsec_nanosecond());
    let retry = now
        .checked_add(delay)
        .ok()
        .map(|at| (situation.clone(), at));
    context.memory.update(key, |it| it.retry = retry);
    Action::requeue(delay)
}

/// Up to a tenth more, so that many objects that failed together do not come back together.
fn jittered(delay: Duration, noise: i32) -> Duration {
    delay + delay * (noise.unsigned_abs() % 100) / 1000
}

fn status_of<'a>(
    sealed: &'a SealedSecret,
    remembered: &'a Remembered,
) -> Option<&'a seal_api::SealedSecretStatus> {
    let version = sealed
        .metadata
        .resource_version
        .as_deref()
        .unwrap_or_default();
    remembered.latest_status(version, sealed.status.as_ref())
}
