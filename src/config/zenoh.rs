//! `[events.zenoh]`, resolved: nobody listens to the world by accident, and every certificate named is there.

use std::path::PathBuf;

use super::{
    deployment::{Tls, Zenoh},
    problem::Problem,
    resolve::Resolver,
    tree::Node,
    written,
};

impl Resolver<'_> {
    /// This node's session.
    pub(super) fn zenoh(&mut self, written: written::Zenoh) -> Zenoh {
        let tree = self.tree;
        let node = tree.at("events").and_then(|events| events.at("zenoh")).unwrap_or(tree);
        let credentials = self.credentials(node, "events.zenoh", written.user, written.password, written.password_file);
        if !written.insecure {
            self.refuse_open_doors(node);
        }
        if written.mode == written::Mode::Client && written.connect.is_empty() {
            let hint = "add `connect = [\"tcp/host:7447\"]`, or use `mode = \"peer\"`";
            self.problems.push(Problem::error(
                node.value_place("mode"),
                "events.zenoh.mode",
                "a client needs a router to connect to",
                hint,
            ));
        }
        for (at, rule) in written.access.iter().enumerate() {
            if let Some(problem) = rule.problem() {
                let place = node.value_place("access");
                let hint = "a rule has `user` or `certificate`, `may` and `keys`";
                self.problems.push(Problem::error(place, &format!("events.zenoh.access[{at}]"), problem, hint));
            }
        }
        let users_file = self.users_file(node, written.users_file.as_ref());
        let asks_who = users_file.is_some() || written.tls.as_ref().is_some_and(|tls| tls.mutual);
        if !written.insecure && !asks_who {
            self.refuse_anonymous(node);
        }
        Zenoh {
            users_file,
            access: written.access,
            encoding: written.encoding,
            raw: written.raw,
            mode: written.mode,
            listen: written.listen,
            connect: written.connect,
            multicast: written.multicast,
            tls: written.tls.map(|tls| self.tls(node, &tls)),
            credentials,
            insecure: written.insecure,
        }
    }

    fn users_file(&mut self, node: &Node, written: Option<&String>) -> Option<PathBuf> {
        let path = self.absolute(written?);
        if !path.is_file() {
            let message = format!("there is no file {}", path.display());
            let hint = "name a file of `user:password` lines, relative to this file";
            self.problems.push(Problem::error(
                node.value_place("users_file"),
                "events.zenoh.users_file",
                message,
                hint,
            ));
        }
        Some(path)
    }

    /// Encryption alone keeps nobody out.
    fn refuse_anonymous(&mut self, node: &Node) {
        for (at, endpoint) in node.at("listen").map(Node::items).unwrap_or_default().iter().enumerate() {
            let text = endpoint.text().unwrap_or_default();
            if text.strip_prefix("tls/").is_some_and(|address| !is_loopback(address)) {
                let message = format!("{} is open to everybody who reaches it", endpoint.place.quoted());
                let hint = "set `tls.mutual = true` or `users_file`, or say `insecure = true`";
                let key = format!("events.zenoh.listen[{at}]");
                self.problems.push(Problem::error(&endpoint.place, &key, message, hint));
            }
        }
    }

    /// Events name people: a port that others can reach needs TLS, or the word `insecure`.
    fn refuse_open_doors(&mut self, node: &Node) {
        for (at, endpoint) in node.at("listen").map(Node::items).unwrap_or_default().iter().enumerate() {
            let text = endpoint.text().unwrap_or_default();
            if text.strip_prefix("tcp/").is_some_and(|address| !is_loopback(address)) {
                let message =
                    format!("{} can be reached from other machines, and is not encrypted", endpoint.place.quoted());
                let hint = "listen on tcp/127.0.0.1, or use tls/ with `[events.zenoh.tls]`, or say `insecure = true`";
                self.problems.push(Problem::error(
                    &endpoint.place,
                    &format!("events.zenoh.listen[{at}]"),
                    message,
                    hint,
                ));
            }
        }
    }

    fn tls(&mut self, zenoh: &Node, written: &written::Tls) -> Tls {
        let tree = self.tree;
        let node = zenoh.at("tls").unwrap_or(tree);
        let mut pem = |key: &str, path: Option<&String>| {
            let path = self.absolute(path?);
            if !path.is_file() {
                let message = format!("there is no file {}", path.display());
                let key_path = format!("events.zenoh.tls.{key}");
                self.problems.push(Problem::error(
                    node.value_place(key),
                    &key_path,
                    message,
                    "name a PEM file, relative to this file",
                ));
            }
            Some(path)
        };
        Tls {
            ca: pem("ca", written.ca.as_ref()),
            certificate: pem("certificate", written.certificate.as_ref()),
            key: pem("key", written.key.as_ref()),
            mutual: written.mutual,
        }
    }
}

fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
