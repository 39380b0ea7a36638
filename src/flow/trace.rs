//! Where single frames spent their time: for one frame in so many, each worker writes down when it had it. What a trace and its
//! steps are called follows from the frame's camera and number, so that nothing about it travels with the packet.

use std::{
    collections::hash_map::DefaultHasher,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use crate::scene::{CameraId, Packet};
use crate::telemetry::{Fact, Span, SpanCounts, SpanQueue};

/// The whole frame, from its arrival until nobody has it any more.
const FRAME: &str = "frame";
/// In its lane, before the first stage; no stage can have a name with a space.
const LANE: &str = "in lane";
/// What the number of the whole is made from: no stage is called so.
const WHOLE: &str = "/frame";

/// The governor's decision in force, as events name it.
pub type DecisionInForce = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

/// Writes traces of frames. Clones write into the same queue.
#[derive(Clone)]
pub struct FrameTraces {
    /// One frame in this many.
    every: u64,
    /// Tells this run's frames from those of the run before.
    run: u64,
    /// The same moment on both clocks.
    anchor: (Instant, SystemTime),
    decision: DecisionInForce,
    spans: SpanQueue,
}

/// What is remembered of a frame while a stage has it.
#[derive(Clone, Debug)]
pub(super) struct Traced {
    camera: CameraId,
    sequence: u64,
    arrived: Instant,
    /// How old the picture was when it arrived, as far as its clock can be trusted.
    age: Duration,
    /// A side branch's copy is not the frame itself.
    is_itself: bool,
}

/// A stage's turn at a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    pub(super) stage: &'a str,
    pub(super) is_first: bool,
    pub(super) batch: usize,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
}

impl FrameTraces {
    /// Traces one frame in `every`; `run` is any number that no other run has, `anchor` one moment on both clocks.
    pub fn new(
        every: u32,
        run: u64,
        anchor: (Instant, SystemTime),
        decision: DecisionInForce,
        spans: SpanQueue,
    ) -> Self {
        Self { every: u64::from(every.max(1)), run, anchor, decision, spans }
    }

    /// What became of the spans so far.
    pub fn counts(&self) -> SpanCounts {
        self.spans.counts()
    }

    /// The frames of a batch that are traced.
    pub(super) fn pick(&self, batch: &[Packet]) -> Vec<Traced> {
        batch
            .iter()
            .filter(|packet| self.is_traced(&packet.frame.camera, packet.frame.sequence))
            .map(Traced::of)
            .collect()
    }

    fn is_traced(&self, camera: &CameraId, sequence: u64) -> bool {
        self.every == 1 || self.number(camera, sequence, "/pick").is_multiple_of(self.every)
    }

    /// Writes down a turn; frames that are not `left` in the batch afterwards have ended here.
    pub(super) fn write(&self, frames: &[Traced], turn: Turn<'_>, left: &[Packet]) {
        let decision = (self.decision)();
        for frame in frames {
            if turn.is_first {
                self.step(frame, LANE, (frame.arrived, turn.begun), Vec::new());
            }
            let mut facts = vec![("flyball.batch", Fact::Number(turn.batch as u64))];
            facts.extend(decision.map(|decision| ("flyball.decision", Fact::Number(decision))));
            self.step(frame, turn.stage, (turn.begun, turn.ended), facts);
            if frame.is_itself && !left.iter().any(|packet| frame.is_of(packet)) {
                self.whole(frame, turn, decision);
            }
        }
    }

    fn step(&self, frame: &Traced, name: &str, (begun, ended): (Instant, Instant), more: Vec<(&'static str, Fact)>) {
        let parent = Some(self.number(&frame.camera, frame.sequence, WHOLE));
        self.put(frame, name, parent, (begun, ended), more);
    }

    fn whole(&self, frame: &Traced, turn: Turn<'_>, decision: Option<u64>) {
        let age = u64::try_from(frame.age.as_micros()).unwrap_or(u64::MAX);
        let mut facts = vec![
            ("flyball.last_stage", Fact::Text(turn.stage.to_owned())),
            ("flyball.age_at_arrival_us", Fact::Number(age)),
        ];
        facts.extend(decision.map(|decision| ("flyball.decision", Fact::Number(decision))));
        self.put(frame, FRAME, None, (frame.arrived, turn.ended), facts);
    }

    fn put(
        &self,
        frame: &Traced,
        name: &str,
        parent: Option<u64>,
        (begun, ended): (Instant, Instant),
        more: Vec<(&'static str, Fact)>,
    ) {
        let number = |what: &str| self.number(&frame.camera, frame.sequence, what);
        let mut facts = vec![
            ("flyball.camera", Fact::Text(frame.camera.to_string())),
            ("flyball.sequence", Fact::Number(frame.sequence)),
        ];
        facts.extend(more);
        self.spans.put(Span {
            trace: u128::from(number("/trace")) << 64 | u128::from(number("/more")),
            id: number(if parent.is_some() { name } else { WHOLE }),
            parent,
            name: name.to_owned(),
            begun: self.wall(begun),
            ended: self.wall(ended),
            facts,
        });
    }

    /// A number for something about a frame; never 0, which means "none".
    fn number(&self, camera: &CameraId, sequence: u64, what: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.run, camera.as_str(), sequence, what).hash(&mut hasher);
        hasher.finish().max(1)
    }

    fn wall(&self, at: Instant) -> SystemTime {
        let (then, wall) = self.anchor;
        match at.checked_duration_since(then) {
            Some(later) => wall + later,
            None => wall.checked_sub(then.duration_since(at)).unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

impl fmt::Debug for FrameTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameTraces(one in {})", self.every)
    }
}

impl Traced {
    fn of(packet: &Packet) -> Self {
        let captured = packet.frame.captured;
        Self {
            camera: packet.frame.camera.clone(),
            sequence: packet.frame.sequence,
            arrived: captured.arrived,
            age: captured.ingested.duration_since(captured.wall).unwrap_or_default(),
            is_itself: packet.permit.is_some(),
        }
    }

    fn is_of(&self, packet: &Packet) -> bool {
        packet.frame.sequence == self.sequence && packet.frame.camera == self.camera
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
