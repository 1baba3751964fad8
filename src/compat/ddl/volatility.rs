//! Whether a default is the same for all rows that are there.

use crate::sql::Reader;

/// Whether an expression may have another value for each row: whether it calls a function that is
/// not known for one value within a transaction. For a function of constants alone that costs
/// nothing but time.
pub(super) fn varies(expression: &str) -> bool {
    let mut reader = Reader::new(expression.as_bytes());
    while !reader.at_end() {
        let names = reader.qualified();
        let Some(name) = names.last() else {
            reader.advance();
            continue;
        };
        if reader.is_punctuation(b'(') && !SAME.contains(&name.text.as_str()) {
            return true;
        }
    }
    false
}

/// Functions of a transaction's start (manual §9.9.5), and names before a parenthesis that call
/// nothing: types with a length.
const SAME: &[&str] = &[
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "current_timestamp",
    "localtimestamp",
    "current_time",
    "localtime",
    "char",
    "character",
    "varchar",
    "varying",
    "bpchar",
    "numeric",
    "decimal",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "float",
    "precision",
    "array",
    "in",
    "cast",
    "coalesce",
    "date_trunc",
    "timezone",
    "to_timestamp",
    "jsonb_build_object",
    "jsonb_build_array",
    "json_build_object",
    "json_build_array",
];
