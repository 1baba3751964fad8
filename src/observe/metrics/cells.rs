//! What is counted. One thread serves all clients, so a count is a plain cell: a handful of
//! instructions, no atomics, and memory that does not grow when nobody scrapes.

use std::cell::{Cell, RefCell};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(Cell<u64>);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// That many more.
    pub fn add(&self, more: u64) {
        self.0.set(self.0.get().wrapping_add(more));
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// Values of a label that are told apart. Whatever comes after that many is `other`.
const MOST_VALUES: usize = 64;

/// What stands for the values beyond [`MOST_VALUES`].
const OTHER: &str = "other";

/// Counters under one name, told apart by the value of a label.
#[derive(Debug, Default)]
pub struct Family(RefCell<Vec<(String, u64)>>);

impl Family {
    /// A family in which these values begin with zero, so that a rate is right from the first
    /// increment on.
    pub(super) fn with(values: &[&str]) -> Self {
        Self(RefCell::new(
            values.iter().map(|v| ((*v).to_owned(), 0)).collect(),
        ))
    }

    /// One more of this value.
    pub fn increment(&self, value: &str) {
        let mut counts = self.0.borrow_mut();
        let room = counts.len() < MOST_VALUES;
        let known = counts.iter_mut().find(|(known, _)| known == value);
        match known {
            Some((_, count)) => *count += 1,
            None if room => counts.push((value.to_owned(), 1)),
            None => match counts.iter_mut().find(|(known, _)| known == OTHER) {
                Some((_, count)) => *count += 1,
                None => counts.push((OTHER.to_owned(), 1)),
            },
        }
    }

    /// Every value and its number, in the order in which they came up.
    pub fn counts(&self) -> Vec<(String, u64)> {
        self.0.borrow().clone()
    }
}

/// The upper bounds of the buckets of a histogram, in microseconds.
pub(super) const BOUNDS: [u64; 17] = [
    100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Durations, counted in buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound and one for what is longer; each counts its own only.
    buckets: [Cell<u64>; BOUNDS.len() + 1],
    nanoseconds: Cell<u64>,
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        // The shortest come most often, and are found first.
        let bucket = BOUNDS
            .iter()
            .zip(&self.buckets)
            .find_map(|(bound, bucket)| (nanoseconds <= bound * 1_000).then_some(bucket));
        let [.., longer] = &self.buckets;
        let bucket = bucket.unwrap_or(longer);
        bucket.set(bucket.get() + 1);
        let sum = self.nanoseconds.get();
        self.nanoseconds.set(sum.saturating_add(nanoseconds));
    }

    /// How many there were up to each bound, and in all.
    pub(super) fn cumulative(&self) -> (Vec<u64>, u64) {
        let mut so_far = 0;
        let mut counts: Vec<_> = self
            .buckets
            .iter()
            .map(|bucket| {
                so_far += bucket.get();
                so_far
            })
            .collect();
        counts.pop();
        (counts, so_far)
    }

    /// All durations together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.get())
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.cumulative().1
    }
}
