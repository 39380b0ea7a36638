//! Texts with a meaning: spans of time, amounts of memory, devices, addresses. Each is named in the schema (`format`), checked
//! here with a hint, and read into a type by the functions below; `check` and the types use the same ones.

use std::time::Duration;

use bytesize::ByteSize;

use crate::media::{StreamKind, StreamSource};

/// What is wrong with a text, and what to try.
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) hint: String,
}

fn fault<T>(message: &str, hint: &str) -> Result<T, Fault> {
    Err(Fault { message: message.to_owned(), hint: hint.to_owned() })
}

/// Checks a text against a named format; `None` for formats that say nothing about text.
pub(crate) fn check(name: &str, text: &str) -> Option<Result<(), Fault>> {
    match name {
        "duration" => Some(duration(text).map(drop)),
        "bytes" => Some(bytes(text).map(drop)),
        "budget" => Some(budget(text).map(drop)),
        "device" => Some(device(text).map(drop)),
        "id" => Some(id(text)),
        "endpoint" => Some(endpoint(text)),
        "rtsp-url" => Some(rtsp_url(text)),
        "http-url" => Some(http_url(text)),
        "mqtt-url" => Some(mqtt_url(text)),
        "srt-url" => Some(stream(text, StreamKind::Srt)),
        "rtmp-url" => Some(stream(text, StreamKind::Rtmp)),
        "video-device" => Some(stream(text, StreamKind::V4l2)),
        "ice-server" => Some(ice_server(text)),
        "ip" => Some(ip(text)),
        "socket" => Some(socket(text)),
        "origin" => Some(origin(text)),
        "fingerprint" => Some(fingerprint(text).map(drop)),
        _ => None,
    }
}

/// Longest time that can be asked for; longer ones are slips, and overflow when added to a clock.
const LONGEST: Duration = Duration::from_hours(366 * 24);

pub(crate) fn duration(text: &str) -> Result<Duration, Fault> {
    match humantime::parse_duration(text) {
        Ok(time) if time <= LONGEST => Ok(time),
        Ok(_) => fault("longer than a year", "write a shorter time, such as \"30 days\""),
        Err(_) => fault("no span of time", "write a number and a unit, such as \"250 ms\", \"5 s\" or \"2 min\""),
    }
}

pub(crate) fn bytes(text: &str) -> Result<u64, Fault> {
    let has_unit = text.trim_end().ends_with(|c: char| c.is_ascii_alphabetic());
    match text.parse::<ByteSize>() {
        Ok(size) if has_unit && size.as_u64() > 0 => Ok(size.as_u64()),
        Ok(_) if has_unit => fault("no memory at all", "write an amount such as \"512 MiB\" or \"2 GiB\""),
        Ok(_) => fault("an amount without a unit", "write the unit, such as \"512 MiB\" or \"2 GiB\""),
        Err(_) => fault("no amount of memory", "write a number and a unit, such as \"512 MiB\" or \"2 GiB\""),
    }
}

/// A SHA-256 fingerprint as tools print it: 64 hexadecimal digits, colons and a leading `sha256:` allowed.
pub(crate) fn fingerprint(text: &str) -> Result<[u8; 32], Fault> {
    let lower = text.trim().to_ascii_lowercase();
    let digits: String = lower.strip_prefix("sha256:").unwrap_or(&lower).chars().filter(|c| *c != ':').collect();
    let mut bytes = [0; 32];
    let whole = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !whole {
        let hint =
            "write the 64 hexadecimal digits that `openssl x509 -noout -fingerprint -sha256 -in cert.pem` prints";
        return fault("no SHA-256 fingerprint", hint);
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap_or_default();
    }
    Ok(bytes)
}

/// How much memory may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// This many bytes.
    Bytes(u64),
    /// This part of what the device has, above 0 and at most 1.
    Share(f32),
}

pub(crate) fn budget(text: &str) -> Result<Budget, Fault> {
    let Some(percent) = text.trim_end().strip_suffix('%') else {
        return bytes(text).map(Budget::Bytes).map_err(|fault| Fault {
            hint: "write an amount such as \"2 GiB\", or a share such as \"80 %\"".to_owned(),
            ..fault
        });
    };
    match percent.trim().parse::<f32>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(Budget::Share(percent / 100.0)),
        _ => fault("no share of memory", "write more than 0 % and at most 100 %, such as \"80 %\""),
    }
}

/// Where models run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// A GPU when there is one that works, the CPU otherwise; which one is logged.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU of this number, from 0.
    Cuda(u32),
}

