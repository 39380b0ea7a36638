//! A stranger on the device. Takes plain allocations, as frameworks do.

use std::{
    thread::sleep,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cudarc::driver::{CudaContext, CudaSlice};
use serde_json::json;

/// Most bytes in one allocation.
const PIECE: usize = 1 << 30;

pub(crate) fn run(share: f64, leave: Option<u64>, after: Duration, hold: Duration) {
    let context = CudaContext::new(0).expect("a GPU");
    let stream = context.default_stream();
    sleep(after);
    let (free, total) = context.mem_get_info().expect("the device's figures");
    let wanted = leave.map_or((free as f64 * share) as usize, |leave| free.saturating_sub(leave as usize));
    let mut held: Vec<CudaSlice<u8>> = Vec::new();
    for from in (0..wanted).step_by(PIECE) {
        #[allow(unsafe_code, reason = "memory that is never read")]
        // SAFETY: it is only held, and given back.
        let piece = unsafe { stream.alloc::<u8>(PIECE.min(wanted - from)) };
        match piece {
            Ok(piece) => held.push(piece),
            Err(cause) => println!("{}", json!({ "refused": cause.to_string() })),
        }
    }
    stream.synchronize().expect("the device");
    let left = context.mem_get_info().expect("the device's figures").0;
    say("took", [free, wanted, left, total]);
    sleep(hold);
    drop(held);
    stream.synchronize().expect("the device");
    say("gave back", [free, wanted, context.mem_get_info().expect("the device's figures").0, total]);
}

fn say(what: &str, [free, wanted, left, total]: [usize; 4]) {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
    let mib = |bytes: usize| bytes >> 20;
    let told = json!({ "at": at, "tenant": what, "free_before_mib": mib(free), "wanted_mib": mib(wanted),
        "free_after_mib": mib(left), "total_mib": mib(total) });
    println!("{told}");
}
