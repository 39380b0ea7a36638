//! A tally beside the journal: the newest number given out for every camera and node, and up to where its history expired.
//!
//! A damaged journal does not know what it held. The tally does, so that a loss is said with its exact range and the
//! numbering goes on right behind it. One slot of fixed size a source, overwritten in place after each commit, also while
//! the disk is full. That outlives the process. It is not synced on every commit, which would double the cost of one, and
//! so it need not outlive a crash of the machine: it names the boot it was written under, and is only believed within the
//! same boot or after an orderly end.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::record;
use crate::events::sink::Recorded;

/// Bytes of a slot: the longest source has 148, and its numbers have 20 digits each.
const SLOT: usize = 320;
/// Tells one boot of this machine from another.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// In the place of the boot's name: written to the disk by an orderly end.
const ORDERLY: &str = "orderly end";

/// What a tally says of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Count {
    /// Newest number given out.
    pub(super) given: u64,
    /// Newest number that the journal let go of because it was old.
    pub(super) expired: u64,
}

/// What a tally says, when it can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) epoch: Uuid,
    pub(super) counts: BTreeMap<String, Count>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    epoch: Uuid,
    boot: String,
    /// Slots there are at least: a file that was cut short is not believed.
    slots: usize,
}

#[derive(Serialize, Deserialize)]
struct Slot {
    source: String,
    #[serde(flatten)]
    count: Count,
}

/// The tally's file, open for the journal's one writer.
#[derive(Debug)]
pub(super) struct Tally {
    file: File,
    header: Header,
    /// Where each source's slot is, and what it says.
    slots: BTreeMap<String, (u64, Count)>,
    /// A slot could not be written: what the file says is not to be believed.
    failed: bool,
}

/// The tally's path, beside a journal.
fn beside(journal: &Path) -> PathBuf {
    let mut name: OsString = journal.as_os_str().to_owned();
    name.push(".tally");
    name.into()
}

fn boot() -> Option<String> {
    fs::read_to_string(BOOT).ok().map(|name| name.trim().to_owned())
}

/// Reads the tally of a journal; `None` when there is none, or none that can be believed.
pub(super) fn read(journal: &Path) -> Option<Told> {
    let mut bytes = Vec::new();
    File::open(beside(journal)).ok()?.read_to_end(&mut bytes).ok()?;
    told(&bytes, boot().as_deref())
}

/// What these bytes say, if every slot is whole and they were written under this boot or by an orderly end.
pub(super) fn told(bytes: &[u8], boot: Option<&str>) -> Option<Told> {
    let (header, slots) = bytes.split_at_checked(SLOT)?;
    let header: Header = parsed(header)?;
    if header.boot != ORDERLY && Some(header.boot.as_str()) != boot {
        return None;
    }
    let slots = slots.chunks(SLOT).map(parsed::<Slot>);
    let counts: Option<BTreeMap<_, _>> = slots.map(|slot| slot.map(|slot| (slot.source, slot.count))).collect();
    let counts = counts.filter(|counts| counts.len() >= header.slots)?;
    Some(Told { epoch: header.epoch, counts })
}

fn parsed<T: DeserializeOwned>(slot: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(slot).ok().filter(|text| text.len() == SLOT)?;
    serde_json::from_str(record::unframed(text.trim_end())?).ok()
}

/// A slot's bytes: a record's frame around the text, padded. `None` if it does not fit.
fn padded(content: &impl Serialize) -> Option<Vec<u8>> {
    let mut slot = record::framed(&serde_json::to_string(content).ok()?).into_bytes();
    (slot.len() < SLOT).then(|| slot.resize(SLOT - 1, b' '))?;
    slot.push(b'\n');
    Some(slot)
}

