//! `seal set`: one value of a sealed file, in place.

use std::path::PathBuf;

use clap::Args;

use crate::{
    editing::{ObjectOptions, SealedFile, ValueOptions, editable_path, secret_key},
    error::Errors,
    recipients::SealingOptions,
};

/// Seals a new value into a file, in place.
///
/// The value comes from a prompt without echo, standard input or a file, or is made up; the key may
/// be there or new. It is sealed in the scope, name and namespace of the SealedSecret that the file
/// holds. Comments, order, quoting and every other byte stay. A file that changes meanwhile is not
/// overwritten. An empty value comes from a file alone, such as /dev/null: standard input is empty,
/// too, where the program before it has failed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Set {
    /// A file with SealedSecrets, YAML or JSON
    #[arg(value_name = "FILE", value_parser = editable_path)]
    file: PathBuf,

    /// The key of the value in the Secret
    #[arg(value_name = "KEY", value_parser = secret_key)]
    key: String,

    #[command(flatten)]
    value: ValueOptions,

    #[command(flatten)]
    object: ObjectOptions,

    #[command(flatten)]
    sealing: SealingOptions,
}

const EXAMPLES: &str = "\
Examples:
  Type it in:
    seal set --cert cert.pem sealed.yaml password
  A password that nobody ever sees:
    seal set --cert cert.pem sealed.yaml password --generate --length 40
  From another program, or a file:
    pass show db | seal set --cert cert.pem sealed.yaml password
    seal set --cert cert.pem sealed.yaml tls.key --from-file tls.key";

impl Set {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way; then the file is as it was.
    pub fn run(self) -> Result<(), Errors> {
        let file = SealedFile::read(&self.file)?;
        let object = file.object(&self.object)?;
        let recipients = self.sealing.recipients_for(&self.file)?;
        let value = self.value.read(&self.key)?;
        let mut changes = file.change(&object);
        changes.set(&self.key, &value, &recipients)?;
        Ok(changes.write()?)
    }
}
