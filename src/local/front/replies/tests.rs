use super::super::peer::Peer;
use super::*;
use crate::wire::frame;

const KEY: (i32, [u8; 4]) = (7, [1, 2, 3, 4]);

fn message(tag: u8, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    encode::frame(tag, &mut out, |b| b.extend_from_slice(body));
    out
}

/// What the client gets.
fn processed(input: &[u8]) -> BytesMut {
    passed(input, Expected::default())
}

fn passed(input: &[u8], expected: Expected) -> BytesMut {
    let mut replies = Replies::new(KEY);
    let mut out = BytesMut::new();
    let mut peer = Peer::new(tokio::io::empty(), BytesMut::from(input));
    while let Some(message) = peer.take().unwrap() {
        replies.pass(&message, expected, &mut out);
    }
    out.extend_from_slice(peer.unread());
    out
}

#[test]
fn identity() {
    let mut input = message(b'S', b"server_version\x0015.18 (Debian)\0");
    input.extend_from_slice(&message(b'S', b"TimeZone\0UTC\0"));
    input.extend_from_slice(&message(b'K', &[0; 8]));
    let mut expected = message(b'S', b"server_version\x0016.15\0");
    expected.extend_from_slice(&message(b'S', b"TimeZone\0UTC\0"));
    expected.extend_from_slice(&message(b'K', &[0, 0, 0, 7, 1, 2, 3, 4]));
    assert_eq!(processed(&input), expected);
}

#[test]
fn columns_get_their_names_back() {
    let column = |name: &[u8]| [name, &[0], &[9; 18]].concat();
    let body = [
        &[0, 2][..],
        &column(b"a"),
        &column(b"dsql_local.server_version"),
    ]
    .concat();
    let expected = [&[0, 2][..], &column(b"a"), &column(b"server_version")].concat();
    assert_eq!(processed(&message(b'T', &body)), message(b'T', &expected));
    // What does not have the form of a RowDescription goes as it is.
    let odd = message(b'T', b"dsql_local.x");
    assert_eq!(processed(&odd), odd);
}

#[test]
fn errors_of_ours_do_not_say_where_they_were_raised() {
    let ours = b"SERROR\0C0A000\0Mno\0Wsomewhere\0sdsql_local\0Fpl_exec.c\0L1\0Rraise\0\0";
    assert_eq!(
        processed(&message(b'E', ours)),
        message(b'E', b"SERROR\0C0A000\0Mno\0\0")
    );
    let theirs = b"SERROR\0C23505\0Mno\0Wsomewhere\0spublic\0Fa.c\0L1\0Rb\0\0";
    assert_eq!(processed(&message(b'E', theirs)), message(b'E', theirs));
    let through =
        b"C22023\0WPL/pgSQL function set_config(text,text,boolean) line 9 at RETURN\nmore\0\0";
    assert_eq!(
        processed(&message(b'E', through)),
        message(b'E', b"C22023\0Wmore\0\0")
    );
    let only = b"C42704\0WSQL function \"current_setting\" statement 1\0\0";
    assert_eq!(
        processed(&message(b'E', only)),
        message(b'E', b"C42704\0\0")
    );
}

#[test]
fn too_many_connections_in_the_words_of_dsql() {
    let input = message(
        b'E',
        b"SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0",
    );
    let out = processed(&input);
    let fields = ErrorFields::read(&out[frame::HEADER..]).unwrap();
    assert_eq!(
        fields.message(),
        b"Unable to accept connection, too many open connections."
    );
}

#[test]
fn positions_and_tags_are_those_of_the_clients_text() {
    let error = b"SERROR\0C42601\0Mno\0P7\0\0";
    for (position, expected) in [
        (Position::Same, &error[..]),
        (Position::Ahead(10), b"SERROR\0C42601\0Mno\0P17\0\0"),
        (Position::Elsewhere, b"SERROR\0C42601\0Mno\0\0"),
    ] {
        let tag = Some("CREATE INDEX");
        let expected_reply = Expected { tag, position };
        assert_eq!(
            passed(&message(b'E', error), expected_reply),
            message(b'E', expected)
        );
        assert_eq!(
            passed(&message(b'C', b"SELECT 1\0"), expected_reply),
            message(b'C', b"CREATE INDEX\0")
        );
    }
}

#[test]
fn what_our_functions_ran_is_not_told() {
    let sent = |context: &str| {
        let error = format!("SERROR\0C42703\0Mno\0p9\0qCREATE\0W{context}\0Fparse.c\0\0");
        processed(&message(b'E', error.as_bytes()))
    };
    let left =
        |context: &str| message(b'E', format!("SERROR\0C42703\0Mno\0{context}\0").as_bytes());
    let ours = "SQL statement \"CREATE INDEX i\nSQL statement \"ON t (x)\"\n\
                PL/pgSQL function dsql_local_create_index(text,boolean) line 8 at EXECUTE";
    assert_eq!(sent(ours), left("Fparse.c\0"));
    assert_eq!(
        sent(&format!("SQL function \"f\" statement 1\n{ours}")),
        left("WSQL function \"f\" statement 1\0Fparse.c\0")
    );
    let theirs = "SQL statement \"SELECT 1\"\nPL/pgSQL function f() line 1 at PERFORM";
    assert_eq!(
        sent(&format!("{theirs}\n{ours}")),
        left(&format!("W{theirs}\0Fparse.c\0"))
    );
    let theirs = format!("SERROR\0C42703\0Mno\0p9\0qSELECT\0W{theirs}\0Fparse.c\0\0");
    let theirs = message(b'E', theirs.as_bytes());
    assert_eq!(processed(&theirs), theirs);
}

#[test]
fn some_errors_of_postgresql_are_dsqls() {
    for (postgres, dsql) in [
        (
            "SERROR\0C42704\0Mdata type json has no default operator class for access method \
             \"btree\"\0HYou must specify one.\0Rf\0\0",
            "SERROR\0C0A000\0Mdatatype json is not supported in a key\0\0",
        ),
        (
            "SERROR\0C42809\0Msys.wait_for_job(unknown) is a procedure\0HUse CALL.\0P8\0\0",
            "SERROR\0C42809\0Msys.wait_for_job(text) is a procedure\0HUse CALL.\0P8\0\0",
        ),
    ] {
        let input = message(b'E', postgres.as_bytes());
        assert_eq!(processed(&input), message(b'E', dsql.as_bytes()));
    }
}
