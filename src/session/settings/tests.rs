use bytes::{BufMut as _, Bytes, BytesMut};
use proptest::prelude::*;

use super::value::{is_made_by_set, put_literal, split};
use super::*;
use crate::sql::{Lexer, StringForm, TokenKind};
use crate::wire::{FrameScanner, Step};

fn settings(values: &[(&'static str, &'static str)]) -> Settings {
    values
        .iter()
        .map(|(name, value)| (Bytes::from(*name), Bytes::from(*value)))
        .collect()
}

/// What makes one of the other, as SQL.
fn statements(has: &Settings, wanted: &Settings) -> Vec<String> {
    let changes = has.difference(wanted);
    changes
        .map(|change| String::from_utf8(change.sql().to_vec()).unwrap())
        .collect()
}

fn row(columns: &[Option<&[u8]>]) -> BytesMut {
    let mut body = BytesMut::new();
    body.put_i16(i16::try_from(columns.len()).unwrap());
    for column in columns {
        match column {
            None => body.put_i32(-1),
            Some(value) => {
                body.put_i32(i32::try_from(value.len()).unwrap());
                body.put_slice(value);
            }
        }
    }
    body
}

#[test]
fn the_answer_is_read() {
    let mut answer = ReadBack::default();
    for (name, value) in [
        ("work_mem", Some("4096")),
        ("DateStyle", Some("ISO, DMY")),
        ("transaction_isolation", Some("read committed")),
        ("application_name", None),
    ] {
        answer
            .row(&row(&[Some(name.as_bytes()), value.map(str::as_bytes)]))
            .unwrap();
    }
    let expected = settings(&[
        ("application_name", ""),
        ("datestyle", "ISO, DMY"),
        ("work_mem", "4096"),
    ]);
    assert_eq!(answer.finish(), expected);

    for broken in [
        row(&[Some(b"a")]),
        row(&[Some(b"a"), Some(b"b"), Some(b"c")]),
        BytesMut::from(&b"\0\x02\0\0\0\x09a"[..]),
        BytesMut::from(&b"\0\x02\xff\xff\xff\xf0a"[..]),
        BytesMut::new(),
    ] {
        let read = ReadBack::default().row(&broken);
        assert!(
            matches!(read, Err(ReadBackError::Malformed(_))),
            "{broken:?}"
        );
    }
    let mut answer = ReadBack::default();
    let long = vec![b'x'; MAX_BYTES / 2];
    answer.row(&row(&[Some(b"a"), Some(&long)])).unwrap();
    let read = answer.row(&row(&[Some(b"b"), Some(&long)]));
    assert_eq!(read, Err(ReadBackError::TooLarge));
}

#[test]
fn differences() {
    let none = Settings::default();
    let some = settings(&[("work_mem", "1"), ("TimeZone", "UTC"), ("jit", "off")]);
    assert_eq!(statements(&some, &some), Vec::<String>::new());
    assert_eq!(
        statements(&none, &some),
        [
            "SET jit TO 'off'",
            "SET timezone TO 'UTC'",
            "SET work_mem TO '1'"
        ]
    );
    assert_eq!(
        statements(&some, &none),
        ["RESET jit", "RESET timezone", "RESET work_mem"]
    );
    let other = settings(&[("timezone", "Asia/Tokyo"), ("jit", "off"), ("geqo", "on")]);
    assert_eq!(
        statements(&some, &other),
        [
            "RESET work_mem",
            "SET geqo TO 'on'",
            "SET timezone TO 'Asia/Tokyo'"
        ]
    );
}

