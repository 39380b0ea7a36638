//! The same program as a child: a router, a publisher to be killed, a subscriber to be stopped.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use flyball::events::{
    BusConfig, BusMode,
    wire::{Draft, VisitState},
    zenoh::ZenohBus,
};
use uuid::Uuid;

use crate::{
    books::{Books, Subscriber},
    world::{Node, Sent, Setup, draft_of, listening},
};

/// A child that is killed when let go of.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _status = self.0.wait();
    }
}

/// This program with other words.
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().expect("our own path"));
    command.args(words).stdout(Stdio::piped()).stdin(Stdio::piped());
    command
}

/// Starts a router and waits until it listens.
pub(crate) fn router(endpoint: &str) -> Killed {
    let mut child = command(&["router", endpoint]).spawn().expect("a router");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a word");
    assert_eq!(line.trim(), "ready");
    Killed(child)
}

/// Sends a signal by the ordinary command.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().expect("kill");
    assert!(sent.success(), "kill -{name}");
}

/// What a child says it published: lines of `had SOURCE NUMBER ID`.
pub(crate) fn had(line: &str) -> Option<((String, u64), Uuid)> {
    let mut words = line.strip_prefix("had ")?.split(' ');
    let (source, number, id) = (words.next()?, words.next()?, words.next()?);
    (id.len() == 36).then_some(())?;
    Some(((source.to_owned(), number.parse().ok()?), id.parse().ok()?))
}

pub(crate) fn run_router(endpoint: &str) {
    let config = BusConfig { mode: BusMode::Router, ..listening(endpoint) };
    let _bus = ZenohBus::open(&config).expect("a router");
    say("ready");
    forever();
}

/// Visits of a writer's life: two of three are closed again, every third stays open as long as it lives.
fn life(camera: &str, n: u64) -> Draft {
    static NAME: OnceLock<u128> = OnceLock::new();
    let name = NAME.get_or_init(|| Uuid::now_v7().as_u128() << 32);
    let (visit, state) = match n % 6 {
        2 | 3 => (n - 2, VisitState::Closed),
        _ => (n, VisitState::Opened),
    };
    draft_of(camera, name + u128::from(visit), state)
}

/// Publishes at a pace until killed, and says what is out.
pub(crate) fn run_writer(endpoint: &str, journal: &str, pace: u64) {
    let bus = Some(listening(endpoint));
    let node = Node::start(Setup { bus, journal: Some(Path::new(journal)), drafted: life, ..Setup::default() });
    say("ready");
    let mut known = Sent::new();
    for n in 0.. {
        node.post_paced(&["gate", "hall"], n * 10..(n + 1) * 10, pace);
        let sent = node.sent();
        for ((source, number), id) in sent.iter().filter(|(key, _)| !known.contains_key(*key)) {
            say(&format!("had {source} {number} {id}"));
        }
        known = sent;
    }
}

/// Follows until it has `count` visits, then says what its books say.
pub(crate) fn run_subscriber(endpoint: &str, count: &str) {
    let count: usize = count.parse().expect("a number");
    let subscriber = Subscriber::start(BusConfig::connecting_to(endpoint), Some(0));
    say("ready");
    while subscriber.len() < count {
        thread::park_timeout(Duration::from_millis(20));
    }
    let Books { ids, out_of_order, .. } = subscriber.finish(&Sent::new());
    say(&format!("heard {} {} {out_of_order}", ids.len(), ids.values().filter(|times| **times > 1).count()));
}

fn forever() -> ! {
    loop {
        thread::park();
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody listens.
    let _nobody = writeln!(out, "{line}").and_then(|()| out.flush());
}
