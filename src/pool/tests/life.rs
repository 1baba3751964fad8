//! How servers grow old, and how pools end.

use super::*;

#[test]
fn some_are_kept_ready() {
    run(async {
        let (pool, fake) = with_options(PoolOptions {
            min_idle: 2,
            ..options(4)
        });
        let first = pool.checkout().await.unwrap();
        sleep(SECOND).await;
        assert_eq!(pool.snapshot().idle, 2);
        // Who takes one without waiting has another one opened.
        let second = pool.try_checkout().unwrap();
        sleep(SECOND).await;
        assert_eq!((pool.snapshot().idle, pool.snapshot().active), (2, 2));
        // The pool is full.
        let third = pool.try_checkout().unwrap();
        sleep(SECOND).await;
        assert_eq!(pool.snapshot().idle, 1);
        for checkout in [first, second, third] {
            checkout.release();
        }
        // Two too many expire, two are kept.
        sleep(11 * MINUTE).await;
        assert_eq!(pool.snapshot().idle, 2);
        assert_eq!(fake.closed().len(), 2);
        // They are replaced when they are old, before that with room.
        sleep(60 * MINUTE).await;
        assert_eq!(pool.snapshot().idle, 2);
        let lifetimes: Vec<_> = fake.closed()[2..].iter().map(|(_, why)| *why).collect();
        assert_eq!(lifetimes, [Closing::Lifetime; 2]);
        assert_eq!(fake.0.live.get(), 2);
        assert_eq!(fake.0.most_live.get(), 4);
    });
}

#[test]
fn idle_servers_expire_one_by_one() {
    run(async {
        let (pool, fake) = pool(3);
        let (a, b) = (
            pool.checkout().await.unwrap(),
            pool.checkout().await.unwrap(),
        );
        a.release();
        sleep(MINUTE).await;
        b.release();
        sleep(9 * MINUTE + SECOND).await;
        assert_eq!(fake.closed(), [(1, Closing::Idle)]);
        // Used again, it stays.
        pool.try_checkout().unwrap().release();
        sleep(9 * MINUTE).await;
        assert_eq!(pool.snapshot().idle, 1);
        sleep(MINUTE + SECOND).await;
        assert_eq!(fake.closed()[1..], [(2, Closing::Idle)]);
    });
}

#[test]
fn the_age_is_cut_at_random_by_up_to_a_tenth() {
    for (random, due) in [(0.0, 55 * MINUTE), (1.0, 49 * MINUTE + 30 * SECOND)] {
        run(async move {
            let (pool, fake) = with_options(PoolOptions {
                random: Rc::new(move || random),
                ..options(1)
            });
            let opened = Instant::now() + 20 * MS;
            let checkout = pool.checkout().await.unwrap();
            assert_eq!(checkout.due_at(), opened + due);
            assert!(!checkout.is_due());
            sleep_until(opened + due).await;
            assert!(checkout.is_due());
            checkout.release();
            assert_eq!(fake.closed(), [(1, Closing::Lifetime)]);
        });
    }
}

#[test]
fn a_busy_pool_never_waits_for_a_replacement() {
    run(async {
        let (pool, fake) = pool(2);
        pool.checkout().await.unwrap().release();
        let start = Instant::now();
        while start.elapsed() < 120 * MINUTE {
            // Always one at hand, and none too old for what DSQL allows.
            let checkout = pool.try_checkout().expect("one is idle");
            assert!(!checkout.is_due());
            sleep(SECOND).await;
            checkout.release();
            sleep(SECOND).await;
        }
        assert_eq!(fake.0.opened.get(), 3);
        assert_eq!(fake.0.live.get(), 1);
    });
}

#[test]
fn an_idle_pool_sleeps() {
    run(async {
        let (pool, fake) = pool(2);
        pool.checkout().await.unwrap().release();
        sleep(30 * MINUTE).await;
        assert_eq!(fake.closed().len(), 1);
        assert_eq!(pool.snapshot().idle, 0);
        sleep(600 * MINUTE).await;
        assert_eq!(fake.attempts(), 1);
    });
}

#[test]
fn a_closed_pool_dismisses_everybody() {
    run(async {
        let (pool, fake) = pool(2);
        let held = pool.checkout().await.unwrap();
        pool.checkout().await.unwrap().release();
        fake.0.way.set(Way::Never);
        let taken = pool.try_checkout().unwrap();
        let waits = {
            let pool = pool.clone();
            spawn_local(async move { pool.checkout().await.map(drop) })
        };
        settle().await;
        taken.release();
        settle().await;
        pool.close();
        assert_eq!(waits.await.unwrap(), Ok(()));
        assert_eq!(pool.checkout().await.map(drop), Err(CheckoutError::Closed));
        assert_eq!(
            pool.checkout_private("x").await.map(drop),
            Err(CheckoutError::Closed)
        );
        held.release();
        assert!(fake.closed().contains(&(1, Closing::PoolClosed)));
        settle().await;
        assert_eq!(fake.0.live.get(), 0);
    });
}

#[test]
fn closing_abandons_what_is_being_opened() {
    run(async {
        let (pool, fake) = pool(2);
        fake.0.way.set(Way::Never);
        let waits = {
            let pool = pool.clone();
            spawn_local(async move { pool.checkout().await.map(drop) })
        };
        settle().await;
        assert_eq!(pool.snapshot().connecting, 1);
        pool.close();
        assert_eq!(waits.await.unwrap(), Err(CheckoutError::Closed));
        settle().await;
        assert_eq!(
            pool.snapshot(),
            PoolSnapshot {
                size: 2,
                ..PoolSnapshot::default()
            }
        );
        assert_eq!(fake.0.opening.get(), 0);
    });
}

#[test]
fn a_pool_that_nobody_has_any_more_closes_its_servers() {
    run(async {
        let (pool, fake) = pool(2);
        let held = pool.checkout().await.unwrap();
        pool.checkout().await.unwrap().release();
        drop(pool);
        assert!(fake.closed().is_empty());
        held.release();
        assert_eq!(
            fake.closed(),
            [(2, Closing::PoolClosed), (1, Closing::PoolClosed)]
        );
        settle().await;
        assert_eq!(Rc::strong_count(&fake.0), 1);
    });
}

#[test]
fn a_server_may_come_back_after_the_runtime_has_ended() {
    let (pool, fake) = with_options(PoolOptions {
        min_idle: 1,
        ..options(2)
    });
    let kept = std::cell::RefCell::new(None);
    run(async {
        *kept.borrow_mut() = pool.checkout().await.ok();
    });
    kept.take().unwrap().discard("too late");
    assert_eq!(fake.closed(), [(1, Closing::Discarded("too late"))]);
}
