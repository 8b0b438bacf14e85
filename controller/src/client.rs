//! The client of the API server: as fast as it goes or at a rate that was asked for, and without
//! writes while this replica does not lead.

use std::{
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::future::{Either, Ready, ready as answered};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{Method, Request};
use kube::{Client, Config, client::ClientBuilder};
use tower::{BoxError, Layer, Service};

use crate::leader::Leadership;

/// Upstream's defaults, for the one that is not given.
const QPS: f32 = 5.0;
const BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Nobody means to wait longer than this between two requests.
const SLOWEST: Duration = Duration::from_secs(3600);

/// A client, limited when `qps` or `burst` is given, unless `qps` is below 0, which Go's client takes for no limit.
/// Whatever is no read is refused at any moment at which this replica does not lead, however long ago it was decided.
///
/// # Errors
/// [`kube::Error`] when the configuration cannot be used.
pub fn connect(
    config: Config,
    qps: Option<f32>,
    burst: Option<NonZeroU32>,
    leadership: Leadership,
) -> Result<Client, kube::Error> {
    let fenced = ClientBuilder::try_from(config)?.with_layer(&Fence { leadership });
    if (qps.is_none() && burst.is_none()) || qps.is_some_and(|qps| qps < 0.0) {
        return Ok(fenced.build());
    }
    let qps = qps.filter(|qps| *qps > 0.0).unwrap_or(QPS);
    let period = Duration::try_from_secs_f32(1.0 / qps).unwrap_or(SLOWEST);
    let Some(quota) = Quota::with_period(period.min(SLOWEST)) else {
        return Ok(fenced.build());
    };
    let quota = quota.allow_burst(burst.unwrap_or(BURST));
    let limiter = Arc::new(RateLimiter::direct(quota));
    // Around the fence: a request that has waited for its turn is judged when it is sent.
    Ok(fenced.with_layer(&Limited { limiter }).build())
}

/// A write that was not sent.
#[derive(Debug, thiserror::Error)]
#[error("this replica does not lead, so it writes nothing")]
pub struct NotLeading;

impl NotLeading {
    /// Whether this is why a request failed.
    #[must_use]
    pub fn caused(error: &kube::Error) -> bool {
        matches!(error, kube::Error::Service(cause) if cause.is::<Self>())
    }
}

/// Lets writes pass only while this replica leads.
#[derive(Debug)]
pub struct Fence {
    /// Whether it does.
    pub leadership: Leadership,
}

impl<S> Layer<S> for Fence {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced {
            leadership: self.leadership.clone(),
            inner,
        }
    }
}

/// A service behind a [`Fence`].
#[derive(Debug)]
pub struct Fenced<S> {
    leadership: Leadership,
    inner: S,
}

impl<S, B> Service<Request<B>> for Fenced<S>
where
    S: Service<Request<B>, Error = BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<S::Future, Ready<Result<S::Response, BoxError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.method() == Method::GET || self.leadership.holds() {
            Either::Left(self.inner.call(request))
        } else {
            Either::Right(answered(Err(NotLeading.into())))
        }
    }
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
