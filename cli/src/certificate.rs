//! Where certificates and age recipients come from: a file, a URL, or the cluster.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use seal_keyring::Certificate;
use zeroize::Zeroizing;

use crate::{
    cache::Entry,
    cluster::{self, Connection, Published, ServiceName},
    download::download,
    error::Error,
    input::Source,
    report,
};

/// How messages call the certificate that the cluster gives.
pub const CLUSTER: &str = "the cluster's certificate";
/// From when on people are told that a certificate expires.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

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

/// Makes sure that it can be sealed with now, and warns when that ends soon.
///
/// # Errors
/// [`Error::Expired`].
pub fn expect_valid(from: &str, certificate: &Certificate, now: Timestamp) -> Result<(), Error> {
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

/// Where a certificate or recipients are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// An `http:` or `https:` URL.
    Url(Url),
}

impl Place {
    /// What messages call it, and what it holds.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Url`].
    pub fn read(&self, what: Published) -> Result<(String, Zeroizing<Vec<u8>>), Error> {
        match self {
            Self::File(path) => {
                let source = Source::File(path.clone());
                Ok((source.to_string(), source.read()?))
            }
            Self::Url(url) => Ok((url.to_string(), from_url(url, what)?.into())),
        }
    }

    /// What a `.seal.yaml` names that stands in the directory `home`.
    #[must_use]
    pub fn below(home: &Path, text: &str) -> Self {
        match Self::from(OsString::from(text)) {
            Self::File(path) => Self::File(home.join(path)),
            url => url,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => url.fmt(f),
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

/// What the cluster publishes, kept for when it cannot be reached. It always publishes a certificate,
/// and recipients only where it has age keys.
///
/// # Errors
/// [`Error::Kubeconfig`], [`Error::Cluster`].
pub fn from_cluster(
    service: &ServiceName,
    connection: &Connection,
    what: Published,
) -> Result<Option<Vec<u8>>, Error> {
    cluster::block_on(async {
        let cluster = connection.open().await?;
        let context = connection.context().unwrap_or_default();
        let words = [
            context,
            cluster.address(),
            &service.namespace,
            &service.name,
        ];
        let fetched = cluster.published(service, what).await;
        let entry = Entry::new(what, "cluster", &words);
        match fetched {
            Ok(None) => Ok(None),
            Ok(Some(text)) => entry.through(Ok(text.into_bytes())).map(Some),
            Err(error) => entry.through(Err(error)).map(Some),
        }
    })?
}

/// The certificate that the cluster publishes, as it is.
///
/// # Errors
/// As [`from_cluster`].
pub fn certificate_of_cluster(
    service: &ServiceName,
    connection: &Connection,
) -> Result<Vec<u8>, Error> {
    // Without one the answer is an error.
    from_cluster(service, connection, Published::Certificate).map(Option::unwrap_or_default)
}

/// Who asks for `http` is told how to check the answer.
fn from_url(url: &Url, what: Published) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::Url {
        what: what.name(),
        url: url.to_string(),
        error,
    };
    let fetched = cluster::block_on(download(url.clone(), "seal"))?.map_err(failed);
    let bytes = Entry::new(what, "url", &[url.as_str()]).through(fetched)?;
    if url.scheme() == "http"
        && let Some(keys) = what.keys(&bytes)
    {
        report::warning(&format_args!(
            "{url}: came unencrypted, so anybody on the way could have replaced it; make sure that \
             {keys} is the cluster's key"
        ));
    }
    Ok(bytes)
}
