//! `seal keys restore`: keys from a backup into a cluster.

use std::{collections::BTreeSet, time::Duration};

use clap::Args;
use tokio::time::sleep;

use crate::{
    age_keys::identities,
    backup::{Backup, BackupError, KeySecret},
    cluster::{
        Connection, Controller,
        key_secrets::{Holder, KeySecrets},
        with_client,
    },
    error::{Error, Errors},
    input::Source,
    output, report,
};

/// The API server dates objects in whole seconds.
const SECOND: Duration = Duration::from_millis(1100);

/// Restores keys from a backup into a new or an existing cluster.
///
/// Takes what seal keys backup makes, and what kubectl get secret -o yaml printed. Names, states and
/// certificates stay what they were, and the oldest key is created first, so that the order of the
/// keys is the same. A key that is there already stays as it is, and where its name is that of another
/// key, it gets a longer one. If anything else is in the way, nothing is restored. A controller that runs takes the keys up at once and unseals what waited
/// for them. It takes the right to read and create keys (the Role seal-key-backup).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Restore {
    /// The backup; - is standard input
    #[arg(value_name = "FILE")]
    file: Source,

    /// A file with age identities that open it; may be repeated
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<Source>,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = "\
Examples:
  seal keys restore keys.age --identity identity.txt --context new-cluster
  kubectl apply -f apps/    # what is in Git can be unsealed again";

/// What becomes of one key.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// It is created under this name.
    Create(String),
    /// It is there, in the Secret of this name.
    Keep(String),
}

impl Restore {
    /// Carries it out.
    ///
    /// # Errors
    /// [`BackupError::Conflicts`] before anything is written, or what stood in the way; run again,
    /// it goes on where it stopped.
    pub fn run(self) -> Result<(), Errors> {
        let backup = Backup::read(&self.file, &identities(&self.identities)?)?;
        for why in &backup.unusable {
            report::warning(&format_args!("{why}; it is not restored"));
        }
        let service = self.controller.service(None);
        let done = with_client(&self.connection, async |client| {
            let secrets = KeySecrets::of(client, &service);
            let steps = plan(&backup, &secrets).await?;
            let mut done = String::new();
            let mut before: Option<&KeySecret> = None;
            for (key, step) in backup.keys.iter().zip(steps) {
                let id = key.key().id();
                match step {
                    Step::Keep(name) => done += &format!("there already: {id} ({name})\n"),
                    Step::Create(name) => {
                        if before.is_some_and(|before| would_pass(before, key)) {
                            sleep(SECOND).await;
                        }
                        secrets.create(key, &name, &backup.digest).await?;
                        done += &format!("restored: {id} ({name}), {}\n", key.state());
                        before = Some(key);
                    }
                }
            }
            Ok(done)
        })?;
        Ok(output::print(done.as_bytes())?)
    }
}

/// Whether the order of two keys would change if they were created within one second: then their
/// certificates decide.
fn would_pass(before: &KeySecret, key: &KeySecret) -> bool {
    let begins = |it: &KeySecret| it.key().public().not_before();
    begins(before) >= begins(key)
}

/// Decides for every key before anything is written.
async fn plan(backup: &Backup, secrets: &KeySecrets<'_>) -> Result<Vec<Step>, Error> {
    let (there, _) = secrets.all().await?;
    let mut steps = Vec::with_capacity(backup.keys.len());
    let mut conflicts = Vec::new();
    let mut taken = BTreeSet::new();
    for key in &backup.keys {
        if let Some(same) = there.iter().find(|it| it.is_same(key)) {
            steps.push(Step::Keep(same.key().name().to_owned()));
            continue;
        }
        match free_name(key, secrets, &mut taken).await? {
            Ok(name) => steps.push(Step::Create(name)),
            Err(conflict) => conflicts.push(conflict),
        }
    }
    match conflicts.is_empty() {
        true => Ok(steps),
        false => Err(BackupError::Conflicts { conflicts }.into()),
    }
}

/// The name that the Secret had, or one after it where that is the name of another key's Secret: the
/// first keys of all clusters are called the same.
async fn free_name(
    key: &KeySecret,
    secrets: &KeySecrets<'_>,
    taken: &mut BTreeSet<String>,
) -> Result<Result<String, String>, Error> {
    let (name, id) = (key.key().name(), key.key().id());
    let mut obstacle = "another key of the backup".to_owned();
    for name in [name.to_owned(), format!("{name}-{}", short(id.as_str()))] {
        match secrets.holder(&name).await? {
            Holder::Nobody if taken.insert(name.clone()) => return Ok(Ok(name)),
            Holder::Nobody => {}
            Holder::Key(it) if it.key().id() != id => {
                obstacle = format!("the key {}", it.key().id());
            }
            Holder::Key(_) => {
                obstacle = "another certificate of it".to_owned();
                break;
            }
            Holder::Other => {
                obstacle = "no usable key".to_owned();
                break;
            }
        }
    }
    Ok(Err(format!(
        "the key {id} belongs into the Secret {name}, which holds {obstacle}"
    )))
}

/// What of a key's id may stand in the name of an object.
fn short(id: &str) -> String {
    let hash = id.rsplit(':').next().unwrap_or_default();
    let letters = hash.chars().filter(char::is_ascii_alphanumeric);
    letters.take(8).map(|it| it.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_to_a_name_is_allowed_there() {
        assert_eq!(short("SHA256:+Ab/cD01xYz9w8"), "abcd01xy");
    }
}
