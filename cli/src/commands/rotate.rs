//! `seal rotate`: values under older keys in, the same under the current one out, in place.

mod error;
mod leaked;
mod offline;
mod online;
pub mod report;
mod tree;
mod work;

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::NonEmptyStringValueParser};
use seal_envelope::Identity;
use seal_manifest::to_json_pretty;

pub use self::error::RotationError;
pub(super) use self::leaked::Leaked;
use self::{
    offline::Opener,
    online::{Controllers, Hints},
    report::RotateReport,
    tree::{Candidate, Object, Resealed, Target},
    work::Rotation,
};
use crate::{
    certificate::{CertificateOptions, Recipients},
    config::Settings,
    editing::editable_path,
    error::{Answer, Error, Errors},
    identities,
    input::Source,
    output, parallel,
    paths::{self, Input},
    report::note,
};

/// Seals values again that are not under the current key, in place.
///
/// For files, directories and whole Git trees, when the cluster has a new key. Only the sealed values
/// change, and the annotation seal.alt/keys, which tells what they are sealed with; values that are
/// under the current key stay as they are, and so does every other byte. Each file is replaced in one
/// step: whatever happens, it is the old one or the new one, and the next run goes on from there.
///
/// The controller opens the values and seals them, many SealedSecrets in a request, none of which
/// leaves the cluster in plaintext. It is asked for those whose annotation does not name the current
/// key alone, and leaves values that are under it as they are; Sealed Secrets' own controller seals
/// all values of these objects again. With private keys (--identity) nobody is asked: every value is
/// tried, and only where the current key is not among them the annotation is believed.
///
/// The current key is that of --cert, of .seal.yaml, or the cluster's.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Rotate {
    /// Files, directories and patterns
    #[arg(value_name = "PATH", required = true, value_parser = editable_path)]
    paths: Vec<PathBuf>,

    /// Private keys that open the values, offline: PEM, or key Secrets; may be repeated, - is
    /// standard input
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<Source>,

    /// Write nothing, and end with status 1 when there is something to do. Without --identity the
    /// annotations alone tell
    #[arg(long)]
    dry_run: bool,

    /// The namespace of SealedSecrets that name none; one that names another is an error
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// How to tell what was done
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,

    #[command(flatten)]
    certificate: CertificateOptions,
}

/// How the outcome is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for each file, and a summary by key.
    Text,
    /// One JSON document; docs/machine-output.md has its schema.
    Json,
}

const EXAMPLES: &str = "\
Examples:
  The whole repository, by the controller:
    seal keys fetch -w cert.pem
    seal rotate .
  Offline, with the keys straight from the cluster:
    kubectl get secret -n kube-system \\
      -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml \\
      | seal rotate --cert cert.pem --identity - .
  In CI, whether something is to do:
    seal rotate --cert cert.pem --dry-run .

Exit status: 0 everything is under the current key, 1 something is to do (--dry-run), 2 could not do
all of it.";

/// Somebody who seals values again.
trait Reseal {
    /// What becomes of each of the objects. An error without any word stands for one that was not
    /// reached.
    fn reseal(&mut self, objects: &[&Object<'_>]) -> Vec<Result<Resealed, Errors>>;

    /// How many objects were not reached, and why.
    fn unreached(&mut self) -> (usize, Errors) {
        (0, Errors::default())
    }
}

impl Rotate {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way from the beginning; or, when everything else is done, all that failed.
    pub fn run(self) -> Result<Answer, Errors> {
        let (report, errors) = self.rotate()?;
        match self.output {
            Output::Text => output::print_styled(|out| report::write(&report, out))?,
            Output::Json => {
                let text = to_json_pretty(&report).map_err(Error::from)?;
                output::print(text.as_bytes())?;
            }
        }
        for file in report
            .skipped
            .iter()
            .filter(|_| self.output == Output::Text)
        {
            note(&format_args!(
                "{file}: passed over, for it is a template and no YAML"
            ));
        }
        errors.or(match report.dry_run && !report.changed.is_empty() {
            true => Answer::No,
            false => Answer::Yes,
        })
    }

    fn rotate(&self) -> Result<(RotateReport, Errors), Errors> {
        let inputs = inputs(&self.paths)?;
        let identities = self.identities()?;
        let mut recipients = Recipients::new(&self.certificate);
        let candidates = candidates(&inputs, &mut recipients, |settings, recipients| {
            self.target(settings, recipients)
        })?;
        let mut resealer: Box<dyn Reseal + '_> = match () {
            () if !identities.is_empty() => Box::new(Opener(identities.iter().collect())),
            () if self.dry_run => Box::new(Hints),
            () => Box::new(Controllers::new(&recipients)?),
        };
        let rotation = Rotation::new(self.namespace.as_deref(), self.dry_run);
        Ok(rotation.run(&candidates, &mut *resealer))
    }

    fn identities(&self) -> Result<Vec<Identity>, Errors> {
        crate::input::expect_one_stdin(&self.identities)?;
        let mut identities = Vec::new();
        for source in &self.identities {
            identities.extend(identities::read(source)?);
        }
        Ok(identities)
    }

    fn target(
        &self,
        settings: &Settings,
        recipients: &mut Recipients<'_>,
    ) -> Result<Target, Error> {
        let asks = self.identities.is_empty() && !self.dry_run;
        let certificate = match recipients.certificate(settings) {
            Err(Error::NoCertificate) if asks => recipients.certificate_of_cluster(settings)?,
            certificate => certificate?,
        };
        if asks {
            let published = recipients.certificate_of_cluster(settings)?;
            if published.key_id() != certificate.key_id() {
                return Err(RotationError::OtherKey {
                    expected: certificate.key_id().clone(),
                    found: published.key_id().to_string(),
                }
                .into());
            }
        }
        Ok(Target {
            recipients: certificate.recipients().clone(),
            controller: recipients.controller(settings),
        })
    }
}

fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>, Errors> {
    let sources: Vec<_> = paths.iter().cloned().map(Source::File).collect();
    paths::expand(&sources)
}

/// The files that speak of SealedSecrets, and what they are to be sealed for.
fn candidates<'r>(
    inputs: &[Input],
    recipients: &mut Recipients<'r>,
    target: impl Fn(&Settings, &mut Recipients<'r>) -> Result<Target, Error>,
) -> Result<Vec<Candidate>, Errors> {
    let speaks = |input: &Input| -> Result<bool, Error> {
        let bytes = input.source.read()?;
        Ok(memchr::memmem::find(&bytes, b"SealedSecret").is_some())
    };
    let mut candidates = Vec::new();
    let mut errors = Errors::default();
    for (input, speaks) in inputs.iter().zip(parallel::map(inputs, speaks)) {
        let (Source::File(path), Some(true)) = (&input.source, errors.ok(speaks)) else {
            continue;
        };
        let settings = recipients.settings_of(path)?;
        let target = match target(&settings, recipients) {
            Err(error) if !matches!(error, Error::Unassigned { .. }) => return Err(error.into()),
            target => target,
        };
        candidates.push(Candidate {
            path: path.clone(),
            target,
        });
    }
    errors.or(candidates)
}
