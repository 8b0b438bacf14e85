//! Asking a controller about objects, many in one request.

use std::time::Duration;

use http::{Request, StatusCode, header::CONTENT_TYPE};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Cluster, refused};
use crate::error::Error;

/// Objects in one request, and their bytes: the controller takes 4 MiB, and counts how many private-key
/// operations they may cost.
pub(super) const MOST_OBJECTS: usize = 64;
const MOST_BYTES: usize = 1 << 20;
/// What our controller says when a request costs too much.
const FEWER: &str = "fewer objects";

/// How often a request that finds nobody is made again. The waits add up to about four seconds.
const TRIES_WHEN_DOWN: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// A path of the controller, and what is wanted of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) path: &'a str,
    pub(super) what: &'static str,
}

/// What the controller says.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// The message of a `Status`, or the text.
    pub(super) fn words(&self) -> String {
        let told: Option<Value> = serde_json::from_slice(&self.body).ok();
        let message = told.as_ref().and_then(|told| told.get("message")?.as_str());
        match message
            .map_or_else(|| String::from_utf8_lossy(&self.body), Into::into)
            .trim()
        {
            "" => format!("the answer is {}", self.status),
            text => text.to_owned(),
        }
    }

    /// The refusal of what was asked.
    pub(super) fn error(&self, question: Question<'_>) -> Error {
        Error::Cluster {
            what: question.what.into(),
            why: self.words(),
            status: Some(self.status.as_u16()),
        }
    }

    /// Whether it was too much in one request.
    pub(super) fn wants_fewer(&self) -> bool {
        self.status == StatusCode::PAYLOAD_TOO_LARGE || self.words().contains(FEWER)
    }
}

/// How many of the objects go into one request, when it takes no more than `most`.
pub(super) fn batch(objects: &[&Value], most: usize) -> usize {
    let mut bytes = 0;
    let fits = |object: &&&Value| {
        bytes += object.to_string().len();
        bytes <= MOST_BYTES
    };
    objects.iter().take(most).take_while(fits).count().max(1)
}

impl Cluster {
    /// Asks, and asks again where that may help: one object as it is, several as a List.
    ///
    /// # Errors
    /// [`Error::Cluster`] where it makes no sense to ask on.
    pub(super) async fn ask(
        &self,
        question: Question<'_>,
        objects: &[&Value],
    ) -> Result<Reply, Error> {
        let body = match objects {
            [object] => object.to_string(),
            objects => json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string(),
        };
        let mut pause = FIRST_PAUSE;
        let mut tries = TRIES_WHEN_DOWN;
        loop {
            let asked = self.post(question, body.clone().into_bytes());
            let error = match self.in_time(question.what, asked).await {
                Ok(reply) => match reply.status.as_u16() {
                    502..=504 if !reply.wants_fewer() => reply.error(question),
                    401 | 403 | 404 | 405 | 429 => return Err(reply.error(question)),
                    _ => return Ok(reply),
                },
                Err(error) => error,
            };
            tries -= 1;
            if tries == 0 {
                return Err(error);
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn post(&self, question: Question<'_>, body: Vec<u8>) -> Result<Reply, Error> {
        let failed = |error: &kube::Error| refused(question.what.to_owned(), error);
        let request = Request::post(question.path)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|error| failed(&kube::Error::HttpError(error)))?;
        let answer = self.client.send(request).await;
        let (head, body) = answer.map_err(|error| failed(&error))?.into_parts();
        let body = body.collect_bytes().await.map_err(|error| failed(&error))?;
        Ok(Reply {
            status: head.status,
            body: body.to_vec(),
        })
    }
}
