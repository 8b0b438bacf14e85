//! What is known of every Secret: its metadata, reduced on arrival. Never its values, never an
//! annotation that could hold a copy of them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher::Event;
use seal_api::{
    Mode,
    annotations::{MANAGED, PATCH, is_true},
};
use seal_keyring::has_key_label;

/// The metadata of a Secret, as far as reconciling needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretMeta {
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// Who controls it, if anybody.
    pub controller: Option<Controller>,
    /// Annotated as managed.
    pub managed: bool,
    /// Annotated as patch.
    pub patch: bool,
    /// Carries the label of a sealing key, whatever its value.
    pub key_label: bool,
}

/// The controlling owner of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Whether it is a SealedSecret.
    pub is_sealed_secret: bool,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl SecretMeta {
    /// Reduces metadata to what is needed.
    #[must_use]
    pub fn of(metadata: &ObjectMeta) -> Self {
        let owners = metadata.owner_references.as_deref().unwrap_or_default();
        let controller = owners.iter().find(|owner| owner.controller == Some(true));
        let annotations = metadata.annotations.as_ref();
        Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
            controller: controller.map(|owner| Controller {
                is_sealed_secret: owner.kind == "SealedSecret"
                    && owner.api_version.starts_with("bitnami.com/"),
                name: owner.name.clone(),
                uid: owner.uid.clone(),
            }),
            managed: is_true(annotations, MANAGED),
            patch: is_true(annotations, PATCH),
            key_label: has_key_label(metadata.labels.as_ref()),
        }
    }

    /// How it belongs to the SealedSecret with this uid.
    #[must_use]
    pub fn mode(&self, uid: &str) -> Mode {
        if self
            .controller
            .as_ref()
            .is_some_and(|controller| controller.uid == uid)
        {
            Mode::Owned
        } else if self.managed {
            Mode::Managed
        } else if self.patch {
            Mode::Patched
        } else {
            Mode::Unowned
        }
    }
}

/// An answer of the API server takes seconds at most: so many deletions do not happen meanwhile.
const DELETIONS_REMEMBERED: usize = 256;

/// Namespace and name.
pub type Key = (String, String);

/// The metadata of all Secrets, by namespace and name. Fed by a watch and, ahead of it, by our own
/// writes: an event that is older than what is known changes nothing.
#[derive(Debug, Default)]
pub struct SecretCache {
    state: Mutex<State>,
    /// Whether a watch has filled it: then a Secret that is not in it does not exist.
    watched: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<Key, Entry>,
    /// Counts the lists that a watch began with, to tell what a new list no longer holds.
    list: u64,
    /// The resourceVersions of the latest deletions: an answer that arrives later must not bring a
    /// Secret back.
    deleted: VecDeque<(Key, String)>,
}

#[derive(Debug)]
struct Entry {
    meta: SecretMeta,
    list: u64,
}

