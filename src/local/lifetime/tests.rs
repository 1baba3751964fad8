use std::time::Duration;

use super::*;
use crate::local::faults::{Faults, Order};

async fn minutes(in_transaction: bool, faults: &SessionFaults) -> u64 {
    let began = Instant::now();
    let lifetime = Lifetime::begin(&Limits::default(), began);
    lifetime.over(in_transaction, faults).await;
    began.elapsed().as_secs() / 60
}

#[tokio::test(start_paused = true)]
async fn a_transaction_outlives_the_hour_by_its_own_age() {
    let faults = Faults::default();
    let session = faults.enlist("app", "");
    assert_eq!(minutes(false, &session).await, 60);
    assert_eq!(minutes(true, &session).await, 65);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_expired_ends_outside_of_a_transaction() {
    let faults = Faults::default();
    let session = faults.enlist("app", "");
    for order in Order::parse("expire").unwrap() {
        faults.obey(order).unwrap();
    }
    assert_eq!(minutes(false, &session).await, 0);
    assert_eq!(minutes(true, &session).await, 65);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_lives_on_when_its_transaction_ends_late_ends_at_once() {
    let faults = Faults::default();
    let session = faults.enlist("app", "");
    let lifetime = Lifetime::begin(&Limits::default(), Instant::now());
    tokio::time::advance(Duration::from_mins(62)).await;
    let began = Instant::now();
    lifetime.over(false, &session).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}
