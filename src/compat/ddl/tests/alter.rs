use super::*;

#[test]
fn constraints_are_added_and_validated() {
    for (sql, expected) in [
        (
            "ALTER TABLE \"Post\" ADD CONSTRAINT \"f\" FOREIGN KEY (\"a\") REFERENCES \"User\"(\"id\") ON DELETE SET NULL (a) ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED;",
            &[
                "ALTER TABLE \"Post\" ADD CONSTRAINT \"f\" FOREIGN KEY (\"a\") REFERENCES \"User\"(\"id\") ON DELETE SET NULL (a) ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED NOT VALID",
                "ALTER TABLE ASYNC \"Post\" VALIDATE CONSTRAINT \"f\"",
            ][..],
        ),
        (
            "alter table only s.t add foreign key(a) references u",
            &[
                "ALTER TABLE s.t ADD foreign key(a) references u NOT VALID",
                "ALTER TABLE ASYNC s.t VALIDATE CONSTRAINT unnamed",
            ],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0 AND b <> ') NOT VALID')",
            &[
                "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0 AND b <> ') NOT VALID') NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT c",
            ],
        ),
        (
            "ALTER TABLE t VALIDATE CONSTRAINT \"c\"",
            &["ALTER TABLE ASYNC t VALIDATE CONSTRAINT \"c\""],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, \"B\") INCLUDE (c) DEFERRABLE",
            &[
                "CREATE UNIQUE INDEX ASYNC u ON t (a, \"B\") INCLUDE (c)",
                "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u DEFERRABLE",
            ],
        ),
        (
            "ALTER TABLE s.\"T\" ADD UNIQUE NULLS NOT DISTINCT (a, \"B\")",
            &[
                "CREATE UNIQUE INDEX ASYNC \"T_a_B_key\" ON s.\"T\" (a, \"B\") NULLS NOT DISTINCT",
                "ALTER TABLE s.\"T\" ADD CONSTRAINT \"T_a_B_key\" UNIQUE USING INDEX \"T_a_B_key\"",
            ],
        ),
    ] {
        assert_eq!(steps(sql), expected, "{sql}");
    }
}

#[test]
fn columns_are_added_filled_and_constrained() {
    for (sql, expected) in [
        (
            "ALTER TABLE \"public\".\"Users\" ADD COLUMN \"active\" BOOLEAN NOT NULL DEFAULT true;",
            &[
                "ALTER TABLE \"public\".\"Users\" ADD COLUMN \"active\" BOOLEAN",
                "ALTER TABLE \"public\".\"Users\" ALTER COLUMN \"active\" SET DEFAULT true",
                "[fill once: true]",
                "ALTER TABLE \"public\".\"Users\" ADD CONSTRAINT \"Users_active_not_null\" CHECK (\"active\" IS NOT NULL) NOT VALID",
                "ALTER TABLE ASYNC \"public\".\"Users\" VALIDATE CONSTRAINT \"Users_active_not_null\"",
            ][..],
        ),
        (
            "ALTER TABLE t ADD id uuid DEFAULT uuid_generate_v4()",
            &[
                "ALTER TABLE t ADD COLUMN id uuid",
                "ALTER TABLE t ALTER COLUMN id SET DEFAULT gen_random_uuid()",
                "[fill each row: gen_random_uuid()]",
            ],
        ),
        (
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS a timestamp(3) with time zone DEFAULT now() + interval '1 day' COLLATE \"C\" UNIQUE",
            &[
                "ALTER TABLE t ADD COLUMN IF NOT EXISTS a timestamp(3) with time zone",
                "ALTER TABLE t ALTER COLUMN a SET DEFAULT now() + interval '1 day'",
                "[fill once: now() + interval '1 day']",
                "CREATE UNIQUE INDEX ASYNC \"t_a_key\" ON t (a)",
                "ALTER TABLE t ADD CONSTRAINT \"t_a_key\" UNIQUE USING INDEX \"t_a_key\"",
            ],
        ),
        (
            "ALTER TABLE t ADD a int DEFAULT CASE WHEN 1 IS NOT NULL THEN 1 ELSE NULL END CHECK (a > 0) CONSTRAINT f REFERENCES u (id) ON DELETE CASCADE NOT NULL",
            &[
                "ALTER TABLE t ADD COLUMN a int",
                "ALTER TABLE t ALTER COLUMN a SET DEFAULT CASE WHEN 1 IS NOT NULL THEN 1 ELSE NULL END",
                "[fill once: CASE WHEN 1 IS NOT NULL THEN 1 ELSE NULL END]",
                "ALTER TABLE t ADD CONSTRAINT \"t_a_not_null\" CHECK (a IS NOT NULL) NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT \"t_a_not_null\"",
                "ALTER TABLE t ADD CHECK (a > 0) NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT unnamed",
                "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id) ON DELETE CASCADE NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT f",
            ],
        ),
        (
            "ALTER TABLE t ADD a bool DEFAULT 1 IS NOT DISTINCT FROM 2 NOT NULL",
            &[
                "ALTER TABLE t ADD COLUMN a bool",
                "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1 IS NOT DISTINCT FROM 2",
                "[fill once: 1 IS NOT DISTINCT FROM 2]",
                "ALTER TABLE t ADD CONSTRAINT \"t_a_not_null\" CHECK (a IS NOT NULL) NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT \"t_a_not_null\"",
            ],
        ),
        (
            "ALTER TABLE s.\"it's\" ADD COLUMN id SERIAL",
            &[
                "CREATE SEQUENCE s.\"it's_id_seq\" CACHE 1",
                "ALTER TABLE s.\"it's\" ADD COLUMN id integer",
                "ALTER SEQUENCE s.\"it's_id_seq\" OWNED BY s.\"it's\".id",
                "ALTER TABLE s.\"it's\" ALTER COLUMN id SET DEFAULT nextval('s.\"it''s_id_seq\"'::regclass)",
                "[fill each row: nextval('s.\"it''s_id_seq\"'::regclass)]",
                "ALTER TABLE s.\"it's\" ADD CONSTRAINT \"it's_id_not_null\" CHECK (id IS NOT NULL) NOT VALID",
                "ALTER TABLE ASYNC s.\"it's\" VALIDATE CONSTRAINT \"it's_id_not_null\"",
            ],
        ),
    ] {
        assert_eq!(steps(sql), expected, "{sql}");
    }
}

