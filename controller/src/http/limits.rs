use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{Quota, RateLimiter, clock::DefaultClock, state::keyed::HashMapStateStore};

use super::TrustedProxies;

/// Above so many peers those that have been quiet are forgotten.
const MANY_PEERS: usize = 4096;

/// What a request may cost.
#[derive(Debug, Clone)]
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
    /// Proxies that tell for whom they ask: then each of those is a peer.
    pub proxies: TrustedProxies,
}

/// Counts requests by the address of the peer, or of the client that a trusted proxy names; no other
/// header counts, since anybody can set it (upstream #1971).
pub struct PeerLimiter {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    proxies: TrustedProxies,
}

impl PeerLimiter {
    /// Nobody has sent anything yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let quota = Quota::per_second(limits.rate).allow_burst(limits.burst);
        Self {
            limiter: RateLimiter::hashmap(quota),
            proxies: limits.proxies.clone(),
        }
    }

    fn admits(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if self.limiter.len() > MANY_PEERS {
            self.limiter.retain_recent();
        }
        let client = self.proxies.client(peer, headers);
        self.limiter.check_key(&client).is_ok()
    }
}

pub(super) async fn by_peer(
    State(limiter): State<Arc<PeerLimiter>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if limiter.admits(peer.ip(), request.headers()) {
        return next.run(request).await;
    }
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(RETRY_AFTER, "1")],
        "too many requests: try again later\n",
    )
        .into_response()
}
