//! A subscriber that keeps books: what came, what came twice, what was said to be missing; and the sum of a row.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{Builder, JoinHandle, park_timeout},
    time::Duration,
};

use flyball::events::{
    BusConfig,
    wire::{CloseReason, Data, Event, VisitState},
    zenoh::{Delivery, Filter, ZenohBus},
};
use serde::Serialize;
use uuid::Uuid;

use crate::world::{PATIENCE, Sent, now};

/// What a subscriber heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    pub(crate) ids: HashMap<Uuid, u32>,
    /// Ranges said to be missing, by source.
    pub(crate) said: Vec<(String, u64, u64)>,
    pub(crate) out_of_order: u64,
    /// How often each visit was opened, closed, and closed as interrupted.
    pub(crate) visits: HashMap<Uuid, [u32; 3]>,
    last: HashMap<String, (Uuid, u64)>,
}

/// One row of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) row: String,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) lost_silently: u64,
    pub(crate) duplicated: u64,
    pub(crate) note: String,
}

impl Books {
    pub(crate) fn hear(&mut self, event: &Event) {
        *self.ids.entry(event.id).or_default() += 1;
        if let Data::Gap(gap) = &event.data
            && let (Some(first), Some(last)) = (gap.first, gap.last)
        {
            self.said.push((event.source.clone(), first, last));
        }
        if let Some(visit) = event.visit() {
            let times = self.visits.entry(visit.visit.id).or_default();
            let closed = visit.visit.state == VisitState::Closed;
            times[usize::from(closed)] += 1;
            times[2] += u32::from(closed && visit.visit.reason == Some(CloseReason::Interrupted));
        }
        let place = (event.epoch, event.sequence.0);
        let before = self.last.insert(event.source.clone(), place);
        if before.is_some_and(|before| before.0 == place.0 && before.1 >= place.1) {
            self.out_of_order += 1;
        }
    }

    /// The row's sums: nothing that was sent may be missing without a word.
    pub(crate) fn row(&self, row: &str, sent: &Sent, note: String) -> Row {
        let said = |source: &str, n: u64| {
            self.said.iter().any(|(s, first, last)| s == source && (*first..=*last).contains(&n))
        };
        let received = sent.values().filter(|id| self.ids.contains_key(id)).count() as u64;
        let lost = sent.iter().filter(|((source, n), id)| !self.ids.contains_key(id) && !said(source, *n));
        let lost_silently = lost.count() as u64;
        let duplicated = self.ids.values().map(|times| u64::from(times - 1)).sum();
        let order = if self.out_of_order > 0 { format!("; {} OUT OF ORDER", self.out_of_order) } else { String::new() };
        let missing = sent.len() as u64 - received - lost_silently;
        let missing = if missing > 0 { format!("; {missing} said to be missing") } else { String::new() };
        let note = format!("{note}{missing}{order}");
        Row { row: row.into(), sent: sent.len() as u64, received, lost_silently, duplicated, note }
    }
}

/// A subscriber on a thread of its own.
pub(crate) struct Subscriber {
    books: Arc<Mutex<Books>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Subscriber {
    pub(crate) fn start(config: BusConfig, since: Option<u64>) -> Self {
        let (books, stop) = (Arc::<Mutex<Books>>::default(), Arc::<AtomicBool>::default());
        let (kept, stopped) = (Arc::clone(&books), Arc::clone(&stop));
        let thread = Builder::new().name("subscriber".into()).spawn(move || follow(&config, since, &kept, &stopped));
        Self { books, stop, thread: Some(thread.expect("a thread")) }
    }

    /// How many events it has.
    pub(crate) fn len(&self) -> usize {
        self.books.lock().expect("no panic").ids.len()
    }

    /// Its books, once it has everything sent or nothing more comes for long.
    pub(crate) fn finish(mut self, sent: &Sent) -> Books {
        let (mut before, mut since) = (0, now());
        loop {
            {
                let books = self.books.lock().expect("no panic");
                if sent.values().all(|id| books.ids.contains_key(id)) {
                    break;
                }
                if books.ids.len() > before {
                    (before, since) = (books.ids.len(), now());
                }
            }
            if since.elapsed() > PATIENCE / 4 {
                break;
            }
            park_timeout(Duration::from_millis(50));
        }
        self.stop.store(true, Relaxed);
        self.thread.take().map(JoinHandle::join).transpose().expect("no panic");
        std::mem::take(&mut *self.books.lock().expect("no panic"))
    }
}

fn follow(config: &BusConfig, since: Option<u64>, books: &Mutex<Books>, stop: &AtomicBool) {
    let bus = ZenohBus::open(config).expect("a session");
    let mut subscription = bus.subscribe(&Filter::default(), since).expect("a subscription");
    while !stop.load(Relaxed) {
        let Some(delivery) = subscription.next_within(Duration::from_millis(100)) else { continue };
        let mut books = books.lock().expect("no panic");
        match delivery {
            Delivery::Event(event, _) => books.hear(&event),
            Delivery::Lost { source, first, last } => books.said.push((source, first, last)),
            Delivery::Unreadable { key, cause } => panic!("{key}: {cause}"),
        }
    }
}
