//! `seal init`: a `.seal.yaml` for a repository.

use std::{
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use clap::{Args, builder::NonEmptyStringValueParser};
use jiff::Timestamp;
use seal_envelope::KeyId;
use seal_keyring::Certificate;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::{
    age_keys,
    certificate::{self, CLUSTER, Place},
    cluster::{Connection, Controller, Published},
    config::FILE_NAME,
    confirm::Confirmation,
    error::{Error, Errors},
    output::{Batch, Directories, OutputError, Privacy},
    recipients::CLUSTER_RECIPIENTS,
    report,
};

/// Makes a repository ready: writes .seal.yaml and the cluster's public keys.
///
/// The certificate comes from the cluster, by way of the kubeconfig, or from --cert; where the
/// cluster publishes age recipients, they are written, too, and sealed for. The fingerprints are
/// shown and have to be confirmed: compare them with what the cluster's administrator says, for
/// whoever puts another key there can read what is sealed. All files are public and belong into
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

    /// Write the fingerprints down, too: every other key is refused until somebody adds it, also the
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
    pem: Zeroizing<Vec<u8>>,
    certificate: Certificate,
    /// The age recipients that the cluster publishes, as text and parsed.
    recipients: Option<(Vec<u8>, Vec<age_keys::Found>)>,
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
        let list = found
            .recipients
            .as_ref()
            .map(|_| file.with_extension("txt"));
        if let Some(list) = &list {
            expect_absent(list)?;
        }
        report::note(&format_args!(
            "{}: key {}, certificate valid until {}",
            found.from,
            found.certificate.key_id(),
            found.certificate.not_after()
        ));
        for key in found.age_keys() {
            let (id, kind) = (key.recipient.id(), key.recipient.kind());
            report::note(&format_args!("{CLUSTER_RECIPIENTS}: key {id}, {kind}"));
        }
        let keys = match found.recipients.is_some() {
            true => "these keys, as those",
            false => "this key, as that",
        };
        self.confirmation
            .ask(&format!("Seal for {keys} of the cluster {name}?"))?;
        let text = self.text(&name, &file, list.as_deref(), &found)?;
        let mut directories = Directories::default();
        let mut batch = Batch::default();
        if found.file.is_none() {
            directories.make_for(&file)?;
            batch.add(&file, &found.pem, Privacy::Public)?;
        }
        if let (Some(list), Some((text, _))) = (&list, &found.recipients) {
            directories.make_for(list)?;
            batch.add(list, text, Privacy::Public)?;
        }
        batch.add(config, text.as_bytes(), Privacy::Public)?;
        batch.commit()?;
        directories.keep();
        let mut with = file.display().to_string();
        if let Some(list) = list {
            with = format!("{with} and {}", list.display());
        }
        report::note(&format_args!(
            "wrote {FILE_NAME}; commit it together with {with}"
        ));
        Ok(())
    }

    fn find(&self) -> Result<Found, Error> {
        let (from, pem, context, file, recipients) = match self.cert.clone().map(Place::from) {
            Some(place) => {
                let (from, pem) = place.read(Published::Certificate)?;
                let file = match place {
                    Place::File(path) if is_below_here(&path) => Some(path),
                    _ => None,
                };
                let context = self.connection.context().map(str::to_owned);
                (from, pem, context, file, None)
            }
            None => {
                let context = self.connection.current_context()?;
                let service = self.controller.service(None);
                let pem = certificate::certificate_of_cluster(&service, &self.connection)?;
                let text =
                    certificate::from_cluster(&service, &self.connection, Published::Recipients)?;
                let parsed = |text: Vec<u8>| {
                    let found = age_keys::in_text(CLUSTER_RECIPIENTS, &text)?;
                    Ok::<_, Error>((text, found))
                };
                let recipients = text.map(parsed).transpose()?;
                (CLUSTER.to_owned(), pem.into(), context, None, recipients)
            }
        };
        let certificate = certificate::parse(&from, &pem)?;
        certificate::expect_valid(&from, &certificate, Timestamp::now())?;
        Ok(Found {
            from,
            pem,
            certificate,
            recipients,
            context,
            file,
        })
    }

    fn text(
        &self,
        name: &str,
        file: &Path,
        list: Option<&Path>,
        found: &Found,
    ) -> Result<String, Error> {
        let portable = |path: &Path| {
            let path = path.to_string_lossy();
            path.replace(std::path::MAIN_SEPARATOR, "/")
        };
        let mut cluster = Map::new();
        cluster.insert("certificate".into(), portable(file).into());
        if let Some(list) = list {
            cluster.insert("recipients".into(), json!([portable(list)]));
        }
        if let Some(context) = &found.context {
            cluster.insert("context".into(), context.as_str().into());
        }
        let controller = self.controller.said();
        if !controller.is_empty() {
            cluster.insert("controller".into(), Value::Object(controller));
        }
        if self.pin {
            let ages = found.age_keys().iter().map(|key| key.recipient.id());
            let pins = std::iter::once(found.certificate.key_id()).chain(ages);
            let pins: Vec<_> = pins.map(KeyId::as_str).collect();
            cluster.insert("pins".into(), json!(pins));
        }
        let config = json!({ "clusters": { name: cluster } });
        let text = seal_manifest::to_yaml(&config)?;
        let rules = RULES.replace("NAME", name);
        Ok(format!("{HEAD}{}{rules}", text.as_str()))
    }
}

impl Found {
    fn age_keys(&self) -> &[age_keys::Found] {
        let keys = self.recipients.as_ref().map(|(_, keys)| keys.as_slice());
        keys.unwrap_or_default()
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
