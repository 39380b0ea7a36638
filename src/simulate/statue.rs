//! A setting that never changes, really run. Next: [`rivals`](super::rivals), which are.

use crate::governor::levels::of_those_taken;
use crate::governor::{Admission, Asking, Elapsed, Event, ModelProfile, Move, Plan, Reading, Rung, Verdict};

use super::course::{self, Hand};
use super::fixed::Fixed;
use super::load::Thinning;
use super::scenario::{Device, Scenario};

/// What a setting came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Came {
    /// Value a second; nothing if it ran out of memory, and late frames count for nothing.
    pub(super) value: f64,
    /// Share of its frames served within the objective once settled.
    pub(super) in_time: f64,
}

/// Really runs a setting.
pub(super) fn really(scenario: &Scenario, device: &Device, fixed: &Fixed) -> Came {
    let course = course::run(scenario, device, &mut Statue { fixed, device, started: false }, false);
    let value = if course.run_out == 0 { course.result.throughput } else { 0.0 };
    Came { value, in_time: course.result.in_time }
}

/// Applies one setting for ever.
struct Statue<'a> {
    fixed: &'a Fixed,
    device: &'a Device,
    started: bool,
}

impl Hand for Statue<'_> {
    fn measures(&self) -> bool {
        false
    }

    fn step(&mut self, _now: Elapsed, reading: &Reading) -> Plan {
        let models = || self.device.models.iter().zip(&self.fixed.picks);
        let rungs = models().map(|(model, pick)| Rung {
            model: model.name.clone(),
            variant: pick.map(|(variant, _)| model.variants[variant].name.clone()),
            batch: pick.map_or(1, |(_, batch)| batch),
            linger_ms: 0.0,
            looks: u32::MAX,
        });
        let load = |(model, pick): (&ModelProfile, &Option<(usize, u32)>)| {
            let (variant, batch) = (*pick)?;
            Some(Move::Load { model: model.name.clone(), variant: model.variants[variant].name.clone(), batch })
        };
        let failed = reading.events.iter().any(|event| matches!(event, Event::Failed { .. }));
        let moves = if self.started && !failed { Vec::new() } else { models().filter_map(load).collect() };
        let Thinning { interval, rate, again } = self.fixed.thinning;
        let rungs = rungs.collect();
        let places = (self.fixed.cameras as usize).saturating_sub(reading.cameras.len());
        self.started = true;
        let admit = |camera: &Asking| Admission { camera: camera.camera.clone(), verdict: Verdict::Admit };
        Plan {
            rungs,
            moves,
            detect_interval: of_those_taken(interval, rate),
            again,
            in_flight: u32::MAX,
            camera_rate: rate,
            admissions: reading.asking.iter().take(places).map(admit).collect(),
            ..Plan::default()
        }
    }
}
