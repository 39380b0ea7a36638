//! Writes what the fuzzer begins with, made from the golden samples: each as JSON, as CBOR, and as a journal's record.

use std::{error::Error, fs, path::Path};

use flyball::events::{Recorded, wire::Event};

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["event_json", "event_cbor", "journal_record"].map(|target| here.join("corpus").join(target));
    folders.iter().try_for_each(fs::create_dir_all)?;
    for entry in fs::read_dir(here.join("../golden/events"))? {
        let entry = entry?;
        let event = Event::from_json(&fs::read(entry.path())?)?;
        let json = Recorded::new(event.clone())?.json;
        let record = format!("{:08x}{:08x}{json}", crc32fast::hash(json.as_bytes()), json.len());
        let seeds = [json.as_bytes().to_vec(), event.to_cbor()?, record.into_bytes()];
        for (folder, seed) in folders.iter().zip(seeds) {
            fs::write(folder.join(entry.file_name()), seed)?;
        }
    }
    Ok(())
}
