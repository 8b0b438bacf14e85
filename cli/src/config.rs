//! `.seal.yaml`: for which cluster a file is sealed, and how.
//!
//! One stands in the root of a repository, or of any directory in it; the nearest one above a file
//! holds. It is public: certificates, names and fingerprints. [`Configs::settings_of`] answers for
//! a file; what the command line says comes before that.

mod error;
mod find;
mod read;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use globset::GlobMatcher;
use schemars::{
    JsonSchema, Schema, schema_for,
    transform::{RecursiveTransform, Transform},
};
use seal_api::Scope;
use seal_envelope::KeyId;
use serde_json::Value;

use crate::{age_keys::Found, certificate::Place};

pub use error::{ConfigError, Problem};
pub use find::Configs;

/// The file's name.
pub const FILE_NAME: &str = ".seal.yaml";

/// Tells seal for which cluster the files of a repository are sealed, and how.
#[derive(Debug, JsonSchema)]
#[schemars(title = ".seal.yaml", deny_unknown_fields)]
pub struct Config {
    /// What messages call it.
    #[schemars(skip)]
    file: PathBuf,
    /// Its directory, which rules are relative to: absolute and without symbolic links.
    #[schemars(skip)]
    home: PathBuf,
    /// The clusters that files are sealed for, by names of your choice. A file that no rule assigns
    /// to one is sealed for the only one, where there is only one.
    #[schemars(with = "BTreeMap<String, Cluster>", default)]
    clusters: BTreeMap<String, Arc<Cluster>>,
    /// Who else can open everything that is sealed for age recipients: keys that are kept offline,
    /// for the day when a cluster is lost. Age recipients (age1... or age1pq1...), or files of them,
    /// relative to the directory of this file.
    #[schemars(with = "Vec<String>", default, length(min = 1))]
    escrow: Vec<Listed>,
    /// What holds for which files. The first rule whose path matches counts, and no other.
    #[schemars(default, length(min = 1))]
    rules: Vec<Rule>,
}

/// A cluster, and the public keys of its Sealed Secrets controller.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("anyOf" = [
        { "required": ["certificate"] },
        { "required": ["recipients"] },
        { "required": ["context"] }
    ])
)]
pub struct Cluster {
    /// What the file calls it.
    #[schemars(skip)]
    pub name: String,
    /// The certificate to seal with: a PEM file, relative to the directory of this file, or an
    /// http: or https: URL. Without it the cluster is asked, which takes a context.
    #[schemars(with = "String", default)]
    pub certificate: Option<Place>,
    /// The age recipients of the cluster (age1... or age1pq1...), or files or http: or https: URLs
    /// with them, one a line. Where a cluster has some, values are age envelopes, unless the command
    /// line says otherwise.
    #[schemars(with = "Vec<String>", default, length(min = 1))]
    pub recipients: Vec<Listed>,
    /// The context of the kubeconfig with which the cluster is reached.
    #[schemars(with = "String", default)]
    pub context: Option<String>,
    /// The controller to ask, where it has not its usual name.
    #[schemars(default)]
    pub controller: Controller,
    /// The fingerprints (SHA256:...) of the keys that may be sealed with, RSA and age. Every other
    /// key is refused, whoever presents it.
    #[schemars(
        with = "Vec<String>",
        default,
        length(min = 1),
        inner(regex(pattern = r"^SHA256:[A-Za-z0-9+/]{43}$"))
    )]
    pub pins: Vec<KeyId>,
}

/// Age recipients, as they are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// One, in the list itself.
    Inline(Found),
    /// All that stand there.
    At(Place),
}

/// Which controller to ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Controller {
    /// The name of its Service; sealed-secrets-controller unless given.
    #[schemars(with = "String", default)]
    pub name: Option<String>,
    /// Its namespace; kube-system unless given.
    #[schemars(with = "String", default)]
    pub namespace: Option<String>,
}

/// What holds for the files under a path.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rule {
    /// A file, a directory with all that is below it, or a pattern for either, relative to the
    /// directory of this file: * and ? stay within a directory, ** is any number of them, {a,b} is
    /// a choice.
    #[schemars(with = "String")]
    path: GlobMatcher,
    /// The clusters that the files are sealed for. Several need age recipients, for a hybrid value
    /// is sealed for one RSA key.
    #[schemars(with = "Vec<String>", default, length(min = 1))]
    clusters: Vec<Arc<Cluster>>,
    /// Who else can open what is in these files, beside the escrow of the whole file.
    #[schemars(with = "Vec<String>", default, length(min = 1))]
    escrow: Vec<Listed>,
    /// How far the values may move where neither the manifest nor the command line says; strict
    /// unless given.
    #[schemars(
        with = "String",
        default,
        extend("enum" = Scope::ALL.map(Scope::as_str))
    )]
    scope: Option<Scope>,
}

/// What holds for one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The file that they hold for.
    pub file: PathBuf,
    /// The `.seal.yaml` that says so; `None` where there is none.
    pub config: Option<PathBuf>,
    /// The clusters that the file is sealed for; empty where nothing decides between several. More
    /// than one only for age recipients: a hybrid envelope has one.
    pub clusters: Vec<Arc<Cluster>>,
    /// Who can open it beside the clusters.
    pub escrow: Vec<Listed>,
    /// The scope of what does not ask for one itself.
    pub scope: Option<Scope>,
}

impl Cluster {
    /// Whether its pins, where it has any, allow to seal with this key.
    #[must_use]
    pub fn takes(&self, key: &KeyId) -> bool {
        self.pins.is_empty() || self.pins.contains(key)
    }
}

impl Config {
    /// What holds for a file, given by its absolute path without symbolic links.
    fn settings(&self, file: &Path) -> Settings {
        let relative = file.strip_prefix(&self.home).unwrap_or(file);
        let is_covered = |rule: &&Rule| {
            relative
                .ancestors()
                .filter(|part| !part.as_os_str().is_empty())
                .any(|part| rule.path.is_match(part))
        };
        let rule = self.rules.iter().find(is_covered);
        let named = rule.map(|rule| rule.clusters.clone()).unwrap_or_default();
        let clusters = match self.clusters.len() {
            1 => self.clusters.values().cloned().collect(),
            _ => named,
        };
        Settings {
            file: relative.to_owned(),
            config: Some(self.file.clone()),
            clusters,
            escrow: self
                .escrow
                .iter()
                .chain(rule.into_iter().flat_map(|rule| &rule.escrow))
                .cloned()
                .collect(),
            scope: rule.and_then(|rule| rule.scope),
        }
    }
}

/// The JSON schema (draft 2020-12) of `.seal.yaml`, for editors: `docs/seal-yaml.schema.json`.
#[must_use]
pub fn schema() -> Schema {
    // What is not there has no value; null would be one, and is none that is read.
    let without_null = |schema: &mut Schema| {
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
    };
    let mut schema = schema_for!(Config);
    RecursiveTransform(without_null).transform(&mut schema);
    schema
}
