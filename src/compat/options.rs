//! The startup parameter `options`, which libpq takes from `PGOPTIONS`.

use std::ops::Range;

/// Splits the value of `options` into settings, in order: `-c name=value`, `-cname=value` and
/// `--name=value`. Whitespace separates arguments and a backslash takes the next character
/// literally (`PostgreSQL` manual §34.1.2, `options`; §20.1.4; `pg_split_opts` of PostgreSQL 16).
///
/// Names are as written. Arguments of another form, and a setting without `=`, are not in the
/// list: they are the server's to judge, so the value goes on as it came, not rebuilt.
pub fn settings(value: &str) -> Vec<(String, String)> {
    pieces(value)
        .into_iter()
        .filter_map(|piece| piece.setting)
        .collect()
}

/// The value without the settings that `taken` says yes to, by their names as they were written;
/// and those, in order. What stays is as it came.
pub fn without(
    value: &str,
    mut taken: impl FnMut(&str) -> bool,
) -> (String, Vec<(String, String)>) {
    let mut rest = String::new();
    let mut found = Vec::new();
    for piece in pieces(value) {
        match piece.setting {
            Some((name, value)) if taken(&name) => found.push((name, value)),
            _ => rest.push_str(value.get(piece.span).unwrap_or_default()),
        }
    }
    if found.is_empty() {
        return (value.to_owned(), found);
    }
    (rest.trim_matches(is_space).to_owned(), found)
}

/// One or two arguments that belong together, with the whitespace before them.
struct Piece {
    span: Range<usize>,
    setting: Option<(String, String)>,
}

fn pieces(value: &str) -> Vec<Piece> {
    let mut arguments = split(value).into_iter();
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(argument) = arguments.next() {
        let mut end = argument.end;
        let text = argument.text.as_str();
        let setting = if text == "-c" {
            let next = arguments.next();
            end = next.as_ref().map_or(end, |next| next.end);
            next.map(|next| next.text)
        } else {
            text.strip_prefix("--")
                .or_else(|| text.strip_prefix("-c"))
                .map(str::to_owned)
        };
        pieces.push(Piece {
            span: start..end,
            setting: setting.and_then(|setting| {
                let (name, value) = setting.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            }),
        });
        start = end;
    }
    pieces
}

/// Whether [`settings`] has understood all of `value`: whether every argument sets a parameter.
pub fn is_settings_only(value: &str) -> bool {
    pieces(value).iter().all(|piece| piece.setting.is_some())
}

/// The parameter that a name in `options` means: `-` stands for `_` there (`ParseLongOption`).
pub fn parameter(name: &str) -> String {
    name.replace('-', "_")
}

/// Whitespace as C's `isspace` has it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// An argument, and where in the value it ends.
struct Argument {
    text: String,
    end: usize,
}

fn split(value: &str) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let mut argument: Option<String> = None;
    let mut characters = value.char_indices();
    while let Some((at, c)) = characters.next() {
        if is_space(c) {
            arguments.extend(argument.take().map(|text| Argument { text, end: at }));
            continue;
        }
        let argument = argument.get_or_insert_default();
        // A backslash at the very end stands for nothing.
        if c == '\\' {
            argument.extend(characters.next().map(|(_, c)| c));
        } else {
            argument.push(c);
        }
    }
    let end = value.len();
    arguments.extend(argument.map(|text| Argument { text, end }));
    arguments
}
