use super::*;

/// What the last of these statements is answered with, in one transaction.
fn last(classes: &[Class]) -> Option<String> {
    let mut transaction = Transaction::begin(Phase::Block, 1, Instant::now());
    let mut refusal = None;
    for class in classes {
        refusal = transaction.refuses(*class);
        if refusal.is_none() {
            transaction.executed(*class);
        }
    }
    refusal.map(|refusal| refusal.message)
}

#[test]
fn one_ddl_and_no_dml() {
    use Class::{Ddl, Dml, Locking, Read, Session};
    for (classes, expected) in [
        (&[Ddl][..], None),
        (&[Ddl, Ddl], Some(MULTIPLE_DDL.text)),
        (&[Ddl, Read, Session, Ddl], Some(MULTIPLE_DDL.text)),
        (&[Ddl, Dml], Some(DDL_AND_DML.text)),
        (&[Dml, Ddl], Some(DDL_AND_DML.text)),
        (&[Dml, Dml, Read, Locking, Dml], None),
        (&[Read, Ddl, Read], None),
    ] {
        assert_eq!(last(classes).as_deref(), expected, "{classes:?}");
    }
}
