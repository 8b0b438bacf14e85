//! Our controller on the real API server, under the rights of `deploy/`.

mod age_keys;
mod drift;
mod events;
mod failures;
mod http;
mod keys;
mod ownership;
mod process;
mod recreate;
mod replicas;
mod requests;
mod restart;
mod secrets;
mod status;
mod upstream_cluster;
