//! A bar for work that takes longer than a second, on terminals alone.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::parallel;

/// Nobody wants to see a bar flash by.
const PATIENCE: Duration = Duration::from_secs(1);

/// Maps every item on all cores, as [`parallel::map`] does, with a bar; `what` as in [`Progress::new`].
pub fn map<'a, T: Sync, R: Send>(
    what: &'static str,
    items: &'a [T],
    map: impl Fn(&'a T) -> R + Sync,
) -> Vec<R> {
    let progress = Progress::new(what, items.len());
    parallel::map(items, |item| {
        let result = map(item);
        progress.step();
        result
    })
}

/// How far some work is. It may be shared between threads; the bar goes when this is dropped.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: u64,
    done: AtomicU64,
    begun: Instant,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    /// Work of so many steps; `what` says which, such as `sealing`.
    #[must_use]
    pub fn new(what: &'static str, total: usize) -> Self {
        Self {
            what,
            total: u64::try_from(total).unwrap_or(u64::MAX),
            done: AtomicU64::new(0),
            begun: Instant::now(),
            bar: OnceLock::new(),
        }
    }

    /// One step is done.
    pub fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.begun.elapsed() > PATIENCE {
            self.bar.get_or_init(|| self.drawn()).set_position(done);
        }
    }

    /// Draws nothing where standard error is no terminal; indicatif sees to that.
    fn drawn(&self) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(self.total), ProgressDrawTarget::stderr());
        let colour = match std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            true => "",
            false => ".cyan",
        };
        let template = format!("{{msg}} {{bar:30{colour}}} {{pos}}/{{len}} {{eta}}");
        let style = ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.with_style(style)
            .with_message(self.what)
            .with_elapsed(self.begun.elapsed())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_comes_only_when_work_takes_long_and_shows_how_far_it_is() {
        let mut progress = Progress::new("sealing", 3);
        progress.step();
        assert!(progress.bar.get().is_none());
        progress.begun -= 2 * PATIENCE;
        progress.step();
        let bar = progress.bar.get().unwrap().clone();
        assert_eq!((bar.position(), bar.length()), (2, Some(3)));
        assert_eq!(bar.message(), "sealing");
        assert!(!bar.is_finished());
        drop(progress);
        assert!(bar.is_finished());
    }
}
