//! Writing down how a pass ended: the status, once, and an event.

use std::sync::Once;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Error, Resource,
    api::{DynamicObject, PostParams, TypeMeta},
    discovery::ApiResource,
};
use seal_api::{Record, RecordedSecret, SealedSecret, SealedSecretStatus};
use seal_keyring::Keyring;
use serde_json::json;

use super::{
    Context,
    apply::{Applied, Right},
    memory::Situation,
    secret_cache::{Key, is_newer},
    voucher::vouched,
};
use crate::{
    events::{Told, sealed_secret, tell},
    outcome::{Failure, Reason, Success},
    status::{self, Ending},
    watched::Watched,
};

/// Records an outcome: nothing is written when the status says so already.
///
/// # Errors
/// When the status could not be written.
pub(super) async fn record(
    watched: &Watched,
    context: &Context,
    key: &Key,
    outcome: &Result<Applied, Failure>,
    situation: &Situation,
    keyring: &Keyring,
) -> Result<(), Error> {
    let right = match outcome {
        Ok(Applied::Right(right)) => Ok(right),
        Ok(Applied::Overtaken) => return Ok(()),
        Err(failure) => Err(failure),
    };
    let metadata = watched.meta();
    let remembered = context.memory.of(key);
    let cached_version = metadata.resource_version.as_deref().unwrap_or_default();
    let cached = watched
        .0
        .as_ref()
        .ok()
        .and_then(|sealed| sealed.status.as_ref());
    let before = remembered.latest_status(cached_version, cached);
    let ending = match right {
        Ok(right) if right.success == Success::Drifted => Ending::Drifted,
        Ok(_) => Ending::Right,
        Err(failure) => Ending::Failed(failure),
    };
    let told = status::tells(before, metadata.generation, ending);

    let record = right.ok().map(|right| record_of(right, situation, keyring));
    let now = context.clock.now();
    if let Some(after) = status::next(before, metadata.generation, ending, record, now) {
        let version = match &remembered.written {
            Some((version, _)) if is_newer(version, cached_version) => version,
            _ => cached_version,
        };
        let version = write(context, metadata, version, &after).await?;
        context
            .memory
            .update(key, |it| it.written = Some((version, after)));
    }
    if let Some(event) = event(right, told) {
        let _permit = context.workers.acquire().await;
        // An event more or less changes nothing: it is told once and not tried again.
        if let Err(error) = tell(&context.client, sealed_secret(metadata), event, now).await {
            tracing::debug!(%error, "the event could not be told");
        }
    }
    Ok(())
}

fn record_of(right: &Right, situation: &Situation, keyring: &Keyring) -> Record {
    let record = Record {
        version: Record::VERSION,
        inputs: situation.inputs.clone(),
        secret: RecordedSecret {
            uid: right.secret.uid.clone(),
            resource_version: right.secret.resource_version.clone(),
        },
        mode: right.mode,
        keys: right.openers.keys.clone(),
        values: right.openers.values.clone(),
        voucher: String::new(),
    };
    vouched(record, keyring)
}

fn event(right: Result<&Right, &Failure>, told: bool) -> Option<Told> {
    match right {
        Ok(Right {
            success: Success::Repaired,
            ..
        }) => Some(Told::normal(
            "Repaired",
            "The Secret was changed or deleted and was put right",
        )),
        _ if told => None,
        Ok(Right {
            success: Success::Recreated,
            ..
        }) => Some(Told::normal(
            "Recreated",
            "The Secret is immutable and was made anew, as the SealedSecret's annotation asks",
        )),
        Ok(Right {
            success: Success::Drifted,
            ..
        }) => Some(Told::warning(
            "Drifted",
            "The Secret was changed by somebody else and is left alone, as --drift-policy asks",
        )),
        Ok(_) => Some(Told::normal(
            "Unsealed",
            "SealedSecret unsealed successfully",
        )),
        // A namespace that is being deleted takes no events.
        Err(failure) if failure.reason == Reason::Terminating => None,
        Err(failure) => {
            let message = match failure.reason.event() {
                "ErrUnsealFailed" => format!("Failed to unseal: {}", failure.message),
                _ => failure.message.clone(),
            };
            Some(Told::warning(failure.reason.event(), message))
        }
    }
}

/// The answer is the resourceVersion after the write. Only identity and status are sent: the API
/// server takes nothing else from a write to the status.
async fn write(
    context: &Context,
    metadata: &ObjectMeta,
    version: &str,
    status: &SealedSecretStatus,
) -> Result<String, Error> {
    if !context.update_status {
        return Ok(version.to_owned());
    }
    let name = metadata.name.clone().unwrap_or_default();
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let body = DynamicObject {
        types: Some(TypeMeta::resource::<SealedSecret>()),
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(namespace.clone()),
            uid: metadata.uid.clone(),
            resource_version: Some(version.to_owned()),
            ..ObjectMeta::default()
        },
        data: json!({ "status": status }),
    };
    let resource = ApiResource::erase::<SealedSecret>(&());
    let objects: Api<DynamicObject> =
        Api::namespaced_with(context.client.clone(), &namespace, &resource);
    let _permit = context.workers.acquire().await;
    match objects
        .replace_status(&name, &PostParams::default(), &body)
        .await
    {
        Ok(answer) => {
            if status.record.is_some() && answer.data.pointer("/status/record").is_none() {
                say_that_records_are_pruned();
            }
            Ok(answer.metadata.resource_version.unwrap_or_default())
        }
        // The object is gone: nobody is left to tell.
        Err(Error::Api(answer)) if answer.is_not_found() => Ok(version.to_owned()),
        Err(error) => Err(error),
    }
}

fn say_that_records_are_pruned() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            "the CustomResourceDefinition of SealedSecrets drops status.record, so a restart \
             unseals everything again; apply deploy/crd.yaml to save that work"
        );
    });
}
