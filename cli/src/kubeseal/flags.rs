//! kubeseal's flags (v0.40.0), and what they say.

use seal_api::Scope;

use super::pflag::{Flag, Kind, Log, UsageError, Values};

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

const fn flag(
    name: &'static str,
    short: Option<char>,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        short,
        kind,
        default,
        help,
    }
}

/// All of them, sorted by name in the order of bytes.
pub const FLAGS: &[Flag] = &[
    flag(
        "add_dir_header",
        None,
        Kind::Log(Log::Bool),
        "",
        "Put the directory of the source file into the header of log lines",
    ),
    flag(
        "allow-empty-data",
        None,
        Kind::Bool,
        "",
        "Seal Secrets without any data, too",
    ),
    flag(
        "alsologtostderr",
        None,
        Kind::Log(Log::Bool),
        "",
        "Log to standard error besides log files",
    ),
    flag(
        "alsologtostderrthreshold",
        None,
        Kind::Log(Log::Severity),
        "",
        "The severity from which on log lines also go to standard error",
    ),
    flag("as", None, Kind::Text, "", "The user to act as"),
    flag(
        "as-group",
        None,
        Kind::Repeated,
        "",
        "A group to act as; may be repeated",
    ),
    flag("as-uid", None, Kind::Text, "", "The uid to act as"),
    flag(
        "cert",
        None,
        Kind::Text,
        "",
        "The certificate to seal with, a file or a URL; without it the controller is asked",
    ),
    flag(
        "certificate-authority",
        None,
        Kind::Text,
        "",
        "The file with the certificate of the API server's authority",
    ),
    flag(
        "client-certificate",
        None,
        Kind::Text,
        "",
        "The file with the client's TLS certificate",
    ),
    flag(
        "client-key",
        None,
        Kind::Text,
        "",
        "The file with the client's TLS key",
    ),
    flag(
        "cluster",
        None,
        Kind::Text,
        "",
        "The cluster of the kubeconfig",
    ),
    flag(
        "context",
        None,
        Kind::Text,
        "",
        "The context of the kubeconfig",
    ),
    flag(
        "controller-name",
        None,
        Kind::Text,
        "sealed-secrets-controller",
        "The name of the controller's Service",
    ),
    flag(
        "controller-namespace",
        None,
        Kind::Text,
        "kube-system",
        "The namespace of the controller",
    ),
    flag(
        "disable-compression",
        None,
        Kind::Bool,
        "",
        "Do not ask the API server for compressed answers",
    ),
    flag(
        "fetch-cert",
        None,
        Kind::Bool,
        "",
        "Print the controller's certificate, to be used with --cert later",
    ),
    flag(
        "format",
        Some('o'),
        Kind::Text,
        "json",
        "How to write the result: json or yaml",
    ),
    flag(
        "from-file",
        None,
        Kind::Texts,
        "",
        "The file with the value, with --raw; [name=]path as in kubectl, and /dev/stdin works",
    ),
    flag("help", None, Kind::Bool, "", "Print this help"),
    flag(
        "insecure-skip-tls-verify",
        None,
        Kind::Bool,
        "",
        "Do not check the API server's certificate; anybody on the way may then read and change everything",
    ),
    flag("kubeconfig", None, Kind::Text, "", "The kubeconfig file"),
    flag(
        "legacy_stderr_threshold_behavior",
        None,
        Kind::Log(Log::Bool),
        "true",
        "Ignore --stderrthreshold while logging to standard error",
    ),
    flag(
        "log_backtrace_at",
        None,
        Kind::Log(Log::Trace),
        ":0",
        "The source line whose log line gets a stack trace",
    ),
    flag(
        "log_dir",
        None,
        Kind::Log(Log::Text),
        "",
        "The directory for log files",
    ),
    flag("log_file", None, Kind::Log(Log::Text), "", "The log file"),
    flag(
        "log_file_max_size",
        None,
        Kind::Log(Log::Size),
        "1800",
        "The most megabytes of a log file, 0 for no limit",
    ),
    flag(
        "logtostderr",
        None,
        Kind::Log(Log::Bool),
        "true",
        "Log to standard error instead of files",
    ),
    flag(
        "merge-into",
        None,
        Kind::Text,
        "",
        "The sealed file that gets the items of the Secret, changed in place",
    ),
    flag(
        "name",
        None,
        Kind::Text,
        "",
        "The name of the SealedSecret; --raw needs it for strict scope",
    ),
    flag(
        "namespace",
        Some('n'),
        Kind::Text,
        "",
        "The namespace of the Secret",
    ),
    flag(
        "one_output",
        None,
        Kind::Log(Log::Bool),
        "",
        "Write log lines to the file of their own severity alone",
    ),
    flag(
        "password",
        None,
        Kind::Text,
        "",
        "The password for the API server",
    ),
    flag(
        "proxy-url",
        None,
        Kind::Text,
        "",
        "The proxy in front of the API server",
    ),
    flag(
        "raw",
        None,
        Kind::Bool,
        "",
        "Seal one value, from --from-file or standard input, instead of a Secret",
    ),
    flag(
        "re-encrypt",
        None,
        Kind::Bool,
        "",
        "Have the controller seal a sealed file again with its newest key",
    ),
    flag(
        "recovery-private-key",
        None,
        Kind::Texts,
        "",
        "Files with private keys for --recovery-unseal: PEM, key Secrets or Lists of them",
    ),
    flag(
        "recovery-unseal",
        None,
        Kind::Bool,
        "",
        "Open a sealed file offline with private keys, when the cluster is lost",
    ),
    flag(
        "request-timeout",
        None,
        Kind::Text,
        "0",
        "How long to wait for the API server (such as 1s, 2m, 3h), 0 for ever",
    ),
    flag("rotate", None, Kind::Alias("re-encrypt"), "", ""),
    flag(
        "scope",
        None,
        Kind::Scope,
        "strict",
        "How far the sealed values may move: strict, namespace-wide or cluster-wide; annotations of the Secret may say so, too",
    ),
    flag(
        "sealed-secret-file",
        Some('w'),
        Kind::Text,
        "",
        "The file to write",
    ),
    flag("secret-file", Some('f'), Kind::Text, "", "The file to read"),
    flag(
        "server",
        None,
        Kind::Text,
        "",
        "The address of the API server",
    ),
    flag(
        "skip_headers",
        None,
        Kind::Log(Log::Bool),
        "",
        "No headers before log lines",
    ),
    flag(
        "skip_log_headers",
        None,
        Kind::Log(Log::Bool),
        "",
        "No headers at the beginning of log files",
    ),
    flag(
        "stderrthreshold",
        None,
        Kind::Log(Log::Severity),
        "2",
        "The severity from which on log lines go to standard error",
    ),
    flag(
        "tls-server-name",
        None,
        Kind::Text,
        "",
        "The name to expect in the API server's certificate",
    ),
    flag(
        "token",
        None,
        Kind::Text,
        "",
        "The bearer token for the API server",
    ),
    flag("user", None, Kind::Text, "", "The user of the kubeconfig"),
    flag(
        "username",
        None,
        Kind::Text,
        "",
        "The user name for the API server",
    ),
    flag("v", Some('v'), Kind::Log(Log::Level), "", "How much to log"),
    flag(
        "validate",
        None,
        Kind::Bool,
        "",
        "Ask the controller whether it can open a sealed file",
    ),
    flag(
        "version",
        None,
        Kind::Bool,
        "",
        "Print the version of kubeseal that this one takes the place of",
    ),
    flag(
        "vmodule",
        None,
        Kind::Log(Log::Modules),
        "",
        "How much to log by source file, pattern=N,...",
    ),
];
