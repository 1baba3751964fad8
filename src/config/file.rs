//! The TOML file.

use std::io;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::cluster::{self, NamedCluster};
use super::source::{Layer, Raw, Source};
use super::{CommandName, ConfigError, Kind, Places, SETTINGS, Setting, suggest, value};

/// Reads a file, as [`std::fs::read_to_string`] does.
pub(super) type ReadFile<'a> = dyn Fn(&Path) -> io::Result<String> + 'a;

/// The key of the tables that name clusters.
const CLUSTER: &str = "cluster";

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    /// The settings of the command; those of other commands are checked and left out.
    pub(super) layer: Layer,
    /// The clusters.
    pub(super) clusters: Vec<NamedCluster>,
}

/// Reads and checks the file that `raw` names.
pub(super) fn read(
    raw: &Raw,
    command: CommandName,
    read_file: &ReadFile<'_>,
) -> Result<File, ConfigError> {
    let content = read_file(Path::new(&raw.text)).map_err(|error| {
        ConfigError::at(&raw.source, &format!("cannot read `{}`: {error}", raw.text))
    })?;
    let document = Document {
        path: &raw.text,
        content: &content,
    };
    let root = DeTable::parse(&content).map_err(|error| document.syntax_error(&error))?;
    let mut file = File::default();
    for (key, value) in in_order(root.get_ref()) {
        if key.get_ref() == CLUSTER {
            file.clusters = document.clusters(key, value)?;
            continue;
        }
        let (setting, values) = document.setting(key, value)?;
        if setting.belongs_to(command) {
            file.layer.insert(setting.name, values);
        }
    }
    Ok(file)
}

type Key<'i> = Spanned<toml::de::DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;

/// The entries of a table as they stand in the file, so that the first error is the topmost.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<(&'a Key<'i>, &'a Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The file, to find lines in.
struct Document<'a> {
    path: &'a str,
    content: &'a str,
}

impl Document<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = self.content.bytes().take(offset);
        1 + before.filter(|byte| *byte == b'\n').count()
    }

    fn source(&self, key: &Key<'_>) -> Source {
        Source::File {
            path: self.path.to_owned(),
            line: self.line(key.span().start),
            key: key.get_ref().to_string(),
        }
    }

    fn syntax_error(&self, error: &toml::de::Error) -> ConfigError {
        let line = self.line(error.span().map_or(0, |span| span.start));
        ConfigError::new(format!(
            "{}:{line}: this is not TOML: {}",
            self.path,
            error.message()
        ))
    }

    /// A setting outside of `[[cluster]]`.
    fn setting(
        &self,
        key: &Key<'_>,
        value: &Value<'_>,
    ) -> Result<(&'static Setting, Vec<Raw>), ConfigError> {
        let source = self.source(key);
        let allowed = |setting: &&Setting| setting.places == Places::Everywhere;
        let Some(setting) = Setting::keyed(key.get_ref()) else {
            let names = SETTINGS.iter().filter(allowed).map(Setting::key);
            let hint = suggest::did_you_mean(key.get_ref(), names.chain([CLUSTER]), "");
            return Err(ConfigError::at(&source, &format!("unknown key{hint}")));
        };
        if !allowed(&setting) {
            let text = "this is given on the command line, not in the file";
            return Err(ConfigError::at(&source, text));
        }
        Ok((setting, values(setting.kind, value, &source)?))
    }

    fn clusters(&self, key: &Key<'_>, value: &Value<'_>) -> Result<Vec<NamedCluster>, ConfigError> {
        let not_tables = || {
            ConfigError::at(
                &self.source(key),
                &format!(
                    "each cluster is a table of its own: `[[cluster]]`, below it `endpoint = \
                     \"{}\"`",
                    cluster::EXAMPLE
                ),
            )
        };
        let DeValue::Array(tables) = value.get_ref() else {
            return Err(not_tables());
        };
        let mut clusters = Vec::new();
        for table in tables {
            let DeValue::Table(entries) = table.get_ref() else {
                return Err(not_tables());
            };
            clusters.push(self.cluster(entries, self.line(table.span().start))?);
        }
        Ok(clusters)
    }

    fn cluster(&self, table: &DeTable<'_>, line: usize) -> Result<NamedCluster, ConfigError> {
        let mut layer = Layer::new();
        let mut named = None;
        for (key, value) in in_order(table) {
            let source = self.source(key);
            if key.get_ref() == "endpoint" {
                let DeValue::String(text) = value.get_ref() else {
                    return Err(ConfigError::at(&source, "expected a string"));
                };
                named = Some((cluster::endpoint(text, &source)?, source));
                continue;
            }
            let name = Setting::keyed(key.get_ref()).map_or(&**key.get_ref(), |found| found.name);
            let setting = cluster::per_cluster(name, &source)?;
            layer.insert(setting.name, values(setting.kind, value, &source)?);
        }
        let Some((endpoint, source)) = named else {
            return Err(ConfigError::new(format!(
                "{}:{line}: this `[[cluster]]` has no `endpoint`",
                self.path
            )));
        };
        Ok(NamedCluster {
            endpoint,
            source,
            layer,
        })
    }
}

