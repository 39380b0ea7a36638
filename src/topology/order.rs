//! Puts stages in the order packets meet them, or names the circle that makes it impossible.

use std::collections::HashSet;

use crate::config::{Pipeline, Problem};

/// Indices in the order packets meet the stages, those written first going first; or the cycle that makes it impossible.
pub(super) fn ordered(pipeline: &Pipeline, inputs: &[Vec<usize>]) -> Result<Vec<usize>, Box<Problem>> {
    let mut order = Vec::new();
    let mut placed = HashSet::new();
    while order.len() < inputs.len() {
        let ready = |at: &usize| !placed.contains(at) && inputs[*at].iter().all(|input| placed.contains(input));
        let Some(next) = (0..inputs.len()).find(ready) else {
            return Err(Box::new(cycle(pipeline, inputs, &placed)));
        };
        placed.insert(next);
        order.push(next);
    }
    Ok(order)
}

/// Walks back from a stage that could not be placed until one comes up twice.
fn cycle(pipeline: &Pipeline, inputs: &[Vec<usize>], placed: &HashSet<usize>) -> Problem {
    let open = |at: &usize| !placed.contains(at);
    let mut walk: Vec<usize> = (0..inputs.len()).find(open).into_iter().collect();
    let repeated = loop {
        let Some(&last) = walk.last() else { break 0 };
        let Some(before) = inputs[last].iter().copied().find(open) else {
            break 0;
        };
        if let Some(seen) = walk.iter().position(|at| *at == before) {
            break seen;
        }
        walk.push(before);
    };
    let mut ring: Vec<usize> = walk.split_off(repeated);
    ring.reverse();
    let earliest = ring.iter().enumerate().min_by_key(|(_, at)| **at).map_or(0, |(position, _)| position);
    ring.rotate_left(earliest);
    let names: Vec<&str> = ring.iter().chain(ring.first()).map(|at| pipeline.stages[*at].id.as_str()).collect();
    let at = ring.first().copied().unwrap_or_default();
    let stage = &pipeline.stages[at];
    let place = stage.after.as_ref().and_then(|after| after.first()).map_or(&stage.place, |after| &after.place);
    let hint = "frames go one way: change one `after`, so that the first stage reads the cameras and the others lead away from it";
    let message = format!("the stages read from each other in a circle: {}", names.join(" → "));
    Problem::error(place, &format!("stage[{at}].after"), message, hint)
}
