//! Reading a `.seal.yaml`, strictly: what is not understood is refused.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use globset::{GlobBuilder, GlobMatcher};
use seal_envelope::{KeyError, KeyId};
use seal_manifest::{Entry, Node, Reading, Scalar};

use super::{Cluster, Config, ConfigError, Controller, Listed, Problem, Rule};
use crate::{
    age_keys::{self, Found},
    certificate::Place,
    error::{Error, Errors},
    input::Source,
};

/// More alike than this, and one name was meant to be the other. clap's own measure.
const ALIKE: f64 = 0.7;

const CONFIG: &[&str] = &["clusters", "escrow", "rules"];
const CLUSTER: &[&str] = &["certificate", "recipients", "context", "controller", "pins"];
const CONTROLLER: &[&str] = &["name", "namespace"];
const RULE: &[&str] = &["path", "clusters", "escrow", "scope"];

type Clusters = BTreeMap<String, Arc<Cluster>>;

impl Config {
    /// Reads the `file`, called as messages are to call it, in the directory `home`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(home: &Path, file: &Path) -> Result<Self, Errors> {
        let mut config = Self {
            file: file.to_owned(),
            home: home.to_owned(),
            clusters: Clusters::new(),
            escrow: Vec::new(),
            rules: Vec::new(),
        };
        let stream = Source::File(file.to_owned()).parse(Reading::Strict)?;
        let mut documents = stream.documents().iter();
        if let Some(document) = documents.next() {
            let fields = Fields::of(document.root(), CONFIG)?;
            let beside = file.parent().unwrap_or(Path::new(""));
            if let Some(node) = fields.get("clusters") {
                config.clusters = clusters(node, beside)?;
            }
            config.escrow = escrow(&fields, beside)?;
            config.rules = each(fields.get("rules"), "rules", |node| {
                rule(node, &config.clusters, beside)
            })?;
        }
        match documents.next() {
            Some(second) => Err(wrong(&second.root(), Problem::SecondDocument).into()),
            None => Ok(config),
        }
    }
}

fn clusters(node: Node<'_>, home: &Path) -> Result<Clusters, Errors> {
    let mut clusters = Vec::new();
    let mut errors = Errors::default();
    for entry in entries(node, "clusters")? {
        errors.take(cluster(&entry, home).map_err(Errors::from), &mut clusters);
    }
    let named = |cluster: Cluster| (cluster.name.clone(), Arc::new(cluster));
    errors.or(clusters.into_iter().map(named).collect())
}

fn cluster(entry: &Entry<'_>, home: &Path) -> Result<Cluster, Error> {
    let fields = Fields::of(entry.value, CLUSTER)?;
    let controller = match fields.get("controller") {
        Some(node) => {
            let fields = Fields::of(node, CONTROLLER)?;
            Controller {
                name: fields.text("name")?,
                namespace: fields.text("namespace")?,
            }
        }
        None => Controller::default(),
    };
    let certificate = fields.text("certificate")?;
    let cluster = Cluster {
        name: entry.key.to_string(),
        certificate: certificate.map(|it| Place::below(home, &it)),
        recipients: each(fields.get("recipients"), "recipients", |node| {
            listed(node, "recipients", home)
        })?,
        context: fields.text("context")?,
        controller,
        pins: each(fields.get("pins"), "pins", pin)?,
    };
    let has_key = cluster.certificate.is_some() || !cluster.recipients.is_empty();
    if !has_key && cluster.context.is_none() {
        return Err(wrong(&entry.key_node, Problem::NoKey));
    }
    Ok(cluster)
}

/// A recipient, or where some stand. What may be private is not repeated.
fn listed(node: Node<'_>, field: &'static str, home: &Path) -> Result<Listed, Error> {
    let text = text(node, field)?;
    if age_keys::is_identity(&text) {
        return Err(wrong(&node, Problem::Identity { field }));
    }
    if !["age1", "ssh-"].iter().any(|start| text.starts_with(start)) {
        return Ok(Listed::At(Place::below(home, &text)));
    }
    let recipient = text.parse().map_err(|error: KeyError| {
        let why = error.to_string();
        wrong(&node, Problem::Value { field, why })
    })?;
    let at = node.location().to_string();
    Ok(Listed::Inline(Found { at, recipient }))
}

/// Escrow keys stand in the repository, where changes are reviewed: what a URL gives is not.
fn escrow(fields: &Fields<'_>, home: &Path) -> Result<Vec<Listed>, Error> {
    const FIELD: &str = "escrow";
    each(fields.get(FIELD), FIELD, |node| {
        match listed(node, FIELD, home)? {
            Listed::At(Place::Url(_)) => {
                let why = "expected a recipient or a file, not a URL".to_owned();
                Err(wrong(&node, Problem::Value { field: FIELD, why }))
            }
            listed => Ok(listed),
        }
    })
}

fn pin(node: Node<'_>) -> Result<KeyId, Error> {
    parsed(node, "pins", str::parse::<KeyId>)
}

