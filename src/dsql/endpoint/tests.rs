use super::*;

const ID: &str = "4btlrb3gwmfvyckkdyzz4i5pbe";
const HOST: &str = "4btlrb3gwmfvyckkdyzz4i5pbe.dsql.us-east-1.on.aws";

fn host(text: &str) -> String {
    match text.parse::<Cluster>() {
        Ok(Cluster::Endpoint(endpoint)) => endpoint.host().to_owned(),
        other => panic!("{text}: {other:?}"),
    }
}

fn refused(text: &str) -> EndpointError {
    text.parse::<Cluster>().expect_err(text)
}

#[test]
fn endpoints_are_accepted_in_every_spelling() {
    let private = format!("{ID}.dsql-fnh4.us-east-1.on.aws");
    for (typed, expected) in [
        (HOST.to_owned(), HOST),
        (HOST.to_uppercase(), HOST),
        (format!("  {HOST}\n"), HOST),
        (format!("{HOST}."), HOST),
        (format!("{HOST}:5432"), HOST),
        (format!("{HOST}.:5432"), HOST),
        (private.clone(), &private),
        ("localhost".to_owned(), "localhost"),
        ("dsql_local-1".to_owned(), "dsql_local-1"),
        (
            "vpce-0a1b-x.dsql-fnh4.us-east-1.vpce.amazonaws.com".to_owned(),
            "vpce-0a1b-x.dsql-fnh4.us-east-1.vpce.amazonaws.com",
        ),
    ] {
        assert_eq!(host(&typed), expected, "{typed}");
    }
}

#[test]
fn an_id_is_completed_with_a_region() {
    for typed in [ID.to_owned(), ID.to_uppercase(), format!("{ID}:5432")] {
        let cluster: Cluster = typed.parse().expect(&typed);
        assert_eq!(cluster, Cluster::Id(ClusterId(ID.to_owned())));
        assert_eq!(cluster.region(), None);
        let endpoint = cluster.endpoint(Some("us-east-1")).expect("region given");
        assert_eq!(endpoint.host(), HOST);
        assert_eq!(endpoint.region(), Some("us-east-1"));
        assert_eq!(endpoint.cluster_id(), Some(ID));
    }
}

#[test]
fn an_id_without_a_usable_region_says_what_to_add() {
    let cluster: Cluster = ID.parse().expect("an id");
    let error = cluster.endpoint(None).expect_err("no region");
    assert_eq!(error, EndpointError::IdNeedsRegion { id: ID.to_owned() });
    assert!(error.to_string().contains("--region"), "{error}");
    for region in [
        "",
        "us east 1",
        "us-east-1.on.aws/",
        "US-EAST-1",
        "-x",
        "a.b",
        "us_east",
    ] {
        let error = cluster.endpoint(Some(region)).expect_err(region);
        assert_eq!(error, EndpointError::BadRegion(region.to_owned()));
    }
}

#[test]
fn a_full_endpoint_keeps_its_own_region() {
    let cluster: Cluster = HOST.parse().expect("an endpoint");
    let endpoint = cluster.endpoint(Some("eu-west-1")).expect("an endpoint");
    assert_eq!(endpoint.host(), HOST);
}

#[test]
fn a_url_names_the_host_to_paste_and_hides_the_rest() {
    let secrets = "swordfish";
    for text in [
        format!("postgresql://admin:{secrets}@{HOST}:5432/postgres?sslmode=require"),
        format!("postgres://admin:{secrets}/with@slash@{HOST}/postgres"),
        format!("https://{HOST}/?Action=DbConnectAdmin&X-Amz-Signature={secrets}"),
        format!(
            "jdbc:postgresql://{}/postgres?password={secrets}",
            HOST.to_uppercase()
        ),
        format!("admin:{secrets}@{HOST}"),
    ] {
        let error = refused(&text);
        let EndpointError::Url { host } = &error else {
            panic!("{text}: {error:?}")
        };
        assert_eq!(host.as_deref(), Some(HOST), "{text}");
        assert!(error.to_string().contains(HOST), "{error}");
        assert!(!error.to_string().contains(secrets), "{error}");
    }
    let error = refused("postgresql://admin:swordfish@/postgres");
    assert_eq!(error, EndpointError::Url { host: None });
    assert!(error.to_string().contains("only the host part"), "{error}");
}

