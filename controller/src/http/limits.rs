use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{Quota, RateLimiter, clock::DefaultClock, state::keyed::HashMapStateStore};

/// Above so many peers those that have been quiet are forgotten.
const MANY_PEERS: usize = 4096;

/// What a request may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest body in bytes.
    pub body: usize,
    /// How long sending the body may take.
    pub read: Duration,
    /// How long the answer may take.
    pub answer: Duration,
    /// Requests a second from one peer.
    pub rate: NonZeroU32,
    /// Requests from one peer at once.
    pub burst: NonZeroU32,
}

/// Counts requests by the address of the peer; no header, which anybody can set, counts (upstream
/// #1971).
pub struct PeerLimiter(RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>);

impl PeerLimiter {
    /// Nobody has sent anything yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self(RateLimiter::hashmap(
            Quota::per_second(limits.rate).allow_burst(limits.burst),
        ))
    }

    fn admits(&self, peer: IpAddr) -> bool {
        if self.0.len() > MANY_PEERS {
            self.0.retain_recent();
        }
        self.0.check_key(&peer).is_ok()
    }
}

pub(super) async fn by_peer(
    State(limiter): State<Arc<PeerLimiter>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if limiter.admits(peer.ip()) {
        return next.run(request).await;
    }
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(RETRY_AFTER, "1")],
        "too many requests: try again later\n",
    )
        .into_response()
}
