//! Pure arithmetic on boxes, points and vectors.
