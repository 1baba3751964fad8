//! `dsql-proxy token CLUSTER`: prints a token, for scripts.

use std::io::{self, Write};

use super::assemble;
use crate::config::TokenSettings;

pub(super) async fn run(settings: TokenSettings) -> Result<u8, String> {
    let (signer, _endpoint) = assemble::signer(&settings.cluster, None).await?;
    let token = signer
        .token(&settings.cluster.user)
        .await
        .map_err(|error| {
            let detail = error
                .detail()
                .map(|detail| format!("\n{detail}"))
                .unwrap_or_default();
            format!("{}{detail}\n{}", error.message(), error.hint())
        })?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", token.expose()).map_err(|error| format!("cannot print: {error}"))?;
    Ok(0)
}
