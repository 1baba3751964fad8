//! The command line: clap's arguments out of the table, and our words for what clap refuses.

use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches};

use super::source::{Layer, Raw, Source};
use super::{CommandName, ConfigError, DefaultValue, Group, Kind, SETTINGS, Setting};
use super::{help, suggest, value};

/// The words of the command line that are no flags.
const WORDS: &str = "CLUSTER";

/// What stands behind `--`.
const AFTER_DASHES: &str = "COMMAND";

/// Habits from psql.
const SHORT: &[(&str, &str)] = &[("-p", "port"), ("-U", "user"), ("-d", "database")];

/// A command line taken apart; values are checked against their kind.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// The flags.
    pub(super) layer: Layer,
    /// What is no flag.
    pub(super) words: Vec<String>,
    /// What stands behind `--`, of `local`.
    pub(super) after_dashes: Vec<OsString>,
}

/// The outcome of taking a command line apart.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Go on with these.
    Flags(Flags),
    /// Print this (help or version).
    Print(String),
}

/// Takes apart the arguments of `command`, without its own word.
pub(super) fn parse(command: CommandName, args: Vec<OsString>) -> Result<Outcome, ConfigError> {
    let parsed = clap_command(command).try_get_matches_from(args);
    match parsed {
        Ok(matches) => flags(command, &matches).map(Outcome::Flags),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            Ok(Outcome::Print(error.render().to_string()))
        }
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            Ok(Outcome::Print(help::version()))
        }
        Err(error) => Err(explain(command, &error)),
    }
}

/// The help of a command.
pub(super) fn render_help(command: CommandName) -> String {
    clap_command(command).render_help().to_string()
}

fn clap_command(command: CommandName) -> clap::Command {
    let texts = help::texts(command);
    let mut clap_command = clap::Command::new("dsql-proxy")
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .max_term_width(100)
        .version(env!("CARGO_PKG_VERSION"))
        .about(texts.about)
        .override_usage(texts.usage)
        .after_help(after_help(command, texts.after))
        .help_template("{about-with-newline}\nUsage: {usage}\n\n{all-args}{after-help}\n")
        .arg(
            Arg::new(WORDS)
                .num_args(0..)
                .hide(command != CommandName::Serve && command != CommandName::Token)
                .help(texts.words),
        );
    if command == CommandName::Local {
        clap_command = clap_command.arg(
            Arg::new(AFTER_DASHES)
                .num_args(0..)
                .last(true)
                .value_parser(ValueParser::os_string())
                .help("With --once: the command to run, and its arguments"),
        );
    }
    for setting in in_order(command) {
        clap_command = clap_command.arg(argument(setting).hide(!is_explained(command, setting)));
    }
    let heading = Group::Configuration.title();
    clap_command
        .arg(
            Arg::new("help")
                .long("help")
                .short('h')
                .action(ArgAction::Help)
                .help_heading(heading)
                .help("Print this"),
        )
        .arg(
            Arg::new("version")
                .long("version")
                .short('V')
                .action(ArgAction::Version)
                .help_heading(heading)
                .help("Print the version"),
        )
}

/// The settings of a command as help lists them: what only it has comes first.
fn in_order(command: CommandName) -> Vec<&'static Setting> {
    let settings = SETTINGS
        .iter()
        .filter(|setting| setting.belongs_to(command));
    let (own, shared): (Vec<_>, Vec<_>) = settings.partition(|setting| setting.group.is_local());
    own.into_iter().chain(shared).collect()
}

/// Whether the help of a command says what a setting means. That of `local` leaves most of the proxy's
/// to `dsql-proxy --help`, and names them.
fn is_explained(command: CommandName, setting: &Setting) -> bool {
    command != CommandName::Local
        || setting.group.is_local()
        || matches!(setting.group, Group::Logs | Group::Configuration)
        || ["port", "region"].contains(&setting.name)
}

/// What follows the flags: the names of those that are not explained, and the command's own words.
fn after_help(command: CommandName, text: &str) -> String {
    let names: Vec<String> = in_order(command)
        .into_iter()
        .filter(|setting| !is_explained(command, setting))
        .map(|setting| format!("--{}", setting.name))
        .collect();
    if names.is_empty() {
        return text.to_owned();
    }
    // Lines as wide as those around them.
    let mut lines = vec![String::new()];
    for name in names {
        if lines
            .last()
            .is_some_and(|line| line.len() + name.len() > 95)
        {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(&name);
        }
    }
    format!(
        "The proxy takes its other flags too; `dsql-proxy --help` explains them:\n {}\n\n{text}",
        lines.join("\n ")
    )
}

