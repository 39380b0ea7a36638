//! One verb a file.

pub mod publish;
