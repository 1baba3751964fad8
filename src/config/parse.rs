//! From a command line to a command.

use std::ffi::OsString;

use super::cluster::{self, NamedCluster};
use super::file::{self, File, ReadFile};
use super::flags::{self, Flags, Outcome};
use super::resolve::{self, Layers, Ports};
use super::source::{Raw, Source};
use super::{
    Command, CommandName, ConfigError, Environment, LocalSettings, SelfTest, TokenSettings,
};
use super::{suggest, value};

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// Print this text, which ends with a newline, and stop.
    Print(String),
    /// Run a command.
    Run {
        /// The command with its settings.
        command: Box<Command>,
        /// What is odd but no reason to stop, one sentence each.
        warnings: Vec<String>,
    },
}

/// Reads a command line (`args`, without the name of the program).
///
/// `environment` holds the variables, `read_file` reads the file of `--config-file`: real ones are
/// `std::env::vars_os().collect()` and [`std::fs::read_to_string`].
///
/// # Errors
/// [`ConfigError`] for everything that is wrong, before anything is opened or bound.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    read_file: &ReadFile<'_>,
) -> Result<Parsed, ConfigError> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let first = args.first().and_then(|arg| arg.to_str()).unwrap_or("");
    if first == "help" {
        return help(args.get(1)).map(Parsed::Print);
    }
    let named = CommandName::from_word(first);
    if named.is_some() {
        args.remove(0);
    }
    let command = named.unwrap_or(CommandName::Serve);
    if command == CommandName::Local {
        check_dashes(&args)?;
    }
    let flags = match flags::parse(command, args)? {
        Outcome::Flags(flags) => flags,
        Outcome::Print(text) => return Ok(Parsed::Print(text)),
    };
    if named.is_none() {
        check_command_words(&flags.words)?;
    }
    Ok(Parsed::Run {
        command: Box::new(run(command, flags, environment, read_file)?),
        warnings: environment.warnings(),
    })
}

fn help(word: Option<&OsString>) -> Result<String, ConfigError> {
    let Some(word) = word else {
        return Ok(flags::render_help(CommandName::Serve));
    };
    let word = word.to_string_lossy();
    if let Some(command) = CommandName::from_word(&word) {
        return Ok(flags::render_help(command));
    }
    let words = CommandName::ALL.map(CommandName::as_str);
    let hint = suggest::did_you_mean(&word, words, "");
    Err(ConfigError::new(format!(
        "there is no command `{word}`{hint}"
    )))
}

/// `local --once CMD` without `--`: said before the flags of CMD are taken for ours.
fn check_dashes(args: &[OsString]) -> Result<(), ConfigError> {
    let Some(once) = args.iter().position(|arg| arg == "--once") else {
        return Ok(());
    };
    if args.iter().any(|arg| arg == "--") {
        return Ok(());
    }
    let rest: Vec<_> = args
        .iter()
        .skip(once + 1)
        .map(|arg| arg.to_string_lossy())
        .collect();
    let is_program = rest.first().is_some_and(|word| !word.starts_with('-'));
    let command = if is_program {
        rest.iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" ")
    } else {
        "psql -c 'select 1'".to_owned()
    };
    Err(ConfigError::new(format!(
        "--once: the command to run must follow `--`: dsql-proxy local --once -- {command}"
    )))
}

/// A word as a shell wants it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Without a command's word at the start, no cluster may look like one.
fn check_command_words(words: &[String]) -> Result<(), ConfigError> {
    let commands = CommandName::ALL.map(CommandName::as_str);
    for (index, word) in words.iter().enumerate() {
        if commands.contains(&word.as_str()) {
            return Err(ConfigError::new(format!(
                "`{word}` is a command and comes first: dsql-proxy {word} …"
            )));
        }
        if index == 0
            && !word.contains('?')
            && let Some(command) = suggest::closest(word, commands.into_iter().chain(["help"]))
        {
            return Err(ConfigError::new(format!(
                "there is no command `{word}`; did you mean `dsql-proxy {command}`? (A cluster of \
                 this name: dsql-proxy serve {word})"
            )));
        }
    }
    Ok(())
}

fn run(
    command: CommandName,
    flags: Flags,
    environment: &Environment,
    read_file: &ReadFile<'_>,
) -> Result<Command, ConfigError> {
    let variables = environment.layer(command)?;
    let file = match Layers::new([&flags.layer, &variables]).raw("config-file") {
        Some(raw) => file::read(raw, command, read_file)?,
        None => File::default(),
    };
    let defaults = resolve::defaults();
    let layers = Layers::new([&flags.layer, &variables, &file.layer, &defaults]);
    match command {
        CommandName::Serve => {
            let clusters = clusters(&flags.words, environment, file.clusters)?;
            if clusters.is_empty() {
                return Err(no_cluster(command));
            }
            resolve::proxy(&layers, &clusters, Ports::Fixed).map(Command::Serve)
        }
        CommandName::Token => {
            let clusters = clusters(&flags.words, environment, file.clusters)?;
            match clusters.as_slice() {
                [] => Err(no_cluster(command)),
                [named] => Ok(Command::Token(TokenSettings {
                    cluster: resolve::cluster(&layers, named, 0)?,
                    logs: resolve::logs(&layers)?,
                })),
                [_, second, ..] => Err(ConfigError::at(
                    &second.source,
                    "a token is for one cluster: name the one that is meant",
                )),
            }
        }
        CommandName::Local => local(&layers, &flags.words, flags.after_dashes).map(Command::Local),
    }
}

