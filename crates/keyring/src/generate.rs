use std::{collections::BTreeMap, time::SystemTime};

use aws_lc_rs::{digest, rand};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use pem_rfc7468::LineEnding;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, SerialNumber,
};
use seal_envelope::{KeyError, KeySize, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::{Certificate, CertificateError, KEY_ACTIVE, KEY_LABEL};

/// The letters of Kubernetes' generated names: no vowels, so no words.
const NAME_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A key could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The private key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The certificate failed.
    #[error("the certificate could not be made: {0}")]
    Certificate(String),
    /// The certificate that was made cannot be read back.
    #[error(transparent)]
    ReadBack(#[from] CertificateError),
}

/// A key that no Secret holds yet.
#[derive(Debug)]
pub struct NewKey {
    private_key: PrivateKeyDer,
    certificate: Certificate,
}

impl NewKey {
    /// Makes a key and a self-signed certificate as upstream makes them: a serial number of 128
    /// random bits, `common_name` (may be empty), key usage encipherOnly, CA.
    ///
    /// # Errors
    /// [`GenerateError`].
    pub fn generate(
        size: KeySize,
        not_before: Timestamp,
        validity: SignedDuration,
        common_name: &str,
    ) -> Result<Self, GenerateError> {
        let private_key = PrivateKeyDer::generate(size)?;
        let failed = |error: &dyn std::fmt::Display| GenerateError::Certificate(error.to_string());
        let mut serial = [0; 16];
        rand::fill(&mut serial).map_err(|error| failed(&error))?;

        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.not_before = SystemTime::from(not_before).into();
        let not_after = not_before
            .checked_add(validity)
            .map_err(|error| failed(&error))?;
        params.not_after = SystemTime::from(not_after).into();
        params.distinguished_name = DistinguishedName::new();
        if !common_name.is_empty() {
            params
                .distinguished_name
                .push(DnType::CommonName, common_name);
        }
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::EncipherOnly];

        let pkcs8 = private_key.pkcs8().into();
        let signer = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_RSA_SHA256)
            .map_err(|error| failed(&error))?;
        let signer = Zeroizing::new(signer);
        let signed = params
            .self_signed(&*signer)
            .map_err(|error| failed(&error))?;
        let certificate = Certificate::from_der(signed.der().to_vec())?;
        Ok(Self {
            private_key,
            certificate,
        })
    }

    /// Its published side.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its private side as PKCS#1 PEM, the form that upstream stores.
    ///
    /// # Errors
    /// [`GenerateError::Key`].
    pub fn private_pem(&self) -> Result<Zeroizing<String>, GenerateError> {
        let malformed = KeyError::Malformed("the new key has no PKCS#1 form");
        pem_rfc7468::encode_string("RSA PRIVATE KEY", LineEnding::LF, self.private_key.pkcs1()?)
            .map(Zeroizing::new)
            .map_err(|_| malformed.into())
    }

    /// The key Secret, active, of type `kubernetes.io/tls`. Labels and annotations that would take
    /// the key out of use are overridden.
    ///
    /// # Errors
    /// [`GenerateError::Key`].
    pub fn secret(
        &self,
        namespace: &str,
        name: &str,
        mut labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
    ) -> Result<Secret, GenerateError> {
        labels.insert(KEY_LABEL.into(), KEY_ACTIVE.into());
        let private_pem = self.private_pem()?;
        let data = [
            ("tls.crt", self.certificate.to_pem().into_bytes()),
            ("tls.key", private_pem.as_bytes().to_vec()),
        ];
        Ok(Secret {
            metadata: ObjectMeta {
                name: Some(name.into()),
                namespace: Some(namespace.into()),
                labels: Some(labels),
                annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".into()),
            data: Some(
                data.map(|(name, bytes)| (name.into(), ByteString(bytes)))
                    .into(),
            ),
            ..Secret::default()
        })
    }
}

/// When the certificate of a new key begins to be valid: now, but always after the newest key, so
/// that the new one is the newest whatever the clocks say.
#[must_use]
pub fn not_before(now: Timestamp, newest: Option<Timestamp>) -> Timestamp {
    let after_newest = newest.and_then(|time| time.checked_add(SignedDuration::from_secs(1)).ok());
    after_newest.map_or(now, |earliest| earliest.max(now))
}

/// Names the Secret of a new key, so that two who make a key for the same occasion make one.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// What every key's name begins with (`--key-prefix`).
    pub prefix: &'a str,
    /// The uid of the Secret of the key that is current until now, empty for the first key.
    pub current_uid: &'a str,
    /// What the key is made for, and what tells it from keys whose names are taken.
    pub occasion: &'a str,
}

impl Naming<'_> {
    /// The prefix and five letters of a hash of the rest.
    #[must_use]
    pub fn name(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.current_uid.as_bytes());
        context.update(&[0]);
        context.update(self.occasion.as_bytes());
        let hash = context.finish();
        let letter = |byte: &u8| {
            let index = usize::from(*byte) % NAME_LETTERS.len();
            NAME_LETTERS.get(index).map(|letter| char::from(*letter))
        };
        self.prefix
            .chars()
            .chain(hash.as_ref().iter().filter_map(letter).take(5))
            .collect()
    }
}
