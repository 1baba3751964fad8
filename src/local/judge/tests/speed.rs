//! Huge and deep statements: judged in one pass, with no recursion. Were it quadratic, or did it
//! recurse, these would not end, or overflow the stack.

use super::judge;

const SIZE: usize = 512 * 1024;

#[test]
fn deep_statements() {
    for (head, open) in [
        ("SELECT ", "("),
        ("CREATE TABLE t (a int DEFAULT ", "("),
        ("CREATE INDEX ASYNC ON t (", "("),
        ("ALTER TABLE t ADD CHECK ", "("),
        ("SELECT ", "["),
        ("EXPLAIN ", "("),
        ("EXPLAIN ", "EXPLAIN "),
        ("CREATE SCHEMA s ", "CREATE SCHEMA s "),
        ("CREATE SCHEMA s ", "CREATE TABLE t (a int) "),
        ("COPY ", "(COPY "),
        ("WITH ", "x AS (SELECT 1), "),
        ("WITH ", "x AS (WITH "),
    ] {
        judge(format!("{head}{}", open.repeat(SIZE / open.len())).as_bytes());
    }
}

#[test]
fn long_statements() {
    for (head, item) in [
        ("INSERT INTO t VALUES ", "(1, 'abc', now()), "),
        ("CREATE TABLE t (", "a int, "),
        ("CREATE TABLE t (a int, ", "PRIMARY KEY (a, b), "),
        ("ALTER TABLE t ", "ADD a int, "),
        ("ALTER TABLE t ", "ENABLE TRIGGER ALL, "),
        ("CREATE INDEX ASYNC ON t (", "a, "),
        ("GRANT USAGE ON SCHEMA ", "a, "),
        ("CREATE ROLE r ", "LOGIN "),
        ("SELECT ", "FOR "),
        ("CREATE TABLE t (a ", "[]"),
        ("CREATE TABLE ", "a."),
    ] {
        judge(format!("{head}{}", item.repeat(SIZE / item.len())).as_bytes());
    }
}
