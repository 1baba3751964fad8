//! CREATE, ALTER and DROP of everything that is no table, index or sequence.

use super::column::TypeName;
use super::reader::Reader;
use super::table::{self, Persistence};
use super::{Refusal, Stage, Verdict, alter_table, index, leading, query, role, sequence};
use crate::dsql::{functions, indexes, objects, parameters, roles, statements, tables};
use crate::sql::{self, StatementKind};

/// Judges CREATE.
pub(super) fn create(text: &[u8], reader: &mut Reader<'_>) -> Result<Verdict, Refusal> {
    reader.take("CREATE");
    reader.takes("OR REPLACE");
    if let Some(refusal) = leading(reader, "CREATE ") {
        return Err(refusal);
    }
    let mut persistence = Persistence::Permanent;
    let mut ahead = reader.clone();
    if !ahead.take("GLOBAL") {
        ahead.take("LOCAL");
    }
    if ahead.take("TEMP") || ahead.take("TEMPORARY") {
        *reader = ahead;
        persistence = Persistence::Temporary;
    } else if reader.take("UNLOGGED") {
        persistence = Persistence::Unlogged;
    }
    if reader.take("TABLE") {
        return table::create(text, reader, persistence);
    }
    if reader.is("INDEX") || reader.sees("UNIQUE INDEX") {
        return index::create(text, reader);
    }
    if reader.is_any(&["VIEW", "SEQUENCE"]) || reader.sees("RECURSIVE VIEW") {
        let is_view = !reader.is("SEQUENCE");
        if persistence == Persistence::Unlogged && !is_view {
            return Err(Refusal::from(&objects::UNLOGGED_SEQUENCE));
        }
        if persistence != Persistence::Permanent {
            let (lower, upper) = if is_view {
                ("view", "VIEW")
            } else {
                ("sequence", "SEQUENCE")
            };
            let text = objects::TEMPORARY.about(lower).replacen("{}", upper, 1);
            return Err(Refusal::new(objects::TEMPORARY.sqlstate, text));
        }
        if is_view {
            return view(text);
        }
        reader.advance();
        sequence::create(reader)?;
        return Ok(Verdict::Allow);
    }
    if reader.take("TYPE") {
        return Err(create_type(reader));
    }
    if reader.take("FUNCTION") {
        function(text, reader)?;
    } else if reader.take("DOMAIN") {
        domain(reader)?;
    } else if reader.is_any(&["ROLE", "USER", "GROUP"]) {
        reader.advance();
        role::create(reader)?;
    } else if reader.take("SCHEMA") {
        schema(text, reader)?;
    }
    Ok(Verdict::Allow)
}

/// The query of a view is analysed when the statement is executed.
fn view(text: &[u8]) -> Result<Verdict, Refusal> {
    match query::scan(text).refusal {
        Some(refusal) => Err(refusal.at(Stage::Execution)),
        None => Ok(Verdict::Allow),
    }
}

fn create_type(reader: &mut Reader<'_>) -> Refusal {
    reader.qualified();
    Refusal::from(if reader.sees("AS ENUM") {
        &objects::CREATE_ENUM
    } else if reader.sees("AS RANGE") {
        &objects::CREATE_RANGE
    } else if reader.is("AS") {
        &objects::CREATE_COMPOSITE
    } else {
        &objects::CREATE_BASE_TYPE
    })
}

/// Only functions in SQL. Without LANGUAGE a body of the SQL standard follows, or nothing that
/// PostgreSQL takes.
fn function(text: &[u8], reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.qualified();
    let clauses = reader.clone();
    language(reader)?;
    settings(clauses.clone())?;
    body(clauses)?;
    // A body of the SQL standard is part of the statement.
    match query::scan(text).refusal {
        Some(refusal) => Err(refusal.at(Stage::Execution)),
        None => Ok(()),
    }
}

/// Parameters of a function are those of a session: nobody says so, but the rest would go around
/// what SET refuses.
fn settings(mut reader: Reader<'_>) -> Result<(), Refusal> {
    while reader.skip_to_any(&["SET", "RETURN", "BEGIN"]) && reader.take("SET") {
        if reader.takes("TIME ZONE") {
            continue;
        }
        let parts: Vec<String> = reader.qualified().into_iter().map(|n| n.text).collect();
        let name = parts.join(".");
        if !parameters::is_supported(&name) {
            let text = parameters::not_supported(&name);
            return Err(Refusal::new(parameters::SQLSTATE, text));
        }
    }
    Ok(())
}

