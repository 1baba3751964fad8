//! Names and lists in braces.

use std::collections::BTreeMap;

/// What stands for `{name}`.
pub(super) type Names = BTreeMap<String, String>;

/// Puts in what stands in braces: names, and lists such as `{1..3:c# int}`. What is neither stays,
/// so that JSON and arrays need no escape.
pub(super) fn expand(text: &str, names: &Names) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let found = after.split_once('}').and_then(|(inner, tail)| {
            let text = names.get(inner).cloned().or_else(|| list(inner))?;
            Some((text, tail))
        });
        if let Some((text, tail)) = found {
            out.push_str(&text);
            rest = tail;
        } else {
            out.push('{');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// `1..3:c# int` is `c1 int, c2 int, c3 int`.
fn list(inner: &str) -> Option<String> {
    let (range, item) = inner.split_once(':')?;
    let (first, last) = range.split_once("..")?;
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    let items: Vec<_> = (first..=last)
        .map(|number| item.replace('#', &number.to_string()))
        .collect();
    Some(items.join(", "))
}
