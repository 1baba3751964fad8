use super::*;

#[test]
fn characters_are_counted_and_not_bytes() {
    for (text, expected) in [("", 0), ("abc", 3), ("é€", 2), ("𐍈", 1)] {
        assert_eq!(characters(text.as_bytes()), expected, "{text}");
    }
}
