//! `[[events.webhook]]` and `[[events.mqtt]]`, resolved: events leave encrypted or on this machine, unless somebody said
//! otherwise; secrets are read; certificates are there; no two have one name.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::{deployment::Credentials, problem::Problem, resolve::Resolver, secret::Secret, tree::Node, words, written};

/// Shorter secrets can be guessed.
const SHORTEST_SECRET: usize = 16;

/// A web address that gets every event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// For log and metrics.
    pub name: String,
    /// Where to post; it may hold a secret of its own.
    pub url: Secret,
    /// Signs.
    pub secret: Secret,
    /// Most events in one request.
    pub batch: u32,
    /// How long a first event waits for others.
    pub linger: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Most events that wait.
    pub waiting: u32,
    /// Whom to trust, absolute; `None`: those the system trusts.
    pub ca: Option<PathBuf>,
}

/// An MQTT broker that gets every event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mqtt {
    /// For log and metrics.
    pub name: String,
    /// The broker.
    pub url: String,
    /// Who we are to it; `None`: made of site, node and name.
    pub client_id: Option<String>,
    /// User and password, for a broker that asks.
    pub credentials: Option<Credentials>,
    /// In front of every topic, without slashes at its ends.
    pub topic_prefix: Option<String>,
    /// Most events that wait.
    pub waiting: u32,
    /// Whom to trust, absolute; `None`: those the system trusts.
    pub ca: Option<PathBuf>,
}

