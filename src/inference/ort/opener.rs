//! Makes graphs of files: the first of a session while its stage waits, the larger ones of a GPU on a thread of their own,
//! while single items already run. Planning one takes a GPU's libraries up to a second.

use std::{
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use ort::{
    environment::Environment,
    session::{Session as Graph, builder::SessionBuilder},
    value::TensorRef,
};

use super::{
    OrtOptions,
    graphs::Slots,
    options::Plan,
    session::Shape,
    words::{is_out_of_memory, one_line},
};

/// The runtime and the settings of every session.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) environment: Environment,
    pub(super) options: OrtOptions,
}

/// The larger graphs of one session.
#[derive(Clone)]
pub(super) struct Larger {
    pub(super) opener: Opener,
    pub(super) model: String,
    pub(super) file: PathBuf,
    pub(super) device: String,
    pub(super) shape: Shape,
}

impl Opener {
    /// The file's graph, run by a plan's providers.
    pub(super) fn commit(&self, plan: &Plan, file: &Path) -> Result<Graph, String> {
        let builder = Graph::builder(&self.environment).map_err(|e| e.to_string())?;
        let mut builder = self.configure(builder, plan).map_err(|e| e.to_string())?;
        builder.commit_from_file(file).map_err(|e| e.to_string())
    }

    /// Memory patterns are off because batch sizes vary: each would keep its own plan.
    #[allow(clippy::result_large_err, reason = "the runtime's own error type; its only caller turns it into words")]
    fn configure(&self, builder: SessionBuilder, plan: &Plan) -> Result<SessionBuilder, ort::Error<SessionBuilder>> {
        builder
            .with_intra_threads(self.options.threads.max(1))?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            .with_memory_pattern(false)?
            .with_execution_providers(&plan.providers)
    }
}

impl Larger {
    /// Opens what is wanted, one after the other. Where one has no room, batches stay as small as they are. `None`: the
    /// system gives no thread, and single items are all that is run.
    pub(super) fn open(self, slots: Slots) -> Option<JoinHandle<()>> {
        let open = move || {
            while let Some(batch) = slots.next() {
                match self.one(batch) {
                    Ok(graph) => slots.put(batch, graph),
                    Err(problem) => {
                        slots.give_up(batch);
                        return self.tell(batch, &problem);
                    }
                }
            }
        };
        thread::Builder::new().name("larger-batches".to_owned()).spawn(open).ok()
    }

    /// The graph for one batch size, run once: that is when it is planned.
    fn one(&self, batch: usize) -> Result<Graph, String> {
        let plan = self.opener.options.plans().into_iter().find(|plan| plan.device == self.device);
        let mut graph = self.opener.commit(&plan.ok_or("its device is gone")?, &self.file)?;
        let [c, h, w] = self.shape.item;
        let zeros = vec![0.0_f32; batch * c * h * w];
        let view = TensorRef::from_array_view(([batch, c, h, w], &zeros[..])).map_err(|e| e.to_string())?;
        graph.run(ort::inputs![view]).map(drop).map_err(|e| e.to_string())?;
        Ok(graph)
    }

    fn tell(&self, batch: usize, problem: &str) {
        let (model, problem) = (&self.model, one_line(problem));
        let why = if is_out_of_memory(&problem) { "no room" } else { "no graph" };
        tracing::warn!(model, batch, problem, "{why} for this batch size; smaller ones are run");
    }
}
