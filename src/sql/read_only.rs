//! Statements that surely change nothing.
//!
//! Used where being wrong would hide a lost write, so that doubt counts as no: a function that
//! is not in the table may write, whatever its name.

use super::kind::{StatementKind, kind};
use super::lexer::{Lexer, Token, TokenKind};

/// Words that stand before a parenthesis and call nothing.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "by",
    "case",
    "cube",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "group",
    "grouping",
    "having",
    "in",
    "intersect",
    "is",
    "join",
    "lateral",
    "like",
    "limit",
    "materialized",
    "not",
    "numeric",
    "decimal",
    "char",
    "varchar",
    "bit",
    "time",
    "timestamp",
    "interval",
    "offset",
    "on",
    "or",
    "order",
    "over",
    "partition",
    "recursive",
    "rollup",
    "row",
    "select",
    "sets",
    "some",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
    "within",
];

/// Functions of PostgreSQL that read at most (manual, chapter "Functions and Operators").
/// `pg_catalog` is searched before every schema that a user can make, so that these names mean
/// these functions.
const FUNCTIONS: &[&str] = &[
    "abs",
    "age",
    "array_agg",
    "array_length",
    "array_position",
    "array_to_string",
    "avg",
    "bool_and",
    "bool_or",
    "btrim",
    "cardinality",
    "cast",
    "ceil",
    "ceiling",
    "char_length",
    "clock_timestamp",
    "coalesce",
    "col_description",
    "concat",
    "concat_ws",
    "convert_from",
    "count",
    "cume_dist",
    "current_database",
    "current_schema",
    "current_schemas",
    "current_setting",
    "date_part",
    "date_trunc",
    "decode",
    "dense_rank",
    "div",
    "encode",
    "every",
    "exp",
    "extract",
    "first_value",
    "floor",
    "format",
    "format_type",
    "gen_random_uuid",
    "generate_series",
    "greatest",
    "has_schema_privilege",
    "has_table_privilege",
    "initcap",
    "json_agg",
    "json_array_elements",
    "json_build_array",
    "json_build_object",
    "json_each",
    "json_extract_path_text",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_array_elements",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_each",
    "jsonb_extract_path_text",
    "jsonb_object_agg",
    "justify_days",
    "justify_hours",
    "lag",
    "last_value",
    "lead",
    "least",
    "left",
    "length",
    "ln",
    "log",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "max",
    "md5",
    "min",
    "mod",
    "mode",
    "now",
    "nth_value",
    "ntile",
    "nullif",
    "obj_description",
    "octet_length",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "pg_backend_pid",
    "pg_encoding_to_char",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_indexdef",
    "pg_get_userbyid",
    "pg_get_viewdef",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_table_is_visible",
    "pg_type_is_visible",
    "position",
    "power",
    "quote_ident",
    "quote_literal",
    "quote_nullable",
    "random",
    "rank",
    "regexp_match",
    "regexp_matches",
    "regexp_replace",
    "regexp_split_to_table",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "row_number",
    "row_to_json",
    "rpad",
    "rtrim",
    "shobj_description",
    "sign",
    "split_part",
    "sqrt",
    "starts_with",
    "statement_timestamp",
    "stddev",
    "string_agg",
    "string_to_array",
    "strpos",
    "substr",
    "substring",
    "sum",
    "timezone",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "to_number",
    "to_regclass",
    "to_timestamp",
    "transaction_timestamp",
    "translate",
    "trim",
    "trunc",
    "unnest",
    "upper",
    "variance",
    "version",
    "width_bucket",
];

/// Words that make a query more than a query.
const WRITES: &[&str] = &["into", "insert", "update", "delete", "merge", "share"];

/// Whether one statement surely changes nothing, whatever happens to its connection.
pub fn surely_read_only(statement: &[u8]) -> bool {
    match kind(statement) {
        StatementKind::Show | StatementKind::Empty => true,
        StatementKind::Select
        | StatementKind::Values
        | StatementKind::Table
        | StatementKind::With => calls_nothing_that_writes(statement),
        StatementKind::Explain => !contains_word(statement, &["analyze", "analyse"]),
        StatementKind::Copy => copies_out(statement),
        _ => false,
    }
}

fn contains_word(statement: &[u8], words: &[&str]) -> bool {
    Lexer::new(statement)
        .any(|token| token.kind == TokenKind::Word && is_one_of(token.bytes(statement), words))
}

