//! Photos and disks that will not do, given to the real program: every photo is told by name, and nobody who is enrolled is lost.
//!
//! Needs what `make setup` fetches; says so aloud and passes when it is not there.
#![cfg(all(feature = "cli", feature = "media", feature = "ort", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{BAD_INPUT, DONE, FAILED, Place, is_set_up, is_there, refused, root, run, synthetic, text};

#[test]
fn a_photo_that_will_not_do_is_named_and_keeps_no_good_one_out() {
    if !is_set_up() || !is_there(&["samples/photos/biden.jpg"]) {
        return;
    }
    let place = Place::new();
    let deployment = place.deployment(&[("gate", &synthetic(3))], "[gallery]\npath = \"people/gallery.redb\"\n");
    let crowd = crowd_of(&root().join("samples/photos/biden.jpg"), &place.path("crowd.png"));
    let nobody = place.path("nobody.png");
    image::RgbImage::from_pixel(320, 240, image::Rgb([90, 120, 90])).save(&nobody).unwrap();
    let (notes, empty) = (place.write("notes.png", "no picture"), place.write("empty.jpg", ""));
    let table = [
        (notes, "is no picture", "use a JPEG or PNG file"),
        (empty, "is no picture", "use a JPEG or PNG file"),
        (place.path("missing.jpg"), "cannot be read", "check the path"),
        (nobody, "no face found", "from the front"),
        (crowd, "2 faces of similar size", "cut the photo down"),
    ];
    let gallery = |arguments: &[&str]| run(&[&["gallery", "--config", text(&deployment)], arguments].concat());
    let good = root().join("samples/photos/biden.jpg");
    let photos = table.iter().map(|(photo, ..)| text(photo)).chain([text(&good)]);
    let ended = gallery(&["add", "ada"].into_iter().chain(photos).collect::<Vec<_>>());
    for (photo, what, hint) in &table {
        refused(&ended, BAD_INPUT, &[text(photo), what, hint]);
        let its_lines = ended.err.lines().filter(|line| line.contains(text(photo)));
        assert_eq!(its_lines.count(), 1, "one sentence a photo: {ended:#?}");
    }
    assert!(ended.out.starts_with("ada: added"), "{ended:#?}");
    assert_eq!(gallery(&["list", "--json"]).json_lines()[0]["people"][0]["enrolments"], 1);
    refused(&gallery(&["remove", "bob"]), BAD_INPUT, &["nobody with the id `bob`", "flyball gallery list"]);
    fs::write(place.path("people/gallery.redb"), "this is no gallery").unwrap();
    refused(&gallery(&["list"]), BAD_INPUT, &["gallery.redb", "damaged or no gallery", "restore a copy"]);
}

/// The same face twice, side by side.
fn crowd_of(photo: &Path, to: &Path) -> PathBuf {
    let face = image::open(photo).unwrap().into_rgb8();
    let mut crowd = image::RgbImage::new(face.width() * 2, face.height());
    image::imageops::replace(&mut crowd, &face, 0, 0);
    image::imageops::replace(&mut crowd, &face, i64::from(face.width()), 0);
    crowd.save(to).unwrap();
    to.to_owned()
}

/// A small disk of its own, taken away again when let go.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).output();
        mounted.is_ok_and(|m| m.status.success()).then_some(Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone_with_the_folder = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nobody_who_is_enrolled() {
    if !is_set_up() || !is_there(&["samples/photos/biden.jpg", "samples/photos/obama.jpg"]) {
        return;
    }
    let place = Place::new();
    let Some(disk) = Disk::mount(place.path("disk"), "4m") else {
        eprintln!("SKIPPED: a small disk cannot be mounted here; run as root");
        return;
    };
    let deployment = place.deployment(&[("gate", &synthetic(3))], "[gallery]\npath = \"disk/gallery.redb\"\n");
    let photo = |name: &str| root().join("samples/photos").join(name).display().to_string();
    let gallery = |arguments: &[&str]| run(&[&["gallery", "--config", text(&deployment)], arguments].concat());
    refused(&gallery(&["add", "biden", &photo("biden.jpg")]), DONE, &[]);
    fill(&disk.0);
    let full = (0..40).map(|n| gallery(&["add", &format!("p{n}"), &photo("obama.jpg"), "--even-if-alike"]));
    let full = full.into_iter().find(|ended| ended.code != Some(DONE)).expect("a full disk takes nobody");
    refused(&full, FAILED, &["gallery.redb", "disk is full", "free some space"]);
    let people = gallery(&["list", "--json"]);
    refused(&people, DONE, &[]);
    assert!(people.out.contains("\"biden\""), "whoever was enrolled still is: {people:#?}");
}

/// Writes until nothing more goes in.
fn fill(folder: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(folder.join("filler")).unwrap();
    for size in [64 << 10, 4 << 10, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}