#[test]
fn the_order_is_safe() {
    let has = settings(&[("log_statement_stats", "on"), ("client_encoding", "LATIN1")]);
    let wanted = settings(&[
        ("application_name", "a"),
        ("log_parser_stats", "on"),
        ("lock_timeout", "1"),
        ("work_mem", "1"),
    ]);
    assert_eq!(
        statements(&has, &wanted),
        [
            "RESET client_encoding",
            "RESET log_statement_stats",
            "SET application_name TO 'a'",
            "SET log_parser_stats TO 'on'",
            "SET work_mem TO '1'",
            "SET lock_timeout TO '1'",
        ]
    );
    // Equal bytes in another encoding.
    let has = settings(&[("search_path", "\"é\""), ("timezone", "UTC")]);
    let mut wanted = has.clone();
    wanted.insert(b"client_encoding", Bytes::from("LATIN1"));
    assert_eq!(
        statements(&has, &wanted),
        ["SET client_encoding TO 'LATIN1'", "SET search_path TO 'é'"]
    );
}

#[test]
fn values_as_sql() {
    for (name, value, sql) in [
        (
            "application_name",
            "it's",
            "SET application_name TO 'it''s'",
        ),
        (
            "application_name",
            "a\\b'",
            "SET application_name TO E'a\\\\b'''",
        ),
        ("application_name", "", "SET application_name TO ''"),
        ("datestyle", "ISO, MDY", "SET datestyle TO 'ISO, MDY'"),
        ("app.User", "1", "SET app.user TO '1'"),
        ("app.we ird\"", "1", "SET app.\"we ird\"\"\" TO '1'"),
        (
            "search_path",
            "a, \"B\", \"c\"\"d, e\"",
            "SET search_path TO 'a', 'B', 'c\"d, e'",
        ),
        ("search_path", "\"\"", "SET search_path TO ''"),
        (
            "search_path",
            "\"$user\", public",
            "SET search_path TO '$user', 'public'",
        ),
        (
            "temp_tablespaces",
            "\"a\\b\"",
            "SET temp_tablespaces TO E'a\\\\b'",
        ),
        // What only set_config() can have made.
        (
            "search_path",
            "",
            "SELECT pg_catalog.set_config('search_path', '', false)",
        ),
        (
            "search_path",
            "a,b",
            "SELECT pg_catalog.set_config('search_path', 'a,b', false)",
        ),
        (
            "search_path",
            "A",
            "SELECT pg_catalog.set_config('search_path', 'A', false)",
        ),
    ] {
        let wanted = [(name.into(), value.into())].into_iter().collect();
        assert_eq!(statements(&Settings::default(), &wanted), [sql], "{value}");
    }
}

#[test]
fn lists_are_split_as_postgresql_does() {
    for (list, elements) in [
        ("", Some(vec![])),
        (" \t", Some(vec![])),
        ("a", Some(vec!["a"])),
        (" A ,b\n, \"C d\" ", Some(vec!["a", "b", "C d"])),
        ("\"a\"\"b\",\"\"", Some(vec!["a\"b", ""])),
        ("é,\"É\"", Some(vec!["é", "É"])),
        ("a\"b", Some(vec!["a\"b"])),
        ("a b", None),
        ("a,", None),
        (",a", None),
        ("\"a", None),
        ("\"a\"b", None),
    ] {
        let found = split(list.as_bytes());
        let expected = elements.map(|list| list.iter().map(|e| e.as_bytes().to_vec()).collect());
        assert_eq!(found, expected, "{list:?}");
    }
}

#[test]
fn messages() {
    let mut out = BytesMut::new();
    let wanted = settings(&[("jit", "off"), ("work_mem", "1")]);
    assert_eq!(inject(Settings::default().difference(&wanted), &mut out), 2);
    let mut tags = String::new();
    let mut rest = &out[..];
    while let Step::Head { tag, body, .. } = FrameScanner::new().step(rest, |_| usize::MAX).unwrap()
    {
        let (frame, behind) = rest.split_at(5 + body);
        tags.push(char::from(tag));
        match tag {
            b'P' => {
                let parse = crate::wire::frontend::Parse::read(&frame[5..]).unwrap();
                assert!(parse.sql.starts_with(b"SET ") && parse.name.is_empty());
            }
            b'B' => drop(crate::wire::frontend::Bind::read(&frame[5..]).unwrap()),
            _ => drop(crate::wire::frontend::Execute::read(&frame[5..]).unwrap()),
        }
        rest = behind;
    }
    assert_eq!(tags, "PBEPBE");
    assert!(rest.is_empty());
    assert_eq!(inject(wanted.difference(&wanted), &mut out), 0);
}

