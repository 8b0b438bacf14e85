//! What the suites run on: a real Kubernetes control plane, our controller and upstream's programs, each as a process
//! of its own.
//!
//! - [`ControlPlane`] is etcd, kube-apiserver and kube-controller-manager. Most tests share one
//!   ([`ControlPlane::shared`]); a test that starts controllers of its own has one for
//!   itself ([`ControlPlane::exclusive`]), because controllers reconcile every namespace and would see each other's objects.
//! - [`Installation`] is our controller as deployed: a namespace, a service account and exactly the rights of
//!   `deploy/`; [`Installation::start`] runs a replica. [`shared_controller`] is one for all tests on the shared plane.
//! - [`Upstream`] is the peer's controller.
//! - [`ArgoCd`] and [`Flux`] are what keeps a cluster like a [`GitRepository`].
//! - [`Gate`] is a way to the API server that a test can close, [`Tap`] one on which it can hold a request.
//! - [`ServiceProxy`] is one by which command lines reach a controller.
//! - [`Workdir`] is where command lines run: [`Workdir::seal`] and the peer's [`Workdir::kubeseal`].
//! - [`wait_for`] waits on a watch for what a test expects; nothing sleeps.
//!
//! Nothing outlives the test process, however it ends: processes die with it by a signal of the kernel, and the script
//! that owns a control plane takes it down when its standard input closes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a harness fails its test by panicking, and speaks to who reads the test's output"
)]

mod argo_cd;
mod control_plane;
mod flux;
mod gate;
mod git;
mod http;
mod installation;
mod namespace;
mod pod;
mod process;
mod programs;
mod proxy;
mod tap;
mod upstream;
mod wait;
mod workdir;

pub use argo_cd::ArgoCd;
pub use control_plane::{ControlPlane, Exclusive, skip};
pub use flux::Flux;
pub use gate::Gate;
pub use git::GitRepository;
pub use http::{Answer, Endpoint};
pub use installation::{
    Controller, Installation, SharedController, controller_program, shared_controller,
};
pub use namespace::Namespace;
pub use process::{Process, Signal};
pub use programs::{kubectl, program};
pub use proxy::ServiceProxy;
pub use tap::{Hold, Moment, Tap};
pub use upstream::{Upstream, crd as upstream_crd};
pub use wait::{PATIENCE, eventually, wait_for, wait_until_gone};
pub use workdir::{Outcome, Workdir, seal};
