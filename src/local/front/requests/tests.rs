use super::*;

/// What comes out when the input arrives in pieces of `size` bytes.
fn processed(input: &[u8], size: usize) -> Result<BytesMut, Violation> {
    let mut requests = Requests::default();
    let (mut buffer, mut out) = (BytesMut::new(), BytesMut::new());
    for piece in input.chunks(size) {
        buffer.extend_from_slice(piece);
        requests.process(&mut buffer, &mut out)?;
    }
    Ok(out)
}

fn query(sql: &str) -> BytesMut {
    let mut out = BytesMut::new();
    encode::query(sql.as_bytes(), &mut out);
    out
}

#[test]
fn what_is_allowed_is_not_touched_however_it_is_cut() {
    let mut input = query("SELECT 1; SELECT 'SET work_mem = 1'");
    encode::frame(frontend::PARSE, &mut input, |b| {
        b.extend_from_slice(b"s\0SELECT $1\0\0\x01\0\0\0\x17");
    });
    encode::frame(frontend::COPY_DATA, &mut input, |b| {
        b.extend_from_slice(&[7; 300]);
    });
    encode::sync(&mut input);
    encode::terminate(&mut input);
    for size in 1..input.len() {
        assert_eq!(processed(&input, size).unwrap(), input, "{size}");
    }
}

#[test]
fn only_the_refused_statement_is_replaced() {
    let input = query(" SELECT 1 ; /* a */ SET jit = 1 /* b */ ; SHOW server_version;");
    let out = processed(&input, 3).unwrap();
    let sql = String::from_utf8(frontend::query(&out[frame::HEADER..]).unwrap().to_vec()).unwrap();
    assert!(
        sql.starts_with(" SELECT 1 ; /* a */ DO 'BEGIN RAISE"),
        "{sql}"
    );
    assert!(
        sql.ends_with("END' /* b */ ; SHOW dsql_local.server_version;"),
        "{sql}"
    );
}

#[test]
fn function_calls_are_refused() {
    let mut input = BytesMut::new();
    encode::frame(frontend::FUNCTION_CALL, &mut input, |b| {
        b.extend_from_slice(&[0; 10]);
    });
    let out = processed(&input, 2).unwrap();
    assert_eq!(out[0], frontend::QUERY);
    let sql = frontend::query(&out[frame::HEADER..]).unwrap();
    assert!(sql.starts_with(b"DO 'BEGIN RAISE"), "{sql:?}");
}

#[test]
fn a_replaced_parse_keeps_name_and_types() {
    let mut input = BytesMut::new();
    encode::frame(frontend::PARSE, &mut input, |b| {
        b.extend_from_slice(b"name\0SET jit = 1\0\0\x01\0\0\0\x17");
    });
    let out = processed(&input, input.len()).unwrap();
    let parse = Parse::read(&out[frame::HEADER..]).unwrap();
    assert_eq!(
        (parse.name, parse.types),
        (&b"name"[..], &[0, 0, 0, 0x17][..])
    );
    assert!(parse.sql.starts_with(b"DO '"));
}

#[test]
fn a_long_message_is_refused_by_its_header() {
    let length = u32::try_from(MAX_MESSAGE).unwrap();
    for tag in [frontend::QUERY, frontend::BIND, frontend::COPY_DATA] {
        let head = |length: u32| [&[tag][..], &length.to_be_bytes()].concat();
        assert_eq!(processed(&head(length + 1), 5), Err(Violation::TooLong));
        processed(&head(length), 5).unwrap();
    }
}

#[test]
fn nonsense() {
    assert_eq!(
        processed(b"!\0\0\0\x04", 5),
        Err(Violation::Malformed(b'!'))
    );
    assert!(matches!(
        processed(b"S\0\0\0\x03", 5),
        Err(Violation::Length(_))
    ));
    assert_eq!(
        processed(b"Q\0\0\0\x04", 5),
        Err(Violation::Malformed(b'Q'))
    );
    assert_eq!(
        processed(b"P\0\0\0\x06a\0", 7),
        Err(Violation::Malformed(b'P'))
    );
}

#[test]
fn goodbye_is_noticed() {
    let mut requests = Requests::default();
    let mut input = query("SELECT 1");
    requests.process(&mut input, &mut BytesMut::new()).unwrap();
    assert!(!requests.terminated());
    encode::terminate(&mut input);
    requests.process(&mut input, &mut BytesMut::new()).unwrap();
    assert!(requests.terminated());
}
