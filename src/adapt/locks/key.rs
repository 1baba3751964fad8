//! What is locked.

use std::fmt;

/// The key of an advisory lock. The two forms are two spaces, which do not overlap (manual,
/// §9.28.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockKey {
    /// One `bigint`.
    One(i64),
    /// Two `integer`s.
    Two(i32, i32),
}

impl LockKey {
    /// `classid`, `objid` and `objsubid`, as `pg_locks` shows them (manual, "pg_locks").
    pub fn tag(self) -> (u32, u32, u16) {
        match self {
            Self::One(key) => {
                let bits = key.cast_unsigned();
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "these are the two halves of the key"
                )]
                let halves = ((bits >> 32) as u32, bits as u32);
                (halves.0, halves.1, 1)
            }
            Self::Two(first, second) => (first.cast_unsigned(), second.cast_unsigned(), 2),
        }
    }
}

/// As PostgreSQL's messages name it, but for the database's oid in front, which is not known here.
impl fmt::Display for LockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, object, space) = self.tag();
        write!(f, "advisory lock [{class},{object},{space}]")
    }
}
