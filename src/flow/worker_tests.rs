use super::*;
use crate::flow::testing::{frame, packet};
use crate::flow::{Accepted, Contract, Drops, Facts, LaneKind, WhenFull, edge, shutdown};
use crate::scene::CameraId;

/// Does to each packet what a closure says.
struct Scripted<F>(F);

impl<F: FnMut(&mut Vec<Packet>) -> Result<(), StageError> + Send> Stage for Scripted<F> {
    fn contract(&self) -> Contract {
        Contract::default()
    }
    fn process(&mut self, batch: &mut Vec<Packet>, _now: Instant) -> Result<(), StageError> {
        (self.0)(batch)
    }
}

impl<F: FnMut(&mut Vec<Packet>) -> Result<(), StageError> + Send> Sink for Scripted<F> {
    fn needs(&self) -> Facts {
        Facts::NONE
    }
    fn consume(&mut self, batch: &mut Vec<Packet>, _now: Instant) -> Result<(), StageError> {
        (self.0)(batch)
    }
}

fn worker(feed: Feed, job: Job) -> Worker {
    let (switch, shutdown) = shutdown();
    std::mem::forget(switch);
    let dial = Arc::new(Dial::new(4, Duration::ZERO));
    Worker { name: "test".into(), feed, job, dial, figures: Arc::default(), shutdown, traces: None }
}

/// An edge that already holds these packets and will get no more.
fn fed(sequences: std::ops::Range<u64>) -> Feed {
    let (outlet, inlet) = edge("in", 64, WhenFull::Block, &Drops::default());
    sequences.for_each(|n| outlet.send(packet("a", n)).unwrap());
    Feed::Edge(inlet)
}

#[test]
fn a_stage_hands_on_what_it_keeps_and_finishes() {
    let (outlet, inlet) = edge("out", 64, WhenFull::Block, &Drops::default());
    let keep_even = Scripted(|batch: &mut Vec<Packet>| {
        batch.retain(|p| p.frame.sequence % 2 == 0);
        Ok(())
    });
    let worker = worker(fed(0..9), Job::Stage(Box::new(keep_even), vec![outlet]));
    let figures = Arc::clone(&worker.figures);
    assert!(matches!(worker.run(), Exit::Finished));
    let mut seen = Vec::new();
    while let Arrival::Packet(p) = inlet.receive_within(Duration::ZERO) {
        seen.push(p.frame.sequence);
    }
    assert_eq!(seen, [0, 2, 4, 6, 8]);
    assert_eq!(figures.totals().items, 9);
}

#[test]
fn a_panic_ends_the_worker_by_name_and_a_failure_says_why() {
    let panics = Scripted(|_: &mut Vec<Packet>| panic!("the plant caught fire"));
    let exit = worker(fed(0..1), Job::Sink(Box::new(panics))).run();
    assert!(matches!(exit, Exit::Panicked(text) if text == "the plant caught fire"));
    let fails = Scripted(|_: &mut Vec<Packet>| Err(StageError::new("no such model")));
    let exit = worker(fed(0..1), Job::Sink(Box::new(fails))).run();
    assert!(matches!(exit, Exit::Failed(cause) if cause.to_string() == "no such model"));
}

#[test]
fn a_stage_learns_that_nobody_reads_its_output() {
    let (outlet, inlet) = edge("out", 1, WhenFull::Block, &Drops::default());
    drop(inlet);
    let pass = Scripted(|_: &mut Vec<Packet>| Ok(()));
    assert!(matches!(worker(fed(0..3), Job::Stage(Box::new(pass), vec![outlet])).run(), Exit::DownstreamGone));
}

#[test]
fn permits_come_back_when_packets_are_dropped() {
    let (lanes, permits) = (Lanes::new(&Drops::default()), Permits::new(2));
    let inlet = lanes.open(&CameraId::new("a").unwrap(), LaneKind::Lossless);
    lanes.seal();
    let source =
        std::thread::Builder::new().spawn(move || (0..50).all(|n| inlet.offer(frame("a", n)) == Accepted::Yes));
    let (mut seen, watched) = (Vec::new(), permits.clone());
    let sink = Scripted(move |batch: &mut Vec<Packet>| {
        assert!(watched.out() <= 2, "never more in flight than permitted");
        seen.extend(batch.drain(..).map(|p| p.frame.sequence));
        (seen.len() < 50 || seen == (0..50).collect::<Vec<_>>()).then_some(()).ok_or(StageError::new("out of order"))
    });
    let exit = worker(Feed::Lanes(lanes, permits.clone()), Job::Sink(Box::new(sink))).run();
    assert!(source.unwrap().join().unwrap());
    assert!(matches!(exit, Exit::Finished), "{exit:?}");
    assert_eq!(permits.out(), 0);
}
