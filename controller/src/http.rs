//! What the controller serves: health, readiness and the certificate that seals.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::watch;

use crate::keys::KeySource;

/// What the handlers need.
#[derive(Clone)]
pub struct Served {
    /// The keys.
    pub keys: KeySource,
    /// Whether the caches are filled and there is a key.
    pub ready: watch::Receiver<bool>,
}

/// The routes of upstream's port 8080.
pub fn router(served: Served) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/v1/cert.pem", get(certificate))
        .with_state(served)
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(served): State<Served>) -> Response {
    if *served.ready.borrow() {
        "ok\n".into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: keys or caches are still loading\n",
        )
            .into_response()
    }
}

async fn certificate(State(served): State<Served>) -> Response {
    match served.keys.snapshot().keyring.current() {
        Some(key) => (
            [(CONTENT_TYPE, "application/x-pem-file")],
            key.certificate().to_pem(),
        )
            .into_response(),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "there is no sealing key yet\n",
        )
            .into_response(),
    }
}
