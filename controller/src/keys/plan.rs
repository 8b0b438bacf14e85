//! When a key is made, and what becomes of requests for one: decided here, carried out by the maker.

use std::{collections::BTreeMap, fmt, time::Duration};

use jiff::{SignedDuration, Timestamp};
use seal_envelope::KeySize;
use seal_keyring::{
    KeyEntry, Standing,
    requests::{Answer, Answers, Request, RequestOutcome},
};

use super::Snapshot;

/// Clocks may jump: the maker looks at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const SHORTEST_SLEEP: Duration = Duration::from_millis(100);

/// How keys are made.
#[derive(Debug, Clone)]
pub struct KeyPolicy {
    /// The namespace of the key Secrets.
    pub namespace: String,
    /// What their names begin with.
    pub prefix: String,
    /// The size of the keys.
    pub size: KeySize,
    /// How long their certificates are valid.
    pub validity: SignedDuration,
    /// The common name of their certificates.
    pub common_name: String,
    /// After this time a new key is made; zero for never.
    pub renew_period: SignedDuration,
    /// Keys older than this do not seal any more.
    pub cutoff: Option<Timestamp>,
    /// Whether a new key seals only once it is backed up.
    pub require_backup: bool,
    /// So many keys an hour are made because somebody asks.
    pub requests_per_hour: usize,
    /// Labels of the key Secrets.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the key Secrets.
    pub annotations: BTreeMap<String, String>,
}

/// The requests that have no answer yet, by id; those that cannot be read with the reason.
pub type Pending = BTreeMap<String, Result<Request, String>>;

/// What a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The keys.
    pub keys: &'a Snapshot,
    /// The requests.
    pub pending: &'a Pending,
    /// Whether a signal asked for a key.
    pub signalled: bool,
    /// When this process started.
    pub started: Timestamp,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Why a key is made; `None` when none is.
    pub make: Option<Occasion>,
    /// The requests that the key is made for, or would be.
    pub made_for: Vec<String>,
    /// The answers to the other requests.
    pub answers: Answers,
    /// When to look again at the latest.
    pub sleep: Duration,
}

/// What a key is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// There is none.
    First,
    /// The newest is from before the cut-off.
    CutOff(Timestamp),
    /// The period of the newest is over.
    Due(Timestamp),
    /// A signal asks for it.
    Signal,
    /// Key administrators ask for it.
    Requests,
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("there is no key"),
            Self::CutOff(time) => write!(f, "the newest key is from before {time}"),
            Self::Due(time) => write!(f, "the newest key was due on {time}"),
            Self::Signal => f.write_str("a signal asks for it"),
            Self::Requests => f.write_str("a key administrator asks for it"),
        }
    }
}

impl KeyPolicy {
    /// Decides. While a key awaits its backup, no other is made on request: it would have to wait
    /// behind it.
    #[must_use]
    pub fn plan(&self, seen: &Seen<'_>, now: Timestamp) -> Plan {
        let (mut made_for, mut answers) = (Vec::new(), Answers::new());
        for (id, request) in seen.pending {
            match self.outcome(seen.keys, id, request, now) {
                Some(outcome) => {
                    answers.insert(id.clone(), Answer { time: now, outcome });
                }
                None => made_for.push(id.clone()),
            }
        }
        let awaited = seen.keys.keyring.awaiting_backup().next().is_some();
        let signal = || (seen.signalled && !awaited).then_some(Occasion::Signal);
        let requests = || (!made_for.is_empty()).then_some(Occasion::Requests);
        let make = self.occasion(seen, now).or_else(signal).or_else(requests);
        Plan {
            make,
            made_for,
            answers,
            sleep: self.sleep(seen.keys, now),
        }
    }

    /// A cut-off counts once, at the start: one in the future would ask for keys without end.
    fn occasion(&self, seen: &Seen<'_>, now: Timestamp) -> Option<Occasion> {
        let keyring = &seen.keys.keyring;
        let Some(newest) = keyring.newest() else {
            return Some(Occasion::First);
        };
        // Certificates count in seconds.
        let since = keyring.time(newest).as_second();
        let cutoff = self.cutoff.map(|cutoff| cutoff.min(seen.started));
        if let Some(cutoff) = cutoff.filter(|cutoff| since < cutoff.as_second()) {
            return Some(Occasion::CutOff(cutoff));
        }
        let due = self.due(seen.keys, now)?;
        (due <= now).then_some(Occasion::Due(due))
    }

    /// When the newest key is to be replaced. A key from the future, which a clock that was wrong or
    /// a certificate of one's own may lead to, counts from when it was stored.
    fn due(&self, keys: &Snapshot, now: Timestamp) -> Option<Timestamp> {
        if self.renew_period.is_zero() {
            return None;
        }
        let newest = keys.keyring.newest()?;
        let since = keys.keyring.time(newest);
        let since = match newest.created() {
            Some(created) if since > now => since.min(created),
            _ => since,
        };
        since.checked_add(self.renew_period).ok()
    }

    fn sleep(&self, keys: &Snapshot, now: Timestamp) -> Duration {
        let left = self.due(keys, now).map(|due| now.duration_until(due));
        let left = left.and_then(|left| Duration::try_from(left).ok());
        left.unwrap_or(LONGEST_SLEEP)
            .clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
    }

    /// `None` when a key is to be made for it. What a key was made for stands on the key, so the
    /// answer is the same however often it is asked for, and after a crash.
    fn outcome(
        &self,
        keys: &Snapshot,
        id: &String,
        request: &Result<Request, String>,
        now: Timestamp,
    ) -> Option<RequestOutcome> {
        if let Err(why) = request {
            return Some(RequestOutcome::Refused { why: why.clone() });
        }
        let mut entries = keys.inventory.keys.iter();
        if let Some(made) = entries.find(|key| key.made_for.contains(id)) {
            return Some(answer(made));
        }
        if let Some(awaited) = keys.keyring.awaiting_backup().next() {
            return Some(RequestOutcome::AwaitsBackup {
                old_key: keys.keyring.current().map(|key| key.id().to_string()),
                new_key: awaited.id().to_string(),
            });
        }
        let made = keys.inventory.keys.iter().filter(|key| is_recent(key, now));
        (made.count() >= self.requests_per_hour).then(|| RequestOutcome::Refused {
            why: format!(
                "at most {} keys an hour are made on request (--key-requests-per-hour)",
                self.requests_per_hour
            ),
        })
    }
}

fn answer(made: &KeyEntry) -> RequestOutcome {
    let old_key = made.succeeds.clone();
    let new_key = made.id.clone().unwrap_or_default();
    match made.standing {
        Standing::AwaitsBackup => RequestOutcome::AwaitsBackup { old_key, new_key },
        _ => RequestOutcome::Done { old_key, new_key },
    }
}

/// Whether a key was made on request within an hour, by the clock of the API server. If ours is
/// hours off, nobody is refused for that long.
fn is_recent(key: &KeyEntry, now: Timestamp) -> bool {
    const WINDOW: SignedDuration = SignedDuration::from_hours(1);
    let within = |created: Timestamp| created.duration_until(now).abs() < WINDOW;
    !key.made_for.is_empty() && key.created.is_some_and(within)
}

#[cfg(test)]
mod tests;
