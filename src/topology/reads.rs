//! Who reads from whom: turns the ids of a pipeline file into indices, and refuses what leads nowhere. Next: `order`.

use std::collections::HashMap;

use crate::config::{self, After, CAMERAS, Pipeline, Place, Problem};

/// The stages by id; an id used twice, or for the cameras, is refused.
pub(super) fn index_by_id<'a>(pipeline: &'a Pipeline, problems: &mut Vec<Problem>) -> HashMap<&'a str, usize> {
    let mut index = HashMap::new();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        let key = format!("stage[{at}].id");
        if stage.id == CAMERAS {
            let message =
                format!("a stage cannot be called `{CAMERAS}`: that word stands for what comes before the first");
            problems.push(Problem::error(&stage.place, &key, message, "choose another id"));
        }
        if index.contains_key(stage.id.as_str()) {
            let hint = format!("give this one an id of its own, such as `id = \"{}-2\"`", stage.id);
            problems.push(Problem::error(&stage.place, &key, format!("two stages are called `{}`", stage.id), hint));
        } else {
            index.insert(stage.id.as_str(), at);
        }
    }
    index
}

/// For each stage, the stages it reads from: those it names, or else the last one before it that is no sink.
pub(super) fn inputs_of(
    pipeline: &Pipeline,
    index: &HashMap<&str, usize>,
    problems: &mut Vec<Problem>,
) -> Vec<Vec<usize>> {
    let mut inputs = Vec::new();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        inputs.push(match &stage.after {
            Some(named) => named_inputs(pipeline, index, at, named, problems),
            None => (0..at).rev().find(|before| !pipeline.stages[*before].kind.is_sink).into_iter().collect(),
        });
        if at > 0 && stage.after.is_none() && inputs[at].is_empty() {
            let message = format!("`{}` has only sinks before it, and packets end in a sink", stage.id);
            problems.push(Problem::error(&stage.place, &format!("stage[{at}]"), message, "put the sinks last"));
        }
    }
    inputs
}

fn named_inputs(
    pipeline: &Pipeline,
    index: &HashMap<&str, usize>,
    at: usize,
    named: &[After],
    problems: &mut Vec<Problem>,
) -> Vec<usize> {
    let key = format!("stage[{at}].after");
    let id = &pipeline.stages[at].id;
    let mut inputs = Vec::new();
    for after in named {
        let found = index.get(after.id.as_str()).copied();
        let refusal = match found {
            None => Some(unknown_input(index, id, after)),
            Some(same) if same == at => {
                Some((format!("`{id}` cannot read from itself"), "name the stage before it".to_owned()))
            }
            Some(input) if inputs.contains(&input) => {
                Some((format!("`{}` is named twice", after.id), "name it once".to_owned()))
            }
            Some(input) if pipeline.stages[input].kind.is_sink => {
                Some((format!("`{}` is a sink: packets end there", after.id), reads_from_hint(pipeline, input)))
            }
            Some(_) => None,
        };
        match refusal {
            Some((message, hint)) => problems.push(Problem::error(&after.place, &key, message, hint)),
            None => inputs.extend(found),
        }
    }
    if let [_, second, ..] = &inputs[..] {
        let message = format!("`{id}` reads from several stages, so each frame reaches it once from each");
        let hint = "packets are never joined: put the stages in a row instead, each enriches the packet it gets";
        let place = named
            .iter()
            .find(|after| index.get(after.id.as_str()) == Some(second))
            .map_or(Place::nowhere(), |a| a.place.clone());
        problems.push(Problem::warning(&place, &key, message, hint));
    }
    inputs
}

fn unknown_input(index: &HashMap<&str, usize>, id: &str, after: &After) -> (String, String) {
    if after.id == CAMERAS {
        let hint = format!("remove `after`, and put `{id}` first: only the first stage reads the cameras");
        return (format!("`{id}` cannot read from the cameras"), hint);
    }
    let mut known: Vec<&str> = index.keys().copied().filter(|known| *known != id).collect();
    known.sort_by_key(|known| index[known]);
    (
        format!("`{id}` reads from `{}`, and no stage is called that", after.id),
        config::did_you_mean(&after.id, known, "there are"),
    )
}

fn reads_from_hint(pipeline: &Pipeline, sink: usize) -> String {
    let before = (0..sink).rev().find(|at| !pipeline.stages[*at].kind.is_sink);
    before.map_or("name a stage that is no sink".to_owned(), |at| {
        format!("read from `{}` instead", pipeline.stages[at].id)
    })
}

/// In front of the first stage are the cameras' lanes, which have a policy of their own.
pub(super) fn check_edges(pipeline: &Pipeline, problems: &mut Vec<Problem>) {
    let Some(first) = pipeline.stages.first().filter(|stage| stage.edge.is_some() && stage.after.is_none()) else {
        return;
    };
    let message = format!("`{}` reads the cameras' lanes, where the newest frame of each camera wins", first.id);
    let hint = "remove `edge`; `in_flight` in the deployment's `[flow]` bounds how many frames are on their way";
    problems.push(Problem::error(&first.edge_place, "stage[0].edge", message, hint));
}
