//! Sessions without networks, for builds and tests without a runtime: what they answer is a function, they answer at once,
//! and they count how many of them are alive.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    Backend, Batch, InferenceError, Outputs, Session,
    manifest::{Model, Variant},
};

/// What a fake network answers to a batch.
pub type Answer = dyn FnMut(&Batch, &mut Outputs) -> Result<(), InferenceError> + Send;

/// A session whose answer is a function.
pub struct FakeSession {
    answer: Box<Answer>,
    /// Counted while it lives.
    _alive: Alive,
}

/// Opens fake sessions.
pub struct FakeBackend<F> {
    open: F,
    alive: Arc<AtomicUsize>,
}

/// One session counted; dropping it counts it off.
struct Alive(Arc<AtomicUsize>);

impl FakeSession {
    /// A session that answers by calling `answer`.
    pub fn new(answer: impl FnMut(&Batch, &mut Outputs) -> Result<(), InferenceError> + Send + 'static) -> Self {
        Self { answer: Box::new(answer), _alive: Alive::count(&Arc::default()) }
    }
}

impl<F> FakeBackend<F>
where
    F: Fn(&Model, &Variant) -> Result<Box<Answer>, InferenceError> + Send + Sync,
{
    /// A backend that makes each session's answer with `open`; `open` may refuse, or wait as a slow load would.
    pub fn new(open: F) -> Self {
        Self { open, alive: Arc::default() }
    }

    /// How many of its sessions are alive; stays readable when the backend has been given away.
    pub fn alive(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.alive)
    }
}

impl Alive {
    fn count(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<F> Backend for FakeBackend<F>
where
    F: Fn(&Model, &Variant) -> Result<Box<Answer>, InferenceError> + Send + Sync,
{
    fn open(&self, model: &Model, variant: &Variant) -> Result<Box<dyn Session>, InferenceError> {
        Ok(Box::new(FakeSession { answer: (self.open)(model, variant)?, _alive: Alive::count(&self.alive) }))
    }
}

impl Session for FakeSession {
    fn run(&mut self, input: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError> {
        (self.answer)(input, outputs)
    }

    fn device(&self) -> String {
        "fake".into()
    }
}

/// Writes one output into reused memory: `rows` values an item, from a function of item and position.
pub fn write_output(
    outputs: &mut Outputs,
    index: usize,
    name: &str,
    shape: &[usize],
    value: impl Fn(usize, usize) -> f32,
) {
    if outputs.len() <= index {
        outputs.resize_with(index + 1, Default::default);
    }
    let each: usize = shape.iter().skip(1).product();
    let output = &mut outputs[index];
    name.clone_into(&mut output.name);
    output.shape = shape.to_vec();
    output.data.clear();
    for item in 0..shape.first().copied().unwrap_or(0) {
        output.data.extend((0..each).map(|position| value(item, position)));
    }
}
