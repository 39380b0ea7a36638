//! Fixed batch sizes. A runtime plans and keeps memory for every new shape it sees, so the number of faces on a picture
//! must not make shapes: a batch is cut into, or padded up to, sizes that are powers of two.

use std::ops::Range;

/// Largest batch a session is given at once. Beyond this nothing runs faster, and memory grows with it.
pub const LARGEST_BUCKET: usize = 32;

/// Batch sizes on a GPU. ONNX Runtime's CUDA provider plans every convolution anew whenever the batch is not that of the run
/// before (its issue 23006), which took 60 to 1,400 ms on an H200: a graph is kept for each size, and never sees another.
pub const FIXED_BATCHES: [usize; 3] = [1, 4, 16];

/// What to do with a batch that is no bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucketing {
    /// Cut it into buckets: 5 runs as 4 and 1. Nothing is computed in vain; right on a CPU, where a batch of four takes as
    /// long as four of one.
    Cut,
    /// One of [`FIXED_BATCHES`], padded up to a third: 15 run as 16, 5 as 4 and 1. Right on a GPU, where a batch of four takes
    /// 1.6 times as long as one or less, and every further size costs a graph of its own.
    Fixed,
    /// One by one, for files with a fixed batch of 1.
    Single,
}

/// One run of the network: which items of the batch, and how many the network is told there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    /// Items that count.
    pub items: Range<usize>,
    /// The bucket: at least as many.
    pub run_as: usize,
}

/// The bucket for `items`: the next power of two, then multiples of [`LARGEST_BUCKET`].
pub fn bucket(items: usize) -> usize {
    if items <= LARGEST_BUCKET {
        items.next_power_of_two().min(items * LARGEST_BUCKET)
    } else {
        items.next_multiple_of(LARGEST_BUCKET)
    }
}

/// The runs that a batch of `items` takes, none larger than `largest` (a power of two).
pub fn portions(items: usize, bucketing: Bucketing, largest: usize) -> impl Iterator<Item = Portion> {
    let largest = largest.clamp(1, LARGEST_BUCKET);
    let mut done = 0;
    std::iter::from_fn(move || {
        let left = (items - done).min(largest);
        let run_as = match bucketing {
            _ if left == 0 => return None,
            Bucketing::Single => 1,
            Bucketing::Cut => 1 << left.ilog2(),
            Bucketing::Fixed => fixed(left, largest),
        };
        let items = done..done + run_as.min(left);
        done = items.end;
        Some(Portion { items, run_as })
    })
}

/// The largest fixed batch that `left` items fill by three quarters.
fn fixed(left: usize, largest: usize) -> usize {
    let fills = |size: &&usize| **size <= largest && left * 4 >= **size * 3;
    FIXED_BATCHES.iter().rev().find(fills).map_or(1, |size| *size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(items: usize, bucketing: Bucketing) -> Vec<(usize, usize)> {
        portions(items, bucketing, 16).map(|p| (p.items.len(), p.run_as)).collect()
    }

    #[test]
    fn cutting_computes_nothing_in_vain_and_fixed_batches_little() {
        assert_eq!(sizes(5, Bucketing::Cut), [(4, 4), (1, 1)]);
        assert_eq!(sizes(5, Bucketing::Fixed), [(4, 4), (1, 1)]);
        assert_eq!(sizes(15, Bucketing::Fixed), [(15, 16)]);
        assert_eq!(sizes(27, Bucketing::Fixed), [(16, 16), (4, 4), (4, 4), (3, 4)]);
        assert_eq!(sizes(2, Bucketing::Single), [(1, 1), (1, 1)]);
        assert!(sizes(0, Bucketing::Fixed).is_empty());
    }

    #[test]
    fn every_item_is_run_exactly_once_and_padding_stays_within_the_batch() {
        for bucketing in [Bucketing::Cut, Bucketing::Fixed, Bucketing::Single] {
            for items in 0..200 {
                let mut next = 0;
                for portion in portions(items, bucketing, LARGEST_BUCKET) {
                    assert_eq!(portion.items.start, next);
                    assert!(portion.run_as.is_power_of_two() && portion.run_as >= portion.items.len());
                    assert!(portion.items.start + portion.run_as <= bucket(items), "{items} {portion:?}");
                    next = portion.items.end;
                }
                assert_eq!(next, items);
            }
        }
    }
}
