//! kubectl's configuration with the command line applied, as client-go merges and checks it
//! (`tools/clientcmd` v0.36).

mod types;

use std::{collections::HashSet, env, fs::File, path::PathBuf};

use kube::config::{
    AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError, NamedAuthInfo, NamedCluster,
    NamedContext,
};

use super::{
    failure::{Failure, Outcome, reason_of_system},
    flags::ClusterFlags,
    url,
};
use crate::error::{reason_of, reason_of_kubeconfig};

/// The files, and what the command line says about them.
pub struct Settings<'a> {
    files: Kubeconfig,
    flags: &'a ClusterFlags,
}

/// Why settings lead to no cluster.
pub enum Unusable {
    /// Nobody named a cluster.
    Empty,
    /// They contradict themselves, or name what is not there.
    Invalid(Failure),
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::Empty => Self::new(
                "invalid configuration: no configuration has been provided, try setting \
                 KUBERNETES_MASTER environment variable",
            ),
            Unusable::Invalid(failure) => failure,
        }
    }
}

impl From<Failure> for Unusable {
    fn from(failure: Failure) -> Self {
        Self::Invalid(failure)
    }
}

impl<'a> Settings<'a> {
    /// Reads the files: the one of `--kubeconfig`, else those of `$KUBECONFIG`, else the usual one.
    /// Those that are not there are passed over, unless named by flag.
    ///
    /// # Errors
    /// A file that cannot be read, or is no kubeconfig.
    pub fn load(flags: &'a ClusterFlags) -> Outcome<Self> {
        let mut files = Kubeconfig::default();
        for path in paths(flags)? {
            types::check(&path)?;
            match Kubeconfig::read_from(&path) {
                Ok(next) => {
                    files = files
                        .merge(next)
                        .map_err(|error| Failure::new(reason_of(&error)))?;
                }
                Err(KubeconfigError::ReadConfig(error, _))
                    if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    let why = reason_of_kubeconfig(&error);
                    let path = path.display().to_string();
                    return Err(Failure::new(format!(
                        "error loading config file {path:?}: {why}"
                    )));
                }
            }
        }
        Ok(Self { files, flags })
    }

    /// The namespace, and whether it was asked for by flag.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn namespace(&self) -> Result<(String, bool), Unusable> {
        if !self.flags.namespace.is_empty() {
            return Ok((self.flags.namespace.clone(), true));
        }
        self.confirm_usable()?;
        let namespace = self.context()?.namespace.filter(|text| !text.is_empty());
        Ok((namespace.unwrap_or_else(|| "default".into()), false))
    }

    /// The cluster and the user, checked.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn checked(&self) -> Result<(Cluster, AuthInfo), Unusable> {
        let user = self.user()?;
        self.context()?;
        let cluster = self.cluster()?;
        self.confirm_usable()?;
        Ok((cluster, user))
    }

    fn context(&self) -> Outcome<Context> {
        let contexts = &self.files.contexts;
        let find = |name: &str| {
            let found = contexts
                .iter()
                .find(|NamedContext { name: it, .. }| it == name);
            found.and_then(|found| found.context.clone())
        };
        let asked = &self.flags.context;
        if !asked.is_empty() {
            let missing = || Failure::new(format!("context {asked:?} does not exist"));
            return find(asked).ok_or_else(missing);
        }
        let current = self.files.current_context.as_deref().unwrap_or_default();
        Ok(find(current).unwrap_or_default())
    }

    fn cluster_name(&self) -> String {
        match self.flags.cluster.as_str() {
            "" => self.context().unwrap_or_default().cluster,
            asked => asked.to_owned(),
        }
    }

    fn user_name(&self) -> String {
        match self.flags.user.as_str() {
            "" => self.context().unwrap_or_default().user.unwrap_or_default(),
            asked => asked.to_owned(),
        }
    }

    fn cluster(&self) -> Outcome<Cluster> {
        let name = self.cluster_name();
        let clusters = &self.files.clusters;
        let found = clusters
            .iter()
            .find(|NamedCluster { name: it, .. }| *it == name);
        let mut cluster = match found {
            Some(found) => found.cluster.clone().unwrap_or_default(),
            None if !self.flags.cluster.is_empty() => {
                return Err(Failure::new(format!("cluster {name:?} does not exist")));
            }
            None => Cluster::default(),
        };
        let flags = self.flags;
        overwrite(&mut cluster.server, &flags.server);
        overwrite(&mut cluster.proxy_url, &flags.proxy_url);
        if flags.disable_compression {
            cluster.disable_compression = Some(true);
        }
        if flags.insecure_skip_tls_verify || !flags.certificate_authority.is_empty() {
            cluster.insecure_skip_tls_verify = Some(flags.insecure_skip_tls_verify);
            cluster.certificate_authority = None;
            cluster.certificate_authority_data = None;
            overwrite(
                &mut cluster.certificate_authority,
                &flags.certificate_authority,
            );
        }
        if !flags.server.is_empty() {
            cluster.tls_server_name = None;
        }
        overwrite(&mut cluster.tls_server_name, &flags.tls_server_name);
        Ok(cluster)
    }

    fn user(&self) -> Outcome<AuthInfo> {
        let name = self.user_name();
        let users = &self.files.auth_infos;
        let found = users
            .iter()
            .find(|NamedAuthInfo { name: it, .. }| *it == name);
        let mut user = match found {
            Some(found) => found.auth_info.clone().unwrap_or_default(),
            None if !self.flags.user.is_empty() => {
                return Err(Failure::new(format!("auth info {name:?} does not exist")));
            }
            None => AuthInfo::default(),
        };
        let flags = self.flags;
        if !flags.client_certificate.is_empty() {
            user.client_certificate_data = None;
        }
        if !flags.client_key.is_empty() {
            user.client_key_data = None;
        }
        overwrite(&mut user.client_certificate, &flags.client_certificate);
        overwrite(&mut user.client_key, &flags.client_key);
        overwrite(&mut user.username, &flags.username);
        overwrite(&mut user.impersonate, &flags.impersonate);
        overwrite(&mut user.impersonate_uid, &flags.impersonate_uid);
        if !flags.impersonate_groups.is_empty() {
            user.impersonate_groups = Some(flags.impersonate_groups.clone());
        }
        if !flags.token.is_empty() {
            user.token = Some(flags.token.clone().into());
        }
        if !flags.password.is_empty() {
            user.password = Some(flags.password.clone().into());
        }
        Ok(user)
    }

    fn confirm_usable(&self) -> Result<(), Unusable> {
        let mut wrong = check_user(&self.user_name(), &self.user().unwrap_or_default());
        let (name, cluster) = (self.cluster_name(), self.cluster().unwrap_or_default());
        if is_blank(&cluster) {
            if wrong.is_empty() {
                return Err(Unusable::Empty);
            }
            wrong.push("cluster has no server defined".into());
        } else {
            check_cluster(&name, &cluster, &mut wrong);
        }
        // Equal texts are told once.
        let mut told = HashSet::new();
        wrong.retain(|text| told.insert(text.clone()));
        match wrong.as_slice() {
            [] => Ok(()),
            [one] => Err(Failure::new(format!("invalid configuration: {one}")).into()),
            all => {
                let all = all.join(", ");
                Err(Failure::new(format!("invalid configuration: [{all}]")).into())
            }
        }
    }
}

