//! The people known, and the act of adding one.