/// The statements of a body in a string are judged like any other; PostgreSQL looks at them too
/// when the function is made. A function or an EXPLAIN in there is not looked into, so that
/// nesting ends.
fn body(mut reader: Reader<'_>) -> Result<(), Refusal> {
    if !reader.skip_to_any(&["AS", "RETURN", "BEGIN"]) || !reader.take("AS") {
        return Ok(());
    }
    let Some(body) = reader.string() else {
        return Ok(());
    };
    for statement in sql::statements(&body) {
        let statement = statement.bytes(&body);
        let kind = sql::kind(statement);
        if matches!(kind, StatementKind::Create | StatementKind::Explain) {
            continue;
        }
        if let Verdict::Refuse(refusal) = super::judge(statement).verdict {
            return Err(refusal.at(Stage::Execution));
        }
    }
    Ok(())
}

fn language(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    if !reader.skip_to_any(&["LANGUAGE", "RETURN", "BEGIN"]) || !reader.take("LANGUAGE") {
        return Ok(());
    }
    let language = reader.name().map(|name| name.text).or_else(|| {
        let written = reader.string()?;
        Some(String::from_utf8_lossy(&written).into_owned())
    });
    match language {
        Some(language) if language != functions::SQL => {
            Err(Refusal::about(&functions::LANGUAGE, &language))
        }
        _ => Ok(()),
    }
}

fn domain(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.qualified();
    reader.take("AS");
    if let Some(of) = TypeName::read(reader) {
        of.check()?;
    }
    if reader.skip_to("COLLATE") {
        return Err(Refusal::from(&tables::COLLATE));
    }
    Ok(())
}

/// Elements of a schema are CREATE and GRANT statements without a semicolon between them.
fn schema(text: &[u8], reader: &mut Reader<'_>) -> Result<(), Refusal> {
    let elements = ["CREATE", "GRANT"];
    while reader.skip_to_any(&elements) {
        let start = reader.position();
        let grants = reader.take("GRANT");
        if !grants {
            reader.advance();
            // Schemas do not nest, so neither does this.
            if reader.is("SCHEMA") {
                return Ok(());
            }
        }
        // It may be the name of a privilege, too: GRANT CREATE ON SCHEMA.
        if grants && reader.skip_to("ON") {
            role::schema_privileges(&mut reader.clone())?;
            continue;
        }
        reader.skip_to_any(&elements);
        let element = text.get(start..reader.position()).unwrap_or_default();
        let mut inner = Reader::new(element);
        let is_index = inner.clone().takes("CREATE INDEX") || inner.sees("CREATE UNIQUE INDEX");
        if let Verdict::Rewrite { .. } = create(element, &mut inner)?
            && is_index
        {
            // A statement in a statement cannot be made a job of (inferred).
            return Err(Refusal::from(&indexes::NOT_ASYNC));
        }
    }
    Ok(())
}

/// Judges ALTER.
pub(super) fn alter(text: &[u8], reader: &mut Reader<'_>) -> Result<Verdict, Refusal> {
    reader.take("ALTER");
    if reader.is_any(&["TABLE", "INDEX"])
        && let Some(refusal) = leading(reader, "ALTER ")
    {
        return Err(refusal);
    }
    if reader.take("TABLE") {
        return alter_table::judge(text, reader);
    }
    if reader.take("INDEX") {
        alter_table::judge_index(reader)?;
    } else if reader.take("SEQUENCE") {
        sequence::alter(reader)?;
    } else if reader.is_any(&["ROLE", "USER", "GROUP"]) && !reader.sees("USER MAPPING") {
        reader.advance();
        role::alter(reader)?;
    } else if reader.take("SCHEMA") {
        system_schemas(reader)?;
    } else if reader.take("DOMAIN") {
        reader.qualified();
        if let Some(form) = objects::ALTER_DOMAIN.iter().find(|f| reader.sees(f)) {
            let form = if *form == "ADD" {
                "ADD CONSTRAINT"
            } else {
                form
            };
            return Err(Refusal::about(&objects::ALTER_DOMAIN_TEXT, form));
        }
    } else if reader.is_any(&["FUNCTION", "ROUTINE"]) {
        alter_function(reader)?;
    } else if reader.is("PROCEDURE") {
        return Err(Refusal::from(&functions::PROCEDURE));
    } else if !reader.is_any(objects::RENAMED) {
        alter_other(reader)?;
    }
    Ok(Verdict::Allow)
}