/// `COPY table TO …` reads; of `COPY (query) TO …` the query decides, which cannot be told from
/// what surrounds it better than by judging all of it.
fn copies_out(statement: &[u8]) -> bool {
    let direction = Lexer::new(statement).find_map(|token| match token.bytes(statement) {
        _ if token.kind != TokenKind::Word => None,
        word if word.eq_ignore_ascii_case(b"to") => Some(true),
        word if word.eq_ignore_ascii_case(b"from") => Some(false),
        _ => None,
    });
    let mut words = Lexer::new(statement)
        .filter(|token| !token.kind.is_trivia())
        .skip(1);
    match words.next() {
        Some(token) if token.kind == TokenKind::Punctuation(b'(') => {
            inner(statement, token.end).is_some_and(surely_read_only)
        }
        _ => direction == Some(true),
    }
}

/// What stands between a parenthesis that ends at `start` and the one that closes it.
fn inner(statement: &[u8], start: usize) -> Option<&[u8]> {
    let rest = statement.get(start..)?;
    let mut depth = 0;
    let closing = Lexer::new(rest).find(|token| {
        match token.kind {
            TokenKind::Punctuation(b'(') => depth += 1,
            TokenKind::Punctuation(b')') => depth -= 1,
            _ => {}
        }
        depth < 0
    })?;
    rest.get(..closing.start)
}

fn calls_nothing_that_writes(statement: &[u8]) -> bool {
    // The last three tokens that mean something: `schema . name (`.
    let mut before: [Option<Token>; 3] = [None; 3];
    for token in Lexer::new(statement).filter(|token| !token.kind.is_trivia()) {
        match token.kind {
            TokenKind::Word if is_one_of(token.bytes(statement), WRITES) => return false,
            TokenKind::Punctuation(b'(') if !harmless_before_parenthesis(before, statement) => {
                return false;
            }
            TokenKind::Unterminated(_) | TokenKind::Unknown => return false,
            _ => {}
        }
        before = [before[1], before[2], Some(token)];
    }
    true
}

fn harmless_before_parenthesis(before: [Option<Token>; 3], statement: &[u8]) -> bool {
    let [schema, dot, Some(name)] = before else {
        return true;
    };
    let word = name.bytes(statement);
    match name.kind {
        TokenKind::Word => {}
        TokenKind::QuotedIdentifier | TokenKind::UnicodeIdentifier => return false,
        // A parenthesis behind an operator, a comma or another parenthesis calls nothing.
        _ => return true,
    }
    if dot.is_some_and(|dot| dot.kind == TokenKind::Punctuation(b'.')) {
        return schema.is_some_and(|s| s.bytes(statement).eq_ignore_ascii_case(b"pg_catalog"))
            && is_one_of(word, FUNCTIONS);
    }
    is_one_of(word, KEYWORDS) || is_one_of(word, FUNCTIONS)
}

fn is_one_of(word: &[u8], list: &[&str]) -> bool {
    list.iter()
        .any(|entry| word.eq_ignore_ascii_case(entry.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::surely_read_only;

    #[test]
    fn doubt_counts_as_no() {
        for yes in [
            "select 1",
            "select pg_sleep(30)",
            "SELECT count(*), max(a) FROM t WHERE b IN (1, 2) AND (c = (d))",
            "with x as (select 1) select * from x",
            "select pg_catalog.version()",
            "values (1), (2)",
            "table t",
            "show timezone",
            "copy t to stdout",
            "copy t (a, b) to stdout with (format csv)",
            "copy (select * from t where a in (1)) to stdout",
            "explain delete from t",
            "select 'update' /* delete */ from \"insert\"",
        ] {
            assert!(surely_read_only(yes.as_bytes()), "{yes}");
        }
        for no in [
            "insert into t values (1)",
            "select f()",
            "select \"lower\"(x) from t",
            "select public.lower(x) from t",
            "select nextval('s')",
            "select a.pg_sleep(1)",
            "with x as (delete from t returning *) select * from x",
            "select * into t2 from t",
            "select * from t for update",
            "explain analyze delete from t",
            "explain (analyze) delete from t",
            "copy t from stdin",
            "copy (delete from t returning *) to stdout",
            "copy (select f()) to stdout",
            "select 'unterminated",
            "commit",
        ] {
            assert!(!surely_read_only(no.as_bytes()), "{no}");
        }
    }
}