#[test]
fn a_column_not_null_is_known_before_it_is_added() {
    for (sql, expected) in [
        ("ALTER TABLE t ADD a int NOT NULL", true),
        ("ALTER TABLE t ADD a int UNIQUE", false),
        ("ALTER TABLE t ADD a bigserial", true),
    ] {
        let DdlPlan::Alter(alter) = plan(sql.as_bytes()) else {
            panic!("{sql}")
        };
        let [AlterStep::AddColumn(new)] = alter.steps.as_slice() else {
            panic!("{sql}")
        };
        assert_eq!(new.is_not_null(), expected);
        assert!(!alter.notices.is_empty());
    }
}

#[test]
fn columns_are_altered() {
    for (sql, expected) in [
        (
            "ALTER TABLE t ALTER COLUMN \"a\" SET NOT NULL",
            &[
                "ALTER TABLE t ADD CONSTRAINT \"t_a_not_null\" CHECK (\"a\" IS NOT NULL) NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT \"t_a_not_null\"",
            ][..],
        ),
        (
            "ALTER TABLE IF EXISTS t ALTER a DROP NOT NULL",
            &[
                "ALTER TABLE t ALTER COLUMN a DROP NOT NULL",
                "[drop the checks for NOT NULL of a]",
            ],
        ),
        (
            "ALTER TABLE t ALTER a TYPE character varying(150)",
            &["[a to character varying(150) by assignment]"],
        ),
        (
            "ALTER TABLE t ALTER COLUMN a SET DATA TYPE numeric(14, 4) USING (a::numeric / 2), ALTER COLUMN a SET DEFAULT 1",
            &[
                "[a to numeric(14, 4) by (a::numeric / 2)]",
                "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1",
            ],
        ),
    ] {
        assert_eq!(steps(sql), expected, "{sql}");
    }
    let DdlPlan::Alter(alter) = plan(b"ALTER TABLE IF EXISTS s.t ALTER a DROP NOT NULL") else {
        panic!()
    };
    assert!(alter.if_exists);
    assert_eq!(alter.table.sql, "s.t");
    assert_eq!(alter.notices, [""; 0]);
}

/// The order is PostgreSQL's and not that of the text; what DSQL takes stays together; what cannot
/// be undone is last.
#[test]
fn several_actions() {
    assert_eq!(
        steps(
            "ALTER TABLE \"User\" DROP COLUMN \"lastIp\",\nDROP COLUMN \"nicknames\" CASCADE,\n\
             ADD COLUMN     \"active\" BOOLEAN NOT NULL,\nADD COLUMN     \"phone\" TEXT,\n\
             ALTER COLUMN \"email\" SET DATA TYPE VARCHAR(320),\nALTER COLUMN \"name\" SET NOT NULL,\n\
             ALTER COLUMN \"role\" SET DEFAULT 'AUTHOR, x',\nALTER COLUMN \"balance\" DROP DEFAULT,\n\
             OWNER TO me"
        ),
        [
            "ALTER TABLE \"User\" ALTER COLUMN \"balance\" DROP DEFAULT",
            "[\"email\" to VARCHAR(320) by assignment]",
            "ALTER TABLE \"User\" ADD COLUMN \"active\" BOOLEAN",
            "ALTER TABLE \"User\" ADD CONSTRAINT \"User_active_not_null\" CHECK (\"active\" IS NOT NULL) NOT VALID",
            "ALTER TABLE ASYNC \"User\" VALIDATE CONSTRAINT \"User_active_not_null\"",
            "ALTER TABLE \"User\" ADD COLUMN     \"phone\" TEXT",
            "ALTER TABLE \"User\" ADD CONSTRAINT \"User_name_not_null\" CHECK (\"name\" IS NOT NULL) NOT VALID",
            "ALTER TABLE ASYNC \"User\" VALIDATE CONSTRAINT \"User_name_not_null\"",
            "ALTER TABLE \"User\" ALTER COLUMN \"role\" SET DEFAULT 'AUTHOR, x', OWNER TO me, \
             DROP COLUMN \"lastIp\", DROP COLUMN \"nicknames\" CASCADE",
        ]
    );
    // A column that makes room for another of its name goes first.
    assert_eq!(
        steps(
            "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0), ADD COLUMN \"a\" int DEFAULT 5, DROP A"
        ),
        [
            "ALTER TABLE t DROP A",
            "ALTER TABLE t ADD COLUMN \"a\" int",
            "ALTER TABLE t ALTER COLUMN \"a\" SET DEFAULT 5",
            "[fill once: 5]",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0) NOT VALID",
            "ALTER TABLE ASYNC t VALIDATE CONSTRAINT c",
        ]
    );
}

