//! scratch
use flyball::simulate::*;
use std::path::Path;
#[test]
fn all() {
    let only = option_env!("X");
    let _ = only;
    let mut paths: Vec<_> = std::fs::read_dir("tests/plant")
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    for p in paths {
        if let Ok(f) = std::env::var("SC") {
            if !p.to_string_lossy().contains(&f) {
                continue;
            }
        }
        let t = std::time::Instant::now();
        let args = SimulateArgs {
            scenario: Some(p.clone()),
            decisions: std::env::var("SC").is_ok(),
            chart: Some(Path::new("/tmp").join(format!("{}.svg", p.file_stem().unwrap().to_string_lossy()))),
            ..Default::default()
        };
        let mut out = Vec::new();
        run(&args, &mut out).unwrap();
        let s = String::from_utf8(out).unwrap();
        if std::env::var("SC").is_ok() {
            println!("{s}");
        } else {
            let l: Vec<_> = s.lines().filter(|l| !l.is_empty()).rev().take(2).collect();
            println!("{}\n{}", l[1], l[0]);
        }
        println!("{:?}", t.elapsed());
    }
}
