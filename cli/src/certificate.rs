//! Where certificates come from: a file, a URL, or the cluster.

use std::{
    collections::HashMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use seal_keyring::Certificate;

use crate::{
    cache::Entry,
    cluster::{self, Connection, Controller, ServiceName},
    config::{Configs, Settings},
    download::download,
    error::{Error, Errors},
    input::Source,
    report,
};

/// How messages call the certificate that the cluster gives.
pub const CLUSTER: &str = "the cluster's certificate";
/// From when on people are told that a certificate expires.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The options that say with which certificate to seal.
#[derive(Debug, Args)]
pub struct CertificateOptions {
    /// The certificate to seal with: a PEM file, or a file:, http: or https: URL.
    ///
    /// Without it .seal.yaml says with which, or the cluster that --context, --cluster, --server or
    /// --kubeconfig names is asked. When it cannot be reached, the certificate that it gave last is
    /// used.
    #[arg(
        long,
        value_name = "FILE|URL",
        env = "SEALED_SECRETS_CERT",
        hide_env_values = true
    )]
    cert: Option<OsString>,

    /// Look at no .seal.yaml
    #[arg(long)]
    no_config: bool,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

impl CertificateOptions {
    /// The certificate for what goes into this file.
    ///
    /// # Errors
    /// Those of [`Recipients`].
    pub fn load_for(&self, file: &Path) -> Result<Arc<Certificate>, Errors> {
        let mut recipients = Recipients::new(self);
        let settings = recipients.settings_of(file)?;
        Ok(recipients.certificate(&settings)?)
    }

    /// The controller of the command line.
    #[must_use]
    pub fn service(&self) -> ServiceName {
        self.controller.service(None)
    }

    /// How the cluster of the command line is reached.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Where the certificate comes from. What the command line says comes first.
    fn origin(&self, settings: &Settings) -> Result<Origin, Error> {
        let cluster = settings.clusters.first();
        let named = cluster.and_then(|cluster| cluster.certificate.as_ref());
        let context = cluster.and_then(|cluster| cluster.context.clone());
        let cert = self.cert.as_ref().filter(|cert| !cert.is_empty());
        match (cert, named) {
            (Some(cert), _) => Ok(Origin::Place(Place::from(cert.clone()))),
            (None, Some(place)) if !self.connection.names_a_cluster() => {
                Ok(Origin::Place(place.clone()))
            }
            (None, _) if context.is_some() || self.connection.names_a_cluster() => {
                Ok(Origin::Cluster {
                    context: self.connection.context().map(str::to_owned).or(context),
                    service: self.controller.service(cluster.map(|it| &it.controller)),
                })
            }
            (None, _) => Err(match &settings.config {
                Some(config) => Error::Unassigned {
                    file: settings.file.clone(),
                    config: config.clone(),
                },
                None => Error::NoCertificate,
            }),
        }
    }

    fn fetch(&self, origin: &Origin) -> Result<Certificate, Error> {
        let (from, pem) = match origin {
            Origin::Place(place) => place.read()?,
            Origin::Cluster { context, service } => {
                let connection = self.connection.with_context(context.as_deref());
                (CLUSTER.into(), from_cluster(service, &connection)?)
            }
        };
        let certificate = parse(&from, &pem)?;
        expect_valid(&from, &certificate, Timestamp::now())?;
        Ok(certificate)
    }
}

/// Says of files what holds for them, and with which certificate they are sealed. Each `.seal.yaml`
/// and each certificate is read once.
#[derive(Debug)]
pub struct Recipients<'a> {
    options: &'a CertificateOptions,
    configs: Configs,
    fetched: HashMap<Origin, Arc<Certificate>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Origin {
    Place(Place),
    Cluster {
        context: Option<String>,
        service: ServiceName,
    },
}

