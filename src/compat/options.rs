//! The startup parameter `options`, which libpq takes from `PGOPTIONS`.

/// Splits the value of `options` into settings, in order: `-c name=value`, `-cname=value` and
/// `--name=value`. Whitespace separates arguments and a backslash takes the next character
/// literally (`PostgreSQL` manual §34.1.2, `options`; §20.1.4; `pg_split_opts` of PostgreSQL 16).
///
/// Names are as written. Arguments of another form, and a setting without `=`, are not in the
/// list: they are the server's to judge, so the value goes on as it came, not rebuilt.
pub fn settings(value: &str) -> Vec<(String, String)> {
    let mut arguments = split(value).into_iter();
    let mut settings = Vec::new();
    while let Some(argument) = arguments.next() {
        let setting = if argument == "-c" {
            match arguments.next() {
                Some(setting) => setting,
                None => break,
            }
        } else if let Some(setting) = argument
            .strip_prefix("--")
            .or_else(|| argument.strip_prefix("-c"))
        {
            setting.to_owned()
        } else {
            continue;
        };
        if let Some((name, value)) = setting.split_once('=') {
            settings.push((name.to_owned(), value.to_owned()));
        }
    }
    settings
}

/// Whether [`settings`] has understood all of `value`: whether every argument sets a parameter.
pub fn is_settings_only(value: &str) -> bool {
    let mut arguments = split(value).into_iter();
    while let Some(argument) = arguments.next() {
        let setting = match argument.as_str() {
            "-c" => arguments.next().unwrap_or_default(),
            _ => match argument
                .strip_prefix("--")
                .or_else(|| argument.strip_prefix("-c"))
            {
                Some(setting) => setting.to_owned(),
                None => return false,
            },
        };
        if !setting.contains('=') {
            return false;
        }
    }
    true
}

/// The parameter that a name in `options` means: `-` stands for `_` there (`ParseLongOption`).
pub fn parameter(name: &str) -> String {
    name.replace('-', "_")
}

/// Whitespace as C's `isspace` has it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn split(value: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut argument: Option<String> = None;
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        if is_space(c) {
            arguments.extend(argument.take());
            continue;
        }
        let argument = argument.get_or_insert_default();
        // A backslash at the very end stands for nothing.
        if c == '\\' {
            argument.extend(characters.next());
        } else {
            argument.push(c);
        }
    }
    arguments.extend(argument);
    arguments
}
