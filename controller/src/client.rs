//! The client of the API server, as fast as it goes or at a rate that was asked for.

use std::{
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use kube::{Client, Config, client::ClientBuilder};
use tower::{Layer, Service};

/// Upstream's defaults, for the one that is not given.
const QPS: f32 = 5.0;
const BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Nobody means to wait longer than this between two requests.
const SLOWEST: Duration = Duration::from_secs(3600);

/// A client, limited when `qps` or `burst` is given.
///
/// # Errors
/// [`kube::Error`] when the configuration cannot be used.
pub fn connect(
    config: Config,
    qps: Option<f32>,
    burst: Option<NonZeroU32>,
) -> Result<Client, kube::Error> {
    if qps.is_none() && burst.is_none() {
        return Client::try_from(config);
    }
    let period = Duration::try_from_secs_f32(1.0 / qps.unwrap_or(QPS)).unwrap_or(SLOWEST);
    let Some(quota) = Quota::with_period(period.min(SLOWEST)) else {
        return Client::try_from(config);
    };
    let quota = quota.allow_burst(burst.unwrap_or(BURST));
    let limiter = Arc::new(RateLimiter::direct(quota));
    Ok(ClientBuilder::try_from(config)?
        .with_layer(&Limited { limiter })
        .build())
}

struct Limited {
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl<S> Layer<S> for Limited {
    type Service = LimitedService<S>;

    fn layer(&self, inner: S) -> LimitedService<S> {
        LimitedService {
            limiter: Arc::clone(&self.limiter),
            wait: Wait::None,
            inner,
        }
    }
}

struct LimitedService<S> {
    limiter: Arc<DefaultDirectRateLimiter>,
    wait: Wait,
    inner: S,
}

enum Wait {
    None,
    For(Pin<Box<dyn Future<Output = ()> + Send>>),
    Over,
}

impl<S: Service<R>, R> Service<R> for LimitedService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if let Wait::None = self.wait {
            let limiter = Arc::clone(&self.limiter);
            self.wait = Wait::For(Box::pin(async move { limiter.until_ready().await }));
        }
        if let Wait::For(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(cx));
            self.wait = Wait::Over;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.wait = Wait::None;
        self.inner.call(request)
    }
}
