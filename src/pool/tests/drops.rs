//! Whatever is dropped, and whenever: the counts are right, and nobody waits for nothing.

use std::cell::Cell;

use tokio::time::timeout;

use super::*;

#[test]
fn what_was_handed_to_a_future_that_is_dropped_goes_to_the_next() {
    run(async {
        let (pool, fake) = pool(1);
        let held = pool.checkout().await.unwrap();
        let first = {
            let pool = pool.clone();
            spawn_local(async move { pool.checkout().await.map(drop) })
        };
        settle().await;
        let second = {
            let pool = pool.clone();
            spawn_local(async move { pool.checkout().await.unwrap() })
        };
        settle().await;
        // Handed over, but the future does not get to see it.
        held.release();
        first.abort();
        let got = second.await.unwrap();
        assert_eq!(got.number, 1);
        assert!(fake.closed().is_empty());
    });
}

#[test]
fn a_permit_whose_future_is_dropped_lets_the_next_open() {
    run(async {
        let (pool, fake) = pool(1);
        fake.0.way.set(Way::Never);
        let first = {
            let pool = pool.clone();
            spawn_local(async move { pool.checkout_private("x").await.map(drop) })
        };
        settle().await;
        assert_eq!(fake.attempts(), 1);
        fake.0.way.set(Way::Works);
        let second = {
            let pool = pool.clone();
            spawn_local(async move { pool.checkout().await.unwrap() })
        };
        settle().await;
        assert_eq!(fake.attempts(), 1);
        first.abort();
        assert_eq!(second.await.unwrap().number, 1);
        assert_eq!(fake.0.most_opening.get(), 1);
    });
}

#[test]
fn dropping_a_checkout_discards_the_server() {
    run(async {
        let (pool, fake) = pool(1);
        let held = pool.checkout().await.unwrap();
        let waits = {
            let pool = pool.clone();
            spawn_local(async move { pool.checkout().await.unwrap().number })
        };
        settle().await;
        drop(held);
        assert_eq!(waits.await.unwrap(), 2);
        assert_eq!(fake.0.most_live.get(), 1);
    });
}

/// A sequence of numbers that look random (Numerical Recipes, section 7.1).
struct Numbers(Cell<u64>);

impl Numbers {
    fn below(&self, end: u64) -> u64 {
        let next = self.0.get().wrapping_mul(6_364_136_223_846_793_005);
        self.0.set(next.wrapping_add(1_442_695_040_888_963_407));
        (self.0.get() >> 33) % end
    }
}

/// One client: wants a server, loses patience or not, and does something with it.
async fn client(pool: Pool<Fake>, numbers: Rc<Numbers>, fake: Fake) {
    for _ in 0..30 {
        fake.0.way.set(match numbers.below(10) {
            0 => Way::Fails(Verdict::Definite),
            1 => Way::Fails(Verdict::TryLater),
            _ => Way::Works,
        });
        fake.0
            .takes
            .set(MS * u32::try_from(numbers.below(40)).unwrap());
        fake.0.alive.set(numbers.below(20) > 0);
        let patience = MS * u32::try_from(numbers.below(100)).unwrap();
        let is_private = numbers.below(8) == 0;
        let wants = async {
            if is_private {
                pool.checkout_private("own").await
            } else {
                pool.checkout().await
            }
        };
        if let Ok(Ok(checkout)) = timeout(patience, wants).await {
            sleep(MS * u32::try_from(numbers.below(30)).unwrap()).await;
            match numbers.below(10) {
                0 => drop(checkout),
                1 => checkout.discard("because"),
                _ => checkout.release(),
            }
        }
        sleep(MS * u32::try_from(numbers.below(30)).unwrap()).await;
    }
}

#[test]
fn impatient_clients_leave_nothing_behind() {
    for seed in 0..20 {
        run(async move {
            let (pool, fake) = with_options(PoolOptions {
                min_idle: usize::try_from(seed % 3).unwrap(),
                ..options(4)
            });
            let numbers = Rc::new(Numbers(Cell::new(seed)));
            let clients: Vec<_> = (0..25)
                .map(|_| {
                    let (pool, fake) = (pool.clone(), fake.clone());
                    spawn_local(client(pool, Rc::clone(&numbers), fake))
                })
                .collect();
            for client in clients {
                client.await.unwrap();
            }
            let seen = pool.snapshot();
            assert_eq!((seen.active, seen.private, seen.waiting), (0, 0, 0));
            assert!(fake.0.most_live.get() <= 4);
            assert_eq!(fake.0.live.get(), seen.idle);
            assert!(seen.opened > 20, "{seen:?}");

            // It works as on the first day.
            fake.0.way.set(Way::Works);
            fake.0.alive.set(true);
            let mut all = vec![];
            for _ in 0..4 {
                all.push(pool.checkout().await.unwrap());
            }
            assert_eq!(fake.0.live.get(), 4);
            all.into_iter().for_each(Checkout::release);
            pool.close();
            settle().await;
            assert_eq!(fake.0.live.get(), 0);
            assert_eq!(pool.snapshot().connecting, 0);
        });
    }
}
