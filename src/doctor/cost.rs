//! What loading each heavy piece takes here, in time and memory: one after the other in this process, each measured against
//! what was there before it.

#![cfg_attr(
    not(any(feature = "media", feature = "ort", feature = "zenoh")),
    allow(dead_code, reason = "nothing heavy is built in")
)]

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Needs, Places};
use crate::memory::{MemoryMeter, ProcessMeter, return_freed_memory};

/// One piece, loaded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Which.
    pub piece: String,
    /// Milliseconds it took.
    pub milliseconds: f64,
    /// Bytes this process grew by; negative where loading gave some back.
    pub bytes: i64,
    /// Why it could not be loaded.
    pub problem: Option<String>,
}

/// Loads and measures; `now` is the clock.
struct Scales<'a> {
    now: &'a dyn Fn() -> Instant,
    costs: Vec<Cost>,
}

impl Scales<'_> {
    fn weigh<T>(&mut self, piece: impl Into<String>, load: impl FnOnce() -> Result<T, String>) -> Option<T> {
        let (start, before) = ((self.now)(), resident());
        let loaded = load();
        return_freed_memory();
        let took: Duration = (self.now)().saturating_duration_since(start);
        let bytes = resident() - before;
        let milliseconds = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        let (loaded, problem) = loaded.map_or_else(|why| (None, Some(why)), |loaded| (Some(loaded), None));
        self.costs.push(Cost { piece: piece.into(), milliseconds, bytes, problem });
        loaded
    }
}

fn resident() -> i64 {
    ProcessMeter.read().map_or(0, |figures| figures.ours as i64)
}

/// Loads everything asked for; the slowest first. Nothing loaded stays behind but the libraries themselves.
pub fn measure(needs: &Needs, places: &Places, now: &dyn Fn() -> Instant) -> Vec<Cost> {
    let mut scales = Scales { now, costs: Vec::new() };
    let _ = (needs, places);
    #[cfg(feature = "media")]
    scales.weigh("GStreamer", || crate::media::plugins::Plugins::look().map_err(|why| why.to_string()));
    #[cfg(feature = "ort")]
    networks(&mut scales, needs, places);
    #[cfg(feature = "zenoh")]
    scales.weigh("Zenoh session", open_zenoh);
    scales.costs.sort_by(|one, other| other.milliseconds.total_cmp(&one.milliseconds));
    scales.costs
}

#[cfg(feature = "zenoh")]
fn open_zenoh() -> Result<crate::events::zenoh::ZenohBus, String> {
    let config = crate::events::BusConfig { listen: Vec::new(), ..crate::events::BusConfig::default() };
    crate::events::zenoh::ZenohBus::open(&config).map_err(|why| why.to_string())
}

/// The library, then one session a model: the variant the deployment names, or the model's first.
#[cfg(feature = "ort")]
fn networks(scales: &mut Scales<'_>, needs: &Needs, places: &Places) {
    use crate::inference::{
        Backend,
        manifest::{Catalogue, Model},
        ort::{LibrarySearch, OrtBackend, OrtOptions},
    };
    let search = LibrarySearch { explicit: places.onnxruntime.clone(), roots: Vec::new() };
    let options = OrtOptions { allow_unlicensed: needs.allow_unlicensed, ..OrtOptions::default() };
    let backend = scales.weigh("ONNX Runtime", || OrtBackend::new(&search, options).map_err(|why| why.to_string()));
    let Some(backend) = backend else { return };
    let (catalogue, _) = Catalogue::read_usable(&needs.models_dir);
    for model in catalogue.models() {
        let name = &model.manifest.name;
        let asked = needs.models.as_ref().map(|all| all.iter().find(|(one, _)| one == name));
        let fetched = |model: &Model| model.manifest.variant.first().is_some_and(|variant| model.is_fetched(variant));
        let id = match asked {
            Some(None) => continue,
            None if !fetched(model) => continue,
            Some(Some((_, Some(id)))) => id.clone(),
            _ => model.manifest.variant[0].id.clone(),
        };
        let Ok(variant) = model.variant(&id) else { continue };
        scales.weigh(format!("{name} {id}"), || backend.open(model, variant).map_err(|why| why.to_string()));
    }
}
