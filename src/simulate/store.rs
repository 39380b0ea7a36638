//! The plant's memory: who holds what, and what happens when an allocation does not fit.
//!
//! Other processes take what is free up to what they want and go on taking what is given back. If they cannot have it
//! within the device's grace, that counts as running out too: an orchestrator would kill somebody. Next:
//! [`stage`](super::stage).

use super::scenario::{Device, MIB, Scenario};

/// A loaded variant, or one being loaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) model: usize,
    pub(super) variant: usize,
    /// Largest batch its workspace has grown to.
    pub(super) batch: u32,
    pub(super) life: Life,
}

/// Where a variant is between being asked for and being gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Loading,
    Ready,
    Retiring,
}

/// Who holds what.
pub(super) struct Store {
    total: f64,
    base: f64,
    camera: f64,
    cameras: usize,
    pub(super) held: Vec<Held>,
    lost: f64,
    tenant: f64,
    starved_ms: f64,
    /// Allocations that failed, and overdrafts beyond the grace.
    pub(super) run_out: u32,
}

impl Store {
    pub(super) fn new(device: &Device) -> Self {
        Self {
            total: device.memory(),
            base: device.base_mib * MIB,
            camera: device.camera_mib * MIB,
            cameras: 0,
            held: Vec::new(),
            lost: 0.0,
            tenant: 0.0,
            starved_ms: 0.0,
            run_out: 0,
        }
    }

    /// Bytes we hold.
    pub(super) fn ours(&self, device: &Device) -> f64 {
        let variants = self.held.iter().map(|held| size(device, held.model, held.variant, held.batch));
        self.base + self.camera * self.cameras as f64 + self.lost + variants.sum::<f64>()
    }

    /// Bytes others hold.
    pub(super) fn tenant(&self) -> f64 {
        self.tenant
    }

    /// Bytes nobody holds.
    pub(super) fn free(&self, device: &Device) -> f64 {
        (self.total - self.ours(device) - self.tenant).max(0.0)
    }

    /// Lets the others take what they want, and watches how long anybody has to wait for memory.
    pub(super) fn pass(&mut self, device: &Device, scenario: &Scenario, second: f64, ms: f64) {
        let want = scenario.tenant.at(second) * MIB;
        let ours = self.ours(device);
        self.tenant = want.min((self.total - ours).max(0.0));
        let over_budget = scenario.budget.as_ref().is_some_and(|budget| ours > budget.at(second) * MIB);
        if want - self.tenant > MIB || over_budget {
            self.starved_ms += ms;
        } else {
            self.starved_ms = 0.0;
        }
        if self.starved_ms > device.grace_ms {
            self.starved_ms = 0.0;
            self.run_out += 1;
        }
    }

    /// Takes `bytes`; false, and counted, if they are not there.
    fn allocate(&mut self, device: &Device, bytes: f64) -> bool {
        let fits = bytes <= self.free(device);
        self.run_out += u32::from(!fits);
        fits
    }

    /// Begins to load.
    pub(super) fn load(&mut self, device: &Device, model: usize, variant: usize, batch: u32) -> bool {
        let fits = self.allocate(device, size(device, model, variant, batch));
        if fits {
            self.held.push(Held { model, variant, batch, life: Life::Loading });
        }
        fits
    }

    /// Grows the workspace for `batch`; false if it does not fit.
    pub(super) fn grow(&mut self, device: &Device, model: usize, variant: usize, batch: u32) -> bool {
        let Some(at) = self.find(model, variant) else {
            return true;
        };
        let before = self.held[at].batch;
        if batch <= before {
            return true;
        }
        let more = size(device, model, variant, batch) - size(device, model, variant, before);
        let fits = self.allocate(device, more);
        if fits {
            self.held[at].batch = batch;
        }
        fits
    }

    /// Gives back the workspace beyond `batch`.
    pub(super) fn shrink(&mut self, model: usize, batch: u32) {
        for held in self.held.iter_mut().filter(|held| held.model == model) {
            held.batch = held.batch.min(batch);
        }
    }

    /// Drops a variant; a share of it never comes back.
    pub(super) fn drop_variant(&mut self, device: &Device, scenario: &Scenario, model: usize, variant: usize) {
        if let Some(at) = self.find(model, variant) {
            let held = self.held.remove(at);
            let lost = size(device, model, variant, held.batch) * scenario.fragments;
            self.lost = (self.lost + lost).min(0.08 * self.total);
        }
    }

    /// A camera starts; false if its decoder's surfaces do not fit.
    pub(super) fn add_camera(&mut self, device: &Device) -> bool {
        let fits = self.allocate(device, self.camera);
        self.cameras += usize::from(fits);
        fits
    }

    pub(super) fn remove_camera(&mut self) {
        self.cameras = self.cameras.saturating_sub(1);
    }

    pub(super) fn find(&self, model: usize, variant: usize) -> Option<usize> {
        self.held.iter().position(|held| (held.model, held.variant) == (model, variant))
    }
}

/// Bytes of a variant with a workspace for `batch`.
pub(super) fn size(device: &Device, model: usize, variant: usize, batch: u32) -> f64 {
    device.models[model].variants[variant].memory(batch)
}
