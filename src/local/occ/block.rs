//! An explicit transaction block, as long as it is neither committed nor failed.

use std::collections::HashSet;

use super::behind::{Behind, Failed, Reply};
use super::change::Change;
use super::journal::{Journal, Mark};
use super::{Contention, names};
use crate::wire::SqlState;

/// What has to run behind BEGIN, before the block's first statement.
pub(in crate::local) const OPEN: &str =
    "SET LOCAL dsql_local.capture = 'rows'; SAVEPOINT dsql_local_block";
/// Undoes all that the block has done, and lets go of all locks. The snapshot stays.
pub(in crate::local) const LET_GO: &str = "ROLLBACK TO SAVEPOINT dsql_local_block";
/// From here on triggers tell nothing, and the functions of this module do what they are asked.
const APPLYING: &str = "SET LOCAL dsql_local.capture = 'apply';\n";
/// From here on triggers tell what statements change.
const TELLING: &str = "SET LOCAL dsql_local.capture = 'rows';\n";
/// The savepoint before a statement that locks rows. It is never released: who waits for a row
/// that a released subtransaction has locked waits for the whole transaction, and would not notice
/// that [`LET_GO`] has let go of it (`XactLockTableWait`, `src/backend/storage/lmgr/lmgr.c`).
const LOCKING: &str = "SAVEPOINT dsql_local_lock";

/// How often a lock is asked for whose holder is about to let go of it. On a machine that has too
/// much to do that takes a while.
pub(in crate::local) const MOST_TRIES: u32 = 25;

/// Where the block's changes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// In the tables, with the locks of PostgreSQL.
    Direct,
    /// In the journal alone. No lock is held.
    Parked,
    /// In the journal, and in shadows on which one statement is being tried.
    Trial(Trial),
    /// In the journal, and in shadows. Somebody else has won.
    Lost,
}

impl Mode {
    /// Where a block goes from the tables.
    fn after(contention: Contention) -> Self {
        match contention {
            Contention::Conflict => Self::Lost,
            Contention::Wait => Self::Trial(Trial::Locked),
            Contention::Doubt => Self::Trial(Trial::Doubted),
        }
    }
}

/// Why a statement is tried on shadows, and so what it means that it works there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// The tables are locked. Nobody has won yet.
    Locked,
    /// A key is taken, or a reference missing, that the snapshot knows nothing of. Whoever did
    /// that has won.
    Doubted,
}

/// On what a statement has to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::local) enum Ground {
    /// On the tables, as it is.
    Tables,
    /// On shadows, with this text. What was parsed before must be parsed anew, even if the text is
    /// the same: PostgreSQL has looked its names up already.
    Shadows(Vec<u8>),
    /// On nothing: the transaction ends here with a conflict.
    Nowhere,
}

/// What follows from an error of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::local) enum Retry {
    /// Nothing: it is the answer.
    Error,
    /// Nothing, but the answer is the error that the statement met first.
    FirstError,
    /// The error did not happen: the statement runs again.
    On(Ground),
}

/// Whether a block may commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::local) enum Commit {
    /// PostgreSQL's COMMIT decides.
    Go,
    /// Another transaction has committed what this one wrote.
    Conflict,
}

/// See the module.
///
/// For every statement the front calls [`Block::ready`], runs it, and then calls [`Block::ran`] or
/// [`Block::failed`]; where the latter says so, it runs again.
#[derive(Debug)]
pub(in crate::local) struct Block {
    journal: Journal,
    mode: Mode,
    /// What the journal held before the statement that runs.
    before: Mark,
    /// The tables that have shadows.
    shadowed: HashSet<u32>,
    /// How often it has let go.
    generation: u64,
}

impl Block {
    /// A block behind whose BEGIN [`OPEN`] has run.
    pub(in crate::local) fn new() -> Self {
        Self {
            journal: Journal::default(),
            mode: Mode::Direct,
            before: Mark::default(),
            shadowed: HashSet::new(),
            generation: 0,
        }
    }

    /// Changes whenever the portals that PostgreSQL had for the block are gone.
    pub(in crate::local) fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes what a trigger told.
    pub(in crate::local) fn told(&mut self, change: Change) {
        self.journal.told(change);
    }

    /// Takes a SET that has run.
    pub(in crate::local) fn set(&mut self, sql: String) {
        self.journal.set(sql);
    }

