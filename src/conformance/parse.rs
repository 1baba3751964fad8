//! The notation of the probes.

use std::iter::Peekable;
use std::rc::Rc;

use super::probe::{Cell, Expectation, Mark, Message, Probe, Setup, Status, Step};
use crate::wire::SqlState;

/// What separates a statement from its answer.
const ARROW: &str = " => ";

/// A file of probes that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}.probes, line {line}: {why}")]
pub struct ProbeError {
    /// The file's name.
    pub subject: String,
    /// The line.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Reads a file of probes.
///
/// ```text
/// # A comment.
/// ## A group: the four kinds of lines below hold for it alone.
/// @source Recorded, 2026-09
/// @setup CREATE TABLE t (id int PRIMARY KEY)
/// @marks inferred
/// TRUNCATE t                 => !0A000 unsupported statement: Truncate
/// SELECT count(*) FROM t     => SELECT 1 = 0
/// [simple] SELECT 1; SELECT 2 => SELECT 1 + SELECT 1
/// probe two sessions want the same row
///     a: BEGIN               => BEGIN
///     b: UPDATE t SET v = 1  => UPDATE 1
///     COPY t FROM STDIN      => COPY 1
///     < 7
/// ```
///
/// - A line is a probe: statement, `=>`, answer. A `\` at a line's end continues it.
/// - An answer is `!SQLSTATE message`, whose `…` at the end says that only the beginning counts,
///   and that may be the SQLSTATE alone, or have `!*` for a SQLSTATE that nobody knows; or `closed`
///   for a connection that ends without a word; or the command tag (`SELECT *` for any number), with
///   ` + ` between the tags of several statements, and after ` = ` the rows: ` / ` between rows,
///   `|` between columns, NULL is empty, `*` is any value, a `…` at the end as above, `{job}` a job
///   id, which later statements of the probe may use as `{job}`.
/// - A transaction status in brackets at the end, `[E]`, is needed only where it does not follow.
/// - `probe` and indented lines make a script. Its sessions are `a:`, `b:` and so on; a line without
///   one is sent by `a`.
/// - `\connect name=value & name=value` logs in anew with these startup parameters alone. `ok` is
///   the answer to one that works.
/// - Marks in brackets before a probe, or for a group with `@marks`, are those of [`Mark`].
/// - `{run}` is a name that only this run uses, and that of the schema in which it works; roles and
///   schemas whose names begin with `{run}_` are dropped with it. `{1..3:c# int}` is
///   `c1 int, c2 int, c3 int`.
///
/// # Errors
/// The first line that makes no sense.
pub fn parse(subject: &str, text: &str) -> Result<Vec<Probe>, ProbeError> {
    let lines = joined(text);
    let mut reader = Reader {
        subject,
        group: Group::default(),
        lines: lines.into_iter().peekable(),
    };
    let mut probes = Vec::new();
    while let Some((number, line)) = reader.lines.next() {
        let probe = reader.line(number, &line).map_err(|why| ProbeError {
            subject: subject.to_owned(),
            line: number,
            why,
        })?;
        probes.extend(probe);
    }
    Ok(probes)
}

/// The lines that are neither empty nor comments, with their numbers, continued ones put together.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        let (line, more) = match line.strip_suffix('\\') {
            Some(line) => (line.trim_end(), true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some((_, last)) if continues => {
                last.push(' ');
                last.push_str(line.trim_start());
            }
            _ if line.is_empty() || is_comment(line) => continue,
            _ => lines.push((index + 1, line.to_owned())),
        }
        continues = more;
    }
    lines
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') && !line.starts_with("##")
}

#[derive(Default)]
struct Group {
    title: String,
    source: Rc<str>,
    marks: Vec<Mark>,
    setup: Rc<Setup>,
}

struct Reader<'a, L: Iterator<Item = (usize, String)>> {
    subject: &'a str,
    group: Group,
    lines: Peekable<L>,
}

