use super::*;

#[test]
fn what_triggers_tell_is_read() {
    let told = Change::parse(b"16446 U 1 89 e30= e31=").unwrap();
    assert_eq!((told.table, told.rows, told.bytes), (16446, 1, 89));
    assert_eq!(told.operation, Operation::Update);
    let mut sql = String::new();
    told.apply(Target::Table, &mut sql);
    assert_eq!(
        sql,
        "SELECT pg_catalog.dsql_local_apply(16446, 'U', 'e30=', 'e31=');\n"
    );
    let mut sql = String::new();
    let gone = Change::parse(b"7 D 2 9 e30=").unwrap();
    gone.apply(Target::Shadow, &mut sql);
    assert_eq!(
        sql,
        "SELECT pg_catalog.dsql_local_apply_to_shadow(7, 'D', 'e30=', NULL);\n"
    );
    assert!(!Change::parse(b"7 I 3 85").unwrap().is_complete());
}

#[test]
fn nothing_else_gets_into_a_statement() {
    for odd in [
        &b""[..],
        b"7",
        b"7 X 1 1",
        b"7 I one 1",
        b"7 I 1 1 e30=' --",
        b"7 I 1 1 e30= e30=",
        b"7 U 1 1 e30=",
        b"7 I 1 1 ",
        b"-7 I 1 1",
        b"7 I 1 1 \xff",
    ] {
        assert_eq!(Change::parse(odd), None, "{}", odd.escape_ascii());
    }
}
