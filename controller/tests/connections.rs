//! What the connections of a listener may cost, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may fail.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use seal_controller::http::{Bounds, Connections};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);
/// More than the buffers of both ends hold.
const LONG_ANSWER: usize = 64 * 1024 * 1024;

const ASKED: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const HALF_ASKED: &str = "GET / HTTP/1.1\r\nX: ";

struct Server {
    address: SocketAddr,
    connections: Connections,
    stop: CancellationToken,
}

impl Server {
    async fn start(connections: usize, read: Duration, answer: Duration) -> Self {
        let stop = CancellationToken::new();
        let all = Connections::until(stop.clone());
        let address = listen(&all, connections, read, answer).await;
        let connections = all;
        Self {
            address,
            connections,
            stop,
        }
    }

    /// A connection from 127.0.0.`peer`, on which `text` is sent.
    async fn send(&self, peer: u8, text: &str) -> TcpStream {
        send(self.address, peer, text).await
    }

    /// One on which an answer came, as soon as there is room for it.
    async fn answered(&self, peer: u8) -> TcpStream {
        let answered = async {
            loop {
                let mut stream = self.send(peer, ASKED).await;
                if is_answered(&mut stream).await {
                    return stream;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, answered).await.expect("no answer")
    }
}

async fn listen(
    all: &Connections,
    connections: usize,
    read: Duration,
    answer: Duration,
) -> SocketAddr {
    let router = Router::new()
        .route("/", get(async || "ok").post(async |body: String| body))
        .route("/long", get(async || "x".repeat(LONG_ANSWER)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds {
        connections,
        read,
        answer,
    };
    tokio::spawn(all.clone().serve(listener, router, bounds));
    address
}

async fn send(address: SocketAddr, peer: u8, text: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, peer], 0).into()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let _ = stream.write_all(text.as_bytes()).await; // It may be closed already.
    stream
}

/// Waits for an answer.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut start = [0; 15];
    let read = timeout(PATIENCE, stream.read_exact(&mut start)).await;
    let read = read.expect("neither an answer nor an end");
    read.is_ok_and(|_| start == *b"HTTP/1.1 200 OK")
}

/// Waits until it is closed, and tells how much came before.
async fn read_to_the_end(stream: &mut TcpStream) -> usize {
    let mut bytes = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    let _ = end.expect("it stays open"); // Reset is closed, too.
    bytes.len()
}

#[tokio::test]
async fn who_does_not_finish_a_header_or_asks_nothing_more_is_disconnected_after_the_read_time() {
    let server = Server::start(100, SHORT, PATIENCE).await;
    for text in ["", HALF_ASKED] {
        read_to_the_end(&mut server.send(1, text).await).await;
    }
    let mut kept = server.answered(1).await;
    read_to_the_end(&mut kept).await;
}

#[tokio::test]
async fn who_does_not_read_the_answer_is_disconnected_after_the_answer_time() {
    let server = Server::start(2, SHORT, SHORT).await;
    let mut deaf = server
        .send(1, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    // The other half is for other peers: it has to go first.
    server.answered(1).await;
    assert!(read_to_the_end(&mut deaf).await < LONG_ANSWER);
}

#[tokio::test]
async fn a_peer_has_half_of_the_connections_and_when_all_are_taken_the_next_one_waits() {
    let server = Server::start(4, PATIENCE, PATIENCE).await;
    let mut ones = Vec::new();
    for _ in 0..2 {
        let mut kept = server.answered(1).await;
        kept.write_all(HALF_ASKED.as_bytes()).await.unwrap();
        ones.push(kept);
    }
    assert!(!is_answered(&mut server.send(1, ASKED).await).await);
    let mut others = Vec::new();
    for _ in 0..2 {
        others.push(server.answered(2).await);
    }

    let mut third = server.send(3, ASKED).await;
    let waits = timeout(Duration::from_millis(300), third.read_u8()).await;
    assert!(waits.is_err(), "{waits:?}");
    // What another listener serves has nothing to do with it.
    let metrics = listen(&server.connections, 4, PATIENCE, PATIENCE).await;
    assert!(is_answered(&mut send(metrics, 1, ASKED).await).await);
    drop(others.pop());
    assert!(is_answered(&mut third).await);
}

#[tokio::test]
async fn at_the_end_nobody_who_has_not_finished_asking_is_waited_for_long() {
    let server = Server::start(100, PATIENCE, PATIENCE).await;
    let half_a_body = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf";
    let mut kept = server.answered(1).await;
    let _half = [
        server.send(1, HALF_ASKED).await,
        server.send(1, half_a_body).await,
    ];
    server.stop.cancel();
    let drained = timeout(PATIENCE / 2, server.connections.drained()).await;
    drained.expect("it waits for their ends");
    read_to_the_end(&mut kept).await;
}
