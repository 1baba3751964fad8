//! `HOST:PORT` as people write it.

/// Splits `HOST:PORT`, `[IPV6]:PORT` into host (without brackets) and port.
pub fn split(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("{text:?} is not HOST:PORT, such as localhost:15432 or [::1]:15432");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
        None if host.contains(':') => return Err(wrong()),
        None => host,
    };
    let port = port
        .parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(wrong)?;
    if host.is_empty() {
        Err(wrong())
    } else {
        Ok((host.to_owned(), port))
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn hosts_and_ports() {
        for (text, host, port) in [
            ("localhost:15432", "localhost", 15432),
            ("[::1]:5", "::1", 5),
            ("10.0.0.1:1", "10.0.0.1", 1),
        ] {
            assert_eq!(split(text), Ok((host.to_owned(), port)));
        }
        for text in [
            "localhost",
            "localhost:",
            ":5432",
            "::1:5432",
            "[::1:5432",
            "a:0",
            "a:65536",
        ] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
