//! Statements that neither define nor query anything.

use super::reader::Reader;
use super::{Class, Refusal, Verdict, literal, query};
use crate::dsql::statements;

/// Judges COMMIT and ROLLBACK, with `verb` in upper case.
pub(super) fn end(reader: &mut Reader<'_>, verb: &str) -> Result<(), Refusal> {
    reader.advance();
    if !reader.take("WORK") {
        reader.take("TRANSACTION");
    }
    if reader.sees("AND CHAIN") {
        return Err(Refusal::about(&statements::AND_CHAIN, verb));
    }
    Ok(())
}

/// Judges COPY, and says what it is to a transaction.
pub(super) fn copy(text: &[u8], reader: &mut Reader<'_>) -> (Class, Result<(), Refusal>) {
    reader.take("COPY");
    reader.take("BINARY");
    let mut judged = (Class::Read, Ok(()));
    if reader.is_punctuation(b'(') {
        let start = reader.position();
        reader.skip();
        let inner = start.saturating_add(1)..reader.end_of_read().saturating_sub(1);
        judged = query::judge(text.get(inner).unwrap_or_default());
    } else {
        reader.qualified();
        if reader.is_punctuation(b'(') {
            reader.skip();
        }
        if reader.is("FROM") {
            judged.0 = Class::Dml;
        }
    }
    let has_target = reader.take("FROM") || reader.take("TO");
    if has_target && (reader.is("PROGRAM") || reader.is_string()) {
        judged.1 = Err(Refusal::from(&statements::COPY_FILE));
    }
    judged
}

/// Judges DEALLOCATE.
pub(super) fn deallocate(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.take("DEALLOCATE");
    reader.take("PREPARE");
    if reader.take("ALL") && reader.at_end() {
        return Ok(());
    }
    Err(Refusal::from(&statements::DEALLOCATE))
}

/// Judges ANALYZE: it wants a relation.
pub(super) fn analyze(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.advance();
    if reader.is_punctuation(b'(') {
        reader.skip();
    }
    reader.take("VERBOSE");
    if reader.at_end() {
        return Err(Refusal::from(&statements::ANALYZE_ALL));
    }
    Ok(())
}

/// How EXPLAIN is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Explained {
    /// Where the statement begins that it explains.
    pub(super) at: usize,
    /// Whether that statement is run.
    pub(super) runs: bool,
}

/// Reads EXPLAIN and its options.
pub(super) fn explain(reader: &mut Reader<'_>) -> Explained {
    reader.take("EXPLAIN");
    let mut runs = false;
    // `EXPLAIN (SELECT 1)` has no options.
    let mut ahead = reader.clone();
    ahead.take_punctuation(b'(');
    let is_query =
        ahead.is_punctuation(b'(') || ahead.is_any(&["SELECT", "VALUES", "TABLE", "WITH"]);
    if !is_query && let Some(options) = reader.group() {
        for mut option in options {
            if option.take("ANALYZE") || option.take("ANALYSE") {
                let off = option.is_any(&["FALSE", "OFF"]) || option.clone().integer() == Some(0);
                runs = !off;
            }
        }
    } else {
        runs = reader.take("ANALYZE") || reader.take("ANALYSE");
        reader.take("VERBOSE");
    }
    Explained {
        at: reader.position(),
        runs,
    }
}

/// `AWS IAM GRANT role TO 'arn'` and `AWS IAM REVOKE role FROM 'arn'`, DSQL's own. `None` for
/// anything else, which is a syntax error.
pub(super) fn iam(reader: &mut Reader<'_>) -> Option<Verdict> {
    let (word, procedure, tag) = if reader.takes("AWS IAM GRANT") {
        ("TO", "grant", "AWS IAM GRANT")
    } else if reader.takes("AWS IAM REVOKE") {
        ("FROM", "revoke", "AWS IAM REVOKE")
    } else {
        return None;
    };
    let role = reader.name()?;
    if !reader.take(word) {
        return None;
    }
    let arn = reader.string()?;
    if !reader.at_end() {
        return None;
    }
    let mut sql = format!("CALL pg_catalog.dsql_local_iam_{procedure}(").into_bytes();
    sql.extend_from_slice(&literal(role.text.as_bytes()));
    sql.extend_from_slice(b", ");
    sql.extend_from_slice(&literal(&arn));
    sql.push(b')');
    Some(Verdict::Rewrite {
        sql,
        tag: Some(tag),
    })
}
