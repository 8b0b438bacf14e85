//! Elections: simulated hours of them, on clocks of their own, with every fault that a network and
//! an operating system have to offer.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Method, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, api::PostParams, client::Body};
use seal_controller::{
    client::Fence,
    clock::{Clock, Monotonic},
    leader::{Candidate, Leadership, Timing},
    outcome::Failure,
};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tower::{BoxError, Layer, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);
const REPLICAS: usize = 3;

fn timing() -> Timing {
    Timing::new(15 * SECOND, 10 * SECOND, 2 * SECOND).unwrap()
}

#[tokio::test(start_paused = true)]
async fn terms_never_overlap_whatever_the_network_and_the_clocks_do() {
    let (mut terms, mut led, mut all) = (0, 0, 0);
    for seed in 0..12 {
        let log = Simulation::new(seed, Faults::All).run(1200 * SECOND).await;
        for (at, leaders) in &log {
            assert!(leaders.len() <= 1, "seed {seed} at {at:?}: {leaders:?}");
        }
        let leaders: Vec<_> = log.iter().filter_map(|(_, it)| it.first()).collect();
        let changes = leaders.windows(2).filter(|pair| pair[0] != pair[1]);
        terms += changes.count() + 1;
        led += leaders.len();
        all += log.len();
    }
    assert!(terms > 100, "only {terms} terms were tried");
    assert!(led * 3 > all, "led {led} of {all} moments");
}

