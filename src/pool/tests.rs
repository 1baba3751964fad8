//! A pool with a fake opener, and time that moves only when everybody waits.

mod drops;
mod fake;
mod life;
mod waits;

use std::rc::Rc;
use std::time::Duration;

use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::{Instant, sleep, sleep_until};

use super::*;
use fake::{Fake, Way};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Runs a test with a clock that is paused.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test);
}

fn options(size: usize) -> PoolOptions {
    PoolOptions {
        size,
        ..PoolOptions::new(Rc::new(|| 0.0))
    }
}

fn pool(size: usize) -> (Pool<Fake>, Fake) {
    with_options(options(size))
}

fn with_options(options: PoolOptions) -> (Pool<Fake>, Fake) {
    let fake = Fake::default();
    (Pool::new(fake.clone(), options), fake)
}

/// Lets every task do what it can do now.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}
