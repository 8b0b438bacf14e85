//! Watching the key Secrets of the controller's own namespace.

use std::{collections::BTreeMap, convert::Infallible, pin::pin, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{Config, Error, Event, watcher},
    },
};
use seal_keyring::{
    AGE_KEY_LABEL, KEY_LABEL, Key, KeyEntry, KeyOrder, KeyState, Keyring, Wiped, state_of,
};
use tokio::time;

use super::KeySink;

/// How often keys are listed where they may not be watched. The maker waits longer than that for the
/// key that it has made.
const RELIST: Duration = Duration::from_secs(5);

/// The Secrets that are labelled as RSA keys and as age keys, and the one that upstream's earliest
/// releases left without a label.
#[derive(Debug, Clone, Copy)]
enum Source {
    Rsa,
    Age,
    Legacy,
}

/// Which keys are read, and in which order they stand.
#[derive(Debug, Clone)]
pub struct KeyChoice {
    /// What the names of key Secrets begin with.
    pub prefix: String,
    /// What makes a key the newest.
    pub order: KeyOrder,
    /// Whether a new key seals only once it is backed up.
    pub require_backup: bool,
}

impl KeyChoice {
    fn keyring(&self, keys: Vec<Arc<Key>>) -> Keyring {
        let keyring = Keyring::new(keys, self.order);
        match self.require_backup {
            true => keyring.requiring_backup(),
            false => keyring,
        }
    }
}

/// Watches for ever; every change goes to `sink`. A key Secret that cannot be read is reported and
/// passed over.
pub async fn watch_keys(
    client: Client,
    namespace: String,
    choice: KeyChoice,
    sink: KeySink,
) -> Infallible {
    let secrets: Api<Secret> = Api::namespaced(client, &namespace);
    let by_name = format!("metadata.name={}", choice.prefix);
    let sources = [
        (Source::Rsa, Config::default().labels(KEY_LABEL)),
        (Source::Age, Config::default().labels(AGE_KEY_LABEL)),
        (Source::Legacy, Config::default().fields(&by_name)),
    ];
    let watches = sources.map(|(source, config)| {
        let events = watch_or_list(secrets.clone(), config);
        events.map(move |event| (source, event)).boxed()
    });
    let mut events = pin!(stream::select_all(watches));

    let mut found = Found {
        prefix: choice.prefix.clone(),
        ..Found::default()
    };
    loop {
        match events.next().await {
            Some((source, Ok(event))) => {
                found.apply(source, event);
                if found.is_complete() {
                    sink.put(choice.keyring(found.keys()), found.others());
                }
            }
            // Whoever may not watch one of them may watch none.
            Some((Source::Age | Source::Legacy, Err(error))) if may_not_watch(&error) => {}
            Some((Source::Rsa, Err(error))) if may_not_watch(&error) => {
                tracing::warn!(
                    %error,
                    %namespace,
                    every = ?RELIST,
                    "the key Secrets may be listed but not watched: they are listed again and again"
                );
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, %namespace, "the key Secrets cannot be watched; trying again");
            }
            // A watcher never ends of itself.
            None => std::future::pending().await,
        }
    }
}

/// A watch. Where it may list and not watch, as upstream's chart has it with namespaced roles, it lists
/// every [`RELIST`] and tells so once.
fn watch_or_list(
    secrets: Api<Secret>,
    config: Config,
) -> impl Stream<Item = Result<Event<Secret>, Error>> + Send {
    let begin = move || {
        watcher(secrets.clone(), config.clone())
            .default_backoff()
            .boxed()
    };
    let first = Some(begin());
    stream::unfold(
        (first, false, begin),
        async |(mut events, mut told, begin)| {
            loop {
                let mut current = match events.take() {
                    Some(current) => current,
                    None => {
                        time::sleep(RELIST).await;
                        begin()
                    }
                };
                let event = current.next().await?;
                match &event {
                    Err(error) if may_not_watch(error) => {
                        if !std::mem::replace(&mut told, true) {
                            return Some((event, (None, told, begin)));
                        }
                    }
                    _ => return Some((event, (Some(current), told, begin))),
                }
            }
        },
    )
}

