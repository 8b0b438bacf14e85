//! kubeseal's flags (v0.40.0), and what they say.

mod table;

use seal_api::Scope;

use super::pflag::{UsageError, Values};
pub use table::FLAGS;

/// Every variable of the environment that stands for a flag begins with this.
const PREFIX: &str = "SEALED_SECRETS_";

/// What environment and command line ask for. Texts that nobody gave are empty.
#[derive(Debug)]
pub struct Flags {
    /// `--help`.
    pub help: bool,
    /// `--version`.
    pub version: bool,
    /// What is sealed, opened, checked or asked for.
    pub mode: Mode,
    /// `-f`.
    pub input_file: String,
    /// `-w`, or for `--re-encrypt` the input file.
    pub output_file: String,
    /// `-o`, or YAML when the output file's name says so.
    pub format: String,
    /// `--cert`.
    pub cert: String,
    /// `--name`.
    pub name: String,
    /// `--scope`.
    pub scope: Scope,
    /// `--allow-empty-data`.
    pub allow_empty_data: bool,
    /// `--from-file`.
    pub from_file: Vec<String>,
    /// `--raw`, whatever the mode.
    pub raw: bool,
    /// `--recovery-private-key`.
    pub private_keys: Vec<String>,
    /// Where the cluster is, and who asks it.
    pub cluster: ClusterFlags,
    /// What was said about deprecated flags.
    pub notices: Vec<String>,
}

/// What to do. Where several flags ask for something, the first of these wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// `--recovery-unseal`.
    Recover,
    /// `--validate`.
    Validate,
    /// `--re-encrypt`.
    Rotate,
    /// `--fetch-cert`.
    Fetch,
    /// `--merge-into` this file.
    Merge(String),
    /// `--raw`.
    Raw,
    /// Nothing of these.
    Seal,
}

/// kubectl's flags for reaching the cluster, and the controller's names.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "each is named after its flag")]
pub struct ClusterFlags {
    pub controller_name: String,
    pub controller_namespace: String,
    pub kubeconfig: String,
    pub context: String,
    pub cluster: String,
    pub user: String,
    pub namespace: String,
    pub server: String,
    pub tls_server_name: String,
    pub insecure_skip_tls_verify: bool,
    pub certificate_authority: String,
    pub proxy_url: String,
    pub disable_compression: bool,
    pub client_certificate: String,
    pub client_key: String,
    pub token: String,
    pub username: String,
    pub password: String,
    pub impersonate: String,
    pub impersonate_uid: String,
    pub impersonate_groups: Vec<String>,
    pub request_timeout: String,
}

impl Flags {
    /// Reads the environment, then the command line without the program's name.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn read(arguments: &[String]) -> Result<Self, UsageError> {
        let variable = |name: &str| std::env::var(format!("{PREFIX}{name}")).ok();
        let mut values = Values::from_environment(FLAGS, variable);
        values.parse(arguments)?;
        Ok(Self::from(values))
    }
}

impl From<Values> for Flags {
    fn from(mut values: Values) -> Self {
        let mode = Mode::of(&values);
        let input_file = values.text("secret-file");
        let mut output_file = values.text("sealed-secret-file");
        if mode == Mode::Rotate && output_file.is_empty() {
            output_file.clone_from(&input_file);
        }
        let is_yaml = output_file.ends_with(".yaml") || output_file.ends_with(".yml");
        Self {
            help: values.is_true("help"),
            version: values.is_true("version"),
            mode,
            input_file,
            output_file,
            format: if is_yaml {
                "yaml".into()
            } else {
                values.text("format")
            },
            cert: values.text("cert"),
            name: values.text("name"),
            scope: values.text("scope").parse().unwrap_or(Scope::Strict),
            allow_empty_data: values.is_true("allow-empty-data"),
            from_file: values.list("from-file"),
            raw: values.is_true("raw"),
            private_keys: values.list("recovery-private-key"),
            cluster: ClusterFlags::of(&values),
            notices: std::mem::take(&mut values.notices),
        }
    }
}

impl Mode {
    fn of(values: &Values) -> Self {
        let modes = [
            ("recovery-unseal", Self::Recover),
            ("validate", Self::Validate),
            ("re-encrypt", Self::Rotate),
            ("fetch-cert", Self::Fetch),
        ];
        let asked = modes.into_iter().find(|(name, _)| values.is_true(name));
        match (asked, values.text("merge-into")) {
            (Some((_, mode)), _) => mode,
            (None, file) if !file.is_empty() => Self::Merge(file),
            (None, _) if values.is_true("raw") => Self::Raw,
            (None, _) => Self::Seal,
        }
    }
}

impl ClusterFlags {
    fn of(values: &Values) -> Self {
        Self {
            controller_name: values.text("controller-name"),
            controller_namespace: values.text("controller-namespace"),
            kubeconfig: values.text("kubeconfig"),
            context: values.text("context"),
            cluster: values.text("cluster"),
            user: values.text("user"),
            namespace: values.text("namespace"),
            server: values.text("server"),
            tls_server_name: values.text("tls-server-name"),
            insecure_skip_tls_verify: values.is_true("insecure-skip-tls-verify"),
            certificate_authority: values.text("certificate-authority"),
            proxy_url: values.text("proxy-url"),
            disable_compression: values.is_true("disable-compression"),
            client_certificate: values.text("client-certificate"),
            client_key: values.text("client-key"),
            token: values.text("token"),
            username: values.text("username"),
            password: values.text("password"),
            impersonate: values.text("as"),
            impersonate_uid: values.text("as-uid"),
            impersonate_groups: values.list("as-group"),
            request_timeout: values.text("request-timeout"),
        }
    }
}
