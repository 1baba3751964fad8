use super::*;

const ID: &str = "abcdefghijklmnopqrstuvwxyz";

fn startup(parameters: &[(&str, &str)]) -> Startup {
    Startup {
        version: ProtocolVersion::V3_0,
        parameters: parameters
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).into()))
            .collect(),
    }
}

fn refusal(outcome: Result<impl std::fmt::Debug, Closed>) -> (String, String) {
    match outcome {
        Err(Closed::Refused(response)) => (response.sqlstate.to_string(), response.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_postgresql_gets() {
    let packet = behind(
        &startup(&[
            ("user", "alice"),
            ("TimeZone", "UTC"),
            ("database", "postgres"),
            ("disable_sync_create_index", "on"),
            ("_pq_.x", "1"),
            (
                "options",
                "-c search_path=a -c amzn-cluster-id=abcdefghijklmnopqrstuvwxyz",
            ),
        ]),
        ID,
    )
    .unwrap();
    let Ok(Some((FirstPacket::Startup(sent), _))) = FirstPacket::read(&packet) else {
        panic!("no startup packet: {packet:?}")
    };
    let expected = startup(&[
        ("user", "alice"),
        ("search_path", "a"),
        ("TimeZone", "UTC"),
        ("dsql_local.disable_sync_create_index", "on"),
        ("database", "postgres"),
        ("lock_timeout", "80ms"),
    ]);
    assert_eq!(sent, expected);
}

#[test]
fn databases() {
    let to = |parameters: &[(&str, &str)]| refusal(behind(&startup(parameters), ID));
    assert_eq!(
        to(&[("user", "admin")]),
        (
            "3D000".to_owned(),
            "database \"admin\" does not exist".to_owned()
        )
    );
    assert_eq!(
        to(&[("user", "admin"), ("database", "template1")]).0,
        "3D000"
    );
}

#[test]
fn other_clusters_and_protocols() {
    let other = behind(
        &startup(&[("user", "admin"), ("amzn-cluster-id", "other")]),
        ID,
    );
    assert_eq!(refusal(other).0, "28000");
    let old = Startup {
        version: ProtocolVersion { major: 2, minor: 0 },
        parameters: vec![],
    };
    assert_eq!(
        refusal(negotiate_version(&old, &mut BytesMut::new())),
        (
            "0A000".to_owned(),
            "unsupported frontend protocol 2.0: server supports 3.0 to 3.0".to_owned()
        )
    );
}
