//! Running probes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::{check, check_error, shown};
use super::client::{LoginError, Session, Target};
use super::expand::{Names, expand};
use super::fixture::Fixture;
use super::probe::{Expectation, Mark, Probe, Status, Step, letter};
use super::report::{Failure, Report};
use super::variant::{Protocol, Variant};
use crate::sql::{self, StatementKind};
use crate::wire::{ErrorResponse, Severity, SqlState};

/// How probes are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// A name for the run and its schema: lower-case letters, digits and underscores, such as no
    /// other schema or role has.
    pub name: String,
    /// The longest wait for the answer to one statement.
    pub patience: Duration,
    /// How often a probe is begun anew that met a change of the catalog by somebody else (OC001),
    /// as happens on clusters that others use.
    pub retries: usize,
    /// Whether the marked probes for a local cluster are run.
    pub is_local: bool,
    /// Whether a proxy stands in between, so that the marked probes of the connection are not run.
    pub is_proxied: bool,
    /// Runs only probes whose subject, place or statements hold this text.
    pub filter: Option<String>,
}

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nobody answers, or the schema cannot be made.
    #[error("{0}")]
    Setup(String),
    /// No probe is left.
    #[error("no probe has {0:?} in its subject, its place or its statements")]
    NothingLeft(String),
}

/// Runs the probes, tells `progress` of every failure as soon as it is known, and cleans up.
///
/// # Errors
/// [`RunError`] if the schema of the run cannot be made or dropped.
pub async fn run(
    target: &Target,
    suite: &[Probe],
    options: &RunOptions,
    progress: &mut dyn FnMut(&Failure),
) -> Result<Report, RunError> {
    let chosen: Vec<_> = suite
        .iter()
        .filter(|probe| is_chosen(probe, options))
        .collect();
    if chosen.is_empty() {
        let filter = options.filter.clone().unwrap_or_default();
        return Err(RunError::NothingLeft(filter));
    }
    let mut runner = Runner {
        target,
        options,
        fixture: Fixture::new(&options.name, options.patience),
        sessions: BTreeMap::new(),
    };
    // What fails here fails for every probe.
    runner
        .fixture
        .empty(target)
        .await
        .map_err(RunError::Setup)?;
    let mut report = Report::default();
    for probe in chosen {
        let failures = runner.probe(probe).await;
        failures.iter().for_each(&mut *progress);
        report.add(probe, failures);
    }
    runner.fixture.expect_strays();
    runner
        .fixture
        .empty(target)
        .await
        .map_err(RunError::Setup)?;
    Ok(report)
}

/// Drops what a run of this name has left, such as one that was interrupted.
///
/// # Errors
/// [`RunError`] if it cannot be dropped.
pub async fn clean_up(target: &Target, options: &RunOptions) -> Result<(), RunError> {
    let mut fixture = Fixture::new(&options.name, options.patience);
    fixture.expect_strays();
    fixture.empty(target).await.map_err(RunError::Setup)
}

fn is_chosen(probe: &Probe, options: &RunOptions) -> bool {
    let elsewhere = if options.is_local {
        Mark::Remote
    } else {
        Mark::Local
    };
    let is_in_the_way = options.is_proxied && probe.is(Mark::Direct);
    let wanted = options.filter.as_ref().is_none_or(|filter| {
        probe.place().contains(filter)
            || probe.title.contains(filter)
            || probe.steps.iter().any(|step| step.text.contains(filter))
    });
    wanted && !probe.is(elsewhere) && !is_in_the_way
}

struct Runner<'a> {
    target: &'a Target,
    options: &'a RunOptions,
    fixture: Fixture,
    sessions: BTreeMap<char, Open>,
}

/// A session that later probes may use.
struct Open {
    session: Session,
    status: Status,
    /// Whether it has set something.
    is_used: bool,
}

/// A step that was answered otherwise.
struct Mismatch {
    statement: String,
    expected: String,
    came: String,
    /// Whether somebody else's change of the catalog did it.
    is_stale: bool,
}

impl Mismatch {
    fn new(statement: &str, expected: &dyn ToString, came: impl Into<String>) -> Self {
        Self {
            statement: statement.to_owned(),
            expected: expected.to_string(),
            came: came.into(),
            is_stale: false,
        }
    }
}