fn rule(node: Node<'_>, clusters: &Clusters, home: &Path) -> Result<Rule, Error> {
    let fields = Fields::of(node, RULE)?;
    let path = fields
        .get("path")
        .ok_or_else(|| wrong(&node, Problem::Missing("path")))?;
    let listed = fields.get("clusters");
    let assigned = each(listed, "clusters", |node| assigned(node, clusters))?;
    let lacks_recipients = |it: &&Arc<Cluster>| it.recipients.is_empty() && it.context.is_none();
    if let (Some(node), [_, _, ..]) = (listed, assigned.as_slice())
        && let Some(cluster) = assigned.iter().find(lacks_recipients)
    {
        let cluster = cluster.name.clone();
        return Err(wrong(&node, Problem::NoRecipients { cluster }));
    }
    let scope = fields
        .get("scope")
        .map(|node| parsed(node, "scope", str::parse))
        .transpose()?;
    Ok(Rule {
        path: parsed(path, "path", pattern)?,
        clusters: assigned,
        escrow: escrow(&fields, home)?,
        scope,
    })
}

fn assigned(node: Node<'_>, clusters: &Clusters) -> Result<Arc<Cluster>, Error> {
    let name = text(node, "clusters")?;
    clusters.get(&name).cloned().ok_or_else(|| {
        let meant = meant(&name, clusters.keys().map(String::as_str));
        wrong(&node, Problem::UnknownCluster { name, meant })
    })
}

/// Matches what is relative to the directory of the file.
fn pattern(text: &str) -> Result<GlobMatcher, String> {
    let relative = text.trim_start_matches("./").trim_end_matches('/');
    if relative.is_empty() {
        return Err("use ** for everything".into());
    }
    if relative.starts_with('/') || relative.split('/').any(|part| part == "..") {
        return Err(format!(
            "expected a path below the directory of {}",
            super::FILE_NAME
        ));
    }
    GlobBuilder::new(relative)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

/// The fields of a mapping, all of them known.
struct Fields<'a>(Vec<Entry<'a>>);

impl<'a> Fields<'a> {
    fn of(node: Node<'a>, known: &'static [&'static str]) -> Result<Self, Error> {
        let entries = node.entries()?;
        match entries
            .iter()
            .find(|entry| !known.contains(&entry.key.as_ref()))
        {
            Some(entry) => {
                let field = entry.key.to_string();
                let meant = meant(&field, known.iter().copied());
                let problem = Problem::UnknownField {
                    field,
                    meant,
                    known,
                };
                Err(wrong(&entry.key_node, problem))
            }
            None => Ok(Self(entries)),
        }
    }

    fn get(&self, name: &str) -> Option<Node<'a>> {
        let mut entries = self.0.iter();
        entries
            .find(|entry| entry.key == name)
            .map(|entry| entry.value)
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, Error> {
        self.get(name).map(|node| text(node, name)).transpose()
    }
}

fn entries<'a>(node: Node<'a>, field: &'static str) -> Result<Vec<Entry<'a>>, Error> {
    if node.is_mapping() {
        return Ok(node.entries()?);
    }
    Err(wrong_type(&node, field, "a mapping"))
}

/// Every item of a list that is not empty; none where there is no list.
fn each<T>(
    list: Option<Node<'_>>,
    field: &'static str,
    read: impl Fn(Node<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let Some(node) = list else {
        return Ok(Vec::new());
    };
    if !node.is_sequence() {
        return Err(wrong_type(&node, field, "a list"));
    }
    let items = node.items()?;
    if items.is_empty() {
        let why = "the list is empty; leave it out".to_owned();
        return Err(wrong(&node, Problem::Value { field, why }));
    }
    items.into_iter().map(read).collect()
}

/// A text that is not empty.
fn text(node: Node<'_>, field: &'static str) -> Result<String, Error> {
    match node.scalar() {
        Ok(Scalar::Text(text)) if !text.is_empty() => Ok(text.to_string()),
        Ok(Scalar::Text(_)) => {
            let why = "the text is empty; leave it out".to_owned();
            Err(wrong(&node, Problem::Value { field, why }))
        }
        _ => Err(wrong_type(&node, field, "text")),
    }
}

fn parsed<T, E: ToString>(
    node: Node<'_>,
    field: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Error> {
    parse(&text(node, field)?).map_err(|error| {
        let why = error.to_string();
        wrong(&node, Problem::Value { field, why })
    })
}

fn wrong_type(node: &Node<'_>, field: &'static str, expected: &'static str) -> Error {
    let found = node.type_name();
    let problem = Problem::Type {
        field,
        expected,
        found,
    };
    wrong(node, problem)
}

fn wrong(node: &Node<'_>, problem: Problem) -> Error {
    let at = node.location();
    ConfigError { at, problem }.into()
}

fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|it| (strsim::jaro(name, it), it))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, it)| it.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_the_fields_that_are_read() {
        let schema = serde_json::to_value(crate::config::schema()).unwrap();
        let definitions = &schema["$defs"];
        for (object, known) in [
            (&schema, CONFIG),
            (&definitions["Cluster"], CLUSTER),
            (&definitions["Controller"], CONTROLLER),
            (&definitions["Rule"], RULE),
        ] {
            let fields = object["properties"].as_object().unwrap();
            let mut known = known.to_vec();
            known.sort_unstable();
            assert_eq!(fields.keys().collect::<Vec<_>>(), known);
            assert_eq!(object["additionalProperties"], false);
        }
        assert_eq!(definitions.as_object().unwrap().len(), 3);
    }
}
