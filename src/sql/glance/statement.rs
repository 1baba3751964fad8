//! One statement: for what the quick look does not understand.

use super::scan::Scan;
use super::traits::Traits;
use crate::sql::cursor::Cursor;
use crate::sql::kind::{StatementKind, kind};
use crate::sql::lexer::TokenKind;
use crate::sql::set::{Scope, Target, Value, parse_set};

use StatementKind as K;

/// Parameters that `pg_settings` hides (`GUC_NO_SHOW_ALL` in `guc_tables.c`), and one of DSQL's of
/// which it is not known whether it is shown.
const HIDDEN: &[&str] = &[
    "role",
    "session_authorization",
    "is_superuser",
    "disable_sync_create_index",
];

/// The parameter that is another name for `setseed()`.
const SEED: &str = "seed";

/// Where objects are made.
const SEARCH_PATH: &str = "search_path";

/// How string constants are read.
const STRINGS: &str = "standard_conforming_strings";

/// What the schemas of temporary objects begin with.
const TEMPORARY_SCHEMA: &str = "pg_temp";

/// What one statement, without its semicolon, may do.
pub(super) fn statement(text: &[u8]) -> Traits {
    let text = explained(text);
    let kind = kind(text);
    let mut traits = of_kind(kind);
    match kind {
        K::Set => traits |= set(text),
        K::Discard if has_word(text, "all") => traits |= Traits::PARAMETERS | Traits::DEALLOCATE,
        K::Call if is_of_schema_sys(text) => traits = Traits::SEQUENCE_WRITE,
        // `AWS IAM GRANT` and `AWS IAM REVOKE` change the catalog only.
        K::Other if Cursor::new(text).take_word("aws") => return Traits::DDL,
        _ => {}
    }
    Scan::new(text, kind).run(traits)
}

/// What a statement of this kind may do, whatever stands in it.
fn of_kind(kind: StatementKind) -> Traits {
    match kind {
        // What they do, their functions do.
        K::Select | K::Values | K::Table | K::Show | K::Fetch | K::Move | K::Empty => Traits::NONE,
        // Nothing outlives the transaction that outlives it anyway.
        K::Begin
        | K::Commit
        | K::Rollback
        | K::Savepoint
        | K::Release
        | K::RollbackToSavepoint
        | K::PrepareTransaction
        | K::CommitPrepared
        | K::RollbackPrepared
        | K::Lock
        | K::Checkpoint => Traits::NONE,
        // Defaults, triggers and expressions may advance a sequence.
        K::Insert
        | K::Update
        | K::Delete
        | K::With
        | K::Merge
        | K::Copy
        | K::Explain
        | K::Truncate
        | K::Vacuum
        | K::Analyze => Traits::SEQUENCE_WRITE,
        K::Create
        | K::Cluster
        | K::Reindex
        | K::Refresh
        | K::Alter
        | K::Drop
        | K::Comment
        | K::Grant
        | K::Revoke
        | K::Reassign
        | K::Security
        | K::Import => Traits::SEQUENCE_WRITE | Traits::DDL,
        // See `set`.
        K::Set => Traits::NONE,
        K::Close | K::Unlisten => Traits::TIDY,
        K::Reset => Traits::PARAMETERS,
        K::Prepare => Traits::SQL_PREPARE,
        K::Execute => Traits::EXECUTE | Traits::PARAMETERS | Traits::SEQUENCE_WRITE,
        K::Deallocate => Traits::DEALLOCATE,
        K::Discard => Traits::DISCARD,
        K::Declare => Traits::NONE,
        K::Listen => Traits::LISTEN,
        K::Notify => Traits::NOTIFY,
        K::Call | K::Do => Traits::CODE | Traits::PARAMETERS | Traits::SEQUENCE_WRITE,
        K::Load => Traits::LOAD | Traits::PARAMETERS,
        K::Other => Traits::UNKNOWN | Traits::PARAMETERS | Traits::SEQUENCE_WRITE,
    }
}

