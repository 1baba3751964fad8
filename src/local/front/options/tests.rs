use super::*;

fn settings(options: &str) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let parsed = parse(options.as_bytes()).unwrap();
    parsed
        .into_iter()
        .map(|(n, v)| (text(n), text(v)))
        .collect()
}

#[test]
fn both_spellings() {
    for (options, name, value) in [
        ("-c a=b", "a", "b"),
        ("  -c   a=b  ", "a", "b"),
        ("-ca=b", "a", "b"),
        ("--a=b", "a", "b"),
        ("--work-mem=b", "work_mem", "b"),
        ("-c a=", "a", ""),
        ("-c a=b=c", "a", "b=c"),
        (r"-c a=x\ y\\z", "a", r"x y\z"),
        ("-c\ta=b\n", "a", "b"),
        ("-c amzn-cluster-id=x", "amzn-cluster-id", "x"),
        ("-c a=b\\", "a", "b"),
    ] {
        assert_eq!(
            settings(options),
            [(name.to_owned(), value.to_owned())],
            "{options}"
        );
    }
    assert_eq!(settings("").len(), 0);
    assert_eq!(settings("-c a=1 --b=2 -cc=3").len(), 3);
}

#[test]
fn everything_else_is_refused() {
    for (options, message) in [
        (
            "-d 5",
            "invalid command-line argument for server process: -d",
        ),
        ("x", "invalid command-line argument for server process: x"),
        ("--", "invalid command-line argument for server process: --"),
        ("-c", "-c requires a value"),
        ("-c a", "-c requires a value"),
        ("--a", "--a requires a value"),
    ] {
        let error = parse(options.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message, "{options}");
        assert_eq!(error.sqlstate().as_str(), "42601");
    }
}
