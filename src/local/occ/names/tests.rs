use super::*;

fn quoted(statement: &str) -> Vec<String> {
    let names = names(statement.as_bytes()).unwrap();
    names.into_iter().map(|name| name.quoted).collect()
}

#[test]
fn names_are_read_as_postgresql_reads_them() {
    let table: [(&str, &[&str]); 8] = [
        ("T", &["\"t\""]),
        ("\"T\"\"x\"", &["\"T\"\"x\""]),
        ("S . /* x */ T", &["\"s\"", "\"s\".\"t\""]),
        ("s.t.c", &["\"s\"", "\"s\".\"t\""]),
        ("'s.t' -- a.b\n $1 1.5 $$s.t$$", &[]),
        (r#"U&"d\0061t\+000061""#, &["\"data\""]),
        ("É", &["\"É\""]),
        ("t.*", &["\"t\""]),
    ];
    for (statement, expected) in table {
        assert_eq!(quoted(statement), expected, "{statement}");
    }
}

#[test]
fn what_cannot_be_told_is_not_guessed() {
    for statement in [
        "SELECT * FROM postgres.public.t",
        r#"SELECT * FROM U&"d!0061ta" UESCAPE '!'"#,
        r#"SELECT * FROM U&"\D83D\DE00""#,
    ] {
        assert_eq!(names(statement.as_bytes()), None, "{statement}");
    }
    assert_eq!(names(b"SELECT * FROM \xff"), None);
}

#[test]
fn schemas_give_way_to_that_of_the_shadows() {
    let statement = b"UPDATE Public.T SET v = public.t.v + other.t.v WHERE 'public.t' = x.public.t";
    let names = names(statement).unwrap();
    let text = on_shadows(statement, &names, |name| name == "\"public\".\"t\"");
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "UPDATE pg_temp.T SET v = pg_temp.t.v + other.t.v WHERE 'public.t' = x.public.t"
    );
}

#[test]
fn names_go_into_a_list_whatever_they_hold() {
    let names = names(br#"SELECT "a'b\c", "a'b\c""#).unwrap();
    let list = array(&names);
    assert_eq!(
        list,
        r#"ARRAY[E'"a''b\\c"', E'"select"']::pg_catalog.text[]"#
    );
}

#[test]
fn locks_of_keys_are_told_from_locks_of_rows() {
    assert!(locks_keys_only(b"SELECT * FROM t FOR KEY SHARE"));
    assert!(!locks_keys_only(b"SELECT * FROM t FOR UPDATE"));
    assert!(!locks_keys_only(
        b"SELECT 'for key share' FROM t FOR UPDATE"
    ));
    assert!(!locks_keys_only(
        b"SELECT * FROM t, u FOR UPDATE OF t FOR KEY SHARE OF u"
    ));
}
