//! A relay between a camera and its server that can be told to be a bad network: it understands RTSP's interleaved packets
//! well enough to lose, reorder, spoil and re-time them.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::datagrams::Datagrams;

/// What the network does wrong.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "faults are independent of each other")]
pub struct Faults {
    /// Nothing more reaches the camera, and nobody says so.
    pub hold: bool,
    /// Connections are reset as soon as they are made.
    pub refuse: bool,
    /// Every request is answered with this status line, and the server is not asked.
    pub answer: Option<&'static str>,
    /// Every reply of the server takes this long.
    pub delay: Duration,
    /// This share of RTP packets is lost.
    pub lose: f32,
    /// Neighbouring RTP packets change places.
    pub reorder: bool,
    /// RTP payloads are noise.
    pub garbage: bool,
    /// Sender reports say this many seconds more.
    pub shift_ntp: i64,
    /// What becomes of RTP timestamps.
    pub times: Times,
}

/// What becomes of RTP timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Times {
    #[default]
    AsSent,
    /// They stand still.
    Stopped,
    /// They run backwards.
    Backwards,
}

/// A relay that runs until the process ends.
pub struct Relay {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    faults: Mutex<Faults>,
    lines: Mutex<Vec<TcpStream>>,
}

impl Relay {
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { server, faults: Mutex::default(), lines: Mutex::default() });
        let relay = Arc::clone(&shared);
        named("relay", move || listener.incoming().flatten().for_each(|client| relay.serve(client)));
        Self { address, shared }
    }

    /// From now on the network does this wrong.
    pub fn set(&self, faults: Faults) {
        *self.shared.faults.lock().unwrap() = faults;
    }

    /// Resets every connection.
    pub fn reset(&self) {
        self.shared.lines.lock().unwrap().drain(..).for_each(|line| abort(&line));
    }

    /// Says this to every camera, as if the server had.
    pub fn say(&self, text: &str) {
        for mut line in self.shared.lines.lock().unwrap().iter() {
            let _gone = line.write_all(text.as_bytes());
        }
    }

    /// Closes every connection in order.
    pub fn hang_up(&self) {
        for line in self.shared.lines.lock().unwrap().drain(..) {
            let _gone = line.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn serve(self: &Arc<Self>, client: TcpStream) {
        let faults = self.faults();
        if faults.refuse {
            return abort(&client);
        }
        if let Some(status) = faults.answer {
            named("relay-answer", move || answer(client, status));
            return;
        }
        let Ok(server) = TcpStream::connect(self.server) else { return abort(&client) };
        let both = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some((from_client, to_server)), Some((to_client, from_server))) = (both(), both()) else { return };
        self.lines.lock().unwrap().push(client);
        let relay = Arc::clone(self);
        let datagrams = Datagrams::open(move || relay.faults());
        let (relay, up) = (Arc::clone(self), Arc::clone(&datagrams));
        named("relay-up", move || copy(from_client, to_server, &up));
        named("relay-down", move || relay.spoil(from_server, to_client, &datagrams));
    }

    fn faults(&self) -> Faults {
        self.faults.lock().unwrap().clone()
    }

    /// Server to camera, message by message.
    fn spoil(&self, mut server: TcpStream, mut client: TcpStream, datagrams: &Datagrams) {
        let mut rng = fastrand::Rng::with_seed(5);
        let (mut kept, mut times) = (None::<Vec<u8>>, (0_u32, 0_u32));
        while let Some(mut message) = message(&mut server) {
            let faults = self.faults();
            while self.faults().hold {
                pause(Duration::from_millis(20));
            }
            if message[0] != b'$' {
                pause(faults.delay);
                datagrams.grant(&mut message);
            } else if message[1] % 2 == 1 {
                shift_report(&mut message, faults.shift_ntp);
            } else {
                if rng.f32() < faults.lose {
                    continue;
                }
                retime(&mut message, faults.times, &mut times);
                if faults.garbage {
                    message[16..].iter_mut().for_each(|byte| *byte = rng.u8(..));
                }
                if faults.reorder && kept.is_none() {
                    kept = Some(message);
                    continue;
                }
            }
            if client.write_all(&message).is_err() {
                break;
            }
            if let Some(late) = kept.take()
                && client.write_all(&late).is_err()
            {
                break;
            }
        }
        let _gone = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
    }
}

