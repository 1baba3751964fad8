//! What happens to single session parameters: `NAME=ACTION`.

use super::{UnsupportedParameters, suggest};
use crate::dsql::parameters::{self, Support};

/// Reads `NAME=ACTION[,NAME=ACTION…]`; the names come out in lower case.
pub(super) fn entries(text: &str) -> Result<Vec<(String, UnsupportedParameters)>, String> {
    text.split(',').map(str::trim).map(entry).collect()
}

fn entry(text: &str) -> Result<(String, UnsupportedParameters), String> {
    let Some((name, action)) = text.split_once('=') else {
        return Err("expected NAME=ACTION, such as `client_min_messages=emulate`".to_owned());
    };
    let name = known(name.trim())?;
    let action = UnsupportedParameters::from_name(action.trim())
        .map_err(|expected| format!("{name}: {expected}"))?;
    Ok((name, action))
}

/// The name of a parameter that DSQL may not support.
fn known(name: &str) -> Result<String, String> {
    let lower = name.to_ascii_lowercase();
    if parameters::support(&lower) == Support::Supported {
        return Err(format!(
            "Aurora DSQL lets a session set `{name}`, so it always goes there"
        ));
    }
    let is_custom = lower.contains('.') && lower.split('.').all(|part| !part.is_empty());
    if is_custom || parameters::is_known_to_postgresql(&lower) {
        return Ok(lower);
    }
    let hint = suggest::did_you_mean(name, parameters::names_of_postgresql(), "");
    Err(format!("PostgreSQL has no parameter `{name}`{hint}"))
}
