//! The two controllers, started and stopped alike.

use std::fmt;

use seal_tests::{Controller, Endpoint, Installation, Upstream};

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
    /// The service account that it runs as.
    pub(crate) fn account(self) -> &'static str {
        match self {
            Self::Ours => "sealed-secrets-controller",
            Self::Unlimited | Self::Defaults => Upstream::ACCOUNT,
        }
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
    /// Starts it, and waits for nothing.
    pub(crate) async fn launch(scene: &Scene<'_>, home: &Installation, who: Contender) -> Self {
        let unlimited: &[&str] = &["--kubeclient-qps=100000", "--kubeclient-burst=100000"];
        let flags = match who {
            Contender::Ours => return Self::Ours(home.launch(&["--log-level=WARN"])),
            Contender::Unlimited => unlimited,
            Contender::Defaults => &[],
        };
        let (plane, namespace) = (scene.plane, home.namespace());
        Self::Theirs(Upstream::launch_as(plane, namespace, who.account(), flags).await)
    }

    pub(crate) async fn wait_ready(&mut self) {
        match self {
            Self::Ours(ours) => ours.wait_ready().await,
            Self::Theirs(theirs) => theirs.wait_ready().await,
        }
    }

    pub(crate) fn process_id(&self) -> u32 {
        match self {
            Self::Ours(ours) => ours.process.id(),
            Self::Theirs(theirs) => theirs.process.id(),
        }
    }

    /// A counter or gauge without labels of its own, 0 where it does not have it.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let scraped = self.metrics().get("/metrics").await.body;
        let value = scraped.lines().find_map(|line| {
            let rest = line.strip_prefix("sealed_secrets_controller_")?;
            rest.strip_prefix(name)?.strip_prefix(' ')
        });
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        value.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
    }

    fn metrics(&self) -> &Endpoint {
        match self {
            Self::Ours(ours) => &ours.metrics,
            Self::Theirs(theirs) => &theirs.metrics,
        }
    }

    pub(crate) async fn stop(self) {
        match self {
            Self::Ours(ours) => drop(ours.stop().await),
            Self::Theirs(theirs) => drop(theirs.stop().await),
        }
    }

    /// For one that would first finish what keeps it busy for minutes.
    pub(crate) fn kill(mut self) {
        match &mut self {
            Self::Ours(ours) => ours.process.kill(),
            Self::Theirs(theirs) => theirs.process.kill(),
        }
    }
}
