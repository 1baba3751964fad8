//! Errors, word for word.

use super::run;

#[test]
fn errors_of_the_command_line() {
    for (line, expected) in [
        (
            "A --port x",
            "--port: invalid value `x`: expected a port from 0 to 65535, where 0 takes any free one",
        ),
        (
            "A --port 65536",
            "--port: invalid value `65536`: expected a port from 0 to 65535, where 0 takes any free one",
        ),
        (
            "A --max-clients 0",
            "--max-clients: invalid value `0`: expected a whole number from 1 to 1000000",
        ),
        (
            "A --pool-size 0",
            "--pool-size: invalid value `0`: expected a whole number from 1 to 10000",
        ),
        (
            "A --min-idle 21",
            "--min-idle is 21, and default of pool-size is 20: there cannot be more idle servers than servers",
        ),
        (
            "host?pool-size=2&min-idle=3",
            "`?min-idle=` of cluster host is 3, and `?pool-size=` of cluster host is 2: there cannot be more idle servers than servers",
        ),
        (
            "A --max-lifetime 60m",
            "--max-lifetime: invalid value `60m`: expected at least 1s and less than 1h, because Aurora DSQL ends every connection after 1h",
        ),
        (
            "A --retry-buffer 2GiB",
            "--retry-buffer: invalid value `2GiB`: expected a size from 0 to 1073741824 bytes",
        ),
        (
            "A --retry-buffer x",
            "--retry-buffer: invalid value `x`: expected a size, such as `4096`, `64KiB` or `1MiB`",
        ),
        (
            "A --pool-mode statement",
            "--pool-mode: invalid value `statement`: expected `transaction` or `session`",
        ),
        (
            "A --login-timeout 30",
            "--login-timeout: invalid value `30`: a duration needs a unit, as in `30s`",
        ),
        (
            "A --login-timeout soon",
            "--login-timeout: invalid value `soon`: expected a duration such as `500ms`, `30s` or `1h 30m`",
        ),
        (
            "A --token-duration 8d",
            "--token-duration: invalid value `8d`: expected a duration from 1s to 7days",
        ),
        (
            "A --address 0.0.0.0",
            "--address: invalid value `0.0.0.0`: only a loopback address (127.0.0.1, ::1) is allowed, because listening on another one needs client authentication, which this version does not have yet",
        ),
        (
            "A --address localhost",
            "--address: invalid value `localhost`: expected an IP address such as `127.0.0.1` or `::1`",
        ),
        (
            "A --http-address localhost",
            "--http-address: invalid value `localhost`: expected an IP address such as `127.0.0.1` or `::1`",
        ),
        (
            "A --region us_east_1",
            "--region: invalid value `us_east_1`: expected a region such as `us-east-1`",
        ),
        (
            "A --role-arn admin",
            "--role-arn: invalid value `admin`: expected ARNs of IAM roles, separated by commas, such as `arn:aws:iam::123456789012:role/dsql`",
        ),
        (
            "A --upstream-address h",
            "--upstream-address: invalid value `h`: expected `HOST:PORT`, such as `localhost:15432` or `[::1]:15432`; the port is missing",
        ),
        (
            "A --upstream-address ::1",
            "--upstream-address: invalid value `::1`: expected `HOST:PORT`, such as `localhost:15432` or `[::1]:15432`",
        ),
        (
            "A --tls-negotiation postgre",
            "--tls-negotiation: invalid value `postgre`: expected `direct` or `postgres`; did you mean `postgres`?",
        ),
        (
            "A --tls-negotiation off",
            "--tls-negotiation: invalid value `off`: expected `direct` or `postgres`",
        ),
        (
            "A --parameter client_min_mesages=emulate",
            "--parameter: invalid value `client_min_mesages=emulate`: PostgreSQL has no parameter `client_min_mesages`; did you mean `client_min_messages`?",
        ),
        (
            "A --parameter jit",
            "--parameter: invalid value `jit`: expected NAME=ACTION, such as `client_min_messages=emulate`",
        ),
        (
            "A --parameter jit=ignor",
            "--parameter: invalid value `jit=ignor`: jit: expected `reject` or `ignore` or `emulate` or `forward`; did you mean `ignore`?",
        ),
        (
            "A --parameter jit=ignore,Search_Path=ignore",
            "--parameter: invalid value `jit=ignore,Search_Path=ignore`: Aurora DSQL lets a session set `Search_Path`, so it always goes there",
        ),
        (
            "A --search-path app:",
            "--search-path: invalid value `app:`: expected `PATH` for every role or `ROLE:PATH` for one, such as `myschema,public` or `app:myschema`",
        ),
        (
            "A --search-path x --search-path y",
            "--search-path: invalid value `y`: the path for every role is given twice",
        ),
        (
            "A --search-path a:x;a:y",
            "--search-path: invalid value `a:x;a:y`: the path for role `a` is given twice",
        ),
        (
            "A --quiet=maybe",
            "--quiet: invalid value `maybe`: expected `true` or `false`",
        ),
        (
            "A --quiet --debug-logs",
            "--quiet and --debug-logs contradict each other; turn one of them off",
        ),
        ("A --port", "--port: a value is missing: --port PORT"),
        ("A --port 1 --port 2", "--port: given twice"),
        ("A --prot 1", "unknown flag --prot; did you mean `--port`?"),
        (
            "A --max_clients 1",
            "unknown flag --max_clients; did you mean `--max-clients`?",
        ),
        (
            "A --verify-nothing",
            "unknown flag --verify-nothing; `dsql-proxy --help` lists them",
        ),
        (
            "local --whatever-it-is",
            "unknown flag --whatever-it-is; `dsql-proxy local --help` lists them",
        ),
        ("A -p 5433", "unknown flag -p; did you mean `--port`?"),
        (
            "A --data d",
            "--data is no flag of `dsql-proxy serve`; it belongs to `dsql-proxy local`",
        ),
        (
            "local --profile x",
            "--profile is no flag of `dsql-proxy local`; it belongs to `dsql-proxy serve` and `dsql-proxy token`",
        ),
        (
            "A --config-file none.toml",
            "--config-file: cannot read `none.toml`: no such file",
        ),
        (
            "lcal",
            "there is no command `lcal`; did you mean `dsql-proxy local`? (A cluster of this name: dsql-proxy serve lcal)",
        ),
        (
            "help lcal",
            "there is no command `lcal`; did you mean `local`?",
        ),
        ("help x", "there is no command `x`"),
        (
            "--port 6000 local",
            "`local` is a command and comes first: dsql-proxy local …",
        ),
        (
            "local --against A",
            "--against: it is about the self-test: add --self-test",
        ),
        (
            "local --self-test-filter A",
            "--self-test-filter: it is about the self-test: add --self-test",
        ),
        (
            "local --self-test --once -- x",
            "--self-test and --once contradict each other: the self-test is what runs",
        ),
        (
            "local --once psql -c select",
            "--once: the command to run must follow `--`: dsql-proxy local --once -- psql -c select",
        ),
        (
            "local --once --port 1",
            "--once: the command to run must follow `--`: dsql-proxy local --once -- psql -c 'select 1'",
        ),
        (
            "local --once --",
            "--once: the command to run is missing: dsql-proxy local --once -- psql -c 'select 1'",
        ),
        (
            "local -- psql",
            "what follows `--` is run with --once only: dsql-proxy local --once -- COMMAND",
        ),
        (
            "local x",
            "`dsql-proxy local` starts a cluster of its own and takes no `x`; a command to run follows `--once --`",
        ),
        (
            "token A B",
            "command line: a token is for one cluster: name the one that is meant",
        ),
        (
            "A A?port=5432",
            "command line: clusters aaaaaaaaaaaaaaaaaaaaaaaaaa.dsql.us-east-1.on.aws and aaaaaaaaaaaaaaaaaaaaaaaaaa.dsql.us-east-1.on.aws would both listen on port 5432; give one of them another: `aaaaaaaaaaaaaaaaaaaaaaaaaa.dsql.us-east-1.on.aws?port=…`",
        ),
        (
            "A host --port 65535",
            "command line: no port is left for cluster host: the ports after 65535 end at 65535",
        ),
        (
            "host?prot=1",
            "`?prot=` of cluster host: unknown key; did you mean `port`?",
        ),
        (
            "host?max-clients=1",
            "`?max-clients=` of cluster host: holds for the whole process, not for one cluster",
        ),
        (
            "host?port=a",
            "`?port=` of cluster host: invalid value `a`: expected a port from 0 to 65535, where 0 takes any free one",
        ),
        (
            "host?port=1&port=2",
            "`?port=` of cluster host: given twice",
        ),
        (
            "host?user",
            "`?user=` of cluster host: invalid value ``: expected a text that is not empty",
        ),
        (
            "host?user=%ff",
            "`?user=` of cluster host: the value is not UTF-8",
        ),
        (
            "host:5433",
            "command line: invalid cluster `host:5433`: an endpoint is named without a port; `host?port=5433` makes the proxy listen on 5433, `upstream-address` dials another address",
        ),
        (
            "postgres://u:secret@host/db",
            "command line: a cluster is named by its endpoint or id, not by a URL: leave out what stands before and after the host name",
        ),
        (
            "a/b",
            "command line: invalid cluster `a/b`: expected an endpoint such as abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws or a 26-character cluster id",
        ),
        (
            "",
            "no cluster is named. Give its endpoint as an argument, in DSQL_PROXY_CLUSTER_ENDPOINT or in a [[cluster]] table of the --config-file, for example:\n  dsql-proxy abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws\nWithout an AWS account: dsql-proxy local",
        ),
        (
            "token",
            "no cluster is named. Give its endpoint as an argument, in DSQL_PROXY_CLUSTER_ENDPOINT or in a [[cluster]] table of the --config-file, for example:\n  dsql-proxy token abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws",
        ),
    ] {
        assert_eq!(run(line, &[], "").unwrap_err(), expected, "{line}");
    }
}

