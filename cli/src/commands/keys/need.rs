//! What needs a key: found out by opening, not by what records and hints say.

use std::{fmt, path::PathBuf};

use seal_api::SealedSecret;
use seal_envelope::{Identity, open};
use seal_manifest::{Reading, Stream};
use seal_sealing::{decode, key_hints, label};

use crate::{
    error::{Error, Errors},
    input::{Source, is_template, mentions},
    naming::Naming,
    progress,
};

/// A sealed value that none of the other keys opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) place: Place,
    /// The object's namespace and name.
    pub(super) object: String,
    /// The value; absent when the object cannot be read.
    item: Option<String>,
    /// Whether the key opens it; otherwise nothing that is here does.
    pub(super) certain: bool,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            object,
            item,
            certain,
        } = self;
        let item = item.as_deref().unwrap_or("(cannot be read)");
        write!(f, "{place}: {object}: {item}")?;
        match certain {
            true => Ok(()),
            false => f.write_str(" (no key here opens it)"),
        }
    }
}

/// Where an object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Cluster,
    /// A file, and where in it: its name, line and column.
    File {
        file: PathBuf,
        at: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("in the cluster"),
            Self::File { at, .. } => f.write_str(at),
        }
    }
}

/// A SealedSecret, and where it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) place: Place,
    /// Its namespace and name.
    pub(super) object: String,
    /// `None` when it cannot be read.
    pub(super) sealed: Option<SealedSecret>,
}

/// What needs `key`, or cannot be accounted for, when only `others` are left.
pub(super) fn needs(all: &[Found], key: &Identity, others: &[&Identity]) -> Vec<Need> {
    let needs = progress::map("opening", all, |found| needs_of(found, key, others));
    needs.into_iter().flatten().collect()
}

fn needs_of(found: &Found, key: &Identity, others: &[&Identity]) -> Vec<Need> {
    let need = |item: Option<&str>, certain| Need {
        place: found.place.clone(),
        object: found.object.clone(),
        item: item.map(str::to_owned),
        certain,
    };
    let Some(sealed) = &found.sealed else {
        return vec![need(None, false)];
    };
    let hints = key_hints(&sealed.metadata);
    let mut others = others.to_vec();
    others.sort_by_key(|identity| !hints.contains(identity.id()));
    let metadata = &sealed.metadata;
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let name = metadata.name.as_deref().unwrap_or_default();
    let label = label(sealed.scope(), namespace, name);
    let items = sealed.spec.encrypted_data.iter();
    let items = items.map(|(item, text)| (item.as_str(), text));
    let blob = sealed.spec.data.iter().filter(|blob| !blob.is_empty());
    let mut needs = Vec::new();
    for (item, text) in items.chain(blob.map(|blob| ("data", blob))) {
        let Ok(envelope) = decode(text) else {
            needs.push(need(Some(item), false));
            continue;
        };
        if open(&envelope, &label, others.iter().copied()).is_err() {
            let certain = key.open(&envelope, &label).is_ok();
            needs.push(need(Some(item), certain));
        }
    }
    needs
}

/// Every SealedSecret of a file; those that name no namespace get this one. A file that does not even
/// mention one need not be readable. `None` for a template, which may hold any.
pub(super) fn sealed_in(
    source: &Source,
    namespace: Option<&str>,
) -> Result<Option<Vec<(String, SealedSecret)>>, Errors> {
    let bytes = source.read()?;
    let mut all = Vec::new();
    if !mentions(&bytes, "SealedSecret") {
        return Ok(Some(all));
    }
    let name = source.to_string();
    let stream = match Stream::parse(&name, bytes.as_slice(), Reading::Kubernetes) {
        Ok(stream) => stream,
        Err(_) if is_template(&bytes) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    for document in stream.documents() {
        for object in document.objects()? {
            if object.kind().as_deref() != Some("SealedSecret") {
                continue;
            }
            let at = object.location();
            let place = at.to_string();
            let mut sealed = SealedSecret::decode(object.to_json()?)
                .map_err(|error| Error::SealedSecret { at, error })?;
            let naming = Naming {
                name: None,
                namespace,
            };
            naming.apply(&mut sealed.metadata, &object)?;
            all.push((place, sealed));
        }
    }
    Ok(Some(all))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use seal_envelope::{KeyKind, Plaintext, Recipients, generate_age};
    use seal_sealing::{Secret, seal};

    use super::*;

    fn key() -> Identity {
        Identity::from_age(&generate_age(KeyKind::X25519).unwrap()).unwrap()
    }

    fn sealed(key: &Identity) -> SealedSecret {
        let mut secret = Secret::default();
        secret.metadata.namespace = Some("team".into());
        secret.metadata.name = Some("db".into());
        secret.data = BTreeMap::from([("a".into(), Plaintext::new(b"1".to_vec()))]);
        seal(&secret, &Recipients::from(key.recipient().clone())).unwrap()
    }

    fn found(sealed: Option<SealedSecret>) -> Vec<Found> {
        let object = "team/db".to_owned();
        let place = Place::Cluster;
        vec![Found {
            place,
            object,
            sealed,
        }]
    }

    #[test]
    fn what_only_this_key_opens_needs_it_and_what_another_one_opens_does_not() {
        let (key, other, stranger) = (key(), key(), key());
        let shown = |all: &[Found]| -> Vec<String> {
            let needs = needs(all, &key, &[&other]);
            needs.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            shown(&found(Some(sealed(&key)))),
            ["in the cluster: team/db: a"]
        );
        assert!(shown(&found(Some(sealed(&other)))).is_empty());
        let unknown = "in the cluster: team/db: a (no key here opens it)";
        assert_eq!(shown(&found(Some(sealed(&stranger)))), [unknown]);
        // A hint is no proof.
        let mut hinted = sealed(&key);
        hinted.metadata.annotations = sealed(&other).metadata.annotations;
        assert_eq!(shown(&found(Some(hinted))), ["in the cluster: team/db: a"]);
        let mut moved = sealed(&key);
        moved.metadata.name = Some("elsewhere".into());
        assert_eq!(shown(&found(Some(moved))), [unknown]);
        let unreadable = "in the cluster: team/db: (cannot be read) (no key here opens it)";
        assert_eq!(shown(&found(None)), [unreadable]);
    }
}
