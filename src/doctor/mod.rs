//! Is everything there that Flyball stands on, in a version that will do? One [`Check`] a dependency, with the command that
//! mends it; [`examine`] runs them all.
//!
//! [`check`] is what is said about one piece and [`report`] about all of them; [`wanted`] reads the versions that will do from
//! config/dependencies.toml and [`needs`] what one deployment asks for. Then the pieces, in the order of the table: `program`,
//! `plugins`, `runtime`, `gpu`, `bus`, `weights`, `footage`, `machine`, `ports`. `foreign` is the one room with unsafe code: it
//! asks shared libraries for their version. [`cost`] measures what loading each piece takes, [`pulse`] what is in use now.
//! Next room up: `cli`.

mod bus;
mod check;
pub mod cost;
mod examine;
mod footage;
mod foreign;
mod gpu;
mod machine;
mod needs;
mod nvidia;
mod plugins;
mod ports;
mod program;
pub mod pulse;
mod report;
mod runtime;
mod wanted;
mod weights;

pub use check::{Area, Check, Health, Weight};
pub use examine::{Depth, Places, examine};
pub use needs::{Gpu, Needs};
pub use report::Report;
pub use wanted::{Bad, Use, Wanted, WantedMachine, WantedPackage, WantedVersions};