pub(crate) fn device(text: &str) -> Result<Device, Fault> {
    match text {
        "auto" => Ok(Device::Auto),
        "cpu" => Ok(Device::Cpu),
        "cuda" | "gpu" => fault("no device", "name the GPU by its number, such as \"cuda:0\""),
        _ => match text.strip_prefix("cuda:").map(str::parse) {
            Some(Ok(number)) => Ok(Device::Cuda(number)),
            _ => fault("no device", "write \"auto\", \"cpu\" or \"cuda:0\""),
        },
    }
}

fn id(text: &str) -> Result<(), Fault> {
    match crate::scene::CameraId::new(text) {
        Ok(_) => Ok(()),
        Err(_) => fault(
            "no valid id",
            "use 1 to 64 letters, digits, `-`, `_` or `.`, starting with a letter or digit: it becomes part of key expressions",
        ),
    }
}

/// Zenoh's way to write an address: protocol, slash, where.
fn endpoint(text: &str) -> Result<(), Fault> {
    const HINT: &str = "write it as \"tcp/127.0.0.1:7447\", \"tls/host:7447\" or \"unixsock-stream/path\"";
    let Some((protocol, address)) = text.split_once('/') else {
        return fault("no endpoint", HINT);
    };
    let port = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    match (protocol, port) {
        ("tcp" | "tls", Some((host, _))) if !host.is_empty() => Ok(()),
        ("unixsock-stream", _) if !address.is_empty() => Ok(()),
        _ => fault("no endpoint", HINT),
    }
}

fn socket(text: &str) -> Result<(), Fault> {
    match text.parse::<std::net::SocketAddr>() {
        Ok(_) => Ok(()),
        Err(_) => {
            fault("no address to listen on", "write address and port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"")
        }
    }
}

fn ip(text: &str) -> Result<(), Fault> {
    match text.parse::<std::net::IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => fault("no IP address", "write an address of this machine, such as \"192.168.1.20\""),
    }
}

fn ice_server(text: &str) -> Result<(), Fault> {
    let host = ["stun://", "turn://", "turns://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    match host {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => Ok(()),
        _ => fault("no ICE server", "write \"stun://host:3478\" or \"turn://user:password@host:3478\""),
    }
}

fn http_url(text: &str) -> Result<(), Fault> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host.and_then(|rest| rest.split('/').next()) {
        Some(host) if !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace) => Ok(()),
        _ => fault("no web address", "write it as \"https://host/path\"; a token has a key of its own"),
    }
}

fn mqtt_url(text: &str) -> Result<(), Fault> {
    let host = text.strip_prefix("mqtts://").or_else(|| text.strip_prefix("mqtt://"));
    let host = host.map(|host| host.trim_end_matches('/')).unwrap_or_default();
    let port_fits = match host.rsplit_once(':') {
        Some((bare, port)) if !port.ends_with(']') => {
            !bare.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        }
        _ => true,
    };
    let is_place = !host.is_empty() && port_fits && !host.contains(['/', '@', '?', '#', '\\']);
    if is_place && !text.contains(char::is_whitespace) {
        return Ok(());
    }
    fault("no MQTT address", "write it as \"mqtts://host:8883\"; user and password have keys of their own")
}

/// The media room reads these addresses; what it refuses, or takes for something else, is refused here.
fn stream(text: &str, kind: StreamKind) -> Result<(), Fault> {
    let (what, hint) = match kind {
        StreamKind::Srt => ("no SRT address", "write \"srt://host:9000\"; the passphrase has a key of its own"),
        StreamKind::Rtmp => {
            ("no RTMP address", "write \"rtmp://host/app/stream\"; the stream key has a key of its own")
        }
        StreamKind::V4l2 => ("no device", "write \"/dev/video0\""),
        StreamKind::Hls => ("no playlist", "write \"https://host/index.m3u8\""),
    };
    match StreamSource::parse(text, None) {
        Ok(source) if source.kind() == kind => Ok(()),
        _ => fault(what, hint),
    }
}

/// Scheme, host and port of a web page, as browsers send it.
fn origin(text: &str) -> Result<(), Fault> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '*', '@', ' ']) => Ok(()),
        _ => fault("no origin", "write scheme, host and port without a path, such as \"https://ops.example:8443\""),
    }
}

fn rtsp_url(text: &str) -> Result<(), Fault> {
    const HINT: &str =
        "write it as \"rtsp://host:554/path\"; user and password have keys of their own, and take every character";
    let rest = text.strip_prefix("rtsp://").or_else(|| text.strip_prefix("rtsps://"));
    let Some(rest) = rest else {
        return fault("no RTSP address", HINT);
    };
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port_fits = match host.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => true,
    };
    let has_host = !host.is_empty() && !host.starts_with(':');
    if has_host && port_fits && !text.contains(char::is_whitespace) { Ok(()) } else { fault("no RTSP address", HINT) }
}
