//! The cheapest pairing of rows with columns: who on the last frame is who on this one.
//!
//! Shortest augmenting paths with dual prices (Jonker and Volgenant, "A shortest augmenting path algorithm for dense and
//! sparse linear assignment problems", Computing 38, 1987), rectangular as in Crouse, "On implementing 2D rectangular
//! assignment algorithms" (IEEE TAES 52, 2016). Staying alone has a price too, so no bad pair is ever forced.

/// A table of costs, row by row.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    cols: usize,
    values: Vec<f32>,
}

impl Costs {
    /// A table of `rows` by `cols`, filled by `cost(row, col)`.
    pub fn from_fn(rows: usize, cols: usize, mut cost: impl FnMut(usize, usize) -> f32) -> Self {
        let mut values = Vec::with_capacity(rows * cols);
        for row in 0..rows {
            values.extend((0..cols).map(|col| cost(row, col)));
        }
        Self { cols, values }
    }

    fn rows(&self) -> usize {
        self.values.len().checked_div(self.cols).unwrap_or(0)
    }
}

/// Pairs each row with at most one column and each column with at most one row, so that the costs of the pairs plus `gate`
/// for every row left alone are as small as can be. A pair that costs `gate` or more, or is NaN, is never made. Returns
/// `(row, col)` pairs in row order.
///
/// Worst case rows² × (rows + cols); with few contested rows, as between video frames, about rows × (rows + cols).
pub fn assign(costs: &Costs, gate: f32) -> Vec<(usize, usize)> {
    let mut search = Search::new(costs, gate);
    for row in 0..costs.rows() {
        search.insert(row);
    }
    let mut pairs = Vec::new();
    for col in 0..costs.cols {
        pairs.extend(search.owner[col].map(|row| (row, col)));
    }
    pairs.sort_unstable();
    pairs
}

/// The state of the search. Column `cols + r` is row r's private "stay alone" column, which costs `gate`.
struct Search<'a> {
    costs: &'a Costs,
    gate: f64,
    /// Which row holds a column.
    owner: Vec<Option<usize>>,
    /// Dual prices; reduced costs stay non-negative, and zero on every pair made.
    row_price: Vec<f64>,
    col_price: Vec<f64>,
    /// Scratch of one search: cheapest known way to each column, where it comes from, whether it is settled.
    reach: Vec<f64>,
    from: Vec<usize>,
    settled: Vec<bool>,
}

impl<'a> Search<'a> {
    fn new(costs: &'a Costs, gate: f32) -> Self {
        let (rows, all) = (costs.rows(), costs.cols + costs.rows());
        Self {
            costs,
            gate: f64::from(gate),
            owner: vec![None; all],
            row_price: vec![0.0; rows],
            col_price: vec![0.0; all],
            reach: vec![0.0; all],
            from: vec![0; all],
            settled: vec![false; all],
        }
    }

    fn cost(&self, row: usize, col: usize) -> f64 {
        if col >= self.costs.cols {
            return if col - self.costs.cols == row { self.gate } else { f64::INFINITY };
        }
        let cost = f64::from(self.costs.values[row * self.costs.cols + col]);
        if cost < self.gate { cost } else { f64::INFINITY }
    }

    /// Adds one row to the pairing along the cheapest alternating path (Dijkstra on reduced costs).
    fn insert(&mut self, start: usize) {
        self.reach.fill(f64::INFINITY);
        self.settled.fill(false);
        let (mut row, mut length) = (start, 0.0);
        let end = loop {
            self.relax(row, length);
            let Some(col) = self.nearest() else { return };
            self.settled[col] = true;
            length = self.reach[col];
            match self.owner[col] {
                Some(holder) => row = holder,
                None => break col,
            }
        };
        self.reprice(start, length);
        self.augment(start, end);
    }

    /// Shortens the ways to the unsettled columns through `row`, which is `length` away.
    fn relax(&mut self, row: usize, length: f64) {
        for col in 0..self.reach.len() {
            let way = length + self.cost(row, col) - self.row_price[row] - self.col_price[col];
            if !self.settled[col] && way < self.reach[col] {
                self.reach[col] = way;
                self.from[col] = row;
            }
        }
    }

