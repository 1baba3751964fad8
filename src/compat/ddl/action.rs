//! One action of an ALTER TABLE.

use std::ops::Range;

use super::add_column;
use super::clause;
use super::column::TypeName;
use super::constraint;
use super::edits::Edits;
use super::plan::{AlterStep, Table};
use super::sequence;
use crate::sql::Reader;

/// An action that was understood to its end, and that DSQL has, in this form or in steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) pass: Pass,
    pub(super) what: What,
    /// The column that it adds or drops, not quoted.
    pub(super) column: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// DSQL takes it as it is written, the edits applied.
    AsWritten(Range<usize>),
    Step(AlterStep),
}

/// When PostgreSQL does an action, whatever the order in the text (`AlterTablePass`, and
/// `ATPrepCmd()`, in `src/backend/commands/tablecmds.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pass {
    Drop,
    Type,
    AddColumn,
    Attributes,
    Index,
    Other,
    Misc,
    /// Not one of PostgreSQL's: a column that is dropped takes its values with it, and so goes
    /// last, when all that can fail has succeeded.
    DropColumn,
}

/// Reads an action to its end. `None` if it is not understood, or DSQL does not have it.
pub(super) fn read(
    reader: &mut Reader<'_>,
    table: &Table,
    edits: &mut Edits<'_>,
) -> Option<Action> {
    let start = reader.position();
    let mut of = None;
    let (pass, step) = if reader.take("ADD") {
        add(reader, table, edits, &mut of)?
    } else if reader.take("DROP") {
        (drop(reader, &mut of)?, None)
    } else if reader.takes("ALTER CONSTRAINT") {
        reader.name()?;
        clause::attributes(reader);
        (Pass::Misc, None)
    } else if reader.take("ALTER") {
        reader.take("COLUMN");
        column(reader, table, edits)?
    } else if reader.takes("VALIDATE CONSTRAINT") {
        let constraint = edits.slice(clause::name(reader)?.1).to_owned();
        (Pass::Misc, Some(AlterStep::Validate { constraint }))
    } else if reader.takes("OWNER TO") {
        reader.name()?;
        (Pass::Misc, None)
    } else if TRIGGERS.iter().any(|words| reader.takes(words)) {
        (Pass::Misc, None)
    } else {
        return None;
    };
    reader.at_end().then_some(())?;
    let what = match step {
        Some(step) => What::Step(step),
        None => What::AsWritten(start..reader.end_of_read()),
    };
    Some(Action {
        pass,
        what,
        column: of,
    })
}

/// What DSQL has of triggers, which does nothing (2026-08-07).
const TRIGGERS: &[&str] = &[
    "ENABLE TRIGGER ALL",
    "ENABLE TRIGGER USER",
    "DISABLE TRIGGER ALL",
    "DISABLE TRIGGER USER",
];

/// When, and by which step; without one, as written.
pub(super) type Found = (Pass, Option<AlterStep>);

/// `DROP [COLUMN | CONSTRAINT] [IF EXISTS] name [RESTRICT | CASCADE]`.
fn drop(reader: &mut Reader<'_>, of: &mut Option<String>) -> Option<Pass> {
    let constraint = reader.take("CONSTRAINT");
    if !constraint {
        reader.take("COLUMN");
    }
    reader.takes("IF EXISTS");
    let name = reader.name()?.text;
    if !reader.take("CASCADE") {
        reader.take("RESTRICT");
    }
    if constraint {
        return Some(Pass::Drop);
    }
    *of = Some(name);
    Some(Pass::DropColumn)
}

/// What follows ADD.
fn add(
    reader: &mut Reader<'_>,
    table: &Table,
    edits: &mut Edits<'_>,
    of: &mut Option<String>,
) -> Option<Found> {
    if constraint::is_next(reader) {
        return constraint::read(reader, table, edits);
    }
    let (column, step) = add_column::read(reader, table, edits)?;
    *of = Some(column);
    Some((Pass::AddColumn, step))
}

/// What follows `ALTER [COLUMN]`.
fn column(reader: &mut Reader<'_>, table: &Table, edits: &mut Edits<'_>) -> Option<Found> {
    let start = reader.position();
    let plain = reader.name()?.text;
    let name = edits.slice(start..reader.end_of_read());
    if reader.takes("SET NOT NULL") {
        let step = constraint::not_null(table, name, &plain);
        return Some((Pass::Attributes, Some(step)));
    }
    if reader.takes("DROP NOT NULL") {
        let step = AlterStep::DropNotNull {
            column: name.to_owned(),
            sql: table.alter(&format!("ALTER COLUMN {name} DROP NOT NULL")),
        };
        return Some((Pass::Drop, Some(step)));
    }
    if reader.takes("SET DATA TYPE") || reader.take("TYPE") {
        return Some((Pass::Type, Some(alter_type(reader, name, edits)?)));
    }
    if reader.takes("SET DEFAULT") {
        reader.skip()?;
        while reader.skip().is_some() {}
        return Some((Pass::Other, None));
    }
    if reader.takes("DROP DEFAULT") {
        return Some((Pass::Drop, None));
    }
    if reader.takes("DROP EXPRESSION") || reader.takes("DROP IDENTITY") {
        reader.takes("IF EXISTS");
        return Some((Pass::Drop, None));
    }
    if reader.takes("ADD GENERATED ALWAYS AS IDENTITY")
        || reader.takes("ADD GENERATED BY DEFAULT AS IDENTITY")
    {
        let end = reader.end_of_read();
        let options = match reader.group() {
            Some(options) => Some(options.into_iter().next()?),
            None => None,
        };
        sequence::identity(options, end, edits);
        return Some((Pass::Other, None));
    }
    if reader.takes("SET STORAGE") {
        reader.name()?;
        return Some((Pass::Misc, None));
    }
    if reader.is("RESTART") || IDENTITY.iter().any(|words| reader.sees(words)) {
        sequence::options(reader, edits);
        return Some((Pass::Misc, None));
    }
    None
}

/// How a change of an identity column's options begins, apart from RESTART.
const IDENTITY: &[&str] = &[
    "SET CACHE",
    "SET CYCLE",
    "SET GENERATED",
    "SET INCREMENT",
    "SET MAXVALUE",
    "SET MINVALUE",
    "SET NO",
    "SET RESTART",
    "SET START",
];

/// What follows TYPE.
fn alter_type(reader: &mut Reader<'_>, column: &str, edits: &Edits<'_>) -> Option<AlterStep> {
    let of = TypeName::read(reader)?;
    if of.is_serial() {
        return None;
    }
    if reader.take("COLLATE") {
        clause::is_own_collation(&reader.qualified()).then_some(())?;
    }
    let mut using = None;
    if reader.take("USING") {
        let start = reader.position();
        reader.skip()?;
        while reader.skip().is_some() {}
        using = Some(edits.apply(start..reader.end_of_read()));
    }
    Some(AlterStep::AlterType {
        column: column.to_owned(),
        of: edits.slice(of.at).to_owned(),
        using,
    })
}
