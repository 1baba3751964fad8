//! Against a real PostgreSQL, without the front.

mod blocks;
mod rows;
mod server;
