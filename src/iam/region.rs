//! Which region a cluster is in.
//!
//! The name of the endpoint decides; then the `region` setting; then what the AWS tools would
//! use. The region is part of every signature, so a wrong one is noticed only when DSQL refuses
//! the login: what can be checked before is checked here.

use crate::dsql::endpoint::{Cluster, is_region_name};
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::meta::region::{ProvideRegion, RegionProviderChain};
use aws_config::profile::ProfileFileRegionProvider;
use std::fmt;
use std::time::Duration;

/// Longest wait for the region from the metadata service of EC2. It answers within
/// milliseconds where it exists, and on a laptop never.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// The name of an AWS region, like `us-east-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Region(String);

/// Why the region of a cluster is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// The endpoint names one region, the setting another.
    #[error("endpoint `{endpoint}` is in region {of_endpoint}, but the region is set to {setting}")]
    Contradiction {
        /// The endpoint.
        endpoint: String,
        /// The region in its name.
        of_endpoint: String,
        /// The region that was set.
        setting: String,
    },
    /// The text is not the name of a region.
    #[error("`{name}` ({from}) is not the name of a region")]
    Malformed {
        /// The text.
        name: String,
        /// Where it came from.
        from: &'static str,
    },
    /// Nothing says where the cluster is.
    #[error("the region of `{cluster}` is not known")]
    Unknown {
        /// Endpoint or cluster id.
        cluster: String,
    },
}

impl RegionError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Contradiction { .. } => {
                "Leave --region (DSQL_PROXY_REGION) away, since the endpoint names the region; or check that the endpoint is the one you mean."
            }
            Self::Malformed { .. } => "The name of a region looks like `us-east-1`.",
            Self::Unknown { .. } => {
                "Give the full endpoint (<id>.dsql.<region>.on.aws), or --region, or set AWS_REGION, or add `region = …` to the AWS profile."
            }
        }
    }
}

impl Region {
    /// Checks a name; `from` says in an error where it was found.
    pub fn parse(name: &str, from: &'static str) -> Result<Self, RegionError> {
        let name = name.trim();
        if is_region_name(name) {
            Ok(Self(name.to_owned()))
        } else {
            let name = name.to_owned();
            Err(RegionError::Malformed { name, from })
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&Region> for aws_config::Region {
    fn from(region: &Region) -> Self {
        Self::new(region.0.clone())
    }
}

/// The region that the endpoint or the setting tells, without asking AWS for anything.
///
/// `None` means that only [`resolve`] can tell. Use this to check settings at start.
pub fn configured(cluster: &Cluster, setting: Option<&str>) -> Result<Option<Region>, RegionError> {
    let setting = setting
        .map(|name| Region::parse(name, "from --region"))
        .transpose()?;
    let of_endpoint = cluster
        .region()
        .map(|name| Region::parse(name, "in the endpoint"))
        .transpose()?;
    match (of_endpoint, setting) {
        (Some(of_endpoint), Some(setting)) if of_endpoint != setting => {
            Err(RegionError::Contradiction {
                endpoint: name_of(cluster),
                of_endpoint: of_endpoint.0,
                setting: setting.0,
            })
        }
        (Some(region), _) | (None, Some(region)) => Ok(Some(region)),
        (None, None) => Ok(None),
    }
}

/// The region of a cluster: from its endpoint, else from the setting, else from `chain`, which
/// is asked only then (it may take a second or two: see [`aws_chain`]).
///
/// Safe to drop at any time.
pub async fn resolve(
    cluster: &Cluster,
    setting: Option<&str>,
    chain: impl ProvideRegion,
) -> Result<Region, RegionError> {
    if let Some(region) = configured(cluster, setting)? {
        return Ok(region);
    }
    match chain.region().await {
        Some(region) => Region::parse(region.as_ref(), "from the AWS environment or profile"),
        None => Err(RegionError::Unknown {
            cluster: name_of(cluster),
        }),
    }
}

/// Where the AWS tools look for a region: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, and
/// the metadata service of EC2, which is given up after about a second.
///
/// Looks at nothing before it is asked.
pub fn aws_chain(profile: Option<&str>) -> RegionProviderChain {
    let mut profiles = ProfileFileRegionProvider::builder();
    if let Some(name) = profile {
        profiles = profiles.profile_name(name);
    }
    let metadata = imds::Client::builder()
        .max_attempts(1)
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .operation_timeout(METADATA_TIMEOUT)
        .build();
    let metadata = imds::region::ImdsRegionProvider::builder().imds_client(metadata);
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profiles.build())
        .or_else(metadata.build())
}

fn name_of(cluster: &Cluster) -> String {
    match cluster {
        Cluster::Endpoint(endpoint) => endpoint.host().to_owned(),
        Cluster::Id(id) => id.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests;
