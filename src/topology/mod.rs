//! A written graph becomes running threads.
