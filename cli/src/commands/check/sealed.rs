//! What can be wrong with a SealedSecret, as far as it shows without a private key.

use seal_api::{
    Scope, SealedSecret,
    annotations::{CLUSTER_WIDE, LAST_APPLIED, NAMESPACE_WIDE, is_true},
};
use seal_envelope::{KeySize, Shape};
use seal_manifest::{Node, Scalar};
use seal_sealing::{decode, label};

use super::{
    finding::{Finding, Rule},
    names,
    recipients::{self, Expected},
};
use crate::{
    commands::encrypt::MOST_DATA,
    input::place_of,
    room::{MOST_STORED, stored},
};

const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC: [&str; 3] = ["template", "data", "encryptedData"];
const TEMPLATE: [&str; 4] = ["metadata", "type", "immutable", "data"];
const ENCRYPTED_DATA: [&str; 2] = ["spec", "encryptedData"];

/// Checks the SealedSecret at `node`, which is read as Kubernetes reads it.
pub(super) fn check(node: &Node<'_>, expected: &Expected, findings: &mut Vec<Finding>) {
    let before = findings.len();
    structure(node, findings);
    let decoded = node.to_json().map_err(|error| error.to_string());
    let sealed =
        decoded.and_then(|json| SealedSecret::decode(json).map_err(|error| error.to_string()));
    match sealed {
        Ok(sealed) => {
            room(node, findings);
            names_of(node, &sealed, findings);
            scopes(node, &sealed, findings);
            values(node, &sealed, findings);
            recipients::check(node, &sealed, expected, findings);
            copies(node, &sealed, findings);
        }
        // What is wrong has been told with its place.
        Err(_) if findings.len() > before => {}
        Err(why) => findings.push(Finding::error(Rule::Malformed, node.location(), why)),
    }
}

/// Whether the API server would take it.
fn room(node: &Node<'_>, findings: &mut Vec<Finding>) {
    let bytes = node.to_json().map_or(0, |json| stored(&json));
    if bytes > MOST_STORED {
        let message = format!(
            "{bytes} bytes as the API server stores it, status and bookkeeping included, but etcd \
             takes at most {MOST_STORED} in a request"
        );
        findings.push(Finding::error(Rule::TooLarge, node.location(), message));
    }
}

/// Fields that mean nothing, and fields of the wrong type.
fn structure(node: &Node<'_>, findings: &mut Vec<Finding>) {
    known(node, "a SealedSecret", &FIELDS, findings);
    texts(node, &["metadata"], findings);
    let Some(spec) = at(node, &["spec"]) else {
        findings.push(Finding::error(
            Rule::Malformed,
            node.location(),
            "spec is missing",
        ));
        return;
    };
    if !expect_mapping(&spec, "spec", findings) {
        return;
    }
    known(&spec, "spec", &SPEC, findings);
    if let Some(template) = at(&spec, &["template"]).filter(|it| !it.is_null())
        && expect_mapping(&template, "spec.template", findings)
    {
        known(&template, "spec.template", &TEMPLATE, findings);
        texts(&template, &["metadata"], findings);
    }
    let Some(items) = at(&spec, &["encryptedData"]).filter(|it| !it.is_null()) else {
        return;
    };
    if expect_mapping(&items, "encryptedData", findings) {
        for entry in items.entries().unwrap_or_default() {
            if !matches!(entry.value.scalar(), Ok(Scalar::Text(_))) {
                let message = format!(
                    "encryptedData.{}: expected text, found {}",
                    entry.key,
                    entry.value.type_name()
                );
                findings.push(Finding::error(
                    Rule::Malformed,
                    entry.value.location(),
                    message,
                ));
            }
        }
    }
}

fn known(node: &Node<'_>, what: &str, fields: &[&str], findings: &mut Vec<Finding>) {
    for entry in node.entries().unwrap_or_default() {
        if !fields.contains(&entry.key.as_ref()) {
            let message = format!(
                "{what} has no field {:?}; it has {}",
                entry.key,
                fields.join(", ")
            );
            findings.push(Finding::warning(
                Rule::UnknownField,
                entry.key_node.location(),
                message,
            ));
        }
    }
}

