//! `seal keys fetch`: the public keys that the cluster publishes.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use seal_envelope::KeyId;

use crate::{
    age_keys, certificate,
    cluster::{Connection, Controller, Published, ServiceName},
    config::{Configs, Settings},
    error::{Error, Errors},
    input::NO_FILE,
    output::{self, Privacy},
    recipients::{CLUSTER_RECIPIENTS, RecipientError},
    report,
};

/// Fetches the certificate to seal with, or the age recipients to seal for.
///
/// They are public: keep them in Git, and sealing needs no cluster. They come from the ConfigMap in
/// which the controller publishes them, or else from the controller itself, through the API server.
/// Standard error tells the key's id and when the certificate expires.
///
/// Which context and which controller, .seal.yaml says where the command line does not, by the path
/// of the file that is written.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Fetch {
    /// Where to write it instead of standard output
    #[arg(short = 'w', visible_short_alias = 'o', long, value_name = "FILE")]
    output_file: Option<PathBuf>,

    /// The age recipients instead of the certificate, as a file for --recipients-file, .seal.yaml or
    /// age itself
    #[arg(long)]
    recipients: bool,

    /// Look at no .seal.yaml
    #[arg(long)]
    no_config: bool,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = "\
Examples:
  seal keys fetch -w cert.pem
  seal keys fetch --recipients -w recipients.txt
  seal keys fetch --context staging --controller-namespace sealed-secrets > staging.pem";

impl Fetch {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way; then nothing was written.
    pub fn run(self) -> Result<(), Errors> {
        let settings = self.settings()?;
        let cluster = settings.clusters.first();
        let service = self.controller.service(cluster.map(|it| &it.controller));
        let configured = cluster.and_then(|it| it.context.as_deref());
        let connection = match configured.filter(|_| !self.connection.names_a_cluster()) {
            Some(context) => self.connection.with_context(Some(context)),
            None => self.connection.clone(),
        };
        match self.recipients {
            true => self.recipients(&service, &connection, &settings),
            false => self.certificate(&service, &connection, &settings),
        }
    }

    fn certificate(
        &self,
        service: &ServiceName,
        connection: &Connection,
        settings: &Settings,
    ) -> Result<(), Errors> {
        let pem = certificate::certificate_of_cluster(service, connection)?;
        let certificate = certificate::parse(certificate::CLUSTER, &pem)?;
        output::write(self.output_file.as_deref(), &pem, Privacy::Public)?;
        let (key, not_after) = (certificate.key_id(), certificate.not_after());
        report::note(&format_args!(
            "key {key}, certificate valid until {not_after}"
        ));
        if certificate.is_expired(Timestamp::now()) {
            report::warning(&"this certificate has expired: nothing can be sealed with it");
        }
        warn_of_unpinned(key, settings);
        Ok(())
    }

    fn recipients(
        &self,
        service: &ServiceName,
        connection: &Connection,
        settings: &Settings,
    ) -> Result<(), Errors> {
        let Some(text) = certificate::from_cluster(service, connection, Published::Recipients)?
        else {
            let namespace = service.namespace.clone();
            return Err(Error::from(RecipientError::Unpublished { namespace }).into());
        };
        let found = age_keys::in_text(CLUSTER_RECIPIENTS, &text)?;
        output::write(self.output_file.as_deref(), &text, Privacy::Public)?;
        for found in &found {
            let (key, kind) = (found.recipient.id(), found.recipient.kind());
            report::note(&format_args!("key {key}, {kind}"));
            warn_of_unpinned(key, settings);
        }
        Ok(())
    }

    fn settings(&self) -> Result<Settings, Errors> {
        let file = self.output_file.as_deref();
        match self.no_config {
            true => Ok(Settings::default()),
            false => Configs::default().settings_of(file.unwrap_or(Path::new(NO_FILE))),
        }
    }
}

fn warn_of_unpinned(key: &KeyId, settings: &Settings) {
    let config = settings.config.as_deref().unwrap_or(Path::new(""));
    for cluster in settings.clusters.iter().filter(|it| !it.takes(key)) {
        report::warning(&format_args!(
            "this key is none of those that {} pins for the cluster {}; nothing is sealed with it \
             until somebody makes sure of it and adds it",
            config.display(),
            cluster.name
        ));
    }
}
