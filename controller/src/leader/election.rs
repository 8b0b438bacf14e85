//! The process's part in an election, from its start to its end.

use aws_lc_rs::{
    error::Unspecified,
    rand::{SecureRandom, SystemRandom},
};
use kube::{Client, Config};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Candidate, Leadership};
use crate::{
    args::ElectionFlags,
    clock::{Clock, Monotonic},
    tasks::{RunError, Tasks},
};

/// The process's part in an election, or the office of the only replica.
pub struct Election {
    leadership: Leadership,
    candidate: Option<Candidate>,
    leave: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Election {
    /// Prepares to run for the lease that the flags name. Its requests have a client of their own:
    /// they must not wait behind others.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn new(
        flags: &ElectionFlags,
        config: Config,
        namespace: &str,
        time_of_day: Clock,
    ) -> Result<Self, RunError> {
        let timing = flags.timing()?;
        let (candidate, leadership) = if flags.leader_elect {
            let (candidate, leadership) = Candidate::new(
                Client::try_from(config)?,
                namespace,
                &flags.leader_elect_resource_name,
                &identity().map_err(|_| RunError::Random)?,
                timing,
                (Monotonic::system(), time_of_day),
            );
            (Some(candidate), leadership)
        } else {
            (None, Leadership::sole())
        };
        Ok(Self {
            leadership,
            candidate,
            leave: CancellationToken::new(),
            task: None,
        })
    }

    /// Whether this replica leads.
    #[must_use]
    pub fn leadership(&self) -> Leadership {
        self.leadership.clone()
    }

    /// Runs for the lease from `warm` on. Losing it ends the process, like the end of any task.
    pub fn start(&mut self, tasks: &mut Tasks, warm: impl Future<Output = ()> + Send + 'static) {
        let Some(candidate) = self.candidate.take() else {
            return;
        };
        self.task = Some(tokio::spawn(candidate.run(warm, self.leave.clone())));
        let (leadership, stop) = (self.leadership(), tasks.stop());
        tasks.spawn("leader election", async move {
            let ended = stop.run_until_cancelled(leadership.ended()).await;
            ended.unwrap_or_else(|| "stopped".to_owned())
        });
    }

    /// Ends the term, after which this process writes nothing, and gives up the lease.
    pub async fn leave(self) {
        self.leave.cancel();
        if let Some(task) = self.task {
            let _ = task.await; // Its panic has ended the process already.
        }
    }
}

/// The pod's name, for people, and something random: the next process in this pod is another one.
fn identity() -> Result<String, Unspecified> {
    let mut random = [0; 8];
    SystemRandom::new().fill(&mut random)?;
    let name = ["POD_NAME", "HOSTNAME"].iter().find_map(|variable| {
        let name = std::env::var(variable).ok()?;
        (!name.is_empty()).then_some(name)
    });
    let name = name.unwrap_or_else(|| "seal-controller".to_owned());
    Ok(format!("{name}_{:016x}", u64::from_be_bytes(random)))
}
