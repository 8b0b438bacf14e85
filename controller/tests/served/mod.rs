//! The routes of the controller's port, asked without a socket.

#![allow(clippy::unwrap_used, dead_code)] // A test may fail, and none uses all of it.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::connect_info::MockConnectInfo,
    http::{Method, Request, StatusCode},
    response::Response,
};
use governor::Quota;
use seal_controller::{
    http::{Limits, Served, router},
    keys::{self, KeySink},
    metrics::Metrics,
    unsealer::Unsealer,
};
use seal_keyring::{Key, KeyOrder, Keyring};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

/// The longest body.
pub(crate) const BODY: usize = 64 * 1024;
/// All bodies at once: four of the longest from one client.
pub(crate) const BODIES: usize = 8 * BODY;

/// So many requests, however long a test takes: the next one is allowed after an hour.
fn no_more_than(burst: u32) -> Quota {
    let quota = Quota::with_period(Duration::from_secs(3600)).unwrap();
    quota.allow_burst(NonZeroU32::new(burst).unwrap())
}

/// Everything that is served, without a socket.
pub(crate) struct Api {
    router: Router,
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) sink: KeySink,
}

impl Api {
    pub(crate) fn with_keys(keys: impl IntoIterator<Item = Arc<Key>>) -> Self {
        let api = Self::with_burst(1000);
        api.sink
            .put(Keyring::new(keys, KeyOrder::default()), vec![]);
        api
    }

    pub(crate) fn with_burst(burst: u32) -> Self {
        Self::behind("", burst)
    }

    /// Behind these proxies. The peer of all requests is 127.0.0.1.
    pub(crate) fn behind(proxies: &str, burst: u32) -> Self {
        let (sink, keys) = keys::keys();
        let (ready, is_ready) = watch::channel(false);
        let limits = Limits {
            body: BODY,
            read: Duration::from_secs(5),
            answer: Duration::from_secs(60),
            bodies: BODIES,
            rate: no_more_than(burst),
            proxies: proxies.parse().unwrap(),
        };
        let unsealer = Unsealer::start(1, true, Metrics::default()).unwrap();
        let metrics = Metrics::default();
        let served = Served {
            keys,
            unsealer,
            ready: is_ready,
            limits,
            metrics,
            working: Arc::new(Semaphore::new(1)),
        };
        let peer = MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)));
        Self {
            router: router(served).layer(peer),
            ready,
            sink,
        }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(body))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A POST that was forwarded so, and its answer with a body that is not yet read.
    pub(crate) async fn post_for(&self, forwarded: &str, path: &str, body: Body) -> Response {
        let request = Request::post(path).header("X-Forwarded-For", forwarded);
        let request = request.body(body).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Whether a request that was forwarded so is taken.
    pub(crate) async fn admits_for(&self, forwarded: &str) -> bool {
        let answer = self.post_for(forwarded, "/v1/verify", "{}".into()).await;
        answer.status() != StatusCode::TOO_MANY_REQUESTS
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        self.send(Method::GET, path, String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> (StatusCode, String) {
        self.send(Method::POST, path, body.to_string()).await
    }
}