fn may_not_watch(error: &Error) -> bool {
    match error {
        Error::WatchStartFailed(kube::Error::Api(status))
        | Error::WatchFailed(kube::Error::Api(status)) => status.is_forbidden(),
        _ => false,
    }
}

#[derive(Debug, Default)]
struct Found {
    prefix: String,
    rsa: Listed,
    age: Listed,
    legacy: Listed,
}

/// The keys that one watch shows, and those of a list that is still coming in.
#[derive(Debug, Default)]
struct Listed {
    keys: BTreeMap<String, Read>,
    coming: BTreeMap<String, Read>,
    complete: bool,
}

/// What a key Secret holds: a key in use, or what there is to tell about it.
#[derive(Debug)]
enum Read {
    Key(Arc<Key>),
    Other(Box<KeyEntry>),
}

impl Found {
    fn is_complete(&self) -> bool {
        [&self.rsa, &self.age, &self.legacy]
            .iter()
            .all(|listed| listed.complete)
    }

    fn keys(&self) -> Vec<Arc<Key>> {
        let keys = self.read().filter_map(|(_, read)| match read {
            Read::Key(key) => Some(Arc::clone(key)),
            Read::Other(_) => None,
        });
        keys.collect()
    }

    /// The Secrets that are no keys in use. One that several watches show counts once.
    fn others(&self) -> Vec<KeyEntry> {
        let others = self.read().filter_map(|(name, read)| match read {
            Read::Key(_) => None,
            Read::Other(entry) => Some((name, (**entry).clone())),
        });
        others.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    fn read(&self) -> impl Iterator<Item = (&String, &Read)> {
        let labelled = self.rsa.keys.iter().chain(&self.age.keys);
        labelled.chain(&self.legacy.keys)
    }

    fn apply(&mut self, source: Source, event: Event<Secret>) {
        let prefix = self.prefix.clone();
        let listed = match source {
            Source::Rsa => &mut self.rsa,
            Source::Age => &mut self.age,
            Source::Legacy => &mut self.legacy,
        };
        match event {
            Event::Init => listed.coming.clear(),
            Event::InitApply(secret) => {
                let name = secret.name_any();
                if let Some(key) = read(secret, &prefix) {
                    listed.coming.insert(name, key);
                }
            }
            Event::InitDone => {
                listed.keys = std::mem::take(&mut listed.coming);
                listed.complete = true;
            }
            Event::Apply(secret) => {
                let name = secret.name_any();
                listed.keys.remove(&name);
                if let Some(key) = read(secret, &prefix) {
                    listed.keys.insert(name, key);
                }
            }
            Event::Delete(secret) => {
                listed.keys.remove(&secret.name_any());
                drop(Wiped(secret));
            }
        }
    }
}

fn read(secret: Secret, prefix: &str) -> Option<Read> {
    match state_of(&secret.metadata, prefix) {
        Some(KeyState::Active) => {}
        Some(state) => {
            let secret = Wiped(secret);
            let entry = KeyEntry::out_of_use(&secret.0, state);
            return Some(Read::Other(Box::new(entry)));
        }
        None => {
            drop(Wiped(secret));
            return None;
        }
    }
    match Key::from_secret(secret) {
        Ok(key) => Some(Read::Key(Arc::new(key))),
        Err((name, error)) => {
            tracing::error!(secret = %name, %error, "a key Secret cannot be read and is passed over");
            Some(Read::Other(Box::new(KeyEntry::malformed(&name, &error))))
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use seal_envelope::{KeyKind, KeySize};
    use seal_keyring::{NewAgeKey, NewKey};

    use super::*;

    fn secret(name: &str) -> Secret {
        let year = SignedDuration::from_hours(24 * 365);
        let key = NewKey::generate(KeySize::Rsa2048, Timestamp::UNIX_EPOCH, year, "").unwrap();
        key.secret("ns", name, BTreeMap::new(), BTreeMap::new())
            .unwrap()
    }

    fn age_secret(name: &str) -> Secret {
        let key = NewAgeKey::generate(KeyKind::X25519, Timestamp::UNIX_EPOCH).unwrap();
        key.secret("ns", name, BTreeMap::new(), BTreeMap::new())
    }

    fn found() -> Found {
        let mut found = Found {
            prefix: "sealed-secrets-key".into(),
            ..Found::default()
        };
        for source in [Source::Rsa, Source::Age, Source::Legacy] {
            found.apply(source, Event::Init);
            found.apply(source, Event::InitDone);
        }
        found
    }

    fn names(found: &Found) -> Vec<String> {
        found
            .keys()
            .iter()
            .map(|key| key.name().to_owned())
            .collect()
    }

    #[test]
    fn keys_arrive_change_and_vanish_while_running() {
        let mut found = found();
        found.apply(Source::Rsa, Event::Apply(secret("a")));
        let before = found.keys();
        found.apply(Source::Rsa, Event::Apply(secret("a")));
        assert_ne!(found.keys()[0].id(), before[0].id());
        found.apply(Source::Rsa, Event::Delete(secret("a")));
        assert!(names(&found).is_empty());
    }

    #[test]
    fn a_key_that_is_marked_as_compromised_goes_out_of_use() {
        let mut found = found();
        let mut key = secret("a");
        found.apply(Source::Rsa, Event::Apply(key.clone()));
        key.metadata
            .labels
            .as_mut()
            .unwrap()
            .insert(KEY_LABEL.into(), "compromised".into());
        found.apply(Source::Rsa, Event::Apply(key));
        assert!(names(&found).is_empty());
        let told = found.others();
        assert_eq!(told[0].standing.as_str(), "compromised");
        assert!(told[0].id.is_some());
    }

    #[test]
    fn a_malformed_key_secret_does_not_stop_the_others() {
        let mut found = found();
        let mut broken = secret("broken");
        broken.data = None;
        found.apply(Source::Rsa, Event::Init);
        found.apply(Source::Rsa, Event::InitApply(broken));
        found.apply(Source::Rsa, Event::InitApply(secret("good")));
        found.apply(Source::Rsa, Event::InitDone);
        assert_eq!(names(&found), ["good"]);
        let told = found.others();
        assert_eq!(told[0].secret, "broken");
        assert_eq!(told[0].standing.as_str(), "malformed");
    }

    #[test]
    fn the_keys_stay_in_use_while_a_new_list_comes_in() {
        let mut found = found();
        found.apply(Source::Rsa, Event::Apply(secret("a")));
        found.apply(Source::Rsa, Event::Init);
        found.apply(Source::Rsa, Event::InitApply(secret("b")));
        assert_eq!(names(&found), ["a"]);
        found.apply(Source::Rsa, Event::InitDone);
        assert_eq!(names(&found), ["b"]);
    }

    #[test]
    fn keys_of_both_kinds_are_used_and_a_list_of_one_kind_takes_none_of_the_other_away() {
        let mut found = found();
        found.apply(Source::Rsa, Event::Apply(secret("rsa")));
        found.apply(Source::Age, Event::Apply(age_secret("age")));
        assert_eq!(names(&found), ["rsa", "age"]);
        found.apply(Source::Rsa, Event::Init);
        found.apply(Source::Rsa, Event::InitDone);
        assert_eq!(names(&found), ["age"]);
    }

    #[test]
    fn an_age_key_goes_out_of_use_when_either_of_its_labels_says_so() {
        let mut found = found();
        let mut key = age_secret("a");
        found.apply(Source::Age, Event::Apply(key.clone()));
        let labels = key.metadata.labels.as_mut().unwrap();
        labels.insert(KEY_LABEL.into(), "retired".into());
        found.apply(Source::Age, Event::Apply(key.clone()));
        found.apply(Source::Rsa, Event::Apply(key));
        assert!(names(&found).is_empty());
        let told = found.others();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].standing.as_str(), "retired");
        assert_eq!(told[0].kind.as_deref(), Some("X25519"));
    }

    #[test]
    fn nothing_is_known_before_the_lists_of_both_kinds_are_in() {
        let mut found = Found::default();
        for source in [Source::Rsa, Source::Legacy] {
            found.apply(source, Event::Init);
            found.apply(source, Event::InitDone);
        }
        assert!(!found.is_complete());
        found.apply(Source::Age, Event::Init);
        found.apply(Source::Age, Event::InitDone);
        assert!(found.is_complete());
    }
}
