//! What must be undone however the program ends: temporary files, a terminal without echo.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

type Action = Box<dyn FnOnce() + Send>;

struct Pending {
    next: u64,
    actions: BTreeMap<u64, Action>,
}

static PENDING: Mutex<Pending> = Mutex::new(Pending {
    next: 0,
    actions: BTreeMap::new(),
});

/// Held while no signal may end the program. Taken before [`PENDING`], never after it.
static CRITICAL: Mutex<()> = Mutex::new(());

/// Whether the keys that end programs are meant for a child.
static KEYS_ARE_THE_CHILDS: AtomicBool = AtomicBool::new(false);

/// A way back, taken when this is dropped, or when SIGINT, SIGTERM, SIGHUP or SIGQUIT end the
/// program.
#[derive(Debug)]
#[must_use = "it is undone at once"]
pub struct Undo(u64);

impl Undo {
    /// What is to be done. It must not make or drop another one.
    pub fn new(action: impl FnOnce() + Send + 'static) -> Self {
        let mut pending = lock(&PENDING);
        let id = pending.next;
        pending.next += 1;
        pending.actions.insert(id, Box::new(action));
        Self(id)
    }

    /// There is nothing to undo any more.
    pub fn forget(self) {
        drop(lock(&PENDING).actions.remove(&self.0));
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        let action = lock(&PENDING).actions.remove(&self.0);
        if let Some(action) = action {
            action();
        }
    }
}

/// Does something that no signal comes between: it is done before the program ends, or not at all.
/// It must be short, and must not call itself.
pub fn uninterrupted<T>(act: impl FnOnce() -> T) -> T {
    watch();
    let _critical = lock(&CRITICAL);
    act()
}

/// Runs something that waits for a child which has the terminal: Ctrl-C and Ctrl-\ are the child's.
pub fn while_a_child_has_the_terminal<T>(wait: impl FnOnce() -> T) -> T {
    struct Back;
    impl Drop for Back {
        fn drop(&mut self) {
            KEYS_ARE_THE_CHILDS.store(false, Ordering::SeqCst);
        }
    }
    watch();
    KEYS_ARE_THE_CHILDS.store(true, Ordering::SeqCst);
    let _back = Back;
    wait()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to listen for signals, once. Where that fails they end the program as they always do.
#[cfg(unix)]
fn watch() {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
        iterator::Signals,
        low_level::emulate_default_handler,
    };
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]) else {
            return;
        };
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let key = matches!(signal, SIGINT | SIGQUIT);
                if key && KEYS_ARE_THE_CHILDS.load(Ordering::SeqCst) {
                    continue;
                }
                let _critical = lock(&CRITICAL);
                undo_all();
                // Ends the program, with the status that tells of the signal.
                let _ = emulate_default_handler(signal);
            }
        });
    });
}

#[cfg(not(unix))]
fn watch() {}

/// The latest first.
#[cfg(unix)]
fn undo_all() {
    loop {
        let last = lock(&PENDING).actions.pop_last();
        match last {
            Some((_, action)) => action(),
            None => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicU32};

    use super::*;

    #[test]
    fn what_is_dropped_is_undone_once_and_what_is_forgotten_never() {
        let count = Arc::new(AtomicU32::new(0));
        let undo = |add: u32| {
            let count = Arc::clone(&count);
            Undo::new(move || {
                count.fetch_add(add, Ordering::SeqCst);
            })
        };
        drop(undo(1));
        undo(10).forget();
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}
