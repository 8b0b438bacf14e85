//! `seal init`: a `.seal.yaml` for a repository.

use std::{
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use clap::{Args, builder::NonEmptyStringValueParser};
use jiff::Timestamp;
use seal_keyring::Certificate;
use serde_json::{Map, Value, json};

use crate::{
    certificate::{self, CLUSTER, Place},
    cluster::{Connection, Controller},
    config::FILE_NAME,
    confirm::Confirmation,
    error::{Error, Errors},
    output::{Batch, Directories, OutputError, Privacy},
    report,
};

/// Makes a repository ready: writes .seal.yaml and the cluster's certificate.
///
/// The certificate comes from the cluster, by way of the kubeconfig, or from --cert. Its fingerprint
/// is shown and has to be confirmed: compare it with what the cluster's administrator says, for
/// whoever puts another key there can read what is sealed. Both files are public and belong into
/// Git; from then on seal encrypt needs neither options nor a cluster.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Init {
    /// What .seal.yaml calls the cluster; the name of its context unless given
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,

    /// The certificate, instead of the one that the cluster publishes: a PEM file, or a file:, http:
    /// or https: URL
    #[arg(long, value_name = "FILE|URL")]
    cert: Option<OsString>,

    /// Write the fingerprint down, too: every other key is refused until somebody adds it, also the
    /// one that the controller makes next
    #[arg(long)]
    pin: bool,

    #[command(flatten)]
    confirmation: Confirmation,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = "\
Examples:
  seal init
  seal init prod --context prod-eu --pin
  seal init --cert https://pki.example/cert.pem --yes";

const HEAD: &str = "\
# For which cluster seal encrypts the files below this directory, and how.
";

const RULES: &str = "\
# With several clusters, or another scope for some files, the first rule whose path matches counts:
# rules:
#   - path: apps/prod
#     clusters: [NAME]
#     scope: namespace-wide
";

/// A certificate, and where `.seal.yaml` finds it.
struct Found {
    from: String,
    pem: Vec<u8>,
    certificate: Certificate,
    context: Option<String>,
    /// Where it stands already.
    file: Option<PathBuf>,
}

impl Init {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way; then nothing was written.
    pub fn run(self) -> Result<(), Errors> {
        let config = Path::new(FILE_NAME);
        expect_absent(config)?;
        let found = self.find()?;
        let name = self.name.clone().or_else(|| found.context.clone());
        let name = name.unwrap_or_else(|| "cluster".to_owned());
        let file = match &found.file {
            Some(file) => file.clone(),
            None => Path::new("certs").join(format!("{}.pem", file_name(&name))),
        };
        if found.file.is_none() {
            expect_absent(&file)?;
        }
        report::note(&format_args!(
            "{}: key {}, certificate valid until {}",
            found.from,
            found.certificate.key_id(),
            found.certificate.not_after()
        ));
        self.confirmation.ask(&format!(
            "Seal for this key, as that of the cluster {name}?"
        ))?;
        let text = self.text(&name, &file, &found)?;
        let mut directories = Directories::default();
        let mut batch = Batch::default();
        if found.file.is_none() {
            directories.make_for(&file)?;
            batch.add(&file, &found.pem, Privacy::Public)?;
        }
        batch.add(config, text.as_bytes(), Privacy::Public)?;
        batch.commit()?;
        directories.keep();
        report::note(&format_args!(
            "wrote {FILE_NAME}; commit it together with {}",
            file.display()
        ));
        Ok(())
    }

    fn find(&self) -> Result<Found, Error> {
        let (from, pem, context, file) = match self.cert.clone().map(Place::from) {
            Some(place) => {
                let (from, pem) = place.read()?;
                let file = match place {
                    Place::File(path) if is_below_here(&path) => Some(path),
                    _ => None,
                };
                let context = self.connection.context().map(str::to_owned);
                (from, pem, context, file)
            }
            None => {
                let context = self.connection.current_context()?;
                let service = self.controller.service(None);
                let pem = certificate::from_cluster(&service, &self.connection)?;
                (CLUSTER.to_owned(), pem, context, None)
            }
        };
        let certificate = certificate::parse(&from, &pem)?;
        certificate::expect_valid(&from, &certificate, Timestamp::now())?;
        Ok(Found {
            from,
            pem,
            certificate,
            context,
            file,
        })
    }

    fn text(&self, name: &str, file: &Path, found: &Found) -> Result<String, Error> {
        let file = file
            .to_string_lossy()
            .replace(std::path::MAIN_SEPARATOR, "/");
        let mut cluster = Map::new();
        cluster.insert("certificate".into(), file.into());
        if let Some(context) = &found.context {
            cluster.insert("context".into(), context.as_str().into());
        }
        let controller = self.controller.said();
        if !controller.is_empty() {
            cluster.insert("controller".into(), Value::Object(controller));
        }
        if self.pin {
            cluster.insert("pins".into(), json!([found.certificate.key_id().as_str()]));
        }
        let config = json!({ "clusters": { name: cluster } });
        let text = seal_manifest::to_yaml(&config)?;
        let rules = RULES.replace("NAME", name);
        Ok(format!("{HEAD}{}{rules}", text.as_str()))
    }
}

fn expect_absent(file: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(file) {
        Ok(_) => Err(OutputError::Exists {
            file: file.to_owned(),
        }
        .into()),
        Err(_) => Ok(()),
    }
}

/// Whether other people's copies of the repository have it in the same place.
fn is_below_here(path: &Path) -> bool {
    let mut parts = path.components();
    parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Contexts are called `arn:aws:eks:…:cluster/prod`.
fn file_name(name: &str) -> String {
    let is_fit = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let last = name.rsplit('/').next().unwrap_or(name);
    let fit: String = last
        .chars()
        .map(|letter| if is_fit(letter) { letter } else { '-' })
        .collect();
    match fit.trim_matches('.') {
        "" => "cluster".to_owned(),
        fit => fit.to_owned(),
    }
}
