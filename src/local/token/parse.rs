//! A token, taken apart.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::Denied;
use super::time::Timestamp;

/// The longest token we look at, in bytes. Tokens have about 400, with a session token up to
/// 3,000.
const MAX_TOKEN: usize = 8192;
/// Seven days (IAM user guide, "AWS Signature Version 4 for API requests").
const MAX_EXPIRES: u64 = 604_800;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The parts of a token. None of them has been believed yet.
#[derive(Debug)]
pub(super) struct Token {
    /// The host before the query.
    pub(super) host: String,
    pub(super) action: String,
    pub(super) access_key_id: String,
    pub(super) scope: Scope,
    /// `X-Amz-Date`
    pub(super) date: Timestamp,
    /// `X-Amz-Expires`
    pub(super) expires: Duration,
    /// `X-Amz-Security-Token`
    pub(super) session: Option<String>,
    pub(super) signature: String,
    /// Every parameter but the signature, decoded: what was signed.
    pub(super) signed: Vec<(String, String)>,
}

/// What a signing key is good for: `date/region/service/aws4_request`.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) date: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) terminator: String,
}

impl Token {
    /// Parameters may come in any order, and the slash before the query may be missing: AWS's
    /// Java and Kotlin SDKs do so (seen 2026-10).
    pub(super) fn parse(password: &[u8]) -> Result<Self, Denied> {
        if password.len() > MAX_TOKEN {
            return Err(Denied::NotAToken("the password is too long"));
        }
        let text = std::str::from_utf8(password)
            .map_err(|_| Denied::NotAToken("the password is not text"))?;
        let (host, query) = text
            .split_once('?')
            .ok_or(Denied::NotAToken("the password is not a presigned URL"))?;
        let host = host.strip_suffix('/').unwrap_or(host);

        let mut parameters = query
            .split('&')
            .map(decode)
            .collect::<Result<Vec<_>, _>>()?;
        let mut take = |name: &'static str, remove: bool| take(&mut parameters, name, remove);
        let required = |name: &'static str, value: Option<String>| {
            value.ok_or_else(|| Denied::Malformed(format!("{name} is missing")))
        };
        let signature = required("X-Amz-Signature", take("X-Amz-Signature", true)?)?;
        let action = required("Action", take("Action", false)?)?;
        let algorithm = required("X-Amz-Algorithm", take("X-Amz-Algorithm", false)?)?;
        let credential = required("X-Amz-Credential", take("X-Amz-Credential", false)?)?;
        let date = required("X-Amz-Date", take("X-Amz-Date", false)?)?;
        let expires = required("X-Amz-Expires", take("X-Amz-Expires", false)?)?;
        let headers = required("X-Amz-SignedHeaders", take("X-Amz-SignedHeaders", false)?)?;
        let session = take("X-Amz-Security-Token", false)?;

        let malformed = |why: &str| Denied::Malformed(why.to_owned());
        if algorithm != ALGORITHM {
            return Err(malformed("X-Amz-Algorithm is not AWS4-HMAC-SHA256"));
        }
        if headers != "host" {
            return Err(malformed("X-Amz-SignedHeaders is not host"));
        }
        let date = Timestamp::parse(&date)
            .ok_or_else(|| malformed("X-Amz-Date is not in the form YYYYMMDDTHHMMSSZ"))?;
        let expires = expires
            .parse()
            .ok()
            .filter(|seconds| (1..=MAX_EXPIRES).contains(seconds))
            .ok_or_else(|| malformed("X-Amz-Expires is not between 1 and 604800"))?;
        let (access_key_id, scope) = Scope::parse(&credential).ok_or_else(|| {
            malformed("X-Amz-Credential is not in the form key/date/region/service/aws4_request")
        })?;
        Ok(Self {
            host: host.to_owned(),
            action,
            access_key_id,
            scope,
            date,
            expires: Duration::from_secs(expires),
            session,
            signature,
            signed: parameters,
        })
    }
}

impl Scope {
    fn parse(credential: &str) -> Option<(String, Self)> {
        let mut parts = credential.split('/').map(str::to_owned);
        let key = parts.next().filter(|key| !key.is_empty())?;
        let scope = Self {
            date: parts.next()?,
            region: parts.next()?,
            service: parts.next()?,
            terminator: parts.next()?,
        };
        parts.next().is_none().then_some((key, scope))
    }
}

/// The value of a parameter that may occur once at most.
fn take(
    parameters: &mut Vec<(String, String)>,
    name: &'static str,
    remove: bool,
) -> Result<Option<String>, Denied> {
    let mut found = parameters
        .iter()
        .enumerate()
        .filter(|(_, (n, _))| n == name);
    let Some((index, (_, value))) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err(Denied::Malformed(format!("{name} occurs twice")));
    }
    let value = value.clone();
    if remove {
        parameters.remove(index);
    }
    Ok(Some(value))
}

fn decode(pair: &str) -> Result<(String, String), Denied> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Ok((percent_decode(name)?, percent_decode(value)?))
}

/// Strict where the `percent-encoding` crate is lenient: a `%` begins two hexadecimal digits.
fn percent_decode(text: &str) -> Result<String, Denied> {
    let malformed = || Denied::Malformed("a parameter is not percent-encoded".to_owned());
    let hex = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_hexdigit());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' && !(hex(bytes.next()) && hex(bytes.next())) {
            return Err(malformed());
        }
    }
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| malformed())?;
    Ok(decoded.into_owned())
}
