//! `seal check`: files in, what is wrong with them out.

mod certificates;
pub mod finding;
mod names;
mod online;
mod recipients;
mod sealed;
pub mod text;
mod yaml;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use seal_manifest::{Node, Reading, Stream};

use self::{
    certificates::Certificates,
    finding::{CheckReport, Finding, Rule, Severity},
    online::Questions,
    recipients::Expected,
};
use crate::{
    age_keys::RecipientOptions,
    cluster::{Connection, Controller},
    config::Settings,
    error::{Answer, Error, Errors},
    input::{Source, is_template, mentions},
    output, paths,
    progress::Progress,
    report,
};

/// Finds what is wrong with SealedSecrets, and Secrets in plaintext, without a cluster.
///
/// For hooks and CI. Looks at the YAML and JSON files that are named and at those in directories: at
/// hidden ones, too, and of what .gitignore excludes at what Git tracks nevertheless (git add -f). Files
/// that hold no Secret pass. Every finding has the stable name of its rule:
///
/// syntax, duplicate-key, ambiguous-yaml, malformed, unknown-field, no-data, deprecated-data, name,
/// renamed, key-name, base64, envelope, too-large, scope, recipients, plaintext-secret,
/// plaintext-annotation, certificate-expired, certificate-expiring, and with --online does-not-open.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// Files, directories and patterns; - is standard input, nothing the current directory
    #[arg(value_name = "PATH")]
    paths: Vec<Source>,

    /// A certificate that files shall be sealed with, instead of those of .seal.yaml; may be repeated
    #[arg(long, value_name = "FILE")]
    cert: Vec<PathBuf>,

    #[command(flatten)]
    recipients: RecipientOptions,

    /// Warn of certificates that expire within so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    expires_within: u16,

    /// Do not look for this; may be repeated
    #[arg(long, value_name = "RULE", hide_possible_values = true)]
    allow: Vec<Rule>,

    /// Let warnings fail the check, too
    #[arg(long)]
    strict: bool,

    /// Ask the controller, too, whether it can open what is sealed
    #[arg(long)]
    online: bool,

    /// How to tell
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

/// How findings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line each: file:line:column, severity, message and rule.
    Text,
    /// One JSON document; docs/machine-output.md has its schema.
    Json,
    /// Annotations for GitHub Actions.
    Github,
}

