//! What people write: deployments and pipelines.
