//! Having a controller seal objects again (`POST /v1/rotate`), many in one request.

use http::StatusCode;
use serde_json::Value;

use super::{
    Cluster, Connection, ServiceName,
    asking::{MOST_OBJECTS, Question, Reply, batch},
    proxy,
};
use crate::error::Error;

/// With this our controller leaves values that its current key opens as they are. Sealed Secrets' own
/// seals all of them again.
const PATH: &str = "/v1/rotate?keep=current";
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
            let (now, later) = rest.split_at(batch(rest, self.most));
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

    /// In one request, or where that is refused, in two.
    async fn together(&mut self, objects: &[&Value]) -> Vec<Answer> {
        let State::Open { cluster, path } = &self.state else {
            return unreached(objects);
        };
        let question = Question {
            path,
            what: "have the controller seal values again",
        };
        let reply = match cluster.ask(question, objects).await {
            Ok(reply) => reply,
            Err(error) => {
                self.state = State::Lost(Some(error));
                return unreached(objects);
            }
        };
        let why = match parts(&reply, objects.len()) {
            Ok(answers) => return answers.into_iter().map(Ok).collect(),
            Err(why) => why,
        };
        if objects.len() < 2 {
            return objects
                .iter()
                .map(|_| Err(Unanswered::Refused(why.clone())))
                .collect();
        }
        let (left, right) = objects.split_at(objects.len() / 2);
        if reply.wants_fewer() {
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

/// As many objects as were sent, or why there are none.
fn parts(reply: &Reply, sent: usize) -> Result<Vec<Value>, String> {
    if reply.status != StatusCode::OK {
        return Err(reply.words());
    }
    match serde_json::from_slice(&reply.body) {
        Err(_) => Err("the answer is no JSON".into()),
        Ok(answer) if sent == 1 => Ok(vec![answer]),
        Ok(Value::Object(mut list)) => match list.remove("items") {
            Some(Value::Array(items)) if items.len() == sent => Ok(items),
            _ => Err("the answer is not what was asked for".into()),
        },
        Ok(_) => Err("the answer is not what was asked for".into()),
    }
}
