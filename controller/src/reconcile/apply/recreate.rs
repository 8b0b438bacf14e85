//! Deleting and making anew a Secret that cannot be changed, for those who ask for it.

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Error,
    api::{DeleteParams, PostParams, Preconditions},
};
use seal_api::{
    Mode,
    annotations::{RECREATE_IMMUTABLE, is_true},
};
use seal_keyring::Wiped;

use super::{
    super::{plan::Update, secret_cache::SecretMeta},
    Task, parameters,
};
use crate::outcome::{Failure, Reason};

impl Task<'_> {
    /// Only a Secret of this very SealedSecret goes, none that belongs to an older object of its
    /// name or holds values of others.
    pub(super) fn may_recreate(&self, secret: &SecretMeta, update: &Update) -> bool {
        is_true(
            self.sealed.metadata.annotations.as_ref(),
            RECREATE_IMMUTABLE,
        ) && secret.mode(self.uid()) == Mode::Owned
            && !update.merge
    }

    /// The new Secret, or `None` when the cluster has moved on meanwhile.
    ///
    /// Nothing is deleted before the API server has said that it would take the new one, and only
    /// the Secret that was read is.
    pub(super) async fn recreate(
        &self,
        old: &SecretMeta,
        mut wanted: Wiped,
    ) -> Result<Option<Wiped>, Failure> {
        let metadata = std::mem::take(&mut wanted.0.metadata);
        wanted.0.metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            labels: metadata.labels,
            annotations: metadata.annotations,
            owner_references: metadata.owner_references,
            ..ObjectMeta::default()
        };
        let _permit = self.context.workers.acquire().await;
        self.try_out(&wanted.0).await?;
        if !self.delete(old).await? {
            return Ok(None);
        }
        tracing::info!("deleted the Secret, which cannot be changed, to make it anew");
        self.context.secrets.forget(self.key);
        match self.secrets.create(&parameters(), &wanted.0).await {
            Ok(answer) => Ok(Some(Wiped(answer))),
            Err(Error::Api(status)) if status.is_already_exists() => Ok(None),
            Err(error) => Err(Failure::of_write(&error)),
        }
    }

    /// A creation that stores nothing. It comes as far as finding the name taken only when
    /// admission and validation have passed.
    async fn try_out(&self, wanted: &Secret) -> Result<(), Failure> {
        let dry_run = PostParams {
            dry_run: true,
            ..parameters()
        };
        match self.secrets.create(&dry_run, wanted).await {
            Ok(answer) => {
                drop(Wiped(answer));
                Ok(())
            }
            Err(Error::Api(status)) if status.is_already_exists() => Ok(()),
            Err(error) => Err(Failure::of_write(&error)),
        }
    }

    /// Whether it is gone by our doing.
    async fn delete(&self, old: &SecretMeta) -> Result<bool, Failure> {
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(old.uid.clone()),
                resource_version: Some(old.resource_version.clone()),
            }),
            ..DeleteParams::default()
        };
        match self.secrets.delete(&self.key.1, &parameters).await {
            Ok(answer) => {
                // It answers with the Secret where a finalizer holds it.
                let held = answer.left().map(Wiped);
                Ok(held.is_none_or(|it| it.0.metadata.deletion_timestamp.is_none()))
            }
            Err(Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(false),
            Err(Error::Api(status)) if status.is_forbidden() => Err(Failure::new(
                Reason::Immutable,
                "the target Secret is immutable or would change its type, and the controller may \
                 not delete it to make it anew: grant it the right to delete Secrets of this \
                 namespace, or delete it yourself",
            )),
            Err(error) => Err(Failure::of_write(&error)),
        }
    }
}
