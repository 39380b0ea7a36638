//! Keeps secrets out of excerpts: a problem shows the line it is about, and that line may hold a password.
//!
//! Masking keeps the length, so that carets still point at the right characters.

/// Parts of words that mark a key as secret, also when it is mistyped around them.
const SECRET_WORDS: [&str; 7] = ["pass", "pasw", "pwd", "word", "secret", "token", "dsn"];
/// Keys ending so name a file, not a secret.
const FILE_SUFFIX: &str = "_file";

/// Whether a key's value must never be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    !key.ends_with(FILE_SUFFIX) && SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// The line with every secret's characters replaced by `*`.
pub(crate) fn secrets(line: &str) -> String {
    let mut shown: Vec<char> = line.chars().collect();
    mask_values(&mut shown);
    mask_userinfo(&mut shown);
    shown.into_iter().collect()
}

/// The text with the user and password of every address replaced by `*`.
pub(crate) fn userinfo(text: &str) -> String {
    let mut shown: Vec<char> = text.chars().collect();
    mask_userinfo(&mut shown);
    shown.into_iter().collect()
}

/// Masks what follows `password =` up to the end of its string; an `${ENV}` reference is no secret and stays readable.
fn mask_values(line: &mut [char]) {
    let mut at = 0;
    while let Some(equals) = position(line, at, '=') {
        at = equals + 1;
        let key: String = line[..equals].iter().collect();
        let key = key.trim_end().trim_end_matches(['"', '\'']);
        let word = key.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next().unwrap_or("");
        if !is_secret(word) {
            continue;
        }
        let start = (at..line.len()).find(|&i| line[i] != ' ').unwrap_or(line.len());
        let end = value_end(line, start);
        mask_unless_reference(line, start, end);
        at = end;
    }
}

/// One past the value that starts here: the closing quote, or the end of the line when it is open.
fn value_end(line: &[char], start: usize) -> usize {
    match line.get(start) {
        Some(&quote @ ('"' | '\'')) => position(line, start + 1, quote).map_or(line.len(), |at| at + 1),
        _ => (start..line.len()).find(|&i| matches!(line[i], ',' | '}' | '#')).unwrap_or(line.len()),
    }
}

fn mask_unless_reference(line: &mut [char], start: usize, end: usize) {
    let text: String = line[start..end].iter().collect();
    let inner = text.trim_matches(['"', '\'']);
    let reference = inner.starts_with("${") && inner.find('}') == Some(inner.len().saturating_sub(1));
    if !reference {
        stars(line, start, end);
    }
}

/// Masks `user:password` in `scheme://user:password@host`.
fn mask_userinfo(line: &mut [char]) {
    let mut at = 0;
    while let Some(start) = (at..line.len().saturating_sub(2)).find(|&i| line[i..].starts_with(&[':', '/', '/'])) {
        let start = start + 3;
        // Up to the last `@`, past slashes too: a password may hold one that should have been written `%2F`.
        let end = (start..line.len()).find(|&i| matches!(line[i], '"' | '\'' | ' ')).unwrap_or(line.len());
        if let Some(sign) = (start..end).rev().find(|&i| line[i] == '@') {
            stars(line, start, sign);
        }
        at = end;
    }
}

fn stars(line: &mut [char], start: usize, end: usize) {
    for c in &mut line[start..end] {
        if !matches!(c, '"' | '\'') {
            *c = '*';
        }
    }
}

fn position(line: &[char], from: usize, wanted: char) -> Option<usize> {
    (from..line.len()).find(|&i| line[i] == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_columns_kept() {
        for (line, shown) in [
            (r#"password = "hunter2" # old"#, r#"password = "*******" # old"#),
            (r#"pasword="hunter2""#, r#"pasword="*******""#),
            (
                r#"a = { user = "u", camera_password = "x y", b = 1 }"#,
                r#"a = { user = "u", camera_password = "***", b = 1 }"#,
            ),
            (r#"rtsp = "rtsp://me:p%40ss@10.0.0.1/live""#, r#"rtsp = "rtsp://*********@10.0.0.1/live""#),
            (r#"rtsp = "rtsp://me:p@ss@10.0.0.1/live""#, r#"rtsp = "rtsp://*******@10.0.0.1/live""#),
            (r#"rtsp = "rtsp://me:p/ss@10.0.0.1/live""#, r#"rtsp = "rtsp://*******@10.0.0.1/live""#),
            (r#"password = "${CAM_PW}""#, r#"password = "${CAM_PW}""#),
            (r#"password_file = "secrets/gate""#, r#"password_file = "secrets/gate""#),
            (r#"password = "hunter2"#, r#"password = "*******"#),
            ("password = hunter2, a = 1", "password = *******, a = 1"),
        ] {
            assert_eq!(secrets(line), shown);
            assert_eq!(secrets(line).chars().count(), line.chars().count());
        }
    }
}