#[test]
fn keys_of_shared_statements() {
    let key = |values: &[(&'static str, &'static str)]| settings(values).fold_key();
    assert_eq!(
        key(&[]),
        key(&[("work_mem", "1"), ("application_name", "a")])
    );
    assert_ne!(key(&[]), key(&[("search_path", "a")]));
    assert_ne!(key(&[("timezone", "UTC")]), key(&[("timezone", "GMT")]));
    assert_ne!(key(&[("timezone", "a")]), key(&[("intervalstyle", "a")]));
    assert_eq!(
        key(&[("datestyle", "a"), ("jit", "off")]),
        key(&[("jit", "on"), ("datestyle", "a")])
    );
}

#[test]
fn resets_go_back_to_startup_values() {
    let startup = settings(&[("timezone", "UTC"), ("application_name", "a")]);
    let now = settings(&[("application_name", "b"), ("jit", "off")]);
    let both = settings(&[
        ("timezone", "UTC"),
        ("application_name", "b"),
        ("jit", "off"),
    ]);
    assert_eq!(now.over(&startup), both);
    assert_eq!(Settings::default().over(&startup), startup);
}

#[test]
fn settings_that_pin() {
    for (name, value, pin) in [
        ("search_path", "a, public", None),
        (
            "search_path",
            "PG_TEMP, public",
            Some(PinReason::TemporaryObject),
        ),
        ("standard_conforming_strings", "on", None),
        (
            "standard_conforming_strings",
            "off",
            Some(PinReason::StringSyntax),
        ),
    ] {
        assert_eq!(settings(&[(name, value)]).pin(), pin, "{value}");
    }
}

#[test]
fn startup_packets() {
    let read = |parameters: &[(&str, &str)]| {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect();
        let startup = startup_settings(&parameters);
        let sql: Vec<_> = startup
            .changes
            .iter()
            .map(|change| String::from_utf8(change.sql().to_vec()).unwrap())
            .collect();
        (sql.join("; "), startup.private)
    };
    for (parameters, sql) in [
        (&[("user", "a"), ("database", "b"), ("_pq_.x", "")][..], ""),
        (&[("replication", "off")], ""),
        (
            &[
                ("client_encoding", "UTF8"),
                ("TimeZone", "UTC"),
                ("options", "-c search_path=a,\\ \"B\" --Work-Mem=1MB"),
            ],
            "SET search_path TO 'a', 'B'; SET work_mem TO '1MB'; SET timezone TO 'UTC'; \
             SET client_encoding TO 'UTF8'",
        ),
        (&[("search_path", "")], "SET search_path TO ''"),
        (&[("DateStyle", "ISO, MDY")], "SET datestyle TO 'ISO, MDY'"),
        (
            &[("standard_conforming_strings", "on")],
            "SET standard_conforming_strings TO 'on'",
        ),
    ] {
        assert_eq!(read(parameters), (sql.to_owned(), None));
    }
    for (name, value, why) in [
        ("replication", "database", "replication"),
        ("options", "-e", "more than settings"),
        ("options", "-c", "more than settings"),
        ("options", "-c role=a", "\"role\""),
        ("options", "-c amzn-cluster-id=a", "when a session begins"),
        ("ignore_system_indexes", "on", "when a session begins"),
        ("session_preload_libraries", "x", "when a session begins"),
        (
            "App.User",
            "1",
            "\"app.user\": its value cannot be read back",
        ),
        ("search_path", "a,", "not a list"),
        ("search_path", "pg_temp, a", "temporary"),
        ("standard_conforming_strings", "off", "string constants"),
        ("a b", "1", "spell"),
        ("", "1", "spell"),
    ] {
        let (sql, private) = read(&[(name, value)]);
        assert_eq!(sql, "", "{name}");
        assert!(
            private.as_ref().is_some_and(|p| p.contains(why)),
            "{private:?}"
        );
    }
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof!["[a-z_]{1,4}", "[ ,\"'\\\\A-Zé$.]{0,4}"];
    prop::collection::vec(name, 1..5)
}

