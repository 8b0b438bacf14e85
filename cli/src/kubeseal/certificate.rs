//! `--cert`: the certificate to seal with, or whatever else stands in its place.

use std::{fs, path::Path};

use jiff::{Timestamp, tz::TimeZone};
use seal_envelope::KeyError;
use seal_keyring::{Certificate, CertificateError};
use x509_cert::der::Decode;

use super::{
    cluster::{self, Answer, Controller, authority, reason_of_network},
    failure::{Failure, Outcome},
    flags::Flags,
    pem, url,
};
use crate::download::{DownloadError, download};

/// The bytes of the file, of the URL, or those that the controller publishes. They are not looked
/// at.
///
/// # Errors
/// When they cannot be read.
pub fn load(flags: &Flags) -> Outcome<Vec<u8>> {
    let from = flags.cert.as_str();
    if from.is_empty() {
        return from_controller(flags);
    }
    let parts = url::parse(from).map_err(Failure::new)?;
    match parts.scheme.as_str() {
        // A letter alone is a drive of Windows.
        scheme if scheme.len() < 2 => read_file(from),
        "file" => from_file_url(from, &url::unescaped(&parts.path)),
        "http" | "https" => from_url(from),
        other => Err(Failure::new(format!(
            "Get {from:?}: unsupported protocol scheme {other:?}"
        ))),
    }
}

/// The first certificate. Others must be certificates, too.
///
/// # Errors
/// When there is none, or it is expired or no key that seals.
pub fn parse(pem: &[u8], now: Timestamp) -> Outcome<Certificate> {
    let certificates = pem::blocks(pem)
        .filter(|block| block.label == "CERTIFICATE" && !block.has_headers)
        .map(|block| (Certificate::from_der(block.der.to_vec()), block.der))
        .collect::<Vec<_>>();
    if certificates
        .iter()
        .any(|(it, _)| matches!(it, Err(CertificateError::Malformed(_))))
    {
        return Err(Failure::new("x509: malformed certificate"));
    }
    let Some((first, der)) = certificates.into_iter().next() else {
        return Err(Failure::new(
            "data does not contain any valid RSA or ECDSA certificates",
        ));
    };
    let certificate = first.map_err(|error| unfit(&error, &der))?;
    if certificate.is_expired(now) {
        let end = certificate.not_after().to_zoned(TimeZone::UTC);
        let end = end.strftime("%B %-d, %Y");
        return Err(Failure::new(format!(
            "failed to encrypt using an expired certificate on {end}"
        )));
    }
    Ok(certificate)
}

fn unfit(error: &CertificateError, der: &[u8]) -> Failure {
    Failure::new(match error {
        CertificateError::Key(KeyError::NotRsa { algorithm }) => match algorithm.as_str() {
            ED25519 => format!("expected RSA public key but found {}", printed_key(der)),
            // Upstream prints the address of a curve in its memory.
            _ => format!("expected RSA public key but found one of algorithm {algorithm}"),
        },
        CertificateError::Key(KeyError::Size { bits }) if *bits < 1024 => format!(
            "crypto/rsa: {bits}-bit keys are insecure (see \
             https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"
        ),
        error => error.to_string(),
    })
}

/// RFC 8410, section 3.
const ED25519: &str = "1.3.101.112";

/// The bytes of a certificate's public key as Go prints a slice.
fn printed_key(der: &[u8]) -> String {
    let parsed = x509_cert::Certificate::from_der(der);
    let key = parsed.map(|it| {
        let info = it.tbs_certificate().subject_public_key_info();
        info.subject_public_key.raw_bytes().to_vec()
    });
    let numbers = key.unwrap_or_default();
    let numbers: Vec<String> = numbers.iter().map(u8::to_string).collect();
    format!("[{}]", numbers.join(" "))
}

fn from_controller(flags: &Flags) -> Outcome<Vec<u8>> {
    let controller = Controller::find(&flags.cluster)?;
    match controller.get("/v1/cert.pem")? {
        Answer::Text(pem) => Ok(pem.into_bytes()),
        Answer::Refused(_, message) => {
            Err(Failure::new(format!("cannot fetch certificate: {message}")))
        }
    }
}

fn read_file(path: &str) -> Outcome<Vec<u8>> {
    let mut file = fs::File::open(path).map_err(|it| Failure::of_path("open", path, &it))?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes)
        .map_err(|error| Failure::of_path("read", path, &error))?;
    Ok(bytes)
}

/// Go serves these as a web server serves files. A URL without a path names the root directory, whose
/// listing holds no certificate.
fn from_file_url(url: &str, path: &str) -> Outcome<Vec<u8>> {
    let path = if path.is_empty() { "/" } else { path };
    match fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(_) if Path::new(path).is_dir() => Ok(Vec::new()),
        Err(error) => {
            let status = match error.kind() {
                std::io::ErrorKind::NotFound => "404 Not Found",
                std::io::ErrorKind::PermissionDenied => "403 Forbidden",
                _ => "500 Internal Server Error",
            };
            Err(Failure::new(format!("cannot fetch {url:?}: {status}")))
        }
    }
}

fn from_url(from: &str) -> Outcome<Vec<u8>> {
    let url = from
        .parse()
        .map_err(|error| Failure::new(format!("Get {from:?}: {error}")))?;
    let body = cluster::runtime()?.block_on(download(url, "kubeseal"));
    body.map_err(|error| {
        Failure::new(match error {
            DownloadError::Network(error) => {
                format!(
                    "Get {from:?}: {}",
                    reason_of_network(&error, &authority(from))
                )
            }
            DownloadError::Status(status) => format!("cannot fetch {from:?}: {status}"),
            DownloadError::TooLong => format!("cannot fetch {from:?}: {error}"),
        })
    })
}
