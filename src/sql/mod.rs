//! SQL text, seen as tokens.
//!
//! - **Owns** the lossless lexer, a reader of words, statement splitting, statement kinds, the parse
//!   of SET, RESET and SHOW, what a text may do to its session.
//! - **May touch** text only.
//! - **Must not** know the wire protocol or tokio.
//! - **Invariants** the tokens of a text, put together, are the text.
//!
//! Texts are bytes: a client may send any encoding, and PostgreSQL's lexer treats every byte from
//! 0x80 as a letter. Everything here follows `PostgreSQL`'s manual §4.1 with
//! `standard_conforming_strings` on, which is how Aurora DSQL runs.

pub mod begin;
mod constant;
mod cursor;
mod deallocate;
mod execute;
pub mod glance;
pub mod kind;
pub mod lexer;
mod lock_call;
pub mod modes;
mod process_call;
mod read_only;
pub mod reader;
pub mod set;
mod set_value;
pub mod setting_call;
pub mod split;

pub use begin::{Begin, End, plain_begin, plain_end};
pub use deallocate::{Deallocated, deallocated, plain_name};
pub use execute::named_by_sql;
pub use glance::{Count, Glance, PinReason, Traits, glance};
pub use kind::{StatementKind, is_single_statement, kind, single_statement};
pub use lexer::{Lexer, StringForm, Token, TokenKind, Unterminated};
pub use lock_call::{
    IntegerType, LockArgument, LockArguments, LockCall, LockFunction, LockMode, LockResult,
    LockScope, LockStatement, LockValue, lock_statement, mentions_advisory_lock,
};
pub use modes::{BeginStatement, Isolation, Modes, begin_statement, transaction_modes};
pub use process_call::{NamedProcess, ProcessCall, ProcessFunction, process_call};
pub use read_only::surely_read_only;
pub use reader::{Reader, is_asynchronous};
pub use set::{Scope, SetStatement, Target, Value, Verb, parse_set};
pub use set_value::set_values;
pub use setting_call::{Argument, SettingCall, SettingCalls, SettingFunction, setting_calls};
pub use split::{Statement, Statements, statements};

#[cfg(test)]
mod tests;
