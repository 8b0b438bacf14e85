//! What this machine can do at most.

use std::{
    thread,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{Event, ObjectReference, Secret};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use seal_api::SealedSecret;
use seal_envelope::{Identity, KeySize, Label, PrivateKeyDer};
use seal_tests::{ControlPlane, Installation};
use serde_json::json;

use crate::scene::{NAMESPACE, Scene};

/// What no controller can do better than.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// RSA-4096 private-key operations per second on one core, and on all of them.
    pub(crate) private_key_operations: (f64, f64),
    /// Objects per second of a bare client that makes three writes for each.
    pub(crate) writes: f64,
}

impl Limits {
    pub(crate) async fn measure(plane: &ControlPlane, objects: usize) -> Self {
        let key = PrivateKeyDer::generate(KeySize::Rsa4096).unwrap();
        let cores = thread::available_parallelism().unwrap().get();
        Self {
            private_key_operations: (operations(&key, 1), operations(&key, cores)),
            writes: bare_writes(plane, objects).await,
        }
    }
}

/// Private-key operations per second on so many threads.
fn operations(key: &PrivateKeyDer, threads: usize) -> f64 {
    let label = Label::new("limit");
    let one = || {
        let identity = Identity::new(key).unwrap();
        let envelope = identity.recipient().seal(&label, b"value").unwrap();
        let (started, mut made) = (Instant::now(), 0_u32);
        while started.elapsed() < Duration::from_secs(2) {
            identity.open(&envelope, &label).unwrap();
            made += 1;
        }
        f64::from(made) / started.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    })
}

/// Objects per second of a client that does nothing but the three writes that each object needs.
async fn bare_writes(plane: &ControlPlane, count: usize) -> f64 {
    let scene = Scene::create(plane, 0).await;
    // The custom resource comes with an installation.
    let _home = Installation::create(plane).await;
    let sealed: Api<SealedSecret> = Api::namespaced(scene.client.clone(), NAMESPACE);
    let secrets: Api<Secret> = Api::namespaced(scene.client.clone(), NAMESPACE);
    let events: Api<Event> = Api::namespaced(scene.client.clone(), NAMESPACE);
    let objects: Vec<SealedSecret> = (0..count)
        .map(|index| SealedSecret::new(&format!("bare-{index}"), Default::default()))
        .collect();
    scene.create_all(&objects).await;
    let started = Instant::now();
    let writes = objects.iter().map(|object| {
        let (sealed, secrets, events) = (sealed.clone(), secrets.clone(), events.clone());
        async move {
            let name = object.metadata.name.clone().unwrap();
            let mut secret = Secret::default();
            secret.metadata.name = Some(name.clone());
            drop(
                secrets
                    .create(&PostParams::default(), &secret)
                    .await
                    .unwrap(),
            );
            let status = json!({"status": {"observedGeneration": 1}});
            let (parameters, patch) = (PatchParams::default(), Patch::Merge(status));
            let patched = sealed.patch_status(&name, &parameters, &patch).await;
            drop(patched.unwrap());
            let mut event = Event {
                involved_object: ObjectReference {
                    name: Some(name.clone()),
                    namespace: Some(NAMESPACE.into()),
                    ..ObjectReference::default()
                },
                ..Event::default()
            };
            event.metadata.name = Some(name);
            drop(events.create(&PostParams::default(), &event).await.unwrap());
        }
    });
    stream::iter(writes)
        .buffer_unordered(32)
        .collect::<()>()
        .await;
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = count as f64 / started.elapsed().as_secs_f64();
    scene.clear().await;
    rate
}
