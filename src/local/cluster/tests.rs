use super::shell_quoted;

#[test]
fn values_survive_the_shell() {
    for (value, quoted) in [
        ("us-east-1", "us-east-1"),
        ("ab/c+d", "ab/c+d"),
        ("127.0.0.1:5432", "127.0.0.1:5432"),
        ("/tmp/my dir/ca.pem", "'/tmp/my dir/ca.pem'"),
        ("it's $HOME", r"'it'\''s $HOME'"),
        ("", ""),
    ] {
        assert_eq!(shell_quoted(value), quoted);
    }
}
