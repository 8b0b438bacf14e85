//! `seal value`: one value in, the text for `encryptedData` out.

use clap::{Args, builder::NonEmptyStringValueParser};
use seal_api::Scope;
use seal_sealing::{SealError, label, seal_value};

use super::encrypt::scope_parser;
use crate::{
    certificate::CertificateOptions,
    editing::read_value,
    error::{Error, Errors},
    input::Source,
    output, report,
};

/// Seals one value, to be pasted into encryptedData of a SealedSecret.
///
/// The value comes from a prompt without echo, standard input or a file, byte for byte, and never
/// from the command line, where other users and the shell's history would see it. Prints the sealed text alone; standard
/// error tells what the SealedSecret must look like for it to open.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Value {
    /// The file with the value; - or nothing is standard input
    #[arg(value_name = "FILE")]
    file: Option<Source>,

    /// The same as FILE
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    from_file: Option<Source>,

    /// How far the sealed value may move: not at all, within its namespace, or anywhere
    #[arg(long, value_name = "SCOPE", default_value = "strict", value_parser = scope_parser())]
    scope: Scope,

    /// The namespace of the SealedSecret; not needed with --scope cluster-wide
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// The name of the SealedSecret; needed only with --scope strict
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,

    #[command(flatten)]
    certificate: CertificateOptions,
}

const EXAMPLES: &str = "\
Examples:
  printf %s \"$PASSWORD\" | seal value --cert cert.pem -n team-a --name db
  seal value --cert cert.pem -n team-a --scope namespace-wide tls.key";

impl Value {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way; then nothing was printed.
    pub fn run(self) -> Result<(), Errors> {
        let label = label(self.scope, self.bound_namespace()?, self.bound_name()?);
        let given = self.file.as_ref().or(self.from_file.as_ref());
        let value = read_value(given, "the secret")?;
        let certificate = self.certificate.load()?;
        let recipients = certificate.recipients();
        let mut sealed = seal_value(&value, &label, recipients).map_err(|error| Error::Seal {
            at: given.unwrap_or(&Source::Stdin).to_string(),
            error: SealError::Envelope(error),
        })?;
        if output::is_terminal() {
            sealed.push('\n');
        }
        output::print(sealed.as_bytes())?;
        report::note(&self.requirement());
        Ok(())
    }

    fn bound_namespace(&self) -> Result<&str, Error> {
        let needed = self.scope != Scope::ClusterWide;
        self.bound(&self.namespace, needed, "namespace")
    }

    fn bound_name(&self) -> Result<&str, Error> {
        self.bound(&self.name, self.scope == Scope::Strict, "name")
    }

    fn bound<'a>(
        &self,
        given: &'a Option<String>,
        needed: bool,
        option: &'static str,
    ) -> Result<&'a str, Error> {
        match given.as_deref().unwrap_or_default() {
            "" if needed => Err(Error::Unnamed {
                scope: self.scope,
                missing: option,
            }),
            given => Ok(given),
        }
    }

    /// What the SealedSecret must look like.
    fn requirement(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let name = self.name.as_deref().unwrap_or_default();
        let place = match self.scope {
            Scope::Strict => format!("only in the SealedSecret {namespace}/{name}"),
            Scope::NamespaceWide => format!("in any SealedSecret of namespace {namespace}"),
            Scope::ClusterWide => "in any SealedSecret".to_owned(),
        };
        match self.scope.annotation() {
            Some(name) => format!("opens {place} that has the annotation {name}: \"true\""),
            None => format!("opens {place}, which needs no annotation for its scope"),
        }
    }
}