/// Labels and annotations are text, and `true` without quotes is none.
fn texts(node: &Node<'_>, path: &[&str], findings: &mut Vec<Finding>) {
    for field in ["labels", "annotations"] {
        let path: Vec<_> = path.iter().copied().chain([field]).collect();
        let Some(mapping) = at(node, &path).filter(|it| !it.is_null()) else {
            continue;
        };
        if !expect_mapping(&mapping, field, findings) {
            continue;
        }
        for entry in mapping.entries().unwrap_or_default() {
            if !matches!(entry.value.scalar(), Ok(Scalar::Text(_) | Scalar::Null)) {
                let message = format!(
                    "{field}: {}: expected text, found {}; quote it",
                    entry.key,
                    entry.value.type_name()
                );
                findings.push(Finding::error(
                    Rule::Malformed,
                    entry.value.location(),
                    message,
                ));
            }
        }
    }
}

fn expect_mapping(node: &Node<'_>, field: &str, findings: &mut Vec<Finding>) -> bool {
    if !node.is_mapping() {
        let message = format!("{field}: expected a mapping, found {}", node.type_name());
        findings.push(Finding::error(Rule::Malformed, node.location(), message));
    }
    node.is_mapping()
}

/// The node at a path of fields.
fn at<'a>(node: &Node<'a>, path: &[&str]) -> Option<Node<'a>> {
    path.iter().try_fold(*node, |node, field| {
        node.is_mapping().then(|| node.get(field).ok().flatten())?
    })
}

fn names_of(node: &Node<'_>, sealed: &SealedSecret, findings: &mut Vec<Finding>) {
    let metadata = &sealed.metadata;
    let mut tell = |path: &[&str], message: String| {
        findings.push(Finding::error(Rule::Name, place_of(node, path), message));
    };
    match metadata.name.as_deref() {
        None | Some("") => tell(&["metadata"], "metadata.name is missing".into()),
        Some(name) if !names::is_subdomain(name) => tell(
            &["metadata", "name"],
            format!("no Secret can be called {name:?}: {}", names::SUBDOMAIN),
        ),
        Some(_) => {}
    }
    match metadata.namespace.as_deref() {
        None | Some("") if sealed.scope() != Scope::ClusterWide => tell(
            &["metadata"],
            format!(
                "metadata.namespace is missing, and {} scope binds the values to it",
                sealed.scope()
            ),
        ),
        Some(namespace) if !namespace.is_empty() && !names::is_label(namespace) => tell(
            &["metadata", "namespace"],
            format!("no namespace can be called {namespace:?}: {}", names::LABEL),
        ),
        _ => {}
    }
    renamed(node, sealed, findings);
}

/// Sealers write the name into the template, too; what renames objects later (kustomize, people)
/// often does not.
fn renamed(node: &Node<'_>, sealed: &SealedSecret, findings: &mut Vec<Finding>) {
    let Some(template) = &sealed.spec.template.metadata else {
        return;
    };
    let (scope, own) = (sealed.scope(), &sealed.metadata);
    let bound = [
        ("name", &template.name, &own.name, scope == Scope::Strict),
        (
            "namespace",
            &template.namespace,
            &own.namespace,
            scope != Scope::ClusterWide,
        ),
    ];
    for (field, theirs, ours, is_bound) in bound {
        let theirs = theirs.as_deref().unwrap_or_default();
        let ours = ours.as_deref().unwrap_or_default();
        if is_bound && !theirs.is_empty() && !ours.is_empty() && theirs != ours {
            let at = place_of(node, &["spec", "template", "metadata", field]);
            let message = format!(
                "the template says {field} {theirs:?}, the SealedSecret {ours:?}: with {scope} scope \
                 nothing opens if it was renamed after sealing"
            );
            findings.push(Finding::warning(Rule::Renamed, at, message));
        }
    }
}

fn scopes(node: &Node<'_>, sealed: &SealedSecret, findings: &mut Vec<Finding>) {
    let annotations = sealed.metadata.annotations.as_ref();
    let path = |name| ["metadata", "annotations", name];
    for name in [CLUSTER_WIDE, NAMESPACE_WIDE] {
        let value = annotations.and_then(|map| map.get(name));
        if let Some(value) = value.filter(|it| !matches!(it.as_str(), "true" | "false" | "")) {
            let message = format!("{name}: only \"true\" counts, not {value:?}");
            findings.push(Finding::error(
                Rule::Scope,
                place_of(node, &path(name)),
                message,
            ));
        }
    }
    if is_true(annotations, CLUSTER_WIDE) && is_true(annotations, NAMESPACE_WIDE) {
        let at = place_of(node, &path(NAMESPACE_WIDE));
        let message = "cluster-wide stands beside it and wins";
        findings.push(Finding::warning(Rule::Scope, at, message));
    }
    let template = Scope::of(sealed.spec.template.annotations());
    let own = sealed.scope();
    if template != Scope::Strict && template != own {
        let name = template.annotation().unwrap_or_default();
        let at = place_of(node, &["spec", "template", "metadata", "annotations", name]);
        let message = format!(
            "the template's annotations say {template}, but only those of the SealedSecret count, \
             and they say {own}"
        );
        findings.push(Finding::error(Rule::Scope, at, message));
    }
}