fn paths(flags: &ClusterFlags) -> Outcome<Vec<PathBuf>> {
    let path = &flags.kubeconfig;
    if !path.is_empty() {
        return match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Failure::of_path("stat", path, &error))
            }
            _ => Ok(vec![path.into()]),
        };
    }
    match env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        Some(list) => {
            let paths = env::split_paths(&list);
            Ok(paths.filter(|path| !path.as_os_str().is_empty()).collect())
        }
        None => Ok(env::home_dir()
            .map(|home| home.join(".kube").join("config"))
            .into_iter()
            .collect()),
    }
}

fn overwrite(field: &mut Option<String>, flag: &str) {
    if !flag.is_empty() {
        *field = Some(flag.to_owned());
    }
}

fn given(field: Option<&String>) -> Option<&String> {
    field.filter(|text| !text.is_empty())
}

fn is_blank(cluster: &Cluster) -> bool {
    let texts = [
        &cluster.server,
        &cluster.certificate_authority,
        &cluster.certificate_authority_data,
        &cluster.proxy_url,
        &cluster.tls_server_name,
    ];
    let flags = [
        cluster.insecure_skip_tls_verify,
        cluster.disable_compression,
    ];
    texts.into_iter().all(Option::is_none) && flags.iter().all(|it| *it != Some(true))
}

