use super::*;

fn texts(elements: &[Reader<'_>]) -> Vec<String> {
    elements
        .iter()
        .map(|element| {
            let mut element = element.clone();
            let mut words = Vec::new();
            while let Some(token) = element.advance() {
                words.push(String::from_utf8_lossy(element.bytes(token)).into_owned());
            }
            words.join(" ")
        })
        .collect()
}

#[test]
fn groups_are_split_at_their_own_commas() {
    let mut reader = Reader::new(b"t (a int, b numeric(1, 2) DEFAULT ARRAY[1, 2], (c)) x");
    reader.advance();
    let elements = reader.group().unwrap();
    assert_eq!(
        texts(&elements),
        [
            "a int",
            "b numeric ( 1 , 2 ) DEFAULT ARRAY [ 1 , 2 ]",
            "( c )"
        ]
    );
    assert!(reader.is("X"));
}

#[test]
fn what_is_cut_short_ends() {
    for text in ["(", "(a", "(a,", "((a)", "a, (", "'", "(]", ")))"] {
        let mut reader = Reader::new(text.as_bytes());
        reader.group();
        while !reader.at_end() {
            reader.element();
            reader.skip();
        }
        assert!(reader.element().is_none(), "{text}");
    }
}

#[test]
fn names_are_what_postgresql_compares() {
    let mut reader = Reader::new(b"Foo . \"Ba\"\"r\" . x (");
    let names: Vec<_> = reader.qualified().into_iter().map(|n| n.text).collect();
    assert_eq!(names, ["foo", "Ba\"r", "x"]);
    assert!(reader.is_punctuation(b'('));
}

#[test]
fn strings_and_numbers() {
    assert_eq!(Reader::new(b"'it''s'").string().unwrap(), b"it's");
    assert_eq!(Reader::new(b"$a$it's$a$").string().unwrap(), b"it's");
    assert_eq!(Reader::new(b"E'a'").string(), None);
    assert_eq!(Reader::new(b"'a'\n'b'").string(), None);
    assert_eq!(Reader::new(b"- 1_0").integer(), Some(-10));
    assert_eq!(Reader::new(b"1.5").integer(), None);
}

#[test]
fn a_semicolon_ends_a_statement() {
    let mut reader = Reader::new(b"a; b");
    assert!(reader.take("a"));
    assert!(reader.at_end());
}
