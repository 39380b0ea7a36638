//! Whatever sequence of frames comes in, visits are well formed. Seeds of failures are printed and kept by proptest.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A frame: which camera, how long after the one before, and faces as (track, person, liveness, confirmed).
type Frame = (bool, u64, Vec<(u64, u8, u8, bool)>);

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let faces = prop::collection::vec((0..6_u64, 0..6_u8, 0..4_u8, any::<bool>()), 0..4);
    let pause = prop_oneof![8 => 10..200_u64, 1 => 500..4_000_u64, 1 => 9_000..20_000_u64];
    prop::collection::vec((any::<bool>(), pause, faces), 1..120)
}

fn made((track, who, live, confirmed): (u64, u8, u8, bool)) -> FaceObservation {
    let mut face = match who {
        0 => face(track),
        1 => unknown(track, [1.0, 0.0]),
        2 => unknown(track, [0.0, 1.0]),
        3 => identified(face(track), IdentityDecision::Ambiguous),
        n => known(track, &format!("p{n}")),
    };
    match live {
        0 => {}
        1 => face.liveness = Finding::Unsure,
        n => face = alive(face, n == 2),
    }
    if !confirmed {
        face.track = tentative(track).track;
    }
    face
}

fn play(frames: Vec<Frame>) -> Vec<Change> {
    let mut story = Story::new();
    let mut ms = 0;
    for (second_camera, pause, faces) in frames {
        story.tick(ms + pause - 1);
        ms += pause;
        let faces: Vec<_> = faces.into_iter().map(made).collect();
        story.on(if second_camera { "yard" } else { "gate" }, ms, &faces);
    }
    story.finish();
    story.changes
}

proptest! {
    /// Whatever comes in: each visit is opened once and first, closed once and last, updated only when what was
    /// told changes, and stays on its camera.
    #[test]
    fn makes_well_formed_visits(frames in frames()) {
        let mut stories: BTreeMap<u64, Vec<Change>> = BTreeMap::new();
        for change in play(frames) {
            stories.entry(change.visit.number.0).or_default().push(change);
        }
        for story in stories.values() {
            let (first, last) = (&story[0], &story[story.len() - 1]);
            prop_assert_eq!(first.step, Step::Opened);
            prop_assert!(matches!(last.step, Step::Closed(_)));
            prop_assert!(story[1..story.len() - 1].iter().all(|c| c.step == Step::Updated));
            prop_assert!(story.iter().all(|c| c.camera == first.camera));
            for pair in story.windows(2).filter(|pair| pair[1].step == Step::Updated) {
                prop_assert_ne!(pair[0].visit.material(), pair[1].visit.material());
                let apart = pair[1].visit.published_at.saturating_sub(pair[0].visit.published_at);
                prop_assert!(apart >= rules().update_every);
            }
        }
    }
}
