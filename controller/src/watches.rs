//! The watches that fill the caches and wake passes.

use std::{convert::Infallible, pin::pin, sync::Arc};

use futures::StreamExt;
use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api, Client, Resource,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store::Writer},
        watcher::{self, Config, Event, watcher},
    },
};
use tokio::sync::{mpsc, watch};

use crate::{
    reconcile::{Context, key_of, secret_cache::Key},
    unsealer::Watched,
};

/// Objects that want a pass.
pub type Wakes = mpsc::UnboundedSender<ObjectRef<Watched>>;

/// Watches SealedSecrets for ever: keeps the store, wakes what changed, forgets what is gone.
pub async fn watch_sealed_secrets(
    client: Client,
    writer: Writer<Watched>,
    context: Arc<Context>,
    wakes: Wakes,
) -> Infallible {
    let objects: Api<Watched> = Api::all(client);
    let events = watcher(objects, Config::default())
        .default_backoff()
        // Only the bulk of an object that nobody reads.
        .modify(|watched| watched.meta_mut().managed_fields = None)
        .reflect(writer);
    let mut events = pin!(events);
    loop {
        match events.next().await {
            Some(Ok(Event::Apply(watched) | Event::InitApply(watched))) => {
                let _ = wakes.send(ObjectRef::from_obj(&watched)); // Shutting down.
            }
            Some(Ok(Event::Delete(watched))) => context.memory.forget(&key_of(&watched)),
            Some(Ok(Event::Init | Event::InitDone)) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "SealedSecrets cannot be watched; trying again");
            }
            None => std::future::pending().await,
        }
    }
}

/// Watches the metadata of Secrets for ever and wakes the SealedSecret of the same name. Tells
/// `filled` when the first list is in.
///
/// Without the right to watch Secrets it warns once: everything works but the repair of Secrets
/// that somebody changes or deletes.
pub async fn watch_secrets(
    client: Client,
    context: Arc<Context>,
    sealed_secrets: Store<Watched>,
    wakes: Wakes,
    filled: watch::Sender<bool>,
) -> Infallible {
    let metadata: Api<PartialObjectMeta<Secret>> = Api::all(client);
    let mut events = pin!(watcher(metadata, Config::default()).default_backoff());
    loop {
        match events.next().await {
            Some(Ok(event)) => {
                let event = reduced(event);
                let complete = matches!(event, Event::InitDone);
                for key in context.secrets.apply(&event) {
                    wake(&sealed_secrets, &wakes, &key);
                }
                if complete {
                    filled.send_replace(true);
                }
            }
            Some(Err(error)) => {
                if is_forbidden(&error) && !filled.send_replace(true) {
                    tracing::warn!(
                        "Secrets cannot be watched for lack of rights: changed and deleted Secrets \
                         are not put right"
                    );
                } else {
                    tracing::debug!(%error, "Secrets cannot be watched; trying again");
                }
            }
            None => std::future::pending().await,
        }
    }
}

fn wake(sealed_secrets: &Store<Watched>, wakes: &Wakes, (namespace, name): &Key) {
    let object = ObjectRef::new(name).within(namespace);
    if sealed_secrets.get(&object).is_some() {
        let _ = wakes.send(object); // Shutting down.
    }
}

fn reduced(event: Event<PartialObjectMeta<Secret>>) -> Event<ObjectMeta> {
    match event {
        Event::Apply(object) => Event::Apply(object.metadata),
        Event::Delete(object) => Event::Delete(object.metadata),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(object.metadata),
        Event::InitDone => Event::InitDone,
    }
}

fn is_forbidden(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status))
        | WatchFailed(kube::Error::Api(status)) => status.is_forbidden(),
        _ => false,
    }
}
