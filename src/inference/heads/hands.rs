//! Who fills tensors: this thread, or several where there are cores to spare and more than one item. A device takes a whole
//! batch at once, so what is in front of it has to be quick too: sixteen 720p frames take one core 6 ms to prepare, and an H200
//! 8 ms to look at.

use std::thread;

use crate::inference::tensor::Resizer;

/// One hand for so many cores: the other stages and the cameras need some as well.
const CORES_A_HAND: usize = 4;
/// More do not pay: threads are started for each batch.
const MOST: usize = 4;

/// A resizer each.
pub(super) struct Hands(Vec<Resizer>);

impl Default for Hands {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::of((cores / CORES_A_HAND).clamp(1, MOST))
    }
}

impl Hands {
    fn of(count: usize) -> Self {
        Self((0..count).map(|_| Resizer::default()).collect())
    }

    /// Fills items of `each` floats; `fill` gets an item's number.
    pub(super) fn fill(
        &mut self,
        items: &mut [f32],
        each: usize,
        fill: &(dyn Fn(usize, &mut Resizer, &mut [f32]) + Sync),
    ) {
        let count = items.len() / each;
        let share = count.div_ceil(self.0.len()).max(1);
        let part = |first: usize, hand: &mut Resizer, items: &mut [f32]| {
            items.chunks_exact_mut(each).enumerate().for_each(|(at, item)| fill(first + at, hand, item));
        };
        if share >= count {
            part(0, &mut self.0[0], items);
            return;
        }
        thread::scope(|scope| {
            let mut parts = items.chunks_mut(share * each).zip(&mut self.0).enumerate();
            let (_, own) = parts.next().unzip();
            parts.for_each(|(n, (items, hand))| drop(scope.spawn(move || part(n * share, hand, items))));
            if let Some((items, hand)) = own {
                part(0, hand, items);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_filled_once_by_whichever_hand() {
        for hands in 1..=5 {
            for count in 0..20 {
                let mut items = vec![0.0; count * 3];
                Hands::of(hands)
                    .fill(&mut items, 3, &|at, _, item| item.iter_mut().for_each(|v| *v += at as f32 + 1.0));
                let wanted: Vec<f32> = (0..count).flat_map(|at| [at as f32 + 1.0; 3]).collect();
                assert_eq!(items, wanted, "{hands} hands");
            }
        }
    }
}
