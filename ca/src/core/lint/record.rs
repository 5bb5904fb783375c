//! Rules against what has been issued before. The store says what it knows, in the transaction that stores the intent,
//! so that of two issuances at once the later one sees the earlier.

use pki_config::Serial;

use super::{Finding, Severity};

/// What the store knows about a serial and a key that are about to be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The serial that is about to be used.
    pub serial: Option<Serial>,
    /// A serial of the same issuer with the same upper 64 bits, if there is one.
    pub near: Option<Serial>,
    /// Whether a certificate with this key was revoked for key compromise.
    pub compromised: bool,
    /// Whether another tenant has a certificate or request with this key, or an authority here has it.
    pub shared: bool,
}

type Check = fn(&History) -> Option<&'static str>;

const LINTS: [(&str, &str, Check); 4] = [
    ("serial_reused", "5280 4.1.2.2", |record| {
        let same = record.near.is_some() && record.near == record.serial;
        same.then_some("the issuer has used this serial number")
    }),
    // Sixteen random octets meet like this once in 2^32 certificates; a source that counts or repeats, at once.
    ("serial_sibling", "BR 7.1.2; own", |record| {
        let near = record.near.is_some() && record.near != record.serial;
        near.then_some("the serial number is close to another: the random source is suspect")
    }),
    ("key_compromised", "BR 6.1.1.3", |record| {
        record.compromised.then_some("a certificate with this key was revoked for key compromise")
    }),
    ("key_shared", "own", |record| record.shared.then_some("the key is somebody else's")),
];

/// The identifier and clause of every rule against what was issued before. All of them are errors.
pub fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    LINTS.into_iter().map(|(id, section, _)| (id, section))
}

/// Holds what the store knows against the rules.
#[must_use]
pub fn examine(record: &History) -> Vec<Finding> {
    let finding =
        |lint, section, detail: &str| Finding { lint, section, severity: Severity::Error, detail: detail.to_owned() };
    LINTS.into_iter().filter_map(|(id, section, check)| Some(finding(id, section, check(record)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(record: &History) -> Vec<&'static str> {
        examine(record).into_iter().map(|finding| finding.lint).collect()
    }

    fn serial(text: &str) -> Option<Serial> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_new_serial_and_key_break_no_rule() {
        let record = History { serial: serial("4F0AC1D2E3F405162738495A6B7C8D9E"), ..History::default() };
        assert_eq!(found(&record), Vec::<&str>::new());
    }

    #[test]
    fn each_rule_fails_alone() {
        let new = History { serial: serial("4F0AC1D2E3F405162738495A6B7C8D9E"), ..History::default() };
        assert_eq!(found(&History { near: new.serial.clone(), ..new.clone() }), ["serial_reused"]);
        let near = serial("4F0AC1D2E3F40516FFFFFFFFFFFFFFFF");
        assert_eq!(found(&History { near, ..new.clone() }), ["serial_sibling"]);
        assert_eq!(found(&History { compromised: true, ..new.clone() }), ["key_compromised"]);
        assert_eq!(found(&History { shared: true, ..new }), ["key_shared"]);
    }

    #[test]
    fn every_rule_is_shown_to_fail() {
        let tests = include_str!("record.rs");
        for (id, _) in rules() {
            assert!(tests.contains(&format!("[\"{id}\"]")), "{id}");
        }
    }
}
