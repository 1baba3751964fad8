use proptest::prelude::*;

use super::{Begin, End, plain_begin, plain_end};

#[test]
fn begins() {
    for (sql, tag, modes) in [
        ("BEGIN", "BEGIN", false),
        ("begin;", "BEGIN", false),
        (" ; /* a */ Begin -- b\n;;", "BEGIN", false),
        ("BEGIN WORK", "BEGIN", false),
        ("begin transaction", "BEGIN", false),
        ("START TRANSACTION", "START TRANSACTION", false),
        ("BEGIN READ ONLY", "BEGIN", true),
        (
            "begin transaction isolation level repeatable read, read write",
            "BEGIN",
            true,
        ),
        (
            "START TRANSACTION READ ONLY ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION",
            true,
        ),
    ] {
        assert_eq!(
            plain_begin(sql.as_bytes()),
            Some(Begin { tag, modes }),
            "{sql}"
        );
    }
    for sql in [
        "",
        "START",
        "START TRANSACTION WORK",
        "BEGIN WORK TRANSACTION",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        "BEGIN DEFERRABLE",
        "BEGIN READ ONLY,",
        "BEGIN , READ ONLY",
        "BEGIN READ ONLY READ ONLY",
        "BEGIN READ ONLY, READ WRITE",
        "BEGIN; SELECT 1",
        "BEGIN; BEGIN",
        "BEGIN x",
        "COMMIT",
        "BEGIN /*",
    ] {
        assert_eq!(plain_begin(sql.as_bytes()), None, "{sql}");
    }
}

#[test]
fn ends() {
    for (sql, end) in [
        ("COMMIT", End::Commit),
        ("END", End::Commit),
        ("end transaction;", End::Commit),
        ("COMMIT WORK AND NO CHAIN", End::Commit),
        ("ROLLBACK", End::Rollback),
        ("-- x\nabort work;", End::Rollback),
        ("rollback transaction and no chain", End::Rollback),
    ] {
        assert_eq!(plain_end(sql.as_bytes()), Some(end), "{sql}");
    }
    for sql in [
        "",
        "BEGIN",
        "COMMIT AND CHAIN",
        "COMMIT PREPARED 'a'",
        "ROLLBACK TO a",
        "ROLLBACK WORK TO SAVEPOINT a",
        "COMMIT; SELECT 1",
        "COMMIT WORK TRANSACTION",
        "ROLLBACK '",
    ] {
        assert_eq!(plain_end(sql.as_bytes()), None, "{sql}");
    }
    assert_eq!(End::Commit.tag(), "COMMIT");
    assert_eq!(End::Rollback.tag(), "ROLLBACK");
}

proptest! {
    #[test]
    fn never_panics(text in prop::collection::vec(any::<u8>(), 0..60)) {
        plain_begin(&text);
        plain_begin(&[b"BEGIN ".as_slice(), &text].concat());
        plain_end(&[b"COMMIT ".as_slice(), &text].concat());
    }
}
