//! `seal edit`: a sealed file in an editor.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use clap::Args;
use seal_envelope::{KeyId, Recipients};

use crate::{
    editing::{
        Changes, Draft, Object, ObjectOptions, PrivateDirectory, SealedFile, Wanted, edit,
        editable_path,
    },
    error::{self, Errors},
    identities,
    input::Source,
    prompt,
    recipients::SealingOptions,
    report,
};

/// Opens the values of a sealed file in your editor, and seals what changed.
///
/// Values show as !sealed and stay so unless another is typed in their place; with the private keys
/// they show in plaintext. $VISUAL or $EDITOR edits a file in a private directory in memory, which
/// is removed with all that the editor left there. Editors that keep histories or undo files
/// elsewhere do so here, too. In the sealed file every byte that is not asked about stays.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Edit {
    /// A file with SealedSecrets, YAML or JSON
    #[arg(value_name = "FILE", value_parser = editable_path)]
    file: PathBuf,

    /// Private keys that open the old values: PEM, age identities, or key Secrets in YAML or JSON; may
    /// be repeated
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<Source>,

    /// Edits on disk where there is no file system in memory
    #[arg(long)]
    allow_disk: bool,

    #[command(flatten)]
    object: ObjectOptions,

    #[command(flatten)]
    sealing: SealingOptions,
}

const EXAMPLES: &str = "\
Examples:
  seal edit --cert cert.pem sealed.yaml
  EDITOR=\"code --wait\" seal edit --cert cert.pem sealed.yaml --identity keys.yaml";

impl Edit {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way; then the file is as it was.
    pub fn run(self) -> Result<(), Errors> {
        let file = SealedFile::read(&self.file)?;
        let object = file.object(&self.object)?;
        let mut identities = Vec::new();
        for source in &self.identities {
            identities.extend(identities::read(source)?);
        }
        let recipients = self.sealing.recipients_for(&self.file)?;
        let draft = Draft {
            head: self.head(&object, &recipients),
            values: object.shown(&identities),
        };
        let wanted = edited(&draft, self.allow_disk)?;
        let mut changes = file.change(&object);
        let told = told(&object, &wanted);
        apply(&mut changes, wanted, &recipients)?;
        changes.write()?;
        report::note(&told);
        Ok(())
    }

    fn head(&self, object: &Object<'_>, recipients: &Recipients) -> Vec<String> {
        let scope = object.sealed().scope();
        let keys = recipients.ids();
        let keys: Vec<_> = keys.iter().map(KeyId::as_str).collect();
        vec![
            format!(
                "SealedSecret {} in {}, {scope} scope.",
                object.called(),
                self.file.display()
            ),
            format!("New values are sealed for {}.", keys.join(", ")),
        ]
    }
}

/// What is wanted once the editor is closed. Whoever sits at a terminal may correct mistakes.
fn edited(draft: &Draft, allow_disk: bool) -> Result<Vec<Wanted>, Errors> {
    const NAME: &str = "values.yaml";
    let text = draft.text()?;
    let directory = PrivateDirectory::create(allow_disk)?;
    let path = directory.put(NAME, &text)?;
    loop {
        edit(&path)?;
        let saved = directory.read(&path)?;
        if saved.as_slice() == text.as_bytes() {
            return Ok(Vec::new());
        }
        let errors = match draft.read(NAME, &saved) {
            Ok(wanted) => return Ok(wanted),
            Err(errors) => errors,
        };
        if !io::stdin().is_terminal() {
            return Err(errors);
        }
        error::tell(&errors);
        report::note(&"Enter opens the editor again, Ctrl-C gives up.");
        if !prompt::wait_for_enter() {
            return Err(errors);
        }
    }
}

fn apply(
    changes: &mut Changes<'_>,
    wanted: Vec<Wanted>,
    recipients: &Recipients,
) -> Result<(), Errors> {
    for wanted in wanted {
        match wanted {
            Wanted::Set(key, value) => changes.set(&key, &value, recipients)?,
            Wanted::Remove(key) => changes.remove(&key)?,
        }
    }
    Ok(())
}

/// What happened, by key.
fn told(object: &Object<'_>, wanted: &[Wanted]) -> String {
    let keys = |set: bool| {
        let keys = wanted.iter().filter_map(move |wanted| match wanted {
            Wanted::Set(key, _) => set.then_some(key.as_str()),
            Wanted::Remove(key) => (!set).then_some(key.as_str()),
        });
        keys.collect::<Vec<_>>().join(", ")
    };
    let done = [("sealed", keys(true)), ("removed", keys(false))];
    let done: Vec<_> = done
        .iter()
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(what, keys)| format!("{what} {keys}"))
        .collect();
    match done.is_empty() {
        true => "nothing was changed".to_owned(),
        false => format!("{}: {}", object.called(), done.join("; ")),
    }
}
