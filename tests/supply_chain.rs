//! The bill of materials lists what the default build is made of, neither more nor less, with terms and checksums, and is what
//! CycloneDX says such a bill is; nothing may be in that .deny.toml does not allow.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;
use support::{Place, is_there, root, text};

const PYTHON: &str = "/usr/bin/python3";
const VALIDATOR: &str = "target/tools/bin/python";

fn output(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    output
}

/// Where the bill of this test lies.
const BILL: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/sbom.cdx.json");

/// The bill, made once for all tests of this file.
fn bill() -> &'static Value {
    static MADE: OnceLock<Value> = OnceLock::new();
    MADE.get_or_init(|| {
        output("python3", &[".ci/sbom.py", "--output", BILL]);
        serde_json::from_slice(&fs::read(BILL).unwrap()).unwrap()
    })
}

/// Cargo's own list of what the default build compiles for this machine.
fn built() -> BTreeSet<String> {
    let flags = ["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let listed = String::from_utf8(output(env!("CARGO"), &flags).stdout).unwrap();
    let crates = listed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some(format!("{}@{}", words.next()?, words.next()?.trim_start_matches('v')))
    });
    crates.collect()
}

fn of_kind<'a>(bill: &'a Value, purl: &str) -> Vec<&'a Value> {
    let components = bill["components"].as_array().unwrap();
    components.iter().filter(|component| component["purl"].as_str().unwrap_or_default().starts_with(purl)).collect()
}

#[test]
fn every_crate_of_the_default_build_is_listed_and_no_other() {
    if !is_there(&[PYTHON]) {
        return;
    }
    let bill = bill();
    let name = |part: &Value| format!("{}@{}", part["name"].as_str().unwrap(), part["version"].as_str().unwrap());
    let mut listed: BTreeSet<String> = of_kind(bill, "pkg:cargo/").into_iter().map(name).collect();
    listed.insert(name(&bill["metadata"]["component"]));
    let built = built();
    let (missing, more): (Vec<_>, Vec<_>) = (built.difference(&listed).collect(), listed.difference(&built).collect());
    assert!(missing.is_empty() && more.is_empty(), "not listed: {missing:?}; listed and not built: {more:?}");

    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for part in of_kind(bill, "pkg:cargo/") {
        let hash = part["hashes"][0]["content"].as_str().unwrap_or_default();
        assert!(hash.len() == 64 && lock.contains(hash), "{part}: its checksum is not the lock file's");
        assert!(part["licenses"][0]["expression"].is_string(), "{part}: no licence");
    }
}

#[test]
fn models_the_runtime_and_system_libraries_are_listed_too() {
    if !is_there(&[PYTHON]) {
        return;
    }
    let bill = bill();
    let components = bill["components"].as_array().unwrap();
    let models: Vec<&Value> = components.iter().filter(|part| part["type"] == "machine-learning-model").collect();
    let yunet = models.iter().find(|part| part["name"] == "yunet/yunet.onnx").unwrap();
    let manifest = fs::read_to_string(root().join("models/yunet/model.toml")).unwrap();
    assert!(manifest.contains(yunet["hashes"][0]["content"].as_str().unwrap()), "{yunet}");
    assert_eq!(yunet["licenses"][0]["expression"], "MIT");
    assert!(models.iter().all(|part| part["hashes"][0]["content"].is_string()));
    assert!(
        of_kind(bill, "pkg:pypi/onnxruntime@").len() == 1 && !of_kind(bill, "pkg:deb/debian/libgstreamer").is_empty()
    );
    let dependencies = bill["dependencies"].as_array().unwrap();
    assert_eq!(dependencies.len(), components.len() + 1, "everything says what it stands on");
}

#[test]
fn the_bill_is_cyclonedx() {
    if !is_there(&[PYTHON, VALIDATOR]) {
        return; // `make tools` installs the validator
    }
    bill();
    output(text(&root().join(VALIDATOR)), &[".ci/validate_sbom.py", BILL]);
}

/// The program hands on the bill made with it, and no other's.
#[test]
fn doctor_prints_the_bill_of_this_very_version() {
    if !is_there(&[PYTHON]) {
        return;
    }
    let place = Place::new();
    let ask = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flyball"));
        command.args(["doctor", "--sbom"]).current_dir(place.path("")).output().unwrap()
    };
    let none = ask();
    assert!(none.status.code() == Some(2) && String::from_utf8_lossy(&none.stderr).contains("`make sbom`"), "{none:?}");
    bill();
    let text = fs::read_to_string(BILL).unwrap();
    place.write("target/reports/sbom.cdx.json", &text);
    let printed = ask();
    assert!(printed.status.success() && printed.stdout == text.as_bytes());
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    place.write("target/reports/sbom.cdx.json", text.replace(&version, "\"version\": \"0.0.9\""));
    assert_eq!(ask().status.code(), Some(2), "another version's");
}

#[test]
fn what_is_not_allowed_is_not_in() {
    if is_there(&[PYTHON]) {
        output("python3", &[".ci/licences.py"]);
        output("python3", &[".ci/secrets.py"]);
    }
}

/// An exception without a reason and a day to look again is how exceptions stay for ever.
#[test]
fn every_waiver_has_a_reason_and_a_day() {
    let deny: toml::Table = toml::from_str(&fs::read_to_string(root().join(".deny.toml")).unwrap()).unwrap();
    for waiver in deny["advisories"]["ignore"].as_array().unwrap() {
        let reason = waiver["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("review by 20"), "{waiver} says no day");
    }
}

/// The advisory scan, on a database of two made-up advisories: one reaches us, one is patched in what we use.
#[test]
fn an_advisory_that_reaches_us_is_told_and_a_patched_one_is_not() {
    if !is_there(&[PYTHON]) {
        return;
    }
    let place = Place::new();
    let advisory = |id: &str, patched: &str| {
        let text = format!(
            "```toml\n[advisory]\nid = \"{id}\"\npackage = \"redb\"\n[versions]\npatched = [\"{patched}\"]\n```\n# Made up\n"
        );
        place.write(&format!("crates/redb/{id}.md"), text)
    };
    let scan = |database: &Path| {
        let mut command = Command::new("python3");
        command.arg(".ci/advisories.py").env("ADVISORY_DB", database).current_dir(root()).output().unwrap()
    };
    advisory("RUSTSEC-2000-0001", ">= 0.1.0");
    let clean = scan(&place.path(""));
    assert!(clean.status.success(), "{}", String::from_utf8_lossy(&clean.stdout));
    advisory("RUSTSEC-2000-0002", "^999.1");
    let told = scan(&place.path(""));
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(
        !told.status.success() && said.contains("RUSTSEC-2000-0002") && !said.contains("RUSTSEC-2000-0001"),
        "{said}"
    );
}

/// cargo-deny, where `make deny` has built it: licences, bans and sources as its own reading of the lock file finds them.
#[test]
fn cargo_deny_finds_nothing() {
    let tool = root().join("target/tools/bin/cargo-deny");
    if !tool.exists() {
        return; // ten minutes to build: `make deny` does
    }
    let mut command = Command::new(tool);
    command.args(["deny", "--offline", "--locked", "--config", ".deny.toml", "check", "bans", "licenses", "sources"]);
    let output = command.env("CARGO", env!("CARGO")).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
