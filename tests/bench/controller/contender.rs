//! The two controllers, started and stopped alike.

use std::fmt;

use seal_tests::{Controller, Installation, Upstream};

use crate::scene::Scene;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    Ours,
    /// Upstream with its client's rate limit off.
    Unlimited,
    /// Upstream as it comes.
    Defaults,
}

impl Contender {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Unlimited, Self::Defaults];

    /// So slow that it is measured for a minute and extrapolated.
    pub(crate) fn is_limited(self) -> bool {
        self == Self::Defaults
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "seal-controller",
            Self::Unlimited => "upstream, unlimited",
            Self::Defaults => "upstream, defaults",
        })
    }
}

/// One of them at work.
pub(crate) enum Running {
    Ours(Controller),
    Theirs(Upstream),
}

impl Running {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(scene: &Scene<'_>, home: &Installation, who: Contender) -> Self {
        match who {
            Contender::Ours => Self::Ours(home.start(&["--log-level=WARN"]).await),
            Contender::Unlimited => {
                let flags = ["--kubeclient-qps=100000", "--kubeclient-burst=100000"];
                Self::Theirs(Upstream::start(scene.plane, home.namespace(), &flags).await)
            }
            Contender::Defaults => {
                Self::Theirs(Upstream::start(scene.plane, home.namespace(), &[]).await)
            }
        }
    }

    pub(crate) fn process_id(&self) -> u32 {
        match self {
            Self::Ours(ours) => ours.process.id(),
            Self::Theirs(theirs) => theirs.process.id(),
        }
    }

    pub(crate) async fn stop(self) {
        match self {
            Self::Ours(ours) => drop(ours.stop().await),
            Self::Theirs(theirs) => drop(theirs.stop().await),
        }
    }
}
