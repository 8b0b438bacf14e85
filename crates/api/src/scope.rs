use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::annotations::{self, CLUSTER_WIDE, NAMESPACE_WIDE};

/// How far a sealed value may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Bound to its namespace and its name.
    #[default]
    Strict,
    /// Bound to its namespace.
    NamespaceWide,
    /// Bound to nothing: whoever may create a SealedSecret anywhere can have it opened.
    ClusterWide,
}

impl Scope {
    /// Every scope, narrowest first.
    pub const ALL: [Self; 3] = [Self::Strict, Self::NamespaceWide, Self::ClusterWide];

    /// The scope that the annotations of an object ask for.
    #[must_use]
    pub fn of(annotations: Option<&BTreeMap<String, String>>) -> Self {
        if annotations::is_true(annotations, CLUSTER_WIDE) {
            Self::ClusterWide
        } else if annotations::is_true(annotations, NAMESPACE_WIDE) {
            Self::NamespaceWide
        } else {
            Self::Strict
        }
    }

    /// The annotation that a SealedSecret of this scope carries with the value `true`.
    #[must_use]
    pub fn annotation(self) -> Option<&'static str> {
        match self {
            Self::Strict => None,
            Self::NamespaceWide => Some(NAMESPACE_WIDE),
            Self::ClusterWide => Some(CLUSTER_WIDE),
        }
    }

    /// The name used on command lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::NamespaceWide => "namespace-wide",
            Self::ClusterWide => "cluster-wide",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: strict, namespace-wide, cluster-wide")]
pub struct ParseScopeError;

impl FromStr for Scope {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Self, ParseScopeError> {
        let named = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        named.ok_or(ParseScopeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope_of(pairs: &[(&str, &str)]) -> Scope {
        let map = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        Scope::of(Some(&map))
    }

    #[test]
    fn only_the_value_true_widens_the_scope_and_cluster_wide_wins() {
        assert_eq!(Scope::of(None), Scope::Strict);
        assert_eq!(
            scope_of(&[(CLUSTER_WIDE, "True"), (NAMESPACE_WIDE, "1")]),
            Scope::Strict
        );
        assert_eq!(scope_of(&[(NAMESPACE_WIDE, "true")]), Scope::NamespaceWide);
        assert_eq!(
            scope_of(&[(CLUSTER_WIDE, "true"), (NAMESPACE_WIDE, "true")]),
            Scope::ClusterWide
        );
        assert_eq!(
            scope_of(&[(CLUSTER_WIDE, "false"), (NAMESPACE_WIDE, "true")]),
            Scope::NamespaceWide
        );
    }

    #[test]
    fn a_scope_is_read_back_as_it_is_written() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert_eq!("Strict".parse::<Scope>(), Err(ParseScopeError));
    }
}
