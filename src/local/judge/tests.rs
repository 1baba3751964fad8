use proptest::prelude::*;

use super::*;

mod allowed;
mod classes;
mod refused;
mod rewritten;
mod speed;

/// The refusal of a statement.
fn refusal(statement: &str) -> Refusal {
    match judge(statement.as_bytes()).verdict {
        Verdict::Refuse(refusal) => refusal,
        other => panic!("{statement}: {other:?}"),
    }
}

/// Pieces of SQL that mean something to the judge, to be put together at random.
const PIECES: &[&str] = &[
    "CREATE",
    "OR REPLACE",
    "TABLE",
    "INDEX",
    "ASYNC",
    "UNIQUE",
    "ON",
    "t",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    ";",
    "int",
    "numeric(1",
    "ALTER",
    "ADD",
    "COLUMN",
    "CONSTRAINT",
    "CHECK",
    "NOT VALID",
    "GENERATED ALWAYS AS IDENTITY",
    "CACHE",
    "-",
    "1",
    "9999999999999999999999",
    "'a'",
    "'",
    "\"",
    "\"b\"",
    "$$",
    "SELECT",
    "WITH",
    "x AS (",
    "INSERT",
    "FOR",
    "UPDATE",
    "SHARE",
    "INTO",
    "COPY",
    "FROM",
    "TO",
    "EXPLAIN",
    "ANALYZE",
    "AWS IAM GRANT",
    "DROP",
    "TYPE",
    "AS",
    "ENUM",
    "ROLE",
    "IN",
    "PASSWORD",
    "SCHEMA",
    "public",
    "SEARCH",
    "SET",
    "CYCLE",
    "USING",
    "TIME ZONE",
    "char",
    "bit",
    "varying",
    "U&\"",
    "/*",
    "*/",
    "--",
    "\n",
    "pg_advisory_lock",
    "TABLESAMPLE",
    "é",
    "STORAGE",
    "TRIGGER ALL",
    "ENABLE",
    "VALIDATE CONSTRAINT",
    "LANGUAGE",
    "DOMAIN",
    "SEQUENCE",
];

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        judge(&bytes);
    }

    #[test]
    fn any_words_are_judged(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
        cut in any::<proptest::sample::Index>(),
    ) {
        let text = pieces.join(" ");
        judge(text.as_bytes());
        judge(pieces.concat().as_bytes());
        let at = cut.index(text.len() + 1);
        judge(&text.as_bytes()[..at]);
    }

    /// Comments and case change nothing.
    #[test]
    fn comments_and_case_change_nothing(
        statement in proptest::sample::select(refused::STATEMENTS),
        upper in any::<bool>(),
    ) {
        let (text, ..) = statement;
        prop_assume!(!text.contains(['\'', '"', '$', 'É']));
        let spaced = text.replace(' ', " /* ( */ -- )\n ");
        let spaced = if upper { spaced.to_uppercase() } else { spaced.to_lowercase() };
        let (expected, found) = (refusal(text), refusal(&spaced));
        prop_assert_eq!(expected, found);
    }
}
