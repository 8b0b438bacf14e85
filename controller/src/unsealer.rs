//! The decryption queue: private-key operations are the scarce thing, so a fixed pool of threads
//! makes them, in slices, in the order of the [`Schedule`].

mod explain;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use seal_api::SealedSecret;
use seal_envelope::{Identity, KeyId, Opened};
use seal_keyring::{Key, Keyring};
use seal_sealing::{Unsealed, Unsealing, key_hints};
use tokio::sync::oneshot;

use self::explain::Explanation;
use crate::{
    metrics::Metrics,
    outcome::{Failure, Reason},
    schedule::{Priority, Schedule},
    watched::Watched,
};

/// Private-key operations in one turn: about 50 ms of RSA-4096.
const OPERATIONS_A_TURN: usize = 16;
/// What one request from outside may cost at most: about 15 s of RSA-4096 on one core.
const MOST_OPERATIONS_A_REQUEST: usize = 4096;
/// So many namespaces are remembered with the key that last opened something in them.
const MOST_NAMESPACES: usize = 10_000;
/// So many requests from outside may wait.
const MOST_REQUESTS: usize = 32;

/// Unseals objects, fairly.
#[derive(Clone)]
pub struct Unsealer {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wakeup: Condvar,
    accept_v1_data: bool,
    metrics: Metrics,
}

#[derive(Default)]
struct State {
    schedule: Schedule<Job>,
    /// The key that last opened something in a namespace.
    last_key: HashMap<String, KeyId>,
    /// Requests from outside that wait or are worked on.
    requests: usize,
    closed: bool,
}

impl State {
    /// A guess that saves operations: when there are too many of them, all are forgotten.
    fn remember(&mut self, namespace: String, key: KeyId) {
        if self.last_key.len() >= MOST_NAMESPACES {
            self.last_key.clear();
        }
        self.last_key.insert(namespace, key);
    }
}

struct Job {
    stage: Stage,
    purpose: Purpose,
    since: Instant,
}

/// How far it has come.
enum Stage {
    /// Nowhere: it holds no more than it has to, for thousands may wait. Which keys to try first is
    /// known better when its turn comes, too.
    Waiting(Keyring),
    Opening(Vec<Arc<Key>>, Unsealing),
    Explaining(Vec<Arc<Key>>, Explanation),
}

/// What is done with the opened values, and who waits for it.
enum Purpose {
    /// The Secret of an object in the cluster; templates are rendered, failures diagnosed.
    Secret {
        watched: Arc<Watched>,
        reply: oneshot::Sender<Result<Unsealed, Failure>>,
    },
    /// The values alone, or nothing: nobody outside learns why.
    Values {
        reply: oneshot::Sender<Option<Values>>,
    },
}

/// Opened values by item, with the keys that opened them.
pub type Values = BTreeMap<String, Opened>;

/// The private-key operations that a request from outside may still ask for.
#[derive(Debug)]
pub struct Allowance(usize);

impl Default for Allowance {
    fn default() -> Self {
        Self(MOST_OPERATIONS_A_REQUEST)
    }
}

/// Why values are not opened for somebody outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something does not open. Why is not told.
    #[error("no key could decrypt secret")]
    DoesNotOpen,
    /// It would take more private-key operations than a request may ask for.
    #[error("too many values for one request: ask with fewer objects at a time")]
    TooMuch,
    /// Too many requests wait already.
    #[error("too many requests: try again later")]
    Busy,
}

