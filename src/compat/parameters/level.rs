//! `client_min_messages`: which notices a client gets.

/// A level, the most talkative first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// DEBUG5.
    Debug5,
    /// DEBUG4.
    Debug4,
    /// DEBUG3.
    Debug3,
    /// DEBUG2.
    Debug2,
    /// DEBUG1.
    Debug1,
    /// LOG.
    Log,
    /// INFO, which always goes out and hides what is below it.
    Info,
    /// NOTICE.
    Notice,
    /// WARNING.
    Warning,
    /// ERROR: no notice at all.
    Error,
}

const WORDS: &[(&str, Level)] = &[
    ("debug5", Level::Debug5),
    ("debug4", Level::Debug4),
    ("debug3", Level::Debug3),
    ("debug2", Level::Debug2),
    ("debug1", Level::Debug1),
    ("log", Level::Log),
    ("info", Level::Info),
    ("notice", Level::Notice),
    ("warning", Level::Warning),
    ("error", Level::Error),
];

impl Level {
    /// The level that `client_min_messages` shows as `word`.
    pub fn from_name(word: &str) -> Option<Self> {
        let found = WORDS.iter().find(|(name, _)| *name == word);
        found.map(|(_, level)| *level)
    }

    /// Whether a NoticeResponse of this severity (field V, or S of an English server) goes to the
    /// client (`should_output_to_client` of `elog.c`). What is not known goes.
    pub fn lets_pass(self, severity: &[u8]) -> bool {
        let level = match severity {
            // Which of the five is not said.
            b"DEBUG" => Self::Debug1,
            b"LOG" => Self::Log,
            b"NOTICE" => Self::Notice,
            b"WARNING" => Self::Warning,
            _ => return true,
        };
        level >= self
    }
}
