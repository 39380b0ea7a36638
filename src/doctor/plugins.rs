//! GStreamer, and every element the cameras need, by the Debian package that brings them.

#[cfg(feature = "media")]
use super::{Area, Health, Weight};
use super::{Check, Needs, WantedVersions};

#[cfg(not(feature = "media"))]
pub(super) fn checks(_: &Needs, _: &WantedVersions) -> Vec<Check> {
    Vec::new() // `program` says that it is not built in
}

#[cfg(feature = "media")]
pub(super) fn checks(needs: &Needs, wanted: &WantedVersions) -> Vec<Check> {
    use crate::media::plugins::Plugins;

    if !needs.decoding() {
        return Vec::new(); // starting GStreamer takes time, and nothing asks for it
    }
    let plugins = match Plugins::look() {
        Ok(plugins) => plugins,
        Err(why) => {
            let check = Check::of(Area::Gstreamer, "GStreamer", Health::Error, Weight::Fatal).note(why.to_string());
            return vec![check.wanted(wanted.gstreamer.range()).mend(&wanted.gstreamer.mend)];
        }
    };
    let version = wanted.gstreamer.judge(Area::Gstreamer, "GStreamer", &plugins.version);
    std::iter::once(version).chain(packages(needs, &plugins)).chain(tls(needs, &plugins)).collect()
}

/// GLib loads its TLS at run time too; only `rtsps` cameras need it.
#[cfg(feature = "media")]
fn tls(needs: &Needs, plugins: &crate::media::plugins::Plugins) -> Option<Check> {
    const PACKAGE: &str = "glib-networking";
    let weight = if needs.is_of_deployment() { Weight::Fatal } else { Weight::Advice };
    needs.rtsps.then(|| {
        if plugins.speaks_tls() {
            return Check::healthy(Area::Gstreamer, PACKAGE).found("TLS");
        }
        let check = Check::of(Area::Gstreamer, PACKAGE, Health::Missing, weight);
        check.note("GLib has no TLS, which `rtsps` cameras need").mend(format!("apt-get install {PACKAGE}"))
    })
}

/// One check a package.
#[cfg(feature = "media")]
fn packages(needs: &Needs, plugins: &crate::media::plugins::Plugins) -> Vec<Check> {
    let mut packages: std::collections::BTreeMap<&str, Package> = std::collections::BTreeMap::new();
    for part in parts(needs) {
        let Some(first) = part.any_of.first() else { continue };
        let package = packages.entry(plugins.package(first)).or_default();
        match part.any_of.iter().find(|name| plugins.has(name)) {
            Some(name) => package.there.push(name),
            None => package.lacking.push(part),
        }
    }
    packages.into_iter().map(|(name, package)| package.check(name)).collect()
}

/// What of one package is there, and what is not.
#[cfg(feature = "media")]
#[derive(Default)]
struct Package {
    there: Vec<&'static str>,
    lacking: Vec<crate::media::plugins::Part>,
}

#[cfg(feature = "media")]
impl Package {
    fn check(mut self, name: &str) -> Check {
        self.there.sort_unstable();
        self.there.dedup();
        let check = Check::healthy(Area::Gstreamer, name);
        let check = if self.there.is_empty() { check } else { check.found(self.there.join(", ")) };
        if self.lacking.is_empty() {
            return check;
        }
        let elements: Vec<&str> = self.lacking.iter().filter_map(|part| part.any_of.first().copied()).collect();
        let mut purposes: Vec<&str> = self.lacking.iter().map(|part| part.purpose).collect();
        purposes.dedup();
        let weight = if self.lacking.iter().any(|part| part.usual) { Weight::Fatal } else { Weight::Advice };
        let note = format!("no element {} ({})", elements.join(", "), purposes.join(", "));
        Check { health: Health::Missing, weight, ..check }.note(note).mend(format!("apt-get install {name}"))
    }
}

/// Everything the cameras need; without a deployment, everything any camera may need.
#[cfg(feature = "media")]
fn parts(needs: &Needs) -> Vec<crate::media::plugins::Part> {
    use crate::media::{StreamKind, plugins};
    let mut parts = plugins::picture_parts();
    for file in &needs.footage {
        parts.extend(plugins::file_parts(file));
    }
    if needs.rtsp {
        parts.extend(plugins::network_parts());
    }
    if needs.webrtc && needs.is_of_deployment() {
        parts.extend(plugins::webrtc_parts());
    }
    for kind in &needs.streams {
        parts.extend(plugins::stream_parts(*kind));
    }
    if needs.hardware_decoder {
        parts.extend(plugins::hardware_parts());
    }
    if !needs.is_of_deployment() {
        parts.extend(plugins::file_parts(std::path::Path::new("any.mp4")));
        parts.extend(plugins::other_codec_parts());
        // Without a deployment nobody has said that they want WebRTC or these streams: lacking them is advice.
        let streams = [StreamKind::Hls, StreamKind::Srt, StreamKind::Rtmp, StreamKind::V4l2];
        let wished = plugins::webrtc_parts().into_iter().chain(streams.into_iter().flat_map(plugins::stream_parts));
        parts.extend(wished.map(|part| plugins::Part { usual: false, ..part }));
    }
    parts
}
