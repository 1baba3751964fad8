//! One action of an ALTER TABLE.

use std::ops::Range;

use super::clause;
use super::column::{Clause, ClauseKind, Column, TypeName};
use super::constraint;
use super::edits::Edits;
use super::name;
use super::plan::{
    AddColumn, AddConstraint, AddUnique, AlterStep, ColumnDefault, OwnSequence, Table,
};
use super::{sequence, volatility};
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
    reader.take("COLUMN");
    let if_not_exists = reader.takes("IF NOT EXISTS");
    let column = Column::read(reader)?;
    *of = Some(column.name.text.clone());
    let new = NewColumn {
        column: &column,
        table,
        name: edits.slice(column.name_at.clone()),
    };
    if new.plain(edits) {
        return Some((Pass::AddColumn, None));
    }
    let step = AlterStep::AddColumn(new.step(if_not_exists, edits)?);
    Some((Pass::AddColumn, Some(step)))
}

/// A column to be added.
struct NewColumn<'a, 'b> {
    column: &'b Column<'a>,
    table: &'b Table,
    /// Its name as written.
    name: &'b str,
}

impl NewColumn<'_, '_> {
    /// Whether it has nothing that ADD COLUMN does not take in DSQL, apart from what says nothing
    /// and is taken out: NULL, DEFAULT NULL, and the collation that there is.
    fn plain(&self, edits: &mut Edits<'_>) -> bool {
        let says_something = self.column.of.is_serial()
            || self.column.clauses.iter().any(|clause| match &clause.kind {
                ClauseKind::Null | ClauseKind::Storage | ClauseKind::Collate(true) => false,
                ClauseKind::Default(at) => !is_null(edits.slice(at.clone())),
                _ => true,
            });
        if says_something {
            return false;
        }
        self.column.adapt(edits);
        for clause in &self.column.clauses {
            if matches!(clause.kind, ClauseKind::Null | ClauseKind::Default(_)) {
                edits.remove(clause.at.clone());
            }
        }
        true
    }

    fn step(&self, if_not_exists: bool, edits: &Edits<'_>) -> Option<AddColumn> {
        let Self {
            column,
            table,
            name,
        } = *self;
        let serial = column.of.is_serial();
        let mut of = if serial {
            "bigint".to_owned()
        } else {
            edits.slice(column.of.at.clone()).to_owned()
        };
        let mut default = None;
        let mut not_null = serial;
        let mut unique = Vec::new();
        let mut then = Vec::new();
        for clause in &column.clauses {
            match &clause.kind {
                ClauseKind::Null => {}
                ClauseKind::NotNull => not_null = true,
                ClauseKind::Default(at) if !serial && default.is_none() => {
                    default = Some(edits.apply(at.clone()));
                }
                ClauseKind::Unique { nulls, attributes } => {
                    unique.push(AlterStep::AddUnique(AddUnique {
                        name: clause.name.clone().map(|at| edits.slice(at).to_owned()),
                        table: table.clone(),
                        columns: vec![column.name.text.clone()],
                        key: format!("({name})"),
                        behind_key: match nulls {
                            Some(_) => " NULLS NOT DISTINCT".to_owned(),
                            None => String::new(),
                        },
                        attributes: edits.slice(attributes.at.clone()).to_owned(),
                    }));
                }
                ClauseKind::Check(at) => {
                    then.push(self.constraint(clause, &edits.apply(at.clone()), edits));
                }
                ClauseKind::References(at) => {
                    let written = format!("FOREIGN KEY ({name}) {}", edits.slice(at.clone()));
                    then.push(self.constraint(clause, &written, edits));
                }
                ClauseKind::Storage => {
                    of.push(' ');
                    of.push_str(edits.slice(clause.at.clone()));
                }
                ClauseKind::Collate(true) => {}
                _ => return None,
            }
        }
        unique.append(&mut then);
        if not_null {
            unique.insert(0, constraint::not_null(table, name, &column.name.text));
        }
        let sequence = serial.then(|| self.sequence());
        let default = match &sequence {
            Some((_, expression)) => Some(expression.clone()),
            None => default.filter(|expression| !is_null(expression)),
        };
        let exists = if if_not_exists { "IF NOT EXISTS " } else { "" };
        Some(AddColumn {
            column: name.to_owned(),
            if_not_exists,
            add: table.alter(&format!("ADD COLUMN {exists}{name} {of}")),
            sequence: sequence.map(|(sequence, _)| sequence),
            default: default.map(|expression| ColumnDefault {
                set: table.alter(&format!("ALTER COLUMN {name} SET DEFAULT {expression}")),
                each_row: volatility::varies(&expression),
                expression,
            }),
            then: unique,
        })
    }

    /// A constraint of the column as one of the table. Unnamed, it gets the same name.
    fn constraint(&self, clause: &Clause<'_>, written: &str, edits: &Edits<'_>) -> AlterStep {
        let name = clause.name.clone().map(|at| edits.slice(at).to_owned());
        let named = match &name {
            Some(name) => format!("CONSTRAINT {name} "),
            None => String::new(),
        };
        AlterStep::AddConstraint(AddConstraint {
            add: self.table.alter(&format!("ADD {named}{written} NOT VALID")),
            name,
        })
    }

    /// What serial means (manual §8.1.4), and the default.
    fn sequence(&self) -> (OwnSequence, String) {
        let Self {
            column,
            table,
            name,
        } = *self;
        let own = name::quoted(&name::object_name(&table.name, &column.name.text, "seq"));
        let own = table.beside(&own);
        let sequence = OwnSequence {
            create: format!("CREATE SEQUENCE {own} CACHE 1"),
            own: format!("ALTER SEQUENCE {own} OWNED BY {}.{name}", table.sql),
            drop: format!("DROP SEQUENCE {own}"),
        };
        let default = format!("nextval('{}'::regclass)", own.replace('\'', "''"));
        (sequence, default)
    }
}

/// Whether a default is NULL, with a cast or without: the same as none.
fn is_null(expression: &str) -> bool {
    let mut reader = Reader::new(expression.as_bytes());
    let cast = |reader: &Reader<'_>| {
        reader
            .peek()
            .is_some_and(|token| reader.bytes(token) == b"::")
    };
    reader.take("NULL")
        && (reader.at_end()
            || cast(&reader)
                && reader.advance().is_some()
                && TypeName::read(&mut reader).is_some()
                && reader.at_end())
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
