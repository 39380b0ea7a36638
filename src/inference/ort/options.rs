//! What a deployment may set about execution, and the execution providers that follow from it.

use std::path::PathBuf;

use ort::ep::{self, ArenaExtendStrategy, ExecutionProvider, ExecutionProviderDispatch, cuda::ConvAlgorithmSearch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inference::{Device, LARGEST_BUCKET};

/// Threads a session uses inside one run. Two sessions of one thread do 1.8 times the work of one, one session of two
/// threads 1.3 times, and spinning threads stall under outside load (measured, ONNX Runtime 1.31, two cores).
const THREADS: usize = 1;

/// Largest batch on a GPU: twice as many would take almost twice as long there too, and twice the memory.
const GPU_BATCH: usize = 16;

/// Settings for every session of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct OrtOptions {
    /// Where networks run.
    pub device: Device,
    /// Threads inside one run, at least 1.
    pub threads: usize,
    /// Keep freed tensors for the next run (faster), or return each at once (smaller). CPU only.
    pub arena: bool,
    /// Largest batch given to a network at once; rounded down to a power of two.
    pub max_batch: usize,
    /// The same on a GPU, where a graph is kept for each of [`FIXED_BATCHES`](crate::inference::FIXED_BATCHES) up to it.
    pub gpu_batch: usize,
    /// Keep a graph for each batch size on a CPU too: what a GPU does, for tests without one.
    pub fixed_batches: bool,
    /// Bytes of GPU memory the arena of each session may take. cuDNN and the context come on top (300 to 500 MB).
    pub gpu_memory_limit: Option<u64>,
    /// Leave CUDA's arena and search for convolutions as the provider ships them, to see what our frugal choice saves.
    pub provider_defaults: bool,
    /// Use TensorRT on the GPU.
    pub tensorrt: Option<TensorRtOptions>,
    /// Use OpenVINO on the CPU; needs a runtime library built with it. Pays only for int8.
    pub openvino: bool,
    /// Run models whose licence or checksum is not recorded.
    pub allow_unlicensed: bool,
}

/// TensorRT's own settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TensorRtOptions {
    /// Where built engines are kept: building one takes minutes.
    pub cache: PathBuf,
    /// Compute in 16 bit.
    #[serde(default)]
    pub fp16: bool,
    /// Bytes of workspace for building and running.
    #[serde(default)]
    pub workspace: Option<u64>,
}

/// One way to run a model: a name for logs, and the providers to register. An empty list is the plain CPU with its arena.
pub(super) struct Plan {
    pub(super) device: String,
    pub(super) providers: Vec<ExecutionProviderDispatch>,
    pub(super) on_gpu: bool,
}

impl Default for OrtOptions {
    fn default() -> Self {
        Self {
            device: Device::default(),
            threads: THREADS,
            arena: true,
            max_batch: LARGEST_BUCKET,
            gpu_batch: GPU_BATCH,
            fixed_batches: false,
            gpu_memory_limit: None,
            provider_defaults: false,
            tensorrt: None,
            openvino: false,
            allow_unlicensed: false,
        }
    }
}

impl OrtOptions {
    /// The ways to try, best first. Registration errors are errors; whoever opens the session logs why it moves on to the
    /// next way. A device named outright has no next way.
    pub(super) fn plans(&self) -> Vec<Plan> {
        match self.device {
            Device::Cuda(number) => vec![self.on_gpu(number)],
            Device::Auto if ep::CUDA::is_available().unwrap_or(false) => {
                std::iter::once(self.on_gpu(0)).chain(self.on_cpu()).collect()
            }
            Device::Auto | Device::Cpu => self.on_cpu(),
        }
    }

    /// OpenVINO if asked for, then the plain CPU.
    fn on_cpu(&self) -> Vec<Plan> {
        let openvino = self.openvino.then(|| Plan {
            device: "cpu (openvino)".into(),
            providers: vec![openvino(self.threads)],
            on_gpu: false,
        });
        let plain = Plan {
            device: "cpu".into(),
            providers: if self.arena { Vec::new() } else { vec![without_arena()] },
            on_gpu: false,
        };
        openvino.into_iter().chain([plain]).collect()
    }

    fn on_gpu(&self, number: u32) -> Plan {
        let cuda = self.cuda(number);
        let tensorrt = self.tensorrt.as_ref().map(|options| tensorrt(options, number));
        Plan { device: format!("cuda:{number}"), providers: tensorrt.into_iter().chain([cuda]).collect(), on_gpu: true }
    }

    fn cuda(&self, number: u32) -> ExecutionProviderDispatch {
        let cuda = ep::CUDA::default().with_device_id(number.cast_signed());
        let cuda = if self.provider_defaults { cuda } else { frugal(cuda) };
        let cuda = match self.gpu_memory_limit {
            Some(bytes) => cuda.with_memory_limit(bytes as usize),
            None => cuda,
        };
        cuda.build().error_on_failure()
    }

    /// Whether a graph is kept for each batch size.
    pub(super) fn fixes_batches(&self, plan: &Plan) -> bool {
        plan.on_gpu || self.fixed_batches
    }

    /// The largest power of two within what is allowed there.
    pub(super) fn largest_bucket(&self, plan: &Plan) -> usize {
        let most = if self.fixes_batches(plan) { self.gpu_batch } else { self.max_batch };
        1 << most.clamp(1, LARGEST_BUCKET).ilog2()
    }
}

/// The arena grows by what is asked for, convolutions are chosen by rule (trying them all takes seconds for every new batch
/// size) and without the largest workspace.
fn frugal(cuda: ep::CUDA) -> ep::CUDA {
    cuda.with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested)
        .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic)
        .with_conv_max_workspace(false)
}

fn tensorrt(options: &TensorRtOptions, number: u32) -> ExecutionProviderDispatch {
    let cache = options.cache.display();
    let tensorrt = ep::TensorRT::default()
        .with_device_id(number.cast_signed())
        .with_fp16(options.fp16)
        .with_engine_cache(true)
        .with_engine_cache_path(&cache)
        .with_timing_cache(true)
        .with_timing_cache_path(&cache)
        .with_context_memory_sharing(true);
    let tensorrt = match options.workspace {
        Some(bytes) => tensorrt.with_max_workspace_size(bytes as usize),
        None => tensorrt,
    };
    tensorrt.build().error_on_failure()
}

/// In 32 bit: its default on some CPUs is bf16, slower there and less exact.
fn openvino(threads: usize) -> ExecutionProviderDispatch {
    let openvino = ep::OpenVINO::default().with_device_type("CPU").with_precision("FP32");
    openvino.with_num_threads(threads).with_num_streams(1).build().error_on_failure()
}

fn without_arena() -> ExecutionProviderDispatch {
    ep::CPU::default().with_arena_allocator(false).build().error_on_failure()
}