/// The value of a key as text that is checked like the text of a flag.
fn values(kind: Kind, value: &Value<'_>, source: &Source) -> Result<Vec<Raw>, ConfigError> {
    let texts = match (kind, value.get_ref()) {
        (Kind::SearchPath, DeValue::Table(paths)) => role_paths(paths, source)?,
        (Kind::SearchPath | Kind::Parameters | Kind::Limit | Kind::Fault, DeValue::Array(list)) => {
            strings(list, source)?
        }
        (Kind::Limit, DeValue::Table(limits)) => limit_values(limits, source)?,
        (Kind::Parameters, DeValue::Table(actions)) => parameter_actions(actions, source)?,
        (Kind::RoleArns, DeValue::Array(list)) => vec![strings(list, source)?.join(",")],
        (_, value) => vec![scalar(kind, value, source)?],
    };
    texts
        .into_iter()
        .map(|text| match value::check(kind, &text) {
            Ok(()) => Ok(Raw {
                text,
                source: source.clone(),
            }),
            Err(expected) => Err(ConfigError::invalid(source, &text, &expected)),
        })
        .collect()
}

fn scalar(kind: Kind, value: &DeValue<'_>, source: &Source) -> Result<String, ConfigError> {
    match (kind, value) {
        (Kind::Bool, DeValue::Boolean(value)) => Ok(value.to_string()),
        (Kind::Bool, _) => Err(ConfigError::at(source, "expected `true` or `false`")),
        // A number without a unit as a duration has an error of its own.
        (
            Kind::Port
            | Kind::Count { .. }
            | Kind::Duration { .. }
            | Kind::Lifetime
            | Kind::Size { .. },
            DeValue::Integer(number),
        ) => Ok(number.to_string()),
        (Kind::Port | Kind::Count { .. }, _) => {
            Err(ConfigError::at(source, "expected a number without quotes"))
        }
        (_, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::SearchPath, _) => Err(ConfigError::at(
            source,
            "expected a string, a list of strings or a table of role and path",
        )),
        (Kind::Limit, _) => Err(ConfigError::at(
            source,
            "expected a table of name and value, such as `{ transaction-rows = 100 }`, a string or \
             a list of strings",
        )),
        (Kind::Parameters, _) => Err(ConfigError::at(
            source,
            "expected a table of name and action, such as `{ client_min_messages = \"emulate\" }`, \
             a string or a list of strings",
        )),
        (Kind::Fault, _) => Err(ConfigError::at(
            source,
            "expected a string or a list of strings",
        )),
        _ => Err(ConfigError::at(source, "expected a string in quotes")),
    }
}

fn strings(list: &DeArray<'_>, source: &Source) -> Result<Vec<String>, ConfigError> {
    let string = |value: &Value<'_>| match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err(ConfigError::at(source, "expected strings in the list")),
    };
    list.iter().map(string).collect()
}

/// A table of name and value as `NAME=VALUE`.
fn limit_values(limits: &DeTable<'_>, source: &Source) -> Result<Vec<String>, ConfigError> {
    in_order(limits)
        .into_iter()
        .map(|(name, value)| match value.get_ref() {
            DeValue::String(text) => Ok(format!("{}={text}", name.get_ref())),
            DeValue::Integer(number) => Ok(format!("{}={number}", name.get_ref())),
            _ => Err(ConfigError::at(
                source,
                &format!("{}: expected a number or a string", name.get_ref()),
            )),
        })
        .collect()
}

/// A table of name and action as `NAME=ACTION`. A custom name `a.b` may stand without quotes.
fn parameter_actions(actions: &DeTable<'_>, source: &Source) -> Result<Vec<String>, ConfigError> {
    let mut entries = Vec::new();
    for (name, action) in in_order(actions) {
        let name = name.get_ref();
        match action.get_ref() {
            DeValue::String(action) if !name.contains(['=', ',']) => {
                entries.push(format!("{name}={action}"));
            }
            DeValue::Table(inner) => entries.extend(
                parameter_actions(inner, source)?
                    .into_iter()
                    .map(|entry| format!("{name}.{entry}")),
            ),
            _ => {
                return Err(ConfigError::at(
                    source,
                    &format!("{name}: expected `reject`, `ignore`, `emulate` or `forward`"),
                ));
            }
        }
    }
    Ok(entries)
}

/// A table of role and path as `ROLE:PATH`.
fn role_paths(paths: &DeTable<'_>, source: &Source) -> Result<Vec<String>, ConfigError> {
    in_order(paths)
        .into_iter()
        .map(|(role, path)| match path.get_ref() {
            DeValue::String(path) if !role.get_ref().contains([':', ';', ',', '"']) => {
                Ok(format!("{}:{path}", role.get_ref()))
            }
            _ => Err(ConfigError::at(
                source,
                "expected a table of role and path, such as `{ app = \"myschema,public\" }`",
            )),
        })
        .collect()
}