impl Unsealer {
    /// A queue on which nobody works but who calls [`turn`](Self::turn).
    #[must_use]
    pub fn new(accept_v1_data: bool, metrics: Metrics) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                wakeup: Condvar::new(),
                accept_v1_data,
                metrics,
            }),
        }
    }

    /// Starts `threads` threads, which end when the last handle is [closed](Self::close).
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(threads: usize, accept_v1_data: bool, metrics: Metrics) -> io::Result<Self> {
        let unsealer = Self::new(accept_v1_data, metrics);
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&unsealer.shared);
            let name = format!("unsealer-{number}");
            thread::Builder::new()
                .name(name)
                .spawn(move || shared.work())?;
        }
        Ok(unsealer)
    }

    /// Works for one turn on the calling thread; `false` when nothing waits.
    #[must_use]
    pub fn turn(&self) -> bool {
        let next = self.shared.lock().schedule.pop();
        next.map(|next| self.shared.serve(next)).is_some()
    }

    /// Unseals an object when its turn comes, trying first the keys of its hint, then the one that
    /// last opened something in its namespace, then the rest, newest first.
    ///
    /// # Errors
    /// [`Failure`] with what is wrong and what to do.
    pub async fn unseal(
        &self,
        watched: Arc<Watched>,
        keyring: &Keyring,
        priority: Priority,
    ) -> Result<Unsealed, Failure> {
        let Ok(sealed) = &watched.0 else {
            return Err(Failure::new(
                Reason::Malformed,
                "the SealedSecret cannot be read",
            ));
        };
        let namespace = sealed.metadata.namespace.clone().unwrap_or_default();
        let (reply, answer) = oneshot::channel();
        let job = Job {
            stage: Stage::Waiting(keyring.clone()),
            purpose: Purpose::Secret { watched, reply },
            since: Instant::now(),
        };
        self.shared.lock().schedule.push(priority, &namespace, job);
        self.shared.metrics.queued();
        self.shared.wakeup.notify_one();
        answer.await.unwrap_or_else(|_| {
            Err(Failure::new(
                Reason::ApiError,
                "unsealing was broken off; trying again",
            ))
        })
    }

    /// Opens the values of an object that somebody outside sent, when the turn of HTTP comes. The
    /// scope is that of the object's own metadata; no template is rendered.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn open(
        &self,
        sealed: &SealedSecret,
        keyring: &Keyring,
        allowance: &mut Allowance,
    ) -> Result<Values, Refusal> {
        let unsealing =
            Unsealing::new(sealed, self.shared.accept_v1_data).map_err(|_| Refusal::DoesNotOpen)?;
        let wanted = unsealing.most_operations(keyring.identities());
        allowance.0 = allowance.0.checked_sub(wanted).ok_or(Refusal::TooMuch)?;
        let keys = keyring.preferring(&key_hints(&sealed.metadata), None);
        let (reply, answer) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            if state.requests >= MOST_REQUESTS {
                return Err(Refusal::Busy);
            }
            state.requests += 1;
            let job = Job {
                stage: Stage::Opening(keys, unsealing),
                purpose: Purpose::Values { reply },
                since: Instant::now(),
            };
            state.schedule.push(Priority::Http, "", job);
        }
        self.shared.metrics.queued();
        self.shared.wakeup.notify_one();
        answer.await.ok().flatten().ok_or(Refusal::DoesNotOpen)
    }

    /// Lets the threads end after the turn that they are in; what still waits is dropped.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.wakeup.notify_all();
    }
}

impl Shared {
    fn work(&self) {
        while let Some(next) = self.next() {
            self.serve(next);
        }
    }

    fn serve(&self, (priority, namespace, job): (Priority, String, Job)) {
        let since = job.since;
        let turn = match job.is_abandoned() {
            true => Turn::Done(None),
            false => self.turn(&namespace, job),
        };
        let mut state = self.lock();
        match turn {
            Turn::Unfinished(job) => {
                state.schedule.resume(priority, &namespace, job);
                self.wakeup.notify_one();
                return;
            }
            Turn::Done(Some(key)) => state.remember(namespace, key),
            Turn::Done(None) => {}
        }
        state.requests -= usize::from(priority == Priority::Http);
        self.metrics.unqueued(since.elapsed());
    }

