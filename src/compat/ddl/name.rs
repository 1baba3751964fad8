//! Names that PostgreSQL gives to what has none.

/// The longest name, in bytes (`NAMEDATALEN` less one).
const LONGEST: usize = 63;

/// `first_second_label`, cut like PostgreSQL's `makeObjectName()` does
/// (`src/backend/commands/indexcmds.c`): from the longer of the two names.
pub(super) fn object_name(first: &str, second: &str, label: &str) -> String {
    let room = LONGEST.saturating_sub(label.len() + 2);
    let (mut one, mut two) = (first.len(), second.len());
    while one + two > room {
        if one > two {
            one -= 1;
        } else {
            two -= 1;
        }
    }
    format!("{}_{}_{label}", cut(first, one), cut(second, two))
}

/// The names of an index's columns as one (`ChooseIndexNameAddition()`, same file): no more are
/// added once it is longer than a name may be.
pub(super) fn of_columns(columns: &[String]) -> String {
    let mut all = String::new();
    for column in columns {
        if !all.is_empty() {
            all.push('_');
        }
        all.push_str(cut(column, LONGEST));
        if all.len() > LONGEST {
            break;
        }
    }
    all
}

/// An identifier in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// At most that many bytes, and no half character.
fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}