#[test]
fn a_path_too_long_for_a_socket_is_refused() {
    let fits = "d".repeat(88);
    assert!(run(&format!("A --unix-socket {fits}"), &[], "").is_ok());
    assert_eq!(
        run(&format!("A --unix-socket {fits}d"), &[], "").unwrap_err(),
        format!(
            "--unix-socket: invalid value `{fits}d`: the path is too long for a Unix socket: \
             expected at most 88 bytes"
        )
    );
}

#[test]
fn errors_of_the_environment() {
    for (variable, value, expected) in [
        (
            "DSQL_PROXY_PORT",
            "x",
            "DSQL_PROXY_PORT: invalid value `x`: expected a port from 0 to 65535, where 0 takes any free one",
        ),
        (
            "DSQL_PROXY_QUIET",
            "yes",
            "DSQL_PROXY_QUIET: invalid value `yes`: expected `true` or `false`",
        ),
        (
            "DSQL_PROXY_CONFIG_FILE",
            "none.toml",
            "DSQL_PROXY_CONFIG_FILE: cannot read `none.toml`: no such file",
        ),
        (
            "DSQL_PROXY_CLUSTER_ENDPOINT_1",
            "host?usr=x",
            "DSQL_PROXY_CLUSTER_ENDPOINT_1: `?usr=` of cluster host: unknown key; did you mean `user`?",
        ),
        (
            "CLUSTER_ENDPOINT",
            "a b",
            "CLUSTER_ENDPOINT: invalid cluster `a b`: expected an endpoint such as abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws or a 26-character cluster id",
        ),
    ] {
        assert_eq!(run("", &[(variable, value)], "").unwrap_err(), expected);
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_utf8_is_named() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::super::{Environment, parse};

    let bad = || OsString::from_vec(vec![0xff]);
    let variables: Environment = [("DSQL_PROXY_USER".into(), bad())].into_iter().collect();
    let error = parse(["host".into()], &variables, &|_| Ok(String::new())).unwrap_err();
    assert_eq!(error.to_string(), "DSQL_PROXY_USER: the value is not UTF-8");
    let error = parse([bad()], &Environment::default(), &|_| Ok(String::new())).unwrap_err();
    assert_eq!(error.to_string(), "an argument is not UTF-8");
}

#[test]
fn errors_of_the_file_name_the_line() {
    for (file, expected) in [
        (
            "port = 1\nuser = 'a'\n\nmax-client = 5",
            "c.toml:4: `max-client`: unknown key; did you mean `max-clients`?",
        ),
        (
            "max_clients = 5",
            "c.toml:1: `max_clients`: unknown key; did you mean `max-clients`?",
        ),
        (
            "[listening]\nport = 1",
            "c.toml:1: `listening`: unknown key",
        ),
        (
            "# x\nport = 70000",
            "c.toml:2: `port`: invalid value `70000`: expected a port from 0 to 65535, where 0 takes any free one",
        ),
        (
            "port = '5432'",
            "c.toml:1: `port`: expected a number without quotes",
        ),
        ("user = 5", "c.toml:1: `user`: expected a string in quotes"),
        (
            "quiet = 'true'",
            "c.toml:1: `quiet`: expected `true` or `false`",
        ),
        (
            "login-timeout = 30",
            "c.toml:1: `login-timeout`: invalid value `30`: a duration needs a unit, as in `30s`",
        ),
        (
            "login-timeout = 1.5",
            "c.toml:1: `login-timeout`: expected a string in quotes",
        ),
        (
            "config-file = 'x'",
            "c.toml:1: `config-file`: this is given on the command line, not in the file",
        ),
        // A key of another command is checked too.
        (
            "cluster-port = -1",
            "c.toml:1: `cluster-port`: invalid value `-1`: expected a port from 0 to 65535, where 0 takes any free one",
        ),
        (
            "parameters = { jit = 1 }",
            "c.toml:1: `parameters`: jit: expected `reject`, `ignore`, `emulate` or `forward`",
        ),
        (
            "parameters = 1",
            "c.toml:1: `parameters`: expected a table of name and action, such as `{ client_min_messages = \"emulate\" }`, a string or a list of strings",
        ),
        (
            "parameter = 'jit=ignore'",
            "c.toml:1: `parameter`: unknown key; did you mean `parameters`?",
        ),
        (
            "search-path = { a = 1 }",
            "c.toml:1: `search-path`: expected a table of role and path, such as `{ app = \"myschema,public\" }`",
        ),
        (
            "search-path = 1",
            "c.toml:1: `search-path`: expected a string, a list of strings or a table of role and path",
        ),
        (
            "quiet = true\ndebug-logs = true\n[[cluster]]\nendpoint = 'a'",
            "c.toml:1: `quiet` and c.toml:2: `debug-logs` contradict each other; turn one of them off",
        ),
        // The topmost error is the one that is told.
        ("zzz = 1\naaa = 1", "c.toml:1: `zzz`: unknown key"),
        (
            "cluster = 'x'",
            "c.toml:1: `cluster`: each cluster is a table of its own: `[[cluster]]`, below it `endpoint = \"abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws\"`",
        ),
        (
            "port = 1\n[[cluster]]\nuser = 'x'",
            "c.toml:2: this `[[cluster]]` has no `endpoint`",
        ),
        (
            "[[cluster]]\nendpoint = 'a b'",
            "c.toml:2: `endpoint`: invalid cluster `a b`: expected an endpoint such as abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws or a 26-character cluster id",
        ),
        (
            "[[cluster]]\nendpoint = 'a'\n\nusr = 'a'",
            "c.toml:4: `usr`: unknown key; did you mean `user`?",
        ),
        (
            "[[cluster]]\nendpoint = 'a'\nquiet = true",
            "c.toml:3: `quiet`: holds for the whole process, not for one cluster",
        ),
        (
            "[[cluster]]\nendpoint = 'a'\n[[cluster]]\nendpoint = 'b'\nport = 5432",
            "c.toml:4: `endpoint`: clusters a and b would both listen on port 5432; give one of them another: `b?port=…`",
        ),
        (
            "port = 1\nport = 2",
            "c.toml:2: this is not TOML: duplicate key",
        ),
        (
            "port =\n",
            "c.toml:1: this is not TOML: string values must be quoted, expected literal string",
        ),
    ] {
        assert_eq!(
            run("--config-file c.toml", &[], file).unwrap_err(),
            expected,
            "{file}"
        );
    }
}
