//! Certificates over HTTP.

use std::time::Duration;

use http::StatusCode;
use reqwest::{Client, Url};

use crate::error::reason_of;

/// A chain of certificates is a few thousand bytes.
const MOST_BYTES: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A URL that gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Nobody answers, or not as HTTP and TLS would have it.
    #[error("{}", reason_of(.0))]
    Network(reqwest::Error),
    /// The answer is no success.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// The answer is longer than any certificate.
    #[error("the answer is too long for a certificate")]
    TooLong,
}

/// The body that a URL gives. `agent` is the name of the program that asks.
///
/// Whoever can change the answer on its way can read what is sealed with it, so `https` is never
/// left for `http`.
///
/// # Errors
/// [`DownloadError`].
pub async fn download(url: Url, agent: &str) -> Result<Vec<u8>, DownloadError> {
    let failed = |error: reqwest::Error| DownloadError::Network(error.without_url());
    let client = Client::builder()
        .https_only(url.scheme() == "https")
        .user_agent(format!("{agent}/{}", env!("CARGO_PKG_VERSION")))
        .timeout(TIMEOUT)
        .build()
        .map_err(failed)?;
    let mut response = client.get(url).send().await.map_err(failed)?;
    if response.status() != StatusCode::OK {
        return Err(DownloadError::Status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(DownloadError::TooLong);
        }
    }
    Ok(body)
}
