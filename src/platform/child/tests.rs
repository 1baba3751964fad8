use super::*;

async fn sh(script: &str, variables: &[Variable<'_>]) -> u8 {
    let mut signals = Signals::new().unwrap();
    let command = ["sh", "-c", script].map(OsString::from);
    run(&command, variables, &mut signals).await.unwrap()
}

#[tokio::test]
async fn the_exit_code_is_the_commands() {
    assert_eq!(sh("exit 7", &[]).await, 7);
    assert_eq!(sh("kill -KILL $$", &[]).await, 137);
}

#[tokio::test]
async fn variables_are_set_and_taken_away() {
    // Cargo sets it for tests.
    let name = "CARGO_MANIFEST_DIR";
    assert!(std::env::var_os(name).is_some());
    let variables = [("DSQL_TEST", Some("1".into())), (name, None)];
    let script = format!("test \"$DSQL_TEST\" = 1 && test -z \"${{{name}+set}}\"");
    assert_eq!(sh(&script, &variables).await, 0);
}

/// The child sends the signal to us, and nobody else does.
#[tokio::test]
async fn signals_are_passed_on() {
    for (signal, code) in [("INT", 7), ("TERM", 8), ("HUP", 9)] {
        let script =
            format!("trap 'kill $!; exit {code}' {signal}; sleep 60 & kill -{signal} $PPID; wait");
        assert_eq!(sh(&script, &[]).await, code, "{signal}");
    }
}

#[tokio::test]
async fn a_second_signal_kills_but_not_an_interrupt() {
    let script = "trap '' TERM; while :; do kill -TERM $PPID; done";
    assert_eq!(sh(script, &[]).await, 137);
    // Three are sent and one at least arrives; the child goes on to its own end.
    let script = "trap 'seen=5' INT; kill -INT $PPID; kill -INT $PPID; kill -INT $PPID; \
                  while test -z \"$seen\"; do :; done; exit $seen";
    assert_eq!(sh(script, &[]).await, 5);
}

#[test]
fn commands_that_cannot_be_run_have_the_exit_codes_of_a_shell() {
    assert_eq!(exit_code_of_failure(&io::ErrorKind::NotFound.into()), 127);
    assert_eq!(
        exit_code_of_failure(&io::ErrorKind::PermissionDenied.into()),
        126
    );
}
