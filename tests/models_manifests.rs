//! The manifests in `models/` say what they mean to: each reads without a problem, states a licence, and names the outputs
//! its decoder needs.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use flyball::inference::manifest::Catalogue;

#[test]
fn every_manifest_in_the_repository_reads_and_states_its_licence() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    if !folder.is_dir() {
        eprintln!("SKIPPED: there is no models folder here");
        return;
    }
    let catalogue = Catalogue::read(&folder).unwrap_or_else(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"))
    });
    for model in catalogue.models() {
        let manifest = &model.manifest;
        assert_eq!(model.folder.file_name().unwrap(), manifest.name.as_str(), "folder and name differ");
        assert!(manifest.licence.is_some(), "{} states no licence", manifest.name);
        assert!(!manifest.output.expected(manifest.input.size).is_empty());
        for variant in &manifest.variant {
            assert_eq!(model.file(variant).extension().unwrap(), "onnx", "{} {}", manifest.name, variant.id);
        }
    }
    assert!(catalogue.models().count() > 0, "no manifest was found in {}", folder.display());
}