impl SecretCache {
    /// Whether what is not known does not exist.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    /// What is known of one Secret.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<SecretMeta> {
        self.lock().known.get(key).map(|entry| entry.meta.clone())
    }

    /// Takes over what a write of ours, or a read, was answered.
    pub fn learn(&self, key: Key, meta: SecretMeta) {
        let mut state = self.lock();
        let overtaken = state
            .deleted
            .iter()
            .any(|(gone, version)| *gone == key && is_newer(version, &meta.resource_version));
        if !overtaken {
            // Counted as part of the next list too: one that is under way may not hold it yet.
            let list = state.list + 1;
            state.insert(key, meta, list);
        }
    }

    /// Forgets a Secret that turned out not to exist.
    pub fn forget(&self, key: &Key) {
        self.lock().known.remove(key);
    }

    /// Takes over an event of the watch; the answer is which Secrets it changed.
    pub fn apply(&self, event: &Event<ObjectMeta>) -> Vec<Key> {
        let mut state = self.lock();
        match event {
            Event::Init => {
                state.list += 1;
                Vec::new()
            }
            Event::InitApply(metadata) => {
                let (key, list) = (key_of(metadata), state.list);
                // A list is the truth, also when the numbers went back, as after a restored backup;
                // only what was written since it began may be newer.
                if state
                    .known
                    .get(&key)
                    .is_some_and(|entry| entry.list <= list)
                {
                    state.known.remove(&key);
                }
                let changed = state.insert(key.clone(), SecretMeta::of(metadata), list);
                changed.then_some(key).into_iter().collect()
            }
            Event::Apply(metadata) => {
                let (key, list) = (key_of(metadata), state.list);
                let changed = state.insert(key.clone(), SecretMeta::of(metadata), list);
                changed.then_some(key).into_iter().collect()
            }
            Event::Delete(metadata) => {
                let key = key_of(metadata);
                let version = SecretMeta::of(metadata).resource_version;
                let known = state.known.get(&key);
                if known.is_some_and(|entry| is_newer(&entry.meta.resource_version, &version)) {
                    return Vec::new();
                }
                state.known.remove(&key);
                state.bury(key.clone(), version);
                vec![key]
            }
            Event::InitDone => {
                self.watched.store(true, Ordering::Release);
                let list = state.list;
                let gone = state.known.iter().filter(|(_, entry)| entry.list < list);
                let gone: Vec<_> = gone.map(|(key, _)| key.clone()).collect();
                for key in &gone {
                    state.known.remove(key);
                }
                gone
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bury(&mut self, key: Key, version: String) {
        if self.deleted.len() >= DELETIONS_REMEMBERED {
            self.deleted.pop_front();
        }
        self.deleted.push_back((key, version));
    }

    /// Whether anything new was learnt.
    fn insert(&mut self, key: Key, meta: SecretMeta, list: u64) -> bool {
        match self.known.get_mut(&key) {
            Some(entry) if entry.meta == meta => {
                entry.list = entry.list.max(list);
                false
            }
            Some(entry) if is_newer(&entry.meta.resource_version, &meta.resource_version) => {
                entry.list = entry.list.max(list);
                false
            }
            _ => {
                self.known.insert(key, Entry { meta, list });
                true
            }
        }
    }
}

/// Namespace and name of an object with this metadata.
#[must_use]
pub fn key_of(metadata: &ObjectMeta) -> Key {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    (text(&metadata.namespace), text(&metadata.name))
}

/// Resource versions of one resource type are ordered numbers (KEP-5504); others are not compared.
#[must_use]
pub fn is_newer(this: &str, that: &str) -> bool {
    match (this.parse::<u64>(), that.parse::<u64>()) {
        (Ok(this), Ok(that)) => this > that,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &str, version: &str) -> ObjectMeta {
        ObjectMeta {
            namespace: Some("team-a".into()),
            name: Some(name.into()),
            uid: Some(format!("uid-{name}")),
            resource_version: Some(version.into()),
            ..ObjectMeta::default()
        }
    }

    fn key(name: &str) -> Key {
        ("team-a".into(), name.into())
    }

    fn learn(cache: &SecretCache, name: &str, version: &str) {
        cache.learn(key(name), SecretMeta::of(&metadata(name, version)));
    }

    /// Upstream #1904, #2045: a map that several used at once crashed it.
    #[test]
    fn the_newest_version_stays_whichever_thread_tells_it_when() {
        let cache = SecretCache::default();
        let name = |number: usize| format!("s{}", number % 16);
        std::thread::scope(|scope| {
            for thread in 0..8_usize {
                let cache = &cache;
                scope.spawn(move || {
                    for step in 0..1600 {
                        let meta = metadata(&name(step), &(step * 8 + thread).to_string());
                        match thread % 2 {
                            0 => drop(cache.apply(&Event::Apply(meta))),
                            _ => cache.learn(key_of(&meta), SecretMeta::of(&meta)),
                        }
                        drop(cache.find(&key_of(&metadata(&name(step + 1), "1"))));
                    }
                });
            }
        });
        for step in 1584..1600 {
            let found = cache.find(&key_of(&metadata(&name(step), "1"))).unwrap();
            assert_eq!(found.resource_version, (step * 8 + 7).to_string());
        }
    }

    #[test]
    fn the_labels_of_sealing_keys_of_both_kinds_are_kept_in_mind() {
        let labelled = |label: &str| {
            let mut metadata = metadata("key", "1");
            metadata.labels = Some([(label.to_owned(), "any".to_owned())].into());
            SecretMeta::of(&metadata).key_label
        };
        assert!(labelled(seal_keyring::KEY_LABEL) && labelled(seal_keyring::AGE_KEY_LABEL));
        assert!(!labelled("app"));
    }

    #[test]
    fn an_echo_of_our_own_write_wakes_nobody() {
        let cache = SecretCache::default();
        learn(&cache, "db", "5");
        assert!(cache.apply(&Event::Apply(metadata("db", "5"))).is_empty());
        assert_eq!(cache.apply(&Event::Apply(metadata("db", "6"))), [key("db")]);
    }

    #[test]
    fn events_older_than_our_own_write_change_nothing() {
        let cache = SecretCache::default();
        learn(&cache, "db", "5");
        assert!(cache.apply(&Event::Apply(metadata("db", "4"))).is_empty());
        assert!(cache.apply(&Event::Delete(metadata("db", "4"))).is_empty());
        assert_eq!(cache.find(&key("db")).unwrap().resource_version, "5");
        assert_eq!(
            cache.apply(&Event::Delete(metadata("db", "10"))),
            [key("db")]
        );
        assert_eq!(cache.find(&key("db")), None);
    }

    #[test]
    fn an_answer_that_arrives_after_the_deletion_brings_nothing_back() {
        let cache = SecretCache::default();
        cache.apply(&Event::Delete(metadata("db", "11")));
        learn(&cache, "db", "10");
        assert_eq!(cache.find(&key("db")), None);
        learn(&cache, "db", "12");
        assert!(cache.find(&key("db")).is_some());
    }

    #[test]
    fn a_list_after_a_restored_backup_is_believed_although_its_numbers_are_older() {
        let cache = SecretCache::default();
        cache.apply(&Event::Apply(metadata("db", "900")));
        cache.apply(&Event::Init);
        assert_eq!(
            cache.apply(&Event::InitApply(metadata("db", "7"))),
            [key("db")]
        );
        assert_eq!(cache.find(&key("db")).unwrap().resource_version, "7");
    }

    #[test]
    fn what_a_new_list_no_longer_holds_is_gone_but_not_what_was_written_meanwhile() {
        let cache = SecretCache::default();
        cache.apply(&Event::Init);
        cache.apply(&Event::InitApply(metadata("old", "1")));
        cache.apply(&Event::InitApply(metadata("kept", "2")));
        cache.apply(&Event::InitDone);
        learn(&cache, "new", "3");
        cache.apply(&Event::Init);
        cache.apply(&Event::InitApply(metadata("kept", "2")));
        assert_eq!(cache.apply(&Event::InitDone), [key("old")]);
        assert!(cache.find(&key("new")).is_some());
        assert!(cache.find(&key("kept")).is_some());
    }
}
