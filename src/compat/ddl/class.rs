//! Which statements are DDL to DSQL.

use crate::sql::{self, Reader, StatementKind as K};

/// Whether a statement counts as DDL: two of them, or one and a write, are refused in one
/// transaction. GRANT and REVOKE count (recorded 2026-09), as does what changes who may connect
/// (`AWS IAM GRANT`); COMMENT is inferred, because it writes the catalog.
pub fn is_ddl(statement: &[u8]) -> bool {
    match sql::kind(statement) {
        K::Create
        | K::Alter
        | K::Drop
        | K::Comment
        | K::Grant
        | K::Revoke
        | K::Reassign
        | K::Security
        | K::Import
        | K::Refresh
        | K::Reindex
        | K::Cluster => true,
        K::Other => Reader::new(statement).takes("AWS IAM"),
        _ => false,
    }
}
