use super::*;

fn random() -> Random {
    Rc::new(|| 0.0)
}

#[test]
fn a_burst_then_the_rate() {
    let throttle = Throttle::new(10, 3, random());
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(throttle.closed_until(start), None);
        throttle.take(start);
    }
    let next = start + Duration::from_millis(100);
    assert_eq!(throttle.closed_until(start), Some(next));
    assert_eq!(throttle.closed_until(next), None);
    throttle.take(next);
    assert_eq!(
        throttle.closed_until(next),
        Some(next + Duration::from_millis(100))
    );
    // It fills up to the burst and no further.
    let later = start + Duration::from_hours(1);
    for _ in 0..3 {
        assert_eq!(throttle.closed_until(later), None);
        throttle.take(later);
    }
    assert!(throttle.closed_until(later).is_some());
}

#[test]
fn the_rate_is_that_of_dsql() {
    let throttle = Throttle::dsql(random());
    let start = Instant::now();
    let mut opened = 0;
    let mut now = start;
    while now < start + Duration::from_secs(10) {
        match throttle.closed_until(now) {
            None => {
                throttle.take(now);
                opened += 1;
            }
            Some(at) => now = at,
        }
    }
    // 1,000 at once, then one every 10 ms, the last at 9.99 s.
    assert_eq!(opened, 1999);
}

#[test]
fn who_is_refused_waits_and_clones_wait_too() {
    let throttle = Throttle::new(10, 10, random());
    let other = throttle.clone();
    let start = Instant::now();
    throttle.refused(start);
    let until = other.closed_until(start).unwrap();
    assert_eq!(until, start + Duration::from_millis(100));
    assert_eq!(other.closed_until(until), None);
    other.accepted();
    assert_eq!(throttle.closed_until(start), None);
}
