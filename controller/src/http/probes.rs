use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use seal_envelope::Kind;

use super::Served;

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(served): State<Served>) -> Response {
    if *served.ready.borrow() {
        return "ok\n".into_response();
    }
    let why = "not ready: keys or caches are still loading, or no replica leads\n";
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

pub(super) async fn certificate(State(served): State<Served>) -> Response {
    match served.keys.snapshot().keyring.current(Kind::Hybrid) {
        Some(key) => {
            let pem = key.public().to_text();
            ([(CONTENT_TYPE, "application/x-pem-file")], pem).into_response()
        }
        None => no_key_yet(),
    }
}

/// The recipient of the current age key, as a recipients file.
pub(super) async fn recipients(State(served): State<Served>) -> Response {
    let keys = served.keys.snapshot();
    match keys.keyring.current(Kind::Age) {
        // Axum says that it is plain text.
        Some(key) => key.public().to_text().into_response(),
        None if !keys.loaded => no_key_yet(),
        None => (StatusCode::NOT_FOUND, "there is no age key\n").into_response(),
    }
}

fn no_key_yet() -> Response {
    let why = "there is no sealing key yet\n";
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}
