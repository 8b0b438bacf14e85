//! The key Secrets themselves, for those who may read them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
};
use seal_keyring::{
    AGE_KEY_LABEL, BACKUP, BACKUP_TIME, Backup, BackupDigest, KEY_LABEL, KeyState, Wiped,
};
use serde_json::json;

use super::{ServiceName, refused};
use crate::{
    backup::{BackupError, KeySecret, UNLABELLED},
    error::Error,
};

/// The Secrets of the controller's namespace.
#[derive(Debug)]
pub struct KeySecrets<'a> {
    secrets: Api<Secret>,
    namespace: &'a str,
}

/// What holds a name in the cluster.
#[derive(Debug)]
pub enum Holder {
    /// Nothing.
    Nobody,
    /// A key.
    Key(Box<KeySecret>),
    /// A Secret without a usable key.
    Other,
}

impl<'a> KeySecrets<'a> {
    /// Those of this controller.
    #[must_use]
    pub fn of(client: Client, service: &'a ServiceName) -> Self {
        let namespace = service.namespace.as_str();
        Self {
            secrets: Api::namespaced(client, namespace),
            namespace,
        }
    }

    /// All keys, in use or not, the oldest first, and what is wrong with the unusable ones.
    ///
    /// # Errors
    /// [`BackupError::Denied`], [`Error::Cluster`].
    pub async fn all(&self) -> Result<(Vec<KeySecret>, Vec<String>), Error> {
        let labelled = |labels: &str| ListParams::default().labels(labels);
        let name = format!("metadata.name={UNLABELLED}");
        let mut found = Vec::new();
        for which in [
            labelled(KEY_LABEL),
            labelled(&format!("{AGE_KEY_LABEL},!{KEY_LABEL}")),
            labelled(&format!("!{AGE_KEY_LABEL},!{KEY_LABEL}")).fields(&name),
        ] {
            found.extend(self.list(&which).await?);
        }
        let (mut keys, mut unusable) = (Vec::new(), Vec::new());
        for secret in found {
            match KeySecret::stored(secret) {
                Some(Ok(key)) => keys.push(key),
                Some(Err(why)) => unusable.push(why),
                None => {}
            }
        }
        keys.sort_by_key(|secret| (secret.key().created(), secret.key().public().not_before()));
        Ok((keys, unusable))
    }

    /// What has this name.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn holder(&self, name: &str) -> Result<Holder, Error> {
        let name = format!("metadata.name={name}");
        let found = self.list(&ListParams::default().fields(&name)).await?;
        Ok(match found.into_iter().next().map(KeySecret::stored) {
            None => Holder::Nobody,
            Some(Some(Ok(key))) => Holder::Key(Box::new(key)),
            Some(_) => Holder::Other,
        })
    }

    async fn list(&self, which: &ListParams) -> Result<Vec<Secret>, Error> {
        let list = self.secrets.list(which).await;
        let what = || format!("list the key Secrets in {}", self.namespace);
        Ok(list.map_err(|error| denied(what(), &error))?.items)
    }

    /// Notes on the Secret in which backup the key is, unless the Secret has changed since it was
    /// read.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn mark(&self, secret: &KeySecret, backup: &Backup) -> Result<(), Error> {
        let key = secret.key();
        let change = Patch::Merge(json!({ "metadata": {
            "uid": key.uid(),
            "resourceVersion": secret.version(),
            "annotations": {
                (BACKUP): backup.digest.as_str(),
                (BACKUP_TIME): backup.time.map(|time| time.to_string()),
            },
        } }));
        let parameters = PatchParams::default();
        let marked = self.secrets.patch(key.name(), &parameters, &change).await;
        let what = || {
            let Self { namespace, .. } = self;
            format!("mark the Secret {} in {namespace} as backed up", key.name())
        };
        let marked = marked.map_err(|error| denied(what(), &error))?;
        drop(Wiped(marked));
        Ok(())
    }

    /// Says on the Secret what its key does, unless the Secret has changed since it was read.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn set_state(&self, secret: &KeySecret, state: &KeyState) -> Result<(), Error> {
        let key = secret.key();
        let labels = secret.state_labels().into_iter();
        let labels: BTreeMap<_, _> = labels.map(|label| (label, state.as_str())).collect();
        let change = Patch::Merge(json!({ "metadata": {
            "uid": key.uid(),
            "resourceVersion": secret.version(),
            "labels": labels,
        } }));
        let parameters = PatchParams::default();
        let changed = self.secrets.patch(key.name(), &parameters, &change).await;
        let what = || {
            let Self { namespace, .. } = self;
            format!("label the Secret {} in {namespace} {state}", key.name())
        };
        drop(Wiped(changed.map_err(|error| denied(what(), &error))?));
        Ok(())
    }

    /// Deletes the Secret, and no other one that has its name meanwhile.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn delete(&self, secret: &KeySecret) -> Result<(), Error> {
        let key = secret.key();
        let parameters = DeleteParams::default().preconditions(Preconditions {
            uid: Some(key.uid().to_owned()),
            resource_version: None,
        });
        let what = || {
            let Self { namespace, .. } = self;
            format!("delete the Secret {} in {namespace}", key.name())
        };
        match self.secrets.delete(key.name(), &parameters).await {
            Ok(deleted) => {
                deleted.map_left(Wiped).map_left(drop);
                Ok(())
            }
            Err(error) => Err(denied(what(), &error)),
        }
    }

    /// Creates the Secret under this name.
    ///
    /// # Errors
    /// As [`all`](Self::all), also when something has its name meanwhile.
    pub async fn create(
        &self,
        secret: &KeySecret,
        name: &str,
        digest: &BackupDigest,
    ) -> Result<(), Error> {
        let object = Wiped(secret.to_be_stored(self.namespace, name, digest));
        let created = self.secrets.create(&PostParams::default(), &object.0).await;
        let what = || {
            let Self { namespace, .. } = self;
            format!("create the Secret {name} in {namespace}")
        };
        drop(Wiped(created.map_err(|error| denied(what(), &error))?));
        Ok(())
    }
}

fn denied(what: String, error: &kube::Error) -> Error {
    match refused(what, error) {
        Error::Cluster {
            what,
            why,
            status: Some(401 | 403),
        } => BackupError::Denied { what, why }.into(),
        error => error,
    }
}
