//! Documentation out of the table of settings, as text. A test keeps the files equal to it.

use std::fmt::Write as _;
use std::time::Duration;

use super::{DefaultValue, Group, Kind, Places, SETTINGS, Scope, Setting, limit};

/// A part of a file that is generated, between markers such as `<!-- settings:begin -->`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part(&'static str);

impl Part {
    /// [`flags_table`] in the README.
    pub const SETTINGS: Self = Self("settings");
    /// [`limits_table`] in `docs/local-cluster.md`.
    pub const LIMITS: Self = Self("limits");

    /// The line before it.
    pub fn begin(self) -> String {
        format!("<!-- {}:begin -->", self.0)
    }

    /// The line after it.
    pub fn end(self) -> String {
        format!("<!-- {}:end -->", self.0)
    }

    /// `text` with `generated` between the markers; nothing when they are not there.
    pub fn replace(self, text: &str, generated: &str) -> Option<String> {
        let (begin, end) = (self.begin(), self.end());
        let (before, rest) = text.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n{generated}{end}{after}"))
    }
}

/// `config/dsql-proxy.toml`: every setting with its default, commented out.
pub fn sample_file() -> String {
    let mut out = String::from(
        "# Settings of dsql-proxy, for --config-file.\n\
         #\n\
         # Every setting of a file is here with its default, or with an example where it has none. Take\n\
         # the `#` away to change one. Flags and DSQL_PROXY_* variables beat this file.\n\
         #\n\
         # This file is generated from the table of settings (src/config/table.rs).\n",
    );
    for group in Group::ALL {
        let settings: Vec<_> = in_group(group)
            .filter(|setting| setting.places == Places::Everywhere)
            .collect();
        if settings.is_empty() {
            continue;
        }
        add(
            &mut out,
            format_args!("\n\n# ---- {} ----\n", group.title()),
        );
        for setting in settings {
            add(&mut out, format_args!("\n{}", comment(setting.doc)));
            if let DefaultValue::Absent { meaning, .. } = setting.default {
                out.push_str(&comment(&format!("Default: {meaning}. Example:")));
            }
            add(
                &mut out,
                format_args!("#{} = {}\n", setting.key(), toml_value(setting)),
            );
        }
    }
    out.push_str(
        "\n\n# ---- Clusters ----\n\
         \n\
         # Each cluster is a table; clusters on the command line or in the environment replace all\n\
         # of them. Besides `endpoint` it takes, for this cluster alone:\n",
    );
    let names: Vec<_> = SETTINGS
        .iter()
        .filter(|setting| setting.scope == Scope::Cluster)
        .map(Setting::key)
        .collect();
    out.push_str(&comment(&format!("{}.", names.join(", "))));
    add(
        &mut out,
        format_args!(
            "#[[cluster]]\n#endpoint = \"{}\"\n#port = 5433\n",
            super::cluster::EXAMPLE
        ),
    );
    out
}

/// `docs/settings.md`: the reference.
pub fn reference() -> String {
    let mut out = String::from(REFERENCE_HEAD);
    for group in Group::ALL {
        add(&mut out, format_args!("\n## {}\n", group.title()));
        for setting in in_group(group) {
            add(&mut out, format_args!("\n### {}\n\n", setting.name));
            add(&mut out, format_args!("{}.\n\n", setting.help));
            add(&mut out, format_args!("{}\n\n", setting.doc));
            add(&mut out, format_args!("- Flag: `{}`\n", flag(setting)));
            if setting.places != Places::Flag {
                add(
                    &mut out,
                    format_args!("- Variable: `{}`\n", setting.variable()),
                );
            }
            if setting.places == Places::Everywhere {
                add(&mut out, format_args!("- Key: `{}`\n", setting.key()));
            }
            add(
                &mut out,
                format_args!("- Default: {}\n", default_text(setting)),
            );
            let commands: Vec<_> = setting
                .commands
                .iter()
                .map(|command| format!("`{}`", command.as_str()))
                .collect();
            add(
                &mut out,
                format_args!("- Commands: {}\n", commands.join(", ")),
            );
            if setting.scope == Scope::Cluster {
                add(
                    &mut out,
                    format_args!("- Per cluster: `CLUSTER?{}=…`\n", setting.name),
                );
            }
        }
    }
    out
}

const REFERENCE_HEAD: &str = "\
# Settings

This file is generated from the table of settings (`src/config/table.rs`).

