use proptest::prelude::*;

use super::*;
use crate::wire::ErrorResponse;

fn order(text: &str) -> Result<Order, String> {
    Order::parse(text).map(|mut orders| {
        assert_eq!(orders.len(), 1, "{text}");
        orders.remove(0)
    })
}

/// Arms a fault and says how it is listed.
fn arm(faults: &Faults, text: &str) -> String {
    match faults.obey(order(text).unwrap()).unwrap() {
        Obeyed::Armed(listed) => listed.fault,
        other => panic!("{text}: {other:?}"),
    }
}

fn statement(text: &str) -> Statement<'_> {
    Statement {
        text: text.as_bytes(),
        in_block: false,
    }
}

fn injected<F>(seconds: u64, fault: Option<F>) -> Injected<F> {
    Injected {
        delay: Duration::from_secs(seconds),
        fault,
    }
}

fn in_block(text: &str) -> Statement<'_> {
    Statement {
        in_block: true,
        ..statement(text)
    }
}

#[test]
fn what_is_said_is_what_is_listed() {
    for (said, listed) in [
        (
            "oc000 at=commit times=3 match=UPDATE",
            "oc000 at=commit match=UPDATE times=3",
        ),
        ("oc000", "oc000 at=commit times=1"),
        ("oc000 at=execute", "oc000 at=execute times=1"),
        ("oc000 at=sync times=all", "oc000 at=sync times=all"),
        ("oc001", "oc001 at=statement times=1"),
        ("oc001 at=commit", "oc001 at=commit times=1"),
        ("unavailable", "unavailable at=statement times=1"),
        (
            "unavailable at=commit",
            "unavailable at=commit when=before times=1",
        ),
        (
            "unavailable when=after at=commit",
            "unavailable at=commit when=after times=1",
        ),
        (
            "cut at=commit when=after role=app",
            "cut at=commit when=after role=app times=1",
        ),
        ("cut at=statement", "cut at=statement times=1"),
        (
            "delay by=1500ms match='SELECT 1; --' session=7",
            "delay by='1s 500ms' at=statement match='SELECT 1; --' session=7 times=1",
        ),
        ("delay by=2s at=login", "delay by=2s at=login times=1"),
        (
            "refuse reason=rate times=2 application-name=\"it's\"",
            "refuse reason=rate application-name='it''s' times=2",
        ),
        (
            "refuse reason=denied hint='No.'",
            "refuse reason=denied hint=No. times=1",
        ),
        ("refuse reason=waking-up", "refuse reason=waking-up times=1"),
        (
            "refuse reason=connections",
            "refuse reason=connections times=1",
        ),
        ("stale-catalog", "stale-catalog times=all"),
    ] {
        let faults = Faults::default();
        assert_eq!(arm(&faults, said), listed, "{said}");
        // And it can be said again as it is listed.
        assert_eq!(arm(&faults, listed), listed);
    }
}

#[test]
fn several_orders_in_one_text() {
    let orders = Order::parse(" oc000 match='a;b'; cut ;\n clock shift=-1h;;").unwrap();
    let [Order::Arm(_), Order::Cut(_), Order::ShiftClock(-3600)] = orders.as_slice() else {
        panic!("{orders:?}");
    };
    assert!(Order::parse(" ; \n").unwrap().is_empty());
}

