//! `seal encrypt`: Secrets in, SealedSecrets out.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser},
};
use seal_api::{Scope, SealedSecret};
use seal_keyring::Certificate;
use seal_manifest::{Node, Scalar};
use seal_sealing::{Secret, SecretError, seal};

use crate::{
    certificate::CertificateOptions,
    error::{Error, Errors},
    input::{self, Source},
    naming::{Naming, called, expect_named},
    output::{self, Format, Privacy},
};

/// What the API server allows (`MaxSecretSize`), all values of one Secret together.
pub const MOST_DATA: usize = 1 << 20;

const FIELDS: [&str; 7] = [
    "apiVersion",
    "kind",
    "metadata",
    "type",
    "immutable",
    "data",
    "stringData",
];

/// Seals Secrets: manifests in, SealedSecrets out.
///
/// Reads YAML or JSON with any number of documents, Lists included; every document must be a
/// Secret. Works offline with --cert and otherwise asks the cluster for its certificate. Nothing is
/// printed or written unless everything could be sealed.
///
/// Plain YAML scalars that YAML 1.1 and 1.2 read differently (0777, on, 1_000) and duplicate keys
/// are refused: quote what is meant as text.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Encrypt {
    /// Files with Secrets; - or nothing is standard input
    #[arg(value_name = "FILE")]
    files: Vec<Source>,

    /// How far the sealed values may move: not at all, within their namespace, or anywhere.
    ///
    /// Without it the annotations of each Secret decide, and strict is the default. With it the
    /// annotations are made to agree; that holds for strict, too, which kubeseal lets an annotation
    /// override.
    #[arg(long, value_name = "SCOPE", value_parser = scope_parser())]
    scope: Option<Scope>,

    /// The namespace of Secrets that name none; one that names another is an error
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// The name of the SealedSecret, whatever the Secret is called
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,

    /// Seal Secrets without any data, too
    #[arg(long)]
    allow_empty_data: bool,

    /// How to write: yaml unless the output file is called .json
    #[arg(short = 'o', long, value_name = "FORMAT")]
    format: Option<Format>,

    /// Where to write; the file is replaced only when everything succeeded
    #[arg(short = 'w', long, value_name = "FILE")]
    output_file: Option<PathBuf>,

    #[command(flatten)]
    certificate: CertificateOptions,
}

const EXAMPLES: &str = "\
Examples:
  seal encrypt --cert cert.pem secret.yaml -w sealed.yaml
  seal encrypt --cert https://pki.example/cert.pem a.yaml b.yaml > sealed.yaml
  kubectl create secret generic db --from-file=password=/dev/stdin -n team-a \\
    --dry-run=client -o yaml | seal encrypt -w sealed.yaml";

impl Encrypt {
    /// Carries it out.
    ///
    /// # Errors
    /// Everything that is wrong with any document; then nothing was written.
    pub fn run(self) -> Result<(), Errors> {
        let sources = input::or_stdin(self.files.clone())?;
        let secrets = input::map_objects(&sources, "Secret", |node| self.read(node))?;
        if self.name.is_some() && secrets.len() > 1 {
            let objects = secrets.len();
            return Err(Error::OneNameForMany { objects }.into());
        }
        let certificate = self.certificate.load()?;
        let sealed = secrets
            .iter()
            .map(|secret| secret.seal(&certificate))
            .collect::<Result<Vec<_>, Error>>()?;
        let file = self.output_file.as_deref();
        let text = Format::choose(self.format, file).write(&sealed)?;
        Ok(output::write(file, text.as_bytes(), Privacy::Public)?)
    }

    fn read(&self, node: &Node<'_>) -> Result<Plain, Errors> {
        expect_shape(node)?;
        let mut secret = Secret::from_node(node)?;
        if let Some(scope) = self.scope {
            secret.set_scope(scope);
        }
        let naming = Naming {
            name: self.name.as_deref(),
            namespace: self.namespace.as_deref(),
        };
        naming.apply(&mut secret.metadata, node)?;
        expect_named(&secret.metadata, secret.scope(), node)?;
        let bytes = secret.values().map(|(_, value)| value.len()).sum();
        if bytes > MOST_DATA {
            return Err(Error::TooMuchData {
                at: node.location().to_string(),
                bytes,
                most: MOST_DATA,
            }
            .into());
        }
        if secret.values().next().is_none() && !self.allow_empty_data {
            return Err(Error::EmptyData {
                at: node.location(),
                called: called(&secret.metadata),
            }
            .into());
        }
        let at = node.location().to_string();
        Ok(Plain { at, secret })
    }
}

/// A Secret and where it stands.
struct Plain {
    at: String,
    secret: Secret,
}

impl Plain {
    fn seal(&self, certificate: &Certificate) -> Result<SealedSecret, Error> {
        seal(&self.secret, certificate.recipients()).map_err(|error| Error::Seal {
            at: self.at.clone(),
            error,
        })
    }
}

/// Parses a scope and shows the choice in help.
pub fn scope_parser() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(Scope::ALL.map(Scope::as_str)).try_map(|text| text.parse::<Scope>())
}

/// A Secret, and nothing in it that would be lost. An object without a kind, which kubeseal would
/// seal, is more likely some other YAML file.
fn expect_shape(node: &Node<'_>) -> Result<(), Error> {
    if !node.is_mapping() {
        return Ok(());
    }
    let entries = node.entries()?;
    if node.kind().is_none() || node.api_version().is_none() {
        let found = "an object without apiVersion and kind".to_owned();
        let at = node.location();
        return Err(SecretError::NotASecret { at, found }.into());
    }
    if node.kind().as_deref() != Some("Secret") {
        return Ok(());
    }
    for entry in &entries {
        match entry.key.as_ref() {
            "immutable" if !matches!(entry.value.scalar(), Ok(Scalar::Bool(_) | Scalar::Null)) => {
                return Err(field_type("immutable", "true or false", &entry.value));
            }
            "metadata" if entry.value.is_mapping() => expect_texts(&entry.value)?,
            _ => {}
        }
        if !FIELDS.contains(&entry.key.as_ref()) {
            return Err(Error::UnknownField {
                at: entry.key_node.location(),
                field: entry.key.to_string(),
            });
        }
    }
    Ok(())
}

/// In the metadata, where `version: 1.10` is a favourite mistake.
fn expect_texts(metadata: &Node<'_>) -> Result<(), Error> {
    for field in metadata.entries()? {
        match field.key.as_ref() {
            name @ ("name" | "namespace") => expect_text(name, &field.value)?,
            "labels" if field.value.is_mapping() => {
                for label in field.value.entries()? {
                    expect_text(&format!("labels.{}", label.key), &label.value)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn expect_text(field: &str, value: &Node<'_>) -> Result<(), Error> {
    match value.scalar() {
        Ok(Scalar::Text(_) | Scalar::Null) => Ok(()),
        _ => Err(field_type(&format!("metadata.{field}"), "text", value)),
    }
}

fn field_type(field: &str, expected: &'static str, value: &Node<'_>) -> Error {
    Error::FieldType {
        at: value.location(),
        field: field.to_owned(),
        expected,
        found: value.type_name(),
    }
}
