//! Types of columns.
//!
//! Every type works inside a query; these facts are about CREATE TABLE, ADD COLUMN and CREATE
//! DOMAIN.

use super::fact::{Answer, INFERRED, RECORDED, SKILL};

/// A type of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Type {
    /// Its name in `pg_type`.
    pub name: &'static str,
    /// Its name as PostgreSQL prints it (`format_type`).
    pub printed: &'static str,
    /// Whether a column may have it.
    pub column: Column,
}

/// Whether a column may have a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// It may (user guide, 2026-09).
    Yes,
    /// It may, but not one of a key (recorded, 2026-09).
    NotInKey,
    /// It may not (recorded, 2026-09).
    No,
    /// It may not, because the user guide does not list it (inferred).
    Unlisted,
}

const fn row(name: &'static str, printed: &'static str, column: Column) -> Type {
    Type {
        name,
        printed,
        column,
    }
}

const fn same(name: &'static str, column: Column) -> Type {
    row(name, name, column)
}

/// PostgreSQL's types. A domain over one of them may be used where the type itself may.
pub static TYPES: &[Type] = &[
    row("int2", "smallint", Column::Yes),
    row("int4", "integer", Column::Yes),
    row("int8", "bigint", Column::Yes),
    row("float4", "real", Column::Yes),
    row("float8", "double precision", Column::Yes),
    same("numeric", Column::Yes),
    row("bpchar", "character", Column::Yes),
    row("varchar", "character varying", Column::Yes),
    same("text", Column::Yes),
    same("date", Column::Yes),
    row("time", "time without time zone", Column::Yes),
    row("timetz", "time with time zone", Column::Yes),
    row("timestamp", "timestamp without time zone", Column::Yes),
    row("timestamptz", "timestamp with time zone", Column::Yes),
    same("interval", Column::Yes),
    row("bool", "boolean", Column::Yes),
    same("uuid", Column::Yes),
    same("bytea", Column::NotInKey),
    same("json", Column::NotInKey),
    same("jsonb", Column::NotInKey),
    same("money", Column::No),
    same("xml", Column::No),
    same("inet", Column::No),
    same("cidr", Column::No),
    same("macaddr", Column::No),
    same("macaddr8", Column::No),
    same("point", Column::No),
    same("line", Column::No),
    same("lseg", Column::No),
    same("box", Column::No),
    same("path", Column::No),
    same("polygon", Column::No),
    same("circle", Column::No),
    same("tsvector", Column::No),
    same("tsquery", Column::No),
    same("bit", Column::No),
    row("varbit", "bit varying", Column::No),
    same("pg_lsn", Column::No),
    same("int4range", Column::No),
    same("int8range", Column::No),
    same("numrange", Column::No),
    same("tsrange", Column::No),
    same("tstzrange", Column::No),
    same("daterange", Column::No),
    same("int4multirange", Column::No),
    same("int8multirange", Column::No),
    same("nummultirange", Column::No),
    same("tsmultirange", Column::No),
    same("tstzmultirange", Column::No),
    same("datemultirange", Column::No),
    row("char", "\"char\"", Column::Unlisted),
    same("name", Column::Unlisted),
    same("oid", Column::Unlisted),
    same("xid", Column::Unlisted),
    same("xid8", Column::Unlisted),
    same("cid", Column::Unlisted),
    same("tid", Column::Unlisted),
    same("oidvector", Column::Unlisted),
    same("int2vector", Column::Unlisted),
    same("aclitem", Column::Unlisted),
    same("refcursor", Column::Unlisted),
    same("jsonpath", Column::Unlisted),
    same("txid_snapshot", Column::Unlisted),
    same("pg_snapshot", Column::Unlisted),
    same("regproc", Column::Unlisted),
    same("regprocedure", Column::Unlisted),
    same("regoper", Column::Unlisted),
    same("regoperator", Column::Unlisted),
    same("regclass", Column::Unlisted),
    same("regtype", Column::Unlisted),
    same("regrole", Column::Unlisted),
    same("regnamespace", Column::Unlisted),
    same("regconfig", Column::Unlisted),
    same("regdictionary", Column::Unlisted),
    same("regcollation", Column::Unlisted),
];

/// Names that PostgreSQL's grammar gives to types, in lower case (manual, chapter 8).
pub static KEY_WORDS: &[(&str, &str)] = &[
    ("int", "int4"),
    ("integer", "int4"),
    ("smallint", "int2"),
    ("bigint", "int8"),
    ("real", "float4"),
    ("float", "float8"),
    ("decimal", "numeric"),
    ("dec", "numeric"),
    ("boolean", "bool"),
    ("char", "bpchar"),
    ("character", "bpchar"),
    ("nchar", "bpchar"),
];

/// PostgreSQL's short forms of an integer column with a sequence. DSQL has no such types.
pub static SERIAL: &[&str] = &[
    "serial",
    "serial2",
    "serial4",
    "serial8",
    "bigserial",
    "smallserial",
];

/// A [`SERIAL`] column, or an unknown type; `{}` is its name as written, in lower case.
pub const DOES_NOT_EXIST: Answer =
    Answer::refused("type \"{}\" does not exist", RECORDED, "2026-09").state("42704");

/// A type that a column may not have; `{}` is its printed name, with `[]` for an array, and
/// without a length.
pub const NOT_SUPPORTED: Answer = Answer::refused("datatype {} not supported", RECORDED, "2026-09");

/// A type that a key may not have.
pub const NOT_IN_KEY: Answer =
    Answer::refused("datatype {} is not supported in a key", SKILL, "2026-10");

/// An identity column of another type than bigint.
pub const IDENTITY: Answer = Answer::refused(
    "datatype {} not supported, identity column type must be bigint",
    RECORDED,
    "2026-09",
);

/// A sequence of another type than bigint.
pub const SEQUENCE: Answer = Answer::refused(
    "datatype {} not supported, sequence type must be bigint",
    INFERRED,
    "2026-10",
);

/// The type with this name in `pg_type`.
pub fn named(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|of| of.name == name)
}

#[cfg(test)]
mod tests {
    use super::{KEY_WORDS, TYPES, named};

    #[test]
    fn names_are_unique_and_key_words_lead_to_them() {
        for (i, row) in TYPES.iter().enumerate() {
            let others = TYPES.iter().skip(i + 1);
            assert!(others.clone().all(|o| o.name != row.name), "{}", row.name);
        }
        assert!(KEY_WORDS.iter().all(|(_, name)| named(name).is_some()));
    }
}