/// The statement behind EXPLAIN and its options, which it may run; another statement itself.
fn explained(mut text: &[u8]) -> &[u8] {
    while kind(text) == K::Explain {
        let mut cursor = Cursor::new(text);
        cursor.next();
        let mut depth = 0_usize;
        let mut behind = None;
        while let Some(token) = cursor.next() {
            match token.kind {
                TokenKind::Punctuation(b'(') => depth += 1,
                TokenKind::Punctuation(b')') => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                _ if ["analyze", "analyse", "verbose"]
                    .iter()
                    .any(|option| cursor.is_word(token, option)) => {}
                _ => {
                    behind = Some(token.start);
                    break;
                }
            }
        }
        // `EXPLAIN (SELECT …)` is all parentheses.
        match behind.and_then(|start| text.get(start..)) {
            Some(inner) => text = inner,
            None => break,
        }
    }
    text
}

fn set(text: &[u8]) -> Traits {
    let Some(set) = parse_set(text) else {
        // A syntax error, or a name in a spelling that only the server reads.
        return Traits::PARAMETERS | Traits::HIDDEN_PARAMETERS;
    };
    let mut traits = match (set.scope, &set.target) {
        (_, Target::Transaction | Target::Constraints) => return Traits::NONE,
        (Scope::Local, _) => Traits::LOCAL_PARAMETERS,
        _ => Traits::PARAMETERS,
    };
    let Some(name) = set.target.parameter() else {
        return traits;
    };
    if name == STRINGS && !keeps_strings(set.value) {
        traits |= Traits::STRING_SYNTAX;
    }
    if name == SEED {
        traits |= Traits::SEED;
    }
    if is_hidden(&name) && set.scope != Scope::Local && set.value != Value::Default {
        traits |= Traits::HIDDEN_PARAMETERS;
    }
    // Whatever is made while pg_temp is the first schema of the path is temporary. An escape may
    // spell it, too.
    if mentions_temporary_schema(text) || (name == SEARCH_PATH && text.contains(&b'\\')) {
        traits |= Traits::TEMPORARY_OBJECT;
    }
    traits
}

/// Whether `pg_settings` may keep this parameter to itself, as it does with every `a.b` that no
/// library has defined. That goes for `dsql.…` too: whether DSQL shows those is not known.
pub(super) fn is_hidden(name: &str) -> bool {
    HIDDEN.contains(&name) || name.contains('.')
}

/// What setting the parameter `name` to a value that is not looked into may do, besides.
pub(super) fn of_parameter(name: &str) -> Traits {
    match name {
        SEED => Traits::SEED,
        STRINGS => Traits::STRING_SYNTAX,
        _ => Traits::NONE,
    }
}

fn keeps_strings(value: Value<'_>) -> bool {
    let Value::Text(text) = value else {
        return matches!(value, Value::Default);
    };
    let word = text.trim_ascii();
    let word = word.strip_prefix(b"'").unwrap_or(word);
    let word = word.strip_suffix(b"'").unwrap_or(word);
    [b"on".as_slice(), b"true", b"yes", b"1"]
        .iter()
        .any(|on| word.eq_ignore_ascii_case(on))
}

fn has_word(text: &[u8], word: &str) -> bool {
    let mut cursor = Cursor::new(text);
    std::iter::from_fn(|| cursor.next()).any(|token| Cursor::new(text).is_word(token, word))
}

/// `CALL sys.…`: DSQL's own procedures. They wait for jobs (DSQL, documented 2026-09).
fn is_of_schema_sys(text: &[u8]) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.take_words(&["call", "sys"])
        && cursor
            .next()
            .is_some_and(|token| token.kind == TokenKind::Punctuation(b'.'))
}

/// Whether `pg_temp` stands anywhere, in strings too.
pub(super) fn mentions_temporary_schema(text: &[u8]) -> bool {
    let schema = TEMPORARY_SCHEMA.as_bytes();
    text.windows(schema.len())
        .any(|window| window.eq_ignore_ascii_case(schema))
}
