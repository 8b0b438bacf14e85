//! Sealing: Secrets in, SealedSecrets out.

use jiff::Timestamp;
use seal_api::Scope;
use seal_envelope::Recipients;
use seal_sealing::{label, seal_value};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    certificate, cluster,
    failure::{Failure, Outcome},
    flags::Flags,
    input::Input,
    json::{self, Format, Ordered},
    secrets::{self, Found},
};

/// Seals every Secret of the input. What was made before an error stays in `out`.
///
/// # Errors
/// At the first document that cannot be sealed.
pub fn run(flags: &Flags, input: &mut Input, out: &mut Zeroizing<String>) -> Outcome<()> {
    let certificate = certificate::parse(&certificate::load(flags)?, Timestamp::now())?;
    let sealing = Sealing {
        flags,
        recipient: certificate.recipients(),
        name: &flags.name,
        namespace: "",
    };
    for found in input.secrets()? {
        let sealed = sealing.seal(found)?;
        let format = Format::parse(&flags.format)?;
        out.push_str(&format.write(&Ordered::object(&sealed))?);
    }
    Ok(())
}

/// How Secrets are sealed.
pub struct Sealing<'a> {
    /// Scope, namespace and so on.
    pub flags: &'a Flags,
    /// For whom.
    pub recipient: &'a Recipients,
    /// The name that they get, unless it is empty.
    pub name: &'a str,
    /// The namespace that they get, unless it is empty.
    pub namespace: &'a str,
}

impl Sealing<'_> {
    /// The SealedSecret. No hint at the key is written: the output is upstream's, byte for byte.
    ///
    /// # Errors
    /// When the Secret has no data, no name or no namespace, or is none.
    pub fn seal(&self, found: Found) -> Outcome<Value> {
        let Found {
            mut secret,
            at,
            kind,
        } = found;
        if secret.values().next().is_none() && !self.flags.allow_empty_data {
            return Err(Failure::new(
                "secret.data is empty in input Secret, assuming this is an error and aborting. To \
                 work with empty data, --allow-empty-data can be used",
            ));
        }
        let metadata = &mut secret.metadata;
        if !self.name.is_empty() {
            metadata.name = Some(self.name.to_owned());
        }
        if metadata.name.as_deref().unwrap_or_default().is_empty() {
            return Err(Failure::new("missing metadata.name in input Secret"));
        }
        if !self.namespace.is_empty() {
            metadata.namespace = Some(self.namespace.to_owned());
        }
        if self.flags.scope != Scope::Strict {
            secret.set_scope(self.flags.scope);
        }
        let scope = secret.scope();
        if scope != Scope::ClusterWide {
            self.settle_namespace(&mut secret.metadata.namespace)?;
        }
        expect_secret(&kind, &at)?;
        self.sealed(&secret, scope)
    }

    fn settle_namespace(&self, namespace: &mut Option<String>) -> Outcome<()> {
        let found = namespace.clone().unwrap_or_default();
        // A kubeconfig that does not work is told of only by those who need the cluster.
        let (wanted, asked) = cluster::namespace(&self.flags.cluster).unwrap_or_default();
        if asked && !found.is_empty() && found != wanted {
            return Err(Failure::new(format!(
                "namespace mismatch: input secret is in namespace {found:?} but {wanted:?} was \
                 specified"
            )));
        }
        if found.is_empty() {
            *namespace = Some(wanted.clone());
        }
        match found.is_empty() && wanted.is_empty() {
            true => Err(Failure::new("secret must declare a namespace")),
            false => Ok(()),
        }
    }

    fn sealed(&self, secret: &seal_sealing::Secret, scope: Scope) -> Outcome<Value> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (name, namespace) = (
            text(&secret.metadata.name),
            text(&secret.metadata.namespace),
        );
        let label = label(scope, &namespace, &name);
        let mut encrypted = Map::new();
        for (key, value) in secret.values() {
            let sealed = seal_value(value, &label, self.recipient)
                .map_err(|error| Failure::new(error.to_string()))?;
            encrypted.insert(key.clone(), sealed.into());
        }
        let annotations = scope.annotation().map(|it| json!({ it: "true" }));
        let metadata = given([
            ("name", Some(name.into())),
            ("namespace", Some(namespace.into())),
            ("annotations", annotations),
        ]);
        let mut template = given([
            ("type", secret.type_.as_deref().map(Value::from)),
            ("immutable", secret.immutable.map(Value::from)),
        ]);
        template.insert("metadata".into(), json::metadata(&secret.metadata)?);
        Ok(json!({
            "kind": "SealedSecret",
            "apiVersion": "bitnami.com/v1alpha1",
            "metadata": metadata,
            "spec": { "template": template, "encryptedData": encrypted },
        }))
    }
}

/// The fields that hold something.
fn given<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let full = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    full.filter(|(_, value)| !json::is_empty(value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Upstream does not look, and seals a ConfigMap whose values happen to be base64.
fn expect_secret(kind: &str, at: &str) -> Outcome<()> {
    match kind {
        "" | "Secret" => Ok(()),
        other => Err(Failure::new(format!(
            "{at}: expected a Secret, found a {other}"
        ))),
    }
}

/// All Secrets of an input.
///
/// # Errors
/// When there is none.
pub fn expect_some(found: Vec<Found>) -> Outcome<Vec<Found>> {
    match found.is_empty() {
        true => Err(Failure::new(
            "no secrets found. Ensure the input is valid and UTF-8 encoded",
        )),
        false => Ok(found),
    }
}

impl Input {
    /// The Secrets in it, at least one.
    ///
    /// # Errors
    /// When there is none, or one of them is not right.
    pub fn secrets(&mut self) -> Outcome<Vec<Found>> {
        let name = self.name();
        expect_some(secrets::read(&name, self.read()?)?)
    }
}
