//! Standing for election: waiting for the lease, taking it, renewing it, giving it up.

use std::{fmt::Write, time::Duration};

use futures::{StreamExt, stream::BoxStream};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client, Error,
    api::{PostParams, WatchEvent, WatchParams},
};
use tokio::{sync::watch as channel, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Leadership, Standing, Timing,
    lease::{Seen, given_up, holder},
};
use crate::clock::{Clock, Monotonic};

/// What giving up the lease may take at the end.
const FAREWELL: Duration = Duration::from_secs(3);
/// Attempts to give it up: the version may change under us.
const FAREWELLS: usize = 3;

type Changes = BoxStream<'static, Result<WatchEvent<Lease>, Error>>;

/// A replica that wants to lead.
pub struct Candidate {
    leases: Api<Lease>,
    lease: String,
    identity: String,
    timing: Timing,
    clock: Monotonic,
    time_of_day: Clock,
    standing: channel::Sender<Standing>,
    seen: Seen,
    asked: bool,
    told: Option<String>,
}

impl Candidate {
    /// A candidate for the lease of that name. `identity` must be no other process's, not even that
    /// of the same pod before.
    #[must_use]
    pub fn new(
        client: Client,
        namespace: &str,
        lease: &str,
        identity: &str,
        timing: Timing,
        (clock, time_of_day): (Monotonic, Clock),
    ) -> (Self, Leadership) {
        let (sender, standing) = channel::channel(Standing::Unknown);
        let candidate = Self {
            leases: Api::namespaced(client, namespace),
            lease: lease.to_owned(),
            identity: identity.to_owned(),
            timing,
            clock: clock.clone(),
            time_of_day,
            standing: sender,
            seen: Seen::default(),
            asked: false,
            told: None,
        };
        (candidate, Leadership { standing, clock })
    }

    /// Runs for the lease from `warm` on, and leads until the lease is lost or it is time to
    /// `leave`: then the lease is given up, so that another replica need not wait.
    pub async fn run(mut self, warm: impl Future<Output = ()>, leave: CancellationToken) {
        let lost = async {
            warm.await;
            let until = self.campaign().await;
            self.lead(until).await
        };
        let lost = leave.run_until_cancelled(lost).await;
        let reason = lost.as_deref().unwrap_or("stopped").to_owned();
        self.standing.send_replace(Standing::Ended(reason));
        if lost.is_none() && self.asked && timeout(FAREWELL, self.give_up()).await.is_err() {
            tracing::warn!("the lease could not be given up in time: it has to run out");
        }
    }

    /// Waits until the lease is free and takes it. Returns when the term ends that begins.
    async fn campaign(&mut self) -> Duration {
        let mut changes = None;
        loop {
            match self.attempt().await {
                Ok(Some(until)) => return until,
                Ok(None) => {
                    self.told = None;
                    self.watch(&mut changes).await;
                }
                Err(error) => {
                    self.tell_trouble(&error);
                    tokio::time::sleep(self.timing.retry).await;
                }
            }
        }
    }

    /// Looks at the lease and takes it if it is free.
    async fn attempt(&mut self) -> Result<Option<Duration>, Error> {
        self.look().await?;
        if self.clock.now() < self.seen.free {
            return Ok(None);
        }
        match self.take().await {
            Err(Error::Api(answer)) if answer.is_conflict() || answer.is_already_exists() => {
                self.look().await?; // Another one was faster.
                Ok(None)
            }
            taken => taken.map(Some),
        }
    }

    async fn look(&mut self) -> Result<(), Error> {
        let lease = self.within(self.leases.get_opt(&self.lease)).await?;
        self.note(lease);
        Ok(())
    }

    fn note(&mut self, lease: Option<Lease>) {
        let before = self.seen.lease.as_ref().and_then(holder).map(str::to_owned);
        let (timing, now) = (self.timing, self.clock.now());
        self.seen.note(lease, &self.identity, &timing, now);
        let leader = self.seen.lease.as_ref().and_then(holder);
        if let Some(leader) = leader.filter(|it| *it != self.identity) {
            if before.as_deref() != Some(leader) {
                tracing::info!(%leader, "following");
            }
            self.standing.send_if_modified(|standing| {
                let news = *standing == Standing::Unknown;
                if news {
                    *standing = Standing::Following;
                }
                news
            });
        }
    }

    /// Takes or renews the lease at the version that was seen. The term counts from before the
    /// request: when it arrives, and whether its answer does, is unknown.
    async fn take(&mut self) -> Result<Duration, Error> {
        let sent = self.clock.now();
        let now = self.time_of_day.now();
        let wanted = self
            .seen
            .taken(&self.lease, &self.identity, &self.timing, now);
        self.asked = true;
        let parameters = PostParams::default();
        let stored = if self.seen.lease.is_some() {
            let replacing = self.leases.replace(&self.lease, &parameters, &wanted);
            self.within(replacing).await?
        } else {
            let creating = self.leases.create(&parameters, &wanted);
            self.within(creating).await?
        };
        self.note(Some(stored));
        Ok(sent.saturating_add(self.timing.renew))
    }