impl Resolver<'_> {
    pub(super) fn webhooks(&mut self, written: Vec<written::Webhook>) -> Vec<Webhook> {
        let nodes = couriers(self.tree, "webhook");
        let mut hooks = Vec::new();
        for (at, (node, written)) in nodes.iter().zip(written).enumerate() {
            let key = format!("events.webhook[{at}]");
            self.refuse_eavesdroppers(node, &key, &written.url, written.insecure);
            let ca = self.authority(node, &key, written.ca.as_ref());
            let Some(secret) = self.shared_secret(node, &key, written.secret, written.secret_file) else { continue };
            hooks.push(Webhook {
                name: written.name,
                url: Secret::new(written.url),
                secret,
                batch: written.batch,
                linger: written.linger,
                timeout: written.timeout,
                waiting: written.waiting,
                ca,
            });
        }
        hooks
    }

    pub(super) fn brokers(&mut self, written: Vec<written::Mqtt>) -> Vec<Mqtt> {
        let nodes = couriers(self.tree, "mqtt");
        let mut brokers = Vec::new();
        for (at, (node, written)) in nodes.iter().zip(written).enumerate() {
            let key = format!("events.mqtt[{at}]");
            self.refuse_eavesdroppers(node, &key, &written.url, written.insecure);
            let prefix = self.topic_prefix(node, &key, written.topic_prefix);
            brokers.push(Mqtt {
                credentials: self.credentials(node, &key, written.user, written.password, written.password_file),
                name: written.name,
                url: written.url,
                client_id: written.client_id,
                topic_prefix: prefix,
                waiting: written.waiting,
                ca: self.authority(node, &key, written.ca.as_ref()),
            });
        }
        brokers
    }

    /// Figures and log lines are told apart by names.
    pub(super) fn refuse_namesakes(&mut self) {
        let tree = self.tree;
        let nodes: Vec<&Node> = ["webhook", "mqtt"].into_iter().flat_map(|kind| couriers(tree, kind)).collect();
        for (at, node) in nodes.iter().enumerate() {
            let name = node.at("name").and_then(Node::text);
            if name.is_some() && nodes[..at].iter().any(|earlier| earlier.at("name").and_then(Node::text) == name) {
                let message = format!("two ways out are called `{}`", name.unwrap_or_default());
                let hint = "give each webhook and broker a name of its own";
                self.problems.push(Problem::error(node.value_place("name"), "events", message, hint));
            }
        }
    }

    fn refuse_eavesdroppers(&mut self, node: &Node, key: &str, url: &str, insecure: bool) {
        let host = ["http://", "mqtt://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        if insecure || host.is_none_or(is_this_machine) {
            return;
        }
        let message = "events, which name people, would go to another machine unencrypted";
        let hint = "write `https://` or `mqtts://`, or say `insecure = true`";
        self.problems.push(Problem::error(node.value_place("url"), &format!("{key}.url"), message, hint));
    }

    fn shared_secret(
        &mut self,
        node: &Node,
        key: &str,
        secret: Option<String>,
        file: Option<String>,
    ) -> Option<Secret> {
        let (word, secret) = match (secret, file) {
            (Some(secret), None) => ("secret", Some(Secret::new(secret))),
            (None, Some(file)) => ("secret_file", self.secret_file(node, key, "secret", &file)),
            (both, _) => {
                let fault = if both.is_some() { "two secrets" } else { "no secret to sign with" };
                let hint = format!("write one of {}", words::one_of(&["secret", "secret_file"]));
                self.problems.push(Problem::error(&node.place, key, format!("`{key}` has {fault}"), hint));
                return None;
            }
        };
        self.warn_of_plain_secret(node, key);
        let secret = secret?;
        if secret.expose().len() < SHORTEST_SECRET {
            let message = format!("the secret is shorter than {SHORTEST_SECRET} characters: it can be guessed");
            let hint = "make one with `openssl rand -hex 32`";
            self.problems.push(Problem::error(node.value_place(word), &format!("{key}.{word}"), message, hint));
        }
        Some(secret)
    }

    fn warn_of_plain_secret(&mut self, node: &Node, key: &str) {
        let Some(written) = node.at("secret").filter(|written| !written.place.text().contains("${")) else { return };
        let hint = "write `secret = \"${NAME}\"`, or `secret_file = …`, so that this file can be shared";
        let message = "the secret is in this file for everyone to read";
        self.problems.push(Problem::warning(&written.place, &format!("{key}.secret"), message, hint));
    }

    fn authority(&mut self, node: &Node, key: &str, written: Option<&String>) -> Option<PathBuf> {
        let path = self.absolute(written?);
        if !path.is_file() {
            let message = format!("there is no file {}", path.display());
            let hint = "name a PEM file, relative to this file";
            self.problems.push(Problem::error(node.value_place("ca"), &format!("{key}.ca"), message, hint));
        }
        Some(path)
    }

    fn topic_prefix(&mut self, node: &Node, key: &str, written: Option<String>) -> Option<String> {
        let prefix = written?.trim_matches('/').to_owned();
        if prefix.is_empty() || prefix.starts_with('$') || prefix.contains(['+', '#']) {
            let hint = "write one or more levels, such as \"building-7/cameras\", without `+`, `#` or a leading `$`";
            let place = node.value_place("topic_prefix");
            let message = "this cannot be in front of a topic";
            self.problems.push(Problem::error(place, &format!("{key}.topic_prefix"), message, hint));
        }
        Some(prefix)
    }
}

/// The tables of one kind.
fn couriers<'a>(tree: &'a Node, kind: &str) -> &'a [Node] {
    tree.at("events").and_then(|events| events.at(kind)).map(Node::items).unwrap_or_default()
}

/// Whether what follows `scheme://` is an address of this machine. A name other than `localhost` may be anything.
fn is_this_machine(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if !port.ends_with(']') => bare,
        _ => host,
    };
    bare == "localhost" || bare.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_counts_as_this_machine() {
        for near in ["127.0.0.1", "127.0.0.1:80/x", "localhost/hook?a=b:c", "[::1]", "[::1]:8080/x"] {
            assert!(is_this_machine(near), "{near}");
        }
        for far in ["10.0.0.1", "127.0.0.1.example", "ops.example:80", "[::2]:80", "", "localhost.example/127.0.0.1"] {
            assert!(!is_this_machine(far), "{far}");
        }
    }
}
