//! What the command line says of whom to seal for.

use std::{ffi::OsString, fmt, path::Path, sync::Arc};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use seal_envelope::Recipients;
use seal_keyring::Certificate;

use super::{CLUSTER_RECIPIENTS, RecipientError, Sealing};
use crate::{
    age_keys::{self, Found, RecipientOptions},
    certificate::{CLUSTER, Place, certificate_of_cluster, expect_valid, from_cluster, parse},
    cluster::{Connection, Controller, Published, ServiceName},
    config::{Cluster, Settings},
    error::{Error, Errors},
};

/// The options that say whom to seal for.
#[derive(Debug, Args)]
pub struct SealingOptions {
    /// The certificate to seal with: a PEM file, or a file:, http: or https: URL.
    ///
    /// Without it .seal.yaml says with which, or the cluster that --context, --cluster, --server or
    /// --kubeconfig names is asked. When it cannot be reached, the certificate that it gave last is
    /// used.
    #[arg(
        long,
        value_name = "FILE|URL",
        env = "SEALED_SECRETS_CERT",
        hide_env_values = true
    )]
    cert: Option<OsString>,

    #[command(flatten)]
    pub(super) age: RecipientOptions,

    /// What to make of a value: an age envelope, which several clusters and an escrow key can open,
    /// or a hybrid one, which one cluster opens, that of Sealed Secrets too.
    ///
    /// auto makes age envelopes where age recipients are named, here or in .seal.yaml, and hybrid
    /// ones otherwise. age asks a cluster for its recipients where nothing names them.
    #[arg(long, value_name = "KIND", default_value = "auto")]
    pub(super) kind: KindChoice,

    /// Look at no .seal.yaml
    #[arg(long)]
    pub(super) no_config: bool,

    #[command(flatten)]
    pub(super) controller: Controller,

    #[command(flatten)]
    pub(super) connection: Connection,
}

/// Which kind of envelopes is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum KindChoice {
    /// As the recipients have it.
    Auto,
    /// For age recipients.
    Age,
    /// With a certificate.
    Hybrid,
}

impl SealingOptions {
    /// Whom to seal for in this file.
    ///
    /// # Errors
    /// Those of [`Sealing`].
    pub fn recipients_for(&self, file: &Path) -> Result<Recipients, Errors> {
        let mut sealing = Sealing::new(self);
        let settings = sealing.settings_of(file)?;
        Ok(sealing.recipients(&settings)?)
    }

    /// The controller of the command line.
    #[must_use]
    pub fn service(&self) -> ServiceName {
        self.controller.service(None)
    }

    /// How the cluster of the command line is reached.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    fn cert(&self) -> Option<&OsString> {
        self.cert.as_ref().filter(|cert| !cert.is_empty())
    }

    /// What to make of the values of a file.
    pub(super) fn seals_for_age(&self, settings: &Settings) -> Result<bool, RecipientError> {
        let has_recipients = |cluster: &Arc<Cluster>| !cluster.recipients.is_empty();
        match self.kind {
            KindChoice::Age => Ok(true),
            KindChoice::Hybrid => Ok(false),
            KindChoice::Auto if self.age.are_given() => match self.cert() {
                Some(_) => Err(RecipientError::Both),
                None => Ok(true),
            },
            KindChoice::Auto if self.cert().is_some() || self.connection.names_a_cluster() => {
                Ok(false)
            }
            KindChoice::Auto => {
                Ok(settings.clusters.len() > 1 || settings.clusters.iter().any(has_recipients))
            }
        }
    }

    /// Where the certificate comes from. What the command line says comes first.
    pub(super) fn origin(&self, settings: &Settings) -> Result<Origin, Error> {
        let cluster = settings.clusters.first();
        let named = cluster.and_then(|cluster| cluster.certificate.as_ref());
        let context = cluster.and_then(|cluster| cluster.context.clone());
        match (self.cert(), named, cluster) {
            (Some(cert), ..) => Ok(Origin::Place(Place::from(cert.clone()))),
            (None, Some(place), _) if !self.connection.names_a_cluster() => {
                Ok(Origin::Place(place.clone()))
            }
            _ if context.is_some() || self.connection.names_a_cluster() => Ok(Origin::Cluster {
                context: self.connection.context().map(str::to_owned).or(context),
                service: self.controller.service(cluster.map(|it| &it.controller)),
            }),
            (None, _, Some(cluster)) => Err(RecipientError::NoCertificate {
                cluster: cluster.name.clone(),
                config: settings.config.clone().unwrap_or_default(),
            }
            .into()),
            _ => Err(unassigned(settings, Error::NoCertificate)),
        }
    }

    pub(super) fn fetch(&self, origin: &Origin) -> Result<Certificate, Error> {
        let (from, pem) = match origin {
            Origin::Place(place) => place.read(Published::Certificate)?,
            Origin::Cluster { context, service } => {
                let connection = self.connection.with_context(context.as_deref());
                let pem = certificate_of_cluster(service, &connection)?;
                (CLUSTER.into(), pem.into())
            }
        };
        let certificate = parse(&from, &pem)?;
        expect_valid(&from, &certificate, Timestamp::now())?;
        Ok(certificate)
    }

    /// The recipients that a cluster publishes; none where it has no age key.
    pub(super) fn fetch_recipients(
        &self,
        context: Option<&str>,
        service: &ServiceName,
    ) -> Result<Vec<Found>, Error> {
        let connection = self.connection.with_context(context);
        match from_cluster(service, &connection, Published::Recipients)? {
            Some(text) => age_keys::in_text(CLUSTER_RECIPIENTS, &text),
            None => Ok(Vec::new()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    Place(Place),
    Cluster {
        context: Option<String>,
        service: ServiceName,
    },
}

/// Nothing names a cluster, or nothing decides between several.
pub(super) fn unassigned(settings: &Settings, otherwise: Error) -> Error {
    match &settings.config {
        Some(config) => Error::Unassigned {
            file: settings.file.clone(),
            config: config.clone(),
        },
        None => otherwise,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(f),
            Self::Cluster { .. } => f.write_str(CLUSTER),
        }
    }
}
