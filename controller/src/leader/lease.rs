//! What a Lease says, as pure data: whose it is, and when it may be taken.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};

use super::Timing;

/// Who holds the lease; a lease that was given up names nobody.
pub(super) fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref();
    holder.filter(|holder| !holder.is_empty())
}

/// The lease as one replica has seen it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Its latest version; `None` when there is none.
    pub(super) lease: Option<Lease>,
    /// Before that it may not be taken, by the clock of who saw it.
    pub(super) free: Duration,
}

impl Seen {
    /// Takes note of a version, or of there being none. Call it with the time after the answer: the
    /// renewal that is seen was sent before that.
    pub(super) fn note(&mut self, lease: Option<Lease>, me: &str, timing: &Timing, now: Duration) {
        if version(self.lease.as_ref()) == version(lease.as_ref()) {
            return;
        }
        match lease.as_ref().map(holder) {
            // Somebody deleted it; who held it leads until the term is over.
            None => {}
            Some(Some(other)) if other != me => {
                self.free = now.saturating_add(promised(lease.as_ref(), timing));
            }
            Some(_) => self.free = now,
        }
        self.lease = lease;
    }

    /// The lease as `me` wants to hold it.
    pub(super) fn taken(&self, name: &str, me: &str, timing: &Timing, now: Timestamp) -> Lease {
        let before = self.lease.as_ref();
        let spec = before.and_then(|lease| lease.spec.clone());
        let mut spec = spec.unwrap_or_default();
        if before.and_then(holder) != Some(me) {
            let transitions = spec.lease_transitions.unwrap_or_default();
            spec.lease_transitions = Some(transitions.saturating_add(1));
            spec.holder_identity = Some(me.to_owned());
            spec.acquire_time = Some(MicroTime(now));
        }
        spec.lease_duration_seconds = i32::try_from(timing.lease.as_secs()).ok();
        spec.renew_time = Some(MicroTime(later(now, spec.renew_time.as_ref())));
        let metadata = before.map_or_else(
            || ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            |lease| lease.metadata.clone(),
        );
        Lease {
            metadata,
            spec: Some(spec),
        }
    }
}

/// The lease after its holder has given it up.
pub(super) fn given_up(lease: &Lease) -> Lease {
    let spec = lease.spec.as_ref();
    Lease {
        metadata: lease.metadata.clone(),
        spec: Some(LeaseSpec {
            lease_transitions: spec.and_then(|spec| spec.lease_transitions),
            ..LeaseSpec::default()
        }),
    }
}

/// For how long the holder said it may lead; its settings may be others than ours.
fn promised(lease: Option<&Lease>, timing: &Timing) -> Duration {
    let spec = lease.and_then(|lease| lease.spec.as_ref());
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map_or(timing.lease, Duration::from_secs)
}

/// A renewal that changes nothing would leave the version as it was, and so be none to the others:
/// `renewTime` goes forward also when the time of day does not.
fn later(now: Timestamp, before: Option<&MicroTime>) -> Timestamp {
    let least = before.and_then(|before| before.0.checked_add(SignedDuration::from_micros(1)).ok());
    least.map_or(now, |least| now.max(least))
}

fn version(lease: Option<&Lease>) -> Option<(Option<&str>, Option<&str>)> {
    lease.map(|lease| {
        let ObjectMeta {
            uid,
            resource_version,
            ..
        } = &lease.metadata;
        (uid.as_deref(), resource_version.as_deref())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn timing() -> Timing {
        Timing::new(15 * SECOND, 10 * SECOND, 2 * SECOND).unwrap()
    }

    fn lease(holder: Option<&str>, version: &str) -> Lease {
        let seen = Seen {
            lease: Some(Lease::default()),
            free: Duration::ZERO,
        };
        let now = Timestamp::UNIX_EPOCH;
        let mut lease = seen.taken("lease", holder.unwrap_or("nobody"), &timing(), now);
        lease.metadata.resource_version = Some(version.to_owned());
        if holder.is_none() {
            return given_up(&lease);
        }
        lease
    }

    fn free_after(notes: &[(Option<Lease>, u32)]) -> Duration {
        let mut seen = Seen::default();
        for (lease, at) in notes {
            seen.note(lease.clone(), "me", &timing(), *at * SECOND);
        }
        seen.free
    }

    #[test]
    fn a_held_lease_is_free_a_whole_term_after_its_last_change_was_seen() {
        let held = |version| Some(lease(Some("other"), version));
        assert_eq!(free_after(&[(held("1"), 100)]), 115 * SECOND);
        assert_eq!(
            free_after(&[(held("1"), 100), (held("1"), 110)]),
            115 * SECOND
        );
        assert_eq!(
            free_after(&[(held("1"), 100), (held("2"), 110)]),
            125 * SECOND
        );
    }

    #[test]
    fn a_lease_that_is_given_up_or_ones_own_is_free_at_once() {
        let held = Some(lease(Some("other"), "1"));
        let given_up = Some(lease(None, "2"));
        assert_eq!(
            free_after(&[(held.clone(), 100), (given_up, 101)]),
            101 * SECOND
        );
        let own = Some(lease(Some("me"), "2"));
        assert_eq!(free_after(&[(held, 100), (own, 101)]), 101 * SECOND);
        assert_eq!(free_after(&[(None, 100)]), Duration::ZERO);
    }

    #[test]
    fn deleting_the_lease_does_not_cut_the_term_of_its_holder_short() {
        let held = Some(lease(Some("other"), "1"));
        assert_eq!(free_after(&[(held, 100), (None, 101)]), 115 * SECOND);
    }

    #[test]
    fn the_holders_own_promise_counts_not_our_settings() {
        let mut held = lease(Some("other"), "1");
        held.spec.as_mut().unwrap().lease_duration_seconds = Some(60);
        assert_eq!(free_after(&[(Some(held), 100)]), 160 * SECOND);
    }

    #[test]
    fn taking_it_counts_a_transition_and_renewing_it_does_not() {
        let mut seen = Seen {
            lease: Some(lease(Some("other"), "1")),
            free: Duration::ZERO,
        };
        let taken = seen.taken("lease", "me", &timing(), Timestamp::UNIX_EPOCH);
        assert_eq!(holder(&taken), Some("me"));
        assert_eq!(taken.metadata.resource_version.as_deref(), Some("1"));
        assert_eq!(taken.spec.as_ref().unwrap().lease_transitions, Some(2));
        seen.lease = Some(taken.clone());
        let renewed = seen.taken("lease", "me", &timing(), Timestamp::UNIX_EPOCH);
        let (before, after) = (taken.spec.unwrap(), renewed.spec.unwrap());
        assert_eq!(after.lease_transitions, Some(2));
        assert_eq!(after.acquire_time, before.acquire_time);
        assert!(
            after.renew_time > before.renew_time,
            "although the time of day stands still"
        );
    }
}
