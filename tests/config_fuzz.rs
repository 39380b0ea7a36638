//! Whatever bytes a file holds, it is read without a panic, and whatever is told about it can be shown.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

use flyball::{
    config::Environment,
    topology::{draw, open},
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use tempfile::TempDir;

/// Text that is likely to matter, put in at random.
const SPLINTERS: &[&str] = &[
    "\"",
    "'",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\t",
    "\u{feff}",
    "é",
    "🦀",
    "${",
    "${X}",
    "$${",
    "0x",
    "-1",
    "1e999",
    "nan",
    "true",
    "2026-01-01",
    "[[stage]]\n",
    "[[camera]]\n",
    "kind = \"track\"\n",
    "after = \"publish\"\n",
    "after = []\n",
    "id = \"track\"\n",
    "edge = 1\n",
    "[override.track]\n",
    "[events.zenoh]\n",
    "password = \"x\"\n",
    "\\u{0}",
    "\r",
    "99999999999999999999999999999999999999999",
];

#[derive(Clone, Debug)]
enum Mutation {
    Splinter(prop::sample::Index, usize),
    Byte(prop::sample::Index, u8),
    Cut(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), 0..SPLINTERS.len()).prop_map(|(at, which)| Mutation::Splinter(at, which)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        2 => (at(), 1usize..40).prop_map(|(at, length)| Mutation::Cut(at, length)),
        1 => (at(), 1usize..200).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ]
}

fn apply(bytes: &mut Vec<u8>, mutation: &Mutation) {
    match mutation {
        Mutation::Splinter(at, which) => {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, SPLINTERS[*which].bytes());
        }
        Mutation::Byte(at, byte) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Mutation::Byte(..) => bytes.push(0),
        Mutation::Cut(at, length) => {
            let at = at.index(bytes.len() + 1);
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Mutation::Repeat(at, length) => {
            let at = at.index(bytes.len() + 1);
            let again = bytes[at..(at + length).min(bytes.len())].to_vec();
            bytes.splice(at..at, again);
        }
    }
}

/// Opens the file, and shows all there is to show.
fn read_and_show(path: &Path) {
    let opened = open(path, &Environment::of(&[("X", "value")]));
    for problem in &opened.problems {
        assert!(!problem.message.is_empty() && !problem.hint.is_empty(), "{problem:?}");
        assert!(problem.to_string().len() < 4000, "a problem must fit on a screen: {problem}");
    }
    if let Some(graph) = &opened.graph {
        draw::mermaid(graph, &opened.title, &[]);
        draw::dot(graph, &opened.title, &[]);
    }
    serde_json::to_string(&opened.problems).unwrap();
}

fn settings() -> ProptestConfig {
    ProptestConfig {
        cases: 400,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn mutated_files_never_panic(in_pipeline: bool, mutations in prop::collection::vec(mutation(), 1..12)) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut deployment = fs::read(root.join("config/demo.toml")).unwrap();
        let mut pipeline = fs::read(root.join("pipelines/face-gate.toml")).unwrap();
        for mutation in &mutations {
            apply(if in_pipeline { &mut pipeline } else { &mut deployment }, mutation);
        }
        let dir = TempDir::new().unwrap();
        for (name, bytes) in [("config/demo.toml", deployment), ("pipelines/face-gate.toml", pipeline)] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        read_and_show(&dir.path().join("config/demo.toml"));
        read_and_show(&dir.path().join("pipelines/face-gate.toml"));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("random.toml");
        fs::write(&path, bytes).unwrap();
        read_and_show(&path);
    }
}

/// Depth is bounded by the parser; this would otherwise overflow the stack.
#[test]
fn deep_nesting_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("deep.toml");
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        "a.".repeat(100_000) + "b = 1",
        format!("[{}]", vec!["a"; 50_000].join(".")),
    ] {
        fs::write(&path, text).unwrap();
        let problems = open(&path, &Environment::default()).problems;
        assert!(!problems.is_empty());
        assert!(problems.iter().all(|problem| problem.to_string().len() < 4000));
    }
}
