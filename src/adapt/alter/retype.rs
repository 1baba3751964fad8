//! ALTER COLUMN TYPE: by a new column, which gets the values and then the name.

use super::super::ddl::step;
use super::super::failure::Failure;
use super::super::index;
use super::super::jobs::{Job, text};
use super::Alter;
use super::catalog::{MOST_ROWS, literal, plain};
use crate::compat::ddl::{self, DdlPlan};
use crate::wire::{ErrorResponse, SqlState};

/// What the new column is called meanwhile.
const MEANWHILE: &str = "dsql_proxy_new_type";

/// What the old column is called at last.
const BEFORE: &str = "dsql_proxy_old_type";

/// What the catalog says of the column as it is.
struct Column {
    of: String,
    default: Option<String>,
    not_null: bool,
}

/// What has to be made again, since it goes with the column.
#[derive(Default)]
struct Remade {
    /// CREATE INDEX statements.
    indexes: Vec<String>,
    /// Names and definitions of constraints.
    constraints: Vec<(String, String)>,
}

impl Alter<'_> {
    /// Gives a column another type.
    pub(super) async fn alter_type(
        &self,
        column: &str,
        of: &str,
        using: Option<&str>,
    ) -> Result<(), Failure> {
        let Some(old) = self.column(column).await? else {
            return Err(self.no_such_column(column));
        };
        if self.is_type(of, &old.of).await? && using.is_none() {
            return Ok(());
        }
        if let Some(why) = self.obstacle(column).await? {
            return Err(self.cannot_retype(column, &why));
        }
        if self.is_large().await? {
            return Err(self.cannot_retype(
                column,
                &format!("the table has more than {MOST_ROWS} rows, and they cannot be changed in one transaction"),
            ));
        }
        for name in [MEANWHILE, BEFORE] {
            if self.has_column(name).await? {
                return Err(self.left_over(name));
            }
        }
        let remade = self.remade(column).await?;
        let add = self
            .plan
            .table
            .alter(&format!("ADD COLUMN {MEANWHILE} {of}"));
        step(self.desk, &add).await?;
        let mut replaced = self.fill_anew(column, of, using, &old).await;
        if replaced.is_ok() {
            replaced = self.replace(column, of, using).await;
        }
        if let Err(failure) = replaced {
            return Err(self.give_up(failure, column).await);
        }
        self.remake(column, &old, &remade)
            .await
            .map_err(|failure| {
                failure.detail(&format!(
                    "The column has its new type. What could not be made again is: {}",
                    remade.list()
                ))
            })?;
        self.notice(&format!(
            "column \"{}\" of \"{}\" has been made anew with its new type, and is the last of its \
             table now",
            plain(column),
            self.plan.table.name
        ));
        Ok(())
    }

    async fn column(&self, column: &str) -> Result<Option<Column>, Failure> {
        let sql = format!(
            "SELECT format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), \
             a.attnotnull::text FROM pg_attribute a LEFT JOIN pg_attrdef d \
             ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE {}",
            self.is_column(column)
        );
        let reply = step(self.desk, &sql).await?;
        Ok(reply.rows.first().map(|row| Column {
            of: text(row, 0),
            default: row.get(1).and_then(Option::as_ref).map(|_| text(row, 1)),
            not_null: text(row, 2) == "true",
        }))
    }

    /// Whether a type as written is that one.
    async fn is_type(&self, of: &str, known: &str) -> Result<bool, Failure> {
        // A cast of NULL shows the name that the catalog has for it, but not its length.
        let sql = format!("SELECT pg_typeof(CAST(NULL AS {of}))::text");
        let reply = step(self.desk, &sql).await?;
        let name = reply.rows.first().map(|row| text(row, 0));
        let has_length = of.contains('(') || known.contains('(');
        Ok(!has_length && name.as_deref() == Some(known))
    }

    /// Why a column cannot be made anew.
    async fn obstacle(&self, column: &str) -> Result<Option<String>, Failure> {
        let sql = format!(
            "SELECT CASE WHEN a.attidentity <> '' THEN 'it is an identity column' \
             WHEN a.attgenerated <> '' THEN 'it is a generated column' \
             WHEN EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = a.attrelid \
                 AND c.contype = 'p' AND a.attnum = ANY (c.conkey)) \
                 THEN 'it is part of the primary key' \
             WHEN EXISTS (SELECT 1 FROM pg_constraint c WHERE c.confrelid = a.attrelid \
                 AND a.attnum = ANY (c.confkey)) \
                 THEN 'a foreign key refers to it' \
             WHEN EXISTS (SELECT 1 FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass \
                 AND d.classid = 'pg_rewrite'::regclass AND d.refobjid = a.attrelid \
                 AND d.refobjsubid = a.attnum) THEN 'a view uses it' END FROM pg_attribute a WHERE {}",
            self.is_column(column)
        );
        let reply = step(self.desk, &sql).await?;
        let why = reply.rows.first().and_then(|row| row.first());
        Ok(why
            .and_then(Option::as_ref)
            .map(|why| String::from_utf8_lossy(why).into_owned()))
    }

    /// What goes with the column when it is dropped.
    async fn remade(&self, column: &str) -> Result<Remade, Failure> {
        let number = format!(
            "(SELECT attnum FROM pg_attribute WHERE {})",
            self.is_column(column)
        );
        let sql = format!(
            "SELECT quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE conrelid = {} AND contype IN ('c', 'f', 'u') AND {number} = ANY (conkey) \
             ORDER BY oid",
            self.oid()
        );
        let rows = step(self.desk, &sql).await?.rows;
        let constraints = rows
            .iter()
            .map(|row| (text(row, 0), text(row, 1)))
            .collect();
        // Those behind constraints come with them.
        let sql = format!(
            "SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = {} \
             AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid \
                 AND c.contype IN ('u', 'p')) \
             AND EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
                 AND d.objid = i.indexrelid AND d.refobjid = i.indrelid \
                 AND d.refobjsubid = {number}) ORDER BY i.indexrelid",
            self.oid()
        );
        let rows = step(self.desk, &sql).await?.rows;
        let indexes = rows.iter().map(|row| text(row, 0)).collect();
        Ok(Remade {
            indexes,
            constraints,
        })
    }

    /// Fills the new column.
    async fn fill_anew(
        &self,
        column: &str,
        of: &str,
        using: Option<&str>,
        old: &Column,
    ) -> Result<(), Failure> {
        let table = &self.plan.table;
        let value = value(column, of, using);
        let fill = format!("UPDATE {} SET {MEANWHILE} = {value}", table.sql);
        step(self.desk, &fill).await?;
        if let Some(default) = &old.default {
            let set = format!("ALTER COLUMN {MEANWHILE} SET DEFAULT CAST({default} AS {of})");
            step(self.desk, &table.alter(&set)).await?;
        }
        Ok(())
    }

    /// Puts the new column in the place of the old one. Nothing holds off those who write
    /// meanwhile: first they lose the old column, and then what they have written is looked at.
    async fn replace(&self, column: &str, of: &str, using: Option<&str>) -> Result<(), Failure> {
        let table = &self.plan.table;
        let again = self.catch_up(column, of, using).await?;
        self.rename(column, BEFORE).await?;
        let back = self.renaming(BEFORE, column);
        if let Err(failure) = step(self.desk, &again).await {
            return Err(self.undo(failure, &back).await);
        }
        if let Err(failure) = self.rename(MEANWHILE, column).await {
            return Err(self.undo(failure, &back).await);
        }
        let drop = table.alter(&format!("DROP COLUMN {BEFORE}"));
        let Err(failure) = step(self.desk, &drop).await else {
            return Ok(());
        };
        match self.has_column(BEFORE).await {
            Ok(false) => Ok(()),
            Ok(true) => {
                let failure = self.undo(failure, &self.renaming(column, MEANWHILE)).await;
                Err(self.undo(failure, &back).await)
            }
            Err(_) => Err(failure.detail(&format!(
                "The column may have its new type; then \"{BEFORE}\" has the old values."
            ))),
        }
    }

    fn renaming(&self, from: &str, to: &str) -> String {
        let rename = format!("RENAME COLUMN {from} TO {to}");
        self.plan.table.alter(&rename)
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), Failure> {
        let Err(failure) = step(self.desk, &self.renaming(from, to)).await else {
            return Ok(());
        };
        // The connection may have been lost when it was done.
        match self.has_column(from).await {
            Ok(false) => Ok(()),
            _ => Err(failure),
        }
    }

    /// Drops the new column, unless it is the only one.
    async fn give_up(&self, failure: Failure, column: &str) -> Failure {
        match self.has_column(column).await {
            Ok(true) => {
                let undo = format!("DROP COLUMN IF EXISTS {MEANWHILE}");
                self.undo(failure, &self.plan.table.alter(&undo)).await
            }
            _ => failure.detail(&format!(
                "Look at the table: \"{MEANWHILE}\" has the values of the new type, and \
                 \"{BEFORE}\" those of the old one, if there are such columns."
            )),
        }
    }

    /// The statement that fills the new column of the rows that have been written since, when the
    /// old one has lost its name.
    async fn catch_up(
        &self,
        column: &str,
        of: &str,
        using: Option<&str>,
    ) -> Result<String, Failure> {
        let sql = format!(
            "SELECT quote_ident(attname), quote_ident(relname), attname = {} FROM pg_attribute \
             JOIN pg_class c ON c.oid = attrelid \
             WHERE attrelid = {} AND attnum > 0 AND NOT attisdropped AND attname <> {}",
            literal(&plain(column)),
            self.oid(),
            literal(MEANWHILE),
        );
        let rows = step(self.desk, &sql).await?.rows;
        let name = rows.first().map(|row| text(row, 1)).unwrap_or_default();
        // The row as it was, by the names that the expression knows.
        let columns = rows.iter().map(|row| match text(row, 2).as_str() {
            "t" => format!("{name}.{BEFORE} AS {column}"),
            _ => format!("{name}.{0} AS {0}", text(row, 0)),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let value = value(column, of, using);
        let value = format!("(SELECT {value}::{of} FROM (SELECT {columns}) AS {name})");
        Ok(format!(
            "UPDATE {} SET {MEANWHILE} = {value} WHERE {MEANWHILE} IS DISTINCT FROM {value}",
            self.plan.table.sql
        ))
    }

    /// Makes again what went with the old column.
    async fn remake(&self, column: &str, old: &Column, remade: &Remade) -> Result<(), Failure> {
        let table = &self.plan.table;
        let mut statements = Vec::new();
        if old.not_null {
            statements.push(table.alter(&format!("ALTER COLUMN {column} SET NOT NULL")));
        }
        for index in &remade.indexes {
            // DSQL says how it stores an index (`btree_index`), and does not take it back.
            let sql = index.replacen(" USING btree_index ", " ", 1);
            statements.push(sql.replacen(" USING btree ", " ", 1));
        }
        for (name, definition) in &remade.constraints {
            let definition = definition.trim_end_matches(" NOT VALID");
            statements.push(table.alter(&format!("ADD CONSTRAINT {name} {definition}")));
        }
        for statement in statements {
            match ddl::plan(statement.as_bytes()) {
                DdlPlan::Alter(plan) => Box::pin(Alter::new(self.desk, &plan).run()).await?,
                DdlPlan::Index(plan) => {
                    let reply = step(self.desk, &plan.sql).await?;
                    if let Some(job) = Job::of(&reply) {
                        index::finish(self.desk, &job).await?;
                    }
                }
                DdlPlan::Rewrite { sql, .. } => {
                    step(self.desk, &sql).await?;
                }
                DdlPlan::Pass | DdlPlan::Create(_) => {
                    step(self.desk, &statement).await?;
                }
            }
        }
        Ok(())
    }

    fn no_such_column(&self, column: &str) -> Failure {
        ErrorResponse::error(
            SqlState::UNDEFINED_COLUMN,
            format!(
                "column \"{}\" of relation \"{}\" does not exist",
                plain(column),
                self.plan.table.name
            ),
        )
        .into()
    }

    fn left_over(&self, name: &str) -> Failure {
        ErrorResponse::error(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "relation \"{}\" has a column \"{name}\", as a change of type leaves it that was \
                 interrupted",
                self.plan.table.name
            ),
        )
        .detail(format!(
            "\"{MEANWHILE}\" has the values of the new type, \"{BEFORE}\" those of the old one. \
             Nothing has been changed."
        ))
        .hint(
            "Look which columns there are. Give the old column its name back, if it has lost it, \
             drop the other one, and run the statement again.",
        )
        .into()
    }

    fn cannot_retype(&self, column: &str, why: &str) -> Failure {
        ErrorResponse::error(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!(
                "cannot change the type of column \"{}\" of \"{}\": {why}",
                plain(column),
                self.plan.table.name
            ),
        )
        .detail("Aurora DSQL does not change the type of a column. Nothing has been changed.")
        .hint(
            "Add a column with the new type, copy the values in batches of at most 3,000 rows, \
             drop the old column and give its name to the new one.",
        )
        .into()
    }
}

/// The value of a row in the new type.
fn value(column: &str, of: &str, using: Option<&str>) -> String {
    match using {
        Some(expression) => format!("({expression})"),
        None => format!("CAST({column} AS {of})"),
    }
}

impl Remade {
    fn list(&self) -> String {
        let constraints = self.constraints.iter();
        let constraints = constraints.map(|(name, text)| format!("{name} {text}"));
        let all: Vec<_> = self.indexes.iter().cloned().chain(constraints).collect();
        all.join("; ")
    }
}
