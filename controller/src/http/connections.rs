use std::{
    convert::Infallible,
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::pin,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use super::shares::{Share, Shares};

/// What is read ahead and what waits to be sent, in bytes: no header may be longer.
const BUFFER: usize = 64 * 1024;
/// How long it waits after the system had no file for a connection.
const PAUSE: Duration = Duration::from_secs(1);
/// What answers that are on their way get at the end. Nobody but who asked waits for them, while
/// Kubernetes and the next leader wait for the process.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the connections of a listener may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many there are at once. One peer has half of them at most.
    pub connections: usize,
    /// How long a request's header may take, and the pause between two requests.
    pub read: Duration,
    /// How long an answer may take, from the header of its request to its last byte; its body may
    /// take `read` on top.
    pub answer: Duration,
}

/// The connections of all listeners. Cloning shares them.
#[derive(Clone, Default)]
pub struct Connections {
    open: TaskTracker,
    stop: CancellationToken,
}

impl Connections {
    /// Those that come to an end with `stop`: what has been asked is answered, nothing else is.
    #[must_use]
    pub fn until(stop: CancellationToken) -> Self {
        let open = TaskTracker::new();
        Self { open, stop }
    }

    /// Accepts connections and serves the routes on them.
    ///
    /// When there are as many as there may be, the next ones wait. A peer that has its half is turned
    /// away, so that the others need not wait for it.
    pub async fn serve(self, listener: TcpListener, router: Router, bounds: Bounds) -> Infallible {
        let shares = Shares::new(bounds.connections);
        loop {
            shares.something_left().await;
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    refused(&error).await;
                    continue;
                }
            };
            let Some(share) = shares.take(peer.ip().to_canonical(), 1) else {
                continue;
            };
            let connection = Connection {
                stream,
                peer,
                bounds,
                _share: share,
            };
            let stop = self.stop.clone();
            self.open.spawn(connection.serve(router.clone(), stop));
        }
    }

    /// Waits a little for the answers that are on their way.
    pub async fn drained(self) {
        self.open.close();
        if timeout(FAREWELL, self.open.wait()).await.is_err() {
            tracing::info!("some requests over HTTP were not answered in time");
        }
    }
}

/// Who breaks off while it is accepted harms nobody. Without files there may be some in a moment.
async fn refused(error: &io::Error) {
    const PEERS: [ErrorKind; 3] = [
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionRefused,
        ErrorKind::ConnectionReset,
    ];
    if !PEERS.contains(&error.kind()) {
        tracing::error!(%error, "connections cannot be accepted; trying again");
        sleep(PAUSE).await;
    }
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    bounds: Bounds,
    _share: Share,
}

impl Connection {
    async fn serve(self, router: Router, stop: CancellationToken) {
        let (asked, last) = watch::channel(Instant::now());
        let peer = self.peer;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            asked.send_replace(Instant::now());
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        });
        let _ = self.stream.set_nodelay(true); // Without it answers come a little later.
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.bounds.read)
            .max_buf_size(BUFFER);
        let mut connection = pin!(http.serve_connection(TokioIo::new(self.stream), service));
        // Neither a peer that reads no answer nor one that sends no request may stay.
        let patience = self.bounds.read.saturating_add(self.bounds.answer);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = quiet_for(patience, last) => return,
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await; // The peer may have gone.
    }
}

/// Waits until for so long nothing has been asked.
async fn quiet_for(patience: Duration, mut last: watch::Receiver<Instant>) {
    loop {
        let until = *last.borrow_and_update() + patience;
        tokio::select! {
            () = sleep_until(until) => return,
            Ok(()) = last.changed() => {}
        }
    }
}