/// One interleaved packet, or one RTSP message with its body.
fn message(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 4];
    from.read_exact(&mut bytes).ok()?;
    if bytes[0] == b'$' {
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        bytes.resize(4 + length, 0);
        from.read_exact(&mut bytes[4..]).ok()?;
        return Some(bytes);
    }
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut one = [0];
        from.read_exact(&mut one).ok()?;
        bytes.push(one[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let head = bytes.len();
    bytes.resize(head + length, 0);
    from.read_exact(&mut bytes[head..]).ok()?;
    Some(bytes)
}

/// RTCP sender reports: packet type 200, NTP seconds behind the sender's number.
fn shift_report(packet: &mut [u8], seconds: i64) {
    if packet.len() >= 20 && packet[5] == 200 {
        let ntp = u32::from_be_bytes([packet[12], packet[13], packet[14], packet[15]]);
        packet[12..16].copy_from_slice(&(i64::from(ntp) + seconds).to_be_bytes()[4..]);
    }
}

fn retime(packet: &mut [u8], times: Times, (last, sent): &mut (u32, u32)) {
    if packet.len() < 16 {
        return;
    }
    let time = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
    let step = time.wrapping_sub(*last);
    let written = match times {
        Times::AsSent => time,
        Times::Stopped => *sent,
        Times::Backwards => sent.wrapping_sub(step),
    };
    (*last, *sent) = (time, written);
    packet[8..12].copy_from_slice(&written.to_be_bytes());
}

fn answer(mut client: TcpStream, status: &str) {
    while let Some(request) = message(&mut client) {
        let request = String::from_utf8_lossy(&request).into_owned();
        let number = request.lines().find_map(|line| line.strip_prefix("CSeq:")).unwrap_or(" 0").trim().to_owned();
        if client.write_all(format!("RTSP/1.0 {status}\r\nCSeq: {number}\r\n\r\n").as_bytes()).is_err() {
            return;
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, datagrams: &Datagrams) {
    while let Some(mut message) = message(&mut from) {
        if message[0] != b'$' {
            datagrams.ask(&mut message);
        }
        if to.write_all(&message).is_err() {
            break;
        }
    }
    let _gone = to.shutdown(Shutdown::Both);
}

/// Ends a connection so that the other end sees a reset: on Linux a TCP socket that is "connected to nowhere" sends one.
#[allow(unsafe_code, reason = "the standard library cannot ask for a reset")]
fn abort(line: &TcpStream) {
    // SAFETY: all-zero bytes are a valid address of the family AF_UNSPEC, which is 0.
    let nowhere: libc::sockaddr = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: the descriptor is open for as long as `line` is borrowed, and `nowhere` lives through the call.
    unsafe { libc::connect(line.as_raw_fd(), &raw const nowhere, size) };
}

/// An address where connections are neither made nor refused: its queue is full, and nobody takes from it.
pub struct Deaf {
    pub address: SocketAddr,
    _listener: TcpListener,
    _callers: Vec<TcpStream>,
}

#[allow(unsafe_code, reason = "the standard library cannot shorten the queue")]
pub fn deaf() -> Deaf {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: the descriptor is open for as long as `listener` lives.
    unsafe { libc::listen(listener.as_raw_fd(), 0) };
    let address = listener.local_addr().unwrap();
    let call = |_| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    let callers = (0..4).filter_map(call).collect();
    Deaf { address, _listener: listener, _callers: callers }
}

pub fn named(name: &str, work: impl FnOnce() + Send + 'static) {
    drop(thread::Builder::new().name(name.to_owned()).spawn(work).unwrap());
}

/// Lets time pass: what a network does.
pub fn pause(time: Duration) {
    if !time.is_zero() {
        let _never = crossbeam_channel::never::<()>().recv_timeout(time);
    }
}
