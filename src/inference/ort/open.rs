//! Opening a session: terms, file, checksum, providers in order of preference, declared shapes, one trial run.

use std::{
    collections::HashMap,
    fs::Metadata,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use ort::session::Session as Graph;

use super::{
    Library, LibrarySearch, OrtOptions, OrtSession, check,
    graphs::{Each, Graphs},
    neighbours,
    opener::{Larger, Opener},
    options::Plan,
    session::Shape,
    words,
};
use crate::inference::{
    Backend, Bucketing, Device, InferenceError, Session,
    manifest::{Model, Variant},
};
use crate::memory::return_freed_memory;

/// Opens sessions on ONNX Runtime.
pub struct OrtBackend {
    opener: Opener,
    /// Files whose checksum was right, as they were then: a variant that is loaded again is not hashed again.
    verified: Mutex<HashMap<PathBuf, Stamp>>,
}

/// What changes when a file does: device, inode, length, modification time in seconds and nanoseconds.
type Stamp = (u64, u64, u64, i64, i64);

impl OrtBackend {
    /// Loads the runtime (once a process).
    pub fn new(search: &LibrarySearch, options: OrtOptions) -> Result<Self, InferenceError> {
        let library = Library::load(search)?;
        if options.device != Device::Cpu {
            neighbours::load_beside(&library.path);
        }
        let environment = library.environment;
        Ok(Self { opener: Opener { environment, options }, verified: Mutex::default() })
    }

    /// The settings its sessions get.
    pub fn options(&self) -> &OrtOptions {
        &self.opener.options
    }

    /// A session of the variant after every check, not yet as a trait object.
    pub fn open_session(&self, model: &Model, variant: &Variant) -> Result<OrtSession, InferenceError> {
        model.check_terms(variant, self.opener.options.allow_unlicensed)?;
        model.check_length(variant)?;
        self.check_sha256(model, variant)?;
        let refuse = |problem| model.refusal(variant, problem);
        let (graph, plan) = self.commit(model, variant)?;
        check::declarations(&graph, &model.manifest, variant).map_err(refuse)?;
        let [_, c, h, w] = model.manifest.input.shape(1, variant.size);
        let largest = self.opener.options.largest_bucket(&plan);
        let shape = Shape { item: [c, h, w], bucketing: self.bucketing(variant, &plan), largest };
        let (name, device) = (model.manifest.name.clone(), plan.device);
        let (graphs, larger) = match shape.bucketing {
            Bucketing::Fixed => {
                let (opener, model, file) = (self.opener.clone(), name.clone(), model.file(variant));
                (Graphs::Each(Each::new(graph)), Some(Larger { opener, model, file, device: device.clone(), shape }))
            }
            _ => (Graphs::One(graph), None),
        };
        let mut session = OrtSession::new(graphs, larger, name, device, shape);
        check::trial(&mut session, &model.manifest, variant).map_err(refuse)?;
        return_freed_memory(); // half of what creation took is garbage by now
        Ok(session)
    }

    /// Tries the execution plans in order; the log says why one was left.
    fn commit(&self, model: &Model, variant: &Variant) -> Result<(Graph, Plan), InferenceError> {
        let mut last = String::new();
        for plan in self.opener.options.plans() {
            match self.opener.commit(&plan, &model.file(variant)) {
                Ok(graph) => return Ok((graph, plan)),
                Err(problem) => {
                    tracing::warn!(model = model.manifest.name, device = plan.device, problem, "cannot run there");
                    last = problem;
                }
            }
        }
        if words::is_out_of_memory(&last) {
            let model = model.manifest.name.clone();
            return Err(InferenceError::OutOfMemory { model, batch: 0, problem: last });
        }
        Err(model.refusal(variant, words::load_problem(&last)))
    }

    fn bucketing(&self, variant: &Variant, plan: &Plan) -> Bucketing {
        match (variant.dynamic_batch, self.opener.options.fixes_batches(plan)) {
            (false, _) => Bucketing::Single,
            (true, false) => Bucketing::Cut,
            (true, true) => Bucketing::Fixed,
        }
    }

    fn check_sha256(&self, model: &Model, variant: &Variant) -> Result<(), InferenceError> {
        let path = model.file(variant);
        let stamp = path.metadata().map(|m| stamp(&m)).ok();
        let known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&path).copied();
        if stamp.is_some() && known == stamp {
            return Ok(());
        }
        model.check_sha256(variant)?;
        if let Some(stamp) = stamp {
            self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(path, stamp);
        }
        Ok(())
    }
}

impl Backend for OrtBackend {
    fn open(&self, model: &Model, variant: &Variant) -> Result<Box<dyn Session>, InferenceError> {
        Ok(Box::new(self.open_session(model, variant)?))
    }
}

fn stamp(meta: &Metadata) -> Stamp {
    (meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())
}