fn argument(setting: &'static Setting) -> Arg {
    let default = match (setting.kind, setting.default) {
        (Kind::Bool, _) => String::new(),
        (_, DefaultValue::Value(text)) => format!(" [default: {text}]"),
        (_, DefaultValue::Absent { meaning, .. }) => format!(" [default: {meaning}]"),
    };
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .value_name(setting.value_name)
        .help_heading(setting.group.title())
        .help(format!("{}{default}", setting.help));
    match setting.kind {
        Kind::Bool => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        kind if kind.is_repeatable() => arg.action(ArgAction::Append),
        _ => arg,
    }
}

fn flags(command: CommandName, matches: &ArgMatches) -> Result<Flags, ConfigError> {
    let mut flags = Flags::default();
    for setting in in_order(command) {
        let Some(texts) = matches.get_many::<String>(setting.name) else {
            continue;
        };
        let mut values = Vec::new();
        for text in texts {
            let source = Source::Flag(setting.name);
            value::check(setting.kind, text)
                .map_err(|expected| ConfigError::invalid(&source, text, &expected))?;
            values.push(Raw {
                text: text.clone(),
                source,
            });
        }
        flags.layer.insert(setting.name, values);
    }
    if let Some(words) = matches.get_many::<String>(WORDS) {
        flags.words = words.cloned().collect();
    }
    if command == CommandName::Local
        && let Some(args) = matches.get_many::<OsString>(AFTER_DASHES)
    {
        flags.after_dashes = args.cloned().collect();
    }
    Ok(flags)
}

/// Our words for an error of clap.
fn explain(command: CommandName, error: &clap::Error) -> ConfigError {
    // Such as `--port` or, where a value is missing, `--port <PORT>`.
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let flag = argument.split([' ', '=', '[']).next().unwrap_or(argument);
    let text = match error.kind() {
        ErrorKind::UnknownArgument => return unknown(command, flag),
        ErrorKind::InvalidValue => {
            let name = flag.trim_start_matches('-');
            match Setting::named(name) {
                Some(setting) => {
                    format!("{flag}: a value is missing: {flag} {}", setting.value_name)
                }
                None => format!("{flag}: a value is missing"),
            }
        }
        ErrorKind::ArgumentConflict => format!("{flag}: given twice"),
        ErrorKind::TooManyValues => format!("{flag}: takes no value"),
        ErrorKind::NoEquals => format!("{flag}: write {flag}, {flag}=true or {flag}=false"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => {
            let text = error.render().to_string();
            text.trim_start_matches("error: ").trim_end().to_owned()
        }
    };
    ConfigError::new(text)
}

fn unknown(command: CommandName, flag: &str) -> ConfigError {
    let name = flag.trim_start_matches('-');
    if let Some((_, long)) = SHORT.iter().find(|(short, _)| *short == flag)
        && Setting::named(long).is_some_and(|setting| setting.belongs_to(command))
    {
        return ConfigError::new(format!("unknown flag {flag}; did you mean `--{long}`?"));
    }
    if let Some(setting) = Setting::named(name) {
        let commands: Vec<String> = setting
            .commands
            .iter()
            .map(|command| format!("`dsql-proxy {}`", command.as_str()))
            .collect();
        return ConfigError::new(format!(
            "--{name} is no flag of `dsql-proxy {}`; it belongs to {}",
            command.as_str(),
            commands.join(" and ")
        ));
    }
    let names = in_order(command).into_iter().map(|setting| setting.name);
    let hint = suggest::did_you_mean(name, names.chain(["help", "version"]), "--");
    let help = match command {
        CommandName::Serve => "dsql-proxy --help".to_owned(),
        _ => format!("dsql-proxy {} --help", command.as_str()),
    };
    if hint.is_empty() {
        ConfigError::new(format!("unknown flag {flag}; `{help}` lists them"))
    } else {
        ConfigError::new(format!("unknown flag {flag}{hint}"))
    }
}