impl Runner<'_> {
    /// Runs a probe in all ways. Ways that failed alike are put together.
    async fn probe(&mut self, probe: &Probe) -> Vec<Failure> {
        let mut failures: Vec<Failure> = Vec::new();
        for variant in Variant::of(probe) {
            let Err(wrong) = Box::pin(self.variant(probe, variant)).await else {
                continue;
            };
            let alike = |other: &&mut Failure| {
                other.statement == wrong.statement
                    && other.expected == wrong.expected
                    && other.came == wrong.came
            };
            if let Some(other) = failures.iter_mut().find(alike) {
                other.variants.push(variant);
                continue;
            }
            failures.push(Failure {
                place: probe.place(),
                statement: wrong.statement,
                variants: vec![variant],
                expected: wrong.expected,
                came: wrong.came,
                is_inferred: probe.is(Mark::Inferred),
                source: probe.source.to_string(),
            });
        }
        failures
    }

    async fn variant(&mut self, probe: &Probe, variant: Variant) -> Result<(), Mismatch> {
        let mut left = self.options.retries;
        loop {
            let outcome = self.attempt(probe, variant).await;
            self.finish(variant).await;
            match outcome {
                Err(wrong) if wrong.is_stale && left > 0 => {
                    left -= 1;
                    // A new connection knows the newest catalog.
                    self.sessions.clear();
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&mut self, probe: &Probe, variant: Variant) -> Result<(), Mismatch> {
        let mut names = self
            .fixture
            .prepare(self.target, &probe.setup)
            .await
            .map_err(|error| Mismatch::new(&probe.title, &"a setup that works", error))?;
        let mut steps = probe.setup.steps.iter().chain(&probe.steps);
        if steps.any(|step| step.text.contains("{run}_")) {
            self.fixture.expect_strays();
        }
        for step in variant.steps(probe) {
            if step.text.starts_with('\\') {
                self.connect(&step, &mut names).await?;
            } else {
                self.step(&step, variant.protocol, &mut names).await?;
            }
        }
        Ok(())
    }

    async fn step(
        &mut self,
        step: &Step,
        protocol: Protocol,
        names: &mut Names,
    ) -> Result<(), Mismatch> {
        let sql = expand(&step.text, names);
        let wrong = |came: String| Mismatch::new(&sql, &step.expect, came);
        let path = [("search_path".to_owned(), self.options.name.clone())];
        self.open(step.session, &path)
            .await
            .map_err(|error| wrong(error.to_string()))?;
        let Some(open) = self.sessions.get_mut(&step.session) else {
            return Err(wrong("no session".to_owned()));
        };
        let before = open.status;
        let patience = self.options.patience;
        let reply = open.session.ask(protocol, &sql, &step.data, patience).await;
        let reply = match reply {
            Ok(reply) => reply,
            Err(why) => {
                // What it did is not known.
                self.sessions.remove(&step.session);
                self.fixture.spoil();
                return Err(wrong(why));
            }
        };
        // A function may have changed something, too, such as nextval.
        let is_select = reply.tags.iter().any(|tag| tag.starts_with("SELECT"));
        if reply.tags.iter().any(|tag| !leaves_no_trace(tag))
            || (is_select && !sql::surely_read_only(sql.as_bytes()))
        {
            self.fixture.spoil();
        }
        open.is_used |= reply.tags.iter().any(|tag| marks_session(tag));
        match reply.status {
            Some(status) => open.status = status,
            None => {
                self.sessions.remove(&step.session);
            }
        }
        if let Err(came) = check(&step.expect, &reply, protocol, names) {
            // Who knows what it did instead.
            self.fixture.spoil();
            if let Some(open) = self.sessions.get_mut(&step.session) {
                open.is_used = true;
            }
            let is_stale = reply.error.as_ref().is_some_and(is_stale_catalog);
            return Err(Mismatch {
                is_stale,
                ..wrong(came)
            });
        }
        if step.expect == Expectation::Closed {
            return Ok(());
        }
        let expected = step
            .status
            .unwrap_or_else(|| status_after(before, &sql, &reply.tags, reply.error.is_some()));
        match reply.status {
            Some(status) if status == expected => Ok(()),
            Some(status) => Err(Mismatch::new(
                &sql,
                &format!("transaction status {}", letter(expected)),
                letter(status),
            )),
            None => Err(wrong("then the connection was closed".to_owned())),
        }
    }

    /// Logs in as a `\connect` says.
    async fn connect(&mut self, step: &Step, names: &mut Names) -> Result<(), Mismatch> {
        let text = expand(&step.text, names);
        let wrong = |came: String| Mismatch::new(&text, &step.expect, came);
        let parameters = parameters(&text).map_err(wrong)?;
        self.sessions.remove(&step.session);
        match (self.open(step.session, &parameters).await, &step.expect) {
            (Ok(()), Expectation::Success { .. }) => Ok(()),
            (Ok(()), _) => Err(wrong("logged in".to_owned())),
            (Err(LoginError::Refused(error)), Expectation::Error { sqlstate, message }) => {
                check_error(*sqlstate, message, &error, Severity::Fatal, names).map_err(wrong)
            }
            (Err(LoginError::Refused(error)), _) => Err(wrong(shown(&error))),
            (Err(error), _) => Err(wrong(error.to_string())),
        }
    }

    /// Makes sure that there is a session of this name.
    async fn open(&mut self, name: char, path: &[(String, String)]) -> Result<(), LoginError> {
        if self.sessions.contains_key(&name) {
            return Ok(());
        }
        let session = self.target.connect(path, self.options.patience).await?;
        let open = Open {
            session,
            status: Status::Idle,
            is_used: path.iter().any(|(name, _)| name != "search_path") || path.is_empty(),
        };
        self.sessions.insert(name, open);
        Ok(())
    }

    /// Leaves no transaction open, and no session that another probe should not get.
    async fn finish(&mut self, variant: Variant) {
        let patience = self.options.patience;
        let mut kept = BTreeMap::new();
        for (name, mut open) in std::mem::take(&mut self.sessions) {
            if open.status != Status::Idle {
                let ended = open
                    .session
                    .ask(variant.protocol, "ROLLBACK", &[], patience)
                    .await;
                if !ended.is_ok_and(|reply| reply.status == Some(Status::Idle)) {
                    continue;
                }
            }
            if !open.is_used {
                open.status = Status::Idle;
                kept.insert(name, open);
            }
        }
        self.sessions = kept;
    }
}

/// Tags of statements after which the schema is what it was. Those that changed something in a
/// transaction that was rolled back count as changes, too: nobody has to think about it.
fn leaves_no_trace(tag: &str) -> bool {
    let word = tag.split(' ').next().unwrap_or_default();
    let words = [
        "SELECT",
        "SHOW",
        "SET",
        "RESET",
        "BEGIN",
        "START",
        "COMMIT",
        "ROLLBACK",
        "EXPLAIN",
        "DEALLOCATE",
    ];
    words.contains(&word)
}

/// Tags of statements that the session remembers.
fn marks_session(tag: &str) -> bool {
    ["SET", "RESET", "PREPARE", "DECLARE CURSOR", "LISTEN"].contains(&tag)
}

/// DSQL says so in parentheses (recorded, 2026-09).
fn is_stale_catalog(error: &ErrorResponse) -> bool {
    error.sqlstate == SqlState::SERIALIZATION_FAILURE && error.message.contains("(OC001)")
}

/// The transaction status after an answer, by PostgreSQL's rules.
fn status_after(before: Status, sql: &str, tags: &[String], failed: bool) -> Status {
    if failed {
        let ends = matches!(
            sql::kind(sql.as_bytes()),
            StatementKind::Commit | StatementKind::Rollback
        );
        return match before {
            Status::Idle => Status::Idle,
            Status::InTransaction if ends => Status::Idle,
            Status::InTransaction | Status::Failed => Status::Failed,
        };
    }
    tags.iter().fold(before, |status, tag| match tag.as_str() {
        "BEGIN" | "START TRANSACTION" => Status::InTransaction,
        "COMMIT" | "ROLLBACK" => Status::Idle,
        _ => status,
    })
}

/// `\connect name=value & name=value`
fn parameters(text: &str) -> Result<Vec<(String, String)>, String> {
    let list = text
        .strip_prefix("\\connect")
        .ok_or("only `\\connect` begins with a backslash")?;
    list.split(" & ")
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| format!("`{pair}` is not name=value"))?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}
