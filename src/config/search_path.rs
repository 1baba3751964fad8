//! `search_path` for every role, or for each.

use std::collections::BTreeMap;

/// The `search_path` of each role, and the one for every other role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPaths {
    by_role: BTreeMap<String, String>,
}

/// Stands for every role.
const EVERY_ROLE: &str = "*";

impl SearchPaths {
    /// What to send as `search_path` for this role, if anything.
    pub fn for_role(&self, role: &str) -> Option<&str> {
        self.by_role
            .get(role)
            .or_else(|| self.by_role.get(EVERY_ROLE))
            .map(String::as_str)
    }

    /// Adds what `text` says; a role that is there already is an error.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        for (role, path) in entries(text)? {
            if self
                .by_role
                .insert(role.to_owned(), path.to_owned())
                .is_some()
            {
                return Err(if role == EVERY_ROLE {
                    "the path for every role is given twice".to_owned()
                } else {
                    format!("the path for role `{role}` is given twice")
                });
            }
        }
        Ok(())
    }
}

/// Reads `[ROLE:]PATH[;[ROLE:]PATH…]` into roles (`*` for every one) and paths.
///
/// Neither `;` nor `:` can stand in a schema's name without double quotes, so what is inside of
/// them separates nothing. A path may hold commas.
pub(super) fn entries(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut is_quoted = false;
    text.split(|c| {
        is_quoted ^= c == '"';
        c == ';' && !is_quoted
    })
    .map(|entry| {
        let (role, path) = match entry.split_once(':') {
            Some((role, path)) if !role.contains(['"', ',']) => (role.trim(), path.trim()),
            _ => (EVERY_ROLE, entry.trim()),
        };
        if role.is_empty() || path.is_empty() || path.chars().any(char::is_control) {
            Err(
                "expected `PATH` for every role or `ROLE:PATH` for one, such as \
                 `myschema,public` or `app:myschema`"
                    .to_owned(),
            )
        } else {
            Ok((role, path))
        }
    })
    .collect()
}
