//! Roles and privileges.

use super::Refusal;
use super::object;
use super::reader::Reader;
use crate::dsql::roles;

/// Judges what follows `CREATE ROLE`.
pub(super) fn create(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.name();
    attributes(reader, "CREATE")
}

/// Judges what follows `ALTER ROLE`.
pub(super) fn alter(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.name();
    if reader.takes("IN DATABASE") {
        reader.name();
    }
    if reader.is("SET") {
        return Err(Refusal::from(&roles::SET));
    }
    if reader.is_any(&["RESET", "RENAME", "ADD", "DROP"]) {
        return Ok(());
    }
    attributes(reader, "ALTER")
}

fn attributes(reader: &mut Reader<'_>, statement: &str) -> Result<(), Refusal> {
    reader.take("WITH");
    while !reader.at_end() {
        if let Some(attribute) = roles::REFUSED.iter().find(|a| reader.sees(a)) {
            let name = attribute.trim_start_matches("ENCRYPTED ");
            let name = name.trim_start_matches("UNENCRYPTED ");
            let text = roles::ATTRIBUTE.about(name).replacen("{}", statement, 1);
            return Err(Refusal::new(roles::ATTRIBUTE.sqlstate, text));
        }
        // Lists of roles, whose names may be anything.
        reader.take("IN");
        if reader.is_any(&["ROLE", "GROUP", "ADMIN", "USER"]) {
            reader.advance();
            while reader.name().is_some() && reader.take_punctuation(b',') {}
        } else {
            reader.skip();
        }
    }
    Ok(())
}

/// Judges GRANT and REVOKE: schemas of DSQL's own are left alone.
pub(super) fn privileges(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.skip_to("ON");
    schema_privileges(reader)
}

/// Judges the `ON SCHEMA …` of GRANT and REVOKE, if it is next.
pub(super) fn schema_privileges(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    if reader.takes("ON SCHEMA") {
        return object::system_schemas(reader);
    }
    Ok(())
}
