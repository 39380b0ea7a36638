//! What ONNX Runtime's words mean. It has no code for "out of memory": only the text says so.

use crate::inference::InferenceError;

/// Texts that mean memory ran out: arenas, the C++ library, CUDA, cuDNN, cuBLAS. Source: ONNX Runtime's own messages
/// (issues 16307, 23121 and 9939 of its tracker) and a failed 4 TB allocation.
const OUT_OF_MEMORY: [&str; 8] = [
    "allocate memory",
    "Available memory of",
    "CUDA out of memory",
    "CUDA failure 2",
    "out of memory",
    "bad_alloc",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
];

/// How the source paths in its messages begin.
const SOURCE: &str = "/onnxruntime_src/";

/// Longest part of the runtime's own words that is passed on, in characters.
const LONGEST: usize = 300;

/// Whether a message means that memory ran out.
pub(super) fn is_out_of_memory(message: &str) -> bool {
    OUT_OF_MEMORY.iter().any(|words| message.contains(words))
}

/// The failure of a run of `batch` items.
pub(super) fn run_error(model: &str, batch: usize, error: &ort::Error) -> InferenceError {
    let said = error.to_string();
    let (model, problem) = (model.to_owned(), one_line(&said));
    if is_out_of_memory(&said) {
        InferenceError::OutOfMemory { model, batch, problem }
    } else {
        InferenceError::Run { model, problem }
    }
}

/// Why a file could not become a session, as a sentence that follows the file's name.
pub(super) fn load_problem(error: &str) -> String {
    let meaning = if error.contains("rotobuf parsing failed") || error.contains("ModelProto") {
        "is not an ONNX model, or was cut short; fetch it again with `make setup`"
    } else if error.contains("opset") || error.contains("IR version") {
        "was written for a newer ONNX; expected an opset this runtime knows: convert it, or use a newer ONNX Runtime"
    } else if error.contains("Failed to load library") {
        "cannot run there: a library of that device is missing; fetch them with `make setup-gpu13` (or `setup-gpu12`); the \
         driver's own, libcuda, comes with the driver"
    } else {
        "cannot be loaded by ONNX Runtime"
    };
    format!("{meaning} ({})", one_line(error))
}

/// The part of a message meant for people, on one line: without the source path and C++ signature it often begins with.
pub(super) fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    let line = words.join(" ");
    let after_signature = line.split_once(SOURCE).and_then(|(_, rest)| rest.split_once(") "));
    let meant = after_signature.map_or(line.as_str(), |(_, meant)| meant);
    meant.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_spared_the_signature() {
        let said = "Load failed:/onnxruntime_src/core/graph/utils.h:46 void onnxruntime::Check(const std::string&, int) Opset 9000 is\n unknown";
        assert_eq!(one_line(said), "Opset 9000 is unknown");
        assert_eq!(one_line("Protobuf parsing failed."), "Protobuf parsing failed.");
    }

    #[test]
    fn arena_and_library_failures_are_out_of_memory_and_bad_shapes_are_not() {
        for text in [
            "Failed to allocate memory for requested buffer of size 104857600",
            "Available memory of 1024 is smaller than requested bytes of 4096",
            "std::bad_alloc",
            "CUDA failure 2: out of memory ; GPU=0",
        ] {
            assert!(is_out_of_memory(text), "{text}");
        }
        assert!(!is_out_of_memory("Got invalid dimensions for input: input"));
    }
}