/// What DSQL takes as it is.
#[test]
fn actions_of_dsql_pass() {
    for sql in [
        "ALTER TABLE t ADD COLUMN a varchar(20)",
        "ALTER TABLE t DROP COLUMN IF EXISTS a CASCADE, DROP CONSTRAINT c",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT VALID",
        "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i",
        "ALTER TABLE t ALTER a SET DEFAULT now(), ALTER b DROP DEFAULT, ALTER c DROP IDENTITY",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t RENAME COLUMN a TO b",
        "ALTER TABLE t SET SCHEMA s",
        "ALTER TABLE ASYNC t VALIDATE CONSTRAINT c",
        "ALTER TABLE t DISABLE TRIGGER ALL",
    ] {
        passes(sql);
    }
}

/// Before anything is done, all has to be possible, and understood.
#[test]
fn what_cannot_be_reached_passes_as_a_whole() {
    for action in [
        "ADD PRIMARY KEY (a)",
        "ADD CONSTRAINT p PRIMARY KEY USING INDEX i",
        "ADD COLUMN id uuid PRIMARY KEY",
        "ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1)",
        "ADD COLUMN a int GENERATED ALWAYS AS (b * 2) STORED",
        "ADD COLUMN a text COLLATE \"de_DE\" NOT NULL",
        "ADD CONSTRAINT e EXCLUDE USING gist (a WITH &&)",
        "ADD UNIQUE (a) WITH (fillfactor = 70)",
        "ADD UNIQUE (lower(a))",
        "ALTER a SET STATISTICS 5",
        "ALTER a TYPE serial",
        "ALTER a TYPE text COLLATE \"de_DE\"",
        "ENABLE ROW LEVEL SECURITY",
        "SET (fillfactor = 70)",
        "INHERIT u",
        "DROP COLUMN a garbage",
        "ADD COLUMN a int NOT",
        "ADD COLUMN a int DEFAULT",
        "ADD COLUMN a int DEFAULT 1 +",
        "ADD COLUMN a serial DEFAULT 1",
        "",
    ] {
        passes(&format!("ALTER TABLE t {action}"));
        passes(&format!("ALTER TABLE t ALTER b SET NOT NULL, {action}"));
        passes(&format!(
            "ALTER TABLE t ADD a int DEFAULT 1, {action}, DROP c"
        ));
    }
    passes("ALTER TABLE t ALTER b SET NOT NULL) , DROP c");
    passes("ALTER TABLE");
}

/// As PostgreSQL 15 was seen to name them.
#[test]
fn names_are_cut_as_postgresql_cuts_them() {
    let [a, b, c, e] = [
        "a".repeat(54),
        "b".repeat(36),
        "c".repeat(18),
        "é".repeat(30),
    ];
    let table = "a".repeat(40);
    for (table, columns, number, expected) in [
        (
            &table,
            &e,
            0,
            format!("{}_{}_key", "a".repeat(29), "é".repeat(14)),
        ),
        (
            &table,
            &e,
            1,
            format!("{}_{}_key1", "a".repeat(29), "é".repeat(14)),
        ),
        (
            &"u".to_owned(),
            &format!("{a},{b},{c}"),
            0,
            format!("u_{a}_bb_key"),
        ),
    ] {
        let sql = format!("ALTER TABLE {table} ADD UNIQUE ({columns})");
        let DdlPlan::Alter(alter) = plan(sql.as_bytes()) else {
            panic!("{sql}")
        };
        let [AlterStep::AddUnique(unique)] = alter.steps.as_slice() else {
            panic!("{sql}")
        };
        let name = format!("\"{expected}\"");
        assert_eq!(unique.name(number).unwrap(), name);
        assert_eq!(unique.drop_index(&name), format!("DROP INDEX {name}"));
    }
}