fn alter_function(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.advance();
    reader.qualified();
    if reader.is_punctuation(b'(') {
        reader.skip();
    }
    if reader.at_end() || reader.is_any(&["RENAME", "OWNER"]) || reader.sees("SET SCHEMA") {
        return Ok(());
    }
    Err(Refusal::from(
        if reader.is("DEPENDS") || reader.sees("NO DEPENDS") {
            &roles::DEPENDS
        } else {
            &roles::ALTER_FUNCTION
        },
    ))
}

/// Objects that DSQL has not: PostgreSQL has one statement for renaming any of them, one for
/// owners, one for schemas, and one of its own for the rest.
fn alter_other(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    let is_type = reader.is("TYPE");
    let own = alter_database(reader).or_else(|| leading(reader, "ALTER "));
    let is_known = is_type || own.is_some() || reader.is_any(KNOWN);
    if !is_known || reader.is("SYSTEM") {
        return own.map_or(Ok(()), Err);
    }
    let mut rest = reader.clone();
    while !rest.at_end() {
        // ALTER TYPE … RENAME VALUE changes an enum.
        if rest.is("RENAME") && !rest.sees("RENAME VALUE") {
            return Err(Refusal::from(&objects::RENAME));
        }
        if !is_type && rest.sees("OWNER TO") {
            return Err(Refusal::from(&objects::OWNER));
        }
        if !is_type && rest.sees("SET SCHEMA") {
            return Err(Refusal::from(&objects::SCHEMA));
        }
        if rest.sees("DEPENDS ON") {
            return Err(Refusal::from(&roles::DEPENDS));
        }
        rest.skip();
    }
    if is_type {
        return Err(Refusal::from(&objects::ALTER_TYPE));
    }
    own.map_or(Ok(()), Err)
}

/// ALTER DATABASE is several statements to PostgreSQL.
fn alter_database(reader: &Reader<'_>) -> Option<Refusal> {
    let mut rest = reader.clone();
    if !rest.take("DATABASE") {
        return None;
    }
    rest.name();
    let mut forms = statements::ALTER_DATABASE.iter();
    let form = forms.find(|form| rest.sees(form.words));
    form.map(|form| Refusal::from(&form.answer))
}

/// Objects of PostgreSQL that have no ALTER of their own in DSQL's answers.
const KNOWN: &[&str] = &[
    "AGGREGATE",
    "CONVERSION",
    "FOREIGN",
    "LANGUAGE",
    "LARGE",
    "MATERIALIZED",
    "PROCEDURAL",
    "RULE",
    "TEXT",
    "TRIGGER",
];

/// Refuses a list of schemas in which one is DSQL's own.
pub(super) fn system_schemas(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    while let Some(schema) = reader.name() {
        if statements::SYSTEM_SCHEMAS.contains(&schema.text.as_str()) {
            return Err(Refusal::from(&statements::SYSTEM_ENTITY));
        }
        if !reader.take_punctuation(b',') {
            break;
        }
    }
    Ok(())
}

/// Judges DROP.
pub(super) fn drop(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.take("DROP");
    if let Some(refusal) = leading(reader, "DROP ") {
        return Err(refusal);
    }
    if reader.take("TRIGGER") {
        let harmless = reader.takes("IF EXISTS") && reader.skip_to("ON");
        return if harmless {
            Ok(())
        } else {
            Err(Refusal::from(&objects::DROP))
        };
    }
    // In its linter's grammar, like DROP TRIGGER: there is none to drop.
    if reader.sees("EVENT TRIGGER IF EXISTS") {
        return Ok(());
    }
    if reader.take("INDEX") && reader.is("CONCURRENTLY") {
        return Err(Refusal::from(&objects::DROP_INDEX_CONCURRENTLY));
    }
    if reader.take("SCHEMA") {
        reader.takes("IF EXISTS");
        return system_schemas(reader);
    }
    if reader.take("DOMAIN") {
        while !reader.at_end() {
            if reader.take("CASCADE") && reader.at_end() {
                return Err(Refusal::from(&objects::DROP_DOMAIN_CASCADE));
            }
            reader.skip();
        }
    }
    if reader.is_any(objects::NOT_DROPPED) {
        return Err(Refusal::from(&objects::DROP));
    }
    Ok(())
}
