//! `seal encrypt`: Secrets in, SealedSecrets out.

mod destination;
mod manifest;
mod sealed;
mod values;

use std::path::{Path, PathBuf};

use clap::{
    Args,
    builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser},
};
use seal_api::Scope;
use seal_sealing::Secret;

use crate::{
    config::Settings,
    confirm::Confirmation,
    error::{Error, Errors},
    input::{NO_FILE, Source, tell_template},
    naming::Naming,
    output::Format,
    parallel,
    paths::{self, Input},
    recipients::{Sealing, SealingOptions},
    report,
};
use destination::Destination;
use manifest::{Demands, Manifest};
pub use values::ValueError;
use values::{VALUES, Values};

/// What the API server allows (`MaxSecretSize`), all values of one Secret together.
pub const MOST_DATA: usize = 1 << 20;

/// Seals Secrets: manifests in, SealedSecrets out.
///
/// Reads YAML or JSON with any number of documents, Lists included; every document must be a
/// Secret. Of a directory, or a pattern that the shell has not expanded, it takes the .yaml, .yml
/// and .json files with Secrets, as Git sees them: hidden files and what .gitignore excludes are
/// passed over, as are files without any Secret, be they YAML or not, and templates, which it tells.
/// Nothing is printed or written unless everything could be sealed.
///
/// .seal.yaml says for whom and in which scope, by the path of the file that is written, or else of
/// the one that is read; what the command line says comes first. It works offline unless one of the
/// two names a cluster to ask.
///
/// With a certificate one cluster opens the result, Sealed Secrets' own controller too. For age
/// recipients several clusters open it, and an escrow key that is kept offline.
///
/// Plain YAML scalars that YAML 1.1 and 1.2 read differently (0777, on, 1_000) and duplicate keys
/// are refused: quote what is meant as text.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Encrypt {
    /// Files with Secrets, directories, or patterns; - or nothing is standard input
    #[arg(value_name = "FILE", conflicts_with = VALUES)]
    files: Vec<Source>,

    /// How far the sealed values may move: not at all, within their namespace, or anywhere.
    ///
    /// Without it the annotations of each Secret decide, then .seal.yaml, and strict is the default.
    /// With it the annotations are made to agree; that holds for strict, too, which kubeseal lets an
    /// annotation override.
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
    #[arg(short = 'o', long, value_name = "FORMAT", conflicts_with = "in_place")]
    format: Option<Format>,

    /// Where to write; the file is replaced only when everything succeeded.
    ///
    /// A directory gets a file for each input, called as the input; apps/prod/db.yaml becomes
    /// DIR/prod/db.yaml when apps was named. It is made when the path ends in a slash. No input is
    /// ever overwritten, nor does one output overwrite another.
    #[arg(short = 'w', long, value_name = "FILE|DIR")]
    output_file: Option<PathBuf>,

    /// Write db.sealed.yaml beside db.yaml
    #[arg(long, conflicts_with_all = ["output_file", "in_place"])]
    beside: bool,

    /// Replace the Secrets where they stand; other documents and what is around them stay.
    ///
    /// What is sealed already stays, too, so it may run again and again. The plaintext is gone
    /// afterwards: at a terminal it asks first. Comments in a Secret go with it, also behind its last
    /// value and indented below it; lines of comment that begin in the first column stay.
    #[arg(short, long, conflicts_with = "output_file")]
    in_place: bool,

    /// Write the files in which everything could be sealed even when others are bad; the exit
    /// status still is 2
    #[arg(long)]
    keep_going: bool,

    #[command(flatten)]
    confirmation: Confirmation,

    #[command(flatten)]
    values: Values,

    #[command(flatten)]
    sealing: SealingOptions,
}

const EXAMPLES: &str = "\
Examples:
  seal encrypt --cert cert.pem secret.yaml -w sealed.yaml
  seal encrypt --in-place apps/
  seal encrypt plain/ -w sealed/
  seal encrypt --cert https://pki.example/cert.pem a.yaml b.yaml > sealed.yaml
  For two clusters and an escrow key:
    seal encrypt -R eu.txt -R us.txt -R escrow.txt secret.yaml -w sealed.yaml
  Without a Secret on the disk:
    seal encrypt --name db -n team-a --from-file password=- -w db.yaml
    seal encrypt --name tls -n team-a --type kubernetes.io/tls \\
      --from-file tls.crt --from-file tls.key -w tls.yaml";

/// One input, and where it leads.
struct Task {
    input: Input,
    /// `None` for standard output.
    output: Option<PathBuf>,
    settings: Settings,
}

/// A Secret and where it stands.
struct Plain {
    at: String,
    secret: Secret,
}

