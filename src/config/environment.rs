//! Fills `${NAME}` in the texts of a deployment from the environment. `$${` stands for a plain `${`.

use std::{collections::HashMap, fmt};

use super::{
    problem::Problem,
    shape::join,
    tree::{Node, Value},
    words,
};

/// The variables a deployment may refer to.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// This process's own variables; those that are no UTF-8 are left out.
    pub fn of_process() -> Self {
        let readable =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(readable.collect())
    }

    /// These variables, for tests.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// A variable's text, if it is there and not empty.
    #[cfg(feature = "cli")]
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Fills in every text below this node.
    pub(crate) fn fill(&self, node: &mut Node, key: &str, problems: &mut Vec<Problem>) {
        match &mut node.value {
            Value::Text(text) if text.contains("${") => match self.filled(text) {
                Ok(filled) => *text = filled,
                Err(fault) => problems.push(self.refusal(node, key, &fault)),
            },
            Value::List(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.fill(item, &format!("{key}[{at}]"), problems);
                }
            }
            Value::Table(entries) => {
                for entry in entries {
                    self.fill(&mut entry.node, &join(key, &entry.key), problems);
                }
            }
            _ => {}
        }
    }

    fn filled(&self, text: &str) -> Result<String, Fault> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, reference) = rest.split_at(at);
            if let Some(plain) = before.strip_suffix('$') {
                out.push_str(plain);
                out.push_str("${");
                rest = &reference[2..];
                continue;
            }
            let (name, after) = reference[2..].split_once('}').ok_or(Fault::Open)?;
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(Fault::NoName);
            }
            out.push_str(before);
            out.push_str(self.0.get(name).ok_or_else(|| Fault::NotSet(name.to_owned()))?);
            rest = after;
        }
        Ok(out + rest)
    }

    fn refusal(&self, node: &Node, key: &str, fault: &Fault) -> Problem {
        match fault {
            Fault::Open => Problem::error(
                &node.place.part("${"),
                key,
                "`${` without a `}`",
                "close it: `${NAME}`; for a plain `${` write `$${`",
            ),
            Fault::NoName => Problem::error(
                &node.place.part("${"),
                key,
                "the name of an environment variable is letters, digits and `_`",
                "write `${NAME}`; for a plain `${` write `$${`",
            ),
            Fault::NotSet(name) => {
                let place = node.place.part(&format!("${{{name}}}"));
                let like = words::nearest(name, self.0.keys().map(String::as_str));
                let otherwise = like.map(|like| format!(", or did you mean `${{{like}}}`?")).unwrap_or_default();
                let hint = format!("set it before starting: `export {name}=…`{otherwise}");
                Problem::error(&place, key, format!("environment variable `{name}` is not set"), hint)
            }
        }
    }
}

/// Why a text could not be filled in.
enum Fault {
    Open,
    NoName,
    NotSet(String),
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
