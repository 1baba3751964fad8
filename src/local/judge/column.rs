//! Columns: their types, and what stands behind a type.

use std::ops::Range;

use super::Refusal;
use super::reader::{Name, Reader};
use super::sequence;
use crate::dsql::types::{self, Column as Allowed, Type};
use crate::dsql::{limits, tables};

/// A type as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    /// What it means; `None` for types that PostgreSQL does not bring.
    of: Option<&'static Type>,
    /// Its last name, as PostgreSQL compares it.
    written: String,
    /// Whether a schema stands before it.
    qualified: bool,
    length: Option<i64>,
    array: bool,
}

impl TypeName {
    /// Reads a type: key words of PostgreSQL's grammar (`SimpleTypename`), or any name, then a
    /// length and bounds. `None` where no name is next.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.take("SETOF");
        let mut this = key_words(reader).or_else(|| Self::named(&reader.qualified()))?;
        if let Some(modifiers) = reader.group() {
            this.length = modifiers.first().cloned().and_then(|mut m| m.integer());
        }
        // `float(p)` is real up to 24 bits.
        if this.written == "float" && this.length.is_some_and(|p| p <= 24) {
            this.of = types::named("float4");
        }
        if this.written == "time" || this.written == "timestamp" {
            if reader.takes("WITH TIME ZONE") {
                this.of = types::named(if this.written == "time" {
                    "timetz"
                } else {
                    "timestamptz"
                });
            } else {
                reader.takes("WITHOUT TIME ZONE");
            }
        }
        if this.of.is_some_and(|of| of.name == "interval") {
            interval_fields(reader);
        }
        if reader.is_punctuation(b'[') {
            this.array = true;
            while reader.is_punctuation(b'[') {
                reader.skip();
            }
        } else if reader.take("ARRAY") {
            this.array = true;
            if reader.is_punctuation(b'[') {
                reader.skip();
            }
        }
        Some(this)
    }

    fn of(name: &str, written: &str) -> Self {
        Self {
            of: types::named(name),
            written: written.to_owned(),
            qualified: false,
            length: None,
            array: false,
        }
    }

    fn named(parts: &[Name]) -> Option<Self> {
        let last = parts.last()?;
        let schema = parts.len().checked_sub(2).and_then(|i| parts.get(i));
        let mut name = last.text.as_str();
        if schema.is_none() && !last.quoted {
            let word = types::KEY_WORDS.iter().find(|(word, _)| *word == name);
            name = word.map_or(name, |(_, name)| name);
        }
        let mut this = Self::of(name, &last.text);
        // The arrays of PostgreSQL's types have names of their own.
        if this.of.is_none() {
            this.of = name.strip_prefix('_').and_then(types::named);
            this.array = this.of.is_some();
        }
        if let Some(schema) = schema {
            this.qualified = true;
            if schema.text != "pg_catalog" {
                this.of = None;
                this.array = false;
            }
        }
        Some(this)
    }

    /// As PostgreSQL prints it, without a length.
    pub(super) fn printed(&self) -> String {
        let name = self.of.map_or(self.written.as_str(), |of| of.printed);
        let brackets = if self.array { "[]" } else { "" };
        format!("{name}{brackets}")
    }

    pub(super) fn is(&self, name: &str) -> bool {
        !self.array && self.of.is_some_and(|of| of.name == name)
    }

    /// Whether a column may have it. Types that PostgreSQL does not bring are domains, if they
    /// exist: PostgreSQL knows.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !self.qualified && types::SERIAL.contains(&self.written.as_str()) {
            return Err(Refusal::about(&types::DOES_NOT_EXIST, &self.printed()));
        }
        let Some(of) = self.of else { return Ok(()) };
        if self.array || matches!(of.column, Allowed::No | Allowed::Unlisted) {
            return Err(Refusal::about(&types::NOT_SUPPORTED, &self.printed()));
        }
        let longest = match of.name {
            "varchar" => &limits::VARCHAR_LENGTH,
            "bpchar" => &limits::CHAR_LENGTH,
            _ => return Ok(()),
        };
        match self.length.and_then(|length| u64::try_from(length).ok()) {
            Some(length) if length > longest.value => Err(Refusal::limit(longest, length)),
            _ => Ok(()),
        }
    }

    /// Whether a key may have it.
    pub(super) fn check_key(&self) -> Result<(), Refusal> {
        match self.of {
            Some(of) if of.column == Allowed::NotInKey && !self.array => {
                Err(Refusal::about(&types::NOT_IN_KEY, of.printed))
            }
            _ => Ok(()),
        }
    }
}

/// The types of more than one key word, and those whose key words mean something else in quotes.
fn key_words(reader: &mut Reader<'_>) -> Option<TypeName> {
    let mut ahead = reader.clone();
    let found = if ahead.takes("DOUBLE PRECISION") {
        TypeName::of("float8", "double precision")
    } else if ahead.takes("NATIONAL CHARACTER")
        || ahead.takes("NATIONAL CHAR")
        || ahead.take("CHARACTER")
        || ahead.take("CHAR")
        || ahead.take("NCHAR")
    {
        if ahead.take("VARYING") {
            TypeName::of("varchar", "varchar")
        } else {
            TypeName::of("bpchar", "bpchar")
        }
    } else if ahead.take("BIT") {
        if ahead.take("VARYING") {
            TypeName::of("varbit", "varbit")
        } else {
            TypeName::of("bit", "bit")
        }
    } else {
        return None;
    };
    if ahead.is_punctuation(b'.') {
        return None;
    }
    *reader = ahead;
    Some(found)
}

fn interval_fields(reader: &mut Reader<'_>) {
    let fields = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO"];
    while reader.is_any(&fields) {
        reader.advance();
        if reader.is_punctuation(b'(') {
            reader.skip();
        }
    }
}

/// A column's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) type_name: TypeName,
    pub(super) key: Option<Key>,
    /// Where `STORAGE x` stands, which does nothing in DSQL (2026-08-07) and which PostgreSQL
    /// knows at this place since release 16.
    pub(super) storage: Option<Range<usize>>,
    /// Whether anything but STORAGE, COMPRESSION, NULL and COLLATE stands behind the type.
    pub(super) constrained: bool,
}

/// Of which key a column is, by its own definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Primary,
    Unique,
}

impl Column {
    /// Reads a column's definition up to its constraints. `None` for what is none.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = reader.name()?;
        let type_name = TypeName::read(reader)?;
        let mut column = Self {
            name: name.text,
            type_name,
            key: None,
            storage: None,
            constrained: false,
        };
        let start = reader.position();
        if reader.take("STORAGE") {
            reader.name();
            column.storage = Some(start..reader.end_of_read());
        }
        if reader.take("COMPRESSION") {
            reader.name();
        }
        // Which says what holds anyway; AWS's linter accepts it (2026-10).
        while reader.take("NULL") {}
        column.constrained = !reader.at_end() && !reader.is("COLLATE");
        Some(column)
    }

    /// Reads and checks what stands behind [`Self::read`].
    pub(super) fn check(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        self.type_name.check()?;
        while !reader.at_end() {
            if reader.is("COLLATE") {
                return Err(Refusal::from(&tables::COLLATE));
            }
            if reader.takes("PRIMARY KEY") {
                self.key = Some(Key::Primary);
            } else if reader.take("UNIQUE") {
                self.key.get_or_insert(Key::Unique);
            } else if sequence::identity(reader, Some(&self.type_name))? {
                // It was one, and went by.
            } else {
                reader.skip();
            }
        }
        if self.key.is_some() {
            self.type_name.check_key()?;
        }
        Ok(())
    }
}