impl Tally {
    /// Begins the tally anew with what is known, on disk when this returns.
    pub(super) fn begin(journal: &Path, epoch: Uuid, counts: BTreeMap<String, Count>) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(beside(journal))?;
        let header = Header { epoch, boot: String::new(), slots: 0 };
        let mut tally = Self { file, header, slots: BTreeMap::new(), failed: false };
        // Without a boot's name it is not believed: so it is while only half of it is written.
        tally.name(String::new())?;
        for (source, count) in counts {
            tally.set(&source, count)?;
        }
        tally.file.set_len((tally.slots.len() as u64 + 1) * SLOT as u64)?;
        tally.name(boot().unwrap_or_default())?;
        Ok(tally)
    }

    /// These numbers are given out.
    pub(super) fn given(&mut self, events: &[Recorded]) {
        let mut newest = BTreeMap::<&str, u64>::new();
        for Recorded { event, .. } in events {
            let head = newest.entry(event.source.as_str()).or_default();
            *head = event.sequence.0.max(*head);
        }
        for (source, head) in newest {
            let known = self.known(source);
            self.update(source, Count { given: head.max(known.given), ..known });
        }
    }

    /// The history of these sources was let go of up to these numbers.
    pub(super) fn expired(&mut self, upto: &BTreeMap<String, u64>) {
        for (source, expired) in upto {
            let known = self.known(source);
            self.update(source, Count { expired: *expired, ..known });
        }
    }

    fn known(&self, source: &str) -> Count {
        self.slots.get(source).map_or_else(Count::default, |(_, count)| *count)
    }

    fn update(&mut self, source: &str, count: Count) {
        if self.failed || self.set(source, count).is_ok() {
            return;
        }
        self.failed = true;
        tracing::error!("the tally beside the event journal cannot be written; damage could only be told roughly");
        // An old word in its place would be believed; if this fails too, the file is as good as gone.
        let _unnamed = self.name(String::new());
    }

    fn set(&mut self, source: &str, count: Count) -> io::Result<()> {
        let next = self.slots.len() as u64 + 1;
        let at = self.slots.get(source).map_or(next, |(at, _)| *at);
        let slot = padded(&Slot { source: source.to_owned(), count });
        self.write(at, slot)?;
        self.slots.insert(source.to_owned(), (at, count));
        if at == next { self.head() } else { Ok(()) }
    }

    fn head(&mut self) -> io::Result<()> {
        self.header.slots = self.slots.len();
        self.write(0, padded(&self.header))
    }

    fn name(&mut self, boot: String) -> io::Result<()> {
        self.header.boot = boot;
        self.head()?;
        self.file.sync_data()
    }

    fn write(&self, at: u64, slot: Option<Vec<u8>>) -> io::Result<()> {
        let slot = slot.ok_or_else(|| io::Error::other("a source's name is too long"))?;
        self.file.write_all_at(&slot, at * SLOT as u64)
    }
}

impl Drop for Tally {
    /// The slots first, then the word that they are on disk.
    fn drop(&mut self) {
        if !self.failed && self.file.sync_data().is_ok() {
            let _unnamed = self.name(ORDERLY.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: &str = "/flyball/hq/gate";

    fn counts(given: u64, expired: u64) -> BTreeMap<String, Count> {
        BTreeMap::from([(GATE.to_owned(), Count { given, expired })])
    }

    #[test]
    fn what_was_counted_is_told_after_an_orderly_end() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, epoch) = (folder.path().join("events.redb"), Uuid::from_u128(7));
        assert_eq!(read(&journal), None, "there is none yet");
        let mut tally = Tally::begin(&journal, epoch, counts(4, 0)).unwrap();
        tally.expired(&BTreeMap::from([(GATE.to_owned(), 3)]));
        drop(tally);
        assert_eq!(read(&journal), Some(Told { epoch, counts: counts(4, 3) }));
        drop(Tally::begin(&journal, epoch, BTreeMap::new()).unwrap());
        assert_eq!(read(&journal).unwrap().counts, BTreeMap::new(), "nothing of the former one is left");
    }

    #[test]
    fn after_a_crash_it_is_believed_within_the_same_boot_only() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("events.redb");
        let tally = Tally::begin(&journal, Uuid::from_u128(7), counts(4, 0)).unwrap();
        let bytes = fs::read(beside(&journal)).unwrap();
        std::mem::forget(tally);
        let written = boot().unwrap_or_default();
        assert_eq!(told(&bytes, Some(&written)).unwrap().counts, counts(4, 0));
        assert_eq!(told(&bytes, Some("another boot")), None);
        assert_eq!(told(&bytes, None), None);
    }

    #[cfg(feature = "checks")]
    proptest::proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..1_000)) {
            proptest::prop_assert_eq!(told(&bytes, None), None);
        }
    }

    #[test]
    fn a_damaged_tally_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("events.redb");
        drop(Tally::begin(&journal, Uuid::from_u128(7), counts(4, 0)).unwrap());
        let bytes = fs::read(beside(&journal)).unwrap();
        let whole = told(&bytes, None).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            // A bit of the padding counts for nothing; any other makes the whole of it unbelievable.
            assert!(told(&damaged, None).is_none_or(|told| told == whole), "byte {at}");
        }
        for length in 0..bytes.len() {
            assert_eq!(told(&bytes[..length], None), None, "cut to {length} bytes");
        }
    }
}