    /// Takes a schema change that has run and can run again.
    pub(in crate::local) fn ddl(&mut self, sql: String) {
        self.journal.ddl(sql);
    }

    /// Something has happened that cannot be done again: the block keeps its locks.
    pub(in crate::local) fn keep(&mut self) {
        self.journal.give_up();
    }

    /// The size of the rows that have been changed, in bytes.
    pub(in crate::local) fn bytes(&self) -> u64 {
        self.journal.bytes()
    }

    /// True if [`Block::park`] would let go of locks.
    pub(in crate::local) fn can_park(&self) -> bool {
        self.mode == Mode::Direct && self.journal.is_complete()
    }

    /// Lets go of all locks, between two statements, because somebody waits for them. Does nothing
    /// to a block that cannot be parked.
    pub(in crate::local) async fn park<B: Behind>(
        &mut self,
        behind: &mut B,
    ) -> Result<(), B::Lost> {
        if self.can_park() {
            self.let_go(behind).await?;
            self.mode = Mode::Parked;
        }
        Ok(())
    }

    /// Tries to get back to the tables before the text of the next statement is known.
    pub(in crate::local) async fn wake<B: Behind>(
        &mut self,
        behind: &mut B,
    ) -> Result<(), B::Lost> {
        self.before = self.journal.mark();
        if self.mode == Mode::Parked {
            match self.apply(behind).await? {
                Applied::Yes => self.mode = Mode::Direct,
                Applied::No(contention) => {
                    let mode = Mode::after(contention);
                    // If this fails, so does every statement.
                    self.leave_tables(behind, mode).await?;
                }
            }
        }
        Ok(())
    }

    /// The opposite of [`Block::wake`], should no statement have come.
    pub(in crate::local) async fn rest<B: Behind>(
        &mut self,
        behind: &mut B,
    ) -> Result<(), B::Lost> {
        if self.mode == Mode::Trial(Trial::Locked) {
            self.let_go(behind).await?;
            self.mode = Mode::Parked;
        }
        Ok(())
    }

    /// Prepares for a statement, and says on what it has to run.
    pub(in crate::local) async fn ready<B: Behind>(
        &mut self,
        behind: &mut B,
        statement: &[u8],
    ) -> Result<Ground, B::Lost> {
        self.before = self.journal.mark();
        match self.mode {
            Mode::Direct => Ok(Ground::Tables),
            Mode::Parked => match self.apply(behind).await? {
                Applied::Yes => {
                    self.mode = Mode::Direct;
                    Ok(Ground::Tables)
                }
                // A schema change has no shadow.
                Applied::No(_) if self.journal.has_ddl() => Ok(Ground::Nowhere),
                Applied::No(contention) => {
                    self.try_on_shadows(behind, Mode::after(contention), statement)
                        .await
                }
            },
            Mode::Trial(_) | Mode::Lost => self.shadows(behind, statement).await,
        }
    }

    /// Says what follows from the error of a statement that [`Block::ready`] prepared for. The
    /// transaction in PostgreSQL is failed before, and after [`Retry::Error`],
    /// [`Retry::FirstError`] and [`Ground::Nowhere`].
    pub(in crate::local) async fn failed<B: Behind>(
        &mut self,
        behind: &mut B,
        statement: &[u8],
        sqlstate: SqlState,
    ) -> Result<Retry, B::Lost> {
        self.journal.back_to(self.before);
        let contention = Contention::of(sqlstate);
        match (self.mode, contention) {
            (Mode::Direct | Mode::Parked, None) => Ok(Retry::Error),
            (Mode::Direct | Mode::Parked, Some(contention)) => {
                if !self.journal.is_complete() || self.journal.has_ddl() {
                    return Ok(match contention {
                        Contention::Doubt => Retry::Error,
                        _ => Retry::On(Ground::Nowhere),
                    });
                }
                let mode = match contention {
                    // Where the row has only been looked at, nothing is lost.
                    Contention::Conflict if names::inserts_or_not(statement) => {
                        Mode::Trial(Trial::Locked)
                    }
                    contention => Mode::after(contention),
                };
                match self.try_on_shadows(behind, mode, statement).await? {
                    Ground::Nowhere if contention == Contention::Doubt => Ok(Retry::FirstError),
                    ground => Ok(Retry::On(ground)),
                }
            }
            // The snapshot says the same, or that much is wrong besides.
            (Mode::Trial(Trial::Doubted), _) => Ok(Retry::FirstError),
            // Beyond what a shadow can do.
            (_, Some(Contention::Conflict | Contention::Wait)) => Ok(Retry::On(Ground::Nowhere)),
            (_, _) => Ok(Retry::Error),
        }
    }

