//! What servers have to say about what a client brings.

use super::Mode;
use crate::support::postgres::Postgres;
use crate::support::raw::{Message, RawClient};

/// The texts of all notices.
fn notices(messages: &[Message]) -> Vec<String> {
    let notices = messages.iter().filter(|(tag, _)| *tag == b'N');
    let fields = notices.map(|(_, body)| {
        let mut fields = body.split(|byte| *byte == 0);
        let text = fields.find_map(|field| field.strip_prefix(b"M")).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    });
    fields.collect()
}

#[tokio::test]
async fn every_login_gets_the_notices_of_the_first() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        for round in 0..3 {
            for letters in [63, 65] {
                let name = "x".repeat(letters);
                let mut client = RawClient::connect(proxy.port()).await;
                let brought = [
                    ("user", "bench"),
                    ("database", "postgres"),
                    ("application_name", &name),
                ];
                let welcome = client.start_with(&brought).await;
                let kept = "x".repeat(63);
                let expected = match letters {
                    65 => vec![format!(
                        "identifier \"{name}\" will be truncated to \"{kept}\""
                    )],
                    _ => vec![],
                };
                let what = format!("{mode:?} {round} {letters}");
                assert_eq!(notices(&welcome), expected, "{what}");
                let answer = client.query("show application_name").await;
                assert_eq!(notices(&answer), [""; 0], "{what}");
                assert_eq!(crate::support::raw::values(&answer), [kept], "{what}");
                let drop = "drop database if exists noexistdb";
                let answer = client.query(drop).await;
                let expected = "database \"noexistdb\" does not exist, skipping";
                assert_eq!(notices(&answer), [expected], "{what}");
            }
        }
    }
}
