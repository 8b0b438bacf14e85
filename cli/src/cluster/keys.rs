//! What the controller tells key administrators, and how it is asked: ConfigMaps in its namespace.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
};
use seal_api::SealedSecret;
use seal_keyring::{
    Certificate, Inventory,
    requests::{
        ANSWERS_ITEM, Answers, INVENTORY_ITEM, KEY_REQUESTS, KEYS, PUBLIC_KEYS, Request,
        RequestOutcome,
    },
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{CERTIFICATE, ServiceName, refused};
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

    /// Waits for the answer to a request, and until what it speaks of is published.
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

    async fn answered(&self, id: &str) -> Result<Option<RequestOutcome>, Error> {
        let text = self.item(KEYS, ANSWERS_ITEM).await?;
        let answers: Option<Answers> = text.and_then(|text| serde_json::from_str(&text).ok());
        let answer = answers.and_then(|mut all| all.remove(id));
        let Some(outcome) = answer.map(|answer| answer.outcome) else {
            return Ok(None);
        };
        let RequestOutcome::Done { new_key, .. } = &outcome else {
            return Ok(Some(outcome));
        };
        let pem = self
            .item(PUBLIC_KEYS, CERTIFICATE)
            .await?
            .unwrap_or_default();
        let current = Certificate::from_pem(pem.as_bytes()).ok();
        let is_published = current.is_some_and(|it| it.key_id().as_str() == new_key);
        // An old request may be answered by a key that has been succeeded since.
        let inventory = self.inventory().await?;
        let succeeded = || {
            inventory
                .keys
                .iter()
                .any(|key| key.succeeds.as_ref() == Some(new_key))
        };
        let is_done = is_published || succeeded();
        Ok(is_done.then_some(outcome))
    }

    /// All keys.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn inventory(&self) -> Result<Inventory, Error> {
        let text = self.item(KEYS, INVENTORY_ITEM).await?;
        let inventory = text.and_then(|text| serde_json::from_str(&text).ok());
        inventory.ok_or_else(|| Error::KeyDesk {
            namespace: self.namespace.to_owned(),
        })
    }

    async fn item(&self, map: &str, item: &str) -> Result<Option<String>, Error> {
        let what = || format!("read the ConfigMap {map} in {}", self.namespace);
        match self.maps.get(map).await {
            Ok(map) => Ok(map.data.and_then(|mut data| data.remove(item))),
            Err(error) => Err(self.failed(what(), &error)),
        }
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
