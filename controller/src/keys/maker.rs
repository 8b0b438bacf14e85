//! Making keys: the first one, a new one every period, and one whenever asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, Error, api::PostParams};
use seal_envelope::{KeyId, KeyKind, Kind};
use seal_keyring::{
    GenerateError, Key, Marks, Naming, NewAgeKey, NewKey, Wiped, in_use, not_before,
    requests::Answers,
};
use tokio::{
    sync::{Notify, watch},
    task::JoinError,
    time,
};

use super::{
    KeySource, Snapshot,
    plan::{KeyPolicy, Make, Pending, Seen},
};
use crate::{backoff::backoff, clock::Clock};

/// So many names are tried for a key.
const NAMES_TRIED: usize = 8;
/// How long a new key may take to come back through the watch before the maker looks again.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Who may ask for keys, and where they are answered.
#[derive(Debug)]
pub struct Wishes {
    /// Signals.
    pub signals: Arc<Notify>,
    /// Requests of key administrators.
    pub pending: watch::Receiver<Pending>,
    /// The answers to them.
    pub answers: watch::Sender<Answers>,
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

/// Makes keys for ever.
pub async fn make_keys(
    client: Client,
    policy: KeyPolicy,
    mut keys: KeySource,
    clock: Clock,
    mut wishes: Wishes,
) -> Infallible {
    let secrets: Api<Secret> = Api::namespaced(client, &policy.namespace);
    let started = clock.now();
    let mut signalled = BTreeSet::new();
    let mut failures = 0;
    loop {
        let Some(snapshot) = keys.until(|snapshot| snapshot.loaded).await else {
            return std::future::pending().await;
        };
        let now = clock.now();
        let pending = wishes.pending.borrow_and_update().clone();
        let seen = Seen {
            keys: &snapshot,
            pending: &pending,
            signalled: &signalled,
            started,
        };
        let plan = policy.plan(&seen, now);
        wishes.answer(plan.answers);
        let Some(make) = plan.make else {
            if !std::mem::take(&mut signalled).is_empty() {
                tracing::warn!("the newest key awaits its backup: no other is made before that");
            }
            tokio::select! {
                () = wishes.signals.notified() => {
                    signalled.extend(policy.kinds().map(KeyKind::envelope));
                }
                () = time::sleep(plan.sleep) => {}
                _ = keys.changed() => {}
                Ok(()) = wishes.pending.changed() => {}
            }
            continue;
        };
        // Making takes seconds: what is asked for meanwhile is met by the same key.
        let made_for = || {
            let pending = &wishes.pending.borrow();
            policy.made_for(&Seen { pending, ..seen }, make.kind.envelope(), now)
        };
        match policy.make(&secrets, &snapshot, make, now, made_for).await {
            Ok(()) => {
                failures = 0;
                signalled.remove(&make.kind.envelope());
                let seen = snapshot.generation;
                let arrived = keys.until(|snapshot| snapshot.generation != seen);
                let _ = time::timeout(ARRIVAL, arrived).await; // Not yet: look again.
            }
            Err(error) => {
                tracing::error!(%error, "no key could be made; trying again");
                failures += 1;
                time::sleep(backoff(failures)).await;
            }
        }
    }
}

impl Wishes {
    fn answer(&self, answers: Answers) {
        self.answers.send_if_modified(|before| {
            let changed = *before != answers;
            *before = answers;
            changed
        });
    }
}

/// A key that is to be stored.
enum Made {
    Rsa(NewKey),
    Age(NewAgeKey),
}

impl Made {
    fn id(&self) -> &KeyId {
        match self {
            Self::Rsa(key) => key.certificate().key_id(),
            Self::Age(key) => key.recipient().key_id(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Rsa(_) => Kind::Hybrid,
            Self::Age(_) => Kind::Age,
        }
    }

    fn secret(
        &self,
        namespace: &str,
        name: &str,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
    ) -> Result<Wiped, GenerateError> {
        match self {
            Self::Rsa(key) => key.secret(namespace, name, labels, annotations),
            Self::Age(key) => Ok(key.secret(namespace, name, labels, annotations)),
        }
        .map(Wiped)
    }
}

impl KeyPolicy {
    async fn make(
        &self,
        secrets: &Api<Secret>,
        snapshot: &Snapshot,
        Make { kind, occasion }: Make,
        now: Timestamp,
        made_for: impl Fn() -> Vec<String>,
    ) -> Result<(), MakeError> {
        let begins = not_before(now, snapshot.keyring.latest(kind.envelope()));
        let validity = self.validity;
        let common_name = self.common_name.clone();
        tracing::info!(why = %occasion, %kind, "making a sealing key");
        let key = tokio::task::spawn_blocking(move || match kind {
            KeyKind::Rsa(size) => {
                NewKey::generate(size, begins, validity, &common_name).map(Made::Rsa)
            }
            age => Ok(NewAgeKey::generate(age, begins).map(Made::Age)?),
        })
        .await??;
        self.store(secrets, &key, snapshot, made_for()).await
    }

    /// A key is named after the one that it succeeds, whatever it is made for: so two makers, and two
    /// occasions at one time, make one key. If the name is taken by a key that has just been made,
    /// that is the one. If it is taken by anything else (a compromised key, an older one that came
    /// back, a foreign Secret), another name is.
    async fn store(
        &self,
        secrets: &Api<Secret>,
        key: &Made,
        snapshot: &Snapshot,
        made_for: Vec<String>,
    ) -> Result<(), MakeError> {
        let newest = snapshot.keyring.newest(key.kind());
        let marks = Marks {
            backup: None,
            // The first key has no older one that could seal in its place.
            awaits_backup: self.require_backup && newest.is_some(),
            made_for,
            succeeds: newest.map(|key| key.id().clone()),
        };
        let mut annotations = self.annotations.clone();
        annotations.extend(marks.annotations());
        let known = |name: &str| snapshot.keyring.iter().any(|key| key.name() == name);
        let prefix = match key.kind() {
            Kind::Hybrid => self.prefix.clone(),
            Kind::Age => format!("{}-age-", self.prefix),
        };
        let mut occasion = "successor".to_owned();
        for _ in 0..NAMES_TRIED {
            let name = Naming {
                prefix: &prefix,
                current_uid: newest.map_or("", |key| key.uid()),
                occasion: &occasion,
            }
            .name();
            let labels = self.labels.clone();
            let secret = key.secret(&self.namespace, &name, labels, annotations.clone())?;
            match secrets.create(&PostParams::default(), &secret.0).await {
                Ok(stored) => {
                    drop(Wiped(stored));
                    tracing::info!(%name, key = %key.id(), "new sealing key");
                    return Ok(());
                }
                Err(Error::Api(status)) if status.is_already_exists() => {}
                Err(error) => return Err(error.into()),
            }
            let Some(taken) = secrets.get_opt(&name).await? else {
                continue;
            };
            let uid = taken.metadata.uid.clone().unwrap_or_default();
            let is_active = in_use(&taken, &self.prefix);
            if Key::from_secret(taken).is_ok() && is_active && !known(&name) {
                return Ok(());
            }
            tracing::warn!(%name, "this name is taken by another Secret; taking another name");
            occasion.push_str(&uid);
        }
        Err(MakeError::Names)
    }
}
