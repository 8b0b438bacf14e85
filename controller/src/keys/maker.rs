//! Making keys: the first one, a new one every period, and one whenever asked.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, Error, api::PostParams};
use seal_envelope::KeySize;
use seal_keyring::{GenerateError, Naming, NewKey, in_use, not_before};
use tokio::{sync::Notify, task::JoinError, time};

use super::{KeySource, Snapshot};
use crate::{backoff::backoff, clock::Clock, wiped::Wiped};

/// So many names are tried for a key.
const NAMES_TRIED: usize = 8;
/// How long a new key may take to come back through the watch before the maker looks again.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Clocks may jump: the maker looks at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

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
    /// Labels of the key Secrets.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the key Secrets.
    pub annotations: BTreeMap<String, String>,
}

/// What a key is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Occasion {
    First,
    CutOff(Timestamp),
    Due(Timestamp),
    Asked(Timestamp),
}

impl std::fmt::Display for Occasion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::CutOff(time) => write!(f, "cut-off {time}"),
            Self::Due(time) => write!(f, "period {time}"),
            Self::Asked(time) => write!(f, "request {time}"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    Thread(#[from] JoinError),
    #[error("all names for it are taken by Secrets that are no keys in use")]
    Names,
}

/// Makes keys for ever; `asked` asks for one now.
pub async fn make_keys(
    client: Client,
    policy: KeyPolicy,
    mut keys: KeySource,
    clock: Clock,
    asked: std::sync::Arc<Notify>,
) -> Infallible {
    let secrets: Api<Secret> = Api::namespaced(client, &policy.namespace);
    let started = clock.now();
    let mut request = None;
    let mut failures = 0;
    loop {
        let Some(snapshot) = keys.until(|snapshot| snapshot.loaded).await else {
            return std::future::pending().await;
        };
        let now = clock.now();
        let Some(occasion) = request
            .take()
            .or_else(|| policy.occasion(&snapshot, started, now))
        else {
            tokio::select! {
                () = asked.notified() => request = Some(Occasion::Asked(clock.now())),
                () = time::sleep(policy.sleep(&snapshot, now)) => {}
                _ = keys.changed() => {}
            }
            continue;
        };
        match policy.make(&secrets, &snapshot, &occasion, now).await {
            Ok(()) => {
                failures = 0;
                let seen = snapshot.generation;
                let arrived = keys.until(|snapshot| snapshot.generation != seen);
                let _ = time::timeout(ARRIVAL, arrived).await; // Not yet: look again.
            }
            Err(error) => {
                tracing::error!(%error, "no key could be made; trying again");
                if let Occasion::Asked(_) = occasion {
                    request = Some(occasion);
                }
                failures += 1;
                time::sleep(backoff(failures)).await;
            }
        }
    }
}

impl KeyPolicy {
    /// A cut-off counts once, at the start: one in the future would ask for keys without end.
    fn occasion(
        &self,
        snapshot: &Snapshot,
        started: Timestamp,
        now: Timestamp,
    ) -> Option<Occasion> {
        let Some(since) = snapshot.keyring.current_since() else {
            return Some(Occasion::First);
        };
        // Certificates count in seconds.
        let cutoff = self.cutoff.map(|cutoff| cutoff.min(started));
        if let Some(cutoff) = cutoff.filter(|cutoff| since.as_second() < cutoff.as_second()) {
            return Some(Occasion::CutOff(cutoff));
        }
        let due = self.due(since)?;
        (due <= now).then_some(Occasion::Due(due))
    }

    fn due(&self, since: Timestamp) -> Option<Timestamp> {
        if self.renew_period.is_zero() {
            return None;
        }
        since.checked_add(self.renew_period).ok()
    }

    fn sleep(&self, snapshot: &Snapshot, now: Timestamp) -> Duration {
        let due = snapshot
            .keyring
            .current_since()
            .and_then(|since| self.due(since));
        let left = due.map(|due| now.duration_until(due));
        let left = left.and_then(|left| Duration::try_from(left).ok());
        left.unwrap_or(LONGEST_SLEEP)
            .clamp(Duration::from_millis(100), LONGEST_SLEEP)
    }

    async fn make(
        &self,
        secrets: &Api<Secret>,
        snapshot: &Snapshot,
        occasion: &Occasion,
        now: Timestamp,
    ) -> Result<(), MakeError> {
        let begins = not_before(now, snapshot.keyring.current_since());
        let (size, validity) = (self.size, self.validity);
        let common_name = self.common_name.clone();
        tracing::info!(%occasion, bits = size.bits(), "making a sealing key");
        let key = tokio::task::spawn_blocking(move || {
            NewKey::generate(size, begins, validity, &common_name)
        })
        .await??;
        let current_uid = snapshot.keyring.current().map_or("", |key| key.uid());
        self.store(secrets, &key, current_uid, occasion.to_string())
            .await
    }

    /// Another replica may have made the key of this occasion: then it is done. If the Secret of
    /// that name is no key in use (a compromised one, or a foreign one), another name is taken.
    async fn store(
        &self,
        secrets: &Api<Secret>,
        key: &NewKey,
        current_uid: &str,
        mut occasion: String,
    ) -> Result<(), MakeError> {
        for _ in 0..NAMES_TRIED {
            let name = Naming {
                prefix: &self.prefix,
                current_uid,
                occasion: &occasion,
            }
            .name();
            let (labels, annotations) = (self.labels.clone(), self.annotations.clone());
            let secret = Wiped(key.secret(&self.namespace, &name, labels, annotations)?);
            match secrets.create(&PostParams::default(), &secret.0).await {
                Ok(stored) => {
                    drop(Wiped(stored));
                    let id = key.certificate().key_id();
                    tracing::info!(%name, key = %id, "new sealing key");
                    return Ok(());
                }
                Err(Error::Api(status)) if status.is_already_exists() => {}
                Err(error) => return Err(error.into()),
            }
            let Some(taken) = secrets.get_opt(&name).await?.map(Wiped) else {
                continue;
            };
            if in_use(&taken.0, &self.prefix) {
                return Ok(());
            }
            tracing::warn!(%name, "a Secret of this name is no key in use; taking another name");
            occasion.push_str(taken.0.metadata.uid.as_deref().unwrap_or_default());
        }
        Err(MakeError::Names)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seal_keyring::{Key, KeyOrder, Keyring};

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn policy(renew_hours: i64, cutoff: Option<&str>) -> KeyPolicy {
        KeyPolicy {
            namespace: "ns".into(),
            prefix: "sealed-secrets-key".into(),
            size: KeySize::Rsa2048,
            validity: SignedDuration::from_hours(24),
            common_name: String::new(),
            renew_period: SignedDuration::from_hours(renew_hours),
            cutoff: cutoff.map(time),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }

    fn keys_since(not_before: &str) -> Snapshot {
        let day = SignedDuration::from_hours(24);
        let key = NewKey::generate(KeySize::Rsa2048, time(not_before), day, "").unwrap();
        let secret = key
            .secret("ns", "k", BTreeMap::new(), BTreeMap::new())
            .unwrap();
        let key = Arc::new(Key::from_secret(secret).unwrap());
        let keyring = Keyring::new([key], KeyOrder::default());
        Snapshot {
            keyring,
            generation: 1,
            loaded: true,
        }
    }

    #[test]
    fn a_first_key_is_made_when_there_is_none() {
        let now = time("2026-01-01T00:00:00Z");
        assert_eq!(
            policy(720, None).occasion(&Snapshot::default(), now, now),
            Some(Occasion::First)
        );
    }

    #[test]
    fn a_key_is_renewed_when_its_period_is_over_and_not_before() {
        let snapshot = keys_since("2026-01-01T00:00:00Z");
        let policy = policy(720, None);
        let due = time("2026-01-31T00:00:00Z");
        assert_eq!(
            policy.occasion(&snapshot, due, time("2026-01-30T23:59:59Z")),
            None
        );
        assert_eq!(
            policy.occasion(&snapshot, due, due),
            Some(Occasion::Due(due))
        );
        assert_eq!(
            policy.sleep(&snapshot, time("2026-01-30T23:59:50Z")),
            Duration::from_secs(10)
        );
    }

    #[test]
    fn a_period_of_zero_never_renews() {
        let snapshot = keys_since("2020-01-01T00:00:00Z");
        assert_eq!(
            policy(0, None).occasion(
                &snapshot,
                time("2026-01-01T00:00:00Z"),
                time("2026-01-01T00:00:00Z")
            ),
            None
        );
    }

    #[test]
    fn a_key_from_before_the_cut_off_is_replaced_once() {
        let cutoff = "2026-01-01T00:00:00Z";
        let policy = policy(0, Some(cutoff));
        let now = time("2026-01-02T00:00:00Z");
        let old = keys_since("2025-12-31T00:00:00Z");
        assert_eq!(
            policy.occasion(&old, now, now),
            Some(Occasion::CutOff(time(cutoff)))
        );
        assert_eq!(policy.occasion(&keys_since(cutoff), now, now), None);
    }

    #[test]
    fn a_cut_off_in_the_future_makes_one_key() {
        let policy = policy(0, Some("2099-01-01T00:00:00Z"));
        let started = time("2026-01-02T00:00:00.5Z");
        let old = keys_since("2026-01-01T00:00:00Z");
        assert_eq!(
            policy.occasion(&old, started, started),
            Some(Occasion::CutOff(started))
        );
        let made = keys_since("2026-01-02T00:00:00Z");
        assert_eq!(
            policy.occasion(&made, started, time("2026-01-03T00:00:00Z")),
            None
        );
    }
}
