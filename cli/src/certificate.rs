//! Where certificates come from: a file, a URL, or the cluster.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Url};
use seal_keyring::Certificate;

use crate::{
    cluster::{self, Connection, Controller},
    error::{Error, reason_of},
    input::Source,
    report,
};

/// How messages call the certificate that the cluster gives.
pub const CLUSTER: &str = "the cluster's certificate";
/// From when on people are told that a certificate expires.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A chain of certificates is a few thousand bytes.
const MOST_BYTES: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(30);

/// The options that say with which certificate to seal.
#[derive(Debug, Args)]
pub struct CertificateOptions {
    /// The certificate to seal with: a PEM file, or a file:, http: or https: URL. Without it the
    /// certificate is fetched from the cluster
    #[arg(
        long,
        value_name = "FILE|URL",
        env = "SEALED_SECRETS_CERT",
        hide_env_values = true
    )]
    cert: Option<OsString>,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

impl CertificateOptions {
    /// The certificate, fit for sealing now. Warns of what will soon make it unfit.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Expired`], and those of the place where it comes from.
    pub fn load(&self) -> Result<Certificate, Error> {
        let cert = self.cert.as_ref().filter(|cert| !cert.is_empty());
        let (from, pem) = match cert.cloned().map(Place::from) {
            Some(Place::File(path)) => {
                let source = Source::File(path);
                (source.to_string(), source.read()?.to_vec())
            }
            Some(Place::Url(url)) => (url.to_string(), cluster::block_on(download(url))??),
            None => {
                let pem = cluster::fetch_certificate(&self.controller, &self.connection)?;
                (CLUSTER.into(), pem.into_bytes())
            }
        };
        let certificate = parse(&from, &pem)?;
        expect_valid(&from, &certificate, Timestamp::now())?;
        Ok(certificate)
    }
}

/// Reads a certificate.
///
/// # Errors
/// [`Error::Certificate`].
pub fn parse(from: &str, pem: &[u8]) -> Result<Certificate, Error> {
    Certificate::from_pem(pem).map_err(|error| Error::Certificate {
        from: from.to_owned(),
        error,
    })
}

fn expect_valid(from: &str, certificate: &Certificate, now: Timestamp) -> Result<(), Error> {
    let (key, not_after) = (certificate.key_id(), certificate.not_after());
    if certificate.is_expired(now) {
        return Err(Error::Expired {
            from: from.to_owned(),
            key: key.clone(),
            not_after,
        });
    }
    if not_after.duration_since(now) < EXPIRES_SOON {
        report::warning(&format_args!(
            "{from}: the certificate of key {key} expires on {not_after}; fetch the next one in \
             time with: seal keys fetch"
        ));
    }
    Ok(())
}

/// Where a certificate is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// An `http:` or `https:` URL.
    Url(Url),
}

impl Place {
    /// What a `.seal.yaml` names that stands in the directory `home`.
    #[must_use]
    pub fn below(home: &Path, text: &str) -> Self {
        match Self::from(OsString::from(text)) {
            Self::File(path) => Self::File(home.join(path)),
            url => url,
        }
    }
}

impl From<OsString> for Place {
    fn from(argument: OsString) -> Self {
        let url = argument.to_str().and_then(|text| Url::parse(text).ok());
        match url {
            Some(url) if url.scheme() == "file" => match url.to_file_path() {
                Ok(path) => Self::File(path),
                Err(()) => Self::File(argument.into()),
            },
            Some(url) if matches!(url.scheme(), "http" | "https") => Self::Url(url),
            _ => Self::File(argument.into()),
        }
    }
}

/// Whoever can change the answer on its way can read what is sealed with it. So `https` is never
/// left for `http`, and who asks for `http` is told how to check.
async fn download(url: Url) -> Result<Vec<u8>, Error> {
    let failed = |why| Error::Url {
        url: url.to_string(),
        why,
    };
    let because = |error: reqwest::Error| failed(reason_of(&error.without_url()));
    let client = Client::builder()
        .https_only(url.scheme() == "https")
        .user_agent(concat!("seal/", env!("CARGO_PKG_VERSION")))
        .timeout(TIMEOUT)
        .build()
        .map_err(because)?;
    let mut response = client.get(url.clone()).send().await.map_err(because)?;
    if !response.status().is_success() {
        return Err(failed(format!("the answer is {}", response.status())));
    }
    let mut pem = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(because)? {
        pem.extend_from_slice(&chunk);
        if pem.len() > MOST_BYTES {
            return Err(failed("the answer is too long for a certificate".into()));
        }
    }
    if url.scheme() == "http"
        && let Ok(certificate) = Certificate::from_pem(&pem)
    {
        report::warning(&format_args!(
            "{url}: came unencrypted, so anybody on the way could have replaced it; make sure that \
             {} is the cluster's key",
            certificate.key_id()
        ));
    }
    Ok(pem)
}