impl<'a> Recipients<'a> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(options: &'a CertificateOptions) -> Self {
        Self {
            options,
            configs: Configs::default(),
            fetched: HashMap::new(),
        }
    }

    /// What `.seal.yaml` says of a file, which need not be there; nothing with `--no-config`.
    ///
    /// # Errors
    /// Everything that is wrong with that `.seal.yaml`.
    pub fn settings_of(&mut self, file: &Path) -> Result<Settings, Errors> {
        match self.options.no_config {
            true => Ok(Settings::default()),
            false => self.configs.settings_of(file),
        }
    }

    /// The certificate to seal with, fit for sealing now. Warns of what will soon make it unfit.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Expired`], [`Error::Unpinned`], [`Error::Unassigned`],
    /// [`Error::NoCertificate`], and those of the place where it comes from.
    pub fn certificate(&mut self, settings: &Settings) -> Result<Arc<Certificate>, Error> {
        let origin = self.options.origin(settings)?;
        self.certificate_from(&origin, settings)
    }

    /// The certificate with which the cluster of a file seals now, wherever the file's own comes from.
    ///
    /// # Errors
    /// As [`certificate`](Self::certificate).
    pub fn certificate_of_cluster(
        &mut self,
        settings: &Settings,
    ) -> Result<Arc<Certificate>, Error> {
        let (context, service) = self.controller(settings);
        self.certificate_from(&Origin::Cluster { context, service }, settings)
    }

    /// The certificate with which the cluster of the command line seals now, whatever `.seal.yaml`
    /// says of the file; its pins hold all the same.
    ///
    /// # Errors
    /// As [`certificate`](Self::certificate).
    pub fn certificate_at_hand(&mut self, settings: &Settings) -> Result<Arc<Certificate>, Error> {
        let context = self.options.connection.context().map(str::to_owned);
        let service = self.options.service();
        self.certificate_from(&Origin::Cluster { context, service }, settings)
    }

    /// The controller to ask about a file, and the context of the kubeconfig that leads to it, where
    /// one is named.
    #[must_use]
    pub fn controller(&self, settings: &Settings) -> (Option<String>, ServiceName) {
        let cluster = settings.clusters.first();
        let configured = cluster.and_then(|cluster| cluster.context.as_deref());
        let context = self.options.connection.context().or(configured);
        let service = self
            .options
            .controller
            .service(cluster.map(|cluster| &cluster.controller));
        (context.map(str::to_owned), service)
    }

    /// How the cluster of this context is reached.
    #[must_use]
    pub fn connection(&self, context: Option<&str>) -> Connection {
        self.options.connection.with_context(context)
    }

    fn certificate_from(
        &mut self,
        origin: &Origin,
        settings: &Settings,
    ) -> Result<Arc<Certificate>, Error> {
        let certificate = match self.fetched.get(origin) {
            Some(certificate) => Arc::clone(certificate),
            None => {
                let certificate = Arc::new(self.options.fetch(origin)?);
                self.fetched
                    .insert(origin.clone(), Arc::clone(&certificate));
                certificate
            }
        };
        let key = certificate.key_id();
        for cluster in &settings.clusters {
            if !cluster.takes(key) {
                return Err(Error::Unpinned {
                    from: origin.to_string(),
                    key: key.clone(),
                    cluster: cluster.name.clone(),
                    config: settings.config.clone().unwrap_or_default(),
                });
            }
        }
        Ok(certificate)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(Place::File(path)) => path.display().fmt(f),
            Self::Place(Place::Url(url)) => url.fmt(f),
            Self::Cluster { .. } => f.write_str(CLUSTER),
        }
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

/// Where a certificate is read.
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
    pub fn read(&self) -> Result<(String, Vec<u8>), Error> {
        match self {
            Self::File(path) => {
                let source = Source::File(path.clone());
                Ok((source.to_string(), source.read()?.to_vec()))
            }
            Self::Url(url) => Ok((url.to_string(), from_url(url)?)),
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

/// What the cluster publishes, kept for when it cannot be reached.
///
/// # Errors
/// [`Error::Kubeconfig`], [`Error::Cluster`].
pub fn from_cluster(service: &ServiceName, connection: &Connection) -> Result<Vec<u8>, Error> {
    cluster::block_on(async {
        let cluster = connection.open().await?;
        let context = connection.context().unwrap_or_default();
        let words = [
            context,
            cluster.address(),
            &service.namespace,
            &service.name,
        ];
        let fetched = cluster.certificate(service).await;
        Entry::new("cluster", &words).through(fetched.map(String::into_bytes))
    })?
}

/// Who asks for `http` is told how to check the answer.
fn from_url(url: &Url) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::Url {
        url: url.to_string(),
        error,
    };
    let fetched = cluster::block_on(download(url.clone(), "seal"))?.map_err(failed);
    let pem = Entry::new("url", &[url.as_str()]).through(fetched)?;
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
