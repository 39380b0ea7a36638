//! Imports go down only. Every `use crate::…` and every `crate::…` path of `src/` is read; one that points up, or sideways
//! between the siblings of the machinery floor, fails with its file and line.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::LineColumn;
use syn::visit::Visit;

/// Rooms from the ground up. A room may use rooms of lower floors, and itself.
const FLOORS: &[&[&str]] = &[
    &["memory", "governor", "telemetry"],
    &["scene"],
    &["vision"],
    &["flow", "media", "inference", "events", "gallery"],
    &["stages"],
    &["config"],
    &["topology", "simulate"],
    &["doctor"],
    &["server"],
    &["cli"],
];

/// Test-only doors: `flow::testing` hands frames to any room's unit tests.
const TEST_DOORS: &[&str] = &["flow::testing"];

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn may_use(from: &str, to: &str) -> bool {
    match (floor_of(from), floor_of(to)) {
        (Some(from_floor), Some(to_floor)) => from == to || to_floor < from_floor && from != "governor",
        _ => false,
    }
}

/// Collects `crate::<room>` from imports and paths.
struct Imports(Vec<(String, LineColumn)>);

impl Imports {
    fn tree(&mut self, tree: &syn::UseTree, prefix: &str) {
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &format!("{prefix}{}::", path.ident)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, prefix)),
            syn::UseTree::Name(name) => self.add(&format!("{prefix}{}", name.ident), name.ident.span().start()),
            syn::UseTree::Rename(name) => self.add(&format!("{prefix}{}", name.ident), name.ident.span().start()),
            syn::UseTree::Glob(glob) => self.add(prefix, glob.star_token.spans[0].start()),
        }
    }

    fn add(&mut self, path: &str, at: LineColumn) {
        if let Some(inside) = path.strip_prefix("crate::")
            && !TEST_DOORS.iter().any(|door| inside.starts_with(door))
        {
            self.0.push((inside.split("::").next().unwrap_or_default().to_owned(), at));
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, "");
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if let Some(last) = path.segments.last() {
            self.add(&words.join("::"), last.ident.span().start());
        }
        syn::visit::visit_path(self, path);
    }
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn imports_point_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    rust_files(&src, &mut files);
    for file in &files {
        let inside = file.strip_prefix(&src).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(room, "lib" | "main") {
            continue;
        }
        assert!(floor_of(room).is_some(), "{} belongs to no floor: add its room to FLOORS", inside.display());
        let mut imports = Imports(Vec::new());
        imports.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
        for (to, at) in imports.0.iter().filter(|(to, _)| !may_use(room, to)) {
            wrong.push(format!("src/{}:{}: `{room}` must not use `{to}`", inside.display(), at.line));
        }
    }
    assert!(files.len() > 20, "only {} files were read", files.len());
    assert!(wrong.is_empty(), "imports that do not point down:\n{}", wrong.join("\n"));
}

#[test]
fn the_rule_itself() {
    assert!(may_use("stages", "scene") && may_use("cli", "topology") && may_use("flow", "flow"));
    assert!(!may_use("scene", "flow") && !may_use("media", "flow") && !may_use("governor", "scene"));
}
