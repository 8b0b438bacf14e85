//! Command lines and environments as Go's pflag reads them (`spf13/pflag` v1.0.10).
//!
//! What differs from clap matters to scripts: a flag given twice is no error, the last one wins;
//! lists add up over the environment and the command line; a boolean takes no separate value;
//! arguments that are no flags are passed over; a usage error exits with 2.

mod csv;
mod kind;

use std::collections::BTreeMap;

pub use kind::{Kind, Log};

/// One flag of a program.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name, without the dashes.
    pub name: &'static str,
    /// Its letter.
    pub short: Option<char>,
    /// What it takes.
    pub kind: Kind,
    /// Its value when nobody gives one, as the help prints it; empty for none.
    pub default: &'static str,
    /// What it is for; a deprecated flag has none, and is not shown.
    pub help: &'static str,
}

/// A command line that cannot be read. The program ends with status 2.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// `-h`: no error, but nothing else happens.
    #[error("help requested")]
    Help,
    /// No such flag, a bad value, or none.
    #[error("{0}")]
    Bad(String),
}

/// What environment and command line say.
#[derive(Debug)]
pub struct Values {
    flags: &'static [Flag],
    texts: BTreeMap<&'static str, String>,
    lists: BTreeMap<&'static str, Vec<String>>,
    /// What was said about deprecated flags.
    pub notices: Vec<String>,
}

impl Values {
    /// Takes what variables called `PREFIX_NAME` say. A value that is not right is passed over, as
    /// upstream does (its package `pflagenv`).
    pub fn from_environment(
        flags: &'static [Flag],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut values = Self {
            flags,
            texts: BTreeMap::new(),
            lists: BTreeMap::new(),
            notices: Vec::new(),
        };
        for flag in flags {
            // klog's flags are added to the others only after the environment has been read.
            let name = flag.name.to_uppercase().replace('-', "_");
            if !matches!(flag.kind, Kind::Log(_))
                && let Some(value) = variable(&name)
            {
                let _ignored = values.set(flag, &value);
            }
        }
        values
    }

    /// Takes what the command line says, the program's name left out.
    ///
    /// # Errors
    /// [`UsageError`] at the first argument that is not right.
    pub fn parse(&mut self, arguments: &[String]) -> Result<(), UsageError> {
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                break;
            } else if let Some(long) = argument.strip_prefix("--") {
                self.long(long, &mut arguments)?;
            } else if let Some(letters) = argument.strip_prefix('-') {
                self.short(letters, &mut arguments)?;
            }
        }
        Ok(())
    }

    /// The value of a text or a scope.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        let given = self.texts.get(name).cloned();
        given.unwrap_or_else(|| self.flag(name).map_or("", |flag| flag.default).to_owned())
    }

    /// Whether a boolean is true.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.texts.get(name).is_some_and(|text| text == "true")
    }

    /// The values of a list.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        self.lists.get(name).cloned().unwrap_or_default()
    }

    fn flag(&self, name: &str) -> Option<&'static Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    fn long<'a>(
        &mut self,
        text: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), UsageError> {
        if text.starts_with(['-', '=']) {
            return Err(UsageError::Bad(format!("bad flag syntax: --{text}")));
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let flag = self
            .flag(name)
            .ok_or_else(|| UsageError::Bad(format!("unknown flag: --{name}")))?;
        let value = value
            .or_else(|| flag.kind.stands_alone())
            .or_else(|| rest.next())
            .ok_or_else(|| UsageError::Bad(format!("flag needs an argument: --{name}")))?;
        self.set_or_refuse(flag, value)
    }

    /// `-abc`, `-fvalue`, `-f=value` or `-f value`.
    fn short<'a>(
        &mut self,
        letters: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), UsageError> {
        // Those of Go's test runner.
        if letters.starts_with("test.") {
            return Ok(());
        }
        let mut left = letters;
        while let Some(letter) = left.chars().next() {
            let behind = left.get(letter.len_utf8()..).unwrap_or_default();
            let known = self.flags.iter().find(|flag| flag.short == Some(letter));
            let flag = match known {
                Some(flag) => flag,
                None if letter == 'h' => return Err(UsageError::Help),
                None => {
                    let text = format!("unknown shorthand flag: '{letter}' in -{left}");
                    return Err(UsageError::Bad(text));
                }
            };
            let attached = behind.strip_prefix('=').filter(|value| !value.is_empty());
            let value = match (attached, flag.kind.stands_alone()) {
                (Some(value), _) => value,
                (None, Some(alone)) => {
                    self.set_or_refuse(flag, alone)?;
                    left = behind;
                    continue;
                }
                (None, None) if !behind.is_empty() => behind,
                (None, None) => rest.next().ok_or_else(|| {
                    UsageError::Bad(format!("flag needs an argument: '{letter}' in -{left}"))
                })?,
            };
            return self.set_or_refuse(flag, value);
        }
        Ok(())
    }

    fn set_or_refuse(&mut self, flag: &'static Flag, value: &str) -> Result<(), UsageError> {
        let name = match flag.short {
            Some(short) => format!("-{short}, --{}", flag.name),
            None => format!("--{}", flag.name),
        };
        self.set(flag, value).map_err(|why| {
            UsageError::Bad(format!(
                "invalid argument {value:?} for {name:?} flag: {why}"
            ))
        })?;
        if let Kind::Alias(other) = flag.kind {
            self.notices.push(format!(
                "Flag --{} has been deprecated, please use --{other} instead",
                flag.name
            ));
        }
        Ok(())
    }

    fn set(&mut self, flag: &'static Flag, value: &str) -> Result<(), String> {
        match flag.kind {
            Kind::Texts => {
                let fields = csv::fields(value)?;
                self.lists.entry(flag.name).or_default().extend(fields);
                return Ok(());
            }
            Kind::Repeated => {
                let list = self.lists.entry(flag.name).or_default();
                list.push(value.to_owned());
                return Ok(());
            }
            _ => {}
        }
        let (name, value) = match flag.kind {
            Kind::Bool => (flag.name, kind::parse_bool(value)?.to_string()),
            Kind::Alias(other) => (other, kind::parse_bool(value)?.to_string()),
            Kind::Log(log) => {
                log.check(value)?;
                return Ok(());
            }
            Kind::Scope => {
                let scope = value.parse::<seal_api::Scope>();
                (
                    flag.name,
                    scope.map_err(|error| error.to_string())?.to_string(),
                )
            }
            _ => (flag.name, value.to_owned()),
        };
        self.texts.insert(name, value);
        Ok(())
    }
}

/// All flags, one a line, in the layout of pflag's `FlagUsages`. They must be sorted by name.
#[must_use]
pub fn usages(flags: &[Flag]) -> String {
    let shown = || flags.iter().filter(|flag| !flag.help.is_empty());
    let head = |flag: &Flag| {
        let short = flag
            .short
            .map_or("    ".to_owned(), |it| format!("-{it}, "));
        let head = format!("  {short}--{} {}", flag.name, flag.kind.type_name());
        head.trim_end().to_owned()
    };
    let width = shown().map(|flag| head(flag).len()).max().unwrap_or(0);
    let line = |flag: &Flag| {
        let default = match (flag.default, flag.kind.type_name()) {
            ("", _) => String::new(),
            (default, "string") => format!(" (default {default:?})"),
            (default, _) => format!(" (default {default})"),
        };
        format!("{:width$}   {}{default}\n", head(flag), flag.help)
    };
    shown().map(line).collect()
}
