//! What this process remembers of each SealedSecret. Nothing here is needed to be right: it saves
//! work and bridges the time until the caches have caught up with our own writes.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use seal_api::SealedSecretStatus;

use super::{
    desired::Fingerprint,
    secret_cache::{Key, is_newer},
};
use crate::backoff::backoff;

/// Repairs of one object that are made at once.
const FREE_REPAIRS: u32 = 3;
/// After this time without a repair the next one is a first one again.
const QUIET: Duration = Duration::from_secs(600);

/// Memory of all objects, by namespace and name.
#[derive(Default)]
pub struct Memory {
    /// In boxes: the map has room for twice as many, and for a moment a second time, when it grows.
    objects: Mutex<HashMap<Key, Box<Remembered>>>,
}

/// Memory of one object.
#[derive(Default, Clone)]
pub struct Remembered {
    /// The status that we wrote last, with the resourceVersion that the write was answered.
    pub written: Option<(String, SealedSecretStatus)>,
    /// The situation that was found hopeless.
    pub hopeless: Option<Situation>,
    /// The inputs and the Secret of the last success.
    pub right: Option<(String, Fingerprint)>,
    /// The situation that failed last, and when it is worth another attempt.
    pub retry: Option<(Situation, Timestamp)>,
    /// Failures in a row.
    pub failures: u32,
    /// Repairs in a row, and when the last one was.
    pub repairs: u32,
    /// When the last repair was made.
    pub repaired_at: Option<Timestamp>,
}

/// All that a hopeless failure depends on. A change of any part is worth a new attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The hash of the inputs, or the resourceVersion of an object that cannot be read.
    pub inputs: String,
    /// The generation of the keyring.
    pub keyring: u64,
    /// uid and resourceVersion of the Secret.
    pub secret: Option<(String, String)>,
}

impl Memory {
    /// What is remembered of one object.
    #[must_use]
    pub fn of(&self, key: &Key) -> Remembered {
        self.lock()
            .get(key)
            .map(|it| (**it).clone())
            .unwrap_or_default()
    }

    /// Changes what is remembered of one object.
    pub fn update<T>(&self, key: &Key, change: impl FnOnce(&mut Remembered) -> T) -> T {
        change(self.lock().entry(key.clone()).or_default())
    }

    /// Forgets the status that we wrote when the cache shows the same.
    pub fn caught_up(&self, key: &Key, cached_version: &str, cached: &SealedSecretStatus) {
        if let Some(remembered) = self.lock().get_mut(key) {
            let shown = |(version, status): &(String, SealedSecretStatus)| {
                version == cached_version && status == cached
            };
            remembered.written.take_if(|written| shown(written));
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// Forgets all objects but those that `is_there` knows.
    pub fn retain(&self, is_there: impl Fn(&Key) -> bool) {
        self.lock().retain(|key, _| is_there(key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Box<Remembered>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// The latest status: ours as long as the cache shows no newer object. At the same
    /// resourceVersion ours may hold a record that upstream's CRD has pruned.
    #[must_use]
    pub fn latest_status<'a>(
        &'a self,
        cached_version: &str,
        cached: Option<&'a SealedSecretStatus>,
    ) -> Option<&'a SealedSecretStatus> {
        match &self.written {
            Some((version, status))
                if version == cached_version || is_newer(version, cached_version) =>
            {
                Some(status)
            }
            _ => cached,
        }
    }
}

impl Remembered {
    /// Counts a repair; after a quiet time counting begins anew.
    pub fn count_repair(&mut self, now: Timestamp) {
        let quiet = self
            .repaired_at
            .is_none_or(|last| elapsed(last, now) > QUIET);
        self.repairs = if quiet {
            1
        } else {
            self.repairs.saturating_add(1)
        };
        self.repaired_at = Some(now);
    }

    /// How long the next repair has to wait: not at all for the first few, then ever longer, for
    /// somebody else keeps changing the Secret back.
    #[must_use]
    pub fn repair_delay(&self, now: Timestamp) -> Duration {
        let (Some(last), Some(beyond)) = (
            self.repaired_at,
            self.repairs.checked_sub(FREE_REPAIRS).filter(|n| *n > 0),
        ) else {
            return Duration::ZERO;
        };
        backoff(beyond).saturating_sub(elapsed(last, now))
    }
}

impl Remembered {
    /// How long the next attempt has to wait, whoever wakes the object: what failed a moment ago
    /// fails again as long as nothing that matters has changed.
    #[must_use]
    pub fn retry_delay(&self, situation: &Situation, now: Timestamp) -> Option<Duration> {
        let (failed, at) = self.retry.as_ref()?;
        let delay = elapsed(now, *at);
        (failed == situation && !delay.is_zero()).then_some(delay)
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_that_do_not_last_slow_down_and_recover_after_a_quiet_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut remembered = Remembered::default();
        (0..3).for_each(|_| remembered.count_repair(at(0)));
        assert_eq!(remembered.repair_delay(at(0)), Duration::ZERO);
        remembered.count_repair(at(0));
        assert_eq!(remembered.repair_delay(at(0)), backoff(1));
        assert_eq!(remembered.repair_delay(at(1)), Duration::ZERO);
        remembered.count_repair(at(700));
        assert_eq!(remembered.repair_delay(at(700)), Duration::ZERO);
    }

    #[test]
    fn a_wake_does_not_shorten_the_wait_unless_something_has_changed() {
        let situation = |inputs: &str| Situation {
            inputs: inputs.into(),
            keyring: 1,
            secret: None,
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let remembered = Remembered {
            retry: Some((situation("a"), at(10))),
            ..Remembered::default()
        };
        assert_eq!(
            remembered.retry_delay(&situation("a"), at(4)),
            Some(Duration::from_secs(6))
        );
        assert_eq!(remembered.retry_delay(&situation("a"), at(10)), None);
        assert_eq!(remembered.retry_delay(&situation("b"), at(4)), None);
    }

    #[test]
    fn our_own_status_counts_until_the_cache_has_caught_up() {
        let ours = SealedSecretStatus {
            observed_generation: Some(2),
            ..Default::default()
        };
        let cached = SealedSecretStatus {
            observed_generation: Some(1),
            ..Default::default()
        };
        let remembered = Remembered {
            written: Some(("7".into(), ours.clone())),
            ..Remembered::default()
        };
        assert_eq!(remembered.latest_status("6", Some(&cached)), Some(&ours));
        assert_eq!(remembered.latest_status("7", Some(&cached)), Some(&ours));
        assert_eq!(remembered.latest_status("8", Some(&cached)), Some(&cached));
    }

    #[test]
    fn our_own_write_is_kept_until_the_cache_shows_all_of_it() {
        let ours = SealedSecretStatus {
            observed_generation: Some(2),
            ..Default::default()
        };
        let key = ("team-a".to_owned(), "db".to_owned());
        let memory = Memory::default();
        memory.update(&key, |it| it.written = Some(("7".into(), ours.clone())));
        let kept = || memory.of(&key).written.is_some();
        memory.caught_up(&key, "6", &ours);
        assert!(kept(), "an older version");
        // As upstream's definition of the resource prunes the record.
        memory.caught_up(&key, "7", &SealedSecretStatus::default());
        assert!(kept(), "less than we wrote");
        memory.caught_up(&key, "7", &ours);
        assert!(!kept());
    }
}
