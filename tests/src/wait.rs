//! Waiting on what a test expects.

use std::{
    cell::RefCell,
    fmt::Debug,
    time::{Duration, Instant},
};

use k8s_openapi::serde::de::DeserializeOwned;
use kube::{Api, Resource, runtime::wait::await_condition};

/// How long anything may take before a test fails. Far above what is normal, since machines may be busy, and an RSA key
/// of 4096 bits takes as long as the search for its primes.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Watches the object `name` until it is as `expected`, and returns it.
///
/// # Panics
///
/// With the object as last seen, after [`PATIENCE`].
pub async fn wait_for<K>(api: &Api<K>, name: &str, what: &str, expected: impl Fn(&K) -> bool) -> K
where
    K: Clone + Debug + Send + DeserializeOwned + Resource + 'static,
{
    let seen = RefCell::new(None);
    let condition = |object: Option<&K>| {
        seen.replace(object.cloned());
        object.is_some_and(&expected)
    };
    let waiting = await_condition(api.clone(), name, condition);
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(Ok(Some(object))) => object,
        Ok(outcome) => panic!("watching {name} for {what}: {outcome:?}"),
        Err(_) => panic!(
            "{name} was not {what} within {PATIENCE:?}; last seen: {:#?}",
            seen.borrow()
        ),
    }
}

/// Asks again and again until there is an answer, and returns it: for what cannot be watched.
///
/// # Panics
///
/// After [`PATIENCE`].
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "no {what} within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Watches until there is no object `name`.
///
/// # Panics
///
/// After [`PATIENCE`].
pub async fn wait_until_gone<K>(api: &Api<K>, name: &str)
where
    K: Clone + Debug + Send + DeserializeOwned + Resource + 'static,
{
    let waiting = await_condition(api.clone(), name, |object: Option<&K>| object.is_none());
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => panic!("watching {name}: {error}"),
        Err(_) => panic!("{name} was still there after {PATIENCE:?}"),
    }
}
