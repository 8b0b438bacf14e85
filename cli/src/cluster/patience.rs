//! Who is told to come later comes later.

use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode, header::RETRY_AFTER};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder},
};
use tokio::time::{Sleep, sleep};
use tower::{
    BoxError, ServiceBuilder,
    buffer::BufferLayer,
    retry::{Policy, RetryLayer},
};

/// No server has us wait longer at once.
const LONGEST: Duration = Duration::from_secs(60);

/// How often a request is made again that a server asks, with Retry-After, to make later: one that is
/// busy (429) or not up to it (5xx). What else may be tried again is for who asks to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(u32);

impl Patience {
    /// That of client-go.
    pub(crate) const KUBESEAL: Self = Self(10);
    /// Our controller has all who come through the API server wait for each other, a second each.
    pub(crate) const LONG: Self = Self(60);

    /// A client that has it.
    ///
    /// # Errors
    /// When the configuration makes no client.
    pub(crate) fn client(self, mut config: Config) -> Result<Client, kube::Error> {
        config.default_retry = false;
        let layer = ServiceBuilder::new()
            .layer(RetryLayer::new(self))
            .layer(BufferLayer::new(1))
            .into_inner();
        let builder = ClientBuilder::try_from(config)?;
        Ok(builder.with_layer(&layer).build())
    }
}

impl<B> Policy<Request<Body>, Response<B>, BoxError> for Patience {
    type Future = Sleep;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Sleep> {
        let answer = result.as_ref().ok()?;
        let status = answer.status();
        let is_later = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        let after = retry_after(answer.headers()).filter(|_| is_later)?;
        self.0 = self.0.checked_sub(1)?;
        Some(sleep(after))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let mut again = Request::new(request.body().try_clone()?);
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.headers_mut() = request.headers().clone();
        *again.extensions_mut() = request.extensions().clone();
        Some(again)
    }
}

/// RFC 9110 §10.2.3, in seconds; nobody here sends dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}
