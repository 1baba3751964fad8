//! The table of settings.

use std::time::Duration;

use super::CommandName::{Local, Serve, Token};
use super::DefaultValue::{Absent, Value};
use super::{AdvisoryLocks, Ddl, DdlTransactions, PoolMode, UnsupportedParameters};
use super::{CommandName, Group, Kind, Places, Scope, Setting, TlsNegotiation};

const PROXY: &[CommandName] = &[Serve, Local];
const EVERY: &[CommandName] = &[Serve, Local, Token];

/// As many as DSQL allows a cluster by default (`dsql::limits`).
const MOST_SERVERS: usize = 10_000;

const HOUR: Duration = Duration::from_hours(1);

/// Every setting, in the order of the documentation.
pub static SETTINGS: &[Setting] = &[
    // Listening
    Setting {
        name: "address",
        group: Group::Listening,
        kind: Kind::LoopbackAddress,
        value_name: "IP",
        default: Absent {
            meaning: "127.0.0.1 and, where there is IPv6, ::1",
            example: "\"127.0.0.1\"",
        },
        help: "Loopback address to listen on",
        doc: "The IP address to listen on. When it is given, the proxy listens on that one only. \
              Without it, it listens on 127.0.0.1 and, where the machine has IPv6, on ::1, because \
              `localhost` means ::1 first to some clients.\n\n\
              It must be a loopback address: whoever reaches the port has the access of the \
              proxy's credentials, and clients are not authenticated in this version.",
        commands: PROXY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "port",
        group: Group::Listening,
        kind: Kind::Port,
        value_name: "PORT",
        default: Value("5432"),
        help: "Port to listen on; further clusters take the ports after it",
        doc: "The TCP port of the first cluster. Further clusters take the ports after it, in the \
              order they are given; a cluster with a `port` of its own takes that one and uses \
              none up. 0 takes any free port, which the log names.\n\n\
              `dsql-proxy local --once` takes a free port unless this is given.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "unix-socket",
        group: Group::Listening,
        kind: Kind::SocketDirectory,
        value_name: "DIR",
        default: Absent {
            meaning: "no Unix socket",
            example: "\"/run/dsql-proxy\"",
        },
        help: "Directory in which to listen on a Unix socket as well",
        doc: "A directory in which the proxy also listens on Unix sockets, one for each cluster, \
              named as libpq expects them: `.s.PGSQL.5432`, with the port of the cluster. Clients \
              then use the directory as host.",
        commands: PROXY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "max-clients",
        group: Group::Listening,
        kind: Kind::Count {
            min: 1,
            max: 1_000_000,
        },
        value_name: "COUNT",
        default: Value("1000"),
        help: "Clients that may be connected at once",
        doc: "How many clients may be connected at once, over all clusters. One more gets the \
              error 53300.",
        commands: PROXY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "login-timeout",
        group: Group::Listening,
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: HOUR,
        },
        value_name: "DURATION",
        default: Value("10s"),
        help: "Time a client has to finish its startup packet",
        doc: "How long a client may take from its connection to the end of its startup packet. \
              Whoever is slower is disconnected. The time to connect to DSQL does not count; \
              see `connect-timeout`.",
        commands: PROXY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "http-address",
        group: Group::Listening,
        kind: Kind::Address,
        value_name: "IP",
        default: Value("127.0.0.1"),
        help: "Address for HTTP: metrics and status",
        doc: "The IP address on which HTTP is answered, if `http-port` is given. It may be another \
              than loopback, for a Prometheus that runs elsewhere: the metrics name endpoints, \
              roles and databases, but hold no data and no secrets. GET /status answers this \
              machine only, whatever the address is.",
        commands: PROXY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "http-port",
        group: Group::Listening,
        kind: Kind::Port,
        value_name: "PORT",
        default: Absent {
            meaning: "no HTTP",
            example: "9090",
        },
        help: "Port for HTTP: GET /metrics for Prometheus, GET /status for people",
        doc: "The port on which HTTP is answered: GET /metrics for Prometheus, GET /status with \
              what is going on as JSON. 9090 is the usual one. 0 takes any free port, which the \
              log names. [Metrics](metrics.md) lists what there is.",
        commands: PROXY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    // AWS
    Setting {
        name: "region",
        group: Group::Aws,
        kind: Kind::Region,
        value_name: "REGION",
        default: Absent {
            meaning: "from the endpoint, else from the AWS configuration",
            example: "\"us-east-1\"",
        },
        help: "AWS region of the cluster",
        doc: "The AWS region for which tokens are signed. A full endpoint carries it in its name. \
              It is needed for a cluster that is named by its 26-character id, unless the AWS \
              configuration (`AWS_REGION`, the profile) says it. For `dsql-proxy local` it is the \
              region of the local cluster.",
        commands: EVERY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "profile",
        group: Group::Aws,
        kind: Kind::Text,
        value_name: "NAME",
        default: Absent {
            meaning: "the default chain of AWS credentials",
            example: "\"development\"",
        },
        help: "Profile of the AWS configuration to take credentials from",
        doc: "The profile of `~/.aws/config` whose credentials sign the tokens. Without it, the \
              usual chain holds: environment, `AWS_PROFILE`, SSO, container and instance roles.",
        commands: &[Serve, Token],
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "role-arn",
        group: Group::Aws,
        kind: Kind::RoleArns,
        value_name: "ARN[,ARN…]",
        default: Absent {
            meaning: "no role is assumed",
            example: "\"arn:aws:iam::123456789012:role/dsql\"",
        },
        help: "IAM role to assume, or a chain of them separated by commas",
        doc: "The IAM role to assume before signing. Several, separated by commas, are a chain: \
              the first is assumed with the credentials of the machine, each further one with \
              those of the role before it. The role assumed last signs the tokens.",
        commands: &[Serve, Token],
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "token-duration",
        group: Group::Aws,
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(7 * 24),
        },
        value_name: "DURATION",
        default: Value("15m"),
        help: "How long a token is valid",
        doc: "How long a signed token is valid, from 1s to 7d. DSQL looks at a token only when a \
              connection is opened, and the proxy signs a new one for each, so a short time is \
              enough. A token never outlives the credentials it was signed with.",
        commands: EVERY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    // Upstream
    Setting {
        name: "upstream-address",
        group: Group::Upstream,
        kind: Kind::HostPort,
        value_name: "HOST:PORT",
        default: Absent {
            meaning: "the endpoint, port 5432",
            example: "\"localhost:15432\"",
        },
        help: "Address to dial instead of the endpoint (tunnel, PrivateLink)",
        doc: "The address to dial when it is not the endpoint: the near end of a tunnel, the \
              name of a PrivateLink endpoint. The name of the cluster's endpoint stays what is \
              signed, what is sent as SNI and what the certificate is verified against.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "tls-negotiation",
        group: Group::Upstream,
        kind: Kind::Choice(TlsNegotiation::NAMES),
        value_name: "direct|postgres",
        default: Value("direct"),
        help: "How TLS begins",
        doc: "`direct`: the connection begins with TLS, which saves a round trip. `postgres`: an \
              SSLRequest comes first, for what stands in between and knows only that.\n\n\
              TLS cannot be turned off, and the certificate is always verified: against the roots \
              of the system, or those of the file that `SSL_CERT_FILE` names.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "user",
        group: Group::Upstream,
        kind: Kind::Text,
        value_name: "ROLE",
        default: Value("admin"),
        help: "Database role of a client that names none",
        doc: "The database role of a client that names none, and the role for which `dsql-proxy \
              token` signs. `admin` needs the permission dsql:DbConnectAdmin, every other role \
              dsql:DbConnect.",
        commands: EVERY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "database",
        group: Group::Upstream,
        kind: Kind::Text,
        value_name: "NAME",
        default: Value("postgres"),
        help: "Database of a client that names none",
        doc: "The database of a client that names none. A DSQL cluster has one, `postgres`.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "search-path",
        group: Group::Upstream,
        kind: Kind::SearchPath,
        value_name: "[ROLE:]PATH",
        default: Absent {
            meaning: "what DSQL has",
            example: "\"myschema,public\"",
        },
        help: "search_path for every role, or for one (repeatable)",
        doc: "A `search_path` sent when a session begins, unless the client brings its own. \
              `myschema,public` holds for every role, `app:myschema,public` for the role `app` \
              only, which then beats the one for every role. Several are given by repeating the \
              flag, or in one value with `;` between them: `admin:public;myschema`.\n\n\
              In the file it is a string, a list of strings, or a table of role and path, where \
              `*` is every role: `search-path = { admin = \"public\", \"*\" = \"myschema\" }`.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "connect-timeout",
        group: Group::Upstream,
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: HOUR,
        },
        value_name: "DURATION",
        default: Value("30s"),
        help: "Time to reach the cluster, all attempts together",
        doc: "How long it may take to connect to DSQL, from dialling to the first ReadyForQuery. \
              While nobody listens, that is tried again within this time; a refused login is not. \
              A cluster that is waking up or limits its connections is tried again for as long \
              as somebody waits for a connection: see `queue-timeout`.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    // Pool
    Setting {
        name: "pool-mode",
        group: Group::Pool,
        kind: Kind::Choice(PoolMode::NAMES),
        value_name: "transaction|session",
        default: Value("transaction"),
        help: "For how long a client has a connection to DSQL",
        doc: "`transaction`: a client has a server for one transaction, and a few servers are enough for many \
              clients. `session`: a client has a server from its first statement until it leaves.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "pool-size",
        group: Group::Pool,
        kind: Kind::Count {
            min: 1,
            max: MOST_SERVERS,
        },
        value_name: "COUNT",
        default: Value("20"),
        help: "Connections to DSQL that one role may have",
        doc: "How many connections to DSQL there may be at once, for one role and database of one cluster. \
              When all are in use, clients wait for one, first come, first served.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "min-idle",
        group: Group::Pool,
        kind: Kind::Count {
            min: 0,
            max: MOST_SERVERS,
        },
        value_name: "COUNT",
        default: Value("0"),
        help: "Connections kept ready for the next client",
        doc: "How many unused connections are kept ready, for one role and database, once a client has \
              logged in with them. They count towards `pool-size`.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "queue-timeout",
        group: Group::Pool,
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: HOUR,
        },
        value_name: "DURATION",
        default: Value("30s"),
        help: "Time a client waits for a connection to DSQL",
        doc: "How long a client waits when every connection of its pool is in use, or none can be opened. \
              Then it gets the error 53300, which says why.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "idle-timeout",
        group: Group::Pool,
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        value_name: "DURATION",
        default: Value("10m"),
        help: "Time after which an unused connection is closed",
        doc: "How long a connection may be unused before it is closed, except for those that `min-idle` \
              keeps.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "max-lifetime",
        group: Group::Pool,
        kind: Kind::Lifetime,
        value_name: "DURATION",
        default: Value("55m"),
        help: "Age at which a connection is replaced",
        doc: "How old a connection gets. It is replaced between two transactions, a bit sooner, at an age \
              chosen at random from the last tenth of this time, so that connections opened together are \
              not replaced together. DSQL ends every connection after an hour, so it must be less.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "max-prepared-statements",
        group: Group::Pool,
        kind: Kind::Count {
            min: 1,
            max: 100_000,
        },
        value_name: "COUNT",
        default: Value("200"),
        help: "Prepared statements that one connection holds",
        doc: "How many prepared statements a connection to DSQL holds. Beyond that, the one that was not used \
              for the longest time makes room; it is prepared again when a client uses it.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    // Sessions
    Setting {
        name: "unsupported-parameters",
        group: Group::Sessions,
        kind: Kind::Choice(UnsupportedParameters::NAMES),
        value_name: "reject|ignore|emulate|forward",
        default: Value("reject"),
        help: "What to do with session parameters that DSQL does not support",
        doc: "What happens to session parameters that DSQL does not support, in the startup \
              packet, in `options`, in SET, RESET and SHOW, and in calls of set_config and \
              current_setting.\n\n\
              `reject`: the proxy answers with the error of DSQL and a hint. `ignore`: the proxy \
              answers as PostgreSQL would, remembers the value for SHOW, and does no more. \
              `emulate`: the same, and the proxy makes the value hold where it can: \
              client_min_messages, lock_timeout for waits for advisory locks, and the modes of \
              transaction blocks (transaction_read_only, default_transaction_read_only; levels \
              below REPEATABLE READ are answered, because DSQL gives more). Other timeouts are \
              remembered only. SERIALIZABLE cannot be emulated and is refused. `forward`: everything goes upstream, which decides.\n\n\
              Whatever is said here, a value that would change what statements mean is refused: \
              `standard_conforming_strings = off`. Names that PostgreSQL 18 does not know go \
              upstream.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "parameter",
        group: Group::Sessions,
        kind: Kind::Parameters,
        value_name: "NAME=ACTION[,…]",
        default: Absent {
            meaning: "as `unsupported-parameters` says",
            example: "{ client_min_messages = \"emulate\", jit = \"ignore\" }",
        },
        help: "What to do with one session parameter instead (repeatable)",
        doc: "What happens to one session parameter, with the words of `unsupported-parameters`: \
              `client_min_messages=emulate`. A name that holds a dot, such as `myapp.user`, is \
              that of a custom parameter. Several are given by repeating the flag, or in one value \
              with `,` between them. A parameter that takes a superuser, of which DSQL has none, \
              is ignored only where it is named here.\n\n\
              In the file it is a table, `[parameters]`, with a line for each: \
              `client_min_messages = \"emulate\"`. A cluster's own table replaces the one for all.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "ddl",
        group: Group::Sessions,
        kind: Kind::Choice(Ddl::NAMES),
        value_name: "adapt|pass",
        default: Value("adapt"),
        help: "What to do with DDL that DSQL takes in another form only",
        doc: "What happens to DDL that DSQL takes in another form, or not together with other \
              statements. `adapt`: it is run as DSQL takes it, and the client gets the answer that it \
              expects: a script is run statement by statement, since DSQL takes one DDL statement in a \
              transaction. `pass`: everything goes upstream as it is.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "ddl-transactions",
        group: Group::Sessions,
        kind: Kind::Choice(DdlTransactions::NAMES),
        value_name: "reject|autocommit",
        default: Value("reject"),
        help: "What to do with DDL among other statements of a transaction block",
        doc: "What happens to DDL among other statements between BEGIN and COMMIT, which migration \
              tools send and DSQL refuses. `reject`: DSQL's error. `autocommit`: what the transaction has \
              done so far is committed, the DDL statement runs alone, and what follows is another \
              transaction. The client sees one transaction; when it fails or is rolled back, it is \
              told what is committed already.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "advisory-locks",
        group: Group::Sessions,
        kind: Kind::Choice(AdvisoryLocks::NAMES),
        value_name: "local|forward|reject",
        default: Value("local"),
        help: "What to do with advisory locks, which DSQL does not have",
        doc: "What happens to `pg_advisory_lock` and its family, which migration tools use to keep each \
              other out and DSQL does not have. `local`: the proxy keeps the locks between its own \
              clients, with PostgreSQL's semantics; they do not reach the clients of another proxy. \
              `forward`: everything goes upstream. `reject`: DSQL's error, and a hint.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "resume-scripts",
        group: Group::Sessions,
        kind: Kind::Bool,
        value_name: "BOOL",
        default: Value("false"),
        help: "Keep how far scripts have come, and go on from there",
        doc: "Keeps in a table of the cluster, `dsql_proxy.scripts`, how far a script of several statements \
              has come that is run statement by statement. When the same script is sent again after it \
              has failed or was cut off, what has been applied is skipped, with a NOTICE.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "occ-retries",
        group: Group::Sessions,
        kind: Kind::Count { min: 0, max: 100 },
        value_name: "COUNT",
        default: Value("3"),
        help: "Attempts at a statement that ends in a conflict",
        doc: "How often a statement outside of a transaction block is run when it ends in a conflict (40001), \
              the first time included. With 1 or 0 it is never run again, and the client gets the conflict.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    Setting {
        name: "retry-buffer",
        group: Group::Sessions,
        kind: Kind::Size {
            min: 0,
            max: 1 << 30,
        },
        value_name: "SIZE",
        default: Value("64KiB"),
        help: "Bytes kept of a statement and of its answer to run it again",
        doc: "How many bytes of a statement, and of the answer to a write, are kept until it is certain that \
              no conflict follows. A larger one is not run again after a conflict.",
        commands: PROXY,
        scope: Scope::Cluster,
        places: Places::Everywhere,
    },
    // Local cluster
    Setting {
        name: "data",
        group: Group::LocalCluster,
        kind: Kind::Path,
        value_name: "DIR",
        default: Absent {
            meaning: "a temporary directory, removed at the end",
            example: "\"/var/lib/dsql-local\"",
        },
        help: "Directory in which the local cluster keeps its data",
        doc: "Where the local cluster keeps its data, its certificate authority and the file \
              `env`, with which other programs reach it. Without it all of that is temporary.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "once",
        group: Group::LocalCluster,
        kind: Kind::Bool,
        value_name: "BOOL",
        default: Value("false"),
        help: "Run the command after `--`, then stop everything and return its exit code",
        doc: "Runs the command that follows `--` with `PG*` and `DATABASE_URL` set, stops \
              everything when it ends and returns its exit code: `dsql-proxy local --once -- psql \
              -c 'select 1'`. Free ports are used unless they are given.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Flag,
    },
    Setting {
        name: "cluster-only",
        group: Group::LocalCluster,
        kind: Kind::Bool,
        value_name: "BOOL",
        default: Value("false"),
        help: "Start the local cluster without a proxy in front of it",
        doc: "Starts the local cluster without a proxy in front of it, for programs that sign \
              their own tokens.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "cluster-port",
        group: Group::LocalCluster,
        kind: Kind::Port,
        value_name: "PORT",
        default: Value("0"),
        help: "Port of the local cluster itself; 0 is any free port",
        doc: "The port on which the local cluster itself listens, behind the proxy; clients use \
              `port`. 0 takes any free port; the file `env` in the data directory names it.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    // Limits and faults of the local cluster
    Setting {
        name: "limit",
        group: Group::LocalFaults,
        kind: Kind::Limit,
        value_name: "NAME=VALUE",
        default: Absent {
            meaning: "the limits of DSQL",
            example: "{ transaction-rows = 100, transaction-age = \"5s\" }",
        },
        help: "A limit, lowered for a test (repeatable)",
        doc: "A limit of the local cluster that shall not be DSQL's own, so that a test crosses it \
              sooner: `transaction-rows=100`, `transaction-age=5s`, `transaction-size=64KiB`. \
              [The local cluster](local-cluster.md#limits) lists the names. Several are given by \
              repeating the flag, or in one value with `;` between them. In the file it is also a \
              table of name and value.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "fault",
        group: Group::LocalFaults,
        kind: Kind::Fault,
        value_name: "FAULT",
        default: Absent {
            meaning: "no fault",
            example: "[\"oc000 at=commit times=3 match=UPDATE\"]",
        },
        help: "A fault to begin with (repeatable)",
        doc: "What the local cluster shall do wrong from the start, for a test: `oc000 at=commit \
              times=3 match=UPDATE`, `refuse reason=rate times=2`. [The local \
              cluster](local-cluster.md#faults-on-demand) explains the words; `control-port` takes \
              the same ones while it runs. Several are given by repeating the flag, or in one \
              value with `;` between them.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "stale-catalog",
        group: Group::LocalFaults,
        kind: Kind::Bool,
        value_name: "BOOL",
        default: Value("false"),
        help: "Sessions that cached an older catalog get OC001 once, as real ones sometimes do",
        doc: "After a session has changed the schema, every other session that had used the older \
              one gets OC001 once, also in a transaction that begins later. Real clusters do so \
              sometimes. It is short for `fault = \"stale-catalog\"`.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "control-port",
        group: Group::LocalFaults,
        kind: Kind::Port,
        value_name: "PORT",
        default: Absent {
            meaning: "none; a free one with --once",
            example: "9092",
        },
        help: "Port on 127.0.0.1 that takes faults while it runs",
        doc: "An HTTP port on 127.0.0.1 through which tests ask the running local cluster for \
              faults. 0 takes any free port; `DSQL_LOCAL_CONTROL` in the file `env`, and in the \
              environment of the command of `--once`, is its URL. It asks for no password: whoever \
              is on the machine can disturb the cluster with it, but not read its data.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    // Self-test
    Setting {
        name: "self-test",
        group: Group::SelfTest,
        kind: Kind::Bool,
        value_name: "BOOL",
        default: Value("false"),
        help: "Compare the answers of a cluster with what is known of DSQL, then stop",
        doc: "Runs the conformance suite, prints each answer that is not the expected one and a \
              summary, and stops: with exit code 0 if there was none, else 1. It runs against the \
              local cluster that it starts, or against the one that `against` names. See \
              [The self-test](local-cluster.md#the-self-test).",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Flag,
    },
    Setting {
        name: "against",
        group: Group::SelfTest,
        kind: Kind::Text,
        value_name: "CLUSTER",
        default: Absent {
            meaning: "the local cluster",
            example: "\"abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws\"",
        },
        help: "The cluster to test instead of a local one",
        doc: "The endpoint, or the id, of the cluster that `self-test` shall test instead of \
              starting a local one. Region, credentials and role come from the settings for them. \
              The suite works in a schema of its own and drops it at the end.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Flag,
    },
    Setting {
        name: "self-test-filter",
        group: Group::SelfTest,
        kind: Kind::Text,
        value_name: "TEXT",
        default: Absent {
            meaning: "all probes",
            example: "\"indexes\"",
        },
        help: "Run only the probes that hold this text",
        doc: "Runs only those probes of `self-test` that hold this text in their subject (such as \
              `indexes`), their place (`indexes:7`) or a statement.",
        commands: &[Local],
        scope: Scope::Process,
        places: Places::Flag,
    },
    // Logs
    Setting {
        name: "structured-logs",
        group: Group::Logs,
        kind: Kind::Bool,
        value_name: "BOOL",
        default: Value("false"),
        help: "Log as JSON, one object a line",
        doc: "Logs as JSON, one object a line, instead of text.",
        commands: EVERY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "debug-logs",
        group: Group::Logs,
        kind: Kind::Bool,
        value_name: "BOOL",
        default: Value("false"),
        help: "Log more, to find out why something does not work",
        doc: "Logs what happens inside, to find out why something does not work. Tokens and \
              values of parameters are never logged.",
        commands: EVERY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    Setting {
        name: "quiet",
        group: Group::Logs,
        kind: Kind::Bool,
        value_name: "BOOL",
        default: Value("false"),
        help: "Log warnings and errors only",
        doc: "Logs warnings and errors only. It cannot be combined with `debug-logs`.",
        commands: EVERY,
        scope: Scope::Process,
        places: Places::Everywhere,
    },
    // Configuration
    Setting {
        name: "config-file",
        group: Group::Configuration,
        kind: Kind::Path,
        value_name: "FILE",
        default: Absent {
            meaning: "no file",
            example: "\"dsql-proxy.toml\"",
        },
        help: "TOML file with settings",
        doc: "A TOML file with settings. Its keys are the names of the flags; `[[cluster]]` tables \
              name clusters. Flags and environment variables beat it.",
        commands: EVERY,
        scope: Scope::Process,
        places: Places::FlagAndVariable,
    },
];
