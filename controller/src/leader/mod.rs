//! One of several replicas leads: it alone reconciles, makes keys and publishes them. All of them
//! watch, so that a follower is warm when it takes over, and serve HTTP.
//!
//! A Lease elects the leader, by the rules of Kubernetes' own components (client-go's
//! `leaderelection`), made strict:
//!
//! - A term ends `renew` after the *sending* of the last renewal that succeeded. Another replica
//!   takes the lease when it has seen no change of it for `lease`, which is longer, counted from when
//!   it saw the last change. So terms never overlap. No replica's time of day counts, and the speeds
//!   of their clocks may differ by as much as the two durations.
//! - Every write to the lease names the version that it replaces: of several replicas that want it
//!   one gets it.
//! - When a term is over by the clock, the client refuses every write
//!   ([`crate::client::connect`]), also in a process that was stopped and goes on. What had been
//!   sent already has preconditions. A leader that loses the lease ends the process, as client-go's
//!   controllers do: what it knew counts for nothing any more.

mod candidate;
mod election;
mod lease;

pub use candidate::Candidate;
pub use election::Election;

use std::time::Duration;

use tokio::sync::watch as channel;

use crate::clock::Monotonic;

/// The durations of an election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    lease: Duration,
    renew: Duration,
    retry: Duration,
}

/// Durations that elect nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// A Lease counts in seconds.
    #[error("--leader-elect-lease-duration must be whole seconds, from 1s to 2147483647s")]
    Seconds,
    /// Others would take the lease while this replica still leads.
    #[error("--leader-elect-renew-deadline must be shorter than --leader-elect-lease-duration")]
    Overlap,
    /// There would be no second attempt.
    #[error(
        "--leader-elect-retry-period must be above 0 and shorter than --leader-elect-renew-deadline"
    )]
    Retry,
}

impl Timing {
    /// Others take the lease when it has not changed for `lease`; the leader's term ends `renew`
    /// after its last renewal; it renews every `retry`.
    ///
    /// # Errors
    /// [`TimingError`] unless `lease` is whole seconds and 0 < `retry` < `renew` < `lease`.
    pub fn new(lease: Duration, renew: Duration, retry: Duration) -> Result<Self, TimingError> {
        let seconds = i32::try_from(lease.as_secs()).unwrap_or_default();
        if seconds == 0 || lease.subsec_nanos() != 0 {
            return Err(TimingError::Seconds);
        }
        if renew >= lease {
            return Err(TimingError::Overlap);
        }
        if retry.is_zero() || retry >= renew {
            return Err(TimingError::Retry);
        }
        Ok(Self {
            lease,
            renew,
            retry,
        })
    }
}

/// Where this replica stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// It has not seen yet who leads.
    Unknown,
    /// Another one leads, or did.
    Following,
    /// It leads until then, by its clock.
    Leading(Duration),
    /// It has led, or has stopped to run for it; with the reason.
    Ended(String),
}

/// Whether this replica leads. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Leadership {
    standing: channel::Receiver<Standing>,
    clock: Monotonic,
}

impl Leadership {
    /// That of the only replica: it leads always.
    #[must_use]
    pub fn sole() -> Self {
        let (_, standing) = channel::channel(Standing::Leading(Duration::MAX));
        Self {
            standing,
            clock: Monotonic::new(|| Duration::ZERO),
        }
    }

    /// Whether this replica leads at this moment.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(*self.standing.borrow(), Standing::Leading(until) if self.clock.now() < until)
    }

    /// Waits until this replica leads.
    pub async fn begun(mut self) {
        self.wait(|standing| matches!(standing, Standing::Leading(_)))
            .await;
    }

    /// Waits until it is known who leads.
    pub async fn settled(mut self) {
        self.wait(|standing| matches!(standing, Standing::Leading(_) | Standing::Following))
            .await;
    }

    /// Waits until this replica neither leads nor will, and says why.
    pub async fn ended(mut self) -> String {
        let ended = |standing: &Standing| matches!(standing, Standing::Ended(_));
        if let Ok(standing) = self.standing.wait_for(ended).await
            && let Standing::Ended(reason) = &*standing
        {
            return reason.clone();
        }
        "it ended abnormally".to_owned()
    }

    /// What is the leader's to do: begins when this replica leads.
    pub async fn when_leading<T>(self, task: impl Future<Output = T>) -> T {
        self.begun().await;
        task.await
    }

    async fn wait(&mut self, wanted: impl Fn(&Standing) -> bool) {
        if self.standing.wait_for(wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(lease: f32, renew: f32, retry: f32) -> Result<Timing, TimingError> {
        let [lease, renew, retry] = [lease, renew, retry].map(Duration::from_secs_f32);
        Timing::new(lease, renew, retry)
    }

    #[test]
    fn durations_that_elect_nobody_or_two_are_refused() {
        assert!(timing(15.0, 10.0, 2.0).is_ok());
        for lease in [0.0, 0.5, 1.5, 3e9] {
            assert_eq!(timing(lease, 0.2, 0.1), Err(TimingError::Seconds));
        }
        assert_eq!(timing(10.0, 10.0, 2.0), Err(TimingError::Overlap));
        assert_eq!(timing(15.0, 10.0, 10.0), Err(TimingError::Retry));
        assert_eq!(timing(15.0, 10.0, 0.0), Err(TimingError::Retry));
    }

    #[test]
    fn the_only_replica_leads_always() {
        assert!(Leadership::sole().holds());
    }

    #[test]
    fn a_term_is_over_by_the_clock_whether_or_not_anybody_noticed() {
        let (sender, standing) = channel::channel(Standing::Leading(Duration::from_secs(10)));
        let (time, now) = channel::channel(Duration::from_secs(9));
        let clock = Monotonic::new(move || *now.borrow());
        let leadership = Leadership { standing, clock };
        assert!(leadership.holds());
        time.send_replace(Duration::from_secs(10));
        assert!(!leadership.holds());
        sender.send_replace(Standing::Following);
        assert!(!leadership.holds());
    }
}
