//! `SELECT pg_advisory_lock(…)` and its family: statements about advisory locks, which somebody
//! else than the server may keep.
//!
//! What is read is what tools send (2026-11): calls that are the whole select list (`SELECT
//! pg_try_advisory_lock($1) AS locked`, also several, also with `::text` behind, for clients that
//! cannot read `void`), and one call in FROM (`SELECT 1 FROM pg_advisory_xact_lock(…)`, Prisma
//! Client's way round `void`; `SELECT * FROM …`).

mod argument;
mod function;
mod parse;

pub use argument::{IntegerType, LockArgument, LockArguments};
#[cfg(test)]
pub(super) use function::FUNCTIONS;
pub use function::{LockFunction, LockMode, LockResult, LockScope};
pub use parse::lock_statement;

/// A call of one of the functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockCall<'a> {
    /// Which.
    pub function: LockFunction,
    /// With what.
    pub arguments: LockArguments<'a>,
    /// The name of its column: an alias, or the function's name.
    pub column: Vec<u8>,
    /// The type of its column.
    pub result: LockResult,
}

/// What a call returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockValue {
    /// Nothing: the functions that wait, and `pg_advisory_unlock_all`.
    Void,
    /// Whether it could lock or unlock.
    Bool(bool),
    /// The functions are strict: one of the arguments was null, and nothing was done.
    Null,
}

/// A statement that calls functions of advisory locks and does nothing else of note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockStatement<'a> {
    /// The calls, in the order in which they run; at least one.
    pub calls: Vec<LockCall<'a>>,
    /// What stands around a call in FROM; none where the calls are the columns of the only row.
    around: Option<Around<'a>>,
}

/// A statement with a call in FROM, without the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Around<'a> {
    /// `SELECT … FROM`
    before: &'a [u8],
    /// `WHERE …`, or nothing.
    behind: &'a [u8],
}

impl LockStatement<'_> {
    /// True if some argument has to be computed by the server: it is neither a literal nor a
    /// parameter.
    pub fn has_expressions(&self) -> bool {
        let mut arguments = self.calls.iter().flat_map(|call| call.arguments.iter());
        arguments.any(|argument| matches!(argument, LockArgument::Expression(_)))
    }

    /// A query that returns all arguments of all calls, in order, as one row of `int8` and `int4`.
    /// It has the statement's parameters, with the types that PostgreSQL would infer. With no
    /// argument at all, the row is empty.
    pub fn evaluation(&self) -> Vec<u8> {
        let mut text = b"SELECT".to_vec();
        for (at, (argument, cast)) in self.calls.iter().flat_map(LockCall::typed).enumerate() {
            text.extend_from_slice(if at > 0 { b", (" } else { b" (" });
            argument.write(&mut text);
            text.extend_from_slice(b")::");
            text.extend_from_slice(cast.name().as_bytes());
        }
        text
    }

    /// The statement for the server, with what its call returned in place of the call; none where
    /// the calls are all there is, so that the row is their values. It has the same parameters. In
    /// place of `void` stands an empty `text`, which looks the same.
    pub fn with_value(&self, value: LockValue) -> Option<Vec<u8>> {
        let around = self.around?;
        let call = self.calls.first()?;
        let value: &[u8] = match (value, call.function.result()) {
            (LockValue::Bool(true), _) => b"true",
            (LockValue::Bool(false), _) => b"false",
            (LockValue::Void, _) => b"''::text",
            (LockValue::Null, LockResult::Bool) => b"NULL::bool",
            (LockValue::Null, _) => b"NULL::text",
        };
        let mut text = around.before.to_vec();
        let name = quoted(&call.column);
        text.extend_from_slice(b" (SELECT ");
        text.extend_from_slice(value);
        text.extend_from_slice(b" AS ");
        text.extend_from_slice(&name);
        let mut arguments = call.arguments.iter();
        if !arguments.all(|argument| matches!(argument, LockArgument::Integer(_))) {
            // The parameters stay, and keep their types.
            text.extend_from_slice(b" FROM (");
            text.extend_from_slice(&self.evaluation());
            text.extend_from_slice(b") AS arguments");
        }
        text.extend_from_slice(b") AS ");
        text.extend_from_slice(&name);
        if !around.behind.is_empty() {
            text.push(b' ');
            text.extend_from_slice(around.behind);
        }
        Some(text)
    }
}

impl LockCall<'_> {
    /// The arguments with the types of the function's.
    fn typed(&self) -> impl Iterator<Item = (&LockArgument<'_>, IntegerType)> {
        let cast = match self.arguments {
            LockArguments::Two(..) => IntegerType::Int4,
            LockArguments::None | LockArguments::One(_) => IntegerType::Int8,
        };
        self.arguments.iter().map(move |argument| (argument, cast))
    }
}

fn quoted(name: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for &byte in name {
        text.push(byte);
        if byte == b'"' {
            text.push(byte);
        }
    }
    text.push(b'"');
    text
}

/// Whether a text may call any of the functions: it contains what their names have in common, be
/// it in a string or comment.
pub fn mentions_advisory_lock(text: &[u8]) -> bool {
    const COMMON: &[u8] = b"advisory_";
    memchr::memchr2_iter(b'a', b'A', text).any(|at| {
        text.get(at..at + COMMON.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(COMMON))
    })
}

#[cfg(test)]
mod tests;