    /// The statement that [`Block::ready`] prepared for has run.
    pub(in crate::local) async fn ran<B: Behind>(&mut self, behind: &mut B) -> Result<(), B::Lost> {
        match self.mode {
            Mode::Trial(Trial::Doubted) => self.mode = Mode::Lost,
            Mode::Trial(Trial::Locked) => {
                self.let_go(behind).await?;
                self.mode = Mode::Parked;
            }
            Mode::Direct | Mode::Parked | Mode::Lost => {}
        }
        Ok(())
    }

    /// What has to run between [`Block::ready`] and a statement that locks rows.
    pub(in crate::local) const BEFORE_LOCKING: &'static str = LOCKING;

    /// Takes which rows a statement behind [`Block::BEFORE_LOCKING`] has locked. Runs before
    /// [`Block::ran`]; an error is the statement's.
    pub(in crate::local) async fn locked<B: Behind>(
        &mut self,
        behind: &mut B,
        statement: &[u8],
    ) -> Result<(), Failed<B::Lost>> {
        let Some(names) = names::names(statement) else {
            self.keep();
            return Ok(());
        };
        let sql = format!(
            "{APPLYING}SELECT pg_catalog.dsql_local_locked(t.id, {}) FROM (\
             SELECT DISTINCT pg_catalog.to_regclass(n)::pg_catalog.oid AS id \
             FROM pg_catalog.unnest({}) n) t WHERE t.id IS NOT NULL;\n\
             {TELLING}",
            names::locks_keys_only(statement),
            names::array(&names)
        );
        let Reply { changes, .. } = behind.run(&sql).await?;
        for change in changes {
            self.told(change);
        }
        Ok(())
    }

    /// Has triggers go on telling after the client has reset all parameters.
    pub(in crate::local) async fn tell_again<B: Behind>(
        &mut self,
        behind: &mut B,
    ) -> Result<(), B::Lost> {
        let sql = format!("{TELLING}{}", self.counted());
        match behind.run(&sql).await {
            Ok(_) => Ok(()),
            Err(Failed::Lost(lost)) => Err(lost),
            Err(Failed::Statement(_)) => {
                self.keep();
                Ok(())
            }
        }
    }

    /// Decides whether the client's COMMIT goes to PostgreSQL. After [`Commit::Conflict`] the
    /// transaction in PostgreSQL has to be rolled back.
    pub(in crate::local) async fn commit<B: Behind>(
        &mut self,
        behind: &mut B,
    ) -> Result<Commit, B::Lost> {
        match self.mode {
            Mode::Direct => Ok(Commit::Go),
            Mode::Trial(Trial::Locked) if !self.shadowed.is_empty() => Ok(Commit::Conflict),
            Mode::Parked | Mode::Trial(Trial::Locked) => {
                for _ in 0..MOST_TRIES {
                    match self.apply(behind).await? {
                        Applied::Yes => {
                            self.mode = Mode::Direct;
                            return Ok(Commit::Go);
                        }
                        Applied::No(Contention::Wait) if behind.may_try_again() => {
                            self.let_go(behind).await?;
                        }
                        // Who commits cannot wait for somebody who may yet roll back.
                        Applied::No(_) => break,
                    }
                }
                Ok(Commit::Conflict)
            }
            Mode::Trial(Trial::Doubted) | Mode::Lost => Ok(Commit::Conflict),
        }
    }

    /// Runs what cannot fail, unless the session is lost or a limit hit.
    async fn let_go<B: Behind>(&mut self, behind: &mut B) -> Result<(), B::Lost> {
        self.shadowed.clear();
        self.generation += 1;
        match behind.run(LET_GO).await {
            Ok(_) => Ok(()),
            Err(Failed::Lost(lost)) => Err(lost),
            // Without the savepoint nothing can be done; every later statement will say so.
            Err(Failed::Statement(sqlstate)) => {
                tracing::warn!(%sqlstate, "cannot roll back to the savepoint of a block");
                self.journal.give_up();
                Ok(())
            }
        }
    }

