//! Conversations of one or more sessions with servers, message by message.

mod blocks;
mod cancel;
mod conflicts;
mod copy;
mod folded;
mod groups;
mod login;
mod loss;
mod model;
mod names;
mod notation;
mod parameters;
mod pins;
mod property;
mod refusals;
mod sequences;
mod talk;
mod world;

const INSERT: &str = "insert into t values (1)";
