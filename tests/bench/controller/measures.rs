//! What is measured.

use std::{
    thread,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{Event, ObjectReference, Secret};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use seal_api::{ConditionStatus, ConditionType, SealedSecret};
use seal_envelope::{Identity, KeySize, Label, PrivateKeyDer};
use seal_tests::{ControlPlane, Installation};
use serde_json::json;

use crate::{
    contender::{Contender, Running},
    gauge::{Requests, cpu_seconds, peak_mebibytes},
    report::{Limits, Measured},
    scene::{Hints, NAMESPACE, Scene},
};

/// How long a contender that is too slow to wait for is watched.
const GLIMPSE: Duration = Duration::from_secs(60);
/// How long a process must do nothing to count as done.
const REST: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(100);

/// One contender with its keys and objects, until it is ended.
pub(crate) struct Run<'a> {
    scene: &'a Scene<'a>,
    who: Contender,
    home: Installation,
    count: usize,
    running: Option<Running>,
}

impl<'a> Run<'a> {
    /// The objects are there, the controller is not.
    pub(crate) async fn start(
        scene: &'a Scene<'a>,
        who: Contender,
        objects: &[SealedSecret],
    ) -> Self {
        let home = Installation::create(scene.plane).await;
        scene.hand_over_keys(home.namespace()).await;
        scene.create_all(objects).await;
        Self {
            scene,
            who,
            home,
            count: objects.len(),
            running: None,
        }
    }

    /// From the start of the process until every object is synced.
    pub(crate) async fn converge(&mut self) -> Measured {
        let (started, before) = (Instant::now(), Requests::read(self.scene.plane));
        self.launch().await;
        let mut note = None;
        let mut done = 0;
        while done < self.count {
            tokio::time::sleep(POLL).await;
            done = self.secrets().await;
            if self.who.is_limited() && started.elapsed() > GLIMPSE {
                note = Some(format!("of {} in all, extrapolated", self.count));
                break;
            }
        }
        while note.is_none() && self.synced().await < self.count {
            tokio::time::sleep(POLL).await;
        }
        let mut measured = self.measured(started.elapsed(), done, &before);
        measured.note = note;
        measured
    }

    /// Stops the controller and starts it again: until it has nothing left to do.
    pub(crate) async fn restart(&mut self) -> Measured {
        self.halt().await;
        let (started, before) = (Instant::now(), Requests::read(self.scene.plane));
        self.launch().await;
        let took = self.idle_since(started).await;
        self.measured(took, self.count, &before)
    }

    /// Stops the controller, starts it again and creates an object: how long that object waits.
    pub(crate) async fn newcomer(&mut self) -> Measured {
        self.halt().await;
        let before = Requests::read(self.scene.plane);
        self.launch().await;
        let object = self.scene.sealed_from(self.count, 1, Hints::Written);
        let created = Instant::now();
        self.scene.create_all(&object).await;
        let name = object[0].metadata.name.clone().unwrap();
        while self.secret_api().get_opt(&name).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut measured = self.measured(created.elapsed(), 0, &before);
        measured.note = Some(format!("of {} objects", self.count));
        self.count += 1;
        measured
    }

    /// Adds objects until there are so many, and waits until they are done.
    pub(crate) async fn grow_to(&mut self, count: usize) {
        let more = count - self.count;
        let objects = self.scene.sealed_from(self.count, more, Hints::Written);
        self.scene.create_all(&objects).await;
        self.count = count;
        while self.synced().await < self.count {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    pub(crate) async fn end(mut self) {
        self.halt().await;
        self.scene.clear().await;
    }

    async fn launch(&mut self) {
        self.running = Some(Running::start(self.scene, &self.home, self.who).await);
    }

    async fn halt(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it has been launched")
    }

    fn measured(&self, took: Duration, objects: usize, before: &Requests) -> Measured {
        let process = self.running().process_id();
        Measured {
            took,
            objects,
            cpu_seconds: cpu_seconds(process),
            peak_mebibytes: peak_mebibytes(process),
            requests: Requests::read(self.scene.plane).since(before),
            note: None,
        }
    }

    fn secret_api(&self) -> Api<Secret> {
        Api::namespaced(self.scene.client.clone(), NAMESPACE)
    }

    /// Answered from the API server's cache, which costs the contenders least.
    async fn secrets(&self) -> usize {
        let cached = ListParams::default().match_any();
        let list = self.secret_api().list_metadata(&cached).await.unwrap();
        list.items.len()
    }

    async fn synced(&self) -> usize {
        let objects: Api<SealedSecret> = Api::namespaced(self.scene.client.clone(), NAMESPACE);
        let cached = ListParams::default().match_any();
        let list = objects.list(&cached).await.unwrap();
        let is_synced = |object: &&SealedSecret| {
            let conditions = object.status.iter().flat_map(|status| &status.conditions);
            let mut synced = conditions.filter(|it| it.type_ == ConditionType::Synced);
            synced.any(|it| it.status == ConditionStatus::True)
        };
        list.items.iter().filter(is_synced).count()
    }

    /// How long after `started` the process used the CPU for the last time, before it rested.
    async fn idle_since(&self, started: Instant) -> Duration {
        let process = self.running().process_id();
        let (mut used, mut busy) = (cpu_seconds(process), started.elapsed());
        while started.elapsed() - busy < REST {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = cpu_seconds(process);
            // The clock of a process at rest ticks now and then.
            if now - used > 0.015 {
                (used, busy) = (now, started.elapsed());
            }
        }
        busy
    }
}

/// The machine's own limits.
pub(crate) async fn limits(plane: &ControlPlane, objects: usize) -> Limits {
    let key = PrivateKeyDer::generate(KeySize::Rsa4096).unwrap();
    let cores = thread::available_parallelism().unwrap().get();
    Limits {
        private_key_operations: (operations(&key, 1), operations(&key, cores)),
        writes: bare_writes(plane, objects).await,
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
