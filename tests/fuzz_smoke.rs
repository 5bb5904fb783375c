//! Every parser of outside bytes over its seeds and 20,000 mutations of them: no panic.
//!
//! The same functions run under libFuzzer in `cargo gate`, for longer and led by coverage.

#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/targets.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};

use mutate::Mutator;
use targets::{TARGETS, Target};

/// Mutations for each target.
const MUTATIONS: usize = 20_000;
/// Whole documents and pictures take longer: fewer of these. libFuzzer gives them the same time as the others.
const SLOW: [(&str, usize); 5] =
    [("ceremony_file", 4_000), ("ofd", 1_000), ("ofd_files", 1_000), ("pdf", 1_000), ("picture", 60)];

/// Whether the input parses.
fn run(target: &Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).unwrap_or_else(|_| {
        let hex: String = input.iter().map(|b| format!("{b:02x}")).collect();
        panic!("{} panics on {hex}\nas text: {}", target.name, String::from_utf8_lossy(input));
    })
}

fn smoke(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of that name");
    let seeds = (target.seeds)();
    // From seeds that do not parse, mutations would not get past the first check.
    let parsed = seeds.iter().filter(|seed| run(target, seed)).count();
    assert!(parsed > 0 && 2 * parsed >= seeds.len(), "{parsed} of {} seeds parse", seeds.len());
    // Nothing, one octet, and much of the same.
    for input in [&[][..], &[0x30], &[0x30; 4096], &[0xff; 4096], &[b'['; 4096], "\u{feff}\u{0}".as_bytes()] {
        run(target, input);
    }
    let mut mutator = Mutator::new(name, seeds);
    let mutations = SLOW.iter().find(|(slow, _)| *slow == name).map_or(MUTATIONS, |(_, mutations)| *mutations);
    let parsed = (0..mutations).filter(|_| run(target, &mutator.input())).count();
    println!("{name}: {parsed} of {mutations} mutations parse");
}

macro_rules! smoke_tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() { smoke(stringify!($name)); })*

        #[test]
        fn every_target_is_run() {
            let run = [$(stringify!($name)),*];
            let missing: Vec<_> = TARGETS.iter().map(|target| target.name).filter(|name| !run.contains(name)).collect();
            assert!(missing.is_empty(), "add to smoke_tests!: {missing:?}");
        }
    };
}

smoke_tests! {
    api audit_entry backup batch ceremony_file ceremony_plan certificate certificate_tolerant checkpoint chrony config crl crl_lint crl_tolerant csr csr_names csr_response digits evidence identity instant lint lint_signed mail name_der name_text ntp nts ocsp_address ocsp_answer ocsp_request ofd ofd_files passkey path pdf picture profile public_key receipt san_der san_text seal seal_signature serial share shown signature signed_data stamp_request stamp_token
}

#[test]
fn a_target_that_panics_is_found() {
    let target = Target { name: "bad", run: |data| data.len() < 9 || panic!("too long"), seeds: Vec::new };
    assert!(run(&target, b"short"));
    let found = catch_unwind(AssertUnwindSafe(|| run(&target, b"not so short")));
    let message = found.expect_err("a panic").downcast::<String>().expect("a message");
    assert!(message.contains("bad panics on 6e6f7420"), "{message}");
}

#[test]
fn the_receipt_among_the_seeds_is_genuine() {
    let receipt = serde_json::from_slice(include_bytes!("fuzz/seeds/receipt.json")).expect("a receipt");
    let certificate = include_bytes!("fuzz/seeds/receipt.cer");
    let root = include_bytes!("fuzz/seeds/receipt-root.cer").to_vec();
    let at = "2027-01-01T00:00:00Z".parse().expect("a time");
    // Only then do mutations of it reach the last of the checks.
    let facts = web::receipt::verify(&receipt, Some(certificate), &[root], at).expect("a genuine receipt");
    assert_eq!(facts.entry.event, "cert.issued");
}

#[test]
fn mutations_are_the_same_in_every_run_and_differ_from_one_another() {
    let inputs = |name| {
        let mut mutator = Mutator::new(name, vec![b"some seed".to_vec(), b"another".to_vec()]);
        (0..100).map(|_| mutator.input()).collect::<Vec<_>>()
    };
    assert_eq!(inputs("a"), inputs("a"));
    assert_ne!(inputs("a"), inputs("b"));
    let distinct: std::collections::HashSet<_> = inputs("a").into_iter().collect();
    assert!(distinct.len() > 90, "{}", distinct.len());
}
