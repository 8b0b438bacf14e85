use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request, State},
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, RETRY_AFTER},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use governor::{Quota, RateLimiter, clock::DefaultClock, state::keyed::HashMapStateStore};

use super::{
    TrustedProxies,
    shares::{Share, Shares},
};

/// Above so many peers those that have been quiet are forgotten.
const MANY_PEERS: usize = 4096;
/// What a request counts as at least, in bytes.
const LEAST: usize = 1024;
/// What a connection takes of an answer at once, in bytes.
const PIECE: usize = 64 * 1024;

/// What a request may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest body in bytes.
    pub body: usize,
    /// The bodies of all requests that are being answered, in bytes. One peer has half of it at most.
    pub bodies: usize,
    /// How long sending the body may take.
    pub read: Duration,
    /// How long the answer may take.
    pub answer: Duration,
    /// Requests from one peer.
    pub rate: Quota,
    /// Proxies that tell for whom they ask: then each of those is a peer.
    pub proxies: TrustedProxies,
}

/// Counts requests and their bodies by the address of the peer, or of the client that a trusted proxy
/// names; no other header counts, since anybody can set it (upstream #1971).
pub struct PeerLimiter {
    rate: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    body: usize,
    bodies: Arc<Shares>,
    proxies: TrustedProxies,
}

impl PeerLimiter {
    /// Nobody has sent anything yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            rate: RateLimiter::hashmap(limits.rate),
            body: limits.body,
            bodies: Shares::new(limits.bodies),
            proxies: limits.proxies.clone(),
        }
    }

    /// Room for a body; nothing where the client has asked too often, or where too much waits.
    fn admits(&self, peer: IpAddr, request: &Request) -> Option<Share> {
        if self.rate.len() > MANY_PEERS {
            self.rate.retain_recent();
        }
        let client = self.proxies.client(peer, request.headers());
        self.rate.check_key(&client).ok()?;
        // The length that is announced binds the client. Without one it may be anything.
        let announced = request.body().size_hint().exact();
        let length = announced.and_then(|length| usize::try_from(length).ok());
        let length = length.unwrap_or(self.body).min(self.body).max(LEAST);
        self.bodies.take(client, u32::try_from(length).ok()?)
    }
}

/// Until an answer is sent, all that a request takes counts: its body, what is made of it, the answer.
pub(super) async fn by_peer(
    State(limiter): State<Arc<PeerLimiter>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match limiter.admits(peer.ip(), &request) {
        Some(share) => holding(share, next.run(request).await),
        None => (
            StatusCode::TOO_MANY_REQUESTS,
            [(RETRY_AFTER, "1")],
            "too many requests: try again later\n",
        )
            .into_response(),
    }
}

/// Gives the share back when the connection has taken the last of the answer. It takes it in pieces, as
/// fast as the peer does; whole it would take it at once, and keep it for a peer that reads nothing.
fn holding(share: Share, mut response: Response) -> Response {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response.map(|body| {
        let pieces = body.into_data_stream().flat_map(move |data| {
            let _held = &share;
            match data {
                Ok(data) => stream::iter(pieces(data).map(Ok)).left_stream(),
                error => stream::iter([error]).right_stream(),
            }
        });
        Body::from_stream(pieces)
    })
}

fn pieces(mut data: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let length = data.len().min(PIECE);
        (length > 0).then(|| data.split_to(length))
    })
}
