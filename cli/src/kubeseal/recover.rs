//! `--recovery-unseal`: SealedSecrets and private keys in, Secrets out, offline.

use seal_envelope::{Identity, PrivateKeyDer};
use seal_manifest::{Reading, Stream};
use seal_sealing::{Secret, encode, unseal};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    failure::{Failure, Outcome},
    flags::Flags,
    input::{Input, read_file},
    json::{self, Format, Ordered},
    pem,
    sealed::{self, Found},
    secrets,
};

/// Opens every document.
///
/// # Errors
/// Every item of the first object that does not open.
pub fn run(flags: &Flags, input: &mut Input, out: &mut Zeroizing<String>) -> Outcome<()> {
    let mut identities = Vec::new();
    for path in &flags.private_keys {
        identities.extend(read_identities(path)?);
    }
    let identities: Vec<&Identity> = identities.iter().collect();
    let name = input.name();
    for Found { value, sealed } in sealed::decode(&name, &input.read()?)? {
        let unsealed = unseal(&sealed, &identities, false);
        let mut secret = unsealed
            .map_err(|error| Failure::new(error.to_string()))?
            .secret;
        // Upstream's reference names the kind that the file names.
        if value
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .is_empty()
        {
            for owner in secret.metadata.owner_references.iter_mut().flatten() {
                owner.kind.clear();
            }
        }
        let metadata = json::metadata(&secret.metadata)?;
        let format = Format::parse(&flags.format)?;
        out.push_str(&format.write(&Plain { secret, metadata })?);
    }
    Ok(())
}

/// The private keys of a file: the first usable PEM block, else those of the key Secrets in it. A file
/// without any is no error.
fn read_identities(path: &str) -> Outcome<Vec<Identity>> {
    let bytes = read_file(path)?;
    // A key of another kind is not told of: the file may be a manifest for all upstream knows.
    if let Ok(Some(identity)) = first_key(&bytes) {
        return Ok(vec![identity]);
    }
    let mut identities = Vec::new();
    for found in key_secrets(path, bytes)? {
        let missing = || Failure::new("secret must contain a 'tls.data' key");
        let pem = found.secret.data.get("tls.key").ok_or_else(missing)?;
        let key = first_key(pem)?.ok_or_else(|| {
            Failure::new("data does not contain a valid RSA or ECDSA private key")
        })?;
        identities.push(key);
    }
    Ok(identities)
}

/// The Secrets of a `List`, or those of a stream.
fn key_secrets(path: &str, bytes: Zeroizing<Vec<u8>>) -> Outcome<Vec<secrets::Found>> {
    if let Ok(stream) = Stream::parse(path, bytes.to_vec(), Reading::Kubernetes)
        && let Some(first) = stream.documents().first()
        && first.root().is_mapping()
        && matches!(first.kind().as_deref(), None | Some("" | "List"))
        && matches!(first.api_version().as_deref(), None | Some("" | "v1"))
    {
        let items = first
            .root()
            .field("items")?
            .filter(seal_manifest::Node::is_sequence);
        let mut found = Vec::new();
        for item in items
            .map(|items| items.items())
            .transpose()?
            .unwrap_or_default()
        {
            found.extend(secrets::of_node(&item, first.format())?);
        }
        return Ok(found);
    }
    secrets::read(path, bytes)
}

/// As client-go's `ParsePrivateKeyPEM`: blocks that are no key, damaged ones included, are passed
/// over, headers are not looked at.
fn first_key(text: &[u8]) -> Outcome<Option<Identity>> {
    for block in pem::blocks(text) {
        let der = match block.label.as_str() {
            "RSA PRIVATE KEY" => PrivateKeyDer::from_pkcs1(&block.der),
            "PRIVATE KEY" => PrivateKeyDer::from_pkcs8(&block.der),
            "EC PRIVATE KEY" => {
                return Err(Failure::new(
                    "unexpected private key type *ecdsa.PrivateKey",
                ));
            }
            _ => continue,
        };
        if let Ok(identity) = der.and_then(|der| Identity::new(&der)) {
            return Ok(Some(identity));
        }
    }
    Ok(None)
}

/// A Secret in Go's order, its values encoded while they are written.
struct Plain {
    secret: Secret,
    metadata: Value,
}

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("kind", "Secret")?;
        fields.serialize_entry("apiVersion", "v1")?;
        fields.serialize_entry("metadata", &Ordered::metadata(&self.metadata))?;
        if let Some(immutable) = self.secret.immutable {
            fields.serialize_entry("immutable", &immutable)?;
        }
        if !self.secret.data.is_empty() {
            fields.serialize_entry("data", &Data(&self.secret))?;
        }
        if let Some(type_) = self.secret.type_.as_deref().filter(|it| !it.is_empty()) {
            fields.serialize_entry("type", type_)?;
        }
        fields.end()
    }
}

struct Data<'a>(&'a Secret);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values = serializer.serialize_map(None)?;
        for (key, value) in &self.0.data {
            // An empty value is a nil slice in Go, and null in JSON.
            let text = Some(Zeroizing::new(encode(value))).filter(|text| !text.is_empty());
            values.serialize_entry(key, &text.as_ref().map(|text| text.as_str()))?;
        }
        values.end()
    }
}