const EXAMPLES: &str = "\
Examples:
  seal check
  seal check apps/ --strict
  seal check --cert prod.pem 'clusters/prod/**/*.yaml'
  seal check --recipients-file all.txt --strict shared/
  In a workflow of GitHub:
    seal check --output github
  As a hook of pre-commit (https://pre-commit.com), from this project's repository:
    - id: seal-check

Exit status: 0 nothing is wrong, 1 something is, 2 could not do it.";

impl Check {
    /// Carries it out.
    ///
    /// # Errors
    /// What cannot be read; then nothing was printed.
    pub fn run(self) -> Result<Answer, Errors> {
        let report = self.check()?;
        match self.output {
            Output::Text => output::print_styled(|out| text::write(&report, out))?,
            Output::Github => output::print_styled(|out| text::write_github(&report, out))?,
            Output::Json => output::print_json(&report)?,
        }
        if self.output != Output::Json {
            summarize(&report);
        }
        Ok(if report.passed {
            Answer::Yes
        } else {
            Answer::No
        })
    }

    fn check(&self) -> Result<CheckReport, Errors> {
        let here = [Source::File(".".into())];
        let named = if self.paths.is_empty() {
            &here
        } else {
            self.paths.as_slice()
        };
        let inputs = paths::expand_committable(named)?;
        let progress = Progress::new("checking", inputs.len());
        let mut certificates = Certificates::new(&self.cert, &self.recipients, self.expires_within);
        let mut report = CheckReport::default();
        let mut questions = Questions::default();
        let mut errors = Errors::default();
        for input in inputs {
            let checked = self.check_input(
                &input.source,
                &mut certificates,
                &mut questions,
                &mut report,
            );
            match checked {
                Ok(()) => report.files += 1,
                Err(found) => errors.extend(found),
            }
            progress.step();
        }
        let mut findings = certificates.into_findings();
        findings.append(&mut report.findings);
        let mut report = errors.or(report)?;
        if self.online {
            findings.extend(questions.ask(&self.connection)?);
        }
        findings.retain(|finding| !self.allow.contains(&finding.rule));
        let fails = |finding: &Finding| self.strict || finding.severity == Severity::Error;
        report.passed = !findings.iter().any(fails);
        report.findings = findings;
        Ok(report)
    }

    fn check_input(
        &self,
        source: &Source,
        certificates: &mut Certificates<'_>,
        questions: &mut Questions,
        report: &mut CheckReport,
    ) -> Result<(), Errors> {
        let bytes = source.read()?;
        if !mentions(&bytes, "Secret") {
            return Ok(());
        }
        let path = match source {
            Source::File(path) => path.as_path(),
            Source::Stdin => Path::new("stdin.yaml"),
        };
        let expected = certificates.expected(path)?;
        let settings = certificates.settings(path)?;
        let mut findings = Vec::new();
        match Stream::parse(&source.to_string(), bytes.as_slice(), Reading::Kubernetes) {
            Ok(stream) => {
                for document in stream.documents() {
                    let objects = document.objects().unwrap_or_default();
                    for object in &objects {
                        report.sealed_secrets += usize::from(is_sealed(object));
                        check_object(object, &expected, &mut findings);
                        if self.online && is_sealed(object) {
                            self.note(object, &settings, questions)?;
                        }
                    }
                }
                yaml::duplicates(&source.to_string(), stream.text(), &mut findings);
            }
            Err(_) if is_template(&bytes) => report.skipped.push(source.to_string()),
            Err(error) => findings.push(yaml::found(error)),
        }
        findings.sort_by_key(|finding| (finding.line, finding.column));
        report.findings.append(&mut findings);
        Ok(())
    }

    /// Notes an object to be asked for: at the cluster of the command line, else at each of those of
    /// `.seal.yaml`.
    fn note(
        &self,
        object: &Node<'_>,
        settings: &Settings,
        questions: &mut Questions,
    ) -> Result<(), Error> {
        let is_named = self.connection.names_a_cluster();
        let several = settings.clusters.iter().map(Some);
        let first = settings.clusters.first();
        let clusters: Vec<_> = match is_named || first.is_none() {
            true => vec![first],
            false => several.collect(),
        };
        for cluster in clusters {
            let service = self.controller.service(cluster.map(|it| &it.controller));
            let context = match is_named {
                true => self.connection.context().map(str::to_owned),
                false => cluster.and_then(|cluster| cluster.context.clone()),
            };
            questions.add(context, service, object.location(), object.to_json()?);
        }
        Ok(())
    }
}

fn is_sealed(object: &Node<'_>) -> bool {
    object.kind().as_deref() == Some("SealedSecret")
}

fn check_object(object: &Node<'_>, expected: &Expected, findings: &mut Vec<Finding>) {
    let kind = object.kind().unwrap_or_default();
    if !yaml::concerns(&kind) {
        return;
    }
    if is_sealed(object) {
        yaml::ambiguities(object, findings);
        sealed::check(object, expected, findings);
    } else if object.api_version().as_deref() == Some("v1") {
        plaintext(object, findings);
    }
}

/// A Secret that holds something.
fn plaintext(object: &Node<'_>, findings: &mut Vec<Finding>) {
    let holds = |field: &str| {
        let values = object.get(field).ok().flatten().filter(Node::is_mapping);
        let entries = values.map(|values| values.entries().unwrap_or_default());
        let is_empty = |node: &Node<'_>| node.is_null() || node.as_str() == Some("");
        entries
            .unwrap_or_default()
            .iter()
            .any(|entry| !is_empty(&entry.value))
    };
    if holds("data") || holds("stringData") {
        let message = "a Secret in plaintext; seal it with: seal encrypt";
        findings.push(Finding::error(
            Rule::PlaintextSecret,
            object.location(),
            message,
        ));
    }
}

/// What nobody has to read who looks for findings alone.
fn summarize(report: &CheckReport) {
    for file in &report.skipped {
        report::note(&format_args!(
            "{file}: not checked, for it is a template and no YAML"
        ));
    }
    let errors = report
        .findings
        .iter()
        .filter(|it| it.severity == Severity::Error)
        .count();
    let warnings = report.findings.len() - errors;
    report::note(&format_args!(
        "{} SealedSecrets in {} files: {errors} errors, {warnings} warnings",
        report.sealed_secrets, report.files
    ));
}
