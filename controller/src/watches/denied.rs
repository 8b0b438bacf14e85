//! Watches that this controller has no right to.

use futures::{Stream, StreamExt, future::ready, stream::BoxStream};
use kube::runtime::watcher::{Error, Event};

/// Whether the right to list or watch is missing.
pub(super) fn is_forbidden(error: &Error) -> bool {
    use Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status))
        | WatchFailed(kube::Error::Api(status)) => status.is_forbidden(),
        _ => false,
    }
}

/// A watch that tells the lack of a right once, until it works again. It goes on trying: rights may
/// come.
pub(super) fn told_once<K: Send + 'static>(
    events: impl Stream<Item = Result<Event<K>, Error>> + Send + 'static,
) -> BoxStream<'static, Result<Event<K>, Error>> {
    let mut told = false;
    let events = events.filter(move |event| {
        ready(match event {
            Err(error) if is_forbidden(error) => !std::mem::replace(&mut told, true),
            Err(_) => true,
            // Every attempt begins so.
            Ok(Event::Init) => true,
            Ok(_) => {
                told = false;
                true
            }
        })
    });
    events.boxed()
}

#[cfg(test)]
pub(super) fn forbidden() -> Error {
    let status = kube::core::Status::failure("no", "Forbidden").with_code(403);
    Error::InitialListFailed(kube::Error::Api(status.boxed()))
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn a_lack_of_rights_is_told_once_until_the_watch_works_again() {
        let attempts = [
            Ok(Event::Init),
            Err(forbidden()),
            Ok(Event::Init),
            Err(forbidden()),
            Err(Error::NoResourceVersion),
            Err(forbidden()),
            Ok(Event::Init),
            Ok(Event::InitDone),
            Err(forbidden()),
        ];
        let attempts: Vec<Result<Event<()>, Error>> = attempts.into();
        let told = told_once(stream::iter(attempts));
        let told: Vec<_> = told.filter(|it| ready(it.is_err())).collect().await;
        assert_eq!(told.len(), 3, "{told:?}");
    }
}
