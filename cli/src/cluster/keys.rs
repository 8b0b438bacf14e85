//! What the controller tells key administrators, and how it is asked: ConfigMaps in its namespace.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
};
use seal_api::SealedSecret;
use seal_keyring::{
    Inventory, Standing,
    requests::{
        ANSWERS_ITEM, Answers, INVENTORY_ITEM, KEY_REQUESTS, KEYS, Request, RequestOutcome,
    },
};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{ServiceName, refused};
use crate::error::Error;

/// The answer takes seconds, since a key must be made.
const PAUSE: Duration = Duration::from_millis(250);
/// Objects in one answer of the API server.
const PAGE: u32 = 500;

/// The ConfigMaps of one controller.
#[derive(Debug)]
pub struct KeyDesk<'a> {
    maps: Api<ConfigMap>,
    namespace: &'a str,
}

impl<'a> KeyDesk<'a> {
    /// That of this controller.
    #[must_use]
    pub fn of(client: Client, service: &'a ServiceName) -> Self {
        let namespace = service.namespace.as_str();
        Self {
            maps: Api::namespaced(client, namespace),
            namespace,
        }
    }

    /// Makes a request; one that has been made already is the same.
    ///
    /// # Errors
    /// [`Error::KeyDesk`], [`Error::KeyAdministrator`], [`Error::Cluster`].
    pub async fn ask(&self, id: &str, request: &Request) -> Result<(), Error> {
        // Its variants have no fields that could fail.
        let request = serde_json::to_string(request).unwrap_or_default();
        let change = Patch::Merge(json!({ "data": { (id): request } }));
        let what = format!("write the ConfigMap {KEY_REQUESTS} in {}", self.namespace);
        let parameters = PatchParams::default();
        match self.maps.patch(KEY_REQUESTS, &parameters, &change).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(what, &error)),
        }
    }

    /// Waits for the answer to a request.
    ///
    /// # Errors
    /// [`Error::Unanswered`] after `patience`, and as [`ask`](Self::ask).
    pub async fn answer(&self, id: &str, patience: Duration) -> Result<RequestOutcome, Error> {
        let begun = Instant::now();
        loop {
            if let Some(outcome) = self.answered(id).await? {
                return Ok(outcome);
            }
            if !patience.is_zero() && begun.elapsed() > patience {
                return Err(Error::Unanswered {
                    id: id.to_owned(),
                    patience,
                });
            }
            sleep(PAUSE).await;
        }
    }

    /// The answer, which the controller writes only after it has published what the answer speaks of.
    async fn answered(&self, id: &str) -> Result<Option<RequestOutcome>, Error> {
        let map = self.map(KEYS).await?;
        let answers: Option<Answers> = parsed(&map, ANSWERS_ITEM);
        let answer = answers.and_then(|mut all| all.remove(id));
        let inventory: Inventory = parsed(&map, INVENTORY_ITEM).unwrap_or_default();
        Ok(answer.map(|answer| as_of_now(answer.outcome, &inventory)))
    }

    /// All keys.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn inventory(&self) -> Result<Inventory, Error> {
        let inventory = parsed(&self.map(KEYS).await?, INVENTORY_ITEM);
        inventory.ok_or_else(|| Error::KeyDesk {
            namespace: self.namespace.to_owned(),
        })
    }

    async fn map(&self, name: &str) -> Result<ConfigMap, Error> {
        let what = || format!("read the ConfigMap {name} in {}", self.namespace);
        let map = self.maps.get(name).await;
        map.map_err(|error| self.failed(what(), &error))
    }

    fn failed(&self, what: String, error: &kube::Error) -> Error {
        match error {
            kube::Error::Api(status) if status.is_not_found() => Error::KeyDesk {
                namespace: self.namespace.to_owned(),
            },
            error => as_administrator(refused(what, error)),
        }
    }
}

/// An item that holds JSON. `None` also for one that cannot be read.
fn parsed<T: DeserializeOwned>(map: &ConfigMap, item: &str) -> Option<T> {
    let text = map.data.as_ref()?.get(item)?;
    serde_json::from_str(text).ok()
}

/// An answer stands for ever; the key that awaited its backup then may have got it since.
fn as_of_now(outcome: RequestOutcome, inventory: &Inventory) -> RequestOutcome {
    let may_seal = |id: &String| {
        let key = inventory.find(id);
        key.is_some_and(|key| matches!(key.standing, Standing::Current | Standing::Active))
    };
    match outcome {
        RequestOutcome::AwaitsBackup { old_key, new_key } if may_seal(&new_key) => {
            RequestOutcome::Done { old_key, new_key }
        }
        outcome => outcome,
    }
}

/// Every SealedSecret of the cluster, as it is: one that is malformed does not hide the others.
///
/// # Errors
/// [`Error::KeyAdministrator`], [`Error::Cluster`].
pub async fn sealed_secrets(client: Client) -> Result<Vec<DynamicObject>, Error> {
    let resource = ApiResource::erase::<SealedSecret>(&());
    let objects: Api<DynamicObject> = Api::all_with(client, &resource);
    let mut all = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let what = || "list the SealedSecrets of the cluster".to_owned();
        let list = objects.list(&page).await;
        let list = list.map_err(|error| as_administrator(refused(what(), &error)))?;
        all.extend(list.items);
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(all),
        }
    }
}

/// A missing right is that of a key administrator.
fn as_administrator(error: Error) -> Error {
    match error {
        Error::Cluster {
            what,
            why,
            status: Some(401 | 403),
        } => Error::KeyAdministrator { what, why },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_awaited_its_backup_when_it_was_asked_for_is_told_as_it_is_now() {
        let told = || RequestOutcome::AwaitsBackup {
            old_key: Some("old".into()),
            new_key: "new".into(),
        };
        let now = |standing: &str| {
            let key = json!({ "secret": "k", "standing": standing, "id": "new" });
            let inventory = json!({ "keys": [key] });
            as_of_now(told(), &serde_json::from_value(inventory).unwrap())
        };
        let done = RequestOutcome::Done {
            old_key: Some("old".into()),
            new_key: "new".into(),
        };
        assert_eq!(now("current"), done);
        assert_eq!(now("active"), done);
        for standing in ["awaits-backup", "retired", "malformed"] {
            assert_eq!(now(standing), told(), "{standing}");
        }
        assert_eq!(as_of_now(told(), &Inventory::default()), told());
    }
}
