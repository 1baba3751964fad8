//! Environment variables.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::source::{Layer, Raw, Source};
use super::{CommandName, ConfigError, Places, SETTINGS, suggest, value};

/// Every variable of ours begins with this.
pub(super) const PREFIX: &str = "DSQL_PROXY_";

/// Names one cluster; with `_0`, `_1` … appended, further ones.
const CLUSTER: &str = "DSQL_PROXY_CLUSTER_ENDPOINT";

/// What AWS's own samples use; looked at when ours names no cluster.
const CLUSTER_OF_SAMPLES: &str = "CLUSTER_ENDPOINT";

/// The part of the environment that concerns us. An empty variable is like one that is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl FromIterator<(OsString, OsString)> for Environment {
    /// Takes what concerns us out of, for example, [`std::env::vars_os`].
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let mut variables: BTreeMap<String, OsString> = variables
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(PREFIX) || name == CLUSTER_OF_SAMPLES)
            .collect();
        remove_service_links(&mut variables);
        Self { variables }
    }
}

/// Kubernetes gives every container variables for every Service of its namespace
/// (`enableServiceLinks`). For a Service called `dsql-proxy` they look like ours, above all
/// `DSQL_PROXY_PORT=tcp://10.0.0.11:5432`, and must not stop the proxy.
fn remove_service_links(variables: &mut BTreeMap<String, OsString>) {
    let are_there = variables
        .get("DSQL_PROXY_PORT")
        .and_then(|value| value.to_str())
        .is_some_and(|value| value.starts_with("tcp://") || value.starts_with("udp://"));
    if are_there {
        variables.retain(|name, _| {
            name != "DSQL_PROXY_PORT"
                && !name.starts_with("DSQL_PROXY_PORT_")
                && !name.starts_with("DSQL_PROXY_SERVICE_")
        });
    }
}

impl Environment {
    /// The settings of `command` that are given here.
    pub(super) fn layer(&self, command: CommandName) -> Result<Layer, ConfigError> {
        let mut layer = Layer::new();
        for setting in SETTINGS {
            if setting.places == Places::Flag || !setting.belongs_to(command) {
                continue;
            }
            let Some(raw) = self.get(&setting.variable())? else {
                continue;
            };
            value::check(setting.kind, &raw.text)
                .map_err(|expected| ConfigError::invalid(&raw.source, &raw.text, &expected))?;
            layer.insert(setting.name, vec![raw]);
        }
        Ok(layer)
    }

    /// The clusters that are named here, the one without a number first.
    pub(super) fn clusters(&self) -> Result<Vec<Raw>, ConfigError> {
        let mut names: Vec<(u64, &str)> = self
            .variables
            .keys()
            .filter_map(|name| Some((cluster_place(name)?, name.as_str())))
            .collect();
        names.sort_unstable();
        if names.is_empty() && self.variables.contains_key(CLUSTER_OF_SAMPLES) {
            names.push((0, CLUSTER_OF_SAMPLES));
        }
        let mut clusters = Vec::new();
        for (_, name) in names {
            clusters.extend(self.get(name)?);
        }
        Ok(clusters)
    }

    /// One sentence for each variable that looks like ours and is none.
    pub(super) fn warnings(&self) -> Vec<String> {
        let known: Vec<String> = SETTINGS
            .iter()
            .filter(|setting| setting.places != Places::Flag)
            .map(super::Setting::variable)
            .chain([CLUSTER.to_owned()])
            .collect();
        self.variables
            .keys()
            .filter(|name| name.starts_with(PREFIX))
            .filter(|name| !known.contains(name) && cluster_place(name).is_none())
            .map(|name| {
                // The prefix is the same for all and would make everything look alike.
                let candidates = known.iter().filter_map(|known| known.strip_prefix(PREFIX));
                let word = name.strip_prefix(PREFIX).unwrap_or(name);
                let hint = suggest::did_you_mean(word, candidates, PREFIX);
                format!("the environment variable {name} is no setting and is ignored{hint}")
            })
            .collect()
    }

    fn get(&self, name: &str) -> Result<Option<Raw>, ConfigError> {
        let Some(value) = self.variables.get(name) else {
            return Ok(None);
        };
        let source = Source::Variable(name.to_owned());
        match value.to_str() {
            Some(text) => Ok(Some(Raw {
                text: text.to_owned(),
                source,
            })),
            None => Err(ConfigError::at(&source, "the value is not UTF-8")),
        }
    }
}

/// The place among the clusters that this variable names one for: 0 without a number, then the
/// number and one.
fn cluster_place(name: &str) -> Option<u64> {
    let rest = name.strip_prefix(CLUSTER)?;
    if rest.is_empty() {
        return Some(0);
    }
    let number: u32 = rest.strip_prefix('_')?.parse().ok()?;
    Some(u64::from(number) + 1)
}
