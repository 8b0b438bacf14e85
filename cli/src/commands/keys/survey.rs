//! A key and all that may need it, as the cluster and files are now.

use std::path::PathBuf;

use kube::Client;
use seal_api::SealedSecret;
use seal_envelope::{Identity, KeyId, Kind};
use seal_keyring::{KeyState, Standing};

use super::need::{Found, Need, Place, needs, sealed_in};
use crate::{
    backup::{BackupError, KeySecret},
    cluster::{
        ServiceName,
        key_secrets::KeySecrets,
        keys::{KeyDesk, sealed_secrets},
    },
    error::{Error, Errors},
    input::Source,
    naming::called,
    paths, report,
};

/// A key, and those that are left without it.
#[derive(Debug)]
pub(super) struct Keys {
    key: KeySecret,
    /// Other Secrets that hold the same key.
    copies: Vec<KeySecret>,
    others: Vec<KeySecret>,
    /// Whether the controller seals with it.
    pub(super) is_current: bool,
}

impl Keys {
    /// The key with this id, or of the Secret with this name.
    pub(super) async fn read(
        client: Client,
        service: &ServiceName,
        named: &str,
    ) -> Result<Self, Error> {
        let (mut keys, _) = KeySecrets::of(client.clone(), service).all().await?;
        let inventory = KeyDesk::of(client, service).inventory().await?;
        let is_named = |it: &KeySecret| it.key().id().as_str() == named || it.key().name() == named;
        let Some(place) = keys.iter().position(is_named) else {
            return Err(BackupError::NoSuchKey {
                named: named.to_owned(),
                namespace: service.namespace.clone(),
            }
            .into());
        };
        let key = keys.remove(place);
        let is_copy = |it: &KeySecret| it.key().id() == key.key().id();
        let (copies, others) = keys.into_iter().partition(is_copy);
        let entry = inventory.find(key.key().id().as_str());
        let is_current = entry.is_some_and(|entry| entry.standing == Standing::Current);
        Ok(Self {
            key,
            copies,
            others,
            is_current,
        })
    }

    pub(super) fn id(&self) -> &KeyId {
        self.key.key().id()
    }

    /// The kind of the envelopes that it makes.
    pub(super) fn kind(&self) -> Kind {
        self.key.key().kind()
    }

    /// Whether no age key would be left in use. An RSA key is always made anew.
    pub(super) fn is_last_age_key(&self) -> bool {
        let is_left = |other: &KeySecret| {
            *other.state() == KeyState::Active && other.key().kind() == Kind::Age
        };
        self.kind() == Kind::Age && !self.others.iter().any(is_left)
    }

    /// The Secrets that hold the key: as long as one of them is in use, so is the key.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &KeySecret> {
        std::iter::once(&self.key).chain(&self.copies)
    }

    /// Labels the Secrets that hold the key and are in use. A word that says why one is out of use
    /// already stays, unless `state` says worse of it.
    pub(super) async fn take_out(
        &self,
        secrets: &KeySecrets<'_>,
        state: &KeyState,
    ) -> Result<(), Error> {
        for secret in self.secrets() {
            let stays = match state {
                KeyState::Compromised => secret.state() == state,
                _ => *secret.state() != KeyState::Active,
            };
            if !stays {
                secrets.set_state(secret, state).await?;
            }
        }
        Ok(())
    }

    /// The word that says why it is out of use, once it was [retired](Self::take_out).
    pub(super) fn state_out_of_use(&self) -> &KeyState {
        match self.key.state() {
            KeyState::Active => &KeyState::Retired,
            state => state,
        }
    }

    /// What is left in use without the key.
    fn left(&self) -> Vec<&Identity> {
        let in_use = |other: &&KeySecret| *other.state() == KeyState::Active;
        let left = self.others.iter().filter(in_use);
        left.map(|other| other.key().identity()).collect()
    }

    /// The private keys in use, this one first.
    pub(super) fn identities(&self) -> Vec<&Identity> {
        let mut identities = self.left();
        identities.insert(0, self.key.key().identity());
        identities
    }

    /// What of all this needs the key, or cannot be accounted for. Everything is opened.
    pub(super) fn needs(&self, found: &[Found]) -> Vec<Need> {
        needs(found, self.key.key().identity(), &self.left())
    }
}

/// Every SealedSecret of the files, this namespace being that of those that name none; none without
/// files.
pub(super) fn in_files(
    arguments: &[Source],
    namespace: Option<&str>,
) -> Result<Vec<Found>, Errors> {
    let mut all = Vec::new();
    let mut errors = Errors::default();
    if arguments.is_empty() {
        return Ok(all);
    }
    for input in paths::expand(arguments)? {
        let file = match &input.source {
            Source::File(path) => path.clone(),
            Source::Stdin => PathBuf::new(),
        };
        match sealed_in(&input.source, namespace) {
            Ok(None) => all.push(Found {
                place: Place::File {
                    file,
                    at: input.source.to_string(),
                },
                object: "a template and no YAML".into(),
                sealed: None,
            }),
            Ok(Some(found)) => all.extend(found.into_iter().map(|(at, sealed)| Found {
                place: Place::File {
                    file: file.clone(),
                    at,
                },
                object: called(&sealed.metadata),
                sealed: Some(sealed),
            })),
            Err(found) => errors.extend(found),
        }
    }
    errors.or(all)
}

/// Says what a backup would do to a key that has gone out of use.
pub(super) fn tell_of_old_backups() {
    report::note(
        &"backups made before now hold the key as in use: make a new one (seal keys backup), and do \
         away with those",
    );
}

/// Every SealedSecret of the cluster.
pub(super) async fn in_cluster(client: Client) -> Result<Vec<Found>, Error> {
    let objects = sealed_secrets(client).await?.into_iter();
    let found = objects.map(|object| Found {
        place: Place::Cluster,
        object: called(&object.metadata),
        sealed: serde_json::to_value(&object)
            .ok()
            .and_then(|object| SealedSecret::decode(object).ok()),
    });
    Ok(found.collect())
}
