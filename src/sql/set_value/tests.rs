use super::set_values;

#[test]
fn values() {
    for (written, expected) in [
        ("off", Some(&["off"][..])),
        ("TRUE", Some(&["true"])),
        ("Warning", Some(&["warning"])),
        ("\"Read Only\"", Some(&["Read Only"])),
        ("'a''b'", Some(&["a'b"])),
        ("E'a\\tb'", Some(&["a\tb"])),
        ("007", Some(&["7"])),
        ("-5", Some(&["-5"])),
        ("- 0", Some(&["0"])),
        ("+5", Some(&["5"])),
        ("1.50", Some(&["1.50"])),
        ("-1e3", Some(&["-1e3"])),
        ("99999999999", Some(&["99999999999"])),
        ("a, 'b' ,3;", Some(&["a", "b", "3"])),
        ("select", None),
        ("all", None),
        ("a b", None),
        ("a,", None),
        ("", None),
        ("-a", None),
        ("$1", None),
        ("(1)", None),
        ("0x10", None),
        ("INTERVAL '1'", None),
    ] {
        let found = set_values(written.as_bytes());
        let expected: Option<Vec<String>> =
            expected.map(|values| values.iter().map(|&value| value.to_owned()).collect());
        assert_eq!(found, expected, "{written}");
    }
}
