//! Who gets a server, when, and what is told to who gets none.

use std::cell::RefCell;

use super::fake::Why;
use super::*;

#[test]
fn an_idle_server_is_lent_without_waiting() {
    run(async {
        let (pool, fake) = pool(2);
        assert!(pool.try_checkout().is_none());
        let first = pool.checkout().await.unwrap();
        assert_eq!(first.number, 1);
        let id = first.id();
        first.release();
        let again = pool.try_checkout().unwrap();
        assert_eq!(again.id(), id);
        assert!(pool.try_checkout().is_none());
        assert!(pool.checkout_this(id).is_none());
        again.release();
        assert_eq!(pool.checkout_this(id).unwrap().number, 1);
        assert_eq!(fake.attempts(), 1);
    });
}

#[test]
fn a_server_that_comes_back_goes_to_who_waits_first() {
    run(async {
        let (pool, fake) = pool(1);
        let held = pool.checkout().await.unwrap();
        let order = Rc::new(RefCell::new(vec![]));
        for name in ["a", "b", "c"] {
            let (pool, order) = (pool.clone(), Rc::clone(&order));
            spawn_local(async move {
                let checkout = pool.checkout().await.unwrap();
                order.borrow_mut().push(name);
                checkout.release();
            });
            settle().await;
        }
        assert_eq!(pool.snapshot().waiting, 3);
        sleep(5 * SECOND).await;
        assert_eq!(pool.snapshot().longest_wait, 5 * SECOND);
        held.release();
        // It is not idle for a moment: nobody can step in.
        assert!(pool.try_checkout().is_none());
        settle().await;
        assert_eq!(*order.borrow(), ["a", "b", "c"]);
        assert_eq!(fake.attempts(), 1);
        assert_eq!(pool.snapshot().idle, 1);
    });
}

#[test]
fn who_waits_too_long_is_told_why() {
    run(async {
        let (pool, _fake) = pool(1);
        let _held = pool.checkout().await.unwrap();
        let start = Instant::now();
        let error = pool.checkout().await.unwrap_err();
        assert_eq!(start.elapsed(), 30 * SECOND);
        let CheckoutError::Timeout(timeout) = &error else {
            panic!("{error:?}");
        };
        assert_eq!((timeout.pool.active, timeout.pool.size), (1, 1));
        assert_eq!(timeout.last_failure, None);
        assert_eq!(pool.snapshot().waiting, 0);
    });
}

#[test]
fn a_definite_failure_is_told_at_once() {
    run(async {
        let (pool, fake) = pool(5);
        fake.0.way.set(Way::Fails(Verdict::Definite));
        let start = Instant::now();
        let error = pool.checkout().await.unwrap_err();
        assert_eq!(error, CheckoutError::Open(Why(Verdict::Definite)));
        assert_eq!(start.elapsed(), 20 * MS);
        // And so again, and no attempt is made for nobody.
        assert!(pool.checkout().await.is_err());
        sleep(MINUTE).await;
        assert_eq!(fake.attempts(), 2);
        fake.0.way.set(Way::Works);
        assert!(pool.checkout().await.is_ok());
    });
}

#[test]
fn a_cluster_that_sheds_load_is_tried_again_until_the_queue_timeout() {
    run(async {
        let (pool, fake) = pool(5);
        fake.0.way.set(Way::Fails(Verdict::TryLater));
        let CheckoutError::Timeout(timeout) = pool.checkout().await.unwrap_err() else {
            panic!("not a timeout");
        };
        assert_eq!(timeout.last_failure, Some(Why(Verdict::TryLater)));
        // 0.1, 0.2, 0.4, 0.8, 1.6, 3.2 and then 5 seconds apart.
        assert_eq!(fake.attempts(), 11);

        let waits = pool.checkout();
        fake.0.way.set(Way::Works);
        assert!(waits.await.is_ok());
    });
}

#[test]
fn an_attempt_that_ends_with_the_wait_still_tells_why() {
    run(async {
        let (pool, fake) = pool(5);
        fake.0.way.set(Way::Fails(Verdict::Definite));
        fake.0.takes.set(30 * SECOND + 5 * MS);
        let error = pool.checkout().await.unwrap_err();
        assert_eq!(error, CheckoutError::Open(Why(Verdict::Definite)));

        fake.0.way.set(Way::Never);
        let start = Instant::now();
        let CheckoutError::Timeout(timeout) = pool.checkout().await.unwrap_err() else {
            panic!("not a timeout");
        };
        assert_eq!(start.elapsed(), 31 * SECOND);
        assert_eq!(timeout.pool.connecting, 1);
    });
}

#[test]
fn few_are_opened_at_a_time_and_no_faster_than_the_rate() {
    run(async {
        let mut options = options(30);
        options.concurrent_connects = 3;
        options.throttle = Throttle::new(10, 5, Rc::clone(&options.random));
        let (pool, fake) = with_options(options);
        let start = Instant::now();
        let tasks: Vec<_> = (0..25)
            .map(|_| {
                let pool = pool.clone();
                spawn_local(async move { pool.checkout().await.unwrap() })
            })
            .collect();
        let mut held = vec![];
        for task in tasks {
            held.push(task.await.unwrap());
        }
        assert_eq!(fake.0.most_opening.get(), 3);
        // 5 at once, 20 at the rate of 10 a second; the last one takes 20 ms.
        assert_eq!(start.elapsed(), 2 * SECOND + 20 * MS);
        assert_eq!(pool.snapshot().active, 25);
    });
}

#[test]
fn a_dead_idle_server_is_not_lent() {
    run(async {
        let (pool, fake) = pool(2);
        let (a, b) = (
            pool.checkout().await.unwrap(),
            pool.checkout().await.unwrap(),
        );
        a.release();
        b.release();
        fake.0.alive.set(false);
        let fresh = pool.checkout().await.unwrap();
        assert_eq!(fresh.number, 3);
        assert_eq!(fake.closed(), [(2, Closing::Dead), (1, Closing::Dead)]);
        assert_eq!(pool.snapshot().active, 1);
    });
}

#[test]
fn a_private_server_is_new_and_is_never_lent_again() {
    run(async {
        let (pool, fake) = pool(1);
        pool.checkout().await.unwrap().release();
        let private = pool.checkout_private("replication").await.unwrap();
        assert!(private.is_private());
        assert_eq!(fake.closed(), [(1, Closing::Evicted)]);
        assert_eq!(*fake.0.requests.borrow(), ["replication"]);
        assert_eq!((pool.snapshot().active, pool.snapshot().private), (1, 1));
        private.release();
        assert_eq!(fake.closed()[1..], [(2, Closing::Private)]);
        assert!(pool.try_checkout().is_none());
        assert_eq!(pool.snapshot().private, 0);

        fake.0.way.set(Way::Fails(Verdict::Definite));
        let error = pool.checkout_private("bad").await.unwrap_err();
        assert_eq!(error, CheckoutError::Open(Why(Verdict::Definite)));
        assert_eq!(pool.snapshot().connecting, 0);
    });
}
