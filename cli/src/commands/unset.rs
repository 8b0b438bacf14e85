//! `seal unset`: values of a sealed file that go.

use std::path::PathBuf;

use clap::Args;

use crate::{
    confirm::Confirmation,
    editing::{ObjectOptions, SealedFile, editable_path},
    error::Errors,
    report,
};

/// Removes values from a file, in place.
///
/// Needs no certificate. Comments, order and every other byte stay. At a terminal it asks first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Unset {
    /// A file with SealedSecrets, YAML or JSON
    #[arg(value_name = "FILE", value_parser = editable_path)]
    file: PathBuf,

    /// The keys of the values in the Secret
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,

    #[command(flatten)]
    object: ObjectOptions,

    #[command(flatten)]
    confirmation: Confirmation,
}

const EXAMPLES: &str = "\
Examples:
  seal unset sealed.yaml old-password";

impl Unset {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way; then the file is as it was.
    pub fn run(mut self) -> Result<(), Errors> {
        let file = SealedFile::read(&self.file)?;
        let object = file.object(&self.object)?;
        self.keys.sort();
        self.keys.dedup();
        let mut changes = file.change(&object);
        let failed: Errors = self
            .keys
            .iter()
            .filter_map(|key| changes.remove(key).err())
            .collect();
        failed.or(())?;
        let (keys, called) = (self.keys.join(", "), object.called());
        let question = format!("Remove {keys} from {called} in {}?", self.file.display());
        self.confirmation.ask_before_loss(&question)?;
        changes.write()?;
        if object.sealed().spec.encrypted_data.len() == self.keys.len() {
            report::warning(&format_args!("{called} holds no values any more"));
        }
        Ok(())
    }
}
