//! The routes of the controller's port, asked without a socket.

#![allow(clippy::unwrap_used, dead_code)] // A test may fail, and none uses all of it.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::connect_info::MockConnectInfo,
    http::{Method, Request, StatusCode},
};
use seal_controller::{
    http::{Limits, Served, router},
    keys::{self, KeySink},
    metrics::Metrics,
    unsealer::Unsealer,
};
use seal_keyring::{Key, KeyOrder, Keyring};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

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
            body: 64 * 1024,
            read: Duration::from_secs(5),
            answer: Duration::from_secs(60),
            rate: NonZeroU32::MIN,
            burst: NonZeroU32::new(burst).unwrap(),
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

    /// Whether a request that was forwarded so is below the rate.
    pub(crate) async fn admits_for(&self, forwarded: &str) -> bool {
        let request = Request::post("/v1/verify").header("X-Forwarded-For", forwarded);
        let request = request.body(Body::from("{}")).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        response.status() != StatusCode::TOO_MANY_REQUESTS
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        self.send(Method::GET, path, String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> (StatusCode, String) {
        self.send(Method::POST, path, body.to_string()).await
    }
}
