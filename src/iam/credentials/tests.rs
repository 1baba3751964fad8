use super::*;
use crate::iam::testing::TestClock;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use std::collections::VecDeque;
use tokio::sync::Semaphore;

const START: &str = "2026-10-03T12:00:00Z";

/// A provider that answers what it is told, when it is let.
#[derive(Debug, Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<Result<Credentials, &'static str>>>>,
    asked: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Result<Credentials, &'static str>>) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            asked: Arc::default(),
            gate: Arc::new(Semaphore::new(1000)),
        }
    }

    fn closed(self) -> Self {
        Self {
            gate: Arc::new(Semaphore::new(0)),
            ..self
        }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl ProvideCredentials for Script {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.expect("open").forget();
            let answer = self.answers.lock().expect("whole").pop_front();
            match answer.unwrap_or(Err("the script is over")) {
                Ok(credentials) => Ok(credentials),
                Err(text) => Err(CredentialsError::provider_error(text)),
            }
        })
    }
}

fn key(name: &str, lives: Option<Duration>) -> Credentials {
    let start = humantime::parse_rfc3339(START).expect("a time");
    let expiry = lives.map(|lives| start + lives);
    Credentials::new(name, "SECRET", None, expiry, "test")
}

const HOUR: Duration = Duration::from_hours(1);

/// For credentials that live for an hour.
const UNTIL_RENEWAL: Duration = HOUR.saturating_sub(RENEW_BEFORE);

fn source(script: &Script) -> (CredentialSource, TestClock) {
    let clock = TestClock::at(START);
    (
        CredentialSource::provider(script.clone(), clock.shared()),
        clock,
    )
}

async fn get(source: &CredentialSource) -> String {
    let credentials = source.get().await.expect("credentials");
    credentials.access_key_id().to_owned()
}

#[tokio::test]
async fn nothing_is_asked_before_the_first_use_nor_again_while_it_is_good() {
    let script = Script::new([Ok(key("one", Some(HOUR))), Ok(key("two", Some(2 * HOUR)))]);
    let (source, clock) = source(&script);
    assert_eq!(script.asked(), 0);
    assert_eq!(get(&source).await, "one");
    clock.advance(UNTIL_RENEWAL.saturating_sub(Duration::from_secs(1)));
    assert_eq!(get(&source).await, "one");
    assert_eq!(script.asked(), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(get(&source).await, "two");
    assert_eq!(script.asked(), 2);
}

#[tokio::test]
async fn credentials_without_an_end_are_read_again_after_a_minute() {
    let script = Script::new([Ok(key("one", None)), Ok(key("two", None))]);
    let (source, clock) = source(&script);
    assert_eq!(get(&source).await, "one");
    clock.advance(UNDATED_FOR.saturating_sub(Duration::from_secs(1)));
    assert_eq!(get(&source).await, "one");
    clock.advance(Duration::from_secs(1));
    assert_eq!(get(&source).await, "two");
}

#[tokio::test]
async fn a_failed_renewal_leaves_what_works_until_it_ends() {
    let script = Script::new([Ok(key("one", Some(HOUR))), Err("down"), Err("still down")]);
    let (source, clock) = source(&script);
    get(&source).await;
    clock.advance(UNTIL_RENEWAL);
    assert_eq!(get(&source).await, "one");
    assert_eq!(get(&source).await, "one");
    assert_eq!(script.asked(), 2, "not asked at each use");
    clock.advance(RENEW_BEFORE);
    let error = source.get().await.expect_err("expired");
    assert!(error.to_string().contains("still down"), "{error}");
}

#[tokio::test]
async fn short_lived_credentials_are_not_asked_for_at_each_use() {
    let brief = Some(Duration::from_mins(2));
    let script = Script::new([Ok(key("one", brief)), Ok(key("one", brief))]);
    let (source, clock) = source(&script);
    for _ in 0..10 {
        get(&source).await;
    }
    assert_eq!(script.asked(), 1);
    clock.advance(RETRY_AFTER);
    get(&source).await;
    assert_eq!(script.asked(), 2);
}

#[tokio::test]
async fn credentials_that_come_expired_are_an_error_that_says_so() {
    let script = Script::new([
        Ok(key("old", Some(Duration::ZERO))),
        Ok(key("new", Some(HOUR))),
    ]);
    let (source, _clock) = source(&script);
    let error = source.get().await.expect_err("expired");
    assert!(
        matches!(error, IamError::Expired { at: Some(_), .. }),
        "{error:?}"
    );
    assert_eq!(get(&source).await, "new", "an error is not kept");
}

#[tokio::test]
async fn a_clock_that_jumps_is_believed() {
    let script = Script::new([
        Ok(key("one", Some(HOUR))),
        Ok(key("two", Some(24 * HOUR))),
        Ok(key("three", None)),
    ]);
    let (source, clock) = source(&script);
    get(&source).await;
    clock.advance(9 * HOUR);
    assert_eq!(get(&source).await, "two", "a laptop that slept");
    clock.set_back(8 * HOUR);
    assert_eq!(get(&source).await, "three", "a clock that was set right");
}

#[tokio::test]
async fn callers_that_wait_share_one_attempt() {
    for answer in [Ok(key("one", Some(HOUR))), Err("down")] {
        let expected = answer.is_ok();
        let script = Script::new([answer]).closed();
        let (source, _clock) = source(&script);
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let source = source.clone();
                tokio::spawn(async move { source.get().await })
            })
            .collect();
        while script.asked() == 0 {
            tokio::task::yield_now().await;
        }
        script.gate.add_permits(20);
        for caller in callers {
            let got = caller.await.expect("no panic");
            assert_eq!(got.is_ok(), expected, "{got:?}");
        }
        assert_eq!(script.asked(), 1);
    }
}

#[tokio::test]
async fn nobody_waits_for_a_renewal_while_the_old_ones_work() {
    let script = Script::new([Ok(key("one", Some(HOUR))), Ok(key("two", Some(2 * HOUR)))]);
    let (source, clock) = source(&script);
    get(&source).await;
    clock.advance(UNTIL_RENEWAL);
    script.gate.forget_permits(1000);
    let renewing = tokio::spawn({
        let source = source.clone();
        async move { get(&source).await }
    });
    while script.asked() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&source).await, "one");
    script.gate.add_permits(1);
    assert_eq!(renewing.await.expect("no panic"), "two");
    assert_eq!(get(&source).await, "two");
}

#[tokio::test]
async fn a_caller_that_leaves_hands_over_its_turn() {
    let script = Script::new([Ok(key("one", Some(HOUR)))]).closed();
    let (source, _clock) = source(&script);
    let first = tokio::spawn({
        let source = source.clone();
        async move { source.get().await }
    });
    while script.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn({
        let source = source.clone();
        async move { get(&source).await }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.expect_err("aborted").is_cancelled());
    script.gate.add_permits(1);
    assert_eq!(second.await.expect("no panic"), "one");
    assert_eq!(script.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_is_given_up() {
    let script = Script::new([]).closed();
    let (source, _clock) = source(&script);
    let error = source.get().await.expect_err("timeout");
    assert!(matches!(error, IamError::Timeout { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn refused_credentials_are_forgotten_but_not_at_each_refusal() {
    let script = Script::new([Ok(key("one", Some(HOUR))), Ok(key("two", Some(HOUR)))]);
    let (source, clock) = source(&script);
    get(&source).await;
    source.forget();
    assert_eq!(get(&source).await, "one");
    clock.advance(RETRY_AFTER);
    source.forget();
    assert_eq!(get(&source).await, "two");
}
