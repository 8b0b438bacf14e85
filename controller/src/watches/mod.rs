//! The watches that fill the caches and wake passes.

mod denied;
mod merged;

use std::{convert::Infallible, fmt::Debug, pin::pin, sync::Arc};

use futures::{Stream, StreamExt};
use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, Preconditions},
    core::{NamespaceResourceScope, PartialObjectMeta},
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store::Writer},
        watcher::{self, Config, Event, watcher},
    },
};
use seal_api::{Mode, SealedSecret};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch as channel};

use self::{
    denied::{is_forbidden, told_once},
    merged::merged,
};
use crate::{
    reconcile::{
        Context,
        secret_cache::{Key, key_of},
    },
    watched::Watched,
};

/// SealedSecrets in one answer of the first list. An answer is held as text, twice, before it is read.
const PAGE: u32 = 200;

/// Objects that want a pass.
pub type Wakes = mpsc::UnboundedSender<ObjectRef<Watched>>;

/// What is watched.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Where.
    pub namespaces: Namespaces,
    /// Which SealedSecrets, by their labels.
    pub selector: Option<String>,
    /// Whether the Secrets of SealedSecrets that are gone are deleted here.
    pub delete_secrets: bool,
    /// Whether Secrets are watched, too.
    pub watch_secrets: bool,
}

/// Which namespaces are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// All of them, with one watch.
    All,
    /// These, with a watch each: rights in them suffice.
    Named(Vec<String>),
}

impl Namespaces {
    fn apis<K>(&self, client: &Client) -> Vec<Api<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self {
            Self::All => vec![Api::all(client.clone())],
            Self::Named(names) => names
                .iter()
                .map(|name| Api::namespaced(client.clone(), name))
                .collect(),
        }
    }
}

/// One stream of what happens to the objects of a kind in these namespaces. A lack of rights is told
/// once for each of them, not at every attempt.
fn watch<K>(
    client: &Client,
    namespaces: &Namespaces,
    config: &Config,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + use<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Tombstone,
    K: Clone + Debug + DeserializeOwned + Send + 'static,
{
    let watches = namespaces.apis::<K>(client).into_iter();
    let watches = watches.map(|api| told_once(watcher(api, config.clone()).default_backoff()));
    merged(
        watches.collect(),
        |object| key_of(object.meta()),
        K::tombstone,
    )
}

/// What stands for an object that is known to be gone.
trait Tombstone {
    fn tombstone(key: &Key) -> Self;
}

impl Tombstone for Watched {
    fn tombstone(key: &Key) -> Self {
        Self(Ok(SealedSecret {
            metadata: named(key),
            ..SealedSecret::default()
        }))
    }
}

impl Tombstone for PartialObjectMeta<Secret> {
    fn tombstone(key: &Key) -> Self {
        Self {
            types: None,
            metadata: named(key),
            ..Self::default()
        }
    }
}

fn named((namespace, name): &Key) -> ObjectMeta {
    ObjectMeta {
        namespace: Some(namespace.clone()),
        name: Some(name.clone()),
        ..ObjectMeta::default()
    }
}

/// Watches SealedSecrets for ever: keeps the store, wakes what changed, forgets what is gone.
///
/// Of an object that is gone the Secret is deleted, too, where that is asked for
/// (`--old-gc-behavior`); Kubernetes' garbage collector does so anyway.
pub async fn watch_sealed_secrets(
    context: Arc<Context>,
    scope: Scope,
    (objects, writer): (Store<Watched>, Writer<Watched>),
    wakes: Wakes,
) -> Infallible {
    let config = Config {
        label_selector: scope.selector,
        page_size: Some(PAGE),
        ..Config::default()
    };
    let events = watch::<Watched>(&context.client, &scope.namespaces, &config).reflect(writer);
    let mut events = pin!(events);
    loop {
        match events.next().await {
            Some(Ok(Event::Apply(watched) | Event::InitApply(watched))) => {
                let _ = wakes.send(ObjectRef::from_obj(&watched)); // Shutting down.
            }
            Some(Ok(Event::Delete(watched))) => {
                context.memory.forget(&key_of(watched.meta()));
                if scope.delete_secrets && context.leadership.holds() {
                    delete_secret(&context, &watched).await;
                }
            }
            Some(Ok(Event::Init)) => {}
            Some(Ok(Event::InitDone)) => context.memory.retain(|key| find(&objects, key).is_some()),
            Some(Err(error)) if is_forbidden(&error) => {
                tracing::warn!(
                    %error,
                    "SealedSecrets cannot be watched for lack of rights; if other namespaces are \
                     watched, these are served"
                );
            }
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
    context: Arc<Context>,
    namespaces: Namespaces,
    sealed_secrets: Store<Watched>,
    wakes: Wakes,
    filled: channel::Sender<bool>,
) -> Infallible {
    let config = Config::default();
    let mut events = pin!(watch::<PartialObjectMeta<Secret>>(
        &context.client,
        &namespaces,
        &config
    ));
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
                if is_forbidden(&error) {
                    filled.send_replace(true);
                    tracing::warn!(
                        %error,
                        "Secrets cannot be watched for lack of rights: changed and deleted Secrets \
                         are not put right"
                    );
                } else {
                    tracing::warn!(%error, "Secrets cannot be watched; trying again");
                }
            }
            None => std::future::pending().await,
        }
    }
}

fn wake(sealed_secrets: &Store<Watched>, wakes: &Wakes, key: &Key) {
    if find(sealed_secrets, key).is_some() {
        let _ = wakes.send(reference(key)); // Shutting down.
    }
}

fn find(objects: &Store<Watched>, key: &Key) -> Option<Arc<Watched>> {
    objects.get(&reference(key))
}

fn reference((namespace, name): &Key) -> ObjectRef<Watched> {
    ObjectRef::new(name).within(namespace)
}

/// Deletes the Secret that a SealedSecret controlled, and no other.
async fn delete_secret(context: &Context, watched: &Watched) {
    let key = key_of(watched.meta());
    let uid = watched.meta().uid.clone().unwrap_or_default();
    let Some(secret) = context
        .secrets
        .find(&key)
        .filter(|it| it.mode(&uid) == Mode::Owned)
    else {
        return;
    };
    let secrets: Api<Secret> = Api::namespaced(context.client.clone(), &key.0);
    let parameters = DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(secret.uid),
            resource_version: Some(secret.resource_version),
        }),
        ..DeleteParams::default()
    };
    if let Err(error) = secrets.delete(&key.1, &parameters).await {
        tracing::warn!(namespace = %key.0, name = %key.1, %error, "the Secret was not deleted");
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
