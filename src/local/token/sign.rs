//! The signature that a token should have.

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::parse::Token;

/// The end of every credential scope.
pub(super) const TERMINATOR: &str = "aws4_request";

/// What is not percent-encoded: letters, digits and these.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The signature, in hexadecimal, of this token's parameters for a cluster with this endpoint.
pub(super) fn signature(token: &Token, endpoint: &str, secret: &str) -> String {
    let scope = &token.scope;
    let request = canonical_request(&token.signed, endpoint);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{}/{}/{}/{}\n{}",
        token.date,
        scope.date,
        scope.region,
        scope.service,
        scope.terminator,
        hex(&Sha256::digest(request)),
    );
    let first = Zeroizing::new(format!("AWS4{secret}"));
    let key = [
        &scope.date,
        &scope.region,
        &scope.service,
        &scope.terminator,
    ]
    .into_iter()
    .fold(Zeroizing::new(first.as_bytes().to_vec()), |key, part| {
        hmac(&key, part.as_bytes())
    });
    hex(&hmac(&key, to_sign.as_bytes()))
}

/// `GET /` with the sorted query, the host as the only header, and no body.
fn canonical_request(parameters: &[(String, String)], endpoint: &str) -> String {
    let encode = |text| utf8_percent_encode(text, ENCODED).to_string();
    let mut query: Vec<_> = parameters
        .iter()
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    query.sort();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "GET\n/\n{}\nhost:{endpoint}\n\nhost\n{}",
        query.join("&"),
        hex(&Sha256::digest(b"")),
    )
}

fn hmac(key: &[u8], data: &[u8]) -> Zeroizing<Vec<u8>> {
    // HMAC takes a key of any length (RFC 2104), so the error cannot occur; were it to, the empty
    // result would match no signature.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Zeroizing::default();
    };
    mac.update(data);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
