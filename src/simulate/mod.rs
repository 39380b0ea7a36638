//! The governor in a closed loop against a seeded plant.
