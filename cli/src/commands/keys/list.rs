//! `seal keys list`: every key of a cluster, and what needs it.

mod table;
mod uses;

use std::io::Write;

use clap::{Args, builder::NonEmptyStringValueParser};
use jiff::Timestamp;
use kube::api::DynamicObject;
use seal_envelope::Identity;
use seal_keyring::Inventory;

use self::uses::Uses;
use super::{
    need::sealed_in,
    report::{Gone, KeyList, Listed, ListedKey, Use},
};
use crate::{
    cluster::{
        Connection, Controller,
        keys::{KeyDesk, sealed_secrets},
        with_client,
    },
    error::{Error, Errors},
    identities,
    input::{Source, tell_template},
    output::ReportFormat,
    paths, report,
};

/// Lists every key of a cluster: what it does, how old it is, and what needs it.
///
/// Standing: current seals and opens, one of each kind; active opens; awaits-backup opens, and seals
/// once it is backed up; malformed is a Secret that holds no usable key; compromised, retired and
/// other words take a key out of use; gone is a key that something needs and that is not there.
///
/// What needs a key in the cluster is counted from what the controller recorded in the status of
/// each SealedSecret when it last unsealed it; <= is for objects under several keys that an earlier
/// controller recorded, which did not count the values of each. With PATH the SealedSecrets of these
/// files are counted, too: by their key hints, or for certain with the private keys (--identity).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct List {
    /// Files and directories whose SealedSecrets are counted, too
    #[arg(value_name = "PATH")]
    paths: Vec<Source>,

    /// The namespace of SealedSecrets in PATH that name none; one that names another is an error
    #[arg(short, long, requires = "paths", value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// Private keys that tell for certain what needs them: PEM, or key Secrets; may be repeated
    #[arg(short, long = "identity", value_name = "FILE", requires = "paths")]
    identities: Vec<Source>,

    /// How to tell
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = "\
Examples:
  seal keys list
  seal keys list apps/
  seal keys list --identity keys.yaml apps/ --output json";

impl List {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way. Only that SealedSecrets cannot be listed is no reason to fail.
    pub fn run(self) -> Result<(), Errors> {
        let files = self.count_files()?;
        let service = self.controller.service(None);
        let (inventory, objects) = with_client(&self.connection, async |client| {
            let desk = KeyDesk::of(client.clone(), &service);
            let inventory = desk.inventory().await?;
            Ok((inventory, sealed_secrets(client).await))
        })?;
        let cluster = match objects {
            Ok(objects) => Some(recorded(&objects)),
            Err(error @ Error::KeyAdministrator { .. }) => {
                report::warning(&format_args!("what needs a key was not counted: {error}"));
                None
            }
            Err(error) => return Err(error.into()),
        };
        let keys = keys(inventory, cluster.as_ref(), files.as_ref());
        self.output.print(&keys, |out| {
            write!(out, "{}", table::of(&keys.0, Timestamp::now()))
        })?;
        let opened = !self.identities.is_empty();
        for note in notes(cluster.as_ref(), files.as_ref(), opened) {
            report::note(&note);
        }
        Ok(())
    }

    /// `None` without files.
    fn count_files(&self) -> Result<Option<Uses>, Errors> {
        if self.paths.is_empty() {
            return Ok(None);
        }
        let mut identities = Vec::new();
        for source in &self.identities {
            identities.extend(identities::read(source)?);
        }
        let namespace = self.namespace.as_deref();
        let mut uses = Uses::default();
        let mut errors = Errors::default();
        for input in paths::expand(&self.paths)? {
            if let Err(found) = count(&input.source, namespace, &identities, &mut uses) {
                errors.extend(found);
            }
        }
        errors.or(Some(uses))
    }
}

fn count(
    source: &Source,
    namespace: Option<&str>,
    identities: &[Identity],
    uses: &mut Uses,
) -> Result<(), Errors> {
    let Some(found) = sealed_in(source, namespace)? else {
        tell_template(source);
        return Ok(());
    };
    for (_, sealed) in found {
        match identities {
            [] => uses.add_hinted(&sealed),
            identities => uses.add_opened(&sealed, identities),
        }
    }
    Ok(())
}

fn recorded(objects: &[DynamicObject]) -> Uses {
    let mut uses = Uses::default();
    for object in objects {
        uses.add_recorded(object);
    }
    uses
}

/// The keys that are there, then those that something needs and that are not.
fn keys(inventory: Inventory, cluster: Option<&Uses>, files: Option<&Uses>) -> KeyList {
    let used = |uses: Option<&Uses>, id: Option<&str>| {
        uses.map(|uses| id.map(|id| uses.of(id)).unwrap_or_default())
    };
    let needed = cluster.into_iter().chain(files).flat_map(Uses::keys);
    let gone: std::collections::BTreeSet<_> = needed
        .filter(|id| inventory.find(id).is_none())
        .map(str::to_owned)
        .collect();
    let there = inventory.keys.into_iter().map(|key| ListedKey {
        cluster: used(cluster, key.id.as_deref()),
        files: used(files, key.id.as_deref()),
        key: Listed::There(Box::new(key)),
    });
    let gone = gone.into_iter().map(|id| ListedKey {
        cluster: used(cluster, Some(&id)),
        files: used(files, Some(&id)),
        key: Listed::Gone {
            standing: Gone::Gone,
            id,
        },
    });
    KeyList(there.chain(gone).collect())
}

/// What the counts do not tell.
fn notes(cluster: Option<&Uses>, files: Option<&Uses>, opened: bool) -> Vec<String> {
    let why_not = match opened {
        true => "are opened by none of the private keys",
        false => "do not say which key they need; --identity finds out",
    };
    let unknown = |uses: Option<&Uses>, place: &str, why: &str| {
        let unknown = uses.map(|uses| uses.unknown).filter(|it| it.objects > 0)?;
        let Use {
            objects, values, ..
        } = unknown;
        Some(format!(
            "{objects} SealedSecrets ({values} values) {place} {why}"
        ))
    };
    let in_cluster = "have no record of the keys that they need";
    [
        unknown(cluster, "in the cluster", in_cluster),
        unknown(files, "in the files", why_not),
    ]
    .into_iter()
    .flatten()
    .collect()
}
