//! `seal template`: SealedSecrets in, the Secrets that their templates would give out.

use std::collections::BTreeMap;

use clap::Args;
use seal_api::SealedSecret;
use seal_envelope::Plaintext;
use seal_manifest::Node;
use seal_sealing::{FailedTemplate, render_with};

use crate::{
    error::{Error, Errors},
    input::{self, Source, place_of},
    naming::called,
    output::{self, Format, Privacy},
    plain::Plain,
};

/// Tries out the templates of SealedSecrets, with examples in place of the sealed values.
///
/// Renders spec.template.data as the controller does, offline and without any key. A sealed value
/// KEY is the text "example-KEY" unless --value says otherwise. What a template gets wrong is told
/// in full here; the controller never quotes a value.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Template {
    /// Files with SealedSecrets; - or nothing is standard input
    #[arg(value_name = "FILE")]
    files: Vec<Source>,

    /// An example for a sealed value, no secret one; may be repeated
    #[arg(long = "value", value_name = "KEY=TEXT", value_parser = example)]
    values: Vec<(String, String)>,

    /// How to write
    #[arg(short = 'o', long, value_name = "FORMAT")]
    format: Option<Format>,
}

const EXAMPLES: &str = "\
Examples:
  seal template sealed.yaml
  seal template --value port=5432 --value user=app sealed.yaml

Exit status: 0 everything rendered, 2 something did not, or could not be read.";

impl Template {
    /// Carries it out.
    ///
    /// # Errors
    /// Every template that fails; then nothing was printed.
    pub fn run(self) -> Result<(), Errors> {
        let sources = input::or_stdin(self.files)?;
        let values: BTreeMap<_, _> = self.values.into_iter().collect();
        let secrets = input::map_objects(&sources, "SealedSecret", "rendering", |node| {
            render(node, &values)
        })?;
        let text = Format::choose(self.format, None).write(&secrets)?;
        Ok(output::write(None, text.as_bytes(), Privacy::Public)?)
    }
}

fn render(node: &Node<'_>, values: &BTreeMap<String, String>) -> Result<Plain, Errors> {
    let at = node.location();
    let sealed =
        SealedSecret::decode(node.to_json()?).map_err(|error| Error::SealedSecret { at, error })?;
    let example = |key: &String| {
        let text = values
            .get(key)
            .cloned()
            .unwrap_or_else(|| format!("example-{key}"));
        (key.clone(), Plaintext::new(text.into_bytes()))
    };
    let examples = sealed.spec.encrypted_data.keys().map(example).collect();
    render_with(&sealed, examples)
        .map(Plain::readable)
        .map_err(|failed| {
            let told = failed
                .into_iter()
                .map(|FailedTemplate { item, error }| Error::Unseal {
                    at: place_of(node, &["spec", "template", "data", &item]),
                    called: called(&sealed.metadata),
                    why: format!(
                        "line {}, column {} of the template: {}",
                        error.line(),
                        error.column(),
                        error.detail()
                    ),
                    item,
                });
            told.collect()
        })
}

fn example(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=TEXT")?;
    Ok((key.to_owned(), value.to_owned()))
}
