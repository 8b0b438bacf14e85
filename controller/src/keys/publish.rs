//! What stands in ConfigMaps: the public side of the keys, so that nobody needs the service proxy to
//! seal, the inventory, and the requests of key administrators with their answers.
//!
//! Whatever happens to them, they are looked at again and put right.

mod complaints;
mod maps;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, Error,
    runtime::{WatchStreamExt, watcher::watch_object},
};
use seal_envelope::Kind;
use seal_keyring::{
    Key, Keyring,
    requests::{
        ANSWERS_ITEM, Answers, CERTIFICATE_ITEM, CERTIFICATES_ITEM, INVENTORY_ITEM, KEY_REQUESTS,
        KEYS, PUBLIC_KEYS, RECIPIENTS_ITEM, Request, RequestOutcome,
    },
};
use tokio::{sync::watch, time};

use self::{
    complaints::{Complaints, is_conflict},
    maps::{Maps, PutError, is_immutable},
};
use super::{KeySource, Snapshot, plan::Pending};
use crate::{
    backoff::backoff,
    clock::Clock,
    events::{Told, key_secret, tell},
    metrics::Metrics,
};

/// They are looked at this often even if nobody says that they have changed.
const LONGEST_SLEEP: Duration = Duration::from_secs(300);
/// And not more often than this, whoever changes them.
const SHORTEST_SLEEP: Duration = Duration::from_millis(50);
/// So many requests are looked at, and so many answers are kept.
const MOST_REQUESTS: usize = 64;
/// The longest request that is read, in bytes.
const LONGEST_REQUEST: usize = 4096;

/// Where requests go to and answers come from.
#[derive(Debug)]
pub struct Counter {
    /// The requests that have no answer yet.
    pub pending: watch::Sender<Pending>,
    /// The answers to them.
    pub answers: watch::Receiver<Answers>,
}

/// The ConfigMaps and what stands in them.
struct Board {
    maps: Maps,
    counter: Counter,
}