    /// The unsettled column with the shortest way; among equals a free one, so that paths stay short, then the first.
    fn nearest(&self) -> Option<usize> {
        let rank = |col: usize| (self.reach[col], self.owner[col].is_some());
        let mut best: Option<usize> = None;
        for col in 0..self.reach.len() {
            let open = !self.settled[col] && self.reach[col].is_finite();
            if open && best.is_none_or(|b| rank(col) < rank(b)) {
                best = Some(col);
            }
        }
        best
    }

    /// Moves the prices so that the path just found costs nothing and nothing else goes below zero.
    fn reprice(&mut self, start: usize, length: f64) {
        self.row_price[start] += length;
        for col in 0..self.reach.len() {
            if !self.settled[col] {
                continue;
            }
            let slack = length - self.reach[col];
            self.col_price[col] -= slack;
            if let Some(holder) = self.owner[col] {
                self.row_price[holder] += slack;
            }
        }
    }

    /// Flips the path from its free end back to the row it started from.
    fn augment(&mut self, start: usize, end: usize) {
        let mut col = end;
        loop {
            let row = self.from[col];
            let held = self.owner.iter().position(|o| *o == Some(row));
            self.owner[col] = Some(row);
            match held {
                Some(previous) if row != start => col = previous,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greedy_choice_is_taken_back_when_that_is_cheaper() {
        let table = [[1.0, 2.0], [1.1, 9.0]];
        let costs = Costs::from_fn(2, 2, |r, c| table[r][c]);
        assert_eq!(assign(&costs, 100.0), [(0, 1), (1, 0)]);
    }

    #[test]
    fn empty_tables_and_impossible_costs_pair_nobody() {
        assert!(assign(&Costs::from_fn(0, 3, |_, _| 0.0), 1.0).is_empty());
        assert!(assign(&Costs::from_fn(3, 0, |_, _| 0.0), 1.0).is_empty());
        assert!(assign(&Costs::from_fn(2, 2, |_, _| f32::NAN), 1.0).is_empty());
        assert!(assign(&Costs::from_fn(2, 2, |_, _| 1.0), 1.0).is_empty());
    }

    #[cfg(feature = "checks")]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        /// Tries every pairing.
        fn cheapest(costs: &Costs, gate: f32, row: usize, taken: &mut Vec<bool>) -> f32 {
            if row == costs.rows() {
                return 0.0;
            }
            let mut best = gate + cheapest(costs, gate, row + 1, taken);
            for col in 0..costs.cols {
                let cost = costs.values[row * costs.cols + col];
                if !taken[col] && cost < gate {
                    taken[col] = true;
                    best = best.min(cost + cheapest(costs, gate, row + 1, taken));
                    taken[col] = false;
                }
            }
            best
        }

        fn total(costs: &Costs, gate: f32, pairs: &[(usize, usize)]) -> f32 {
            let paired: f32 = pairs.iter().map(|&(r, c)| costs.values[r * costs.cols + c]).sum();
            paired + gate * (costs.rows() - pairs.len()) as f32
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(400))]
            #[test]
            fn nothing_is_cheaper(
                rows in 0usize..6, cols in 0usize..6, gate in 0f32..12.0,
                seeds in proptest::collection::vec(0u8..11, 36),
            ) {
                let costs = Costs::from_fn(rows, cols, |r, c| f32::from(seeds[r * 6 + c]));
                let pairs = assign(&costs, gate);
                let mut columns: Vec<_> = pairs.iter().map(|p| p.1).collect();
                columns.sort_unstable();
                columns.dedup();
                prop_assert_eq!(columns.len(), pairs.len());
                prop_assert!(pairs.iter().all(|&(r, c)| costs.values[r * cols + c] < gate));
                let best = cheapest(&costs, gate, 0, &mut vec![false; cols]);
                prop_assert!((total(&costs, gate, &pairs) - best).abs() < 1e-3);
            }
        }
    }
}
