use super::*;

const PUBLIC: &str = "test.dsql.us-east-1.on.aws";
const PRIVATE: &str = "test.dsql-fnh4.us-east-1.on.aws";
const ID: &str = "4btlrb3gwmfvyckkdyzz4i5pbe";

fn cluster(text: &str) -> Cluster {
    text.parse().expect(text)
}

fn nowhere() -> Option<aws_config::Region> {
    None
}

#[tokio::test]
async fn the_endpoint_decides_without_asking_aws() {
    for endpoint in [PUBLIC, PRIVATE] {
        for setting in [None, Some("us-east-1"), Some(" us-east-1 ")] {
            let region = resolve(&cluster(endpoint), setting, "eu-west-1").await;
            assert_eq!(region.as_ref().map(Region::as_str), Ok("us-east-1"));
        }
    }
}

#[tokio::test]
async fn then_the_setting_and_then_the_chain() {
    for name in [ID, "localhost"] {
        let set = resolve(&cluster(name), Some("eu-west-2"), "eu-west-1").await;
        assert_eq!(set.as_ref().map(Region::as_str), Ok("eu-west-2"));
        let found = resolve(&cluster(name), None, "eu-west-1").await;
        assert_eq!(found.as_ref().map(Region::as_str), Ok("eu-west-1"));
    }
}

#[tokio::test]
async fn nothing_known_names_the_ways() {
    let error = resolve(&cluster(ID), None, nowhere())
        .await
        .expect_err("unknown");
    let cluster = ID.to_owned();
    assert_eq!(error, RegionError::Unknown { cluster });
    for way in [
        "--region",
        "AWS_REGION",
        "<id>.dsql.<region>.on.aws",
        "profile",
    ] {
        assert!(error.hint().contains(way), "{way}: {}", error.hint());
    }
}

#[test]
fn a_contradiction_explains_both_sides() {
    let error = configured(&cluster(PUBLIC), Some("eu-west-1")).expect_err("contradiction");
    assert_eq!(
        error.to_string(),
        "endpoint `test.dsql.us-east-1.on.aws` is in region us-east-1, but the region is set to eu-west-1"
    );
}

#[tokio::test]
async fn a_region_that_is_none_is_told_with_its_origin() {
    let error = configured(&cluster(ID), Some("Virginia")).expect_err("malformed");
    assert_eq!(
        error.to_string(),
        "`Virginia` (from --region) is not the name of a region"
    );
    let error = resolve(&cluster(ID), None, "a/b")
        .await
        .expect_err("malformed");
    let from = "from the AWS environment or profile";
    assert_eq!(
        error,
        RegionError::Malformed {
            name: "a/b".to_owned(),
            from
        }
    );
}

#[test]
fn what_is_configured_needs_no_runtime() {
    assert_eq!(configured(&cluster(ID), None), Ok(None));
    assert!(matches!(configured(&cluster(PUBLIC), None), Ok(Some(_))));
}
