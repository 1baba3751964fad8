//! What a block has to do again besides its changes of rows, when it has let go of its locks.

use super::super::judge::Class;
use super::super::occ::Block;
use crate::sql::{self, StatementKind};

/// Takes into the block's journal what no trigger tells.
pub(super) fn remember(block: &mut Block, sql: &[u8], class: Class) {
    let text = || String::from_utf8(sql.to_vec()).ok();
    match class {
        Class::Ddl => {
            // What begins a job cannot be done twice.
            let begins_job = matches!(sql::kind(sql), StatementKind::Select | StatementKind::Call);
            match text().filter(|_| !begins_job) {
                Some(text) => block.ddl(text),
                None => block.keep(),
            }
        }
        Class::Session
            if matches!(sql::kind(sql), StatementKind::Set | StatementKind::Reset)
                && sets_parameter(sql) =>
        {
            match text() {
                Some(text) => block.set(text),
                None => block.keep(),
            }
        }
        _ if calls_set_config(sql) => match text().filter(|text| !text.contains('$')) {
            Some(text) if class == Class::Read => block.set(text),
            _ => block.keep(),
        },
        _ => {}
    }
}

/// Whether a query may set a parameter.
fn calls_set_config(sql: &[u8]) -> bool {
    const NAME: &[u8] = b"set_config";
    sql.windows(NAME.len())
        .any(|window| window.eq_ignore_ascii_case(NAME))
}

/// Whether a statement takes our own parameters away too.
pub(super) fn resets_all(sql: &[u8]) -> bool {
    sql::kind(sql) == StatementKind::Reset
        && sql::parse_set(sql).is_some_and(|set| set.target == sql::Target::All)
}

/// False for SET TRANSACTION and its like, which hold for the whole transaction.
fn sets_parameter(sql: &[u8]) -> bool {
    !matches!(
        sql::parse_set(sql).map(|set| set.target),
        Some(sql::Target::Transaction | sql::Target::SessionCharacteristics)
    )
}
