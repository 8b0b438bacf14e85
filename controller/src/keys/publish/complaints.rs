//! Saying what keeps the ConfigMaps from being right: once, and again only after it had worked.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::{Client, Error};

use super::{Outcomes, maps::PutError};
use crate::events::{Told, config_map, tell};

/// What was said last.
pub(super) struct Complaints {
    client: Client,
    namespace: String,
    said: BTreeSet<String>,
}

impl Complaints {
    pub(super) fn new(client: Client, namespace: String) -> Self {
        Self {
            client,
            namespace,
            said: BTreeSet::new(),
        }
    }

    /// Says what is new among what went wrong.
    pub(super) async fn hear(&mut self, outcomes: &Outcomes, now: Timestamp) {
        let mut heard = BTreeSet::new();
        for (name, outcome) in outcomes {
            let Err(error) = outcome else { continue };
            let text = match error {
                // Somebody else was faster: the next look sees what they did.
                error if is_conflict(error) => continue,
                // Whoever lacks one of these rights mostly lacks all of them.
                error if is_forbidden(error) => String::new(),
                error => error.to_string(),
            };
            if heard.insert(text.clone()) && !self.said.contains(&text) {
                self.say(name, error, now).await;
            }
        }
        self.said = heard;
    }

    async fn say(&self, configmap: &str, error: &PutError, now: Timestamp) {
        match error {
            PutError::Immutable { name, uid } => {
                tracing::error!("{error}");
                let about = config_map(&self.namespace, name, uid);
                let told = Told::warning("Immutable", error.to_string());
                // The log has it, too.
                if let Err(error) = tell(&self.client, about, told, now).await {
                    tracing::debug!(%error, "the event could not be told");
                }
            }
            error if is_forbidden(error) => tracing::warn!(
                "the public keys cannot be published: {error}; they are still served at \
                 /v1/cert.pem, but nobody can ask for a new key"
            ),
            error => tracing::warn!(
                %error,
                %configmap,
                "the public keys could not be published; trying again"
            ),
        }
    }
}

pub(super) fn is_conflict(error: &PutError) -> bool {
    matches!(error, PutError::Api(Error::Api(status)) if status.is_conflict())
}

fn is_forbidden(error: &PutError) -> bool {
    matches!(error, PutError::Api(Error::Api(status)) if status.is_forbidden())
}
