//! The way of datagrams through the relay: both ends believe that they talk to each other, and what the server sends is lost
//! and reordered here as a network would.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::relay::{Faults, named};

/// How long a waiting thread goes without looking whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// Even and odd port: packets and reports.
type Ports = (u16, u16);

/// One stream's pair of sockets. Dropping it ends the carrying.
pub struct Datagrams {
    ends: Arc<Ends>,
    _open: Arc<()>,
}

/// Who is at which port.
struct Ends {
    ours: Ports,
    camera: Mutex<Option<Ports>>,
    server: Mutex<Option<Ports>>,
}

impl Datagrams {
    /// Opens a pair and begins to carry; `faults` says what is wrong with the network now.
    pub fn open(faults: impl Fn() -> Faults + Clone + Send + 'static) -> Arc<Self> {
        let (sockets, ours) = (0..500).find_map(|_| pair()).expect("two free ports in a row");
        let ends = Arc::new(Ends { ours, camera: Mutex::default(), server: Mutex::default() });
        let open = Arc::new(());
        for (at, socket) in sockets.into_iter().enumerate() {
            let (open, ends, faults) = (Arc::downgrade(&open), Arc::clone(&ends), faults.clone());
            named("relay-udp", move || carry(&open, &ends, &socket, at, &faults));
        }
        Arc::new(Self { ends, _open: open })
    }

    /// A camera's request: its ports are noted and replaced by ours.
    pub fn ask(&self, request: &mut Vec<u8>) {
        if let Some(ports) = exchange(request, "client_port=", self.ends.ours) {
            *self.ends.camera.lock().unwrap() = Some(ports);
        }
    }

    /// The server's reply to that, the other way round.
    pub fn grant(&self, reply: &mut Vec<u8>) {
        let Some(camera) = *self.ends.camera.lock().unwrap() else { return };
        if let Some(ports) = exchange(reply, "server_port=", self.ends.ours) {
            *self.ends.server.lock().unwrap() = Some(ports);
            exchange(reply, "client_port=", camera);
        }
    }
}

impl Ends {
    /// Where a datagram from this port goes, and whether it comes from the server.
    fn beyond(&self, from: u16, at: usize) -> Option<(u16, bool)> {
        let pick = |ports: Ports| if at == 0 { ports.0 } else { ports.1 };
        let (camera, server) = (pick((*self.camera.lock().unwrap())?), pick((*self.server.lock().unwrap())?));
        Some(if from == camera { (server, false) } else { (camera, true) })
    }
}

fn pair() -> Option<([UdpSocket; 2], Ports)> {
    let even = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let port = even.local_addr().ok()?.port();
    let odd = UdpSocket::bind((Ipv4Addr::LOCALHOST, port.checked_add(1)?)).ok()?;
    (port % 2 == 0).then_some(([even, odd], (port, port + 1)))
}

/// Writes `ports` behind `key`, and returns what stood there.
fn exchange(message: &mut Vec<u8>, key: &str, ports: Ports) -> Option<Ports> {
    let text = String::from_utf8_lossy(message).into_owned();
    let start = text.find(key)? + key.len();
    let length = text[start..].find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len() - start);
    let (first, second) = text[start..start + length].split_once('-')?;
    let found = (first.parse().ok()?, second.parse().ok()?);
    *message = format!("{}{}-{}{}", &text[..start], ports.0, ports.1, &text[start + length..]).into_bytes();
    Some(found)
}

fn carry(open: &Weak<()>, ends: &Ends, socket: &UdpSocket, at: usize, faults: &impl Fn() -> Faults) {
    let mut rng = fastrand::Rng::with_seed(5);
    let (mut bytes, mut kept) = (vec![0; 65_536], None::<Vec<u8>>);
    socket.set_read_timeout(Some(LOOK)).unwrap();
    while open.strong_count() > 0 {
        let Ok((length, from)) = socket.recv_from(&mut bytes) else { continue };
        let Some((to, is_servers)) = ends.beyond(from.port(), at) else { continue };
        let send = |packet: &[u8]| drop(socket.send_to(packet, SocketAddr::from((Ipv4Addr::LOCALHOST, to))));
        let faults = faults();
        if !is_servers || at == 1 {
            send(&bytes[..length]);
        } else if rng.f32() >= faults.lose {
            if faults.reorder && kept.is_none() {
                kept = Some(bytes[..length].to_vec());
                continue;
            }
            send(&bytes[..length]);
            kept.take().into_iter().for_each(|late| send(&late));
        }
    }
}
