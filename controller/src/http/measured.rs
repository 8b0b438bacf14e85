use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse, Response},
};
use prometheus_client::registry::Registry;

use crate::metrics::{self, Metrics};

/// The format that `prometheus_client` writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counts requests by route: a path that somebody made up is no label of its own.
pub(super) async fn each(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    const ROUTES: [&str; 5] = [
        "/healthz",
        "/readyz",
        "/v1/cert.pem",
        "/v1/verify",
        "/v1/rotate",
    ];
    let route = ROUTES
        .into_iter()
        .find(|route| *route == request.uri().path());
    let method = match *request.method() {
        Method::GET => "get",
        Method::POST => "post",
        _ => "other",
    };
    let began = Instant::now();
    let response = next.run(request).await;
    let code = response.status().as_u16();
    metrics.http(route.unwrap_or("other"), method, code, began.elapsed());
    response
}

pub(super) async fn scrape(State(registry): State<Arc<Registry>>) -> Response {
    match metrics::scrape(&registry) {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
