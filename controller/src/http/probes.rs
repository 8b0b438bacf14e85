use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

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
    match served.keys.snapshot().keyring.current() {
        Some(key) => {
            let pem = key.certificate().to_pem();
            ([(CONTENT_TYPE, "application/x-pem-file")], pem).into_response()
        }
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "there is no sealing key yet\n",
        )
            .into_response(),
    }
}
