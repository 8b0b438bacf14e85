//! A key and all that may need it, as the cluster and files are now.

use clap::Args;
use seal_api::SealedSecret;
use seal_envelope::Identity;
use seal_keyring::{Key, KeyState, Standing};

use super::need::{Found, Need, needs, sealed_in};
use crate::{
    backup::{BackupError, KeySecret},
    cluster::{
        Connection, Controller, ServiceName,
        key_secrets::KeySecrets,
        keys::{KeyDesk, sealed_secrets},
        with_client,
    },
    error::{Error, Errors},
    input::Source,
    paths,
};

/// Which key, and where to look for what needs it.
#[derive(Debug, Args)]
pub(super) struct Subject {
    /// The key: its id, or the name of its Secret
    #[arg(value_name = "KEY")]
    key: String,

    /// Files and directories whose SealedSecrets count, too, such as what is in Git
    #[arg(value_name = "PATH")]
    paths: Vec<Source>,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    pub(super) connection: Connection,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) service: ServiceName,
    pub(super) key: KeySecret,
    /// Whether the controller seals with it.
    pub(super) is_current: bool,
    /// What no other key in use opens.
    pub(super) needs: Vec<Need>,
}

impl Subject {
    /// The files as the command line names them.
    pub(super) fn paths(&self) -> String {
        let paths: Vec<_> = self.paths.iter().map(ToString::to_string).collect();
        match paths.is_empty() {
            true => "PATH…".to_owned(),
            false => paths.join(" "),
        }
    }

    /// Opens everything with what is left when the key is not.
    pub(super) fn survey(&self) -> Result<Survey, Errors> {
        let mut all = self.in_files()?;
        let service = self.controller.service(None);
        let (keys, inventory, objects) = with_client(&self.connection, async |client| {
            let (keys, _) = KeySecrets::of(client.clone(), &service).all().await?;
            let inventory = KeyDesk::of(client.clone(), &service).inventory().await?;
            Ok((keys, inventory, sealed_secrets(client).await?))
        })?;
        all.extend(objects.into_iter().map(|object| {
            let metadata = &object.metadata;
            let namespace = metadata.namespace.as_deref().unwrap_or_default();
            let name = metadata.name.as_deref().unwrap_or_default();
            Found {
                at: "in the cluster".to_owned(),
                object: format!("{namespace}/{name}"),
                sealed: serde_json::to_value(&object)
                    .ok()
                    .and_then(|object| SealedSecret::decode(object).ok()),
            }
        }));
        let (mut named, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|secret| {
            secret.key().id().as_str() == self.key || secret.key().name() == self.key
        });
        let Some(key) = named.pop() else {
            let (named, namespace) = (self.key.clone(), service.namespace);
            return Err(Error::from(BackupError::NoSuchKey { named, namespace }).into());
        };
        let id = key.key().id();
        let in_use = |other: &&KeySecret| *other.state() == KeyState::Active;
        // Another Secret with the same key is no other key.
        let left = others.iter().filter(in_use).map(KeySecret::key);
        let left: Vec<&Identity> = left
            .filter(|other| other.id() != id)
            .map(Key::identity)
            .collect();
        let needs = needs(&all, key.key().identity(), &left);
        let entry = inventory.find(id.as_str());
        let is_current = entry.is_some_and(|entry| entry.standing == Standing::Current);
        Ok(Survey {
            service,
            key,
            is_current,
            needs,
        })
    }

    fn in_files(&self) -> Result<Vec<Found>, Errors> {
        let mut all = Vec::new();
        let mut errors = Errors::default();
        if self.paths.is_empty() {
            return Ok(all);
        }
        for input in paths::expand(&self.paths)? {
            match sealed_in(&input.source) {
                Ok(found) => all.extend(found.into_iter().map(|(at, sealed)| {
                    let metadata = &sealed.metadata;
                    let namespace = metadata.namespace.as_deref().unwrap_or_default();
                    let name = metadata.name.as_deref().unwrap_or_default();
                    Found {
                        at,
                        object: format!("{namespace}/{name}"),
                        sealed: Some(sealed),
                    }
                })),
                Err(found) => errors.extend(found),
            }
        }
        errors.or(all)
    }
}
