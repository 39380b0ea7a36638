//! Prints Flyball's face events, one JSON object a line: each once, in order per camera, gaps filled from the journal.
//!
//!     cargo run --example subscribe -- tcp/127.0.0.1:7447 [SINCE [COUNT]]
//!
//! Zenoh reconnects by itself; the subscription notices by their numbers what was missed meanwhile, asks the journal
//! behind `@history`, drops repetitions, and says what nobody has any more.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "that is what it is for")]

use std::{env, error::Error, time::Duration};

use flyball::events::{
    BusConfig,
    wire::Data,
    zenoh::{Delivery, Filter, ZenohBus},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let endpoint = words.next().unwrap_or_else(|| "tcp/127.0.0.1:7447".into());
    // 0: everything the journal still has. Left out: what comes from now on.
    let since = words.next().map(|text| text.parse()).transpose()?;
    let count: Option<u64> = words.next().map(|text| text.parse()).transpose()?;

    let bus = ZenohBus::open(&BusConfig::connecting_to(&endpoint))?;
    // One camera, or one site: `Filter { camera: Some("gate".into()), ..Filter::default() }`.
    let mut events = bus.subscribe(&Filter::default(), since)?;
    let mut printed = 0;
    while count.is_none_or(|count| printed < count) {
        match events.next_within(Duration::from_secs(1)) {
            Some(Delivery::Event(event, json)) => {
                if let Data::Gap(gap) = &event.data {
                    eprintln!("{}: events {:?} to {:?} are lost", event.source, gap.first, gap.last);
                }
                println!("{json}");
                printed += 1;
            }
            Some(Delivery::Lost { source, first, last }) => eprintln!("{source}: events {first} to {last} are lost"),
            Some(Delivery::Unreadable { key, cause }) => eprintln!("{key}: {cause}"),
            None => {} // nothing new; a place to do other work
        }
    }
    Ok(())
}
