//! Clusters as they are named: `ENDPOINT[?key=value[&key=value]…]`.

use percent_encoding::percent_decode_str;

use super::source::{Layer, Raw, Source};
use super::{ConfigError, SETTINGS, Scope, Setting, suggest, value};

/// A cluster, and the settings given for it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedCluster {
    /// The endpoint or the id.
    pub(super) endpoint: String,
    /// Where it was named.
    pub(super) source: Source,
    /// What holds for it alone.
    pub(super) layer: Layer,
}

/// Reads a cluster of the command line or of the environment.
pub(super) fn parse(raw: &Raw) -> Result<NamedCluster, ConfigError> {
    let (endpoint, query) = match raw.text.split_once('?') {
        Some((endpoint, query)) => (endpoint, Some(query)),
        None => (raw.text.as_str(), None),
    };
    let endpoint = self::endpoint(endpoint, &raw.source)?;
    let mut layer = Layer::new();
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        if !pair.is_empty() {
            add_pair(&mut layer, pair, &endpoint, &raw.source)?;
        }
    }
    Ok(NamedCluster {
        endpoint,
        source: raw.source.clone(),
        layer,
    })
}

/// Checks an endpoint or an id. Whether it is one of DSQL is seen when a region is derived from it.
pub(super) fn endpoint(text: &str, source: &Source) -> Result<String, ConfigError> {
    if text.contains("://") {
        // Such a text may hold a password: it is not repeated.
        return Err(ConfigError::at(
            source,
            "a cluster is named by its endpoint or id, not by a URL: leave out what stands before \
             and after the host name",
        ));
    }
    if let Some((host, port)) = text.split_once(':')
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(ConfigError::at(
            source,
            &format!(
                "invalid cluster `{text}`: an endpoint is named without a port; `{host}?port={port}` \
                 makes the proxy listen on {port}, `upstream-address` dials another address"
            ),
        ));
    }
    value::host_name(text).map_err(|_| {
        ConfigError::at(
            source,
            &format!(
                "invalid cluster `{text}`: expected an endpoint such as {EXAMPLE} or a \
                 26-character cluster id"
            ),
        )
    })
}

/// The endpoint that examples use.
pub(super) const EXAMPLE: &str = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws";

fn add_pair(
    layer: &mut Layer,
    pair: &str,
    endpoint: &str,
    cluster: &Source,
) -> Result<(), ConfigError> {
    let (key, text) = pair.split_once('=').unwrap_or((pair, ""));
    let source = Source::Query {
        endpoint: endpoint.to_owned(),
        key: key.to_owned(),
        cluster: Box::new(cluster.clone()),
    };
    let setting = per_cluster(key, &source)?;
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| ConfigError::at(&source, "the value is not UTF-8"))?
        .into_owned();
    value::check(setting.kind, &text)
        .map_err(|expected| ConfigError::invalid(&source, &text, &expected))?;
    let values = layer.entry(setting.name).or_default();
    if !values.is_empty() && !setting.kind.is_repeatable() {
        return Err(ConfigError::at(&source, "given twice"));
    }
    values.push(Raw { text, source });
    Ok(())
}

/// The setting that `key` names, when it may differ from cluster to cluster.
pub(super) fn per_cluster(key: &str, source: &Source) -> Result<&'static Setting, ConfigError> {
    match Setting::named(key) {
        Some(setting) if setting.scope == Scope::Cluster => Ok(setting),
        Some(_) => Err(ConfigError::at(
            source,
            "holds for the whole process, not for one cluster",
        )),
        None => {
            let names = SETTINGS
                .iter()
                .filter(|setting| setting.scope == Scope::Cluster)
                .map(|setting| setting.name);
            let hint = suggest::did_you_mean(key, names, "");
            Err(ConfigError::at(source, &format!("unknown key{hint}")))
        }
    }
}
