//! `seal keys fetch`: the certificate that the cluster publishes.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::{
    certificate,
    cluster::{Connection, Controller},
    error::Errors,
    output::{self, Privacy},
    report,
};

/// Fetches the certificate to seal with.
///
/// It is public: keep it in Git, and sealing needs no cluster. It comes from the ConfigMap in which
/// the controller publishes it, or else from the controller itself, through the API server. Standard
/// error tells the key's id and when the certificate expires.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Fetch {
    /// Where to write it instead of standard output
    #[arg(short = 'w', visible_short_alias = 'o', long, value_name = "FILE")]
    output_file: Option<PathBuf>,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = "\
Examples:
  seal keys fetch -w cert.pem
  seal keys fetch --context staging --controller-namespace sealed-secrets > staging.pem";

impl Fetch {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way; then nothing was written.
    pub fn run(self) -> Result<(), Errors> {
        let service = self.controller.service(None);
        let pem = certificate::from_cluster(&service, &self.connection)?;
        let certificate = certificate::parse(certificate::CLUSTER, &pem)?;
        output::write(self.output_file.as_deref(), &pem, Privacy::Public)?;
        let (key, not_after) = (certificate.key_id(), certificate.not_after());
        report::note(&format_args!(
            "key {key}, certificate valid until {not_after}"
        ));
        if certificate.is_expired(Timestamp::now()) {
            report::warning(&"this certificate has expired: nothing can be sealed with it");
        }
        Ok(())
    }
}
