//! `--raw`: one value in, its base64 out, without a line break.

use jiff::Timestamp;
use seal_api::Scope;
use seal_sealing::{label, seal_value};
use zeroize::Zeroizing;

use super::{
    certificate, cluster,
    failure::{Failure, Outcome},
    flags::Flags,
    input::{Input, read_file},
};

/// Seals the value of `--from-file`, or of standard input; what `-f` names is opened and not read.
///
/// # Errors
/// When the scope needs a name or a namespace that is missing, or the value cannot be read.
pub fn run(flags: &Flags, out: &mut Zeroizing<String>) -> Outcome<()> {
    let certificate = certificate::parse(&certificate::load(flags)?, Timestamp::now())?;
    let scope = flags.scope;
    let needed = |flag| {
        Failure::new(format!(
            "must provide the --{flag} flag with --raw and --scope {scope}"
        ))
    };
    let mut namespace = String::new();
    if scope != Scope::ClusterWide {
        (namespace, _) = cluster::namespace(&flags.cluster)?;
        if namespace.is_empty() {
            return Err(needed("namespace"));
        }
        if flags.name.is_empty() && scope == Scope::Strict {
            return Err(needed("name"));
        }
    }
    let value = match flags.from_file.as_slice() {
        [] => {
            Input::Stdin.announce("a secret to encrypt");
            Input::Stdin.read()?
        }
        [one] => read_file(one.split_once('=').map_or(one, |(_, path)| path))?,
        _ => {
            return Err(Failure::new(
                "must provide only one --from-file when encrypting a single item with --raw",
            ));
        }
    };
    let label = label(scope, &namespace, &flags.name);
    let sealed = seal_value(&value, &label, certificate.recipients());
    out.push_str(&sealed.map_err(|error| Failure::new(error.to_string()))?);
    Ok(())
}
