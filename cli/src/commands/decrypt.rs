//! `seal decrypt`: SealedSecrets and private keys in, Secrets out.

use std::path::{Path, PathBuf};

use clap::{Args, builder::NonEmptyStringValueParser};
use seal_api::SealedSecret;
use seal_envelope::Identity;
use seal_manifest::{Location, Node};
use seal_sealing::{Cause, FailedItem, ItemError, UnsealError, diagnose, key_hints, unseal};

use crate::{
    confirm::Confirmation,
    error::{Error, Errors},
    identities,
    input::{self, Source, place_of},
    naming::{Naming, called, expect_named},
    output::{self, Format, Privacy},
    plain::Plain,
};

/// Recovers Secrets from SealedSecrets with the private keys, offline.
///
/// For the day when a cluster is lost but its keys are not. Reads YAML or JSON with any number of
/// documents, Lists included, and prints all Secrets or, when any item does not open, none, and
/// tells for each why. The owner reference that the controller would set is left out, for without
/// the SealedSecret's uid API servers refuse it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Decrypt {
    /// Private keys: PEM, age identities as age-keygen writes them, or key Secrets in YAML or JSON; may
    /// be repeated, - is standard input
    #[arg(short, long = "identity", value_name = "FILE", required = true)]
    identities: Vec<Source>,

    /// Files with SealedSecrets; - or nothing is standard input
    #[arg(value_name = "FILE")]
    files: Vec<Source>,

    /// The namespace of SealedSecrets that name none; one that names another is an error
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// How to write: yaml unless the output file is called .json
    #[arg(short = 'o', long, value_name = "FORMAT")]
    format: Option<Format>,

    /// Where to write, readable for its owner alone; at a terminal it asks before it replaces a file
    #[arg(short = 'w', long, value_name = "FILE")]
    output_file: Option<PathBuf>,

    #[command(flatten)]
    confirmation: Confirmation,
}

const EXAMPLES: &str = "\
Examples:
  Keep the keys in a safe place while the cluster lives:
    kubectl get secret -n kube-system \\
      -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml > keys.yaml
  Recover:
    seal decrypt --identity keys.yaml sealed.yaml | kubectl apply -f -
  With the escrow key, whatever has become of the clusters:
    seal decrypt --identity escrow.key sealed.yaml | kubectl apply -f -

Exit status: 0 everything opened, 2 something did not, or could not be read.";

impl Decrypt {
    /// Carries it out.
    ///
    /// # Errors
    /// Every item that does not open, with its cause; then nothing was printed or written.
    pub fn run(self) -> Result<(), Errors> {
        let sources = input::or_stdin(self.files.clone())?;
        input::expect_one_stdin(sources.iter().chain(&self.identities))?;
        let mut identities = Vec::new();
        for source in &self.identities {
            identities.extend(identities::read(source)?);
        }
        let secrets = input::map_objects(&sources, "SealedSecret", "opening", |node| {
            self.open(node, &identities)
        })?;
        let file = self.output_file.as_deref();
        let text = Format::choose(self.format, file).write(&secrets)?;
        if let Some(file) = file.filter(|file| is_regular_file(file)) {
            let question = format!("Replace {} by Secrets in plaintext?", file.display());
            self.confirmation.ask_before_loss(&question)?;
        }
        Ok(output::write(file, text.as_bytes(), Privacy::Private)?)
    }

    fn open(&self, node: &Node<'_>, identities: &[Identity]) -> Result<Plain, Errors> {
        let at = node.location();
        let mut sealed = SealedSecret::decode(node.to_json()?)
            .map_err(|error| Error::SealedSecret { at, error })?;
        let naming = Naming {
            name: None,
            namespace: self.namespace.as_deref(),
        };
        naming.apply(&mut sealed.metadata, node)?;
        let hints = key_hints(&sealed.metadata);
        let mut identities: Vec<&Identity> = identities.iter().collect();
        identities.sort_by_key(|identity| !hints.contains(identity.id()));
        match unseal(&sealed, &identities, true) {
            Ok(unsealed) => Ok(Plain::encoded(unsealed.secret)),
            Err(error) => {
                // An object without a namespace opens when it was sealed without one.
                expect_named(&sealed.metadata, sealed.scope(), node)?;
                Err(explained(error, &sealed, node, &identities))
            }
        }
    }
}

/// Not a device, which keeps nothing, and not `-`.
fn is_regular_file(path: &Path) -> bool {
    path != Path::new("-") && path.is_file()
}

/// One error for each item that failed.
fn explained(
    error: UnsealError,
    sealed: &SealedSecret,
    node: &Node<'_>,
    identities: &[&Identity],
) -> Errors {
    let failed = |item: String, at: Location, why: String| Error::Unseal {
        at,
        called: called(&sealed.metadata),
        item,
        why,
    };
    let why = |error: &ItemError, text: Option<&String>| match (error, text) {
        (ItemError::NoKey, Some(text)) => diagnose(sealed, text, identities).to_string(),
        (ItemError::Base64(_), _) => format!("{error}: {}", Cause::Corrupt),
        _ => error.to_string(),
    };
    match error {
        UnsealError::Items(items) => items
            .into_iter()
            .map(|FailedItem { item, error }| {
                let at = match error {
                    ItemError::Template(_) => place_of(node, &["spec", "template", "data", &item]),
                    _ => place_of(node, &["spec", "encryptedData", &item]),
                };
                let why = why(&error, sealed.spec.encrypted_data.get(&item));
                failed(item, at, why)
            })
            .collect(),
        UnsealError::V1(error) => {
            let why = why(&error, sealed.spec.data.as_ref());
            failed("data".into(), place_of(node, &["spec", "data"]), why).into()
        }
        error => {
            let at = place_of(node, &["spec", "data"]);
            failed("data".into(), at, error.to_string()).into()
        }
    }
}
