//! The addresses a deployment listens on: free, or taken by somebody.

use std::{io, net::TcpListener};

use super::{Area, Check, Health, Needs, Weight};

pub(super) fn checks(needs: &Needs) -> Vec<Check> {
    let file = needs.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    needs.listen.iter().filter_map(|endpoint| check(endpoint, &file)).collect()
}

/// Tries the address for a moment; endpoints that are no TCP are for Zenoh to judge.
fn check(endpoint: &str, file: &str) -> Option<Check> {
    let (protocol, address) = endpoint.split_once('/')?;
    if !matches!(protocol, "tcp" | "tls" | "http") {
        return None;
    }
    let address = address.split(['#', '?']).next().unwrap_or(address);
    let ill = |health, note: String, mend: String| {
        Some(Check::of(Area::Ports, endpoint, health, Weight::Fatal).note(note).mend(mend))
    };
    match TcpListener::bind(address) {
        Ok(_free) => Some(Check::healthy(Area::Ports, endpoint).found("free")),
        Err(why) if why.kind() == io::ErrorKind::AddrInUse => {
            let port = address.rsplit(':').next().unwrap_or_default();
            let note = format!("address already in use: check that the address is free, or change `listen` in {file}");
            ill(Health::Error, note, format!("ss -ltnp 'sport = :{port}'"))
        }
        Err(why) => {
            let note = format!("{why}: check that the address is one of this machine's, or change `listen` in {file}");
            ill(Health::Error, note, "ip -brief address".to_owned())
        }
    }
}
