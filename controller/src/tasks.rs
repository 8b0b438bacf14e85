//! The supervised tasks, and why the process ends.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use tokio::{signal::unix::Signal, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::leader::TimingError;

/// What passes get to finish in after SIGTERM; Kubernetes kills after 30 s.
const DRAIN: Duration = Duration::from_secs(25);

/// Why the controller ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no cluster to talk to.
    #[error("no cluster: {0}")]
    Config(#[from] kube::config::InferConfigError),
    /// The client could not be made.
    #[error("the client of the API server could not be made: {0}")]
    Client(#[from] kube::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The system refused something that every program needs.
    #[error("the system refused {what}: {error}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The durations of the election do not fit together.
    #[error(transparent)]
    Election(#[from] TimingError),
    /// The system gives no random bytes.
    #[error("the system refused random bytes")]
    Random,
    /// A task that should run for ever ended.
    #[error("the task {task} ended: {reason}")]
    TaskEnded {
        /// Its name.
        task: &'static str,
        /// Why.
        reason: String,
    },
}

/// The tasks, each with a name. All of them should run until they are told to stop.
#[derive(Default)]
pub struct Tasks {
    set: JoinSet<(&'static str, String)>,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts a task whose end, with its reason, ends the process.
    pub fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = String> + Send + 'static,
    ) {
        self.set.spawn(async move { (name, task.await) });
    }

    /// Starts a task that ends only when all are stopped.
    pub fn spawn_forever(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Infallible> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.spawn(name, async move {
            tokio::select! {
                never = task => match never {},
                () = stop.cancelled() => "stopped".to_owned(),
            }
        });
    }

    /// The token that stops all tasks.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits for a signal or for the first task that ends, then drains.
    ///
    /// # Errors
    /// [`RunError::TaskEnded`].
    pub async fn supervise(
        mut self,
        mut terminate: Signal,
        mut interrupt: Signal,
    ) -> Result<(), RunError> {
        let ended = tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            ended = self.set.join_next() => Err(ended),
        };
        if let Err(ended) = ended {
            let (task, reason) = match ended {
                Some(Ok(ended)) => ended,
                Some(Err(panicked)) => ("unknown", panicked.to_string()),
                None => ("all", "there is none".to_owned()),
            };
            return Err(RunError::TaskEnded { task, reason });
        }
        tracing::info!("stopping: finishing what has begun");
        self.stop.cancel();
        let drained = timeout(DRAIN, async {
            while self.set.join_next().await.is_some() {}
        })
        .await;
        if drained.is_err() {
            tracing::warn!("some passes did not end in time; the next start takes them up again");
        }
        tracing::info!("stopped");
        Ok(())
    }
}
