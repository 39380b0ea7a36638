//! Hands out sequence numbers: one series per camera and node, from 1, without gaps, within one epoch.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::sink::{Head, Recorded};
use super::wire::{Draft, UtcMicros};

/// Who counts. The journal restores it on start; without a journal every run is an epoch of its own.
#[derive(Clone, Debug)]
pub struct Numbering {
    epoch: Uuid,
    heads: BTreeMap<String, u64>,
    /// Every number up to here may have been given out before; 0 as long as nothing was ever lost.
    floor: u64,
    /// Where events are written before they are given their size.
    buffer: Vec<u8>,
}

impl Numbering {
    /// Counts on from these heads (newest number by CloudEvents `source`).
    pub fn new(epoch: Uuid, heads: BTreeMap<String, u64>) -> Self {
        Self { epoch, heads, floor: 0, buffer: Vec::new() }
    }

    /// Gives out only numbers above `floor`.
    pub fn above(self, floor: u64) -> Self {
        Self { floor, ..self }
    }

    /// Numbers one event and writes it down. A number is only spent if that succeeds.
    pub fn number(&mut self, draft: Draft, publish: UtcMicros) -> Result<Recorded, serde_json::Error> {
        let source = draft.origin.source();
        let next = self.heads.get(&source).map_or(0, |head| *head).max(self.floor) + 1;
        let recorded = Recorded::written_in(&mut self.buffer, draft.numbered(self.epoch, next, publish))?;
        self.heads.insert(source, next);
        Ok(recorded)
    }

    /// How far every series has come; `kept` says whether there is a journal.
    pub fn heads(&self, kept: bool) -> Vec<Head> {
        let head = |(source, sequence): (&String, &u64)| Head {
            source: source.clone(),
            sequence: *sequence,
            epoch: self.epoch,
            kept,
        };
        self.heads.iter().map(head).collect()
    }
}
