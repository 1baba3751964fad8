//! Which statements may be sent once more after a conflict.

use crate::sql::{self, Count, Glance, Lexer, StatementKind, TokenKind, Traits};

/// Whether a text may be sent once more after a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Repeat {
    /// No: some of it may be committed, or it cannot be told.
    #[default]
    No,
    /// Yes: a conflict has undone all of it.
    Yes,
    /// It is DDL that finds out by itself whether it has taken effect: run again, it fails where
    /// its effect is there already. Then it is looked for ([`super::effect`]), and if it is not
    /// exactly that, the client gets the first error.
    Ddl,
}

/// Whether a text may be sent once more after a conflict.
pub(super) fn repeat(sql: &[u8], glance: Glance) -> Repeat {
    let lasting = Traits::CODE
        .union(Traits::UNKNOWN)
        .union(Traits::DEALLOCATE)
        .union(Traits::ADVISORY_LOCK)
        .union(Traits::FUNCTION_STATE);
    if glance.traits.intersects(lasting) {
        return Repeat::No;
    }
    let all = match glance.count {
        Count::Empty | Count::One => is_undone(glance.first),
        Count::Several => sql::statements(sql).all(|one| is_undone(one.kind(sql))),
    };
    match glance.count {
        _ if all => Repeat::Yes,
        Count::One if tells_its_effect(sql, glance.first) => Repeat::Ddl,
        _ => Repeat::No,
    }
}

/// True if a conflict undoes a statement of this kind.
fn is_undone(kind: StatementKind) -> bool {
    use StatementKind as K;
    matches!(
        kind,
        K::Select
            | K::Insert
            | K::Update
            | K::Delete
            | K::With
            | K::Values
            | K::Table
            | K::Merge
            | K::Set
            | K::Reset
            | K::Show
            | K::Explain
            | K::Empty
    )
}

/// True for DDL that fails, or does nothing, when it is run where it has taken effect.
fn tells_its_effect(sql: &[u8], kind: StatementKind) -> bool {
    use StatementKind as K;
    let words = || {
        Lexer::new(sql)
            .filter(|token| token.kind == TokenKind::Word)
            .map(|token| token.bytes(sql))
    };
    let has = |word: &[u8]| words().any(|other| other.eq_ignore_ascii_case(word));
    match kind {
        K::Drop | K::Comment | K::Grant | K::Revoke => true,
        K::Create => {
            let mut rest = words().skip(1);
            let mut next = rest.next().unwrap_or_default();
            if next.eq_ignore_ascii_case(b"unique") {
                next = rest.next().unwrap_or_default();
            }
            if !next.eq_ignore_ascii_case(b"index") {
                return true;
            }
            // An index without a name gets another one each time.
            let skipped: [&[u8]; 5] = [b"async", b"concurrently", b"if", b"not", b"exists"];
            let name =
                rest.find(|word| !skipped.iter().any(|other| word.eq_ignore_ascii_case(other)));
            name.is_some_and(|word| !word.eq_ignore_ascii_case(b"on"))
        }
        // A constraint without a name gets another one each time.
        K::Alter => {
            let adds = has(b"add") && !has(b"column");
            !adds && (has(b"column") || has(b"rename") || has(b"owner") || has(b"schema"))
        }
        _ => false,
    }
}
