//! Facts about Aurora DSQL, each with its source and date.
//!
//! - **Owns** what DSQL refuses and how it says so, by subject: statements, objects, types, tables,
//!   indexes, queries, functions, parameters, roles; its limits, endpoint names and timeline.
//! - **May touch** nothing.
//! - **Must not** decide what to do about a fact: that is `compat`, and for the local cluster `local`.
//! - **Invariants** every fact names its source, and the date up to which it is known to hold.

pub mod alter_table;
pub mod conflict;
pub mod endpoint;
pub mod fact;
pub mod functions;
pub mod indexes;
pub mod limits;
pub mod objects;
pub mod parameters;
pub mod queries;
pub mod roles;
pub mod sequences;
pub mod statements;
pub mod tables;
pub mod timeline;
pub mod types;
