//! What flags take.

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or `=true` and its like.
    Bool,
    /// A text.
    Text,
    /// Texts separated by commas, quoted as in CSV; may be repeated.
    Texts,
    /// A text; may be repeated.
    Repeated,
    /// The name of a scope.
    Scope,
    /// A deprecated boolean that stands for another flag.
    Alias(&'static str),
    /// A flag of klog, Kubernetes' logger: checked and not used.
    Log(Log),
}

/// What a flag of klog takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// A boolean.
    Bool,
    /// Any text.
    Text,
    /// `INFO`, `WARNING`, `ERROR`, `FATAL` or a number.
    Severity,
    /// A number.
    Level,
    /// A number of megabytes.
    Size,
    /// `file.go:234`.
    Trace,
    /// `pattern=N,…`.
    Modules,
}

impl Kind {
    /// The value of a flag that stands without one.
    pub(super) fn stands_alone(self) -> Option<&'static str> {
        match self {
            Self::Bool | Self::Alias(_) | Self::Log(Log::Bool) => Some("true"),
            _ => None,
        }
    }

    /// How the help calls what the flag takes.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Bool | Self::Alias(_) | Self::Log(Log::Bool) => "",
            Self::Text | Self::Scope | Self::Log(Log::Text) => "string",
            Self::Texts => "strings",
            Self::Repeated => "stringArray",
            Self::Log(Log::Severity) => "severity",
            Self::Log(Log::Level) => "Level",
            Self::Log(Log::Size) => "uint",
            Self::Log(Log::Trace) => "traceLocation",
            Self::Log(Log::Modules) => "moduleSpec",
        }
    }
}

impl Log {
    /// # Errors
    /// What is wrong with the value.
    pub(super) fn check(self, value: &str) -> Result<(), String> {
        match self {
            Self::Bool => parse_bool(value)
                .map(drop)
                .map_err(|_| "parse error".into()),
            Self::Severity => {
                let names = ["INFO", "WARNING", "ERROR", "FATAL"];
                match names.contains(&value.to_uppercase().as_str()) {
                    true => Ok(()),
                    false => parse_int(value),
                }
            }
            Self::Level => parse_int(value),
            Self::Size => value
                .parse::<u64>()
                .map(drop)
                .map_err(|_| "parse error".into()),
            Self::Trace => {
                let line = value.rsplit_once(':').map(|(_, line)| line.parse::<u32>());
                match (value, line) {
                    ("", _) | (_, Some(Ok(1..))) => Ok(()),
                    _ => Err("syntax error: expect file.go:234".into()),
                }
            }
            Self::Modules => {
                let is_pair = |pair: &str| {
                    pair.is_empty()
                        || pair
                            .split_once('=')
                            .is_some_and(|(name, level)| !name.is_empty() && !level.is_empty())
                };
                match value.split(',').all(is_pair) {
                    true => Ok(()),
                    false => Err("syntax error: expect comma-separated list of filename=N".into()),
                }
            }
            Self::Text => Ok(()),
        }
    }
}

/// Go's `strconv.ParseBool`.
pub(super) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!(
            "strconv.ParseBool: parsing {text:?}: invalid syntax"
        )),
    }
}

fn parse_int(text: &str) -> Result<(), String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let failed = |why| format!("strconv.ParseInt: parsing {text:?}: {why}");
    match text.parse::<i32>() {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), PosOverflow | NegOverflow) => {
            Err(failed("value out of range"))
        }
        Err(_) => Err(failed("invalid syntax")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_as_go_reads_them() {
        assert_eq!(parse_bool("T"), Ok(true));
        assert_eq!(parse_bool("0"), Ok(false));
        assert!(parse_bool("yes").is_err());
    }
}