    /// A panic, which nothing is known to cause, costs the one object its answer and no thread.
    fn turn(&self, namespace: &str, job: Job) -> Turn {
        let turn = panic::catch_unwind(AssertUnwindSafe(|| job.turn(self, namespace)));
        turn.unwrap_or_else(|_| {
            tracing::error!("unsealing an object ended abnormally");
            Turn::Done(None)
        })
    }

    fn last_key(&self, namespace: &str) -> Option<KeyId> {
        self.lock().last_key.get(namespace).cloned()
    }

    fn next(&self) -> Option<(Priority, String, Job)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(next) = state.schedule.pop() {
                return Some(next);
            }
            state = self
                .wakeup
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Turn {
    Unfinished(Job),
    /// With the key that opened something.
    Done(Option<KeyId>),
}

impl Job {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool {
        match &self.purpose {
            Purpose::Secret { reply, .. } => reply.is_closed(),
            Purpose::Values { reply } => reply.is_closed(),
        }
    }

    fn turn(self, shared: &Shared, namespace: &str) -> Turn {
        match self.stage {
            Stage::Waiting(keyring) => {
                let Some(sealed) = self.purpose.sealed() else {
                    return Turn::Done(None);
                };
                let (hints, last) = (key_hints(&sealed.metadata), shared.last_key(namespace));
                let keys = keyring.preferring(&hints, last.as_ref());
                match Unsealing::new(sealed, shared.accept_v1_data) {
                    Ok(unsealing) => {
                        let stage = Stage::Opening(keys, unsealing);
                        Self { stage, ..self }.turn(shared, namespace)
                    }
                    Err(error) => self.purpose.failed(explain::whole(&error)),
                }
            }
            Stage::Opening(keys, mut unsealing) => {
                let made = unsealing.step(&identities(&keys), OPERATIONS_A_TURN);
                shared.metrics.operations(made);
                if unsealing.is_done() {
                    return self.purpose.opened(keys, unsealing, self.since);
                }
                let stage = Stage::Opening(keys, unsealing);
                Turn::Unfinished(Self { stage, ..self })
            }
            Stage::Explaining(keys, mut explanation) => {
                let Some(sealed) = self.purpose.sealed() else {
                    return Turn::Done(None);
                };
                let (made, failure) =
                    explanation.step(sealed, &identities(&keys), OPERATIONS_A_TURN);
                shared.metrics.operations(made);
                if let Some(failure) = failure {
                    return self.purpose.failed(failure);
                }
                let stage = Stage::Explaining(keys, explanation);
                Turn::Unfinished(Self { stage, ..self })
            }
        }
    }
}

fn identities(keys: &[Arc<Key>]) -> Vec<&Identity> {
    keys.iter().map(|key| key.identity()).collect()
}

impl Purpose {
    fn sealed(&self) -> Option<&SealedSecret> {
        match self {
            Self::Secret { watched, .. } => watched.0.as_ref().ok(),
            Self::Values { .. } => None,
        }
    }

    fn failed(self, failure: Failure) -> Turn {
        if let Self::Secret { reply, .. } = self {
            drop(reply.send(Err(failure)));
        }
        Turn::Done(None)
    }

    /// Answers when there is an answer. Whoever asked may have gone; then it is wiped here.
    fn opened(self, keys: Vec<Arc<Key>>, unsealing: Unsealing, since: Instant) -> Turn {
        let (watched, reply) = match self {
            Self::Secret { watched, reply } => (watched, reply),
            Self::Values { reply } => {
                drop(reply.send(unsealing.into_opened()));
                return Turn::Done(None);
            }
        };
        let Ok(sealed) = &watched.0 else {
            return Turn::Done(None);
        };
        match unsealing.finish(sealed) {
            Ok(unsealed) => {
                let key = unsealed.keys.keys().next().cloned();
                drop(reply.send(Ok(unsealed)));
                Turn::Done(key)
            }
            Err(error) => Turn::Unfinished(Job {
                stage: Stage::Explaining(keys, Explanation::of(error)),
                purpose: Self::Secret { watched, reply },
                since,
            }),
        }
    }
}
