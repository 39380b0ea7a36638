//! Planes in ordinary memory: photos, synthetic cameras, redacted copies.

use super::Planes;

/// Up to three planes, each a vector of bytes.
#[derive(Debug, Default)]
pub struct HostPlanes([Vec<u8>; 3]);

impl<const N: usize> From<[Vec<u8>; N]> for HostPlanes {
    fn from(planes: [Vec<u8>; N]) -> Self {
        let mut all: [Vec<u8>; 3] = Default::default();
        for (slot, plane) in all.iter_mut().zip(planes) {
            *slot = plane;
        }
        Self(all)
    }
}

impl Planes for HostPlanes {
    fn plane(&self, index: usize) -> &[u8] {
        self.0.get(index).map_or(&[], Vec::as_slice)
    }
}
