//! What stands in ConfigMaps: the public side of the keys, so that nobody needs the service proxy to
//! seal, the inventory, and the requests of key administrators with their answers.
//!
//! Whatever happens to them, they are looked at again and put right.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api, Client, Error,
    api::PostParams,
    runtime::{WatchStreamExt, watcher::watch_object},
};
use seal_envelope::Kind;
use seal_keyring::{
    AWAITS_BACKUP, Key, Keyring,
    requests::{
        ANSWERS_ITEM, Answers, CERTIFICATE_ITEM, CERTIFICATES_ITEM, INVENTORY_ITEM, KEY_REQUESTS,
        KEYS, PUBLIC_KEYS, RECIPIENTS_ITEM, Request,
    },
};
use tokio::{sync::watch, time};

use super::{KeySource, Snapshot, plan::Pending};
use crate::{
    backoff::backoff,
    clock::Clock,
    events::{Told, key_secret, tell},
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
    maps: Api<ConfigMap>,
    namespace: String,
    counter: Counter,
}

/// Keeps the ConfigMaps right for ever. Without the right to write them, it says so once and goes on
/// trying: certificates are served over HTTP, too.
pub async fn publish(
    client: Client,
    namespace: String,
    mut keys: KeySource,
    clock: Clock,
    counter: Counter,
) -> Infallible {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    let mut changes = stream::pending().boxed();
    let mut watching = false;
    let mut board = Board {
        maps,
        namespace,
        counter,
    };
    let mut announced = BTreeSet::new();
    let mut failures = 0;
    let mut forbidden = false;
    loop {
        let Some(snapshot) = keys.until(|snapshot| snapshot.loaded).await else {
            return std::future::pending().await;
        };
        let now = clock.now();
        announce(
            &client,
            &board.namespace,
            &snapshot.keyring,
            &mut announced,
            now,
        )
        .await;
        let sleep = match board.tend(&keys).await {
            Ok(()) => {
                if !std::mem::replace(&mut watching, true) {
                    changes = changes_of(&board.maps).boxed();
                }
                (failures, forbidden) = (0, false);
                LONGEST_SLEEP
            }
            Err(error) => {
                failures += 1;
                forbidden = complain(&error, forbidden);
                backoff(failures)
            }
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

/// Says what is wrong, and of a missing right only the first time.
fn complain(error: &Error, said: bool) -> bool {
    match error {
        Error::Api(status) if status.is_forbidden() => {
            if !said {
                tracing::warn!(
                    "the public keys cannot be published: {}; they are still served at \
                     /v1/cert.pem, but nobody can ask for a new key",
                    status.message
                );
            }
            true
        }
        // Somebody else was faster: the next look sees what they did.
        Error::Api(status) if status.is_conflict() => said,
        error => {
            tracing::warn!(%error, "the public keys could not be published; trying again");
            said
        }
    }
}

impl Board {
    /// A request is answered only after what the answer speaks of is published, and taken away only
    /// after the answer stands. So the answers are read before the keys, which are as new then as
    /// those that the answers were given for.
    async fn tend(&mut self, keys: &KeySource) -> Result<(), Error> {
        let answers = self.counter.answers.borrow_and_update().clone();
        let snapshot = keys.snapshot();
        let awaited = awaited(&snapshot.keyring);
        let awaited = awaited.as_deref();
        // Without a certificate what was published stays: nobody can seal with nothing.
        if let Some(contents) = public_keys(&snapshot.keyring) {
            self.put(PUBLIC_KEYS, contents, awaited).await?;
        }
        let answers = self.merged(answers).await?;
        self.put(KEYS, told(&snapshot, &answers), awaited).await?;
        let pending = self.take_requests(&answers).await?;
        self.counter.pending.send_if_modified(|before| {
            let changed = *before != pending;
            *before = pending;
            changed
        });
        Ok(())
    }

    /// The answers that stand already, the new ones, and of all of them the latest.
    async fn merged(&self, new: Answers) -> Result<Answers, Error> {
        let map = self.maps.get_opt(KEYS).await?;
        let data = map.and_then(|map| map.data).unwrap_or_default();
        let stand = data.get(ANSWERS_ITEM);
        let stand = stand.and_then(|text| serde_json::from_str::<Answers>(text).ok());
        // An answer once given stays.
        let mut all: Vec<_> = new.into_iter().chain(stand.unwrap_or_default()).collect();
        all.sort_by_key(|(_, answer)| std::cmp::Reverse(answer.time));
        all.truncate(MOST_REQUESTS);
        Ok(all.into_iter().collect())
    }

    /// The requests without an answer. Those with one are taken away.
    async fn take_requests(&self, answers: &Answers) -> Result<Pending, Error> {
        let Some(mut map) = self.maps.get_opt(KEY_REQUESTS).await? else {
            self.create(KEY_REQUESTS, BTreeMap::new(), None).await?;
            return Ok(Pending::new());
        };
        let requests = map.data.take().unwrap_or_default();
        let (answered, open): (BTreeMap<_, _>, BTreeMap<_, _>) = requests
            .into_iter()
            .partition(|(id, _)| answers.contains_key(id));
        let pending = open.iter().take(MOST_REQUESTS).map(parsed).collect();
        if !answered.is_empty() {
            map.data = Some(open);
            let parameters = PostParams::default();
            self.maps.replace(KEY_REQUESTS, &parameters, &map).await?;
        }
        Ok(pending)
    }

    /// Makes the data of a ConfigMap exactly this, and says on it which keys await their backup.
    /// What others have written beside that stays.
    async fn put(
        &self,
        name: &str,
        contents: BTreeMap<String, String>,
        awaited: Option<&str>,
    ) -> Result<(), Error> {
        let Some(mut map) = self.maps.get_opt(name).await? else {
            return self.create(name, contents, awaited).await;
        };
        let annotations = map.metadata.annotations.get_or_insert_default();
        let annotated = annotations.get(AWAITS_BACKUP).map(String::as_str);
        let is_right = map.data.as_ref() == Some(&contents)
            && map.binary_data.is_none()
            && annotated == awaited;
        if is_right {
            return Ok(());
        }
        match awaited {
            Some(ids) => annotations.insert(AWAITS_BACKUP.into(), ids.to_owned()),
            None => annotations.remove(AWAITS_BACKUP),
        };
        (map.data, map.binary_data) = (Some(contents), None);
        let parameters = PostParams::default();
        self.maps.replace(name, &parameters, &map).await.map(drop)
    }

    async fn create(
        &self,
        name: &str,
        contents: BTreeMap<String, String>,
        awaited: Option<&str>,
    ) -> Result<(), Error> {
        let annotation = awaited.map(|ids| (AWAITS_BACKUP.to_owned(), ids.to_owned()));
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.into()),
                namespace: Some(self.namespace.clone()),
                annotations: annotation.map(|annotation| [annotation].into()),
                ..ObjectMeta::default()
            },
            data: Some(contents),
            ..ConfigMap::default()
        };
        let parameters = PostParams::default();
        self.maps.create(&parameters, &map).await.map(drop)
    }
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
