use super::*;

#[test]
fn texts_name_the_limit_that_was_crossed() {
    let age = TRANSACTION_AGE;
    assert_eq!(
        age.message(age.value, 310, ""),
        "transaction age limit of 300s exceeded"
    );
    assert_eq!(
        age.detail(age.value, 310).as_deref(),
        Some("Current transaction age 310s exceeds 300s")
    );
    let size = TRANSACTION_SIZE;
    assert_eq!(
        size.message(size.value, size.value + 1, ""),
        "transaction size limit 10mb exceeded"
    );
    assert_eq!(
        size.detail(size.value, size.value + 1).as_deref(),
        Some("Current transaction size 11mb > 10mb")
    );
    assert_eq!(
        QUERY_MEMORY.message(QUERY_MEMORY.value, 0, ""),
        "query requires more than allowed temp space of 131072 KB to execute"
    );
    assert_eq!(
        VALUE_SIZE.message(VALUE_SIZE.value, 0, "jsonb"),
        "datatype limit greater than 1048576 bytes not supported for jsonb"
    );
    assert_eq!(
        NUMERIC_PRECISION.message(1000, 1001, ""),
        "NUMERIC precision 1001 must be between 1 and 1000"
    );
}

#[test]
fn every_limit_is_complete() {
    for (i, limit) in ALL.iter().enumerate() {
        assert!(
            ALL.iter().skip(i + 1).all(|other| other.name != limit.name),
            "{}",
            limit.name
        );
        let silent = limit.raised == Raised::Closed;
        assert_eq!(limit.message.is_empty(), silent, "{}", limit.name);
        assert_eq!(limit.sqlstate.len(), if silent { 0 } else { 5 });
        assert!(limit.value > 0 && limit.scale > 0, "{}", limit.name);
        assert!(!limit.source.is_empty() && limit.date.starts_with("2026-"));
    }
}
