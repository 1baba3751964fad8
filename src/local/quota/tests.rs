use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn limits(rate: u64, burst: u64, connections: u64) -> Limits {
    let mut limits = Limits::default();
    limits.set(&CONNECTION_RATE, rate);
    limits.set(&CONNECTION_BURST, burst);
    limits.set(&CONNECTIONS, connections);
    limits
}

#[test]
fn a_burst_and_then_the_rate() {
    let start = Instant::now();
    let mut bucket = Bucket::new(100, 1000, start);
    for _ in 0..1000 {
        assert_eq!(bucket.draw(start), Drawn::Token);
    }
    assert_eq!(bucket.draw(start), Drawn::Nothing);
    let later = start + Duration::from_millis(9);
    assert_eq!(bucket.draw(later), Drawn::Nothing);
    let later = start + Duration::from_millis(11);
    assert_eq!(bucket.draw(later), Drawn::Token);
    assert_eq!(bucket.draw(later), Drawn::Nothing);
    // It holds no more than the burst, however long nobody comes.
    let later = start + Duration::from_hours(1);
    for _ in 0..1000 {
        assert_eq!(bucket.draw(later), Drawn::Token);
    }
    assert_eq!(bucket.draw(later), Drawn::Nothing);
    // A clock that goes back fills nothing.
    assert_eq!(bucket.draw(start), Drawn::Nothing);
    assert_eq!(bucket.draw(later), Drawn::Nothing);
}

proptest! {
    #[test]
    fn never_more_than_burst_and_rate_allow(
        rate in 1..50_u64,
        burst in 1..50_u64,
        gaps in prop::collection::vec(0..200_u64, 1..200),
    ) {
        let start = Instant::now();
        let mut bucket = Bucket::new(rate, burst, start);
        let mut passed = Duration::ZERO;
        let mut drawn = 0_u32;
        for gap in gaps {
            passed += Duration::from_millis(gap);
            if bucket.draw(start + passed) == Drawn::Token {
                drawn += 1;
            }
        }
        let rate = f64::from(u32::try_from(rate).unwrap());
        let burst = f64::from(u32::try_from(burst).unwrap());
        prop_assert!(f64::from(drawn) <= burst + passed.as_secs_f64() * rate + 1e-6);
    }
}

#[test]
fn a_place_is_free_again_when_its_connection_ends() {
    let now = Instant::now();
    let quota = Quota::new(&limits(1, 10, 2), now);
    let first = quota.admit(now).unwrap();
    let _second = quota.admit(now).unwrap();
    assert_eq!(
        quota.admit(now).unwrap_err(),
        QuotaExceeded::Connections,
        "both places are taken"
    );
    drop(first);
    quota.admit(now).unwrap();
}

#[test]
fn refusals_have_the_words_of_dsql() {
    let now = Instant::now();
    let quota = Quota::new(&limits(1, 1, 1), now);
    let _only = quota.admit(now).unwrap();
    let rate = quota.admit(now).unwrap_err().to_response();
    assert_eq!(
        rate.to_string(),
        "Unable to accept connection, rate exceeded. (53400)"
    );
    let later = now + Duration::from_secs(1);
    let connections = quota.admit(later).unwrap_err().to_response();
    assert_eq!(
        connections.to_string(),
        "Unable to accept connection, too many open connections. (53300)"
    );
    assert_eq!(connections.severity.as_str(), "FATAL");
}
