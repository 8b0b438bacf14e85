//! What the controller serves on upstream's port 8080: health, readiness, the certificate and the
//! age recipient that seal, and verifying and re-encrypting of what somebody sends.
//!
//! Whoever reaches the port may ask, so what a request can cost is bounded: its body, its
//! private-key operations, the time it takes, how many wait, how many a peer may send, how much memory
//! all of them take, and how many connections there are. Templates are never rendered, a scope is that of the object's own metadata, values are encrypted to the
//! controller's own keyring alone, and every reason of not opening gets the same answer.

mod connections;
mod forwarded;
mod limits;
mod measured;
mod probes;
mod sealed;
mod shares;

pub use connections::{Bounds, Connections};
pub use forwarded::{NotANetwork, TrustedProxies};
pub use limits::{Limits, PeerLimiter};

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, watch};

use crate::{keys::KeySource, metrics::Metrics, unsealer::Unsealer};

/// What the handlers need.
#[derive(Clone)]
pub struct Served {
    /// The keys.
    pub keys: KeySource,
    /// The decryption queue.
    pub unsealer: Unsealer,
    /// Whether the caches are filled and there is a key.
    pub ready: watch::Receiver<bool>,
    /// What requests may cost.
    pub limits: Limits,
    /// What is measured.
    pub metrics: Metrics,
    /// Whose turn it is to have a body parsed, or its values sealed again.
    pub working: Arc<Semaphore>,
}

/// The routes, for [`Connections::serve`].
pub fn router(served: Served) -> Router {
    let limiter = Arc::new(PeerLimiter::new(&served.limits));
    let limited = Router::new()
        .route("/v1/verify", post(sealed::verify))
        .route("/v1/rotate", post(sealed::rotate))
        .layer(from_fn_with_state(limiter, limits::by_peer));
    Router::new()
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/v1/cert.pem", get(probes::certificate))
        .route("/v1/recipients.txt", get(probes::recipients))
        .merge(limited)
        .layer(from_fn_with_state(served.metrics.clone(), measured::each))
        .with_state(served)
}

/// The routes of upstream's port 8081: what is measured, as OpenMetrics text.
pub fn metrics_router(registry: Registry) -> Router {
    Router::new()
        .route("/metrics", get(measured::scrape))
        .with_state(Arc::new(registry))
}
