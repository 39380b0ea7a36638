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

/// Longest part of the runtime's own words that is passed on, characters: the rest is its source paths.
const LONGEST: usize = 300;

/// Whether a message means that memory ran out.
pub(super) fn is_out_of_memory(message: &str) -> bool {
    OUT_OF_MEMORY.iter().any(|words| message.contains(words))
}

/// The failure of a run of `batch` items.
pub(super) fn run_error(model: &str, batch: usize, error: &ort::Error) -> InferenceError {
    let (model, problem) = (model.to_owned(), one_line(&error.to_string()));
    if is_out_of_memory(&problem) {
        InferenceError::OutOfMemory { model, batch, problem }
    } else {
        InferenceError::Run { model, problem }
    }
}

/// Why a file could not become a session, as a sentence that follows the file's name.
pub(super) fn load_problem(error: &str) -> String {
    let said = one_line(error);
    let meaning = if said.contains("rotobuf parsing failed") || said.contains("ModelProto") {
        "is not an ONNX model, or was cut short; fetch it again with `make setup`"
    } else if said.contains("opset") || said.contains("IR version") {
        "was written for a newer ONNX; expected an opset this runtime knows: convert it, or use a newer ONNX Runtime"
    } else {
        "cannot be loaded by ONNX Runtime"
    };
    format!("{meaning} ({said})")
}

/// Messages span lines and repeat source paths; people need the beginning.
pub(super) fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
