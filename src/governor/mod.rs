//! Decides rung, rate and admission from what it measures; a pure function.
