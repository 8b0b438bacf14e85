//! The sealing keys: watched live, made when due or asked for, published.
//!
//! `watch` reads the key Secrets into a [`Snapshot`]. `plan` decides, as a pure function, whether a
//! key is made and what requests are answered; `maker` carries that out. `publish` keeps the
//! ConfigMaps through which the certificates get out and the requests come in.

mod maker;
mod plan;
mod publish;
mod watch;

pub use maker::{Wishes, make_keys};
pub use plan::{KeyPolicy, Make, Occasion, Pending, Plan, Seen};
pub use publish::{Counter, publish};
pub use watch::{KeyChoice, watch_keys};

use std::sync::Arc;

use seal_keyring::{Inventory, KeyEntry, Keyring, requests::Answers};
use tokio::sync::{Notify, watch as channel};

/// The keyring at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The keys in use.
    pub keyring: Keyring,
    /// All keys, in use or not.
    pub inventory: Inventory,
    /// Counts changes of the keyring: what no key opened is tried again when it moves.
    pub generation: u64,
    /// Whether the keys have been read at all.
    pub loaded: bool,
}

/// Where everybody finds the keys.
#[derive(Debug, Clone)]
pub struct KeySource(channel::Receiver<Arc<Snapshot>>);

/// Where the watch puts them.
#[derive(Debug)]
pub struct KeySink(channel::Sender<Arc<Snapshot>>);

/// A source and the sink that feeds it.
#[must_use]
pub fn keys() -> (KeySink, KeySource) {
    let (sender, receiver) = channel::channel(Arc::default());
    (KeySink(sender), KeySource(receiver))
}

impl KeySource {
    /// The keys now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.borrow())
    }

    /// Waits until the keyring is not the one that was seen last by this handle. `None` when the
    /// watch has ended.
    pub async fn changed(&mut self) -> Option<Arc<Snapshot>> {
        self.0.changed().await.ok()?;
        Some(Arc::clone(&self.0.borrow_and_update()))
    }

    /// Waits for a keyring that is as wanted. `None` when the watch has ended.
    pub async fn until(&mut self, wanted: impl Fn(&Snapshot) -> bool) -> Option<Arc<Snapshot>> {
        let found = self.0.wait_for(|snapshot| wanted(snapshot)).await.ok()?;
        Some(Arc::clone(&found))
    }
}

impl KeySink {
    /// Publishes a keyring, and the keys that are not in it, to all sources, if anything differs
    /// from before.
    pub fn put(&self, keyring: Keyring, others: Vec<KeyEntry>) {
        let inventory = Inventory::new(&keyring, others);
        self.0.send_if_modified(|before| {
            let same = before.loaded && is_same(&before.keyring, &keyring);
            let changed = !same || before.inventory != inventory;
            if changed {
                *before = Arc::new(Snapshot {
                    keyring,
                    inventory,
                    generation: before.generation + u64::from(!same),
                    loaded: true,
                });
            }
            changed
        });
    }
}

/// The two sides of what is asked for: who makes keys, and who hears and answers.
#[must_use]
pub fn wishes(signals: Arc<Notify>) -> (Wishes, Counter) {
    let (pending, is_pending) = channel::channel(Pending::new());
    let (answers, are_answered) = channel::channel(Answers::new());
    let wishes = Wishes {
        signals,
        pending: is_pending,
        answers,
    };
    let counter = Counter {
        pending,
        answers: are_answered,
    };
    (wishes, counter)
}

/// The same keys with the same published sides, in the same order.
fn is_same(a: &Keyring, b: &Keyring) -> bool {
    let shown = |keyring: &Keyring| {
        let public = keyring.iter().map(|key| key.public().to_text());
        public.collect::<Vec<_>>()
    };
    shown(a) == shown(b)
}
