//! CREATE TABLE with serial columns, in steps.

use super::*;

#[test]
fn a_serial_column_gets_a_sequence() {
    for (sql, expected) in [
        (
            "CREATE TABLE t (id serial)",
            &[
                "CREATE SEQUENCE \"t_id_seq\" CACHE 1",
                "CREATE TABLE t (id integer NOT NULL DEFAULT nextval('\"t_id_seq\"'::regclass))",
                "ALTER SEQUENCE \"t_id_seq\" OWNED BY t.id",
            ][..],
        ),
        (
            "create table if not exists \"S\".\"it's\" (\"A b\" BIGSERIAL primary key, -- x\n c smallserial, d text COLLATE \"C\", e int GENERATED ALWAYS AS IDENTITY)",
            &[
                "CREATE SEQUENCE \"S\".\"it's_A b_seq\" CACHE 1",
                "CREATE SEQUENCE \"S\".\"it's_c_seq\" CACHE 1",
                "create table \"S\".\"it's\" (\"A b\" bigint NOT NULL DEFAULT nextval('\"S\".\"it''s_A b_seq\"'::regclass) primary key, -- x\n c smallint NOT NULL DEFAULT nextval('\"S\".\"it''s_c_seq\"'::regclass), d text, e bigint GENERATED ALWAYS AS IDENTITY (CACHE 1))",
                "ALTER SEQUENCE \"S\".\"it's_A b_seq\" OWNED BY \"S\".\"it's\".\"A b\"",
                "ALTER SEQUENCE \"S\".\"it's_c_seq\" OWNED BY \"S\".\"it's\".c",
            ],
        ),
        (
            "CREATE TABLE Users (Id SERIAL4 NOT NULL, u uuid DEFAULT uuid_generate_v4())",
            &[
                "CREATE SEQUENCE \"users_id_seq\" CACHE 1",
                "CREATE TABLE Users (Id integer NOT NULL DEFAULT nextval('\"users_id_seq\"'::regclass) NOT NULL, u uuid DEFAULT gen_random_uuid())",
                "ALTER SEQUENCE \"users_id_seq\" OWNED BY Users.Id",
            ],
        ),
    ] {
        assert_eq!(of_create(&create_plan(sql)), expected, "{sql}");
    }
}

#[test]
fn where_a_name_is_taken_there_is_a_next_one() {
    let create = create_plan("CREATE TABLE t (id serial)");
    let second = create.sequence(&create.columns[0], 2);
    assert_eq!(second.create, "CREATE SEQUENCE \"t_id_seq2\" CACHE 1");
    assert_eq!(second.drop, "DROP SEQUENCE \"t_id_seq2\"");
    let (sql, positions) = create.create(&[second]);
    assert_eq!(
        sql,
        "CREATE TABLE t (id integer NOT NULL DEFAULT nextval('\"t_id_seq2\"'::regclass))"
    );
    // The closing parenthesis.
    assert_eq!(positions.original(sql.len()), 26);
    let long = format!(
        "CREATE TABLE {} ({} serial)",
        "t".repeat(60),
        "c".repeat(60)
    );
    let create = create_plan(&long);
    let expected = format!("\"{}_{}_seq1\"", "t".repeat(29), "c".repeat(28));
    let name = create.sequence(&create.columns[0], 1).drop;
    assert_eq!(name, format!("DROP SEQUENCE {expected}"));
}

#[test]
fn whether_the_table_is_there_is_asked_in_its_schema() {
    for (sql, expected) in [
        (
            "CREATE TABLE \"it's\" (id serial)",
            "EXISTS (SELECT 1 FROM pg_class WHERE relname = 'it''s' AND relnamespace = \
             to_regnamespace(quote_ident(current_schema())))",
        ),
        (
            "CREATE TABLE \"S\" . T (id serial)",
            "EXISTS (SELECT 1 FROM pg_class WHERE relname = 't' AND relnamespace = \
             to_regnamespace('\"S\"'))",
        ),
    ] {
        assert_eq!(create_plan(sql).exists(), expected);
    }
    // One of another database, of which to_regnamespace() knows nothing.
    let DdlPlan::Rewrite { sql, .. } = plan(b"CREATE TABLE d.s.t (id serial)") else {
        panic!()
    };
    assert!(sql.contains("IDENTITY"), "{sql}");
}

#[test]
fn what_the_client_is_told() {
    let sql = "CREATE TABLE t (id serial, e int GENERATED ALWAYS AS IDENTITY (CACHE 1))";
    let create = create_plan(sql);
    assert_eq!(
        create.notices,
        [
            "column \"id\": serial is created in steps, as an integer column with a sequence of \
             its own for its default, because Aurora DSQL has no serial types",
            "column \"e\": int is created as bigint, the only type that Aurora DSQL has for \
             identity columns",
        ]
    );
    assert!(create.at_once.notices[0].contains("IDENTITY (CACHE 1)"));
}