/// What SET makes of names, as `quote_identifier` of PostgreSQL quotes them.
fn flattened(names: &[String]) -> String {
    let plain = |name: &String| {
        let letter = |c: char| c.is_ascii_lowercase() || c == '_';
        name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
    };
    let quoted = |name: &String| {
        if plain(name) {
            name.clone()
        } else {
            format!("\"{}\"", name.replace('"', "\"\""))
        }
    };
    names.iter().map(quoted).collect::<Vec<_>>().join(", ")
}

proptest! {
    #[test]
    fn what_set_makes_is_split_again(names in names()) {
        let list = flattened(&names);
        let elements: Vec<_> = names.iter().map(|name| name.clone().into_bytes()).collect();
        prop_assert_eq!(split(list.as_bytes()), Some(elements));
        prop_assert!(is_made_by_set(list.as_bytes()));
    }

    #[test]
    fn what_is_no_set_is_seen(list in "[aB\", é$]{0,10}") {
        // Where it claims that SET makes this list, putting the elements together makes it.
        if is_made_by_set(list.as_bytes()) {
            let elements = split(list.as_bytes()).unwrap();
            let names: Vec<_> = elements.into_iter().map(|e| String::from_utf8(e).unwrap()).collect();
            let needless = names.iter().any(|name| list.contains(&format!("\"{name}\"")));
            prop_assert!(needless || flattened(&names) == list);
        }
    }

    #[test]
    fn literals_say_the_same(value in prop::collection::vec(
        prop_oneof![Just(b'\\'), Just(b'\''), any::<u8>()], 0..20
    )) {
        let mut sql = BytesMut::new();
        put_literal(&value, &mut sql);
        let tokens: Vec<_> = Lexer::new(&sql).collect();
        prop_assert_eq!(tokens.len(), 1);
        let (form, inner) = match tokens[0].kind {
            TokenKind::String(StringForm::Escape) => (StringForm::Escape, &sql[2..sql.len() - 1]),
            _ => (StringForm::Standard, &sql[1..sql.len() - 1]),
        };
        prop_assert_eq!(tokens[0].kind, TokenKind::String(form));
        prop_assert_eq!(form == StringForm::Escape, value.contains(&b'\\'));
        let mut read = Vec::new();
        let mut bytes = inner.iter();
        while let Some(&b) = bytes.next() {
            read.push(b);
            if b == b'\'' || (b == b'\\' && form == StringForm::Escape) {
                prop_assert_eq!(bytes.next(), Some(&b));
            }
        }
        prop_assert_eq!(read, value);
    }

    #[test]
    fn a_difference_makes_one_of_the_other(
        has in prop::collection::btree_map("[a-e]", "[xyé]", 0..5),
        wanted in prop::collection::btree_map("[a-e]|client_encoding", "[xyé]", 0..5),
    ) {
        let read = |map: &std::collections::BTreeMap<String, String>| -> Settings {
            map.iter().map(|(n, v)| (n.clone().into(), v.clone().into())).collect()
        };
        let (has, wanted) = (read(&has), read(&wanted));
        let mut server: std::collections::BTreeMap<_, _> =
            has.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        for change in has.difference(&wanted) {
            match change {
                Change::Set { name, value } | Change::Startup { name, value } => {
                    server.insert(name, value);
                }
                Change::Reset { name } => drop(server.remove(&name)),
            }
        }
        prop_assert_eq!(server.into_iter().collect::<Settings>(), wanted);
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        ReadBack::default().row(&bytes).ok();
        split(&bytes);
        is_made_by_set(&bytes);
        for name in [b"search_path".to_vec(), b"options".to_vec(), bytes.clone()] {
            for change in startup_settings(&[(name, bytes.clone())]).changes {
                change.sql();
            }
        }
    }
}
