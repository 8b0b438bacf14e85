//! `seal rotate`: values under older keys in, the same under the current one out, in place.

mod aim;
mod error;
mod leaked;
mod offline;
mod online;
pub mod report;
mod tree;
mod work;

use std::path::PathBuf;

use clap::{Args, builder::NonEmptyStringValueParser};
use seal_envelope::Identity;

pub use self::error::RotationError;
pub(super) use self::leaked::Leaked;
use self::{
    aim::Aim,
    offline::Opener,
    online::{Controllers, Hints},
    report::RotateReport,
    tree::{Candidate, Object, Resealed, Target},
    work::Rotation,
};
use crate::{
    config::Settings,
    editing::editable_path,
    error::{Answer, Error, Errors},
    identities,
    input::{Source, mentions, tell_template},
    output::ReportFormat,
    parallel,
    paths::{self, Input},
    recipients::{Sealing, SealingOptions},
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
/// What is believed can be wrong: a program that knows nothing of the annotation, such as the original
/// kubeseal with --merge-into, changes values and leaves it as it was. Where such programs are in use, give
/// all private keys to --identity, the current one too, before an old key is deleted; or use --all, which
/// believes nothing and seals everything again. seal keys retire believes nothing either.
///
/// The current key is that of --cert, of .seal.yaml, or the cluster's.
///
/// For age recipients, those of the command line or of .seal.yaml, it takes --identity: values that are
/// not sealed for exactly these are sealed again, hybrid ones too, and so a tree moves from one kind to
/// the other, and clusters come and go. An age value tells how many can open it, and not who they are:
/// of recipients whose private keys are not here the annotation is believed, unless --all says not to.
/// The controller keeps the kind of each value, seals for its own key alone, and is not asked to seal
/// what others can open, too. Where nothing says for whom, a value in age is not taken from those who
/// open it, nor made hybrid, unless --kind hybrid asks for that.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Rotate {
    /// Files, directories and patterns
    #[arg(value_name = "PATH", required = true, value_parser = editable_path)]
    paths: Vec<PathBuf>,

    /// Private keys that open the values, offline: PEM, age identities or key Secrets; may be
    /// repeated, - is standard input
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<Source>,

    /// Seal every value again, also those that are right as far as anybody can tell
    #[arg(long, requires = "identities")]
    all: bool,

    /// Write nothing, and end with status 1 when there is something to do. Without --identity the
    /// annotations alone tell
    #[arg(long)]
    dry_run: bool,

    /// The namespace of SealedSecrets that name none; one that names another is an error
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// How to tell what was done
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,

    #[command(flatten)]
    sealing: SealingOptions,
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
  After a cluster has come or gone in .seal.yaml:
    seal rotate --identity escrow.key apps/

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
        self.output
            .print(&report, |out| report::write(&report, out))?;
        for file in report
            .skipped
            .iter()
            .filter(|_| self.output == ReportFormat::Text)
        {
            tell_template(file);
        }
        errors.or(match report.dry_run && !report.changed.is_empty() {
            true => Answer::No,
            false => Answer::Yes,
        })
    }

    fn rotate(&self) -> Result<(RotateReport, Errors), Errors> {
        let inputs = inputs(&self.paths)?;
        let identities = self.identities()?;
        let mut sealing = Sealing::new(&self.sealing);
        let candidates = candidates(&inputs, &mut sealing, |file| self.target(file))?;
        let mut resealer: Box<dyn Reseal + '_> = match () {
            () if !identities.is_empty() => Box::new(Opener {
                identities: identities.iter().collect(),
                all: self.all,
            }),
            () if self.dry_run => Box::new(Hints),
            () => Box::new(Controllers::new(&sealing)?),
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

    fn target(&self, file: Speaking<'_, '_>) -> Result<Target, Error> {
        let Speaking {
            settings,
            sealing,
            has_age,
        } = file;
        let asks = self.identities.is_empty() && !self.dry_run;
        let aim = match asks {
            true => Aim::of_controller(settings, sealing, has_age)?,
            false => Aim::Recipients(sealing.recipients(settings)?),
        };
        Ok(Target {
            may_drop: aim.is_for_age() || sealing.is_for_hybrid_alone(),
            aim,
            controller: sealing.controller(settings),
        })
    }
}

/// A file that speaks of SealedSecrets, before it is parsed.
struct Speaking<'a, 'r> {
    settings: &'a Settings,
    sealing: &'a mut Sealing<'r>,
    /// Whether it may hold age envelopes.
    has_age: bool,
}

fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>, Errors> {
    let sources: Vec<_> = paths.iter().cloned().map(Source::File).collect();
    paths::expand(&sources)
}

/// The files that speak of SealedSecrets, and what they are to be sealed for.
fn candidates<'r>(
    inputs: &[Input],
    sealing: &mut Sealing<'r>,
    target: impl Fn(Speaking<'_, 'r>) -> Result<Target, Error>,
) -> Result<Vec<Candidate>, Errors> {
    let speaks = |input: &Input| -> Result<Option<bool>, Error> {
        let bytes = input.source.read()?;
        let has_age = || memchr::memmem::find(&bytes, aim::AGE).is_some();
        Ok(mentions(&bytes, "SealedSecret").then(has_age))
    };
    let mut candidates = Vec::new();
    let mut errors = Errors::default();
    for (input, speaks) in inputs.iter().zip(parallel::map(inputs, speaks)) {
        let (Source::File(path), Some(Some(has_age))) = (&input.source, errors.ok(speaks)) else {
            continue;
        };
        let settings = sealing.settings_of(path)?;
        let file = Speaking {
            settings: &settings,
            sealing,
            has_age,
        };
        let target = match target(file) {
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
