//! Who may come in where only this machine may.
//!
//! A page in a browser can send requests to 127.0.0.1, and with a name of its own that resolves
//! to it (DNS rebinding) it can also read the answers. Its requests tell where they come from: in
//! the `Host` that it believes to talk to, and in `Origin` (Fetch standard, "`Origin` header").

use std::net::IpAddr;

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};

/// Lets in who names a loopback host in `Host` and, where there is one, in `Origin`. `what` begins
/// the sentence that refuses everybody else.
pub fn check_host(what: &str, headers: &HeaderMap) -> Result<(), String> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    let host = host.and_then(|host| host.to_str().ok());
    if second.is_some() || !host.is_some_and(is_loopback) {
        return Err(refusal(what, &HOST, host));
    }
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.to_str().ok();
        let host = origin.and_then(|origin| Some(origin.split_once("://")?.1));
        if !host.is_some_and(is_loopback) {
            return Err(refusal(what, &ORIGIN, origin));
        }
    }
    Ok(())
}

fn refusal(what: &str, header: &HeaderName, value: Option<&str>) -> String {
    format!(
        "{what} is for this machine only, and the header `{header}` says `{}`: use \
         http://127.0.0.1 or http://localhost",
        value.unwrap_or_default()
    )
}

/// Whether `host` or `host:port` is this machine.
fn is_loopback(authority: &str) -> bool {
    let host = if let Some(rest) = authority.strip_prefix('[') {
        rest.split_once(']').map_or("", |(host, _)| host)
    } else {
        authority
            .split_once(':')
            .map_or(authority, |(host, _)| host)
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
