//! The sealing keys: watched live, made when due, published.

mod maker;
mod publish;
mod watch;

pub use maker::{KeyPolicy, make_keys};
pub use publish::{PUBLIC_KEYS, publish};
pub use watch::watch_keys;

use std::sync::Arc;

use seal_keyring::Keyring;
use tokio::sync::watch as channel;

/// The keyring at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The keys in use.
    pub keyring: Keyring,
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
    /// Publishes a keyring to all sources, if it differs from the one before.
    pub fn put(&self, keyring: Keyring) {
        self.0.send_if_modified(|before| {
            let same = before.loaded && is_same(&before.keyring, &keyring);
            if !same {
                let generation = before.generation + 1;
                *before = Arc::new(Snapshot {
                    keyring,
                    generation,
                    loaded: true,
                });
            }
            !same
        });
    }
}

/// The same keys with the same certificates, in the same order.
fn is_same(a: &Keyring, b: &Keyring) -> bool {
    let shown = |keyring: &Keyring| {
        let certificates = keyring.iter().map(|key| key.certificate().to_pem());
        certificates.collect::<Vec<_>>()
    };
    shown(a) == shown(b)
}
