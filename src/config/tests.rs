//! Tables of command lines, environments and files, and what comes out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

mod errors;
mod generated;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa.dsql.us-east-1.on.aws";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbb.dsql.us-west-2.on.aws";

/// A command line in words, with `A` and `B` for endpoints; quotes are not needed.
fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace()
        .map(|word| {
            let word = match word.strip_prefix("A") {
                Some(rest) if rest.is_empty() || rest.starts_with('?') => format!("{A}{rest}"),
                _ => word.to_owned(),
            };
            match word.strip_prefix("B") {
                Some(rest) if rest.is_empty() || rest.starts_with('?') => format!("{B}{rest}"),
                _ => word,
            }
            .into()
        })
        .collect()
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect()
}

/// Parses with a file system that holds `c.toml` only.
fn run(
    line: &str,
    variables: &[(&str, &str)],
    file: &str,
) -> Result<(Command, Vec<String>), String> {
    let read = |path: &Path| {
        if path == Path::new("c.toml") {
            Ok(file.to_owned())
        } else {
            Err(io::Error::new(io::ErrorKind::NotFound, "no such file"))
        }
    };
    match parse(words(line), &environment(variables), &read) {
        Ok(Parsed::Run { command, warnings }) => Ok((*command, warnings)),
        Ok(Parsed::Print(text)) => panic!("{line}: printed {text}"),
        Err(error) => Err(error.to_string()),
    }
}

fn proxy_of(line: &str, variables: &[(&str, &str)], file: &str) -> ProxySettings {
    match run(line, variables, file).unwrap() {
        (Command::Serve(proxy), _) => proxy,
        other => panic!("{line}: {other:?}"),
    }
}

fn local_of(line: &str, variables: &[(&str, &str)]) -> LocalSettings {
    match run(line, variables, "").unwrap() {
        (Command::Local(local), _) => local,
        other => panic!("{line}: {other:?}"),
    }
}

fn cluster(endpoint: &str, port: u16) -> ClusterSettings {
    ClusterSettings {
        endpoint: endpoint.into(),
        port,
        user: "admin".into(),
        database: "postgres".into(),
        region: None,
        profile: None,
        role_arn: vec![],
        token_duration: Duration::from_mins(15),
        upstream_address: None,
        tls_negotiation: TlsNegotiation::Direct,
        search_path: SearchPaths::default(),
        connect_timeout: Duration::from_secs(30),
        pool: PoolSettings {
            mode: PoolMode::Transaction,
            size: 20,
            min_idle: 0,
            queue_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_mins(10),
            max_lifetime: Duration::from_mins(55),
            max_prepared_statements: 200,
        },
        occ_retries: 3,
        retry_buffer: 64 * 1024,
        unsupported_parameters: UnsupportedParameters::Reject,
        ddl: Ddl::Adapt,
        ddl_transactions: DdlTransactions::Reject,
        advisory_locks: AdvisoryLocks::Local,
        resume_scripts: false,
        parameters: BTreeMap::new(),
    }
}

fn defaults() -> ProxySettings {
    ProxySettings {
        clusters: vec![cluster(A, 5432)],
        address: ListenAddress::LoopbackBoth,
        unix_socket: None,
        max_clients: 1000,
        login_timeout: Duration::from_secs(10),
        http: None,
        logs: LogSettings {
            format: LogFormat::Text,
            level: LogLevel::Normal,
        },
    }
}

#[test]
fn defaults_hold_where_nothing_is_said() {
    assert_eq!(proxy_of("A", &[], ""), defaults());
    assert_eq!(proxy_of("serve A", &[], ""), defaults());
}

