//! The state machine, driven at random against a model, and step by step where it matters.

mod random;
mod steps;

use std::rc::Rc;
use std::time::Duration;

use super::*;
use crate::pool::Throttle;

/// A state whose servers are numbers, for which numbers wait.
type State = PoolState<u32, u32, &'static str>;
type Out = Commands<u32, u32, &'static str>;

const SECOND: Duration = Duration::from_secs(1);

fn options(size: usize, min_idle: usize) -> PoolOptions {
    let random: crate::pool::Random = Rc::new(|| 0.0);
    PoolOptions {
        size,
        min_idle,
        idle_timeout: 600 * SECOND,
        max_lifetime: 3000 * SECOND,
        concurrent_connects: 2,
        throttle: Throttle::new(100, 1000, Rc::clone(&random)),
        ..PoolOptions::new(random)
    }
}
