//! A meter for tests.

use std::collections::VecDeque;

use super::{MemoryFigures, MemoryMeter};

/// Figures given beforehand, for tests; the last one repeats.
#[derive(Debug)]
pub struct ScriptedMeter {
    script: VecDeque<MemoryFigures>,
}

impl ScriptedMeter {
    /// A meter that will say these, one after the other.
    pub fn new(script: impl IntoIterator<Item = MemoryFigures>) -> Self {
        Self { script: script.into_iter().collect() }
    }
}

impl MemoryMeter for ScriptedMeter {
    fn read(&mut self) -> Option<MemoryFigures> {
        if self.script.len() > 1 { self.script.pop_front() } else { self.script.front().copied() }
    }

    fn name(&self) -> String {
        "script".to_owned()
    }
}