    /// A request that hangs must leave time for another one in the same term.
    async fn within<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match timeout(self.timing.renew / 2, request).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(Error::Service(elapsed.into())),
        }
    }

    /// Waits until the lease may be free, or should be looked at.
    async fn watch(&mut self, changes: &mut Option<Changes>) {
        if changes.is_none() {
            *changes = self.open_watch().await;
        }
        let Some(stream) = changes else {
            return tokio::time::sleep(self.timing.retry).await;
        };
        loop {
            let change = tokio::select! {
                biased;
                change = stream.next() => change,
                () = self.clock.until(self.seen.free) => return,
            };
            match change {
                Some(Ok(WatchEvent::Added(lease) | WatchEvent::Modified(lease))) => {
                    self.note(Some(lease));
                }
                Some(Ok(WatchEvent::Deleted(_))) => self.note(None),
                Some(Ok(WatchEvent::Bookmark(_))) => {}
                Some(Ok(WatchEvent::Error(_)) | Err(_)) | None => {
                    *changes = None;
                    return tokio::time::sleep(self.timing.retry).await;
                }
            }
        }
    }

    /// Without a watch the lease is looked at every now and then.
    async fn open_watch(&self) -> Option<Changes> {
        let lease = self.seen.lease.as_ref()?;
        let version = lease.metadata.resource_version.as_deref()?;
        let only = WatchParams::default().fields(&format!("metadata.name={}", self.lease));
        let opened = self.within(self.leases.watch(&only, version)).await;
        opened.ok().map(StreamExt::boxed)
    }

    /// Leads until `until`, which every renewal moves, and says why the term ended.
    async fn lead(&mut self, mut until: Duration) -> String {
        let transitions = self
            .seen
            .lease
            .as_ref()
            .and_then(|lease| lease.spec.as_ref());
        let term = transitions.and_then(|spec| spec.lease_transitions);
        tracing::info!(identity = %self.identity, term, "leading");
        loop {
            self.standing.send_replace(Standing::Leading(until));
            let clock = self.clock.clone();
            until = tokio::select! {
                biased;
                () = clock.until(until) => {
                    let mut reason = "the lease could not be renewed in time".to_owned();
                    if let Some(told) = &self.told {
                        let _ = write!(reason, ": {told}"); // A String takes everything.
                    }
                    return reason;
                }
                renewed = self.renew() => match renewed {
                    Ok(until) => until,
                    Err(reason) => return reason,
                },
            };
        }
    }

    /// Waits and renews the lease, until that succeeds or cannot any more.
    async fn renew(&mut self) -> Result<Duration, String> {
        loop {
            tokio::time::sleep(self.timing.retry).await;
            let renewed = match self.take().await {
                // Somebody touched it, or the answer to our last renewal was lost.
                Err(Error::Api(answer)) if answer.is_conflict() => match self.look().await {
                    Ok(()) => match self.seen.lease.as_ref().map(holder) {
                        Some(Some(holder)) if holder == self.identity => self.take().await,
                        Some(Some(other)) => return Err(format!("{other} has taken the lease")),
                        Some(None) => return Err("somebody has released the lease".to_owned()),
                        None => return Err("somebody has deleted the lease".to_owned()),
                    },
                    Err(error) => Err(error),
                },
                Err(Error::Api(answer)) if answer.is_not_found() => {
                    return Err("somebody has deleted the lease".to_owned());
                }
                taken => taken,
            };
            match renewed {
                Ok(until) => {
                    self.told = None;
                    return Ok(until);
                }
                Err(error) => self.tell_trouble(&error),
            }
        }
    }

    /// Says once what is wrong, until it is something else.
    fn tell_trouble(&mut self, error: &Error) {
        let text = error.to_string();
        if self.told.as_ref() == Some(&text) {
            return;
        }
        match error {
            Error::Api(answer) if answer.is_forbidden() => tracing::error!(
                "without rights on the lease {} this replica cannot lead: grant them as \
                 deploy/rbac.yaml does, or run one replica without --leader-elect: {text}",
                self.lease
            ),
            _ => {
                tracing::warn!(error = %text, lease = %self.lease, "no answer about the lease; trying again");
            }
        }
        self.told = Some(text);
    }

    /// Lets the next one have the lease at once. Another one's is left alone.
    async fn give_up(&mut self) {
        for _ in 0..FAREWELLS {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the lease could not be given up: it has to run out");
                return;
            }
            let Some(lease) = self.seen.lease.as_ref() else {
                return;
            };
            if holder(lease) != Some(&self.identity) {
                return;
            }
            let wanted = given_up(lease);
            let parameters = PostParams::default();
            let answer = self.leases.replace(&self.lease, &parameters, &wanted).await;
            if answer.is_ok() {
                tracing::info!("the lease is given up");
                return;
            }
        }
    }
}
