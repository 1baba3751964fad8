use super::known::POSTGRESQL;
use super::*;

#[test]
fn tables_are_sorted_unique_and_lower_case() {
    assert!(POSTGRESQL.is_sorted_by(|a, b| a < b));
    assert!(
        POSTGRESQL
            .iter()
            .all(|name| *name == name.to_ascii_lowercase())
    );
    assert!(SUPPORTED.is_sorted_by(|a, b| a.name < b.name));
    assert!(
        SUPPORTED
            .iter()
            .all(|parameter| parameter.name == parameter.name.to_lowercase())
    );
}

#[test]
fn every_supported_parameter_is_postgresqls_or_dsqls_own() {
    let own = ["disable_sync_create_index", "dsql.enable_batched_nestloop"];
    for parameter in SUPPORTED {
        let own = own.contains(&parameter.name);
        assert_ne!(
            own,
            is_known_to_postgresql(parameter.name),
            "{}",
            parameter.name
        );
        assert!(!parameter.source.is_empty() && parameter.date.starts_with("20"));
    }
}

#[test]
fn support_of_parameters() {
    use Support::*;
    for (name, expected) in [
        ("application_name", Supported),
        ("DateStyle", Supported),
        ("TimeZone", Supported),
        ("search_path", Supported),
        ("extra_float_digits", Supported),
        ("dsql.enable_batched_nestloop", Supported),
        ("disable_sync_create_index", Supported),
        ("role", Disputed),
        ("Role", Disputed),
        ("session_authorization", Unsupported),
        ("client_min_messages", Unsupported),
        ("Statement_Timeout", Unsupported),
        ("transaction_timeout", Unsupported),
        ("restrict_nonsystem_relation_kind", Unsupported),
        ("io_method", Unsupported),
        ("standard_conforming_strings", Unsupported),
        ("default_transaction_isolation", Unsupported),
        ("transaction_isolation", Unsupported),
        ("enable_hashagg", Unsupported),
        ("myapp.user_id", Unsupported),
        ("a.b.c", Unsupported),
        ("dsql.something_new", Unknown),
        ("DSQL.something_new", Unknown),
        ("no_such_parameter", Unknown),
        ("", Unknown),
        (".", Unknown),
        ("a.", Unknown),
    ] {
        assert_eq!(support(name), expected, "{name}");
    }
}

#[test]
fn the_answer_has_dsqls_text() {
    let text = not_supported("client_min_messages");
    assert_eq!(
        text,
        "setting configuration parameter \"client_min_messages\" not supported"
    );
    assert!(text.starts_with(NOT_SUPPORTED_PREFIX));
    assert_eq!(SQLSTATE, "0A000");
}
