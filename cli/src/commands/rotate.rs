//! `seal rotate`: values under older keys in, the same under the current one out, in place.

mod error;
mod offline;
mod online;
pub mod report;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::{Args, ValueEnum, builder::NonEmptyStringValueParser};
use seal_envelope::{Identity, KeyId};
use seal_manifest::to_json_pretty;

pub use self::error::RotationError;
use self::{
    offline::Opener,
    online::{Controllers, Hints},
    report::{ChangedFile, Failure, RotateReport, UNKNOWN},
    tree::{Candidate, File, Object, Read, Resealed, Target},
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
    progress::Progress,
    report::note,
};

/// So many files are read, sealed again and written before the next ones.
const FILES_AT_ONCE: usize = 64;

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
        let sources: Vec<_> = self.paths.iter().cloned().map(Source::File).collect();
        let inputs = paths::expand(&sources)?;
        let identities = self.identities()?;
        let mut recipients = Recipients::new(&self.certificate);
        let candidates = self.candidates(&inputs, &mut recipients)?;
        let mut resealer: Box<dyn Reseal + '_> = match () {
            () if !identities.is_empty() => Box::new(Opener(identities)),
            () if self.dry_run => Box::new(Hints),
            () => Box::new(Controllers::new(&recipients)?),
        };
        let mut rotation = Rotation {
            dry_run: self.dry_run,
            report: RotateReport {
                dry_run: self.dry_run,
                ..RotateReport::default()
            },
            errors: Errors::default(),
        };
        let progress = Progress::new("sealing again", candidates.len());
        let mut unreached_files = 0;
        for chunk in candidates.chunks(FILES_AT_ONCE) {
            let read = parallel::map(chunk, |it| it.read(self.namespace.as_deref()));
            unreached_files += rotation.files(chunk, read, &mut *resealer);
            chunk.iter().for_each(|_| progress.step());
        }
        drop(progress);
        let (objects, why) = resealer.unreached();
        rotation.failed(None, why);
        if objects > 0 {
            let files = unreached_files;
            let error = RotationError::Unreached { objects, files };
            rotation.failed(None, Error::from(error).into());
        }
        rotation.report.unreached = objects;
        Ok((rotation.report, rotation.errors))
    }

    fn identities(&self) -> Result<Vec<Identity>, Errors> {
        crate::input::expect_one_stdin(&self.identities)?;
        let mut identities = Vec::new();
        for source in &self.identities {
            identities.extend(identities::read(source)?);
        }
        Ok(identities)
    }

    /// The files that speak of SealedSecrets, and what they are to be sealed for.
    fn candidates(
        &self,
        inputs: &[Input],
        recipients: &mut Recipients<'_>,
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
            let target = match self.target(&settings, recipients) {
                Err(error) if !matches!(error, Error::Unassigned { .. }) => {
                    return Err(error.into());
                }
                target => target,
            };
            candidates.push(Candidate {
                path: path.clone(),
                target,
            });
        }
        errors.or(candidates)
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

/// What has come of it so far.
struct Rotation {
    dry_run: bool,
    report: RotateReport,
    errors: Errors,
}

impl Rotation {
    /// Seals the values of some files again and writes them. The answer is how many of the files hold
    /// something that was not reached.
    fn files(
        &mut self,
        candidates: &[Candidate],
        read: Vec<Result<Read<'_>, Errors>>,
        resealer: &mut (dyn Reseal + '_),
    ) -> usize {
        let mut files = Vec::new();
        for (candidate, read) in candidates.iter().zip(read) {
            let path = candidate.path.display().to_string();
            match read {
                Ok(Read::File(file)) if file.objects.is_empty() => {}
                Ok(Read::File(file)) => files.push(file),
                Ok(Read::Template) => self.report.skipped.push(path),
                Err(errors) => self.failed(Some(&path), errors),
            }
        }
        let objects: Vec<&Object<'_>> = files.iter().flat_map(|file| &file.objects).collect();
        let mut answers = resealer.reseal(&objects).into_iter();
        let mut unreached = 0;
        let mut done = Vec::new();
        for file in &files {
            let mut resealed = Vec::new();
            let mut is_reached = true;
            for (index, answer) in answers.by_ref().take(file.objects.len()).enumerate() {
                match answer {
                    Ok(answer) => resealed.push((index, answer)),
                    Err(errors) => {
                        is_reached &= !errors.is_empty();
                        self.failed(Some(&file.path.display().to_string()), errors);
                    }
                }
            }
            unreached += usize::from(!is_reached);
            done.push((file, resealed));
        }
        self.write(&done);
        unreached
    }

    fn write(&mut self, done: &[(&File<'_>, Vec<(usize, Resealed)>)]) {
        let written = parallel::map(done, |(file, resealed)| {
            let resealed: Vec<_> = resealed.iter().map(|(index, it)| (*index, it)).collect();
            match self.dry_run {
                true => Ok(()),
                false => file.write(&resealed),
            }
        });
        for ((file, resealed), written) in done.iter().zip(written) {
            self.report.files += 1;
            self.report.sealed_secrets += file.objects.len();
            if let Err(error) = written {
                self.failed(Some(&file.path.display().to_string()), error.into());
                continue;
            }
            let mut from: BTreeMap<String, usize> = BTreeMap::new();
            let mut to = BTreeSet::new();
            for (index, resealed) in resealed {
                let Some(object) = file.objects.get(*index) else {
                    continue;
                };
                let moved: usize = resealed.from.values().sum();
                self.report.current += object.values().len() - moved;
                if moved > 0 || object.changes_hint() {
                    to.extend(object.target.recipients.ids());
                }
                for (key, values) in &resealed.from {
                    let key = key.as_ref().map_or(UNKNOWN, KeyId::as_str);
                    *from.entry(key.to_owned()).or_default() += values;
                }
            }
            if !to.is_empty() {
                self.report.changed.push(ChangedFile {
                    file: file.path.display().to_string(),
                    from,
                    to: to.iter().map(ToString::to_string).collect(),
                });
            }
        }
    }

    fn failed(&mut self, file: Option<&str>, errors: Errors) {
        let failure = |error: &Error| Failure {
            file: file.map(str::to_owned),
            message: error.to_string(),
        };
        self.report.failures.extend(errors.iter().map(failure));
        self.errors.extend(errors);
    }
}