#[test]
fn what_cannot_be_is_explained() {
    for (text, why) in [
        (
            "oc002",
            "there is no fault `oc002`; there are refuse, delay",
        ),
        ("oc000 commit", "`commit`: expected KEY=VALUE"),
        (
            "oc000 at=begin",
            "at=begin: expected execute, sync or commit",
        ),
        ("oc001 at=now", "expected statement or commit"),
        (
            "oc000 when=after",
            "there is no `when=`; it takes at, match, times",
        ),
        ("unavailable when=after", "`when=` goes with at=commit"),
        ("cut when=after", "`when=` goes with at=commit"),
        ("cut match=x", "`match=` goes with at=statement"),
        ("cut times=2", "`times=` goes with"),
        ("cut at=commit when=never", "expected before or after"),
        ("oc000 times=0", "expected a number from 1"),
        ("oc000 times=-1", "expected a number from 1"),
        ("oc000 times=1 times=2", "`times=` is given twice"),
        ("oc000 match=(", "is no regular expression"),
        ("oc000 match='", "a ' is not closed"),
        ("oc000 session=x", "expected a process id"),
        ("delay", "expected a duration"),
        ("delay by=2", "expected a duration"),
        ("delay by=2h", "expected a duration up to 1h"),
        ("delay by=1s at=login match=x", "no statement to match"),
        ("refuse", "expected rate, connections, denied or waking-up"),
        ("refuse reason=rate hint=x", "only reason=denied has a hint"),
        ("refuse reason=rate session=1", "no process id yet"),
        ("clock", "expected a duration"),
        ("clock shift=1h role=app", "there is no `role=`"),
        ("clock shift=1000years", "up to 100 years"),
        ("expire times=1", "there is no `times=`"),
    ] {
        let error = Order::parse(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    let long = format!("oc000 match={}", "x".repeat(1001));
    assert!(Order::parse(&long).unwrap_err().contains("at most 1000"));
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC*") {
        drop(Order::parse(&text));
    }

    #[test]
    fn values_survive_the_list(hint in "[ -~\\n]{0,40}") {
        let faults = Faults::default();
        let fault = Fault {
            action: Action::Refuse(Refusal::AccessDenied { hint }),
            target: Target::default(),
            pattern: None,
            times: None,
        };
        let action = fault.action.clone();
        let Obeyed::Armed(listed) = faults.obey(Order::Arm(fault)).unwrap() else {
            unreachable!()
        };
        let Order::Arm(again) = order(&listed.fault).unwrap() else {
            unreachable!()
        };
        prop_assert_eq!(again.action, action);
    }

    #[test]
    fn a_fault_happens_as_often_as_was_asked(times in 1..20_u32, more in 0..20_u32) {
        let faults = Faults::default();
        arm(&faults, &format!("unavailable times={times}"));
        let session = faults.enlist("app", "");
        let mut failed = 0;
        for _ in 0..times + more {
            failed += u32::from(session.at_statement(&statement("SELECT 1")).fault.is_some());
        }
        prop_assert_eq!(failed, times);
        let listed = faults.list();
        prop_assert_eq!(listed[0].left, Some(0));
        prop_assert_eq!(listed[0].fired, u64::from(times));
    }
}

#[test]
fn only_those_who_are_meant() {
    let faults = Faults::default();
    let app = faults.enlist("app", "one");
    let other = faults.enlist("other", "two");
    for (target, app_fails, other_fails) in [
        (String::new(), true, true),
        ("role=app".to_owned(), true, false),
        ("application-name=two".to_owned(), false, true),
        ("role=app application-name=two".to_owned(), false, false),
        (format!("session={}", other.process_id()), false, true),
        ("session=-1".to_owned(), false, false),
    ] {
        faults.clear();
        arm(&faults, &format!("oc001 times=all {target}"));
        let fails = |session: &SessionFaults| {
            let injected = session.at_statement(&statement("SELECT 1"));
            injected.fault == Some(StatementFault::SchemaChanged)
        };
        assert_eq!(fails(&app), app_fails, "{target}");
        assert_eq!(fails(&other), other_fails, "{target}");
    }
    other.set_application_name("three");
    faults.clear();
    arm(&faults, "oc001 application-name=three");
    assert!(other.at_statement(&statement("SELECT 1")).fault.is_some());
}

#[test]
fn a_pattern_is_looked_for_in_the_statement() {
    let faults = Faults::default();
    arm(&faults, r"oc001 times=all match='^\s*update\s'");
    let session = faults.enlist("app", "");
    let fails = |text: &str| session.at_statement(&statement(text)).fault.is_some();
    assert!(fails("UPDATE t SET a = 1"));
    assert!(fails("\n update t set a = 1"));
    assert!(!fails("SELECT 'update '"));
    let not_utf8 = Statement {
        text: b"update \xff",
        in_block: false,
    };
    assert!(session.at_statement(&not_utf8).fault.is_some());
    // A long statement costs no more than a short one.
    faults.clear();
    arm(&faults, "oc001 times=all match=needle");
    let spaces = |n| " ".repeat(n) + "needle";
    assert!(fails(&spaces(60_000)));
    assert!(!fails(&spaces(70_000)));
}

#[test]
fn a_commit_fails_if_its_transaction_had_such_a_statement() {
    let faults = Faults::default();
    arm(&faults, "oc000 at=commit times=2 match=UPDATE");
    let session = faults.enlist("app", "");
    let run = |text| assert_eq!(session.at_statement(&in_block(text)).fault, None);
    let commit = || session.at_commit().fault;

    run("SELECT 1");
    assert_eq!(commit(), None, "it had none");
    run("UPDATE t SET a = 1");
    run("SELECT 1");
    assert_eq!(commit(), Some(CommitFault::Conflict));
    run("SELECT 1");
    assert_eq!(commit(), None, "the next transaction had none");
    run("UPDATE t SET a = 1");
    session.rolled_back();
    run("SELECT 1");
    assert_eq!(commit(), None, "the statement was rolled back");
    // What one session did does not count for another.
    let other = faults.enlist("app", "");
    run("UPDATE t SET a = 1");
    assert_eq!(other.at_commit().fault, None);
    assert_eq!(commit(), Some(CommitFault::Conflict));
    run("UPDATE t SET a = 1");
    assert_eq!(commit(), None, "twice was asked for");
}

#[test]
fn a_conflict_at_sync_waits_for_an_autocommit_statement() {
    let faults = Faults::default();
    arm(&faults, "oc000 at=sync");
    let session = faults.enlist("app", "");
    assert_eq!(session.at_statement(&in_block("UPDATE t")).fault, None);
    assert_eq!(
        session.at_statement(&statement("UPDATE t")).fault,
        Some(StatementFault::ConflictAtSync)
    );
}

#[test]
fn a_delay_comes_with_a_fault_and_faults_come_one_by_one() {
    let faults = Faults::default();
    arm(&faults, "delay by=2s times=2");
    arm(&faults, "oc001");
    arm(&faults, "unavailable");
    arm(&faults, "delay by=3s at=commit");
    arm(&faults, "cut at=commit when=after");
    let session = faults.enlist("app", "");
    let run = || session.at_statement(&statement("SELECT 1"));
    assert_eq!(run(), injected(2, Some(StatementFault::SchemaChanged)));
    assert_eq!(run(), injected(2, Some(StatementFault::Unavailable)));
    assert_eq!(run(), Injected::default());
    let cut = CommitFault::Cut(Effect::After);
    assert_eq!(session.at_commit(), injected(3, Some(cut)));
    assert_eq!(session.at_commit(), Injected::default());
}

#[test]
fn a_login_is_refused_in_the_words_of_dsql() {
    let faults = Faults::default();
    for (reason, response) in [
        (
            "rate",
            "Unable to accept connection, rate exceeded. (53400)",
        ),
        (
            "connections",
            "Unable to accept connection, too many open connections. (53300)",
        ),
        (
            "denied hint='Signature expired: then'",
            "unable to accept connection, access denied (28000); Signature expired: then",
        ),
        (
            "waking-up",
            "unable to accept connection, waking up cluster, please retry later (57P03)",
        ),
    ] {
        arm(&faults, &format!("refuse role=app reason={reason}"));
        assert_eq!(faults.at_login("admin", "").fault, None);
        let refusal = faults.at_login("app", "").fault.unwrap();
        assert_eq!(refusal.to_response().to_string(), response);
        assert_eq!(refusal.to_response().severity.as_str(), "FATAL");
        assert_eq!(faults.at_login("app", "").fault, None);
    }
    arm(&faults, "delay at=login by=5s");
    assert_eq!(faults.at_login("app", "").delay, Duration::from_secs(5));
}

#[test]
fn errors_have_the_words_of_dsql() {
    let text = |response: Option<ErrorResponse>| response.map(|response| response.to_string());
    let conflict = "change conflicts with another transaction (OC000) (40001)";
    let schema = "schema has been updated by another transaction (OC001) (40001)";
    let unavailable = "server unavailable (XX000)";
    for (fault, expected) in [
        (StatementFault::ConflictAtExecute, Some(conflict)),
        (StatementFault::ConflictAtSync, Some(conflict)),
        (StatementFault::SchemaChanged, Some(schema)),
        (StatementFault::Unavailable, Some(unavailable)),
        (StatementFault::Cut, None),
    ] {
        assert_eq!(text(fault.to_response()).as_deref(), expected);
    }
    for (fault, expected) in [
        (CommitFault::Conflict, Some(conflict)),
        (CommitFault::SchemaChanged, Some(schema)),
        (CommitFault::Unavailable(Effect::After), Some(unavailable)),
        (CommitFault::Cut(Effect::Before), None),
    ] {
        assert_eq!(text(fault.to_response()).as_deref(), expected);
    }
}

#[test]
fn a_stale_catalog_lasts_until_it_is_cleared() {
    let faults = Faults::default();
    let session = faults.enlist("app", "");
    assert!(!session.stale_catalog());
    arm(&faults, "stale-catalog");
    assert!(session.stale_catalog());
    assert!(session.stale_catalog());
    faults.clear();
    assert!(!session.stale_catalog());
}

#[tokio::test]
async fn connections_are_cut_and_sessions_expire() {
    let faults = Faults::default();
    let app = faults.enlist("app", "");
    let other = faults.enlist("other", "");
    let obey = |text| faults.obey(order(text).unwrap()).unwrap();
    let is_cut = async |session: &SessionFaults| {
        tokio::select! {
            biased;
            () = session.cut_requested() => true,
            () = std::future::ready(()) => false,
        }
    };
    let is_expired = async |session: &SessionFaults| {
        tokio::select! {
            biased;
            () = session.expiry_requested() => true,
            () = std::future::ready(()) => false,
        }
    };
    assert_eq!(obey("cut role=app"), Obeyed::Cut(1));
    // Those who ask later are told as well.
    assert!(is_cut(&app).await);
    assert!(is_cut(&app).await);
    assert!(!is_cut(&other).await);
    assert_eq!(obey("expire"), Obeyed::Expired(2));
    assert!(is_expired(&other).await);
    assert!(!is_cut(&other).await);
    // A session that comes later has nothing to do with it.
    let late = faults.enlist("app", "");
    assert!(!is_cut(&late).await);
    assert!(!is_expired(&late).await);
    // Somebody who waits is woken.
    let ((), cut) = tokio::join!(late.cut_requested(), async { obey("cut") });
    assert_eq!(cut, Obeyed::Cut(3));
}

#[test]
fn sessions_are_listed_as_long_as_they_live() {
    let faults = Faults::default();
    faults.shift_clock(3600);
    let session = faults.enlist("app", "psql");
    let listed = faults.sessions();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].process_id, session.process_id());
    assert_eq!(listed[0].role, "app");
    assert_eq!(listed[0].application_name, "psql");
    assert!(listed[0].since > SystemTime::now());
    let second = faults.enlist("app", "");
    assert_ne!(second.process_id(), session.process_id());
    drop(session);
    assert_eq!(faults.sessions().len(), 1);
}

#[test]
fn a_fault_can_be_taken_back() {
    let faults = Faults::default();
    arm(&faults, "oc001");
    arm(&faults, "unavailable");
    let first = faults.list()[0].id;
    assert_eq!(
        faults.remove(first).unwrap().fault,
        "oc001 at=statement times=1"
    );
    assert_eq!(faults.remove(first), None);
    let session = faults.enlist("app", "");
    let injected = session.at_statement(&statement("SELECT 1"));
    assert_eq!(injected.fault, Some(StatementFault::Unavailable));
}

#[test]
fn there_is_an_end_to_faults() {
    let faults = Faults::default();
    for _ in 0..1000 {
        arm(&faults, "oc001");
    }
    assert_eq!(
        faults.obey(order("oc001").unwrap()),
        Err(TooManyFaults),
        "none is used up"
    );
    let session = faults.enlist("app", "");
    assert!(session.at_statement(&statement("")).fault.is_some());
    arm(&faults, "oc001");
    assert_eq!(faults.list().len(), 1000);
}
