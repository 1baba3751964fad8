//! Where a value was given.

use std::collections::BTreeMap;
use std::fmt;

/// The place a value came from, as errors name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `--name`.
    Flag(&'static str),
    /// A word of the command line that is no flag.
    Argument,
    /// An environment variable.
    Variable(String),
    /// A key of the file.
    File {
        /// The path as it was given.
        path: String,
        /// The line of the key, from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// `?key=…` after a cluster.
    Query {
        /// The cluster.
        endpoint: String,
        /// The key.
        key: String,
        /// Where the cluster was named.
        cluster: Box<Self>,
    },
    /// The table of settings.
    Default(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Argument => write!(f, "command line"),
            Self::Variable(name) => write!(f, "{name}"),
            Self::File { path, line, key } => write!(f, "{path}:{line}: `{key}`"),
            Self::Query {
                endpoint,
                key,
                cluster,
            } => match cluster.as_ref() {
                Self::Argument => write!(f, "`?{key}=` of cluster {endpoint}"),
                other => write!(f, "{other}: `?{key}=` of cluster {endpoint}"),
            },
            Self::Default(name) => write!(f, "default of {name}"),
        }
    }
}

/// A value as text, and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) text: String,
    pub(super) source: Source,
}

/// Everything one place says: for each setting one value, or several where that is allowed.
pub(super) type Layer = BTreeMap<&'static str, Vec<Raw>>;
