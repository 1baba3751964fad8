//! What a user may type as CLUSTER, and what an endpoint name says.
//!
//! Sources: Aurora DSQL user guide, "Accessing Aurora DSQL" and "`PrivateLink`" (public and
//! `PrivateLink` endpoint names; port 5432 only), and the regular expression with which AWS's own
//! Prisma tools take the region out of a name; seen 2026-10-03.

use std::net::IpAddr;
use std::str::FromStr;

/// The only port Aurora DSQL listens on (user guide, 2026-10-03).
pub const PORT: u16 = 5432;

/// Length of a cluster id, in characters (user guide, 2026-10-03).
pub const ID_LENGTH: usize = 26;

/// A cluster as a user names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cluster {
    /// A complete host name.
    Endpoint(Endpoint),
    /// An id alone, which needs a region to become a host name.
    Id(ClusterId),
}

/// The host name of a cluster: what is signed, sent as SNI and verified.
///
/// Always a lower-case DNS name without a trailing dot that is also a valid host of a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
}

/// The 26 characters that AWS gives a cluster as its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterId(String);

/// Why a text is not a cluster. Every text says what to type instead, and none repeats a text
/// that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing was typed.
    #[error(
        "the cluster is empty: give an endpoint like `<id>.dsql.us-east-1.on.aws`, or a 26-character cluster id with a region"
    )]
    Empty,
    /// A connection URL, or `user@host`.
    #[error(
        "the cluster is a host name, not a URL: give {} instead; user and database come from the client that connects",
        .host.as_ref().map_or_else(|| "only the host part".to_owned(), |host| format!("`{host}`"))
    )]
    Url {
        /// The host inside the URL, when there is a usable one.
        host: Option<String>,
    },
    /// The Amazon Resource Name of a cluster.
    #[error("the cluster is a host name, not an ARN: give {} instead",
        .endpoint.as_ref().map_or_else(|| "its endpoint".to_owned(), |host| format!("`{host}`")))]
    Arn {
        /// The endpoint of the cluster the ARN names, when it names one.
        endpoint: Option<String>,
    },
    /// A libpq connection string (`host=… user=…`), or several words.
    #[error(
        "the cluster is a host name, not a connection string: give only what stands after `host=`, like `<id>.dsql.us-east-1.on.aws`"
    )]
    ConnectionString,
    /// A port other than 5432.
    #[error(
        "`{host}` cannot be used with port `{port}`: Aurora DSQL listens on 5432 only. Leave the port away; to dial another address, as through a tunnel, use --upstream-address HOST:PORT"
    )]
    Port {
        /// The host that was typed.
        host: String,
        /// The text after the colon.
        port: String,
    },
    /// An IP address, which can neither be sent as SNI nor verified.
    #[error(
        "`{0}` is an address, not a cluster: Aurora DSQL needs the name of the endpoint (SNI and certificate). Give the endpoint, and the address with --upstream-address"
    )]
    IpAddress(String),
    /// A cluster id without a region.
    #[error(
        "cluster id `{id}` needs a region: add --region, set AWS_REGION, or give the full endpoint `{id}.dsql.<region>.on.aws`"
    )]
    IdNeedsRegion {
        /// The id.
        id: String,
    },
    /// One word of about the length of an id.
    #[error(
        "`{text}` looks like a cluster id but has {length} characters instead of 26: copy it again, or give the full endpoint"
    )]
    AlmostAnId {
        /// What was typed.
        text: String,
        /// Its length in characters.
        length: usize,
    },
    /// A region that no endpoint can have.
    #[error("`{0}` is not the name of a region: it looks like `us-east-1`")]
    BadRegion(String),
    /// Not a DNS name.
    #[error(
        "`{host}` is not a host name ({reason}): give an endpoint like `<id>.dsql.us-east-1.on.aws`, or a 26-character cluster id with a region"
    )]
    BadHost {
        /// What was typed.
        host: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
}

impl FromStr for Cluster {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        if text.contains("://") || text.contains('@') {
            let host = host_in_url(text);
            return Err(EndpointError::Url { host });
        }
        if text.contains('=') || text.contains(char::is_whitespace) {
            return Err(EndpointError::ConnectionString);
        }
        if text.starts_with("arn:") {
            let endpoint = endpoint_of_arn(text);
            return Err(EndpointError::Arn { endpoint });
        }
        let text = text.to_ascii_lowercase();
        if is_address(&text) {
            return Err(EndpointError::IpAddress(text));
        }
        let host = without_port(&text)?;
        if is_address(host) {
            return Err(EndpointError::IpAddress(host.to_owned()));
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        if is_id(host) {
            return Ok(Self::Id(ClusterId(host.to_owned())));
        }
        if let Some(reason) = broken_rule(host) {
            let host = host.to_owned();
            return Err(EndpointError::BadHost { host, reason });
        }
        if host.bytes().all(|b| b.is_ascii_alphanumeric()) && (20..=40).contains(&host.len()) {
            return Err(EndpointError::AlmostAnId {
                text: host.to_owned(),
                length: host.len(),
            });
        }
        let host = host.to_owned();
        Ok(Self::Endpoint(Endpoint { host }))
    }
}