A setting is a flag, an environment variable and a key of the TOML file that `--config-file` names (a
[sample](../config/dsql-proxy.toml) with every default is in the repository). The few that are less
have no line for it below. Flags beat the environment, the environment beats the file, and the file beats the default. An empty variable
is like one that is not set. Everything is checked before a port is bound.

**Clusters** are the arguments of the command line: an endpoint or a 26-character id. Without
arguments they come from `DSQL_PROXY_CLUSTER_ENDPOINT` (then `DSQL_PROXY_CLUSTER_ENDPOINT_0`, `_1`
and so on; `CLUSTER_ENDPOINT` if there is none of them), and without those from the file:

```toml
[[cluster]]
endpoint = \"abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws\"
port = 5433
```

A setting marked **per cluster** can be given for one cluster: in its `[[cluster]]` table, or after
its name as `'CLUSTER?port=5433&user=app'` (in quotes, because shells know `?` and `&`; `%26` is a
`&` in a value). What is said of one cluster beats what is said of all, wherever that is.

**Durations** have a unit: `500ms`, `30s`, `15m`, `1h 30m`, `7d`. **Switches** are `--quiet` or
`--quiet=true`, and `--quiet=false`.
";

/// The table of flags for the README, without the markers.
pub fn flags_table() -> String {
    let mut out = String::from("| Flag | Default | |\n|---|---|---|\n");
    for group in Group::ALL {
        add(&mut out, format_args!("| **{}** | | |\n", group.title()));
        for setting in in_group(group) {
            add(
                &mut out,
                format_args!(
                    "| `{}` | {} | {} |\n",
                    flag(setting).replace('|', "\\|"),
                    default_text(setting),
                    setting.help
                ),
            );
        }
    }
    out
}

/// The table of limits for the guide to the local cluster, without the markers.
pub fn limits_table() -> String {
    let mut out = String::from("| Name | Default | SQLSTATE | |\n|---|---|---|---|\n");
    for limit in limit::settable() {
        let sqlstate = match limit.sqlstate {
            "" => "the connection ends",
            sqlstate => sqlstate,
        };
        let (default, unit) = match limit.unit {
            "seconds" => (
                humantime::format_duration(Duration::from_secs(limit.value)).to_string(),
                "",
            ),
            "bytes" => (bytes(limit.value), ""),
            unit => (limit.value.to_string(), unit),
        };
        add(
            &mut out,
            format_args!(
                "| `{}` | {} | {sqlstate} | {} |\n",
                limit.name.replace('_', "-"),
                format!("{default} {unit}").trim_end(),
                limit.message.replace('<', "\\<")
            ),
        );
    }
    out
}

/// A size in the largest unit that leaves no rest.
fn bytes(number: u64) -> String {
    [(1 << 20, "MiB"), (1 << 10, "KiB")]
        .into_iter()
        .find(|(unit, _)| number.is_multiple_of(*unit))
        .map_or_else(
            || format!("{number} bytes"),
            |(unit, name)| format!("{} {name}", number / unit),
        )
}

fn in_group(group: Group) -> impl Iterator<Item = &'static Setting> {
    SETTINGS
        .iter()
        .filter(move |setting| setting.group == group)
}

fn flag(setting: &Setting) -> String {
    match setting.kind {
        Kind::Bool => format!("--{}", setting.name),
        _ => format!("--{} {}", setting.name, setting.value_name),
    }
}

fn default_text(setting: &Setting) -> String {
    match setting.default {
        DefaultValue::Value(text) => format!("`{text}`"),
        DefaultValue::Absent { meaning, .. } => meaning.to_owned(),
    }
}

fn toml_value(setting: &Setting) -> String {
    match (setting.default, setting.kind) {
        (DefaultValue::Absent { example, .. }, _) => example.to_owned(),
        (DefaultValue::Value(text), Kind::Bool | Kind::Port | Kind::Count { .. }) => {
            text.to_owned()
        }
        (DefaultValue::Value(text), _) => format!("\"{text}\""),
    }
}

/// Text as lines of comment, no wider than 100 columns.
fn comment(text: &str) -> String {
    let mut out = String::new();
    for (index, paragraph) in text.split("\n\n").enumerate() {
        if index > 0 {
            out.push_str("#\n");
        }
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > 100 {
                add(&mut out, format_args!("{line}\n"));
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        add(&mut out, format_args!("{line}\n"));
    }
    out
}

/// Writing to a string cannot fail.
fn add(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).unwrap_or_default();
}