    /// Applies the journal to the tables.
    async fn apply<B: Behind>(&mut self, behind: &mut B) -> Result<Applied, B::Lost> {
        if !self.journal.is_complete() {
            return Ok(Applied::No(Contention::Conflict));
        }
        if self.journal.is_empty() {
            return Ok(Applied::Yes);
        }
        let mut sql = APPLYING.to_owned();
        self.journal.again(APPLYING, &mut sql);
        sql.push_str(TELLING);
        sql.push_str(&self.counted());
        match behind.run(&sql).await {
            Ok(_) => Ok(Applied::Yes),
            Err(Failed::Lost(lost)) => Err(lost),
            // It worked before, in the same snapshot. What is different is what others did.
            Err(Failed::Statement(sqlstate)) => Ok(Applied::No(match Contention::of(sqlstate) {
                Some(Contention::Wait) => Contention::Wait,
                _ => Contention::Conflict,
            })),
        }
    }

    /// Has the limits go on where they were.
    fn counted(&self) -> String {
        format!(
            "SET LOCAL dsql_local.rows = '{}'; SET LOCAL dsql_local.bytes = '{}'",
            self.journal.rows(),
            self.journal.bytes()
        )
    }

    /// Leaves the tables and runs a statement on shadows.
    async fn try_on_shadows<B: Behind>(
        &mut self,
        behind: &mut B,
        mode: Mode,
        statement: &[u8],
    ) -> Result<Ground, B::Lost> {
        if self.leave_tables(behind, mode).await? {
            self.shadows(behind, statement).await
        } else {
            Ok(Ground::Nowhere)
        }
    }

    /// Lets go, and takes nothing but the settings along. False if the settings cannot be set.
    async fn leave_tables<B: Behind>(
        &mut self,
        behind: &mut B,
        mode: Mode,
    ) -> Result<bool, B::Lost> {
        self.let_go(behind).await?;
        self.mode = mode;
        let mut sql = String::new();
        self.journal.settings(&mut sql);
        sql.push_str(TELLING);
        sql.push_str(&self.counted());
        match behind.run(&sql).await {
            Ok(_) => Ok(true),
            Err(Failed::Lost(lost)) => Err(lost),
            Err(Failed::Statement(_)) => Ok(false),
        }
    }

    /// Makes the shadows that a statement needs.
    async fn shadows<B: Behind>(
        &mut self,
        behind: &mut B,
        statement: &[u8],
    ) -> Result<Ground, B::Lost> {
        match self.make_shadows(behind, statement).await {
            Ok(ground) => Ok(ground),
            Err(Failed::Lost(lost)) => Err(lost),
            Err(Failed::Statement(sqlstate)) => {
                tracing::debug!(%sqlstate, "cannot make shadows");
                Ok(Ground::Nowhere)
            }
        }
    }

    async fn make_shadows<B: Behind>(
        &mut self,
        behind: &mut B,
        statement: &[u8],
    ) -> Result<Ground, Failed<B::Lost>> {
        let Some(names) = names::names(statement).filter(|_| self.journal.is_complete()) else {
            return Ok(Ground::Nowhere);
        };
        let found = behind
            .run(&format!(
                "SELECT name, id, why FROM pg_catalog.dsql_local_named({})",
                names::array(&names)
            ))
            .await?;
        let mut shadowed = HashSet::new();
        for row in found.rows {
            let [Some(name), Some(id), why] = row.as_slice() else {
                return Ok(Ground::Nowhere);
            };
            let Ok(table) = id.parse() else {
                return Ok(Ground::Nowhere);
            };
            // What a foreign key refers to is looked up as the transaction has left it.
            if name.is_empty() && !self.journal.touches(table) {
                continue;
            }
            if let Some(why) = why {
                tracing::debug!(name, why, "a statement cannot run on shadows");
                return Ok(Ground::Nowhere);
            }
            shadowed.insert(name.clone());
            if self.shadowed.insert(table) {
                let mut sql = format!("{APPLYING}SELECT pg_catalog.dsql_local_shadow({table});\n");
                self.journal.on_shadow(table, &mut sql);
                sql.push_str(TELLING);
                behind.run(&sql).await?;
            }
        }
        Ok(Ground::Shadows(names::on_shadows(statement, &names, |n| {
            shadowed.contains(n)
        })))
    }
}

/// Whether the journal could be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    Yes,
    No(Contention),
}
