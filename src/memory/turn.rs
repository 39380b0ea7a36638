//! How a thread shares its core with the others. Nothing here needs a privilege, and a kernel that knows none of it goes
//! on as before.

use std::mem::size_of;

/// What one turn of a [`prompt`] thread is expected to take. Linux 6.12 and later let a thread that wakes up with less to
/// do than the one that runs go first (`sched_setattr(2)`, `sched_runtime`); the usual turn is 3 to 6 ms.
const PROMPT_TURN_NS: u64 = 200_000;

/// From now on the calling thread, and those it starts, take short turns and are let in soon: for work that takes
/// microseconds and that somebody waits for.
pub fn prompt() {
    let mut turn = Turn::of_this_thread();
    if let Some(turn) = turn.as_mut().filter(|turn| turn.is_usual()) {
        turn.0.sched_runtime = PROMPT_TURN_NS;
        turn.take();
    }
}

/// Runs `work` on a thread of its own that is [`prompt`], so that the threads `work` starts are too.
pub fn promptly<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let prompted = || {
        prompt();
        work()
    };
    std::thread::scope(|scope| match scope.spawn(prompted).join() {
        Ok(answer) => answer,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

const CALLER: libc::pid_t = 0;
const NO_FLAGS: libc::c_uint = 0;
const SIZE: u32 = size_of::<libc::sched_attr>() as u32;

/// How a thread is scheduled.
struct Turn(libc::sched_attr);

#[allow(unsafe_code, reason = "neither the standard library nor rustix has these two calls")]
impl Turn {
    fn of_this_thread() -> Option<Self> {
        let mut attr = libc::sched_attr {
            size: SIZE,
            sched_policy: 0,
            sched_flags: 0,
            sched_nice: 0,
            sched_priority: 0,
            sched_runtime: 0,
            sched_deadline: 0,
            sched_period: 0,
        };
        // SAFETY: `attr` is a valid, writable `sched_attr` of the size that is passed, for the duration of the call.
        let answer = unsafe { libc::syscall(libc::SYS_sched_getattr, CALLER, &raw mut attr, SIZE, NO_FLAGS) };
        (answer == 0).then_some(Self(attr))
    }

    /// Otherwise somebody gave this process a policy of its own, and knows better.
    fn is_usual(&self) -> bool {
        self.0.sched_policy == libc::SCHED_OTHER as u32
    }

    fn take(&self) {
        // SAFETY: what is passed is a valid `sched_attr` that says its own size. A refusal changes nothing.
        let _refused_or_not = unsafe { libc::syscall(libc::SYS_sched_setattr, CALLER, &raw const self.0, NO_FLAGS) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight_and_turn() -> (i32, u64) {
        let turn = Turn::of_this_thread().unwrap();
        (turn.0.sched_nice, turn.0.sched_runtime)
    }

    /// Linux 6.12 and later.
    fn remembers_turns() -> bool {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse::<u32>().ok());
        (numbers.next(), numbers.next()) >= (Some(6), Some(12))
    }

    #[test]
    fn prompt_work_and_its_threads_keep_their_weight_and_nobody_else_changes() {
        let (weight, turn) = weight_and_turn();
        let on_a_child = || std::thread::scope(|scope| scope.spawn(weight_and_turn).join().unwrap());
        let (own, child) = promptly(|| (weight_and_turn(), on_a_child()));
        assert_eq!(own.0, weight);
        assert_eq!(own, child);
        let expected = if remembers_turns() { PROMPT_TURN_NS } else { turn };
        assert_eq!(own.1, expected);
        assert_eq!(weight_and_turn(), (weight, turn), "this thread is as it was");
    }
}