fn values(node: &Node<'_>, sealed: &SealedSecret, findings: &mut Vec<Finding>) {
    let spec = &sealed.spec;
    let items_at = place_of(node, &ENCRYPTED_DATA);
    if let Some(blob) = &spec.data {
        let at = place_of(node, &["spec", "data"]);
        if spec.encrypted_data.is_empty() {
            let message = "spec.data is deprecated; seal the Secret again";
            findings.push(Finding::warning(Rule::DeprecatedData, at.clone(), message));
        } else {
            let message = "spec.data and spec.encryptedData exclude one another";
            findings.push(Finding::error(Rule::Malformed, at.clone(), message));
        }
        envelope("spec.data", blob, at, findings);
    }
    let templates = spec.template.data.as_ref();
    if spec.data.is_none() && spec.encrypted_data.is_empty() && templates.is_none() {
        let message = "the SealedSecret holds no values";
        findings.push(Finding::warning(Rule::NoData, items_at.clone(), message));
    }
    let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
    let name = sealed.metadata.name.as_deref().unwrap_or_default();
    let label = label(sealed.scope(), namespace, name);
    let mut total = 0;
    for (key, text) in &spec.encrypted_data {
        let path = ["spec", "encryptedData", key];
        let value_at = place_of(node, &path);
        key_name(key, value_at.clone(), findings);
        // What is no text has been told, and reads as an empty one.
        if at(node, &path).is_some_and(|value| matches!(value.scalar(), Ok(Scalar::Text(_)))) {
            let length = envelope(&format!("encryptedData.{key}"), text, value_at, findings);
            total += match length {
                Length::Plaintext(bytes) => bytes,
                Length::Labelled(bytes) => bytes.saturating_sub(label.as_bytes().len()),
            };
        }
    }
    for key in templates.into_iter().flatten().map(|(key, _)| key) {
        key_name(
            key,
            place_of(node, &["spec", "template", "data", key]),
            findings,
        );
    }
    if total > MOST_DATA {
        let message = format!("{total} bytes of data, but a Secret holds at most {MOST_DATA}");
        findings.push(Finding::error(Rule::TooLarge, items_at, message));
    }
}

fn key_name(key: &str, at: seal_manifest::Location, findings: &mut Vec<Finding>) {
    if !names::is_key(key) {
        let message = format!("no Secret can have the key {key:?}: {}", names::KEY);
        findings.push(Finding::error(Rule::KeyName, at, message));
    }
}

/// How long a value is, as far as its envelope shows.
enum Length {
    Plaintext(usize),
    /// With its label.
    Labelled(usize),
}

/// Checks one sealed text.
fn envelope(
    called: &str,
    text: &str,
    at: seal_manifest::Location,
    findings: &mut Vec<Finding>,
) -> Length {
    let bytes = match decode(text) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("{called}: {error}");
            findings.push(Finding::error(Rule::Base64, at, message));
            return Length::Plaintext(0);
        }
    };
    match Shape::of(&bytes) {
        Some(Shape::Hybrid { modulus, plaintext }) if KeySize::try_from(modulus * 8).is_ok() => {
            Length::Plaintext(plaintext)
        }
        Some(Shape::Age { labelled, .. }) => Length::Labelled(labelled),
        _ => {
            let message = format!("{called}: truncated or damaged; seal it again");
            findings.push(Finding::error(Rule::Envelope, at, message));
            Length::Plaintext(0)
        }
    }
}

/// kubectl keeps a copy of what was applied, plaintext included.
fn copies(node: &Node<'_>, sealed: &SealedSecret, findings: &mut Vec<Finding>) {
    for name in LAST_APPLIED {
        for (path, annotations) in [
            (&["metadata"][..], sealed.metadata.annotations.as_ref()),
            (
                &["spec", "template", "metadata"],
                sealed.spec.template.annotations(),
            ),
        ] {
            let copy = annotations.and_then(|map| map.get(name));
            if copy.is_some_and(|copy| copy.contains("\"Secret\"")) {
                let path: Vec<_> = path.iter().copied().chain(["annotations", name]).collect();
                let message = format!("{name} holds a copy of the Secret in plaintext; remove it");
                let at = place_of(node, &path);
                findings.push(Finding::error(Rule::PlaintextAnnotation, at, message));
            }
        }
    }
}
