//! What subscribers hear about: the versioned contract and its delivery.