/// What became of each ConfigMap that was looked at.
type Outcomes = Vec<(&'static str, Result<(), PutError>)>;

/// Keeps the ConfigMaps right for ever. Without the right to write them, it says so once and goes on
/// trying: certificates are served over HTTP, too.
pub async fn publish(
    client: Client,
    namespace: String,
    mut keys: KeySource,
    clock: Clock,
    counter: Counter,
    metrics: Metrics,
) -> Infallible {
    let mut changes = stream::pending().boxed();
    let mut watching = false;
    let mut board = Board {
        maps: Maps {
            api: Api::namespaced(client.clone(), &namespace),
            namespace: namespace.clone(),
        },
        counter,
    };
    let mut complaints = Complaints::new(client.clone(), namespace.clone());
    let mut announced = BTreeSet::new();
    let mut failures = 0;
    loop {
        let Some(snapshot) = keys.until(|snapshot| snapshot.loaded).await else {
            return std::future::pending().await;
        };
        let now = clock.now();
        announce(&client, &namespace, &snapshot.keyring, &mut announced, now).await;
        let outcomes = board.tend(&keys).await;
        measure(&metrics, &outcomes);
        complaints.hear(&outcomes, now).await;
        if !watching && outcomes.iter().all(|(_, it)| may_be_read(it)) {
            changes = changes_of(&board.maps.api).boxed();
            watching = true;
        }
        let sleep = if outcomes.iter().all(|(_, it)| it.is_ok()) {
            failures = 0;
            LONGEST_SLEEP
        } else {
            failures += 1;
            backoff(failures)
        };
        time::sleep(SHORTEST_SLEEP).await;
        tokio::select! {
            _ = keys.changed() => {}
            Ok(()) = board.counter.answers.changed() => {}
            Some(()) = changes.next() => {}
            () = time::sleep(sleep) => {}
        }
    }
}

/// That somebody, perhaps we, changed a ConfigMap. To be called where they may be read: a watch
/// complains of a missing right whenever it tries again.
fn changes_of(maps: &Api<ConfigMap>) -> impl Stream<Item = ()> + Send + use<> {
    let watches = [PUBLIC_KEYS, KEYS, KEY_REQUESTS]
        .map(|name| watch_object(maps.clone(), name).default_backoff().boxed());
    stream::select_all(watches).filter_map(|change| std::future::ready(change.ok().map(drop)))
}

/// Who finds out that a ConfigMap is immutable has read it.
fn may_be_read(outcome: &Result<(), PutError>) -> bool {
    matches!(outcome, Ok(()) | Err(PutError::Immutable { .. }))
}

fn measure(metrics: &Metrics, outcomes: &Outcomes) {
    for (name, outcome) in outcomes {
        match outcome {
            // The next look tells.
            Err(error) if is_conflict(error) => {}
            outcome => metrics.published(name, outcome.is_ok()),
        }
    }
}

impl Board {
    /// Each ConfigMap is tended whatever became of the others.
    ///
    /// A request is answered only after what the answer speaks of is published, and taken away only
    /// after the answer stands. So the answers are read before the keys, which are as new then as
    /// those that the answers were given for.
    async fn tend(&mut self, keys: &KeySource) -> Outcomes {
        let mut new = self.counter.answers.borrow_and_update().clone();
        let snapshot = keys.snapshot();
        let awaited = awaited(&snapshot.keyring);
        let awaited = awaited.as_deref();
        let mut outcomes = Outcomes::new();
        // Without a certificate what was published stays: nobody can seal with nothing.
        if let Some(contents) = public_keys(&snapshot.keyring) {
            let published = self.maps.put(PUBLIC_KEYS, contents, awaited).await;
            if published.is_err() {
                new.retain(|_, answer| matches!(answer.outcome, RequestOutcome::Refused { .. }));
            }
            outcomes.push((PUBLIC_KEYS, published));
        }
        let stand = match self.standing().await {
            Ok(stand) => stand,
            // Which requests are answered is unknown.
            Err(error) => {
                outcomes.push((KEYS, Err(error.into())));
                return outcomes;
            }
        };
        let all = latest(new, stand.clone());
        let contents = told(&snapshot, &all);
        let written = self.maps.put(KEYS, contents, awaited).await;
        let answers = if written.is_ok() { all } else { stand };
        outcomes.push((KEYS, written));
        let heard = self.hear(&answers).await;
        outcomes.push((KEY_REQUESTS, heard));
        outcomes
    }

    /// The answers that can be read.
    async fn standing(&self) -> Result<Answers, Error> {
        let map = self.maps.find(KEYS).await?;
        let data = map.and_then(|map| map.data).unwrap_or_default();
        let text = data.get(ANSWERS_ITEM);
        let stand = text.and_then(|text| serde_json::from_str(text).ok());
        Ok(stand.unwrap_or_default())
    }

    /// Passes on the requests that have no answer.
    async fn hear(&self, answers: &Answers) -> Result<(), PutError> {
        let pending = self.take_requests(answers).await?;
        self.counter.pending.send_if_modified(|before| {
            let changed = *before != pending;
            *before = pending;
            changed
        });
        Ok(())
    }

    /// The requests without an answer. Those with one are taken away.
    async fn take_requests(&self, answers: &Answers) -> Result<Pending, PutError> {
        let Some(found) = self.maps.find(KEY_REQUESTS).await? else {
            let nothing = BTreeMap::new();
            self.maps.create(KEY_REQUESTS, nothing, None).await?;
            return Ok(Pending::new());
        };
        let requests = found.data.clone().unwrap_or_default();
        let (answered, open): (BTreeMap<_, _>, BTreeMap<_, _>) = requests
            .into_iter()
            .partition(|(id, _)| answers.contains_key(id));
        let pending = open.iter().take(MOST_REQUESTS).map(parsed).collect();
        if !answered.is_empty() || is_immutable(&found) {
            let data = Some(open);
            let wanted = ConfigMap {
                data,
                ..found.clone()
            };
            self.maps.change(found, wanted).await?;
        }
        Ok(pending)
    }
}

/// The answers that stand already, the new ones, and of all of them the latest.
fn latest(new: Answers, stand: Answers) -> Answers {
    // An answer once given stays.
    let mut all: Vec<_> = new.into_iter().chain(stand).collect();
    all.sort_by_key(|(_, answer)| std::cmp::Reverse(answer.time));
    all.truncate(MOST_REQUESTS);
    all.into_iter().collect()
}

/// The certificate that seals, those of all RSA keys that may seal, that one first, and the recipient of
/// the age key that seals. It is the only one: who encrypts to a file of recipients encrypts to all of
/// them. `None` without a certificate.
fn public_keys(keyring: &Keyring) -> Option<BTreeMap<String, String>> {
    let text = |key: &Arc<Key>| key.public().to_text();
    let certificates: Vec<_> = keyring.may_seal(Kind::Hybrid).map(text).collect();
    let mut contents = BTreeMap::new();
    contents.insert(CERTIFICATE_ITEM.to_owned(), certificates.first()?.clone());
    contents.insert(CERTIFICATES_ITEM.to_owned(), certificates.concat());
    let recipients = keyring.current(Kind::Age).map(text);
    contents.extend(recipients.map(|file| (RECIPIENTS_ITEM.to_owned(), file)));
    Some(contents)
}

/// The keys of both kinds that await their backup.
fn awaiting(keyring: &Keyring) -> impl Iterator<Item = &Arc<Key>> {
    let kinds = Kind::ALL.into_iter();
    kinds.flat_map(|kind| keyring.awaiting_backup(kind))
}

/// Their ids, comma-separated.
fn awaited(keyring: &Keyring) -> Option<String> {
    let ids: Vec<_> = awaiting(keyring).map(|key| key.id().as_str()).collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

/// What key administrators are told.
fn told(snapshot: &Snapshot, answers: &Answers) -> BTreeMap<String, String> {
    let json = |text: serde_json::Result<String>| text.unwrap_or_default(); // Never fails: no maps with other keys than text.
    [
        (
            INVENTORY_ITEM.to_owned(),
            json(serde_json::to_string_pretty(&snapshot.inventory)),
        ),
        (
            ANSWERS_ITEM.to_owned(),
            json(serde_json::to_string_pretty(answers)),
        ),
    ]
    .into()
}

fn parsed((id, text): (&String, &String)) -> (String, Result<Request, String>) {
    let request = match text.len() {
        0..=LONGEST_REQUEST => serde_json::from_str(text).map_err(|error| error.to_string()),
        _ => Err(format!("longer than {LONGEST_REQUEST} bytes")),
    };
    let expected = "expected {\"action\":\"rotate\"} or {\"action\":\"rotate\",\"kind\":\"age\"}";
    let request =
        request.map_err(|error| format!("the request cannot be read: {error}; {expected}"));
    (id.clone(), request)
}

/// Tells once of every key that awaits its backup, at its Secret.
async fn announce(
    client: &Client,
    namespace: &str,
    keyring: &Keyring,
    announced: &mut BTreeSet<String>,
    now: Timestamp,
) {
    for key in awaiting(keyring) {
        if !announced.insert(key.uid().to_owned()) {
            continue;
        }
        let id = key.id();
        tracing::warn!(%id, secret = key.name(), "a new key awaits its backup; until then an older one seals");
        let event = Told::warning(
            "KeyAwaitsBackup",
            format!(
                "The key {id} seals once it is marked as backed up (--require-backup); until then \
                 an older one does"
            ),
        );
        let about = key_secret(namespace, key.name(), key.uid());
        // The warning stands in the log, too.
        if let Err(error) = tell(client, about, event, now).await {
            tracing::debug!(%error, "the event could not be told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_cannot_be_read_is_answered_with_what_was_expected() {
        let read = |text: &str| parsed((&"id".to_owned(), &text.to_owned())).1;
        for (text, kind) in [
            ("{\"action\":\"rotate\"}", Kind::Hybrid),
            ("{\"action\":\"rotate\",\"kind\":\"rsa\"}", Kind::Hybrid),
            ("{\"action\":\"rotate\",\"kind\":\"age\"}", Kind::Age),
        ] {
            assert_eq!(read(text), Ok(Request::Rotate { kind }), "{text}");
        }
        let of_no_kind = "{\"action\":\"rotate\",\"kind\":\"dsa\"}";
        for text in [
            "",
            "rotate",
            "{}",
            "{\"action\":\"dance\"}",
            "[]",
            of_no_kind,
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains("expected {\"action\":\"rotate\"}"), "{why}");
        }
        let why = read(&"x".repeat(LONGEST_REQUEST + 1)).unwrap_err();
        assert!(why.contains("longer than"), "{why}");
    }
}
