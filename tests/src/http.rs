//! Talking to a controller over HTTP.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use crate::{PATIENCE, Process};

/// A loopback address on which a controller serves.
#[derive(Clone, Debug)]
pub struct Endpoint {
    address: String,
}

/// Status, headers and body.
#[derive(Debug)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// Names are in lower case.
    pub headers: reqwest::header::HeaderMap,
    /// As text; nothing a controller serves is binary.
    pub body: String,
}

impl Endpoint {
    /// One on a port that is free now.
    pub(crate) fn free() -> Self {
        // Below the ports that the kernel hands to outgoing connections, and never the same one twice.
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let start = 10_000 + (std::process::id() % 10_000) as u16;
        loop {
            let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
            let address = format!("127.0.0.1:{port}");
            if TcpListener::bind(&address).is_ok() {
                return Self { address };
            }
        }
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The port alone.
    pub(crate) fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }

    /// GET of a path such as `/v1/cert.pem`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(reqwest::Client::new().get(self.url(path)))
            .await
            .unwrap()
    }

    /// POST of `body` to a path such as `/v1/verify`.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = reqwest::Client::new().post(self.url(path)).body(body);
        self.send(request).await.unwrap()
    }

    /// Whether anybody answers.
    pub async fn is_up(&self) -> bool {
        let health = reqwest::Client::new().get(self.url("/healthz"));
        self.send(health).await.is_ok()
    }

    /// `http://host:port` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks `path` until it answers 200, for as long as `process` runs.
    pub(crate) async fn wait_ready(&self, path: &str, process: &mut Process) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(answer) = self.send(reqwest::Client::new().get(self.url(path))).await
                && answer.status == 200
            {
                return;
            }
            if let Some(status) = process.ended() {
                panic!("it ended before it was ready: {status}");
            }
            assert!(Instant::now() < deadline, "not ready within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.timeout(PATIENCE).send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await?,
        })
    }
}
