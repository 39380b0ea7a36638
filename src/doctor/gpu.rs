//! The GPU, from the ground up: driver, a runtime built for it, CUDA, cuDNN, the provider itself. The first piece that will
//! not do is named; what stands on it is not looked at, so that one cause is one complaint.
#![allow(clippy::result_large_err, reason = "the error is the finding that ends the climb; it is moved once")]

use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use super::{
    Area, Check, Depth, Gpu, Health, Needs, Wanted, WantedVersions, Weight,
    foreign::SharedLibrary,
    nvidia::{self, Nvidia},
    runtime::{self, Runtime},
};

/// From this ONNX Runtime on the GPU build is for CUDA 13.
const FIRST_FOR_CUDA_13: (u64, u64) = (1, 27);

/// Everything known while going up.
struct Climb<'a> {
    needs: &'a Needs,
    wanted: &'a WantedVersions,
    runtime: Option<&'a Runtime>,
    /// What a broken piece means here.
    weight: Weight,
    checks: Vec<Check>,
}

/// The pieces in order; an `Err` is the first that will not do.
type Step = Result<(), Check>;

pub(super) fn checks(needs: &Needs, wanted: &WantedVersions, runtime: Option<&Runtime>, depth: Depth) -> Vec<Check> {
    let weight = match needs.gpu {
        Gpu::No => Weight::NotNeeded,
        Gpu::IfThere => Weight::Advice,
        Gpu::Must => Weight::Fatal,
    };
    // Nothing is refused for a GPU that may be missing, and asking for it takes time.
    if depth == Depth::Quick && needs.gpu != Gpu::Must && !needs.hardware_decoder {
        return Vec::new();
    }
    let mut climb = Climb { needs, wanted, runtime, weight, checks: Vec::new() };
    if let Err(broken) = climb.up(depth) {
        climb.checks.push(broken);
    }
    climb.checks
}

