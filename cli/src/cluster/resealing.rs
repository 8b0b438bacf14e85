//! Having a controller seal objects again (`POST /v1/rotate`), many in one request.

use std::time::Duration;

use http::{HeaderMap, Request, StatusCode, header::CONTENT_TYPE, header::RETRY_AFTER};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Cluster, Connection, ServiceName, proxy, refused};
use crate::error::Error;

/// Objects in one request, and their bytes: the controller takes 4 MiB, and counts how many private-key
/// operations they may cost.
const MOST_OBJECTS: usize = 64;
const MOST_BYTES: usize = 1 << 20;
/// With this our controller leaves values that its current key opens as they are. Sealed Secrets' own
/// seals all of them again.
const PATH: &str = "/v1/rotate?keep=current";
/// What our controller says when a request costs too much.
const FEWER: &str = "fewer objects";

/// How often a request that is told to come later is made again. The waits add up to about two
/// minutes.
const TRIES_WHEN_BUSY: u32 = 20;
/// How often one that finds nobody is made again. The waits add up to about four seconds.
const TRIES_WHEN_DOWN: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// No server has us wait longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// A controller that is asked, until it cannot be.
pub struct Resealing {
    state: State,
    /// How many objects it takes in one request.
    most: usize,
}

enum State {
    Open { cluster: Cluster, path: String },
    Lost(Option<Error>),
}

/// Why an object has no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// The controller's words: this object is at fault.
    Refused(String),
    /// The controller could not be asked.
    Unreached,
}

type Answer = Result<Value, Unanswered>;

enum Reply {
    Sealed(Value),
    Refused { status: StatusCode, why: String },
}

impl Resealing {
    /// Finds the controller. That it is not there is told when it is asked.
    pub async fn open(connection: &Connection, service: &ServiceName) -> Self {
        let opened = async {
            let cluster = connection.open().await?;
            let found = proxy(&cluster.client, service);
            let path = cluster.in_time("find the controller", found).await? + PATH;
            Ok(State::Open { cluster, path })
        };
        Self {
            state: opened
                .await
                .unwrap_or_else(|error| State::Lost(Some(error))),
            most: MOST_OBJECTS,
        }
    }

    /// The objects with their values sealed again, in their order. One that the controller refuses
    /// does not stand in the way of the others.
    pub async fn reseal(&mut self, objects: &[&Value]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(objects.len());
        let mut rest = objects;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.batch(rest));
            answers.extend(self.together(now).await);
            rest = later;
        }
        answers
    }

    /// Why it cannot be asked any more, once.
    pub fn take_error(&mut self) -> Option<Error> {
        match &mut self.state {
            State::Lost(error) => error.take(),
            State::Open { .. } => None,
        }
    }

    /// How many of the objects go into one request.
    fn batch(&self, objects: &[&Value]) -> usize {
        let mut bytes = 0;
        let fits = |object: &&&Value| {
            bytes += object.to_string().len();
            bytes <= MOST_BYTES
        };
        let fit = objects.iter().take(self.most).take_while(fits).count();
        fit.max(1)
    }

    /// In one request, or where that is refused, in two.
    async fn together(&mut self, objects: &[&Value]) -> Vec<Answer> {
        let State::Open { cluster, path } = &self.state else {
            return unreached(objects);
        };
        let (status, why) = match post(cluster, path, objects).await {
            Ok(Reply::Sealed(answer)) => match parts(answer, objects.len()) {
                Some(answers) => return answers.into_iter().map(Ok).collect(),
                None => (
                    StatusCode::OK,
                    "the answer is not what was asked for".into(),
                ),
            },
            Ok(Reply::Refused { status, why }) => (status, why),
            Err(error) => {
                self.state = State::Lost(Some(error));
                return unreached(objects);
            }
        };
        if objects.len() < 2 {
            return objects
                .iter()
                .map(|_| Err(Unanswered::Refused(why.clone())))
                .collect();
        }
        let (left, right) = objects.split_at(objects.len() / 2);
        if status == StatusCode::PAYLOAD_TOO_LARGE || why.contains(FEWER) {
            self.most = self.most.min(right.len());
        }
        let mut answers = Box::pin(self.together(left)).await;
        answers.extend(Box::pin(self.together(right)).await);
        if objects.len() == 2 && answers.iter().all(Result::is_ok) {
            // Sealed Secrets' own controller takes no lists.
            self.most = 1;
        }
        answers
    }
}

fn unreached(objects: &[&Value]) -> Vec<Answer> {
    objects.iter().map(|_| Err(Unanswered::Unreached)).collect()
}

/// Asks, and asks again where that may help.
///
/// # Errors
/// [`Error::Cluster`] where it makes no sense to ask on.
async fn post(cluster: &Cluster, path: &str, objects: &[&Value]) -> Result<Reply, Error> {
    let body = match objects {
        [object] => object.to_string(),
        objects => json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string(),
    };
    let what = || "have the controller seal values again".to_owned();
    let mut pause = FIRST_PAUSE;
    let (mut busy, mut down) = (TRIES_WHEN_BUSY, TRIES_WHEN_DOWN);
    loop {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.clone().into_bytes()))
            .map_err(|error| refused(what(), &kube::Error::HttpError(error)))?;
        let asked = async {
            let answer = cluster.client.send(request).await;
            let answer = answer.map_err(|error| refused(what(), &error))?;
            let (head, body) = answer.into_parts();
            let body = body.collect_bytes().await;
            let body = body.map_err(|error| refused(what(), &error))?;
            Ok((head.status, head.headers, body))
        };
        let (tries, after, error) = match cluster.in_time(&what(), asked).await {
            Ok((StatusCode::OK, _, body)) => {
                return Ok(match serde_json::from_slice(&body) {
                    Ok(answer) => Reply::Sealed(answer),
                    Err(_) => Reply::Refused {
                        status: StatusCode::OK,
                        why: "the answer is no JSON".into(),
                    },
                });
            }
            Ok((status, headers, body)) => {
                let why = words(status, &body);
                let error = Error::Cluster {
                    what: what(),
                    why: why.clone(),
                    status: Some(status.as_u16()),
                };
                match status.as_u16() {
                    429 => (&mut busy, retry_after(&headers), error),
                    502..=504 if !why.contains(FEWER) => (&mut down, retry_after(&headers), error),
                    401 | 403 | 404 | 405 => return Err(error),
                    _ => return Ok(Reply::Refused { status, why }),
                }
            }
            Err(error) => (&mut down, None, error),
        };
        *tries -= 1;
        if *tries == 0 {
            return Err(error);
        }
        sleep(after.unwrap_or(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// RFC 9110 §10.2.3, in seconds; nobody here sends dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// What an answer says: the message of a `Status`, or its text.
fn words(status: StatusCode, body: &[u8]) -> String {
    let told: Option<Value> = serde_json::from_slice(body).ok();
    let message = told.as_ref().and_then(|told| told.get("message")?.as_str());
    match message
        .map_or_else(|| String::from_utf8_lossy(body), Into::into)
        .trim()
    {
        "" => format!("the answer is {status}"),
        text => text.to_owned(),
    }
}

/// As many objects as were sent.
fn parts(answer: Value, sent: usize) -> Option<Vec<Value>> {
    match answer {
        answer if sent == 1 => Some(vec![answer]),
        Value::Object(mut list) => match list.remove("items") {
            Some(Value::Array(items)) if items.len() == sent => Some(items),
            _ => None,
        },
        _ => None,
    }
}
