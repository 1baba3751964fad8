//! Values out of text. Every error is the end of a sentence: what is expected instead.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Kind, limit, parameters, search_path, suggest};
use crate::dsql::limits;

/// Checks `text` against the kind of a setting; the error says what is expected.
pub(super) fn check(kind: Kind, text: &str) -> Result<(), String> {
    match kind {
        Kind::Bool => boolean(text).map(drop),
        Kind::Port => port(text).map(drop),
        Kind::Count { min, max } => count(text, min, max).map(drop),
        Kind::Duration { min, max } => duration_within(text, min, max).map(drop),
        Kind::Lifetime => lifetime(text).map(drop),
        Kind::Size { min, max } => size(text, min, max).map(drop),
        Kind::Address => address(text).map(drop),
        Kind::LoopbackAddress => loopback_address(text).map(drop),
        Kind::Path => path(text).map(drop),
        Kind::SocketDirectory => socket_directory(text).map(drop),
        Kind::Region => region(text).map(drop),
        Kind::RoleArns => role_arns(text).map(drop),
        Kind::HostPort => host_port(text).map(drop),
        Kind::Choice(names) => choice(text, names).map(drop),
        Kind::SearchPath => search_path::entries(text).map(drop),
        Kind::Parameters => parameters::entries(text).map(drop),
        Kind::Limit => limit::entries(text).map(drop),
        Kind::Fault | Kind::Text => self::text(text).map(drop),
    }
}

/// `true` or `false`.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("expected `true` or `false`".into()),
    }
}

/// A TCP port; 0 is allowed.
pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| "expected a port from 0 to 65535, where 0 takes any free one".into())
}

/// A whole number in a range.
pub(super) fn count(text: &str, min: usize, max: usize) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("expected a whole number from {min} to {max}"))
}

/// A duration in the notation of the `humantime` crate.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let is_bare = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if is_bare {
        return Err(format!("a duration needs a unit, as in `{text}s`"));
    }
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as `500ms`, `30s` or `1h 30m`".into())
}

/// A duration in a range.
pub(super) fn duration_within(
    text: &str,
    min: Duration,
    max: Duration,
) -> Result<Duration, String> {
    let duration = duration(text)?;
    if (min..=max).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!(
            "expected a duration from {} to {}",
            humantime::format_duration(min),
            humantime::format_duration(max)
        ))
    }
}

/// The shortest lifetime of a server. Shorter ones would only open and close connections.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);

/// How long a connection to DSQL may be used.
pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = duration(text)?;
    let end = Duration::from_secs(limits::SESSION_AGE.value);
    if (SHORTEST_LIFETIME..end).contains(&lifetime) {
        Ok(lifetime)
    } else {
        Err(format!(
            "expected at least {} and less than {end}, because Aurora DSQL ends every connection \
             after {end}",
            humantime::format_duration(SHORTEST_LIFETIME),
            end = humantime::format_duration(end)
        ))
    }
}

/// A number of bytes in a range.
pub(super) fn size(text: &str, min: usize, max: usize) -> Result<usize, String> {
    usize::try_from(limit::bytes(text)?)
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("expected a size from {min} to {max} bytes"))
}

/// An IP address.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address such as `127.0.0.1` or `::1`".to_owned())
}

/// An IP address of the loopback interface.
pub(super) fn loopback_address(text: &str) -> Result<IpAddr, String> {
    let address = address(text)?;
    // `::ffff:127.0.0.1` is loopback too.
    if address.to_canonical().is_loopback() {
        Ok(address)
    } else {
        Err(
            "only a loopback address (127.0.0.1, ::1) is allowed, because listening on another \
             one needs client authentication, which this version does not have yet"
                .into(),
        )
    }
}

/// A path; whether something is there is seen by who opens it.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    self::text(text).map(PathBuf::from)
}

/// The longest path of a Unix socket: 104 bytes with its terminating zero on macOS and the BSDs,
/// 108 on Linux (unix(7), `sun_path`).
const LONGEST_SOCKET_PATH: usize = 103;

/// A directory for sockets named like `.s.PGSQL.5432`.
pub(super) fn socket_directory(text: &str) -> Result<PathBuf, String> {
    let longest = LONGEST_SOCKET_PATH - "/.s.PGSQL.65535".len();
    if text.len() > longest {
        return Err(format!(
            "the path is too long for a Unix socket: expected at most {longest} bytes"
        ));
    }
    path(text)
}

/// The name of a region. Which regions exist changes too often to be checked here.
pub(super) fn region(text: &str) -> Result<String, String> {
    let is_region = !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if is_region {
        Ok(text.to_owned())
    } else {
        Err("expected a region such as `us-east-1`".into())
    }
}

/// ARNs of IAM roles separated by commas.
pub(super) fn role_arns(text: &str) -> Result<Vec<String>, String> {
    text.split(',')
        .map(str::trim)
        .map(|arn| {
            if arn.starts_with("arn:") && arn.contains(":iam::") && arn.contains(":role/") {
                Ok(arn.to_owned())
            } else {
                Err("expected ARNs of IAM roles, separated by commas, such as \
                     `arn:aws:iam::123456789012:role/dsql`"
                    .to_owned())
            }
        })
        .collect()
}

/// `host:port`, kept as text; a bare IPv6 address goes into brackets.
pub(super) fn host_port(text: &str) -> Result<String, String> {
    const EXPECTED: &str = "expected `HOST:PORT`, such as `localhost:15432` or `[::1]:15432`";
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(format!("{EXPECTED}; the port is missing"));
    };
    let host_is_valid = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host_name(host).is_ok(),
    };
    let port_is_valid = port.parse::<u16>().is_ok_and(|port| port != 0);
    if host_is_valid && port_is_valid {
        Ok(text.to_owned())
    } else {
        Err(EXPECTED.into())
    }
}

/// A host name (RFC 1123 section 2.1; underscores are let through), in lower case and without the
/// dot of the root, as it is signed and verified.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() <= 253 && name.split('.').all(is_label) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err("expected a host name".into())
    }
}

/// One of `names`.
pub(super) fn choice(text: &str, names: &[&'static str]) -> Result<&'static str, String> {
    if let Some(name) = names.iter().find(|name| **name == text) {
        return Ok(name);
    }
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    Err(format!(
        "expected {}{}",
        list.join(" or "),
        suggest::did_you_mean(text, names.iter().copied(), "")
    ))
}

/// Text that is not empty and holds no control characters.
pub(super) fn text(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("expected a text that is not empty".into())
    } else if text.chars().any(char::is_control) {
        Err("expected a text without control characters".into())
    } else {
        Ok(text.to_owned())
    }
}
