//! Every Debian package the program stands on is in config/dependencies.toml: those its own header names for the linker, and
//! those that hold the GStreamer elements named anywhere in src/media. Doctor names the same packages, and set-up and the images
//! install them.
//!
//! Asks dpkg who owns a file; says so aloud and passes where there is none.
#![cfg(all(feature = "cli", feature = "media"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use flyball::{
    doctor::{Use, WantedVersions},
    media::plugins::Plugins,
};
use gstreamer as gst;
use gstreamer::prelude::PluginFeatureExt;
use support::{is_there, root};

const DPKG: &str = "/usr/bin/dpkg-query";

fn wanted(used: impl Fn(Use) -> bool) -> BTreeSet<String> {
    let packages = WantedVersions::built_in().unwrap().package;
    packages.into_iter().filter(|package| used(package.used)).map(|package| package.name).collect()
}

/// The packages that own these files (patterns), by path; those of another kind of machine left out.
fn owners(files: &BTreeSet<String>) -> BTreeMap<String, String> {
    let said = Command::new(DPKG).arg("--search").args(files).output().unwrap();
    let lines = String::from_utf8(said.stdout).unwrap();
    let split = |line: &str| Some((line.rsplit_once(": ")?.1.to_owned(), line.split(':').next()?.to_owned()));
    lines.lines().filter_map(split).filter(|(_, owner)| !owner.ends_with("-cross")).collect()
}

/// The first word of every literal: elements stand alone between quotes, or begin a line for `gst-launch`.
fn words(file: &Path, into: &mut BTreeSet<String>) {
    if file.is_dir() {
        for entry in fs::read_dir(file).unwrap() {
            words(&entry.unwrap().path(), into);
        }
        return;
    }
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let word = |piece: &str| {
        let word = piece.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
        // `rotate-90` is a tag's value, and no element's.
        (!piece[word.len()..].starts_with('-')).then(|| word.to_owned())
    };
    into.extend(code.split('"').skip(1).filter_map(word));
}

/// Element by element, the package that holds it here.
fn elements() -> BTreeMap<String, String> {
    let mut names = BTreeSet::new();
    words(&root().join("src/media"), &mut names);
    let plugin = |name: &String| gst::ElementFactory::find(name)?.plugin()?.filename();
    // GStreamer may reach its folder by a link; dpkg knows files by where they are.
    let file = |name: &String| Some((name.clone(), fs::canonicalize(plugin(name)?).ok()?.display().to_string()));
    let files: BTreeMap<String, String> = names.iter().filter_map(file).collect();
    let owners = owners(&files.values().cloned().collect());
    files.into_iter().filter_map(|(name, file)| Some((name, owners.get(&file)?.clone()))).collect()
}

#[test]
fn every_element_named_in_the_code_is_of_a_listed_package_and_doctor_names_it() {
    if !is_there(&[DPKG]) {
        return;
    }
    let plugins = Plugins::look().unwrap();
    let (listed, elements) = (wanted(|_| true), elements());
    for known in ["webrtcbin", "nicesrc", "srtpdec", "dtlsdec", "rtspsrc", "avdec_h264", "vp8dec", "rtph265pay"] {
        assert!(elements.contains_key(known), "{known} was not found in the code: {elements:?}");
    }
    for (element, package) in &elements {
        assert!(listed.contains(package), "{element} is in {package}, which config/dependencies.toml does not list");
        assert_eq!(plugins.package(element), package, "{element}");
    }
}

#[test]
fn every_library_that_is_linked_is_of_a_listed_package() {
    if !is_there(&[DPKG, "/usr/bin/readelf"]) {
        return;
    }
    let head = Command::new("readelf").args(["--dynamic", env!("CARGO_BIN_EXE_flyball")]).output().unwrap();
    let head = String::from_utf8(head.stdout).unwrap();
    let needed = head.lines().filter(|line| line.contains("(NEEDED)")).filter_map(|line| line.split(['[', ']']).nth(1));
    let libraries = needed.map(|library| format!("*-linux-gnu/{library}")).collect();
    let found: BTreeSet<String> = owners(&libraries).into_values().collect();
    let listed = wanted(|used| used == Use::Linked);
    assert!(found.len() > 4 && found.is_subset(&listed), "linked: {found:?}, listed: {listed:?}");
    let more: Vec<_> = listed.difference(&found).collect();
    assert!(more.is_empty(), "listed and not linked: {more:?}");
}

/// No image is built in the tests; a file that is not there any more would be noticed late.
#[test]
fn what_images_copy_from_here_is_there() {
    for file in ["Dockerfile", "Dockerfile.gpu"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let copies = text.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.contains("--from"));
        for line in copies {
            let names: Vec<&str> = line.split_whitespace().collect();
            for name in &names[..names.len() - 1] {
                assert!(root().join(name).exists(), "{file} copies {name}, which is not here");
            }
        }
    }
}

#[test]
fn set_up_and_images_install_what_is_loaded_by_name() {
    let loaded = wanted(|used| used == Use::Plugins).into_iter().chain(["libgstrtspserver-1.0-0".to_owned()]);
    for package in loaded {
        for file in ["Dockerfile", "Dockerfile.gpu", "models/prepare/machine.py"] {
            let text = fs::read_to_string(root().join(file)).unwrap();
            assert!(text.contains(&package), "{file} does not install {package}");
        }
    }
}