fn check_cluster(name: &str, cluster: &Cluster, wrong: &mut Vec<String>) {
    if given(cluster.server.as_ref()).is_none() {
        wrong.push(match name {
            "" => "default cluster has no server defined".into(),
            _ => format!("no server found for cluster {name:?}"),
        });
    }
    if let Some(proxy) = given(cluster.proxy_url.as_ref())
        && let Err(why) = check_proxy(proxy)
    {
        wrong.push(format!(
            "invalid 'proxy-url' {proxy:?} for cluster {name:?}: {why}"
        ));
    }
    let file = given(cluster.certificate_authority.as_ref());
    if file.is_some() && given(cluster.certificate_authority_data.as_ref()).is_some() {
        wrong.push(format!(
            "certificate-authority-data and certificate-authority are both specified for {name}. \
             certificate-authority-data will override."
        ));
    }
    check_file("certificate-authority", file, name, wrong);
}

fn check_proxy(proxy: &str) -> Result<(), String> {
    match url::parse(proxy) {
        Err(_) => Err(format!("could not parse: {proxy}")),
        Ok(parts) => match parts.scheme.as_str() {
            "http" | "https" | "socks5" => Ok(()),
            other => Err(format!(
                "unsupported scheme {other:?}, must be http, https, or socks5"
            )),
        },
    }
}

fn check_file(what: &str, file: Option<&String>, of: &str, wrong: &mut Vec<String>) {
    if let Some(path) = file
        && let Err(error) = File::open(path)
    {
        let why = reason_of_system(&error);
        wrong.push(format!(
            "unable to read {what} {path} for {of} due to open {path}: {why}"
        ));
    }
}

fn check_user(name: &str, user: &AuthInfo) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut methods = Vec::new();
    if user.token.is_some() {
        methods.push("token");
    }
    if given(user.username.as_ref()).is_some() || user.password.is_some() {
        methods.push("basicAuth");
    }
    let certificate = given(user.client_certificate.as_ref());
    let certificate_data = given(user.client_certificate_data.as_ref());
    let key = given(user.client_key.as_ref());
    if certificate.is_some() || certificate_data.is_some() {
        if certificate.is_some() && certificate_data.is_some() {
            wrong.push(format!(
                "client-cert-data and client-cert are both specified for {name}. client-cert-data \
                 will override."
            ));
        }
        match (key, &user.client_key_data) {
            (Some(_), Some(_)) => wrong.push(format!(
                "client-key-data and client-key are both specified for {name}; client-key-data \
                 will override"
            )),
            (None, None) => wrong.push(format!(
                "client-key-data or client-key must be specified for {name} to use the clientCert \
                 authentication method."
            )),
            _ => {}
        }
        check_file("client-cert", certificate, name, &mut wrong);
        check_file("client-key", key, name, &mut wrong);
    }
    if methods.len() > 1 {
        let methods = methods.join(" ");
        wrong.push(format!(
            "more than one authentication method found for {name}; found [{methods}], only one is \
             allowed"
        ));
    }
    let more = user.impersonate_uid.is_some()
        || user.impersonate_groups.is_some()
        || user.impersonate_user_extra.is_some();
    if more && given(user.impersonate.as_ref()).is_none() {
        wrong.push(format!(
            "requesting uid, groups or user-extra for {name} without impersonating a user"
        ));
    }
    wrong
}
