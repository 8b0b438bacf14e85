use std::fmt;

use jiff::Timestamp;
use pem_rfc7468::LineEnding;
use seal_envelope::{KeyError, KeyId, Recipient, Recipients};
use x509_cert::der::{Decode, Encode};

const PEM_LABEL: &str = "CERTIFICATE";

/// An X.509 certificate (RFC 5280) of an RSA key: the published side of a sealing key.
///
/// Nobody's signature is checked: a certificate is trusted for where it came from.
pub struct Certificate {
    der: Vec<u8>,
    key_id: KeyId,
    recipients: Recipients,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// A certificate that cannot be used for sealing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No PEM block of a certificate was found.
    #[error("no certificate found: expected PEM that begins with -----BEGIN CERTIFICATE-----")]
    Missing,
    /// The PEM or the DER in it is damaged.
    #[error("the certificate is malformed: {0}")]
    Malformed(String),
    /// It certifies a key that cannot seal.
    #[error("the certificate cannot be used for sealing: {0}")]
    Key(#[from] KeyError),
}

impl Certificate {
    /// Reads the first certificate of a chain, as upstream does; what comes before it is skipped.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let start = find(pem, b"-----BEGIN CERTIFICATE-----").ok_or(CertificateError::Missing)?;
        let rest = pem.get(start..).unwrap_or_default();
        let end_line = b"-----END CERTIFICATE-----";
        let end = find(rest, end_line).ok_or_else(|| {
            CertificateError::Malformed("-----END CERTIFICATE----- is missing".into())
        })?;
        let block = rest.get(..end + end_line.len()).unwrap_or_default();
        let (_, der) = pem_rfc7468::decode_vec(block)
            .map_err(|error| CertificateError::Malformed(error.to_string()))?;
        Self::from_der(der)
    }

    /// Reads one certificate.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_der(der: Vec<u8>) -> Result<Self, CertificateError> {
        let malformed = |error: &dyn fmt::Display| CertificateError::Malformed(error.to_string());
        let parsed = x509_cert::Certificate::from_der(&der).map_err(|error| malformed(&error))?;
        let body = parsed.tbs_certificate();
        let spki = body
            .subject_public_key_info()
            .to_der()
            .map_err(|error| malformed(&error))?;
        let recipient = Recipient::from_spki(&spki)?;
        let time = |time: &x509_cert::time::Time| {
            Timestamp::try_from(time.to_system_time()).map_err(|error| malformed(&error))
        };
        let not_before = time(&body.validity().not_before)?;
        let not_after = time(&body.validity().not_after)?;
        Ok(Self {
            der,
            key_id: recipient.id().clone(),
            recipients: recipient.into(),
            not_before,
            not_after,
        })
    }

    /// The certificate as one PEM block with a newline at its end, as Go writes it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // Encoding fails only for labels that are not ASCII.
        pem_rfc7468::encode_string(PEM_LABEL, LineEnding::LF, &self.der).unwrap_or_default()
    }

    /// What it certifies: the public key that seals, as the only recipient.
    #[must_use]
    pub fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// The id of its key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The first moment of its validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last moment of its validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether its validity has ended. Nothing is sealed with such a certificate; what was sealed
    /// with it opens for ever.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now > self.not_after
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Certificate({}, {}/{})",
            self.key_id(),
            self.not_before,
            self.not_after
        )
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
