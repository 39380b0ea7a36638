//! Zenoh: the version linked in, and whether the routers a deployment connects to answer.

use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use super::{Area, Check, Depth, Health, Needs, WantedVersions, Weight};

/// How long a router may take to answer; one that takes longer on a network is no use for live events.
const PATIENCE: Duration = Duration::from_millis(400);

pub(super) fn checks(needs: &Needs, wanted: &WantedVersions, depth: Depth) -> Vec<Check> {
    let mut checks = Vec::new();
    if cfg!(feature = "zenoh") {
        // A test holds the manifest's tested version against the lock file: what is linked in is that.
        let version = wanted.zenoh.tested.first().map_or("linked in", String::as_str);
        checks.push(wanted.zenoh.judge(Area::Zenoh, "Zenoh", version));
    }
    if depth == Depth::Full {
        checks.extend(needs.connect.iter().filter_map(|endpoint| router(endpoint, needs.is_client)));
    }
    checks
}

fn router(endpoint: &str, is_client: bool) -> Option<Check> {
    let (protocol, address) = endpoint.split_once('/')?;
    if !matches!(protocol, "tcp" | "tls") {
        return None;
    }
    let weight = if is_client { Weight::Fatal } else { Weight::Advice };
    let answers =
        address.to_socket_addrs().map(|mut all| all.any(|one| TcpStream::connect_timeout(&one, PATIENCE).is_ok()));
    let ill = |note: String| {
        let (host, port) = address.rsplit_once(':').unwrap_or((address, "7447"));
        Check::of(Area::Zenoh, endpoint, Health::Error, weight).note(note).mend(format!("nc -vz {host} {port}"))
    };
    Some(match answers {
        Ok(true) => Check::healthy(Area::Zenoh, endpoint).found("answers"),
        Ok(false) => ill("nobody answers there: start the router, or correct `connect`".to_owned()),
        Err(why) => ill(format!("its name is not known here ({why}): correct `connect`")),
    })
}
