//! When passes are made: once the caches are filled, by the replica that leads, over what the
//! watches wake.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use futures::StreamExt;
use kube::{
    Resource,
    runtime::{
        controller::{self, Action, applier},
        reflector::{ObjectRef, Store, store::Writer},
    },
};
use seal_envelope::Kind;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    keys::{KeySource, Snapshot},
    leader::Leadership,
    reconcile::{Context, pass, secret_cache::key_of},
    tasks::Tasks,
    watched::Watched,
    watches::{Scope, Wakes, watch_sealed_secrets, watch_secrets},
};

/// Starts the watches and the passes. Says when the caches are `warm`, and when the replica is
/// `ready`.
pub fn reconcile(
    tasks: &mut Tasks,
    scope: Scope,
    context: Arc<Context>,
    (objects, writer): (Store<Watched>, Writer<Watched>),
    (warm, ready): (watch::Sender<bool>, watch::Sender<bool>),
) {
    let mut keys = context.keys.clone();
    let (wakes, mut woken) = mpsc::unbounded_channel();
    let (filled, mut secrets_filled) = watch::channel(!scope.watch_secrets);
    if scope.watch_secrets {
        let namespaces = scope.namespaces.clone();
        let (context, objects, wakes) = (Arc::clone(&context), objects.clone(), wakes.clone());
        let secrets = watch_secrets(context, namespaces, objects, wakes, filled);
        tasks.spawn_forever("Secrets", secrets);
    }
    let cache = (objects.clone(), writer);
    let sealed_secrets = watch_sealed_secrets(Arc::clone(&context), scope, cache, wakes.clone());
    tasks.spawn_forever("SealedSecrets", sealed_secrets);
    tasks.spawn_forever(
        "key changes",
        wake_on_new_keys(keys.clone(), objects.clone(), wakes.clone()),
    );
    let leadership = context.leadership.clone();
    let readiness = until_ready(
        keys.clone(),
        warm.subscribe(),
        leadership.clone(),
        objects.clone(),
        ready,
    );
    tasks.spawn_forever("readiness", readiness);
    let stop = tasks.stop();
    tasks.spawn("passes", async move {
        let first = async {
            // A Store wakes only the last one that waits for it, so nobody else does. Each of these
            // ends early only together with the task that would feed it, and that one is supervised.
            let _ = keys.until(|snapshot| snapshot.loaded).await;
            let _ = secrets_filled.wait_for(|filled| *filled).await;
            let _ = objects.wait_until_ready().await;
            warm.send_replace(true);
            stand_by(leadership, &mut woken, &wakes, &objects).await;
            let _ = keys.until(has_a_key).await;
        };
        if stop.run_until_cancelled(first).await.is_some() {
            passes(woken, objects, context, stop).await;
        }
        "there is nothing left to reconcile".to_owned()
    });
}

/// A replica is ready when its caches are filled, there is a key and it is known who leads.
async fn until_ready(
    mut keys: KeySource,
    mut is_warm: watch::Receiver<bool>,
    leadership: Leadership,
    objects: Store<Watched>,
    ready: watch::Sender<bool>,
) -> Infallible {
    let _ = is_warm.wait_for(|warm| *warm).await;
    let _ = keys.until(has_a_key).await;
    leadership.settled().await;
    ready.send_replace(true);
    tracing::info!(sealed_secrets = objects.len(), "ready");
    std::future::pending().await
}

fn has_a_key(snapshot: &Snapshot) -> bool {
    snapshot.loaded && snapshot.keyring.current(Kind::Hybrid).is_some()
}

/// Waits until this replica leads. A follower forgets what it is woken for, and looks at everything
/// when it takes over.
async fn stand_by(
    leadership: Leadership,
    woken: &mut mpsc::UnboundedReceiver<ObjectRef<Watched>>,
    wakes: &Wakes,
    sealed_secrets: &Store<Watched>,
) {
    let mut followed = false;
    let mut begun = pin!(leadership.begun());
    loop {
        tokio::select! {
            biased;
            () = &mut begun => break,
            Some(_) = woken.recv() => followed = true,
        }
    }
    for watched in sealed_secrets.state().iter().filter(|_| followed) {
        let _ = wakes.send(ObjectRef::from_obj(&**watched)); // Shutting down.
    }
}

/// Reconciles what is woken until `stop`, then finishes what has begun. Passes are cheap, so their
/// number is not limited: what is scarce has its own limits.
async fn passes(
    mut woken: mpsc::UnboundedReceiver<ObjectRef<Watched>>,
    store: Store<Watched>,
    context: Arc<Context>,
    stop: CancellationToken,
) {
    let queue = futures::stream::poll_fn(move |cx| woken.poll_recv(cx))
        .take_until(stop.cancelled_owned())
        .map(Ok::<_, Infallible>);
    let reconciler = |watched: Arc<Watched>, context: Arc<Context>| {
        let (namespace, name) = key_of(watched.meta());
        let span = tracing::info_span!("reconcile", %namespace, %name);
        tokio::spawn(pass(watched, context).instrument(span))
    };
    let after_panic = |_: Arc<Watched>, error: &tokio::task::JoinError, _: Arc<Context>| {
        tracing::error!(%error, "a pass ended abnormally; trying again");
        Action::requeue(Duration::from_secs(60))
    };
    applier(
        reconciler,
        after_panic,
        context,
        store,
        queue,
        controller::Config::default(),
    )
    .for_each(|_| std::future::ready(()))
    .await;
}

async fn wake_on_new_keys(
    mut keys: KeySource,
    store: Store<Watched>,
    wakes: mpsc::UnboundedSender<ObjectRef<Watched>>,
) -> Infallible {
    while keys.changed().await.is_some() {
        for watched in store.state() {
            let _ = wakes.send(ObjectRef::from_obj(&*watched)); // Shutting down.
        }
    }
    std::future::pending().await
}
