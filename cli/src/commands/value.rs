//! `seal value`: one value in, the text for `encryptedData` out.

use std::path::Path;

use clap::{Args, builder::NonEmptyStringValueParser};
use seal_api::Scope;
use seal_sealing::{SealError, label, seal_value};

use super::encrypt::scope_parser;
use crate::{
    editing::read_value,
    error::{Error, Errors},
    input::{NO_FILE, Source},
    output,
    recipients::{Sealing, SealingOptions},
    report,
};

/// Seals one value, to be pasted into encryptedData of a SealedSecret.
///
/// The value comes from a prompt without echo, standard input or a file, byte for byte, and never
/// from the command line, where other users and the shell's history would see it. Prints the sealed text alone; standard
/// error tells what the SealedSecret must look like for it to open. An empty value comes from a file
/// alone, such as /dev/null.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Value {
    /// The file with the value; - or nothing is standard input
    #[arg(value_name = "FILE")]
    file: Option<Source>,

    /// The same as FILE
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    from_file: Option<Source>,

    /// How far the sealed value may move: not at all, within its namespace, or anywhere; without it
    /// .seal.yaml says, and strict is the default
    #[arg(long, value_name = "SCOPE", value_parser = scope_parser())]
    scope: Option<Scope>,

    /// The namespace of the SealedSecret; not needed with --scope cluster-wide
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// The name of the SealedSecret; needed only with --scope strict
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,

    #[command(flatten)]
    sealing: SealingOptions,
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
        let mut sealing = Sealing::new(&self.sealing);
        let settings = sealing.settings_of(Path::new(NO_FILE))?;
        let scope = self.scope.or(settings.scope).unwrap_or_default();
        let label = label(scope, self.namespace_in(scope)?, self.name_in(scope)?);
        let given = self.file.as_ref().or(self.from_file.as_ref());
        let value = read_value(given, "the secret")?;
        let recipients = sealing.recipients(&settings)?;
        let sealed = seal_value(&value, &label, &recipients);
        let mut sealed = sealed.map_err(|error| Error::Seal {
            at: given.unwrap_or(&Source::Stdin).to_string(),
            error: SealError::Envelope(error),
        })?;
        if output::is_terminal() {
            sealed.push('\n');
        }
        output::print(sealed.as_bytes())?;
        report::note(&self.requirement(scope));
        Ok(())
    }

    fn namespace_in(&self, scope: Scope) -> Result<&str, Error> {
        let missing = (scope != Scope::ClusterWide).then_some("namespace");
        bound(&self.namespace, scope, missing)
    }

    fn name_in(&self, scope: Scope) -> Result<&str, Error> {
        let missing = (scope == Scope::Strict).then_some("name");
        bound(&self.name, scope, missing)
    }

    /// What the SealedSecret must look like.
    fn requirement(&self, scope: Scope) -> String {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let name = self.name.as_deref().unwrap_or_default();
        let place = match scope {
            Scope::Strict => format!("only in the SealedSecret {namespace}/{name}"),
            Scope::NamespaceWide => format!("in any SealedSecret of namespace {namespace}"),
            Scope::ClusterWide => "in any SealedSecret".to_owned(),
        };
        match scope.annotation() {
            Some(name) => format!("opens {place} that has the annotation {name}: \"true\""),
            None => format!("opens {place}, which needs no annotation for its scope"),
        }
    }
}

/// What is given, which the scope may need.
fn bound<'a>(
    given: &'a Option<String>,
    scope: Scope,
    needed: Option<&'static str>,
) -> Result<&'a str, Error> {
    match (given.as_deref().unwrap_or_default(), needed) {
        ("", Some(missing)) => Err(Error::Unnamed { scope, missing }),
        (given, _) => Ok(given),
    }
}
