//! What help says around the settings.

use super::CommandName;

/// The texts of one command.
pub(super) struct Texts {
    /// What it does.
    pub(super) about: &'static str,
    /// How it is called.
    pub(super) usage: &'static str,
    /// What its words are, which are no flags.
    pub(super) words: &'static str,
    /// What follows the flags.
    pub(super) after: &'static str,
}

/// What `--version` prints.
pub(super) fn version() -> String {
    concat!("dsql-proxy ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

/// The texts of `command`.
pub(super) fn texts(command: CommandName) -> Texts {
    match command {
        CommandName::Serve => Texts {
            about: SERVE_ABOUT,
            usage: "dsql-proxy [OPTIONS] CLUSTER[?key=value[&key=value]…]…",
            words: "Endpoint of a cluster, or its 26-character id and --region. A setting marked \
                    \"per cluster\" in docs/settings.md can follow: 'CLUSTER?port=5433&user=app'",
            after: AFTER,
        },
        CommandName::Local => Texts {
            about: LOCAL_ABOUT,
            usage: "dsql-proxy local [OPTIONS]\n       dsql-proxy local --once [OPTIONS] -- COMMAND \
                    [ARGS…]",
            words: "",
            after: AFTER_LOCAL,
        },
        CommandName::Token => Texts {
            about: TOKEN_ABOUT,
            usage: "dsql-proxy token [OPTIONS] CLUSTER",
            words: "Endpoint of the cluster, or its 26-character id and --region",
            after: AFTER,
        },
    }
}

const SERVE_ABOUT: &str = "\
dsql-proxy lets any PostgreSQL tool use Amazon Aurora DSQL. It listens on this machine, and for
each connection it opens one to your cluster with TLS and a freshly signed IAM token.

Try it, without an AWS account:
  dsql-proxy local

Connect to your cluster, then use any tool on localhost:
  dsql-proxy abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws
  psql 'host=localhost user=admin dbname=postgres'

Two clusters, with a profile of your AWS configuration and a role of their own each:
  dsql-proxy --profile dev 'CLUSTER1?port=5432&user=app' 'CLUSTER2?port=5433&user=report'

Commands:
  serve   Run the proxy (the word may be left out)
  local   Run a local cluster and a proxy in front of it
  token   Print a token for a cluster
  help    Print this, or the help of a command: dsql-proxy help local";

const LOCAL_ABOUT: &str = "\
Runs a local cluster, a real PostgreSQL that checks tokens and keeps the rules of DSQL, and a proxy
in front of it. No AWS account is needed.

Until Ctrl-C, with data that stays:
  dsql-proxy local --data ./dsql-data

For one command, which finds the proxy in PG* and DATABASE_URL:
  dsql-proxy local --once -- psql -c 'select version()'

With a limit that is crossed sooner, and the next three COMMITs of an UPDATE in conflict:
  dsql-proxy local --limit transaction-rows=100 --fault 'oc000 times=3 match=UPDATE'

To see where it, or another cluster, differs from what is known of DSQL:
  dsql-proxy local --self-test
  dsql-proxy local --self-test --against CLUSTER";

const TOKEN_ABOUT: &str = "\
Prints a token that opens connections to a cluster: it is what a client gives as its password.

  export PGPASSWORD=$(dsql-proxy token CLUSTER) PGSSLMODE=require
  psql -h CLUSTER -U admin postgres";

const AFTER: &str = "\
A setting is also an environment variable (--max-clients is DSQL_PROXY_MAX_CLIENTS) and a key of the
TOML file (max-clients). Flags beat the environment, which beats the file; what is said of one cluster
beats what is said of all. Without CLUSTER, clusters come from DSQL_PROXY_CLUSTER_ENDPOINT (or
..._0, ..._1 and so on), else from the [[cluster]] tables of the file.";

const AFTER_LOCAL: &str = "\
A setting is also an environment variable (--control-port is DSQL_PROXY_CONTROL_PORT) and a key of
the TOML file (control-port), but for --once and those of the self-test. Flags beat the
environment, which beats the file. docs/local-cluster.md explains limits, faults and the self-test.";
