//! `seal keys compromise`: a key that others may know goes out of use, without losing anything.

use std::{collections::BTreeSet, path::PathBuf};

use clap::{Args, builder::NonEmptyStringValueParser};
use seal_envelope::Kind;
use seal_keyring::{KeyState, requests::RequestOutcome};

use super::{
    need::{Found, Need, Place},
    rotate,
    survey::{Keys, in_cluster, in_files, tell_of_old_backups},
};
use crate::{
    cluster::{ServiceName, key_secrets::KeySecrets, keys::KeyDesk, with_client},
    commands::rotate::Leaked,
    editing::editable_path,
    error::{Answer, Error, Errors},
    input::Source,
    output,
    recipients::SealingOptions,
    report,
};

/// Takes a key out of use that somebody else may know.
///
/// In this order: if the key seals, the controller makes a new one; every value that needs the old one
/// is listed, in the cluster and in PATH; what stands in PATH is sealed again, in place, under the key
/// that seals now; and once nothing needs the old one any more, it gets the label compromised. As long
/// as the cluster needs it, it stays in use: commit and apply what was sealed again, then run the same
/// command once more.
///
/// The values that it lists are to be changed where they come from: whoever has the key can read them
/// in the history of the repository for ever, under a new key, too.
///
/// With --now the key goes out of use first. Either way values are opened on this machine, with the
/// keys of the cluster. It takes the same rights as seal keys retire.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Compromise {
    /// The key: its id, or the name of its Secret
    #[arg(value_name = "KEY")]
    key: String,

    /// Files and directories with SealedSecrets, such as what is in Git: what needs the key is sealed
    /// again
    #[arg(value_name = "PATH", value_parser = editable_path)]
    paths: Vec<PathBuf>,

    /// The namespace of SealedSecrets in PATH that name none; one that names another is an error
    #[arg(short, long, requires = "paths", value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// Take it out of use before what needs it is sealed again
    #[arg(long)]
    now: bool,

    #[command(flatten)]
    sealing: SealingOptions,
}

const EXAMPLES: &str = "\
Examples:
  seal keys compromise SHA256:… apps/ > to-be-changed.txt
  git commit -am 'Move to the new key'   # and have it applied
  seal keys compromise SHA256:… apps/

Exit status: 0 the key is out of use, 1 something needs it still, 2 it could not be found out, or
something could not be sealed again.";

impl Compromise {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn run(self) -> Result<Answer, Errors> {
        let namespace = self.namespace.as_deref();
        let paths: Vec<_> = self.paths.iter().cloned().map(Source::File).collect();
        // What cannot be read is told before anything is changed.
        let files = in_files(&paths, namespace)?;
        let service = self.sealing.service();
        let mut keys = self.keys(&service)?;
        if self.now {
            self.cut_off(&keys, &service)?;
        }
        if keys.is_current {
            self.renew(keys.kind(), &service)?;
            keys = self.keys(&service)?;
        }
        let cluster = with_client(self.sealing.connection(), in_cluster)?;
        let (in_files_now, in_cluster) = (keys.needs(&files), keys.needs(&cluster));
        let all = in_cluster.iter().chain(&in_files_now);
        let lines: String = all.map(|need| format!("{need}\n")).collect();
        output::print(lines.as_bytes())?;
        if !lines.is_empty() {
            report::note(&format_args!(
                "{} values need the key or cannot be accounted for: change them where they come \
                 from, whoever has the key can read them",
                lines.lines().count()
            ));
        }
        self.seal_again(&keys, &in_files_now)?;
        let left = match in_files_now.is_empty() {
            true => Vec::new(),
            false => keys.needs(&in_files(&paths, namespace)?),
        };
        tell_what_is_left(&left, &in_cluster, &files);
        if !self.now {
            if !left.is_empty() || !in_cluster.is_empty() {
                return Ok(Answer::No);
            }
            self.cut_off(&keys, &service)?;
        }
        report::note(&format_args!("the key {} is out of use", keys.id()));
        tell_of_old_backups();
        Ok(Answer::Yes)
    }

    fn keys(&self, service: &ServiceName) -> Result<Keys, Error> {
        with_client(self.sealing.connection(), async |client| {
            Keys::read(client, service, &self.key).await
        })
    }

    fn cut_off(&self, keys: &Keys, service: &ServiceName) -> Result<(), Error> {
        with_client(self.sealing.connection(), async |client| {
            let secrets = KeySecrets::of(client, service);
            keys.take_out(&secrets, &KeyState::Compromised).await
        })
    }

    /// Makes sure that nothing more is sealed with it.
    fn renew(&self, kind: Kind, service: &ServiceName) -> Result<(), Error> {
        let outcome = with_client(self.sealing.connection(), async |client| {
            rotate::new_key(&KeyDesk::of(client, service), kind).await
        })?;
        let why = match outcome {
            RequestOutcome::Done { new_key, .. } => {
                report::note(&format_args!("new key {new_key}"));
                return Ok(());
            }
            RequestOutcome::AwaitsBackup { new_key, .. } => format!(
                "the new key {new_key} seals only once it is backed up; back it up (seal keys \
                 backup) and run this again"
            ),
            RequestOutcome::Refused { why } => why,
        };
        match self.now {
            // An older one seals; where there is none, the controller makes one of itself.
            true => {
                report::warning(&format_args!("no new key seals: {why}"));
                Ok(())
            }
            false => Err(Error::Refused { why }),
        }
    }

    /// What in the files is opened by the key alone, under the current one.
    fn seal_again(&self, keys: &Keys, needs: &[Need]) -> Result<(), Errors> {
        let mut leaked = Leaked {
            key: keys.id(),
            kind: keys.kind(),
            identities: keys.identities(),
            files: Vec::new(),
            namespace: self.namespace.as_deref(),
            places: Default::default(),
        };
        for need in needs.iter().filter(|need| need.certain) {
            if let Place::File { file, at } = &need.place {
                leaked.files.push(file.clone());
                leaked.places.insert(at.clone());
            }
        }
        if leaked.files.is_empty() {
            return Ok(());
        }
        leaked.files.dedup();
        let (done, errors) = leaked.seal_again(&self.sealing)?;
        for changed in &done.changed {
            let to = changed.to.join(",");
            report::note(&format_args!("{}: sealed again for {to}", changed.file));
        }
        errors.or(())
    }
}

/// What needs the key still, and what is to be done about it.
fn tell_what_is_left(files: &[Need], cluster: &[Need], given: &[Found]) {
    for need in files {
        report::warning(&format_args!("{need}: could not be sealed again"));
    }
    let given: BTreeSet<_> = given.iter().map(|found| &found.object).collect();
    let needy: BTreeSet<_> = cluster.iter().map(|need| &need.object).collect();
    let (applied, elsewhere): (Vec<_>, Vec<_>) =
        needy.into_iter().partition(|object| given.contains(object));
    for object in &elsewhere {
        let (namespace, name) = object.split_once('/').unwrap_or_default();
        report::warning(&format_args!(
            "{object} is in the cluster and in none of the files: name the tree that it comes from, or \
             FILE after kubectl get sealedsecret {name} -n {namespace} -o yaml >FILE"
        ));
    }
    if !applied.is_empty() {
        report::note(&format_args!(
            "next: commit and apply the files; {} SealedSecrets of the cluster are as they were",
            applied.len()
        ));
    }
}
