//! Whom files are sealed for: what the command line says, then `.seal.yaml`, then a cluster.
//!
//! Here alone flags, `.seal.yaml` and certificates become [`Recipients`], for every command.

mod error;
mod options;

use std::{collections::HashMap, path::Path, sync::Arc};

use seal_envelope::{KeyId, Recipients};
use seal_keyring::Certificate;

use crate::{
    age_keys::{self, Found},
    cluster::{Connection, Published, ServiceName},
    config::{Cluster, Configs, Listed, Settings},
    error::{Error, Errors},
};
use options::{KindChoice, Origin, unassigned};

pub use error::RecipientError;
pub use options::SealingOptions;

/// How messages call the recipients that the cluster gives.
pub const CLUSTER_RECIPIENTS: &str = "the cluster's recipients";

/// Says of files what holds for them, and whom they are sealed for. Each `.seal.yaml`, each
/// certificate and each list of recipients is read once.
#[derive(Debug)]
pub struct Sealing<'a> {
    options: &'a SealingOptions,
    configs: Configs,
    certificates: HashMap<Origin, Arc<Certificate>>,
    lists: HashMap<Origin, Arc<[Found]>>,
    named: Option<Arc<[Found]>>,
}

impl<'a> Sealing<'a> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(options: &'a SealingOptions) -> Self {
        Self {
            options,
            configs: Configs::default(),
            certificates: HashMap::new(),
            lists: HashMap::new(),
            named: None,
        }
    }

    /// What `.seal.yaml` says of a file, which need not be there; nothing with `--no-config`.
    ///
    /// # Errors
    /// Everything that is wrong with that `.seal.yaml`.
    pub fn settings_of(&mut self, file: &Path) -> Result<Settings, Errors> {
        match self.options.no_config {
            true => Ok(Settings::default()),
            false => self.configs.settings_of(file),
        }
    }

    /// Whom a file is sealed for: the key of a certificate, or age recipients, all of them allowed by
    /// the pins.
    ///
    /// # Errors
    /// [`Error::Recipients`], [`Error::AgeKey`], [`Error::Certificate`], [`Error::Expired`],
    /// [`Error::Unpinned`], [`Error::Unassigned`], [`Error::NoCertificate`], and those of the place where
    /// they come from.
    pub fn recipients(&mut self, settings: &Settings) -> Result<Recipients, Error> {
        if self.options.seals_for_age(settings)? {
            return Ok(age_keys::together(&self.age_recipients(settings)?)?);
        }
        Ok(self.certificate(settings)?.recipients().clone())
    }

    /// The certificate to seal with, fit for sealing now. Warns of what will soon make it unfit.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Expired`], [`Error::Unpinned`], [`Error::Unassigned`],
    /// [`Error::NoCertificate`], [`Error::Recipients`], and those of the place where it comes from.
    fn certificate(&mut self, settings: &Settings) -> Result<Arc<Certificate>, Error> {
        if !settings.escrow.is_empty() {
            let config = settings.config.clone().unwrap_or_default();
            return Err(RecipientError::EscrowNeedsAge { config }.into());
        }
        if settings.clusters.len() > 1 {
            let clusters = settings.clusters.iter().map(|it| it.name.clone());
            return Err(RecipientError::SeveralClusters {
                file: settings.file.clone(),
                clusters: clusters.collect(),
            }
            .into());
        }
        let origin = self.options.origin(settings)?;
        self.certificate_from(&origin, settings)
    }

    /// The certificate with which the cluster of a file seals now, wherever the file's own comes from.
    ///
    /// # Errors
    /// As for a certificate that is sealed with.
    pub fn certificate_of_cluster(
        &mut self,
        settings: &Settings,
    ) -> Result<Arc<Certificate>, Error> {
        let (context, service) = self.controller(settings);
        self.certificate_from(&Origin::Cluster { context, service }, settings)
    }

    /// The certificate with which the cluster of the command line seals now, whatever `.seal.yaml`
    /// says of the file; its pins hold all the same.
    ///
    /// # Errors
    /// As for a certificate that is sealed with.
    pub fn certificate_at_hand(&mut self, settings: &Settings) -> Result<Arc<Certificate>, Error> {
        let context = self.options.connection.context().map(str::to_owned);
        let service = self.options.service();
        self.certificate_from(&Origin::Cluster { context, service }, settings)
    }

    /// The recipient that the cluster of the command line publishes now, whatever `.seal.yaml` says of
    /// the file; its pins hold all the same.
    ///
    /// # Errors
    /// Those of the cluster, also where it has no age key, and [`RecipientError::Unpinned`].
    pub fn recipients_at_hand(&mut self, settings: &Settings) -> Result<Recipients, Error> {
        let context = self.options.connection.context().map(str::to_owned);
        let service = self.options.service();
        let namespace = service.namespace.clone();
        let list = self.list(&Origin::Cluster { context, service })?;
        if list.is_empty() {
            return Err(RecipientError::Unpublished { namespace }.into());
        }
        self.expect_pinned(&list, settings)?;
        Ok(age_keys::together(&list)?)
    }

    /// Whether the command line wants hybrid envelopes and no others.
    #[must_use]
    pub fn is_for_hybrid_alone(&self) -> bool {
        self.options.kind == KindChoice::Hybrid
    }

    /// The key of the recipient that the cluster of a file publishes; `None` where it has no age key.
    ///
    /// # Errors
    /// Those of the cluster, and [`RecipientError::Unpinned`].
    pub fn recipient_of_cluster(&mut self, settings: &Settings) -> Result<Option<KeyId>, Error> {
        let (context, service) = self.controller(settings);
        let list = self.list(&Origin::Cluster { context, service })?;
        self.expect_pinned(&list, settings)?;
        Ok(list.first().map(|found| found.recipient.id().clone()))
    }

    /// The controller to ask about a file, and the context of the kubeconfig that leads to it, where
    /// one is named.
    #[must_use]
    pub fn controller(&self, settings: &Settings) -> (Option<String>, ServiceName) {
        self.controller_of(settings.clusters.first())
    }

    fn controller_of(&self, cluster: Option<&Arc<Cluster>>) -> (Option<String>, ServiceName) {
        let configured = cluster.and_then(|cluster| cluster.context.as_deref());
        let context = self.options.connection.context().or(configured);
        let service = self
            .options
            .controller
            .service(cluster.map(|cluster| &cluster.controller));
        (context.map(str::to_owned), service)
    }

    /// How the cluster of this context is reached.
    #[must_use]
    pub fn connection(&self, context: Option<&str>) -> Connection {
        self.options.connection.with_context(context)
    }

    fn certificate_from(
        &mut self,
        origin: &Origin,
        settings: &Settings,
    ) -> Result<Arc<Certificate>, Error> {
        let certificate = match self.certificates.get(origin) {
            Some(certificate) => Arc::clone(certificate),
            None => {
                let certificate = Arc::new(self.options.fetch(origin)?);
                self.certificates
                    .insert(origin.clone(), Arc::clone(&certificate));
                certificate
            }
        };
        let key = certificate.key_id();
        for cluster in &settings.clusters {
            if !cluster.takes(key) {
                return Err(Error::Unpinned {
                    from: origin.to_string(),
                    key: key.clone(),
                    cluster: cluster.name.clone(),
                    config: settings.config.clone().unwrap_or_default(),
                });
            }
        }
        Ok(certificate)
    }

    /// Everybody who can open what is sealed in a file: those of the command line, or those of its
    /// clusters, and the escrow of `.seal.yaml`.
    fn age_recipients(&mut self, settings: &Settings) -> Result<Vec<Found>, Error> {
        let mut all = Vec::new();
        if self.options.age.are_given() {
            let named = self.named()?;
            self.expect_pinned(&named, settings)?;
            all.extend(named.iter().cloned());
        } else if self.options.connection.names_a_cluster() {
            let (context, service) = self.controller(settings);
            let namespace = service.namespace.clone();
            let list = self.list(&Origin::Cluster { context, service })?;
            if list.is_empty() {
                return Err(RecipientError::Unpublished { namespace }.into());
            }
            self.expect_pinned(&list, settings)?;
            all.extend(list.iter().cloned());
        } else if settings.clusters.is_empty() {
            return Err(unassigned(settings, RecipientError::Nobody.into()));
        }
        if all.is_empty() {
            for cluster in &settings.clusters {
                all.extend(self.recipients_of(cluster, settings)?);
            }
        }
        for named in &settings.escrow {
            all.extend(self.found(named)?.iter().cloned());
        }
        Ok(all)
    }

    fn named(&mut self) -> Result<Arc<[Found]>, Error> {
        if self.options.age.take_stdin() {
            return Err(RecipientError::Stdin.into());
        }
        if let Some(named) = &self.named {
            return Ok(Arc::clone(named));
        }
        let read: Arc<[Found]> = self.options.age.read()?.into();
        self.named = Some(Arc::clone(&read));
        Ok(read)
    }

    /// The recipients of one cluster of `.seal.yaml`, of which every one must be pinned, where it has
    /// pins.
    fn recipients_of(
        &mut self,
        cluster: &Arc<Cluster>,
        settings: &Settings,
    ) -> Result<Vec<Found>, Error> {
        let config = || settings.config.clone().unwrap_or_default();
        let mut all = Vec::new();
        for named in &cluster.recipients {
            all.extend(self.found(named)?.iter().cloned());
        }
        if all.is_empty() && cluster.context.is_some() {
            let (context, service) = self.controller_of(Some(cluster));
            let list = self.list(&Origin::Cluster { context, service })?;
            all.extend(list.iter().cloned());
        }
        if all.is_empty() {
            return Err(RecipientError::NoRecipients {
                cluster: cluster.name.clone(),
                config: config(),
            }
            .into());
        }
        for found in &all {
            let key = found.recipient.id();
            if !cluster.takes(key) {
                return Err(RecipientError::Unpinned {
                    at: found.at.clone(),
                    key: key.clone(),
                    cluster: cluster.name.clone(),
                    config: config(),
                }
                .into());
            }
        }
        Ok(all)
    }

    fn found(&mut self, named: &Listed) -> Result<Arc<[Found]>, Error> {
        match named {
            Listed::Inline(found) => Ok(Arc::from([found.clone()])),
            Listed::At(place) => self.list(&Origin::Place(place.clone())),
        }
    }

    fn list(&mut self, origin: &Origin) -> Result<Arc<[Found]>, Error> {
        if let Some(list) = self.lists.get(origin) {
            return Ok(Arc::clone(list));
        }
        let list: Arc<[Found]> = match origin {
            Origin::Place(place) => {
                let (from, text) = place.read(Published::Recipients)?;
                age_keys::in_text(&from, &text)?.into()
            }
            Origin::Cluster { context, service } => self
                .options
                .fetch_recipients(context.as_deref(), service)?
                .into(),
        };
        self.lists.insert(origin.clone(), Arc::clone(&list));
        Ok(list)
    }

    /// Recipients that nobody assigns to a cluster must be pinned for one of the file's.
    fn expect_pinned(&mut self, all: &[Found], settings: &Settings) -> Result<(), Error> {
        let mut escrow = Vec::new();
        for named in &settings.escrow {
            escrow.extend(self.found(named)?.iter().cloned());
        }
        let is_escrow = |key: &KeyId| escrow.iter().any(|found| found.recipient.id() == key);
        for found in all {
            let key = found.recipient.id();
            let Some(cluster) = settings.clusters.first() else {
                break;
            };
            if !settings.clusters.iter().any(|it| it.takes(key)) && !is_escrow(key) {
                return Err(RecipientError::Unpinned {
                    at: found.at.clone(),
                    key: key.clone(),
                    cluster: cluster.name.clone(),
                    config: settings.config.clone().unwrap_or_default(),
                }
                .into());
            }
        }
        Ok(())
    }
}
