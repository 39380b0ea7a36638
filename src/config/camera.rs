//! One `[[camera]]`, resolved: its file found, its credentials taken out of the address and out of sight.

use std::path::{Path, PathBuf};

use super::{
    deployment::{Camera, Credentials, Ice, Source, TlsTrust},
    format,
    problem::Problem,
    resolve::Resolver,
    secret::Secret,
    tree::Node,
    written,
};
use crate::scene::CameraId;

/// A camera, or `None` when its shape is wrong, which has been reported.
pub(crate) fn resolve(resolver: &mut Resolver<'_>, node: &Node, key: &str) -> Option<Camera> {
    let written: written::Camera = resolver.read(node, key)?;
    let at = node.at("source").unwrap_or(node);
    let key = format!("{key}.source");
    let source = match written.source {
        written::Source::File(file) => resolve_file(resolver, at, &key, &file),
        written::Source::Rtsp(rtsp) => resolve_rtsp(resolver, at, &key, rtsp),
        written::Source::Whip(whip) => Source::Whip(ice(&whip.whip)),
        written::Source::Whep(whep) => resolve_whep(resolver, at, &key, &whep),
        written::Source::Hls(hls) => Source::Stream { address: hls.hls, secret: None },
        written::Source::Srt(srt) => {
            let secret = srt.passphrase_file.and_then(|file| resolver.secret_file(at, &key, "passphrase", &file));
            Source::Stream { address: srt.srt, secret }
        }
        written::Source::Rtmp(rtmp) => {
            let secret = rtmp.key_file.and_then(|file| resolver.secret_file(at, &key, "key", &file));
            Source::Stream { address: rtmp.rtmp, secret }
        }
        written::Source::Device(device) => Source::Stream { address: device.v4l2, secret: None },
        written::Source::Synthetic(made_up) => Source::Synthetic(made_up.synthetic),
    };
    Some(Camera {
        id: CameraId::new(&written.id).ok()?,
        source,
        limits: written.limits,
        decoder: written.decoder,
        wait: written.wait,
        health: written.health,
        place: node.value_place("id").clone(),
    })
}

/// A missing file is a warning: one camera without a file must not keep the others from running.
fn resolve_file(resolver: &mut Resolver<'_>, node: &Node, key: &str, written: &written::FileSource) -> Source {
    let path = resolver.absolute(&written.file);
    if let Some(message) = not_a_file(&path) {
        let hint = if is_sample(&path) {
            "sample footage is fetched, never committed: run `make demo` once"
        } else {
            "paths are relative to this file; if there is no video at the start, this camera is given up and the others go on"
        };
        resolver.problems.push(Problem::warning(node.value_place("file"), &format!("{key}.file"), message, hint));
    }
    Source::File { path, pace: written.pace, repeat: written.repeat }
}

fn not_a_file(path: &Path) -> Option<String> {
    match path.metadata() {
        Ok(about) if about.is_dir() => Some(format!("{} is a directory, not a video", path.display())),
        Ok(_) => None,
        Err(_) => Some(format!("there is no file {}", path.display())),
    }
}

fn is_sample(path: &Path) -> bool {
    path.parent().is_some_and(|parent| parent.ends_with(PathBuf::from("samples/footage")))
}

fn resolve_rtsp(resolver: &mut Resolver<'_>, node: &Node, key: &str, written: written::RtspSource) -> Source {
    let (url, inside) = split_userinfo(&written.rtsp);
    let tls = resolve_tls(resolver, node, key, &url, &written);
    let apart = resolver.credentials(node, key, written.user, written.password, written.password_file);
    if inside.is_some() {
        let message = if apart.is_some() {
            "the address holds a user and password too; those are ignored"
        } else {
            "the address holds a user and password; they are used, but shown wherever this file is"
        };
        let hint = "write `rtsp = \"rtsp://host/path\", user = \"…\", password = \"${NAME}\"`";
        resolver.problems.push(Problem::warning(node.value_place("rtsp"), &format!("{key}.rtsp"), message, hint));
    }
    Source::Rtsp { url, credentials: apart.or(inside), transport: written.transport, tls }
}