impl<L: Iterator<Item = (usize, String)>> Reader<'_, L> {
    fn line(&mut self, number: usize, line: &str) -> Result<Option<Probe>, String> {
        if let Some(title) = line.strip_prefix("##") {
            self.group = Group {
                title: title.trim().to_owned(),
                ..Group::default()
            };
            return Ok(None);
        }
        if self.group.title.is_empty() {
            return Err("a file begins with a group: `## title`".to_owned());
        }
        if let Some(directive) = line.strip_prefix('@') {
            return self.directive(directive).map(|()| None);
        }
        if line.starts_with(char::is_whitespace) {
            return Err("an indented line belongs to a `probe`, and none is open".to_owned());
        }
        if self.group.source.is_empty() {
            return Err("its group has no `@source`".to_owned());
        }
        let (marks, rest) = marks(line)?;
        let marks: Vec<Mark> = self.group.marks.iter().copied().chain(marks).collect();
        let script = rest.strip_prefix("probe ");
        let (title, steps) = if let Some(title) = script {
            (title.trim().to_owned(), self.script()?)
        } else {
            let mut step = step(rest)?;
            self.data(&mut step);
            (step.text.clone(), vec![step])
        };
        Ok(Some(Probe {
            subject: self.subject.to_owned(),
            line: number,
            title,
            source: Rc::clone(&self.group.source),
            marks,
            setup: Rc::clone(&self.group.setup),
            is_script: script.is_some(),
            steps,
        }))
    }

    fn directive(&mut self, directive: &str) -> Result<(), String> {
        let (name, value) = directive.split_once(' ').unwrap_or((directive, ""));
        let value = value.trim();
        match name {
            "source" => self.group.source = value.into(),
            "marks" => self.group.marks = names(value)?,
            "setup" => {
                let mut setup = (*self.group.setup).clone();
                setup.steps.push(if value.contains(ARROW) {
                    step(value)?
                } else {
                    works(value)
                });
                self.group.setup = Rc::new(setup);
            }
            other => return Err(format!("there is no `@{other}`: source, setup or marks")),
        }
        Ok(())
    }

    /// The indented lines of a script.
    fn script(&mut self) -> Result<Vec<Step>, String> {
        let mut steps: Vec<Step> = Vec::new();
        while let Some((_, line)) = self
            .lines
            .next_if(|(_, line)| line.starts_with(char::is_whitespace))
        {
            match (line.trim().strip_prefix("< "), steps.last_mut()) {
                (Some(data), Some(last)) => last.data.push(data.to_owned()),
                (Some(_), None) => return Err("data without a COPY before it".to_owned()),
                (None, _) => steps.push(step(line.trim())?),
            }
        }
        if steps.is_empty() {
            return Err("the probe has no statements: indent them below it".to_owned());
        }
        Ok(steps)
    }

    /// The lines of data below a single statement.
    fn data(&mut self, step: &mut Step) {
        let is_data = |(_, line): &(usize, String)| line.trim_start().starts_with("< ");
        while let Some((_, line)) = self.lines.next_if(is_data) {
            let data = line.trim_start().trim_start_matches("< ");
            step.data.push(data.to_owned());
        }
    }
}

/// A statement of a setup.
fn works(text: &str) -> Step {
    Step {
        session: 'a',
        text: text.to_owned(),
        data: Vec::new(),
        expect: Expectation::Success {
            tags: Vec::new(),
            rows: None,
        },
        status: None,
    }
}

fn marks(line: &str) -> Result<(Vec<Mark>, &str), String> {
    let Some(rest) = line.strip_prefix('[') else {
        return Ok((Vec::new(), line));
    };
    let (list, rest) = rest
        .split_once(']')
        .ok_or("the bracket around the marks is not closed")?;
    Ok((names(list)?, rest.trim_start()))
}

fn names(list: &str) -> Result<Vec<Mark>, String> {
    list.split_whitespace()
        .map(|name| Mark::named(name).ok_or_else(|| format!("there is no mark `{name}`")))
        .collect()
}

fn step(line: &str) -> Result<Step, String> {
    let (text, answer) = line
        .rsplit_once(ARROW)
        .ok_or("expected `STATEMENT => ANSWER`")?;
    let (session, text) = session(text.trim());
    let (answer, status) = status(answer.trim());
    Ok(Step {
        session,
        text: text.to_owned(),
        data: Vec::new(),
        expect: expectation(answer)?,
        status,
    })
}

/// `a: text`
fn session(text: &str) -> (char, &str) {
    let mut chars = text.chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some(name @ 'a'..='z'), Some(':'), Some(' ')) => (name, chars.as_str().trim_start()),
        _ => ('a', text),
    }
}

fn status(answer: &str) -> (&str, Option<Status>) {
    let ends = [
        ("[I]", Status::Idle),
        ("[T]", Status::InTransaction),
        ("[E]", Status::Failed),
    ];
    for (end, status) in ends {
        if let Some(rest) = answer.strip_suffix(end) {
            return (rest.trim_end(), Some(status));
        }
    }
    (answer, None)
}

fn expectation(answer: &str) -> Result<Expectation, String> {
    if let Some(error) = answer.strip_prefix('!') {
        let (code, text) = error.split_once(' ').unwrap_or((error, ""));
        let sqlstate = match code {
            "*" => None,
            _ => Some(SqlState::parse(code.as_bytes()).ok_or_else(|| {
                format!("`{code}` is no SQLSTATE: five digits or capital letters")
            })?),
        };
        let message = match (text, text.strip_suffix('…')) {
            ("", _) => Message::Any,
            (_, Some(start)) => Message::Prefix(start.to_owned()),
            (whole, None) => Message::Exact(whole.to_owned()),
        };
        return Ok(Expectation::Error { sqlstate, message });
    }
    if answer == "closed" {
        return Ok(Expectation::Closed);
    }
    let (tags, rows) = match answer.split_once(" = ") {
        Some((tags, rows)) => (tags, Some(rows)),
        None => (answer, None),
    };
    if !tags.starts_with(|c: char| c.is_ascii_uppercase()) && tags != "ok" {
        return Err(format!(
            "`{tags}` is no command tag; an error begins with `!`"
        ));
    }
    let tags = if tags == "ok" {
        Vec::new()
    } else {
        tags.split(" + ").map(|tag| tag.trim().to_owned()).collect()
    };
    let rows = rows.map(|rows| rows.split(" / ").map(row).collect());
    Ok(Expectation::Success { tags, rows })
}

fn row(text: &str) -> Vec<Cell> {
    text.trim().split('|').map(cell).collect()
}

fn cell(text: &str) -> Cell {
    if text == "*" {
        return Cell::Any;
    }
    let job = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    if let Some(name) = job.filter(|name| name.starts_with("job")) {
        return Cell::Job(name.to_owned());
    }
    match text.strip_suffix('…') {
        Some(start) => Cell::Prefix(start.to_owned()),
        None => Cell::Exact(text.to_owned()),
    }
}
