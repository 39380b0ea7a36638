//! Models: manifests, sessions, and the one pass from planes to tensor.
