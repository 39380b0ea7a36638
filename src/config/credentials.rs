//! User and password, from their keys or from a file, the same way wherever they are asked for.

use std::fs;

use super::{deployment::Credentials, problem::Problem, resolve::Resolver, secret::Secret, tree::Node, words};

impl Resolver<'_> {
    /// User and password from their keys, the password possibly from a file.
    pub(super) fn credentials(
        &mut self,
        node: &Node,
        key: &str,
        user: Option<String>,
        password: Option<String>,
        file: Option<String>,
    ) -> Option<Credentials> {
        if password.is_some() && file.is_some() {
            let place = node.key_place("password_file");
            let hint = format!("keep only one of {}", words::one_of(&["password", "password_file"]));
            let message = "both a password and a password file are given";
            self.problems.push(Problem::error(place, &format!("{key}.password_file"), message, hint));
        }
        self.warn_of_plain_password(node, key);
        let password = password.map(Secret::new).or_else(|| self.secret_file(node, key, "password", &file?));
        match (user, password) {
            (Some(user), Some(password)) => Some(Credentials { user, password }),
            (None, Some(_)) => {
                let message = format!("`{key}` has a password and no user");
                self.problems.push(Problem::error(&node.place, &format!("{key}.user"), message, "add `user = …`"));
                None
            }
            (Some(_), None) if file_was_not_the_reason(node) => {
                let message = format!("`{key}` has a user and no password");
                let hint = "add `password = \"${NAME}\"` to take it from the environment, or `password_file = …`";
                self.problems.push(Problem::error(node.value_place("user"), &format!("{key}.password"), message, hint));
                None
            }
            _ => None,
        }
    }

    fn warn_of_plain_password(&mut self, node: &Node, key: &str) {
        let Some(written) = node.at("password") else { return };
        if !written.place.text().contains("${") {
            let hint = "write `password = \"${NAME}\"`, or `password_file = …`, so that this file can be shared";
            let message = "the password is in this file for everyone to read";
            self.problems.push(Problem::warning(&written.place, &format!("{key}.password"), message, hint));
        }
    }

    /// The first line of a file; `what` is what it holds, and `{what}_file` the key that names it.
    pub(super) fn secret_file(&mut self, node: &Node, key: &str, what: &str, file: &str) -> Option<Secret> {
        let path = self.absolute(file);
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("the {what} file {} cannot be read: {error}", path.display()));
        let found = text.and_then(|text| match text.lines().next().map(str::trim_end) {
            Some(first) if !first.is_empty() => Ok(Secret::new(first)),
            _ => Err(format!("the {what} file {} has no first line", path.display())),
        });
        found
            .map_err(|message| {
                let hint =
                    format!("write the {what} on the first line of that file; its path is relative to this file");
                self.problems.push(Problem::error(
                    node.value_place(&format!("{what}_file")),
                    &format!("{key}.{what}_file"),
                    message,
                    hint,
                ));
            })
            .ok()
    }
}

/// A password file that could not be read has its own problem.
fn file_was_not_the_reason(node: &Node) -> bool {
    node.at("password_file").is_none()
}
