//! Under which names strangers may register: the Public Suffix List as of 2026-10-22, its ICANN section.

use std::sync::LazyLock;

/// See `data/README.md` for its origin.
static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("data/public-suffixes.txt").lines().collect());

/// The top-level domains delegated on that day, sorted. The list has `onion` too, which is not in the root (RFC 7686).
static TOPS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut tops: Vec<&str> =
        LINES.iter().filter_map(|line| line.rsplit('.').next()).filter(|top| *top != "onion").collect();
    tops.sort_unstable();
    tops.dedup();
    tops
});

fn listed(line: &str) -> bool {
    LINES.binary_search(&line).is_ok()
}

/// Whether a top-level domain is delegated. `label` is in lower case and ASCII form.
pub(super) fn is_top_level(label: &str) -> bool {
    TOPS.binary_search(&label).is_ok()
}

/// Whether anybody may register below `domain`, or below all of its labels, so that a wildcard there would cover
/// strangers. `domain` is in lower case and ASCII form.
pub(super) fn is_public_suffix(domain: &str) -> bool {
    if listed(&format!("!{domain}")) {
        return false;
    }
    let every_label_of = |parent: &str| listed(&format!("*.{parent}"));
    // A name with one label is a suffix whether or not it is listed, by the list's own default rule.
    match domain.split_once('.') {
        None => true,
        Some((_, parent)) => listed(domain) || every_label_of(parent) || every_label_of(domain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_whole() {
        assert!(LINES.is_sorted_by(|a, b| a < b));
        assert_eq!((LINES.len(), TOPS.len()), (6949, 1447));
        assert!(LINES.iter().all(|line| line.is_ascii() && !line.bytes().any(|b| b.is_ascii_uppercase())));
    }

    /// Cases of the list's own test file, `tests/test_psl.txt` of its repository.
    #[test]
    fn names_are_suffixes_as_the_lists_own_tests_say() {
        for suffix in
            ["com", "cn", "com.cn", "co.uk", "ck", "test.ck", "kobe.jp", "c.kobe.jp", "xn--55qx5d.cn", "mm", "c.mm"]
        {
            assert!(is_public_suffix(suffix), "{suffix}");
        }
        for name in ["example.com", "example.cn", "example.com.cn", "www.ck", "city.kobe.jp", "b.c.kobe.jp", "b.c.mm"] {
            assert!(!is_public_suffix(name), "{name}");
        }
    }

    #[test]
    fn top_level_domains_are_those_of_the_root() {
        for label in ["cn", "com", "arpa", "ck", "xn--fiqs8s"] {
            assert!(is_top_level(label), "{label}");
        }
        for label in ["local", "internal", "lan", "corp", "test", "localhost", "example", "onion", ""] {
            assert!(!is_top_level(label), "{label}");
        }
    }
}
