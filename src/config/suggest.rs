//! "did you mean".

/// The candidate that looks most like `word`, if one looks like it at all.
///
/// Case and `_` for `-` do not count: `MAX_CLIENTS` is `max-clients`.
pub(super) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = plain(word);
    let allowed = match word.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word, &plain(candidate)),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?` or nothing. `prefix` stands before the candidate, as in `--port`.
pub(super) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    prefix: &str,
) -> String {
    closest(word, candidates).map_or_else(String::new, |candidate| {
        format!("; did you mean `{prefix}{candidate}`?")
    })
}

fn plain(word: &str) -> String {
    word.to_ascii_lowercase().replace('_', "-")
}