#[tokio::test(start_paused = true)]
async fn without_faults_one_replica_leads_all_the_time() {
    let log = Simulation::new(0, Faults::None).run(600 * SECOND).await;
    let leaders: BTreeSet<_> = log.iter().skip(20).map(|(_, it)| it.clone()).collect();
    assert_eq!(leaders.len(), 1, "{leaders:?}");
    assert_eq!(leaders.first().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_given_up_is_taken_at_once_and_one_that_is_not_after_its_time() {
    for (graceful, least, most) in [(true, 0, 3), (false, 13, 17)] {
        let server = Arc::new(Server::new(0, Faults::None));
        let (first, follower) = (
            Replica::start(&server, "a", 1.0),
            Replica::start(&server, "b", 1.0),
        );
        first.leadership.clone().begun().await;
        sleep(5 * SECOND).await;
        let began = Instant::now();
        if graceful {
            first.leave.cancel();
        } else {
            first.process.abort();
        }
        follower.leadership.clone().begun().await;
        let took = began.elapsed().as_secs();
        assert!(
            (least..=most).contains(&took),
            "{took} s, graceful: {graceful}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_from_which_the_lease_was_taken_says_who_has_it() {
    let server = Arc::new(Server::new(0, Faults::None));
    let replica = Replica::start(&server, "a", 1.0);
    replica.leadership.clone().begun().await;
    server.change(|lease| lease["spec"]["holderIdentity"] = "thief".into());
    let reason = replica.leadership.clone().ended().await;
    assert_eq!(reason, "thief has taken the lease");
    assert!(!replica.leadership.holds());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_reaches_nobody_ends_before_others_may_lead() {
    let server = Arc::new(Server::new(0, Faults::None));
    let replica = Replica::start(&server, "a", 1.0);
    replica.leadership.clone().begun().await;
    server.cut.send_replace(BTreeSet::from(["a".to_owned()]));
    let began = Instant::now();
    let reason = replica.leadership.clone().ended().await;
    assert!(reason.contains("could not be renewed in time"), "{reason}");
    assert!(began.elapsed() <= 10 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_client_of_a_replica_that_does_not_lead_reads_and_writes_nothing() {
    let server = Arc::new(Server::new(0, Faults::None));
    let client = server.client("a");
    let clocks = (Monotonic::system(), Clock::system());
    let (_candidate, follower) = Candidate::new(client, "ns", "lease", "a", timing(), clocks);
    for (leadership, writes) in [(follower, false), (Leadership::sole(), true)] {
        for (method, passes) in [
            (Method::GET, true),
            (Method::POST, writes),
            (Method::PUT, writes),
            (Method::PATCH, writes),
            (Method::DELETE, writes),
        ] {
            let answering = service_fn(async |_: Request<()>| Ok::<_, BoxError>(Response::new(())));
            let leadership = leadership.clone();
            let fenced = Fence { leadership }.layer(answering);
            let request = Request::builder().method(&method).body(()).unwrap();
            assert_eq!(fenced.oneshot(request).await.is_ok(), passes, "{method}");
        }
    }
}

#[tokio::test]
async fn a_write_after_the_term_is_told_as_such_and_not_as_an_outage() {
    let server = Arc::new(Server::new(0, Faults::None));
    let clocks = (Monotonic::system(), Clock::system());
    let (_candidate, leadership) =
        Candidate::new(server.client("a"), "ns", "lease", "a", timing(), clocks);
    let answering =
        service_fn(async |_: Request<Body>| Ok::<_, BoxError>(Response::new(Body::empty())));
    let client = Client::new(Fence { leadership }.layer(answering), "ns");
    let secrets: Api<Secret> = Api::default_namespaced(client);
    let refused = secrets
        .create(&PostParams::default(), &Secret::default())
        .await;
    let failure = Failure::of_write(&refused.unwrap_err());
    assert_eq!(
        failure.message,
        "this replica does not lead any more; the one that does takes over"
    );
}

/// Who holds the office at one moment, as each replica's own clock says.
type Log = Vec<(Duration, Vec<String>)>;

struct Simulation {
    server: Arc<Server>,
    log: Arc<Mutex<Log>>,
}

impl Simulation {
    fn new(seed: u64, faults: Faults) -> Self {
        Self {
            server: Arc::new(Server::new(seed, faults)),
            log: Arc::default(),
        }
    }

    /// Replicas end when they lose the lease and are started anew, as the kubelet does; they are
    /// stopped and go on; they are cut off from the API server.
    async fn run(self, length: Duration) -> Log {
        let mut running = JoinSet::new();
        let seats: Vec<_> = (0..REPLICAS).map(|_| Arc::new(Mutex::new(None))).collect();
        for (number, seat) in seats.iter().enumerate() {
            let (server, seat) = (Arc::clone(&self.server), Arc::clone(seat));
            running.spawn(async move {
                for life in 0.. {
                    let rate = 1.0 + 0.1 * (number as f64 - 1.0);
                    let mut replica = Replica::start(&server, &format!("{number}-{life}"), rate);
                    let leadership = replica.leadership.clone();
                    *seat.lock().unwrap() = Some((replica.name.clone(), leadership));
                    replica.live(&server).await;
                    sleep(SECOND).await;
                }
            });
        }
        let began = Instant::now();
        while began.elapsed() < length {
            sleep(Duration::from_millis(100)).await;
            let holders = seats.iter().filter_map(|seat| {
                let seat = seat.lock().unwrap();
                let (name, leadership) = seat.as_ref()?;
                leadership.holds().then(|| name.clone())
            });
            let moment = (began.elapsed(), holders.collect());
            self.log.lock().unwrap().push(moment);
        }
        running.shutdown().await;
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

/// A process that can be stopped and goes on where it was.
struct Replica {
    name: String,
    leadership: Leadership,
    leave: CancellationToken,
    stopped: watch::Sender<bool>,
    process: tokio::task::JoinHandle<()>,
}

impl Replica {
    /// `rate` is the speed of its clock. Its time of day is anything.
    fn start(server: &Arc<Server>, name: &str, rate: f64) -> Self {
        let began = Instant::now();
        let offset = Duration::from_secs(server.random(1000));
        let clock = Monotonic::new(move || offset + began.elapsed().mul_f64(rate));
        let skew = SignedDuration::from_secs(server.random(100_000) as i64);
        let time_of_day = Clock::new(move || Timestamp::UNIX_EPOCH + skew);
        let client = server.client(name);
        let (candidate, leadership) =
            Candidate::new(client, "ns", "lease", name, timing(), (clock, time_of_day));
        let leave = CancellationToken::new();
        let (stopped, is_stopped) = watch::channel(false);
        let running = candidate.run(std::future::ready(()), leave.clone());
        Self {
            name: name.to_owned(),
            leadership,
            leave,
            stopped,
            process: tokio::spawn(stoppable(running, is_stopped)),
        }
    }

    /// Until the lease is lost, with what happens to processes.
    async fn live(&mut self, server: &Server) {
        loop {
            tokio::select! {
                biased; // The same seed is the same run.
                ended = &mut self.process => return ended.unwrap(),
                () = sleep(Duration::from_secs(5 + server.random(60))) => {}
            }
            if !server.misfortune(2) {
                continue;
            }
            match server.random(4) {
                0 => {
                    self.stopped.send_replace(true);
                    sleep(Duration::from_secs(server.random(40))).await;
                    self.stopped.send_replace(false);
                }
                1 => {
                    self.leave.cancel();
                }
                2 => {
                    let name = self.name.clone();
                    server.cut.send_replace(BTreeSet::from([name]));
                    sleep(Duration::from_secs(server.random(30))).await;
                    server.cut.send_replace(BTreeSet::new());
                }
                _ => {
                    server.change(|lease| lease["metadata"]["annotations"] = json!({"by": "hand"}));
                }
            }
        }
    }
}

async fn stoppable(process: impl Future<Output = ()>, mut stopped: watch::Receiver<bool>) {
    let mut process = std::pin::pin!(process);
    loop {
        if stopped.wait_for(|stopped| !stopped).await.is_err() {
            return process.await;
        }
        tokio::select! {
            biased;
            Ok(_) = stopped.wait_for(|stopped| *stopped) => {}
            () = &mut process => return,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Faults {
    None,
    All,
}

/// An API server that knows one lease, behind a bad network.
struct Server {
    lease: Mutex<(Option<Value>, u64)>,
    seed: Mutex<u64>,
    faults: Faults,
    /// Who does not get through.
    cut: watch::Sender<BTreeSet<String>>,
}

impl Server {
    fn new(seed: u64, faults: Faults) -> Self {
        Self {
            lease: Mutex::default(),
            seed: Mutex::new(seed),
            faults,
            cut: watch::Sender::default(),
        }
    }

    fn client(self: &Arc<Self>, name: &str) -> Client {
        let (server, name) = (Arc::clone(self), name.to_owned());
        let service = service_fn(move |request: Request<Body>| {
            let (server, name) = (Arc::clone(&server), name.clone());
            async move { server.answer(&name, request).await }
        });
        Client::new(service, "ns")
    }

    /// Requests take their time to arrive, and answers to return; both may be lost.
    async fn answer(&self, name: &str, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        self.travel(name).await?;
        let (status, answer) = self.judge(&parts.method, parts.uri.query(), &body);
        self.travel(name).await?;
        let response = Response::builder().status(status);
        Ok(response.body(answer.to_string().into_bytes().into())?)
    }

    async fn travel(&self, name: &str) -> Result<(), BoxError> {
        if self.cut.borrow().contains(name) || self.misfortune(40) {
            return Err("connection reset".into());
        }
        if self.misfortune(20) {
            sleep(Duration::from_secs(self.random(30))).await;
        } else if self.faults == Faults::All {
            sleep(Duration::from_millis(self.random(1500))).await;
        }
        Ok(())
    }

    /// As the real one: a replacement needs the version, and raises it.
    fn judge(&self, method: &Method, query: Option<&str>, body: &[u8]) -> (StatusCode, Value) {
        let mut state = self.lease.lock().unwrap();
        let current = state.0.clone();
        if query.is_some_and(|query| query.contains("watch")) {
            return failed(StatusCode::FORBIDDEN, "Forbidden");
        }
        if *method == Method::GET {
            let found = current.map(|lease| (StatusCode::OK, lease));
            return found.unwrap_or_else(|| failed(StatusCode::NOT_FOUND, "NotFound"));
        }
        let mut wanted: Value = serde_json::from_slice(body).unwrap();
        let version = &wanted["metadata"]["resourceVersion"];
        match (method == Method::POST, &current) {
            (true, None) => {}
            (true, Some(_)) => return failed(StatusCode::CONFLICT, "AlreadyExists"),
            (false, None) => return failed(StatusCode::NOT_FOUND, "NotFound"),
            (false, Some(lease)) if *version == lease["metadata"]["resourceVersion"] => {}
            (false, Some(_)) => return failed(StatusCode::CONFLICT, "Conflict"),
        }
        // What changes nothing keeps its version.
        if current.as_ref() != Some(&wanted) {
            state.1 += 1;
            wanted["metadata"]["resourceVersion"] = state.1.to_string().into();
            state.0 = Some(wanted.clone());
        }
        (StatusCode::OK, wanted)
    }

    /// Somebody else's change.
    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.lease.lock().unwrap();
        let (lease, version) = &mut *state;
        if let Some(lease) = lease {
            *version += 1;
            change(lease);
            lease["metadata"]["resourceVersion"] = version.to_string().into();
        }
    }

    fn misfortune(&self, one_in: u64) -> bool {
        self.faults == Faults::All && self.random(one_in) == 0
    }

    /// Below `bound`, by splitmix64.
    fn random(&self, bound: u64) -> u64 {
        let mut seed = self.seed.lock().unwrap();
        *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn failed(code: StatusCode, reason: &str) -> (StatusCode, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason,
        "reason": reason, "code": code.as_u16(),
    });
    (code, status)
}
