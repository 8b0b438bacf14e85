//! What all requests that are being answered may take together.

#![allow(clippy::unwrap_used)] // A test may fail.

mod served;

use std::collections::BTreeMap;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{StatusCode, header::RETRY_AFTER},
    response::Response,
};
use futures::{FutureExt, future::BoxFuture, poll, stream};
use jiff::{SignedDuration, Timestamp};
use seal_api::Scope;
use seal_envelope::KeySize;
use seal_keyring::{Key, NewKey};
use seal_sealing::{label, seal_value};
use serde_json::json;
use tokio::sync::oneshot;

use self::served::{Api, BODIES, BODY};

const ONE: &str = "192.0.2.1";
const ANOTHER: &str = "192.0.2.2";
const THIRD: &str = "192.0.2.3";

/// A request whose body does not end until it is released.
struct Open<'a> {
    answer: BoxFuture<'a, Response>,
    release: oneshot::Sender<Bytes>,
}

impl<'a> Open<'a> {
    /// `None` when it is refused.
    async fn by(api: &'a Api, client: &'a str) -> Option<Self> {
        let (release, body) = oneshot::channel();
        let body = Body::from_stream(stream::once(body));
        let mut answer = api.post_for(client, "/v1/verify", body).boxed();
        match poll!(&mut answer) {
            std::task::Poll::Pending => Some(Self { answer, release }),
            std::task::Poll::Ready(refused) => {
                assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
                assert_eq!(refused.headers()[RETRY_AFTER], "1");
                None
            }
        }
    }

    async fn ends(self) {
        self.release.send("{".into()).unwrap();
        let answer = self.answer.await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}

async fn as_many_as_possible<'a>(api: &'a Api, client: &'a str) -> Vec<Open<'a>> {
    let mut open = Vec::new();
    while let Some(another) = Open::by(api, client).await {
        open.push(another);
    }
    open
}

/// Upstream #2051: whoever sends bodies, and never their ends, takes the memory of the node.
#[tokio::test]
async fn unfinished_bodies_of_a_client_take_half_of_what_all_may_take_and_health_is_still_served() {
    let api = Api::behind("127.0.0.0/8", 1000);
    let mut ones = as_many_as_possible(&api, ONE).await;
    assert_eq!(ones.len(), BODIES / BODY / 2);
    assert!(!api.admits_for(ONE).await);
    assert!(api.admits_for(ANOTHER).await);

    let others = as_many_as_possible(&api, ANOTHER).await;
    assert_eq!(others.len(), BODIES / BODY / 2);
    assert!(!api.admits_for(THIRD).await);
    for path in ["/healthz", "/readyz", "/v1/cert.pem"] {
        assert_ne!(api.get(path).await.0, StatusCode::TOO_MANY_REQUESTS);
    }

    ones.pop().unwrap().ends().await;
    assert!(api.admits_for(ONE).await && api.admits_for(THIRD).await);
    // Who goes away gives it back, too.
    drop(others);
    assert_eq!(as_many_as_possible(&api, THIRD).await.len(), ones.len() + 1);
}

#[tokio::test]
async fn an_answer_counts_until_the_peer_has_taken_it() {
    let begins: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let year = SignedDuration::from_hours(24 * 365);
    let key = NewKey::generate(KeySize::Rsa2048, begins, year, "").unwrap();
    let secret = key.secret("ns", "key", BTreeMap::new(), BTreeMap::new());
    let key = Key::from_secret(secret.unwrap()).unwrap();
    let text = seal_value(
        b"x",
        &label(Scope::Strict, "a", "db"),
        key.public().recipients(),
    );
    let object = json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": { "name": "db", "namespace": "a" },
        "spec": { "encryptedData": { "x": text.unwrap() }, "readme": "x".repeat(BODY - 2048) },
    });
    let api = Api::with_keys([key.into()]);
    let ask = async || {
        let body = object.to_string().into();
        api.post_for(ONE, "/v1/rotate", body).await
    };
    let mut answers = Vec::new();
    for _ in 0..4 {
        let answer = ask().await;
        assert_eq!(answer.status(), StatusCode::OK);
        answers.push(answer);
    }
    assert_eq!(ask().await.status(), StatusCode::TOO_MANY_REQUESTS);
    let answer = answers.pop().unwrap();
    let length = answer.headers()["content-length"].clone();
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert_eq!(length, body.len().to_string());
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
    assert_eq!(ask().await.status(), StatusCode::OK);
}