#[test]
fn a_connection_string_is_not_repeated() {
    let error = refused(&format!("host={HOST} user=admin password=swordfish"));
    assert_eq!(error, EndpointError::ConnectionString);
    assert!(!error.to_string().contains("swordfish"), "{error}");
}

#[test]
fn an_arn_names_the_endpoint_to_paste() {
    let error = refused(&format!("arn:aws:dsql:us-east-1:123456789012:cluster/{ID}"));
    let endpoint = Some(HOST.to_owned());
    assert_eq!(error, EndpointError::Arn { endpoint });
    assert_eq!(
        refused("arn:aws:iam::1:role/x"),
        EndpointError::Arn { endpoint: None }
    );
}

#[test]
fn another_port_is_refused_with_the_way_to_dial_it() {
    for port in ["5433", "0", "65537", "", "postgres"] {
        let error = refused(&format!("{HOST}:{port}"));
        let expected = EndpointError::Port {
            host: HOST.to_owned(),
            port: port.to_owned(),
        };
        assert_eq!(error, expected);
        assert!(error.to_string().contains("--upstream-address"), "{error}");
    }
}

#[test]
fn addresses_are_refused() {
    for text in [
        "127.0.0.1",
        "127.0.0.1:5432",
        "::1",
        "[::1]",
        "[::1]:5432",
        "fe80::1",
    ] {
        let error = refused(text);
        assert!(
            matches!(error, EndpointError::IpAddress(_)),
            "{text}: {error:?}"
        );
        assert!(error.to_string().contains("--upstream-address"), "{error}");
    }
}

#[test]
fn a_mistyped_id_is_not_taken_for_a_host() {
    let short = &ID[1..];
    let expected = EndpointError::AlmostAnId {
        text: short.to_owned(),
        length: 25,
    };
    assert_eq!(refused(short), expected);
}

#[test]
fn what_is_no_host_name_is_refused() {
    for text in [
        "",
        " ",
        ".",
        "..",
        ".a",
        "a..b",
        "-a",
        "a-.b",
        "a,b",
        "a/b",
        "bücher.example",
        "a%b",
        "xn--a.example",
        "a.1",
        "1.2.3",
        "a.0x1f",
        "a.0x",
        "host\0",
        "[::g]:5432",
        &"a".repeat(64),
        &format!("{}.b", "a.".repeat(130)),
    ] {
        let error = refused(text);
        let expected = matches!(error, EndpointError::BadHost { .. } | EndpointError::Empty);
        assert!(expected, "{text:?}: {error:?}");
    }
}

#[test]
fn the_region_is_where_aws_looks_for_it() {
    for (host, region) in [
        (HOST, Some("us-east-1")),
        ("test.dsql.us-gov-west-1.on.aws", Some("us-gov-west-1")),
        ("abc.dsql-fnh4.eu-west-2.on.aws", Some("eu-west-2")),
        ("abc.dsql-a-b.eu-west-2.on.aws", Some("eu-west-2")),
        ("abc.dsql-.eu-west-2.on.aws", None),
        ("abc.dsqlx.eu-west-2.on.aws", None),
        ("abc.dsql.eu.west.on.aws", None),
        ("abc.dsql..on.aws", None),
        ("abc.dsql.on.aws", None),
        (".dsql.us-east-1.on.aws", None),
        ("a-b.dsql.us-east-1.on.aws", None),
        ("abc.dsql.US-EAST-1.on.aws", None),
        ("abc.dsql.us-east-1.on.aws.", None),
        ("abc.dsql.us-east-1.on.aws.evil.example", None),
        ("x.abc.dsql.us-east-1.on.aws", None),
        ("localhost", None),
        ("", None),
    ] {
        assert_eq!(region_of(host), region, "{host}");
    }
}

proptest::proptest! {
    #[test]
    fn what_is_accepted_is_stable(text in "\\PC{0,80}") {
        if let Ok(Cluster::Endpoint(endpoint)) = text.parse() {
            let again: Cluster = endpoint.host().parse().expect("an accepted host");
            proptest::prop_assert_eq!(again, Cluster::Endpoint(endpoint));
        }
    }
}
