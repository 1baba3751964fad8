mod answers;
mod notation;

use super::*;

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
fn no_probe_is_there_twice() {
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

#[test]
fn every_file_of_the_folder_is_run() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance/probes");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(SUITE.iter().any(|(subject, _)| *subject == name), "{name}");
    }
}
