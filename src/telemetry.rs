//! Tracing set-up, and every metric name in one list.
