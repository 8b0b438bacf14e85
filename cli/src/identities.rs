//! Private keys for recovery: PEM files, files of age identities, and key Secrets.

use seal_envelope::Identity;
use seal_keyring::{
    IdentityError, identities_from_objects, identities_from_pem, is_age_identity_file,
};
use seal_manifest::{Reading, Stream};

use crate::{
    age_keys,
    error::Error,
    input::{Source, without_mark},
};

/// All private keys of an input: PEM (PKCS#1 or PKCS#8), age identities as `age-keygen` writes them,
/// or the key Secrets as `kubectl get secret -o yaml` prints them, lists included.
///
/// # Errors
/// [`Error::Identity`], [`Error::AgeKey`] and those of reading; also when there is no private key.
pub fn read(source: &Source) -> Result<Vec<Identity>, Error> {
    source.announce("private keys");
    if let Source::File(path) = source {
        age_keys::expect_no_identity("--identity", path.as_os_str())?;
    }
    let mut bytes = source.read()?;
    let failed = |error| Error::Identity {
        from: source.to_string(),
        error,
    };
    if is_age_identity_file(&bytes) {
        return Ok(age_keys::identities_in_text(&source.to_string(), &bytes)?);
    }
    if is_pem(&bytes) {
        return identities_from_pem(&bytes).map_err(failed);
    }
    let bytes = std::mem::take(&mut *bytes);
    let stream = Stream::parse(&source.to_string(), bytes, Reading::Kubernetes)?;
    let mut identities = Vec::new();
    for document in stream.documents() {
        match identities_from_objects(document.to_json()?) {
            Ok(found) => identities.extend(found),
            Err(IdentityError::Missing) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    if identities.is_empty() {
        return Err(failed(IdentityError::Missing));
    }
    Ok(identities)
}

/// In a manifest, PEM is indented or base64.
fn is_pem(bytes: &[u8]) -> bool {
    without_mark(bytes)
        .split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"-----BEGIN "))
}