/// At most one way to trust, and only where there is a certificate to trust.
fn resolve_tls(
    resolver: &mut Resolver<'_>,
    node: &Node,
    key: &str,
    url: &str,
    written: &written::RtspSource,
) -> TlsTrust {
    let asked = [("tls_ca", written.tls_ca.is_some()), ("tls_pin", written.tls_pin.is_some())];
    let mut asked: Vec<_> = asked.into_iter().filter(|(_, is_asked)| *is_asked).map(|(key, _)| key).collect();
    asked.extend(written.insecure_tls.then_some("insecure_tls"));
    let Some(last) = asked.last() else { return TlsTrust::System };
    let place = node.key_place(last);
    if asked.len() > 1 {
        let message = "the certificate is to be trusted in two ways";
        let hint = "keep one of `tls_ca`, `tls_pin` and `insecure_tls`";
        resolver.problems.push(Problem::error(place, &format!("{key}.{last}"), message, hint));
    } else if !url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("rtsps://")) {
        let message = format!("`{last}` says nothing about a connection without TLS");
        resolver.problems.push(Problem::warning(place, &format!("{key}.{last}"), message, "write `rtsps://…`"));
    } else if written.insecure_tls {
        let message = "any certificate is accepted: whoever is in between can show this camera's pictures";
        let hint = "set `tls_ca` or `tls_pin` instead";
        resolver.problems.push(Problem::warning(place, &format!("{key}.{last}"), message, hint));
    }
    trust(resolver, node, key, written)
}

fn trust(resolver: &mut Resolver<'_>, node: &Node, key: &str, written: &written::RtspSource) -> TlsTrust {
    if let Some(pin) = written.tls_pin.as_deref().and_then(|pin| format::fingerprint(pin).ok()) {
        return TlsTrust::Pinned(pin);
    }
    let Some(file) = &written.tls_ca else {
        return if written.insecure_tls { TlsTrust::Anything } else { TlsTrust::System };
    };
    let path = resolver.absolute(file);
    if !path.is_file() {
        let message = format!("there is no certificate file {}", path.display());
        let hint = "name a PEM file, relative to this file";
        resolver.problems.push(Problem::error(node.value_place("tls_ca"), &format!("{key}.tls_ca"), message, hint));
    }
    TlsTrust::Authority(path)
}

fn resolve_whep(resolver: &mut Resolver<'_>, node: &Node, key: &str, written: &written::WhepSource) -> Source {
    let token = written.token_file.as_ref().and_then(|file| resolver.secret_file(node, key, "token", file));
    if token.is_some() && written.whep.starts_with("http://") {
        let hint = "use https:// unless both ends are on this machine";
        let message = "the token is sent without encryption";
        resolver.problems.push(Problem::warning(node.value_place("whep"), &format!("{key}.whep"), message, hint));
    }
    Source::Whep { url: written.whep.clone(), token, ice: ice(&written.ice) }
}

pub(super) fn ice(written: &written::Ice) -> Ice {
    Ice {
        servers: written.servers.iter().map(Secret::new).collect(),
        addresses: written.addresses.iter().filter_map(|address| address.parse().ok()).collect(),
    }
}

impl Resolver<'_> {
    /// Who sends over WHIP needs a server to send to.
    pub(super) fn refuse_unheard_whip(&mut self, cameras: &[Camera]) {
        if self.tree.at("server").is_some() {
            return;
        }
        for (at, camera) in cameras.iter().enumerate().filter(|(_, camera)| matches!(camera.source, Source::Whip(_))) {
            let message = format!("nobody can send to camera `{}`: there is no server here", camera.id);
            let hint = "add a `[server]` section, such as `server.listen = \"127.0.0.1:8080\"`";
            self.problems.push(Problem::error(&camera.place, &format!("camera[{at}].source.whip"), message, hint));
        }
    }
}

/// The address without what stands before its last `@`, and that as credentials. `%40` and the like are decoded, as every
/// player does.
fn split_userinfo(url: &str) -> (String, Option<Credentials>) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (url.to_owned(), None);
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let Some(sign) = rest[..end].rfind('@') else {
        return (url.to_owned(), None);
    };
    let (user, password) = rest[..sign].split_once(':').unwrap_or((&rest[..sign], ""));
    let credentials = Credentials { user: percent_decoded(user), password: Secret::new(percent_decoded(password)) };
    (format!("{scheme}://{}", &rest[sign + 1..]), Some(credentials))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%').and_then(hex);
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(two: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(two[0])? * 16 + digit(two[1])?) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_address() {
        let (url, found) = split_userinfo("rtsp://me:p%40s%3As@10.0.0.1:554/live?x=a@b");
        assert_eq!(url, "rtsp://10.0.0.1:554/live?x=a@b");
        let found = found.unwrap();
        assert_eq!((found.user.as_str(), found.password.expose()), ("me", "p@s:s"));
        assert_eq!(format!("{found:?}"), r#"Credentials { user: "me", password: *** }"#);
        assert_eq!(split_userinfo("rtsp://10.0.0.1/live").1, None);
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%é1"), "%é1");
    }
}
