use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

/// A supply that peers share. Nobody gets more than half of it, so that one peer alone never takes
/// everything from the others.
pub(super) struct Shares {
    left: Semaphore,
    most: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// Part of a supply; it goes back when this is dropped.
pub(super) struct Share {
    shares: Arc<Shares>,
    peer: IpAddr,
    amount: u32,
}

impl Shares {
    pub(super) fn new(all: usize) -> Arc<Self> {
        Arc::new(Self {
            left: Semaphore::new(all),
            most: all / 2,
            held: Mutex::default(),
        })
    }

    /// Takes `amount`; nothing when so much is not left, or the peer would have more than half.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr, amount: u32) -> Option<Share> {
        let mut held = self.lock();
        let before = held.get(&peer).copied().unwrap_or_default();
        let after = before.checked_add(amount as usize)?;
        if after > self.most {
            return None;
        }
        self.left.try_acquire_many(amount).ok()?.forget();
        held.insert(peer, after);
        let shares = Arc::clone(self);
        Some(Share {
            shares,
            peer,
            amount,
        })
    }

    /// Waits until something is left.
    pub(super) async fn something_left(&self) {
        let _ = self.left.acquire().await; // It is never closed.
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.lock();
        if let Some(amount) = held.get_mut(&self.peer) {
            *amount -= self.amount as usize;
            if *amount == 0 {
                held.remove(&self.peer);
            }
        }
        self.shares.left.add_permits(self.amount as usize);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(number: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, number).into()
    }

    #[test]
    fn a_peer_gets_half_at_most_and_others_what_is_left() {
        let shares = Shares::new(10);
        let first = shares.take(peer(1), 3).unwrap();
        assert!(shares.take(peer(1), 3).is_none(), "more than half");
        let _second = shares.take(peer(1), 2).unwrap();
        let _third = shares.take(peer(2), 4).unwrap();
        assert!(shares.take(peer(3), 2).is_none(), "one is left");
        drop(first);
        assert!(shares.take(peer(3), 4).is_some());
        assert!(shares.take(peer(1), 3).is_some());
    }

    #[test]
    fn who_holds_nothing_is_forgotten() {
        let shares = Shares::new(10);
        for number in 0..100 {
            drop(shares.take(peer(number), 5).unwrap());
        }
        assert!(shares.lock().is_empty());
    }
}