impl Cluster {
    /// The endpoint of the cluster: its own name, or its id completed with `region`.
    ///
    /// A region given beside a full endpoint is not looked at; whether the two agree is for the
    /// caller to say.
    pub fn endpoint(&self, region: Option<&str>) -> Result<Endpoint, EndpointError> {
        match (self, region) {
            (Self::Endpoint(endpoint), _) => Ok(endpoint.clone()),
            (Self::Id(id), Some(region)) => id.endpoint(region),
            (Self::Id(id), None) => Err(EndpointError::IdNeedsRegion { id: id.0.clone() }),
        }
    }

    /// The region that the name itself tells.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Endpoint(endpoint) => endpoint.region(),
            Self::Id(_) => None,
        }
    }
}

impl Endpoint {
    /// The host name, in lower case, without port and trailing dot.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The region in the name; `None` for names that are not AWS's own.
    pub fn region(&self) -> Option<&str> {
        region_of(&self.host)
    }

    /// The cluster id in the name; `None` for names that are not AWS's own.
    pub fn cluster_id(&self) -> Option<&str> {
        let (id, _) = self.host.split_once('.')?;
        (self.region().is_some() && is_id(id)).then_some(id)
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)
    }
}

impl ClusterId {
    /// The id, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The public endpoint of this cluster in `region`.
    pub fn endpoint(&self, region: &str) -> Result<Endpoint, EndpointError> {
        if !is_region_name(region) {
            return Err(EndpointError::BadRegion(region.to_owned()));
        }
        let host = format!("{}.dsql.{region}.on.aws", self.0);
        Ok(Endpoint { host })
    }
}

/// The region in an endpoint name, public or `PrivateLink`.
///
/// AWS's own expression, in the Prisma tools of awslabs/aurora-dsql-orms (2026-10-03):
/// `^[a-z0-9]+\.dsql(?:-[^.]+)?\.([a-z0-9-]+)\.on\.aws$`. Like it, this wants lower case.
pub fn region_of(host: &str) -> Option<&str> {
    let (id, rest) = host.split_once('.')?;
    let (service, rest) = rest.split_once('.')?;
    let region = rest.strip_suffix(".on.aws")?;
    let is_dsql = service == "dsql" || service.strip_prefix("dsql-").is_some_and(|s| !s.is_empty());
    let is_lower_alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let plausible = !id.is_empty()
        && id.bytes().all(is_lower_alphanumeric)
        && is_dsql
        && !region.is_empty()
        && region
            .bytes()
            .all(|b| is_lower_alphanumeric(b) || b == b'-');
    plausible.then_some(region)
}

/// Whether a text can be the name of a region inside an endpoint: a DNS label in lower case.
///
/// Deliberately not a list: AWS opens regions more often than we release.
pub fn is_region_name(text: &str) -> bool {
    !text.contains(['_', '.']) && !text.is_empty() && broken_rule(&format!("{text}.aws")).is_none()
}

/// Lower base32 in AWS's alphabet, where the digits are not narrowed (documented as
/// `[a-z0-9]{26}` in the DSQL API reference, `ClusterId`).
fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn is_address(text: &str) -> bool {
    let bare = text.strip_prefix('[').unwrap_or(text);
    let bare = bare.split_once(']').map_or(bare, |(inside, _)| inside);
    bare.parse::<IpAddr>().is_ok()
}

fn without_port(text: &str) -> Result<&str, EndpointError> {
    match text.rsplit_once(':') {
        None => Ok(text),
        Some((host, port)) if port.parse() == Ok(PORT) => Ok(host),
        Some((host, port)) => Err(EndpointError::Port {
            host: host.to_owned(),
            port: port.to_owned(),
        }),
    }
}

/// The rule of host names (RFC 1123, with the underscore that resolvers accept) that `host`, in
/// lower case, breaks.
///
/// Stricter than DNS in two points, because a name is also signed as the host of a URL: a last
/// label that reads as a number makes the URL's host an IPv4 address (WHATWG URL, "ends in a
/// number"), and a wrong `xn--` label makes it invalid.
fn broken_rule(host: &str) -> Option<&'static str> {
    if host.len() > 253 {
        return Some("longer than 253 characters");
    }
    for label in host.split('.') {
        if label.is_empty() {
            return Some("two dots in a row, or one at the start");
        }
        if label.len() > 63 {
            return Some("more than 63 characters between two dots");
        }
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if !label.bytes().all(legal) {
            return Some("only letters, digits, `-` and `_` are allowed between the dots");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Some("a `-` beside a dot");
        }
        if label.starts_with("xn--") {
            return Some("internationalized names are not supported");
        }
    }
    let last = host.rsplit('.').next().unwrap_or(host);
    let decimal = last.bytes().all(|b| b.is_ascii_digit());
    let hexadecimal = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    (decimal || hexadecimal).then_some("it ends in a number")
}

/// The host inside a URL, if one that could be pasted is there.
fn host_in_url(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    // A password may hold any of these, so everything up to the last `@` goes first.
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = rest.split(['/', '?', '#', ':', ',']).next()?;
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    // A host without a dot may as well be a piece of a secret in a mangled URL.
    let usable = host.contains('.') && broken_rule(host).is_none();
    usable.then(|| host.to_owned())
}

/// The endpoint of `arn:aws:dsql:<region>:<account>:cluster/<id>`.
fn endpoint_of_arn(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    let region = parts.nth(3)?;
    let id = parts.nth(1)?.strip_prefix("cluster/")?;
    let cluster = is_id(id).then(|| ClusterId(id.to_owned()))?;
    cluster.endpoint(region).ok().map(|endpoint| endpoint.host)
}

#[cfg(test)]
mod tests;
