//! The ConfigMaps themselves: made, put right, and made anew where somebody has made them immutable.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api, Error,
    api::{DeleteParams, PostParams, Preconditions},
};
use seal_keyring::AWAITS_BACKUP;

/// The ConfigMaps of the controller's namespace.
pub(super) struct Maps {
    pub(super) api: Api<ConfigMap>,
    pub(super) namespace: String,
}

/// A ConfigMap that could not be put right.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutError {
    #[error("{}", words(.0))]
    Api(#[from] Error),
    #[error(
        "the ConfigMap {name} is immutable, and the controller may not delete it to make it anew: \
         grant it that right as deploy/rbac.yaml does, or delete the ConfigMap yourself"
    )]
    Immutable {
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
    },
}

/// What the API server says to people; the rest of its answer is for machines.
fn words(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}

impl Maps {
    pub(super) async fn find(&self, name: &str) -> Result<Option<ConfigMap>, Error> {
        self.api.get_opt(name).await
    }

    /// Makes the data of a ConfigMap exactly this, and says on it which keys await their backup.
    /// What others have written beside that stays.
    pub(super) async fn put(
        &self,
        name: &str,
        contents: BTreeMap<String, String>,
        awaited: Option<&str>,
    ) -> Result<(), PutError> {
        let Some(found) = self.find(name).await? else {
            return self.create(name, contents, awaited).await;
        };
        let annotations = found.metadata.annotations.as_ref();
        let annotated = annotations.and_then(|it| it.get(AWAITS_BACKUP));
        let is_right = found.data.as_ref() == Some(&contents)
            && found.binary_data.is_none()
            && annotated.map(String::as_str) == awaited
            && !is_immutable(&found);
        if is_right {
            return Ok(());
        }
        let mut wanted = found.clone();
        let annotations = wanted.metadata.annotations.get_or_insert_default();
        match awaited {
            Some(ids) => annotations.insert(AWAITS_BACKUP.into(), ids.to_owned()),
            None => annotations.remove(AWAITS_BACKUP),
        };
        (wanted.data, wanted.binary_data) = (Some(contents), None);
        self.change(found, wanted).await
    }

    /// Makes the ConfigMap that was found what it should be.
    pub(super) async fn change(&self, found: ConfigMap, wanted: ConfigMap) -> Result<(), PutError> {
        match is_immutable(&found) {
            true => self.make_anew(found, wanted).await,
            false => Ok(self.replace(&wanted).await.map(drop)?),
        }
    }

    pub(super) async fn create(
        &self,
        name: &str,
        contents: BTreeMap<String, String>,
        awaited: Option<&str>,
    ) -> Result<(), PutError> {
        let annotation = awaited.map(|ids| (AWAITS_BACKUP.to_owned(), ids.to_owned()));
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.into()),
                namespace: Some(self.namespace.clone()),
                annotations: annotation.map(|annotation| [annotation].into()),
                ..ObjectMeta::default()
            },
            data: Some(contents),
            ..ConfigMap::default()
        };
        Ok(self.store(&map).await?)
    }

    /// Data that is immutable changes in no other way than this. Only the object that was read is
    /// deleted.
    async fn make_anew(&self, found: ConfigMap, wanted: ConfigMap) -> Result<(), PutError> {
        let found = self.released(found).await?;
        let name = found.metadata.name.unwrap_or_default();
        let uid = found.metadata.uid.unwrap_or_default();
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(uid.clone()),
                resource_version: found.metadata.resource_version,
            }),
            ..DeleteParams::default()
        };
        match self.api.delete(&name, &parameters).await {
            Ok(_) => {}
            Err(Error::Api(status)) if status.is_not_found() => {}
            Err(Error::Api(status)) if status.is_forbidden() => {
                return Err(PutError::Immutable { name, uid });
            }
            Err(error) => return Err(error.into()),
        }
        tracing::warn!(configmap = %name, "somebody made it immutable: it was deleted and is made anew");
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: wanted.metadata.namespace,
                labels: wanted.metadata.labels,
                annotations: wanted.metadata.annotations,
                ..ObjectMeta::default()
            },
            data: wanted.data,
            ..ConfigMap::default()
        };
        Ok(self.store(&map).await?)
    }

    /// The ConfigMap without finalizers, which would hold it when it is deleted.
    async fn released(&self, mut found: ConfigMap) -> Result<ConfigMap, Error> {
        match found.metadata.finalizers.take() {
            Some(held) if !held.is_empty() => self.replace(&found).await,
            _ => Ok(found),
        }
    }

    async fn replace(&self, map: &ConfigMap) -> Result<ConfigMap, Error> {
        let name = map.metadata.name.as_deref().unwrap_or_default();
        self.api.replace(name, &PostParams::default(), map).await
    }

    async fn store(&self, map: &ConfigMap) -> Result<(), Error> {
        let parameters = PostParams::default();
        self.api.create(&parameters, map).await.map(drop)
    }
}

/// Whether its data can no longer be changed, by anybody.
pub(super) fn is_immutable(map: &ConfigMap) -> bool {
    map.immutable == Some(true)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn of_an_answer_of_the_api_server_only_the_message_is_told() {
        let answer = Status::failure("exceeded quota: maps", "Forbidden").with_code(403);
        let error = PutError::from(Error::Api(answer.boxed()));
        assert_eq!(error.to_string(), "exceeded quota: maps");
    }
}