/// The clusters from the place with precedence that names any.
fn clusters(
    words: &[String],
    environment: &Environment,
    from_file: Vec<NamedCluster>,
) -> Result<Vec<NamedCluster>, ConfigError> {
    let mut raw: Vec<Raw> = words
        .iter()
        .map(|word| Raw {
            text: word.clone(),
            source: Source::Argument,
        })
        .collect();
    if raw.is_empty() {
        raw = environment.clusters()?;
    }
    if raw.is_empty() {
        return Ok(from_file);
    }
    raw.iter().map(cluster::parse).collect()
}

fn no_cluster(command: CommandName) -> ConfigError {
    let (word, advice) = match command {
        CommandName::Token => ("token ", ""),
        _ => ("", "\nWithout an AWS account: dsql-proxy local"),
    };
    ConfigError::new(format!(
        "no cluster is named. Give its endpoint as an argument, in DSQL_PROXY_CLUSTER_ENDPOINT or \
         in a [[cluster]] table of the --config-file, for example:\n  dsql-proxy {word}{}{advice}",
        cluster::EXAMPLE
    ))
}

/// With `--once` there is always one: what runs there is a test, and finds it in a variable.
fn control_port(layers: &Layers<'_>, is_once: bool) -> Result<Option<u16>, ConfigError> {
    let given = layers.optional("control-port", value::port)?;
    Ok(given.or(is_once.then_some(0)))
}

fn self_test(layers: &Layers<'_>, is_once: bool) -> Result<Option<SelfTest>, ConfigError> {
    let against = layers.raw("against");
    let filter = layers.optional("self-test-filter", value::text)?;
    if !layers.required("self-test", value::boolean)? {
        let given = if against.is_some() {
            "--against"
        } else if filter.is_some() {
            "--self-test-filter"
        } else {
            return Ok(None);
        };
        return Err(ConfigError::new(format!(
            "{given}: it is about the self-test: add --self-test"
        )));
    }
    if is_once {
        return Err(ConfigError::new(
            "--self-test and --once contradict each other: the self-test is what runs",
        ));
    }
    let against = against
        .map(|raw| resolve::cluster(layers, &cluster::parse(raw)?, 0).map(Box::new))
        .transpose()?;
    Ok(Some(SelfTest { against, filter }))
}

fn local(
    layers: &Layers<'_>,
    words: &[String],
    after_dashes: Vec<OsString>,
) -> Result<LocalSettings, ConfigError> {
    if let Some(word) = words.first() {
        return Err(ConfigError::new(format!(
            "`dsql-proxy local` starts a cluster of its own and takes no `{}`; a command to run \
             follows `--once --`",
            word.escape_debug()
        )));
    }
    let is_once = layers.required("once", value::boolean)?;
    let once = match (is_once, after_dashes.is_empty()) {
        (true, false) => Some(after_dashes),
        (true, true) => {
            return Err(ConfigError::new(
                "--once: the command to run is missing: dsql-proxy local --once -- psql -c \
                 'select 1'",
            ));
        }
        (false, false) => {
            return Err(ConfigError::new(
                "what follows `--` is run with --once only: dsql-proxy local --once -- COMMAND",
            ));
        }
        (false, true) => None,
    };
    // What is known of the cluster before it runs.
    let template = NamedCluster {
        endpoint: String::new(),
        source: Source::Argument,
        layer: super::source::Layer::new(),
    };
    let self_test = self_test(layers, once.is_some())?;
    let ports = if once.is_some() || self_test.is_some() {
        Ports::Free
    } else {
        Ports::Fixed
    };
    let mut proxy = resolve::proxy(layers, &[template], ports)?;
    // From elsewhere it is about another cluster, such as one whose `env` file was sourced.
    let on_command_line = |raw: &Raw| matches!(raw.source, Source::Flag(_));
    if !layers.raw("upstream-address").is_some_and(on_command_line) {
        for cluster in &mut proxy.clusters {
            cluster.upstream_address = None;
        }
    }
    Ok(LocalSettings {
        cluster_port: layers.required("cluster-port", value::port)?,
        data: resolve::path(layers, "data")?,
        limits: layers.limits()?,
        faults: layers.texts("fault"),
        stale_catalog: layers.required("stale-catalog", value::boolean)?,
        control_port: control_port(layers, is_once)?,
        cluster_only: layers.required("cluster-only", value::boolean)?,
        once,
        self_test,
        logs: proxy.logs,
        proxy,
    })
}
