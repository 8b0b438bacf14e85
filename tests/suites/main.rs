//! All suites that need a real control plane, one module each. `scripts/test NAME` runs those whose path holds NAME.

mod backup;
mod chart;
mod clusters;
mod controller;
mod create_secret;
mod dependencies;
mod deploy;
mod gitops;
mod harness;
mod interop;
mod monitoring;
mod operations;
mod peer;
mod pre_commit;
mod retirement;
mod rotation;
#[allow(clippy::unwrap_used, reason = "what fails here fails its test")]
#[path = "../../cli/tests/cli/schemas.rs"]
mod schemas;
mod site;
mod sizes;
mod upstream_bugs;
