use super::check::check;
use super::client::Reply;
use super::expand::{Names, expand};
use super::*;
use crate::wire::backend::TransactionStatus;

fn probes(text: &str) -> Vec<Probe> {
    parse("test", text).unwrap()
}

fn why(text: &str) -> (usize, String) {
    let error = parse("test", text).unwrap_err();
    (error.line, error.why)
}

#[test]
fn every_file_can_be_read() {
    let probes = suite().unwrap();
    assert!(probes.len() >= 400, "{} probes", probes.len());
    for (subject, _) in SUITE {
        assert!(
            probes.iter().any(|probe| probe.subject == *subject),
            "{subject}"
        );
    }
    for probe in &probes {
        assert!(
            !Variant::of(probe).is_empty(),
            "{} never runs",
            probe.place()
        );
    }
}

#[test]
fn no_two_probes_of_a_group_are_the_same() {
    let probes = suite().unwrap();
    for (index, probe) in probes.iter().enumerate() {
        let twin = probes[index + 1..].iter().find(|other| {
            other.subject == probe.subject
                && other.steps == probe.steps
                && other.marks == probe.marks
                && other.setup == probe.setup
        });
        if let Some(twin) = twin {
            panic!("{} is {} once more", twin.place(), probe.place());
        }
    }
}