impl Climb<'_> {
    fn up(&mut self, depth: Depth) -> Step {
        let nvidia = match nvidia::ask() {
            Ok(nvidia) => nvidia,
            Err(why) => return self.without_driver(why, depth),
        };
        self.driver(&nvidia.driver)?;
        self.devices(&nvidia);
        self.decoder(&nvidia);
        if self.needs.gpu == Gpu::No || !self.needs.runtime() {
            return Ok(());
        }
        let Some(runtime) = self.runtime else { return Ok(()) }; // said already
        self.built_for_cuda(runtime, &nvidia.driver)?;
        self.libraries(runtime)?;
        if depth == Depth::Full { self.providers(runtime) } else { Ok(()) }
    }

    /// No driver: nothing of it is wanted, unless this GPU was asked for by number.
    fn without_driver(&mut self, why: String, depth: Depth) -> Step {
        let wanted = self.wanted_driver();
        let must = self.needs.gpu == Gpu::Must || self.needs.hardware_decoder;
        let weight = if must { Weight::Fatal } else { Weight::NotNeeded };
        let check = wanted.absent(Area::Gpu, "NVIDIA driver", weight).note(why);
        if must {
            return Err(check);
        }
        self.checks.push(check);
        match self.runtime {
            Some(runtime) if depth == Depth::Full => self.providers(runtime),
            _ => Ok(()),
        }
    }

    fn driver(&mut self, found: &str) -> Step {
        let check = self.wanted_driver().judge(Area::Gpu, "NVIDIA driver", found);
        self.step(check)
    }

    /// Which driver: the one for the CUDA that the library in place is built for, otherwise the oldest that serves.
    fn wanted_driver(&self) -> &Wanted {
        match self.runtime {
            Some(runtime) if offers_cuda(runtime) && cuda_major(&runtime.version) == 13 => &self.wanted.driver_cuda_13,
            _ => &self.wanted.driver_cuda_12,
        }
    }

    fn devices(&mut self, nvidia: &Nvidia) {
        let least = self.wanted.machine.device_memory;
        for (index, device) in nvidia.devices.iter().enumerate() {
            let found = format!("{}, {} of {} free", device.name, ByteSize(device.free), ByteSize(device.total));
            let is_enough = device.free >= least.as_u64();
            let health = if is_enough { Health::Healthy } else { Health::Error };
            let check = Check::of(Area::Gpu, format!("memory of GPU {index}"), health, self.weight.min(Weight::Advice));
            let check = check.found(found).wanted(format!("{least} free"));
            self.checks.push(if is_enough { check } else { check.mend("nvidia-smi") });
        }
    }

    fn decoder(&mut self, nvidia: &Nvidia) {
        let weight = if self.needs.hardware_decoder { Weight::Fatal } else { Weight::NotNeeded };
        let busy = nvidia.devices.iter().filter_map(|device| device.decoder).map(|busy| format!("{busy} % busy"));
        let check = match SharedLibrary::open(Path::new("libnvcuvid.so.1")) {
            Ok(_) => Check::healthy(Area::Gpu, "NVDEC").found(busy.collect::<Vec<_>>().join(", ")),
            Err(why) => {
                Check::of(Area::Gpu, "NVDEC", Health::Missing, weight).note(why).mend("apt-get install libnvcuvid1")
            }
        };
        self.checks.push(check);
    }

    /// A CPU build beside a GPU: the GPU stands idle.
    fn built_for_cuda(&mut self, runtime: &Runtime, driver: &str) -> Step {
        if offers_cuda(runtime) {
            return Ok(());
        }
        let newer = self.wanted.driver_cuda_13.judge(Area::Gpu, "", driver).health == Health::Healthy;
        let mend = if newer { "make setup-gpu13" } else { "make setup-gpu12" };
        let check = Check::of(Area::Gpu, "CUDA provider", Health::Missing, self.weight);
        Err(check.note("the ONNX Runtime in place is a build for the CPU: the GPU stands idle").mend(mend))
    }

    fn libraries(&mut self, runtime: &Runtime) -> Step {
        let (major, cuda) =
            if cuda_major(&runtime.version) == 13 { (13, &self.wanted.cuda_13) } else { (12, &self.wanted.cuda_12) };
        let found = open_near(runtime, &format!("libcudart.so.{major}"));
        let version =
            found.and_then(|library| library.number_by_reference(c"cudaRuntimeGetVersion").ok_or_else(silent));
        self.library(
            "CUDA",
            cuda,
            version.map(|number| format!("{}.{}", number / 1000, number % 1000 / 10)),
            &cuda.mend,
        )?;
        let found = open_near(runtime, "libcudnn.so.9");
        let version = found.and_then(|library| library.number(c"cudnnGetVersion").ok_or_else(silent));
        let version = version.map(|number| format!("{}.{}.{}", number / 10_000, number % 10_000 / 100, number % 100));
        self.library("cuDNN", &self.wanted.cudnn, version, &format!("make setup-gpu{major}"))?;
        self.tensorrt(runtime);
        Ok(())
    }

    fn library(&mut self, name: &str, wanted: &Wanted, version: Result<String, String>, mend: &str) -> Step {
        let check = match version {
            Ok(version) => wanted.judge(Area::Gpu, name, &version),
            Err(why) => wanted.absent(Area::Gpu, name, self.weight).note(why),
        };
        let check = if check.mend.is_some() { check.mend(mend) } else { check };
        self.step(check)
    }

    /// Nothing needs it: deployments cannot ask for it yet.
    fn tensorrt(&mut self, runtime: &Runtime) {
        let found = open_near(runtime, "libnvinfer.so.10");
        let version = found.and_then(|library| library.number(c"getInferLibVersion").ok_or_else(silent));
        let wanted = &self.wanted.tensorrt;
        let check = match version {
            // 101303 and, for older ones, 8601
            Ok(number) if number >= 100_000 => {
                format!("{}.{}.{}", number / 10_000, number % 10_000 / 100, number % 100)
            }
            Ok(number) => format!("{}.{}.{}", number / 1000, number % 1000 / 100, number % 100),
            Err(why) => return self.checks.push(wanted.absent(Area::Gpu, "TensorRT", Weight::NotNeeded).note(why)),
        };
        self.checks.push(wanted.judge(Area::Gpu, "TensorRT", &check).weighing(Weight::NotNeeded));
    }

    fn providers(&mut self, runtime: &Runtime) -> Step {
        let name = "execution providers";
        let providers = match runtime::providers(runtime) {
            Ok(providers) => providers,
            Err(why) => {
                return Err(Check::of(Area::Onnxruntime, name, Health::Error, Weight::Fatal)
                    .note(why)
                    .mend("make setup"));
            }
        };
        let loads: Vec<&str> = providers.iter().filter(|(_, state)| state.is_ok()).map(|(name, _)| *name).collect();
        let found: Vec<&str> = std::iter::once("cpu").chain(loads.iter().copied()).collect();
        for (provider, state) in &providers {
            let Err(why) = state else { continue };
            let is_wanted = *provider == "cuda" && self.checks.iter().any(|check| check.name == "CUDA");
            let weight = if is_wanted { self.weight } else { Weight::NotNeeded };
            let mend = format!("make setup-gpu{}", cuda_major(&runtime.version));
            let check = Check::of(Area::Onnxruntime, format!("{provider} provider"), Health::Error, weight);
            self.checks.push(check.note(why).mend(mend));
        }
        self.checks.push(Check::healthy(Area::Onnxruntime, name).found(found.join(", ")));
        Ok(())
    }

    /// Goes on when the piece will do.
    fn step(&mut self, mut check: Check) -> Step {
        check.weight = check.weight.min(self.weight);
        if check.health == Health::Healthy {
            self.checks.push(check);
            return Ok(());
        }
        Err(check)
    }
}

fn silent() -> String {
    "it does not say its version".to_owned()
}

/// Where the loader finds it, or beside ONNX Runtime.
fn open_near(runtime: &Runtime, name: &str) -> Result<SharedLibrary, String> {
    let beside: PathBuf = runtime.path.with_file_name(name);
    SharedLibrary::open(if beside.exists() { &beside } else { Path::new(name) })
}

fn offers_cuda(runtime: &Runtime) -> bool {
    runtime.path.with_file_name("libonnxruntime_providers_cuda.so").exists()
}

fn cuda_major(version: &str) -> u32 {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= FIRST_FOR_CUDA_13 { 13 } else { 12 }
}
