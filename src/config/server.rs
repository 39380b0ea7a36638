//! `[server]`, resolved: nobody listens to the world by accident, certificates are there, tokens are read and long enough.

use std::{collections::HashMap, net::SocketAddr, path::PathBuf};

use super::{Ice, camera::ice, problem::Problem, resolve::Resolver, secret::Secret, tree::Node, written};
use crate::scene::CameraId;

pub use written::Role;

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who it is; with it everything is encrypted.
    pub tls: Option<ServerTls>,
    /// Who may ask; empty: anybody who reaches the port.
    pub clients: Vec<Client>,
    /// Origins of web pages of other servers that may ask.
    pub origins: Vec<String>,
    /// On what terms browsers may watch.
    pub view: View,
}

/// On what terms browsers may watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Most viewers at once.
    pub most: usize,
    /// How they find this machine.
    pub ice: Ice,
}

/// A certificate and its key; both were there when checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// PEM, absolute.
    pub certificate: PathBuf,
    /// PEM, absolute.
    pub key: PathBuf,
}

/// Somebody who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// For the log.
    pub name: String,
    /// What it shows.
    pub token: Secret,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The cameras it may send pictures for, or watch; `None`: all.
    pub cameras: Option<Vec<CameraId>>,
}

impl Resolver<'_> {
    /// The server, if one is asked for.
    pub(super) fn server(&mut self) -> Option<Server> {
        let written: written::Server = self.section("server")?;
        let tree = self.tree;
        let node = tree.at("server").unwrap_or(tree);
        let listen = written.listen.parse().ok()?;
        if !written.insecure {
            self.refuse_open_server(node, listen, &written);
        }
        let tls = written.tls.as_ref().map(|tls| self.server_tls(node, tls));
        let clients = self.clients(node, &written.client);
        let view = View { most: written.view.most.into(), ice: ice(&written.view.ice) };
        Some(Server { listen, tls, clients, origins: written.origins, view })
    }

    /// Events name people: a port that others can reach needs TLS and tokens, or the word `insecure`.
    fn refuse_open_server(&mut self, node: &Node, listen: SocketAddr, written: &written::Server) {
        let lacks = match (&written.tls, written.client.is_empty()) {
            _ if listen.ip().is_loopback() => return,
            (Some(_), false) => return,
            (None, false) => "is not encrypted",
            (Some(_), true) => "asks nobody for a token",
            (None, true) => "is neither encrypted nor asks for a token",
        };
        let message = format!("{listen} can be reached from other machines, and {lacks}");
        let hint = "listen on 127.0.0.1, or add `[server.tls]` and `[[server.client]]`, or say `insecure = true`";
        self.problems.push(Problem::error(node.value_place("listen"), "server.listen", message, hint));
    }

    fn server_tls(&mut self, server: &Node, written: &written::ServerTls) -> ServerTls {
        let node = server.at("tls").unwrap_or(server);
        let mut pem = |key: &str, path: &str| {
            let path = self.absolute(path);
            if !path.is_file() {
                let message = format!("there is no file {}", path.display());
                let hint = "name a PEM file, relative to this file";
                self.problems.push(Problem::error(node.value_place(key), &format!("server.tls.{key}"), message, hint));
            }
            path
        };
        ServerTls { certificate: pem("certificate", &written.certificate), key: pem("key", &written.key) }
    }

    fn clients(&mut self, server: &Node, written: &[written::Client]) -> Vec<Client> {
        let nodes = server.at("client").map(Node::items).unwrap_or_default();
        let mut clients: Vec<Client> = Vec::new();
        let mut names = HashMap::new();
        for (at, (node, client)) in nodes.iter().zip(written).enumerate() {
            let key = format!("server.client[{at}]");
            let Some(token) = self.token(node, &key, &client.token_file) else { continue };
            if clients.iter().any(|earlier| earlier.token == token) {
                let message = "two clients have the same token";
                let hint = "give each client a token of its own, or one client both roles";
                self.client_problem(node, "token_file", &key, message, hint);
            }
            if names.insert(&client.name, at).is_some() {
                let message = format!("two clients are called `{}`", client.name);
                self.client_problem(node, "name", &key, &message, "give each client a name of its own");
            }
            let cameras = client.cameras.as_ref();
            clients.push(Client {
                name: client.name.clone(),
                token,
                roles: client.roles.clone(),
                cameras: cameras.map(|ids| ids.iter().filter_map(|id| CameraId::new(id).ok()).collect()),
            });
        }
        clients
    }

    fn token(&mut self, node: &Node, key: &str, file: &str) -> Option<Secret> {
        let token = self.secret_file(node, key, "token", file)?;
        if token.expose().len() < SHORTEST_TOKEN {
            let message = format!("the token is shorter than {SHORTEST_TOKEN} characters: it can be guessed");
            self.client_problem(node, "token_file", key, &message, "make one with `openssl rand -hex 32`");
        }
        Some(token)
    }

    fn client_problem(&mut self, node: &Node, word: &str, key: &str, message: &str, hint: &str) {
        self.problems.push(Problem::error(node.value_place(word), &format!("{key}.{word}"), message, hint));
    }
}