impl Encrypt {
    /// Carries it out.
    ///
    /// # Errors
    /// Everything that is wrong with any document. Then nothing was written, or with
    /// `--keep-going` nothing of the files that they stand in.
    pub fn run(self) -> Result<(), Errors> {
        let destination = self.destination();
        let mut sealing = Sealing::new(&self.sealing);
        let tasks = self.tasks(&destination, &mut sealing)?;
        let read = match self.values.are_given() {
            true => self.of_values(&tasks),
            false => parallel::map(&tasks, |task| self.read(task, &destination)),
        };
        let mut errors = Errors::default();
        let mut manifests = Vec::new();
        for (task, manifest) in tasks.into_iter().zip(read) {
            match manifest {
                Ok(manifest) if manifest.is_template => tell_template(&task.input.source),
                Ok(manifest) if manifest.parts.is_empty() => {}
                Ok(manifest) => manifests.push((destination.settle(task, &manifest)?, manifest)),
                Err(bad) => errors.extend(bad),
            }
        }
        if !self.keep_going {
            errors = errors.or(Errors::default())?;
        }
        if destination == Destination::InPlace && manifests.is_empty() && errors.is_empty() {
            report::note(&format_args!("{}: nothing is left to seal", self.named()));
            return Ok(());
        }
        self.expect_secrets(&manifests, &errors)?;
        let outputs = manifests.iter().map(|(task, _)| task);
        destination.expect_distinct(outputs)?;
        if destination == Destination::InPlace {
            self.confirmation.ask_before_loss(&question(&manifests))?;
        }
        let texts = sealed::texts(&manifests, &mut sealing, self.format, &destination)?;
        let mut sealed = Vec::new();
        for ((task, manifest), text) in manifests.iter().zip(texts) {
            errors.take(text.map(|text| (task, manifest, text)), &mut sealed);
        }
        if !self.keep_going {
            errors = errors.or(Errors::default())?;
        }
        errors.ok(sealed::write(&sealed, &destination));
        errors.or(())
    }

    fn destination(&self) -> Destination {
        match &self.output_file {
            _ if self.in_place => Destination::InPlace,
            _ if self.beside => Destination::Beside,
            Some(path) => Destination::named(path),
            None => Destination::Print,
        }
    }

    fn tasks(
        &self,
        destination: &Destination,
        sealing: &mut Sealing<'_>,
    ) -> Result<Vec<Task>, Errors> {
        let mut tasks = Vec::new();
        for input in paths::expand(&self.files)? {
            let output = destination.of(&input)?;
            let read = match &input.source {
                Source::File(path) => path,
                Source::Stdin => Path::new(NO_FILE),
            };
            // What is wrong with a .seal.yaml is wrong for all files below it: it is told once.
            let settings = sealing.settings_of(output.as_deref().unwrap_or(read))?;
            tasks.push(Task {
                input,
                output,
                settings,
            });
        }
        Ok(tasks)
    }

    fn read(&self, task: &Task, destination: &Destination) -> Result<Manifest, Errors> {
        let stays = *destination == Destination::InPlace;
        let demands = self.demands(&task.settings);
        Manifest::read(&task.input, demands, stays)
    }

    /// What is on the command line stands for standard input.
    fn of_values(&self, tasks: &[Task]) -> Vec<Result<Manifest, Errors>> {
        let demands = |task: &Task| self.demands(&task.settings);
        let tasks = tasks.iter();
        tasks
            .map(|task| demands(task).of_values(self.values.secret()?))
            .collect()
    }

    fn demands(&self, settings: &Settings) -> Demands<'_> {
        Demands {
            scope: self.scope,
            default_scope: settings.scope,
            naming: Naming {
                name: self.name.as_deref(),
                namespace: self.namespace.as_deref(),
            },
            allow_empty_data: self.allow_empty_data,
        }
    }

    /// Something must be sealed, and under one name one thing alone.
    fn expect_secrets(&self, manifests: &[(Task, Manifest)], errors: &Errors) -> Result<(), Error> {
        let objects = manifests.iter().map(|(_, it)| it.objects()).sum();
        if objects == 0 && errors.is_empty() {
            return Err(Error::NoObject {
                from: self.named(),
                expected: "Secret",
            });
        }
        if self.name.is_some() && objects > 1 {
            return Err(Error::OneNameForMany { objects });
        }
        Ok(())
    }

    fn named(&self) -> String {
        let named: Vec<_> = self.files.iter().map(ToString::to_string).collect();
        named.join(", ")
    }
}

fn question(manifests: &[(Task, Manifest)]) -> String {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let secrets = counted(manifests.iter().map(|(_, it)| it.objects()).sum(), "Secret");
    let files = counted(manifests.len(), "file");
    format!("Seal {secrets} in {files} in place, so that the plaintext there is gone?")
}

/// Parses a scope and shows the choice in help.
pub fn scope_parser() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(Scope::ALL.map(Scope::as_str)).try_map(|text| text.parse::<Scope>())
}
