//! Where networks run: `auto`, `cpu` or `cuda:N`.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The device a deployment asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Device {
    /// The first GPU that works, otherwise the CPU; which one is logged, with the reason.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// This GPU, or an error.
    Cuda(u32),
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            Some(("cuda", number)) => number.parse().map(Self::Cuda).map_err(|_| refusal(text)),
            _ => Err(refusal(text)),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

fn refusal(text: &str) -> String {
    format!("there is no device {text:?}; write \"auto\", \"cpu\" or \"cuda:0\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_read_back_as_they_are_written() {
        for text in ["auto", "cpu", "cuda:1"] {
            assert_eq!(text.parse::<Device>().unwrap().to_string(), text);
        }
        for text in ["gpu", "cuda", "cuda:x", ""] {
            assert!(text.parse::<Device>().unwrap_err().contains("cuda:0"));
        }
    }
}
