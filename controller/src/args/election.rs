//! The flags of leader election, named as those of Kubernetes' own components.

use clap::{ArgAction, Args};
use jiff::SignedDuration;

use super::values::go_duration;
use crate::leader::{Timing, TimingError};

/// One of several replicas reconciles: the one that holds a lease.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Several replicas")]
pub struct ElectionFlags {
    /// Reconcile and make keys only while holding a lease, so that several replicas can run
    #[arg(
        long,
        env = "SEALED_SECRETS_LEADER_ELECT",
        default_value_t = false,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub leader_elect: bool,

    /// Name of the lease, in the controller's namespace
    #[arg(
        long,
        env = "SEALED_SECRETS_LEADER_ELECT_RESOURCE_NAME",
        default_value = "sealed-secrets-controller"
    )]
    pub leader_elect_resource_name: String,

    /// How long the others wait for a leader that does not renew the lease; in whole seconds
    #[arg(
        long,
        env = "SEALED_SECRETS_LEADER_ELECT_LEASE_DURATION",
        default_value = "15s",
        value_parser = go_duration
    )]
    pub leader_elect_lease_duration: SignedDuration,

    /// How long a leader that cannot renew the lease goes on before it ends
    #[arg(
        long,
        env = "SEALED_SECRETS_LEADER_ELECT_RENEW_DEADLINE",
        default_value = "10s",
        value_parser = go_duration
    )]
    pub leader_elect_renew_deadline: SignedDuration,

    /// How often the leader renews the lease
    #[arg(
        long,
        env = "SEALED_SECRETS_LEADER_ELECT_RETRY_PERIOD",
        default_value = "2s",
        value_parser = go_duration
    )]
    pub leader_elect_retry_period: SignedDuration,
}

impl ElectionFlags {
    /// The three durations together.
    ///
    /// # Errors
    /// [`TimingError`], which names the flag.
    pub fn timing(&self) -> Result<Timing, TimingError> {
        Timing::new(
            self.leader_elect_lease_duration.unsigned_abs(),
            self.leader_elect_renew_deadline.unsigned_abs(),
            self.leader_elect_retry_period.unsigned_abs(),
        )
    }
}