#[test]
fn every_setting_arrives() {
    let line = "A --address ::1 --port 6000 --unix-socket /run/p --max-clients 7 \
                --login-timeout 1500ms --http-address 10.0.0.1 --http-port 9090 --region us-east-2 --profile dev \
                --role-arn arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/b \
                --token-duration 7d --upstream-address [::1]:15432 --tls-negotiation postgres \
                --user app --database d --search-path myschema,public --search-path app:x \
                --connect-timeout 5s --pool-mode transaction --pool-size 2 --min-idle 2 \
                --queue-timeout 1s --idle-timeout 2s --max-lifetime 59m \
                --max-prepared-statements 5 --occ-retries 0 --retry-buffer 1MiB \
                --unsupported-parameters forward --parameter JIT=ignore --ddl pass \
                --ddl-transactions autocommit --advisory-locks forward --resume-scripts --structured-logs \
                --quiet=false --debug-logs=true";
    let mut search_path = SearchPaths::default();
    search_path.add("myschema,public;app:x").unwrap();
    let expected = ProxySettings {
        clusters: vec![ClusterSettings {
            endpoint: A.into(),
            port: 6000,
            user: "app".into(),
            database: "d".into(),
            region: Some("us-east-2".into()),
            profile: Some("dev".into()),
            role_arn: vec![
                "arn:aws:iam::123456789012:role/a".into(),
                "arn:aws:iam::123456789012:role/b".into(),
            ],
            token_duration: Duration::from_hours(7 * 24),
            upstream_address: Some("[::1]:15432".into()),
            tls_negotiation: TlsNegotiation::Postgres,
            search_path,
            connect_timeout: Duration::from_secs(5),
            pool: PoolSettings {
                mode: PoolMode::Transaction,
                size: 2,
                min_idle: 2,
                queue_timeout: Duration::from_secs(1),
                idle_timeout: Duration::from_secs(2),
                max_lifetime: Duration::from_mins(59),
                max_prepared_statements: 5,
            },
            occ_retries: 0,
            retry_buffer: 1024 * 1024,
            unsupported_parameters: UnsupportedParameters::Forward,
            ddl: Ddl::Pass,
            ddl_transactions: DdlTransactions::Autocommit,
            advisory_locks: AdvisoryLocks::Forward,
            resume_scripts: true,
            parameters: [("jit".to_owned(), UnsupportedParameters::Ignore)].into(),
        }],
        address: ListenAddress::One(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        unix_socket: Some(PathBuf::from("/run/p")),
        max_clients: 7,
        login_timeout: Duration::from_millis(1500),
        http: Some(SocketAddr::from(([10, 0, 0, 1], 9090))),
        logs: LogSettings {
            format: LogFormat::Json,
            level: LogLevel::Debug,
        },
    };
    assert_eq!(proxy_of(line, &[], ""), expected);

    let file = r#"
        address = "::1"
        port = 6_000
        unix-socket = "/run/p"
        max-clients = 7
        login-timeout = "1500ms"
        http-address = "10.0.0.1"
        http-port = 9090
        region = "us-east-2"
        profile = "dev"
        role-arn = ["arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"]
        token-duration = "7d"
        upstream-address = "[::1]:15432"
        tls-negotiation = "postgres"
        user = "app"
        database = "d"
        search-path = { "*" = "myschema,public", app = "x" }
        connect-timeout = "5s"
        pool-mode = "transaction"
        pool-size = 2
        min-idle = 2
        queue-timeout = "1s"
        idle-timeout = "2s"
        max-lifetime = "59m"
        max-prepared-statements = 5
        occ-retries = 0
        retry-buffer = 1048576
        unsupported-parameters = "forward"
        ddl = "pass"
        ddl-transactions = "autocommit"
        advisory-locks = "forward"
        resume-scripts = true
        parameters = { jit = "ignore" }
        structured-logs = true
        quiet = false
        debug-logs = true
    "#;
    assert_eq!(proxy_of("A --config-file c.toml", &[], file), expected);
}

#[test]
fn flags_beat_environment_beats_file_beats_default() {
    let file = "port = 3\nmax-clients = 3\nuser = 'three'\nquiet = true";
    let variables = [
        ("DSQL_PROXY_CONFIG_FILE", "c.toml"),
        ("DSQL_PROXY_PORT", "2"),
        ("DSQL_PROXY_MAX_CLIENTS", "2"),
        ("DSQL_PROXY_QUIET", "false"),
        ("DSQL_PROXY_DATABASE", ""), // like one that is not set
    ];
    let proxy = proxy_of("A --port 1", &variables, file);
    assert_eq!(proxy.clusters[0].port, 1);
    assert_eq!(proxy.max_clients, 2);
    assert_eq!(proxy.clusters[0].user, "three");
    assert_eq!(proxy.clusters[0].database, "postgres");
    assert_eq!(proxy.logs.level, LogLevel::Normal);
}

#[test]
fn what_is_said_of_one_cluster_beats_what_is_said_of_all() {
    let proxy = proxy_of(
        "A?user=app&search-path=x%26y,z&search-path=r:p B --user all --search-path q",
        &[],
        "",
    );
    let [a, b] = proxy.clusters.as_slice() else {
        panic!("{proxy:?}");
    };
    assert_eq!((a.user.as_str(), b.user.as_str()), ("app", "all"));
    assert_eq!(a.search_path.for_role("r"), Some("p"));
    assert_eq!(a.search_path.for_role("app"), Some("x&y,z"));
    assert_eq!(b.search_path.for_role("r"), Some("q"));

    let file = format!("[[cluster]]\nendpoint = '{A}'\nuser = 'app'\n");
    let proxy = proxy_of("--config-file c.toml --user all", &[], &file);
    assert_eq!(proxy.clusters[0].user, "app");
}

#[test]
fn single_parameters() {
    use UnsupportedParameters::{Emulate, Forward, Ignore};
    let parameters = |line: &str, variables: &[(&str, &str)], file: &str| {
        let proxy = proxy_of(line, variables, file);
        let of = |cluster: &ClusterSettings| cluster.parameters.clone().into_iter().collect();
        proxy.clusters.iter().map(of).collect::<Vec<Vec<_>>>()
    };
    let named = |name: &str, action| (name.to_owned(), action);
    assert_eq!(
        parameters(
            "A --parameter Client_Min_Messages=emulate --parameter a.b=ignore,jit=forward --parameter jit=ignore",
            &[],
            ""
        ),
        [[
            named("a.b", Ignore),
            named("client_min_messages", Emulate),
            named("jit", Ignore)
        ]]
    );
    let variable = [("DSQL_PROXY_PARAMETER", "jit=ignore, work_mem = forward")];
    assert_eq!(
        parameters("A", &variable, ""),
        [[named("jit", Ignore), named("work_mem", Forward)]]
    );
    let file = format!(
        "parameters = ['jit=forward']\n[[cluster]]\nendpoint = '{A}'\n[[cluster]]\nendpoint = \
         '{B}'\nparameters = {{ my.app.user = 'ignore' }}"
    );
    assert_eq!(
        parameters("--config-file c.toml", &[], &file),
        [[named("jit", Forward)], [named("my.app.user", Ignore)]]
    );
    let table = "[parameters]\njit = 'emulate'\n\"a.b\" = 'ignore'";
    assert_eq!(
        parameters("A --config-file c.toml", &[], table),
        [[named("a.b", Ignore), named("jit", Emulate)]]
    );
    assert_eq!(
        parameters("A?parameter=jit=ignore", &[], ""),
        [[named("jit", Ignore)]]
    );
}

#[test]
fn clusters_take_consecutive_ports_unless_they_have_one() {
    for (line, ports) in [
        ("A B", vec![5432, 5433]),
        ("A B --port 7000", vec![7000, 7001]),
        ("A?port=9 B", vec![9, 5432]),
        ("A B?port=9 A", vec![5432, 9, 5433]),
        ("A B --port 0", vec![0, 0]),
        ("A B --port 65534", vec![65534, 65535]),
        ("A --port 65535", vec![65535]),
    ] {
        let proxy = proxy_of(line, &[], "");
        let found: Vec<u16> = proxy.clusters.iter().map(|c| c.port).collect();
        assert_eq!(found, ports, "{line}");
    }
}

#[test]
fn clusters_come_from_one_place() {
    let file =
        "[[cluster]]\nendpoint = 'from-file'\n[[cluster]]\nendpoint = 'from-file-2'\nport = 1";
    let names = |line: &str, variables: &[(&str, &str)]| {
        let proxy = proxy_of(line, variables, file);
        let names: Vec<String> = proxy.clusters.into_iter().map(|c| c.endpoint).collect();
        names.join(" ")
    };
    let ours = [
        ("DSQL_PROXY_CLUSTER_ENDPOINT_10", "ten"),
        ("DSQL_PROXY_CLUSTER_ENDPOINT_2", "two?port=77"),
        ("DSQL_PROXY_CLUSTER_ENDPOINT", "plain"),
        ("CLUSTER_ENDPOINT", "sample"),
    ];
    assert_eq!(names("X.example. --config-file c.toml", &ours), "x.example");
    assert_eq!(names("--config-file c.toml", &ours), "plain two ten");
    assert_eq!(names("--config-file c.toml", &ours[3..]), "sample");
    assert_eq!(names("--config-file c.toml", &[]), "from-file from-file-2");
}

#[test]
fn search_paths_are_found_by_role() {
    // (text, role, path)
    for (text, role, path) in [
        ("myschema,public", "admin", Some("myschema,public")),
        ("app:myschema, public", "app", Some("myschema, public")),
        ("app:myschema", "admin", None),
        ("admin:public;myschema", "admin", Some("public")),
        ("admin:public;myschema", "app", Some("myschema")),
        ("admin:public;*:myschema", "app", Some("myschema")),
        (r#""a;b:c",public"#, "app", Some(r#""a;b:c",public"#)),
        (r#""$user",public;app:"x;y""#, "app", Some(r#""x;y""#)),
        (r#"s,"a:b""#, "app", Some(r#"s,"a:b""#)),
    ] {
        let mut paths = SearchPaths::default();
        paths.add(text).unwrap();
        assert_eq!(paths.for_role(role), path, "{text} for {role}");
    }
}

#[test]
fn local_builds_the_proxy_in_front() {
    let local = local_of(
        "local --data d --cluster-port 8000 --port 6000 --user app",
        &[],
    );
    assert_eq!(local.data, Some(PathBuf::from("d")));
    assert_eq!(local.cluster_port, 8000);
    assert!(!local.cluster_only);
    assert_eq!(local.once, None);
    assert_eq!(local.region(), None);
    let expected = ClusterSettings {
        user: "app".into(),
        region: Some("us-east-1".into()),
        upstream_address: Some("127.0.0.1:8000".into()),
        ..cluster(A, 6000)
    };
    let proxy = local.proxy_for(A, "127.0.0.1:8000", "us-east-1");
    assert_eq!(proxy.clusters, [expected]);

    let local = local_of(
        "local --upstream-address h:1 --region eu-west-1 --cluster-only",
        &[],
    );
    let proxy = local.proxy_for(A, "127.0.0.1:8000", "eu-west-1");
    assert_eq!(proxy.clusters[0].upstream_address.as_deref(), Some("h:1"));
    assert_eq!(proxy.clusters[0].port, 5432);
    assert_eq!(local.region(), Some("eu-west-1"));
    assert!(local.cluster_only);

    // Credentials of a real account play no part in it.
    let local = local_of("local", &[("DSQL_PROXY_UPSTREAM_ADDRESS", "other:1")]);
    let proxy = local.proxy_for(A, "127.0.0.1:8000", "eu-west-1");
    let address = proxy.clusters[0].upstream_address.as_deref();
    assert_eq!(address, Some("127.0.0.1:8000"));

    let local = local_of("local", &[("DSQL_PROXY_PROFILE", "dev")]);
    assert_eq!(local.proxy_for(A, "h:1", "r").clusters[0].profile, None);
}

#[test]
fn the_self_test_runs_here_or_against_another_cluster() {
    assert_eq!(local_of("local", &[]).self_test, None);

    let local = local_of("local --self-test --self-test-filter indexes", &[]);
    assert_eq!(local.proxy_for(A, "h:1", "r").clusters[0].port, 0);
    let test = local.self_test.unwrap();
    assert_eq!(test.against, None);
    assert_eq!(test.filter.as_deref(), Some("indexes"));

    let line = format!("local --self-test --region eu-west-1 --against {A}?profile=dev&user=app");
    let variables = [("DSQL_PROXY_UPSTREAM_ADDRESS", "tunnel:1")];
    let against = local_of(&line, &variables).self_test.unwrap().against;
    let expected = ClusterSettings {
        profile: Some("dev".into()),
        user: "app".into(),
        region: Some("eu-west-1".into()),
        upstream_address: Some("tunnel:1".into()),
        ..cluster(A, 0)
    };
    assert_eq!(against, Some(Box::new(expected)));
}

#[test]
fn once_takes_free_ports_unless_they_are_given() {
    let port = |line: &str, variables: &[(&str, &str)]| {
        local_of(line, variables).proxy_for(A, "h:1", "r").clusters[0].port
    };
    assert_eq!(port("local --once -- x", &[]), 0);
    assert_eq!(port("local --once --port 5432 -- x", &[]), 5432);
    assert_eq!(
        port("local --once -- x", &[("DSQL_PROXY_PORT", "6000")]),
        6000
    );
    let local = local_of("local --once -- psql -c --port", &[]);
    assert_eq!(
        local.once,
        Some(vec!["psql".into(), "-c".into(), "--port".into()])
    );
}

#[test]
fn token_is_for_one_cluster() {
    let (command, _) = run("token A --user app --token-duration 1s --quiet", &[], "").unwrap();
    let expected = TokenSettings {
        cluster: ClusterSettings {
            user: "app".into(),
            token_duration: Duration::from_secs(1),
            ..cluster(A, 0)
        },
        logs: LogSettings {
            format: LogFormat::Text,
            level: LogLevel::Quiet,
        },
    };
    assert_eq!(command, Command::Token(expected));
}

#[test]
fn unknown_variables_are_warnings() {
    let variables = [
        ("DSQL_PROXY_PROT", "1"),
        ("DSQL_PROXY_WHATEVER_ELSE", "1"),
        ("DSQL_PROXY_CLUSTER_ENDPOINT_0", "x"),
        ("DSQL_PROXY_CLUSTER_ENDPOINT_X", "x"),
        ("DSQL_PROXY_DATA", "of another command"),
        ("OTHER", "1"),
    ];
    let (_, warnings) = run("A", &variables, "").unwrap();
    assert_eq!(
        warnings,
        [
            "the environment variable DSQL_PROXY_CLUSTER_ENDPOINT_X is no setting and is ignored; \
             did you mean `DSQL_PROXY_CLUSTER_ENDPOINT`?",
            "the environment variable DSQL_PROXY_PROT is no setting and is ignored; did you mean \
             `DSQL_PROXY_PORT`?",
            "the environment variable DSQL_PROXY_WHATEVER_ELSE is no setting and is ignored",
        ]
    );
}

#[test]
fn variables_of_a_kubernetes_service_are_not_ours() {
    let variables = [
        ("DSQL_PROXY_PORT", "tcp://10.0.0.11:5432"),
        ("DSQL_PROXY_PORT_5432_TCP_ADDR", "10.0.0.11"),
        ("DSQL_PROXY_SERVICE_HOST", "10.0.0.11"),
    ];
    let (command, warnings) = run("A", &variables, "").unwrap();
    assert_eq!(command, Command::Serve(defaults()));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn help_and_version_are_printed() {
    let printed = |line: &str| match parse(words(line), &environment(&[]), &|_| Ok(String::new())) {
        Ok(Parsed::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(printed("--version"), "dsql-proxy 0.1.0\n");
    assert_eq!(printed("-V"), "dsql-proxy 0.1.0\n");
    assert_eq!(printed("local --version"), "dsql-proxy 0.1.0\n");
    assert_eq!(printed("help"), printed("--help"));
    assert_eq!(printed("-h"), printed("serve --help"));
    assert_eq!(printed("help local"), printed("local --help"));
    for (line, command) in [
        ("help", CommandName::Serve),
        ("help local", CommandName::Local),
        ("help token", CommandName::Token),
    ] {
        let text = printed(line);
        assert!(text.contains("Usage: dsql-proxy"), "{text}");
        for setting in SETTINGS {
            let flag = format!("--{} ", setting.name).trim_end().to_owned();
            let is_listed = text
                .split_whitespace()
                .any(|word| word.split('[').next() == Some(flag.as_str()));
            assert!(
                is_listed || !setting.belongs_to(command),
                "{line} does not list {flag}:\n{text}"
            );
        }
    }
}

#[test]
fn limits_and_faults_of_the_local_cluster() {
    use crate::dsql::limits::{TABLES, TRANSACTION_AGE, TRANSACTION_SIZE};

    let none = local_of("local", &[]);
    assert!(none.limits.is_empty() && none.faults.is_empty());
    assert!(!none.stale_catalog);
    assert_eq!(none.control_port, None);
    let once = local_of("local --once -- true", &[]);
    assert_eq!(once.control_port, Some(0), "what runs once is a test");
    let once = local_of("local --once --control-port 9092 -- true", &[]);
    assert_eq!(once.control_port, Some(9092));

    let limits = |local: &LocalSettings| -> Vec<(&str, u64)> {
        let limits = local.limits.iter();
        limits.map(|(limit, value)| (limit.name, *value)).collect()
    };
    let (age, size) = (TRANSACTION_AGE.name, TRANSACTION_SIZE.name);
    let flags = "local --limit tables=3 --limit transaction-age=5s;transaction-size=1KiB \
                 --fault oc000 --fault oc001 --stale-catalog";
    let flags = local_of(flags, &[("DSQL_PROXY_FAULT", "cut")]);
    assert_eq!(limits(&flags), [(TABLES.name, 3), (age, 5), (size, 1024)]);
    assert_eq!(flags.faults, ["oc000", "oc001"]);
    assert!(flags.stale_catalog);
    let variables = [
        ("DSQL_PROXY_LIMIT", "tables=3; transaction_age=5"),
        ("DSQL_PROXY_FAULT", "oc000 at=commit; cut"),
        ("DSQL_PROXY_CONTROL_PORT", "0"),
    ];
    let variables = local_of("local", &variables);
    assert_eq!(limits(&variables), [(TABLES.name, 3), (age, 5)]);
    assert_eq!(variables.faults, ["oc000 at=commit; cut"]);
    assert_eq!(variables.control_port, Some(0));

    for file in [
        "limit = { tables = 3, transaction-age = \"5s\" }\nfault = [\"oc000\", \"cut\"]",
        "limit = [\"tables=3\", \"transaction-age=5\"]\nfault = [\"oc000\", \"cut\"]",
        "fault = [\"oc000\", \"cut\"]\n[limit]\ntables = 3\ntransaction-age = 5",
    ] {
        let (command, _) = run("local --config-file c.toml", &[], file).unwrap();
        let Command::Local(local) = command else {
            panic!("{file}");
        };
        assert_eq!(limits(&local), [(TABLES.name, 3), (age, 5)], "{file}");
        assert_eq!(local.faults, ["oc000", "cut"], "{file}");
    }
    for (file, expected) in [
        (
            "limit = 3",
            "c.toml:1: `limit`: expected a table of name and value, such as \
             `{ transaction-rows = 100 }`, a string or a list of strings",
        ),
        (
            "\n[limit]\ntables = true",
            "c.toml:2: `limit`: tables: expected a number or a string",
        ),
        (
            "limit = { tabels = 3 }",
            "c.toml:1: `limit`: invalid value `tabels=3`: there is no limit `tabels`; did you \
             mean `tables`?",
        ),
        (
            "fault = 1",
            "c.toml:1: `fault`: expected a string or a list of strings",
        ),
    ] {
        let error = run("local --config-file c.toml", &[], file).unwrap_err();
        assert_eq!(error, expected);
    }
}
