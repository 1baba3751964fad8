//! What a statement changed in one table, as a trigger told it.

use super::super::bootstrap::OWN;

/// What was done to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::local) enum Operation {
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// FOR UPDATE: the row counts as written.
    Lock,
    /// FOR KEY SHARE.
    KeyShare,
}

impl Operation {
    const TABLE: [(Self, &'static str); 5] = [
        (Self::Insert, "I"),
        (Self::Update, "U"),
        (Self::Delete, "D"),
        (Self::Lock, "L"),
        (Self::KeyShare, "K"),
    ];

    fn parse(letter: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find_map(|(operation, known)| (*known == letter).then_some(*operation))
    }

    fn letter(self) -> &'static str {
        Self::TABLE
            .iter()
            .find_map(|(operation, letter)| (*operation == self).then_some(*letter))
            .unwrap_or_default()
    }

    /// True if it is a change that counts against the transaction's row limit.
    pub(in crate::local) fn writes(self) -> bool {
        matches!(self, Self::Insert | Self::Update | Self::Delete)
    }
}

/// What one statement changed in one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::local) struct Change {
    /// The table's object id, also where its shadow was changed.
    pub(in crate::local) table: u32,
    /// What was done.
    pub(in crate::local) operation: Operation,
    /// To how many rows.
    pub(in crate::local) rows: u64,
    /// Their size in bytes.
    pub(in crate::local) bytes: u64,
    /// The rows themselves; `None` where they are too many to ever be committed.
    content: Option<Content>,
}

/// Rows as `dsql_local_pack` packs them: base64, so that they go into a literal as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    before: Option<String>,
    after: Option<String>,
}

impl Change {
    /// Reads a notice's detail: `TABLE OPERATION ROWS BYTES [BEFORE] [AFTER]`.
    pub(in crate::local) fn parse(detail: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(detail).ok()?.split(' ');
        let table = words.next()?.parse().ok()?;
        let operation = Operation::parse(words.next()?)?;
        let rows = words.next()?.parse().ok()?;
        let bytes = words.next()?.parse().ok()?;
        let packed: Vec<&str> = words.collect();
        if !packed.iter().all(|text| is_base64(text)) {
            return None;
        }
        let owned = |text: &&str| Some((*text).to_owned());
        let content = match (operation, packed.as_slice()) {
            (_, []) => None,
            (Operation::Insert, [after]) => Some((None, owned(after))),
            (Operation::Delete, [before]) => Some((owned(before), None)),
            (Operation::Update | Operation::Lock | Operation::KeyShare, [before, after]) => {
                Some((owned(before), owned(after)))
            }
            _ => return None,
        };
        Some(Self {
            table,
            operation,
            rows,
            bytes,
            content: content.map(|(before, after)| Content { before, after }),
        })
    }

    /// True if it can be applied again.
    pub(in crate::local) fn is_complete(&self) -> bool {
        self.content.is_some()
    }

    /// How much memory it takes, in bytes.
    pub(in crate::local) fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.content
            .as_ref()
            .map_or(0, |c| length(&c.before) + length(&c.after))
    }

    /// Writes the statement that applies it again, to the table or to its shadow.
    pub(in crate::local) fn apply(&self, to: Target, sql: &mut String) {
        let Some(content) = &self.content else { return };
        let function = match to {
            Target::Table => "apply",
            Target::Shadow => "apply_to_shadow",
        };
        let literal = |text: &Option<String>| match text {
            Some(text) => format!("'{text}'"),
            None => "NULL".to_owned(),
        };
        let call = format!(
            "SELECT pg_catalog.{OWN}_{function}({}, '{}', {}, {});\n",
            self.table,
            self.operation.letter(),
            literal(&content.before),
            literal(&content.after)
        );
        sql.push_str(&call);
    }
}

/// Where a change is applied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::local) enum Target {
    /// The table itself.
    Table,
    /// The table's shadow.
    Shadow,
}

fn is_base64(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
}

#[cfg(test)]
mod tests;
