//! When a key is made, and what becomes of requests for one: decided here, carried out by the maker.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use seal_envelope::{KeyKind, KeySize, Kind};
use seal_keyring::{
    Key, KeyEntry, Standing,
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
    /// The size of the RSA keys.
    pub size: KeySize,
    /// The algorithm of the age keys; `None` where none are made.
    pub age: Option<KeyKind>,
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
    /// Of which kinds a signal asked for a key.
    pub signalled: &'a BTreeSet<Kind>,
    /// When this process started.
    pub started: Timestamp,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The key that is made next; `None` when none is.
    pub make: Option<Make>,
    /// The answers to the requests that no key is made for.
    pub answers: Answers,
    /// When to look again at the latest.
    pub sleep: Duration,
}

/// A key that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Make {
    /// Its algorithm.
    pub kind: KeyKind,
    /// Why.
    pub occasion: Occasion,
}

/// What a key is made for. Keys are compared with those of their kind alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// There is none.
    First,
    /// The newest has this algorithm, and another one is asked for.
    Algorithm(KeyKind),
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
            Self::Algorithm(found) => write!(f, "the newest key is one of {found}"),
            Self::CutOff(time) => write!(f, "the newest key is from before {time}"),
            Self::Due(time) => write!(f, "the newest key was due on {time}"),
            Self::Signal => f.write_str("a signal asks for it"),
            Self::Requests => f.write_str("a key administrator asks for it"),
        }
    }
}

impl KeyPolicy {
    /// What is made: the RSA key first, then the age key, where there are such.
    pub fn kinds(&self) -> impl Iterator<Item = KeyKind> {
        std::iter::once(KeyKind::Rsa(self.size)).chain(self.age)
    }

    /// Decides. While a key awaits its backup, no other of its kind is made on request: it would have
    /// to wait behind it.
    #[must_use]
    pub fn plan(&self, seen: &Seen<'_>, now: Timestamp) -> Plan {
        let answers = seen.pending.iter().filter_map(|(id, request)| {
            let outcome = self.outcome(seen.keys, id, request, now)?;
            Some((id.clone(), Answer { time: now, outcome }))
        });
        Plan {
            answers: answers.collect(),
            make: self.kinds().find_map(|kind| {
                let occasion = self.occasion(seen, kind, now)?;
                Some(Make { kind, occasion })
            }),
            sleep: self.sleep(seen.keys, now),
        }
    }

    /// The requests that a key of this kind is made for, or would be.
    #[must_use]
    pub fn made_for(&self, seen: &Seen<'_>, kind: Kind, now: Timestamp) -> Vec<String> {
        let open = seen.pending.iter().filter(|(id, request)| {
            let Ok(Request::Rotate { kind: wanted }) = request else {
                return false;
            };
            *wanted == kind && self.outcome(seen.keys, id, request, now).is_none()
        });
        open.map(|(id, _)| id.clone()).collect()
    }

    fn occasion(&self, seen: &Seen<'_>, kind: KeyKind, now: Timestamp) -> Option<Occasion> {
        let envelope = kind.envelope();
        let awaited = seen.keys.keyring.awaiting_backup(envelope).next().is_some();
        let signalled = seen.signalled.contains(&envelope) && !awaited;
        let is_asked_for = || !self.made_for(seen, envelope, now).is_empty();
        self.own_occasion(seen, kind, now)
            .or_else(|| signalled.then_some(Occasion::Signal))
            .or_else(|| is_asked_for().then_some(Occasion::Requests))
    }

    /// Why a key would be made if nobody asked for one.
    ///
    /// A cut-off counts once, at the start: one in the future would ask for keys without end.
    fn own_occasion(&self, seen: &Seen<'_>, kind: KeyKind, now: Timestamp) -> Option<Occasion> {
        let keyring = &seen.keys.keyring;
        let Some(newest) = keyring.newest(kind.envelope()) else {
            return Some(Occasion::First);
        };
        if let Some(found) = other_algorithm(newest, kind)
            && (is_foreign(newest) || made_at(newest, keyring.time(newest)) < seen.started)
        {
            return Some(Occasion::Algorithm(found));
        }
        // Certificates count in seconds.
        let since = keyring.time(newest).as_second();
        let cutoff = self.cutoff.map(|cutoff| cutoff.min(seen.started));
        if let Some(cutoff) = cutoff.filter(|cutoff| since < cutoff.as_second()) {
            return Some(Occasion::CutOff(cutoff));
        }
        let due = self.due(seen.keys, kind.envelope(), now)?;
        (due <= now).then_some(Occasion::Due(due))
    }

    /// When the newest key of this kind is to be replaced. A key from the future, which a clock that
    /// was wrong or a certificate of one's own may lead to, counts from when it was stored.
    fn due(&self, keys: &Snapshot, kind: Kind, now: Timestamp) -> Option<Timestamp> {
        if self.renew_period.is_zero() {
            return None;
        }
        let newest = keys.keyring.newest(kind)?;
        let since = keys.keyring.time(newest);
        let since = match since > now {
            true => made_at(newest, since),
            false => since,
        };
        since.checked_add(self.renew_period).ok()
    }

    fn sleep(&self, keys: &Snapshot, now: Timestamp) -> Duration {
        let due = self
            .kinds()
            .filter_map(|kind| self.due(keys, kind.envelope(), now));
        let left = due.min().map(|due| now.duration_until(due));
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
        let kind = match request {
            Ok(Request::Rotate { kind }) => *kind,
            Err(why) => return Some(RequestOutcome::Refused { why: why.clone() }),
        };
        let mut entries = keys.inventory.keys.iter();
        if let Some(made) = entries.find(|key| key.made_for.contains(id)) {
            return Some(answer(made));
        }
        if self.kinds().all(|made| made.envelope() != kind) {
            let why = "this controller makes no age keys (--age-keys=off)".to_owned();
            return Some(RequestOutcome::Refused { why });
        }
        if let Some(awaited) = keys.keyring.awaiting_backup(kind).next() {
            return Some(RequestOutcome::AwaitsBackup {
                old_key: keys.keyring.current(kind).map(|key| key.id().to_string()),
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

/// The algorithm of an age key, if it is not the one asked for. RSA keys of another size stay until
/// they are due, as upstream's.
fn other_algorithm(newest: &Key, wanted: KeyKind) -> Option<KeyKind> {
    let found = newest.public().kind();
    (wanted.envelope() == Kind::Age && found != wanted).then_some(found)
}

/// Whether somebody brought the key along. A key that a controller has made since this one started is
/// no reason to make another: while one version follows the other with a changed `--age-keys`, each
/// would replace the other's key without end.
fn is_foreign(key: &Key) -> bool {
    key.marks().succeeds.is_none()
}

/// When a key was made that seals from `since` on. Of keys that are made in the same second each seals
/// from a second later than the one before, so the last ones from a time that is still to come.
fn made_at(key: &Key, since: Timestamp) -> Timestamp {
    key.created().map_or(since, |created| created.min(since))
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
