//! One contender with its keys and objects, and what is measured of it.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::ListParams};
use seal_api::{ConditionStatus, ConditionType, SealedSecret};
use seal_tests::{Installation, Upstream};

use crate::{
    contender::{Contender, Running},
    gauge::{Requests, age, cpu_seconds, peak_mebibytes},
    report::Measured,
    scene::{FLOOD_NAMESPACE, NAMESPACE, Objects, Scene},
};

/// How long a process must do nothing to count as done.
const REST: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(100);

/// One contender with its keys and objects, until it is ended.
pub(crate) struct Run<'a> {
    scene: &'a Scene<'a>,
    who: Contender,
    home: Installation,
    /// How many SealedSecrets there are.
    count: usize,
    /// Upstream is watched no longer than this, and the rest is extrapolated.
    glimpse: Duration,
    running: Option<Running>,
}

impl<'a> Run<'a> {
    /// The objects are there, the controller is not.
    pub(crate) async fn start(
        scene: &'a Scene<'a>,
        who: Contender,
        glimpse: Duration,
        objects: &[SealedSecret],
    ) -> Self {
        let home = Installation::create(scene.plane).await;
        Upstream::create_account(scene.plane, home.namespace());
        scene.hand_over_keys(home.namespace()).await;
        scene.create_all(objects).await;
        Self {
            scene,
            who,
            home,
            count: objects.len(),
            glimpse,
            running: None,
        }
    }

    /// From the start of the process until every object is synced.
    pub(crate) async fn converge(&mut self) -> Measured {
        let before = self.requests();
        self.launch().await;
        let mut done = 0;
        while done < self.count && !self.is_over() {
            tokio::time::sleep(POLL).await;
            done = self.secrets().await;
        }
        while done == self.count && self.synced().await < self.count {
            tokio::time::sleep(POLL).await;
        }
        self.measured(self.age(), done, &before).await
    }

    /// Stops the controller and starts it again: until it has nothing left to do.
    pub(crate) async fn restart(&mut self) -> Measured {
        self.halt().await;
        let before = self.requests();
        self.launch().await;
        self.running_mut().wait_ready().await;
        let took = self.idle().await;
        // Upstream counts what it takes up.
        let done = match self.is_over() {
            true => self.running().metric("unseal_requests_total").await as usize,
            false => self.count,
        };
        self.measured(took, done, &before).await
    }

    /// Stops the controller, starts it again and at once creates an object: how long that object waits.
    pub(crate) async fn newcomer(&mut self) -> Measured {
        self.halt().await;
        let before = self.requests();
        self.launch().await;
        let took = self.wait_of_one(Objects::Hinted).await;
        let mut measured = self.measured(took.0, 0, &before).await;
        measured.note = Some(format!("{}of {} objects", took.1, self.count));
        measured
    }

    /// Floods another namespace with the most expensive objects there are, lets the controller take them up, and
    /// creates an object: how long that object waits.
    pub(crate) async fn newcomer_beside(&mut self, flood: &[SealedSecret]) -> Measured {
        self.halt().await;
        let before = self.requests();
        self.scene.create_all_in(FLOOD_NAMESPACE, flood).await;
        self.launch().await;
        self.running_mut().wait_ready().await;
        // Long enough for all of them to be in its queue.
        tokio::time::sleep(REST).await;
        let took = self.wait_of_one(Objects::FromKubeseal).await;
        let mut measured = self.measured(took.0, 0, &before).await;
        measured.note = Some(format!("{}beside {} objects", took.1, flood.len()));
        if let Some(running) = self.running.take() {
            running.kill();
        }
        measured
    }

    /// Creates an object and waits for its Secret: how long that took, and what to say before it.
    async fn wait_of_one(&mut self, objects: Objects) -> (Duration, &'static str) {
        let object = self.scene.sealed_from(self.count, 1, objects);
        let created = Instant::now();
        self.scene.create_all(&object).await;
        self.count += 1;
        let name = object[0].metadata.name.clone().unwrap();
        while self.secret_api().get_opt(&name).await.unwrap().is_none() {
            if created.elapsed() > self.glimpse {
                return (created.elapsed(), "not done by then, ");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (created.elapsed(), "")
    }

    /// Adds objects until there are so many, and waits until they are done.
    pub(crate) async fn grow_to(&mut self, count: usize) {
        let more = count - self.count;
        let objects = self.scene.sealed_from(self.count, more, Objects::Hinted);
        self.scene.create_all(&objects).await;
        self.count = count;
        while self.synced().await < self.count {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The other contender takes over what is there.
    pub(crate) async fn hand_over(&mut self, who: Contender) {
        self.halt().await;
        self.who = who;
    }

    pub(crate) async fn end(mut self) {
        self.halt().await;
        self.scene.clear().await;
    }

    async fn launch(&mut self) {
        self.running = Some(Running::launch(self.scene, &self.home, self.who).await);
    }

    async fn halt(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it has been launched")
    }

    fn running_mut(&mut self) -> &mut Running {
        self.running.as_mut().expect("it has been launched")
    }

    fn age(&self) -> Duration {
        age(self.running().process_id())
    }

    /// Whether it has been watched long enough.
    fn is_over(&self) -> bool {
        self.who != Contender::Ours && self.age() > self.glimpse
    }

    fn requests(&self) -> Requests {
        let (plane, account) = (self.scene.plane, self.who.account());
        Requests::read(plane, self.home.namespace(), account)
    }

    async fn measured(&self, took: Duration, done: usize, before: &Requests) -> Measured {
        let process = self.running().process_id();
        let operations = match self.who {
            Contender::Ours => {
                let made = self.running().metric("private_key_operations_total");
                Some(made.await)
            }
            Contender::Unlimited | Contender::Defaults => None,
        };
        Measured {
            took,
            done,
            objects: if done == 0 { 0 } else { self.count },
            cpu_seconds: cpu_seconds(process),
            peak_mebibytes: peak_mebibytes(process),
            operations,
            requests: self.requests().since(before),
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

    /// How old the process was when it used the CPU for the last time, before it rested.
    async fn idle(&self) -> Duration {
        let process = self.running().process_id();
        let (mut used, mut busy) = (cpu_seconds(process), self.age());
        while self.age() - busy < REST && !self.is_over() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = cpu_seconds(process);
            // The clock of a process at rest ticks now and then.
            if now - used > 0.015 {
                (used, busy) = (now, self.age());
            }
        }
        busy
    }
}
