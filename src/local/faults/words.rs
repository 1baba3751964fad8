//! Words of an order: `KIND key=value key='a value'; KIND …`.

use std::fmt;

/// An order before anybody knows what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::local) struct Words {
    /// The first word.
    pub(in crate::local) kind: String,
    /// The rest.
    pub(in crate::local) pairs: Vec<(String, String)>,
}

impl Words {
    /// The value of a key, which nobody gets a second time.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(name, _)| name == key)?;
        Some(self.pairs.remove(at).1)
    }

    /// Adds a pair if there is a value.
    pub(super) fn push(&mut self, key: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.pairs.push((key.to_owned(), value.to_string()));
        }
    }
}

impl fmt::Display for Words {
    /// As [`split`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        for (key, value) in &self.pairs {
            write!(f, " {key}={}", quoted(value))?;
        }
        Ok(())
    }
}

fn quoted(value: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !"'\";".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

/// Splits a text into orders at `;` and line ends, and orders into words at white space. What is
/// in single or double quotes stays together; a doubled quote inside is one.
pub(super) fn split(text: &str) -> Result<Vec<Words>, String> {
    let mut orders = vec![];
    let mut words: Vec<String> = vec![];
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        None => return Err(format!("a {c} is not closed")),
                        Some(end) if end == c => {
                            if chars.next_if_eq(&c).is_none() {
                                break;
                            }
                            word.push(c);
                        }
                        Some(other) => word.push(other),
                    }
                }
            }
            ';' | '\n' => {
                words.extend(word.take());
                orders.push(std::mem::take(&mut words));
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    orders.push(words);
    orders
        .into_iter()
        .filter(|words| !words.is_empty())
        .map(order)
        .collect()
}

fn order(words: Vec<String>) -> Result<Words, String> {
    let mut words = words.into_iter();
    let kind = words.next().unwrap_or_default();
    let pairs = words
        .map(|word| match word.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(format!("`{word}`: expected KEY=VALUE")),
        })
        .collect::<Result<_, _>>()?;
    Ok(Words { kind, pairs })
}
