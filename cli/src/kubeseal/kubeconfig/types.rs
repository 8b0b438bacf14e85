//! What client-go refuses in a kubeconfig and kube's reader does not: text that is none in YAML 1.1, and
//! names that stand twice.

use std::{collections::HashSet, path::Path};

use seal_manifest::{Node, Reading, Scalar, Stream};

use super::super::{
    failure::{Failure, Outcome},
    input::read_file,
    secrets::go_type,
};

/// A list of the file, what its entries are of, and their texts.
struct Named {
    list: &'static str,
    entry: &'static str,
    types: [&'static str; 2],
    texts: &'static [&'static str],
}

const LISTS: [Named; 3] = [
    Named {
        list: "contexts",
        entry: "context",
        types: ["NamedContext", "Context"],
        texts: &["cluster", "user", "namespace"],
    },
    Named {
        list: "clusters",
        entry: "cluster",
        types: ["NamedCluster", "Cluster"],
        texts: &[
            "server",
            "tls-server-name",
            "certificate-authority",
            "proxy-url",
        ],
    },
    Named {
        list: "users",
        entry: "user",
        types: ["NamedAuthInfo", "AuthInfo"],
        texts: &[
            "client-certificate",
            "client-key",
            "token",
            "tokenFile",
            "as",
            "as-uid",
            "username",
            "password",
        ],
    },
];

/// Looks at a file before it is read as a kubeconfig.
///
/// # Errors
/// In client-go's words, less the entries that it prints with their tokens.
pub(super) fn check(path: &Path) -> Outcome<()> {
    // A pipe cannot be read twice.
    if !path.is_file() {
        return Ok(());
    }
    let name = path.display().to_string();
    let bytes = read_file(&name)?;
    // What is no YAML is told by who reads it.
    let Ok(stream) = Stream::parse(&name, bytes.to_vec(), Reading::Kubernetes) else {
        return Ok(());
    };
    let wrong = stream
        .documents()
        .first()
        .and_then(|document| wrong(&document.root()));
    match wrong {
        Some(why) => Err(Failure::new(format!(
            "error loading config file {name:?}: {why}"
        ))),
        None => Ok(()),
    }
}

fn wrong(root: &Node<'_>) -> Option<String> {
    let of_object = |name| no_text(root, name, "", "");
    let mut found = ["kind", "apiVersion"].into_iter().find_map(of_object);
    found = found.map(|why| format!("couldn't get version/kind; json parse error: {why}"));
    found = found.or_else(|| no_text(root, "current-context", "Config", ""));
    for list in &LISTS {
        found = found.or_else(|| wrong_in(root, list));
    }
    found
}

fn wrong_in(root: &Node<'_>, named: &Named) -> Option<String> {
    let Named {
        list,
        entry,
        types: [outer, inner],
        texts,
    } = named;
    let mut names = HashSet::new();
    let mut twice = None;
    for item in field(root, list)?.items().ok()? {
        let way = format!("{list}.");
        if let Some(why) = no_text(&item, "name", outer, &way) {
            return Some(why);
        }
        let way = format!("{way}{entry}.");
        let value = field(&item, entry);
        let no_text = |name| no_text(&value?, name, inner, &way);
        if let Some(why) = texts.iter().copied().find_map(no_text) {
            return Some(why);
        }
        let name = field(&item, "name")
            .and_then(|it| it.as_str())
            .unwrap_or_default();
        if !names.insert(name) {
            twice.get_or_insert(name);
        }
    }
    twice.map(|name| {
        format!(
            "error converting *[]{outer} into *map[string]*api.{inner}: duplicate name {name:?} in list"
        )
    })
}

fn no_text(node: &Node<'_>, name: &str, type_: &str, way: &str) -> Option<String> {
    let value = field(node, name)?;
    let is_text = matches!(
        value.scalar(),
        Ok(Scalar::Text(_) | Scalar::Binary(_) | Scalar::Null)
    );
    let found = go_type(&value);
    (!is_text).then(|| {
        format!(
            "json: cannot unmarshal {found} into Go struct field {type_}.{way}{name} of type string"
        )
    })
}

fn field<'a>(node: &Node<'a>, name: &str) -> Option<Node<'a>> {
    node.is_mapping().then(|| node.get(name).ok().flatten())?
}
