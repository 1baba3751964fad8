use super::*;

#[test]
fn the_timeline_is_in_order() {
    assert!(TIMELINE.is_sorted_by_key(|step| step.since));
    assert!(
        TIMELINE
            .iter()
            .all(|step| !step.feature.is_empty() && !step.source.is_empty())
    );
}
