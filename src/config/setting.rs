//! What a row of the table of settings says.

use std::time::Duration;

/// One setting: one flag, one environment variable and one key of the file, under one name.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name in kebab-case: `--name`, `DSQL_PROXY_NAME` and the TOML key come from it.
    pub name: &'static str,
    /// Under which heading help and documentation list it.
    pub group: Group,
    /// What a value looks like.
    pub kind: Kind,
    /// How help calls the value, as in `--port <PORT>`.
    pub value_name: &'static str,
    /// What holds when nobody says otherwise.
    pub default: DefaultValue,
    /// One line, without a full stop at the end.
    pub help: &'static str,
    /// One paragraph or more (separated by empty lines) for `docs/settings.md` and the sample file.
    pub doc: &'static str,
    /// The commands that take it.
    pub commands: &'static [CommandName],
    /// Whether it can differ from cluster to cluster.
    pub scope: Scope,
    /// Where it may be given.
    pub places: Places,
}

impl Setting {
    /// The setting of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        super::SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// The environment variable: `max-clients` is `DSQL_PROXY_MAX_CLIENTS`.
    pub fn variable(&self) -> String {
        format!(
            "{}{}",
            super::env::PREFIX,
            self.name.to_ascii_uppercase().replace('-', "_")
        )
    }

    /// The key in the file: the name, except where it holds a table of several.
    pub fn key(&self) -> &'static str {
        match self.kind {
            Kind::Parameters => "parameters",
            _ => self.name,
        }
    }

    /// The setting of this key.
    pub(super) fn keyed(key: &str) -> Option<&'static Self> {
        super::SETTINGS.iter().find(|setting| setting.key() == key)
    }

    /// Whether `command` takes this setting.
    pub fn belongs_to(&self, command: CommandName) -> bool {
        self.commands.contains(&command)
    }
}

/// The headings of help and documentation, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Where clients connect.
    Listening,
    /// Region, credentials, tokens.
    Aws,
    /// The connection to DSQL.
    Upstream,
    /// How clients share servers.
    Pool,
    /// What a client's session may do.
    Sessions,
    /// `dsql-proxy local` only: where it is, and what it does.
    LocalCluster,
    /// `dsql-proxy local` only: how it misbehaves.
    LocalFaults,
    /// `dsql-proxy local` only: the conformance suite.
    SelfTest,
    /// What is logged, and how.
    Logs,
    /// The settings themselves.
    Configuration,
}

impl Group {
    /// Every group, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Listening,
        Self::Aws,
        Self::Upstream,
        Self::Pool,
        Self::Sessions,
        Self::LocalCluster,
        Self::LocalFaults,
        Self::SelfTest,
        Self::Logs,
        Self::Configuration,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Listening => "Listening",
            Self::Aws => "AWS",
            Self::Upstream => "Upstream",
            Self::Pool => "Pool",
            Self::Sessions => "Sessions",
            Self::LocalCluster => "Local cluster",
            Self::LocalFaults => "Limits and faults of the local cluster",
            Self::SelfTest => "Self-test",
            Self::Logs => "Logs",
            Self::Configuration => "Configuration",
        }
    }

    /// Whether its settings are about the local cluster, and not about the proxy.
    pub fn is_local(self) -> bool {
        matches!(
            self,
            Self::LocalCluster | Self::LocalFaults | Self::SelfTest
        )
    }
}

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`; the flag alone means `true`.
    Bool,
    /// A TCP port, 0 for any free one.
    Port,
    /// A whole number.
    Count {
        /// The smallest allowed.
        min: usize,
        /// The largest allowed.
        max: usize,
    },
    /// A number with a unit, as in `30s` or `1h 30m`.
    Duration {
        /// The shortest allowed.
        min: Duration,
        /// The longest allowed.
        max: Duration,
    },
    /// A duration in which DSQL does not yet end a connection.
    Lifetime,
    /// A number of bytes, as in `64KiB`.
    Size {
        /// The smallest allowed.
        min: usize,
        /// The largest allowed.
        max: usize,
    },
    /// An IP address.
    Address,
    /// An IP address of the loopback interface.
    LoopbackAddress,
    /// A path on this machine.
    Path,
    /// A directory for Unix sockets, whose path must leave room for the name of the socket.
    SocketDirectory,
    /// The name of an AWS region.
    Region,
    /// ARNs of IAM roles.
    RoleArns,
    /// `host:port`.
    HostPort,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One `search_path`, or one for each role.
    SearchPath,
    /// `NAME=ACTION` for session parameters.
    Parameters,
    /// `NAME=VALUE` of a limit of the local cluster.
    Limit,
    /// A fault of the local cluster; whoever starts the cluster reads it.
    Fault,
    /// Any text without control characters.
    Text,
}

impl Kind {
    /// Whether the flag may be given several times.
    pub fn is_repeatable(self) -> bool {
        matches!(
            self,
            Self::SearchPath | Self::Parameters | Self::Limit | Self::Fault
        )
    }
}

/// What holds when a setting is given nowhere.
#[derive(Debug, Clone, Copy)]
pub enum DefaultValue {
    /// A value, read like one that was given.
    Value(&'static str),
    /// No value.
    Absent {
        /// What happens then.
        meaning: &'static str,
        /// A value for the sample file, as TOML.
        example: &'static str,
    },
}

/// The commands, as words of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandName {
    /// Runs the proxy; the word may be left out.
    Serve,
    /// Runs a local cluster and a proxy in front of it.
    Local,
    /// Prints a token.
    Token,
}

impl CommandName {
    /// Every command, in the order of help.
    pub const ALL: [Self; 3] = [Self::Serve, Self::Local, Self::Token];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Local => "local",
            Self::Token => "token",
        }
    }

    /// The command of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|command| command.as_str() == word)
    }
}

/// Whether a setting can differ from cluster to cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One value for the whole process.
    Process,
    /// Also as `CLUSTER?name=value` and in a `[[cluster]]` table of the file, for that cluster.
    Cluster,
}

/// Where a setting may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// Flag, environment and file.
    Everywhere,
    /// Flag and environment: it makes no sense in the file.
    FlagAndVariable,
    /// Flag: it makes no sense elsewhere.
    Flag,
}
