//! Memory that runs out in the middle of a run: an event, not an end.

use std::{sync::atomic::Ordering, time::Duration};

use super::tests::World;
use crate::inference::{Batch, Outputs, Session};

/// Generous: a worker waits for one step of the governor and one load of a fake.
const PATIENCE: Duration = Duration::from_secs(30);

fn weights(world: &World, variant: &str) -> u64 {
    let state = world.shown.state.lock().unwrap().clone().unwrap();
    let holding = state.held.iter().find(|holding| holding.what == format!("knower {variant} weights"));
    holding.map_or(0, |holding| holding.bytes)
}

#[test]
fn a_rung_without_room_is_left_its_cost_rises_and_the_decision_says_why() {
    let mut world = World::new([60]);
    world.seconds(3, 30.0);
    let believed = weights(&world, "dear");
    world.full.store(true, Ordering::SeqCst);
    let (mut batch, mut outputs) = (Batch::default(), Outputs::new());
    batch.reshape([1, 1, 150, 150]);
    let seat = world.shelf.seat("knower");
    let failed = seat.lease(PATIENCE).unwrap().run(&batch, &mut outputs).unwrap_err();
    assert!(failed.is_out_of_memory());
    world.seconds(1, 30.0);
    assert!(weights(&world, "dear") > believed, "it is known to be dearer than was believed");
    let mut tries = 0;
    while world.loaded("knower") != ["cheap"] {
        tries += 1;
        assert!(tries < 40, "it is not left: {:?}", world.loaded("knower"));
        if let Ok(mut lease) = seat.lease(Duration::ZERO) {
            let _fails_on_the_dear_one = lease.run(&batch, &mut outputs);
        }
        world.step(30.0);
        world.step(30.0);
    }
    world.seconds(1, 30.0);
    seat.lease(PATIENCE).unwrap().run(&batch, &mut outputs).expect("the lower rung runs what did not fit");
    let state = world.shown.state.lock().unwrap().clone().unwrap();
    assert!(state.decisions.iter().any(|decision| decision.reason == "out_of_memory"), "{:?}", state.decisions);
}
