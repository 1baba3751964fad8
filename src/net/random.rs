//! Random bytes from the TLS library's generator.

use rustls::crypto::aws_lc_rs;

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// Fills `bytes` so that nobody can guess them.
pub fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    aws_lc_rs::default_provider()
        .secure_random
        .fill(bytes)
        .map_err(|_| NoRandomness)
}

/// A number in 0..1, to spread things out in time.
pub fn fraction() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness the spread is lost, nothing else.
    fill(&mut bytes).ok();
    f64::from(u32::from_ne_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}
