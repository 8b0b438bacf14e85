//! What objects are called: the name and the namespace that a sealed value is bound to.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::Scope;
use seal_manifest::Node;

use crate::{error::Error, input::place_of};

/// What the command line says about names. No kubeconfig has a say: what a value is bound to must
/// not depend on which cluster somebody looked at last.
#[derive(Debug, Default, Clone, Copy)]
pub struct Naming<'a> {
    /// The name that the object gets, whatever it is called.
    pub name: Option<&'a str>,
    /// The namespace that the object gets when it names none, and has to have otherwise.
    pub namespace: Option<&'a str>,
}

impl Naming<'_> {
    /// Names the object that stands at `node`.
    ///
    /// # Errors
    /// [`Error::NamespaceMismatch`].
    pub fn apply(&self, metadata: &mut ObjectMeta, node: &Node<'_>) -> Result<(), Error> {
        if let Some(name) = self.name {
            metadata.name = Some(name.to_owned());
        }
        let found = metadata.namespace.as_deref().unwrap_or_default();
        match self.namespace {
            Some(wanted) if found.is_empty() => metadata.namespace = Some(wanted.to_owned()),
            Some(wanted) if found != wanted => {
                return Err(Error::NamespaceMismatch {
                    at: place_of(node, &["metadata", "namespace"]),
                    found: found.to_owned(),
                    wanted: wanted.to_owned(),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// Makes sure that the object has what `scope` binds its values to. A name it needs in any case:
/// without one it cannot be applied.
///
/// # Errors
/// [`Error::NameMissing`], [`Error::NamespaceMissing`].
pub fn expect_named(metadata: &ObjectMeta, scope: Scope, node: &Node<'_>) -> Result<(), Error> {
    let is_missing = |field: &Option<String>| field.as_deref().unwrap_or_default().is_empty();
    if is_missing(&metadata.name) {
        let at = place_of(node, &["metadata", "name"]);
        return Err(Error::NameMissing { at });
    }
    if is_missing(&metadata.namespace) && scope != Scope::ClusterWide {
        let at = place_of(node, &["metadata", "namespace"]);
        return Err(Error::NamespaceMissing { at, scope });
    }
    Ok(())
}

/// How messages call an object: `namespace/name`, as far as it has them.
#[must_use]
pub fn called(metadata: &ObjectMeta) -> String {
    let parts = [metadata.namespace.as_deref(), metadata.name.as_deref()];
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("/")
}
