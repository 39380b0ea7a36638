//! The wording that problems share: lists, "did you mean", and a value's kind in plain words.

/// Below this likeness (0 to 1) a suggestion would be a guess; 0.66 accepts one slip in a three-letter word.
const ALIKE: f64 = 0.66;

/// The known word most like `wrong`, if any is like it.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wrong.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|word| (likeness(&lower, word), word))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// Swapped letters count as one slip; a shared beginning counts for more, since people abbreviate.
fn likeness(wrong: &str, word: &str) -> f64 {
    let word = word.to_lowercase().replace('-', "_");
    strsim::normalized_damerau_levenshtein(wrong, &word).max(strsim::jaro_winkler(wrong, &word) - 0.15)
}

/// "did you mean `x`?", or what there is to choose from.
pub(crate) fn did_you_mean<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    otherwise: &str,
) -> String {
    if let Some(word) = nearest(wrong, known.clone()) {
        return format!("did you mean `{word}`?");
    }
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() { "remove it".to_owned() } else { format!("{otherwise} {}", one_of(&known)) }
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    join(words, "or")
}

/// "`a`, `b` and `c`".
pub(crate) fn all_of(words: &[&str]) -> String {
    join(words, "and")
}

fn join(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, start)) => format!("{} {last} {end}", start.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_guess_is_not_made() {
        let known = ["interval", "max_batch", "model", "variant"];
        assert_eq!(nearest("intervall", known), Some("interval"));
        assert_eq!(nearest("max-batch", known), Some("max_batch"));
        assert_eq!(nearest("modle", known), Some("model"));
        assert_eq!(nearest("colour", known), None);
    }
}
