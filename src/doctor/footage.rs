//! The video files of a deployment: there, and not empty.

use super::{Area, Check, Health, Needs, Weight};

pub(super) fn checks(needs: &Needs) -> Vec<Check> {
    let mut files = needs.footage.clone();
    files.sort();
    files.dedup();
    files.iter().map(|file| check(file)).collect()
}

/// A camera without its file is given up and the others run: advice, not fatal.
fn check(file: &std::path::Path) -> Check {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let is_sample = file.parent().is_some_and(|folder| folder.ends_with("samples/footage"));
    let mend = if is_sample { "make setup".to_owned() } else { format!("ls -l {}", file.display()) };
    let ill = |health| Check::of(Area::Footage, name.clone(), health, Weight::Advice).mend(mend.clone());
    match file.metadata() {
        Ok(about) if about.is_file() && about.len() > 0 => {
            Check::healthy(Area::Footage, name).found(bytesize::ByteSize(about.len()).to_string())
        }
        Ok(about) if about.is_file() => ill(Health::Error).note(format!("{} is empty", file.display())),
        Ok(_) => ill(Health::Error).note(format!("{} is no regular file", file.display())),
        Err(why) => ill(Health::Missing).note(format!("{}: {}", file.display(), why.kind())),
    }
}
