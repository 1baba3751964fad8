use super::*;

#[test]
fn a_token_is_shown_only_when_asked_for() {
    let token = Token::new("host/?X-Amz-Signature=abc".to_owned());
    assert_eq!(format!("{token} {token:?} {:#?}", Some(&token)), {
        "redacted redacted Some(\n    redacted,\n)"
    });
    assert_eq!(token.expose(), "host/?X-Amz-Signature=abc");
}
