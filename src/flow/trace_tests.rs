use std::collections::BTreeMap;

use crossbeam_channel::Receiver;

use super::*;
use crate::flow::testing::{now, packet};
use crate::memory::Permits;

fn traces(every: u32) -> (FrameTraces, Receiver<Span>) {
    let (queue, spans) = SpanQueue::new();
    (FrameTraces::new(every, 1, (now(), SystemTime::UNIX_EPOCH), Arc::new(|| Some(7)), queue), spans)
}

/// A packet that is the frame itself.
fn itself(camera: &str, sequence: u64) -> Packet {
    Packet { permit: Permits::new(1).try_take(), ..packet(camera, sequence) }
}

fn turn(stage: &str, is_first: bool) -> Turn<'_> {
    let begun = now();
    Turn { stage, is_first, batch: 2, begun, ended: begun + Duration::from_millis(3) }
}

#[test]
fn one_frame_in_so_many_is_traced_by_every_worker_alike() {
    let (traces, _spans) = traces(10);
    let picked: Vec<_> = (0..1000).filter(|n| !traces.clone().pick(&[packet("gate", *n)]).is_empty()).collect();
    assert!((60..140).contains(&picked.len()), "{} of 1000", picked.len());
    assert!(picked.iter().any(|n| n % 2 == 1) && picked.iter().any(|n| n % 2 == 0), "no stage's interval hides in it");
}

/// Two stages and a sink: three turns and the time in the lane, all under one whole.
#[test]
fn the_steps_of_a_frame_belong_together() {
    let (traces, spans) = traces(1);
    let batch = [itself("gate", 4), itself("hall", 4)];
    for (stage, is_first, left) in [("detect", true, &batch[..]), ("track", false, &batch), ("publish", false, &[])] {
        traces.write(&traces.pick(&batch), turn(stage, is_first), left);
    }
    let mut by_trace: BTreeMap<u128, Vec<Span>> = BTreeMap::new();
    spans.try_iter().for_each(|span| by_trace.entry(span.trace).or_default().push(span));
    assert_eq!(by_trace.len(), 2, "a trace a frame");
    for steps in by_trace.values() {
        let names: Vec<_> = steps.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["in lane", "detect", "track", "publish", "frame"]);
        let whole = &steps[4];
        assert!(steps[..4].iter().all(|step| step.parent == Some(whole.id)) && whole.parent.is_none());
        assert!(whole.facts.contains(&("flyball.decision", Fact::Number(7))), "{whole:?}");
        assert!(whole.facts.contains(&("flyball.last_stage", Fact::Text("publish".into()))), "{whole:?}");
    }
}

#[test]
fn a_frame_ends_where_it_is_thrown_away_and_a_copy_ends_nothing() {
    let (traces, spans) = traces(1);
    let batch = [itself("gate", 1), itself("gate", 2)];
    traces.write(&traces.pick(&batch), turn("detect", false), &batch[1..]);
    let ended: Vec<_> = spans.try_iter().filter(|span| span.name == "frame").collect();
    assert!(ended.len() == 1 && ended[0].facts.contains(&("flyball.sequence", Fact::Number(1))), "{ended:?}");
    traces.write(&traces.pick(&[packet("gate", 2)]), turn("record", false), &[]);
    assert!(spans.try_iter().all(|span| span.name != "frame"));
}
