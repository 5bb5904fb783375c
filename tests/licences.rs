//! Every dependency has a licence we may link with, comes from the registry, and is not a banned one.
//!
//! The lists are those of `.cargo/deny.toml`, so that this test and `cargo deny` agree; this test
//! needs no tool and no network.

use std::path::Path;
use std::process::Command;

/// The parts of `.cargo/deny.toml` looked at here.
struct Rules {
    allowed: Vec<String>,
    banned: Vec<String>,
}

fn rules() -> Rules {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cargo/deny.toml");
    let text = std::fs::read_to_string(file).expect("the list is part of the project");
    let table: toml::Table = text.parse().expect("a TOML file");
    let strings = |value: &toml::Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|v| Some(v.as_str()?.to_owned())).collect()
    };
    let banned = table["bans"]["deny"].as_array().into_iter().flatten();
    let banned = banned.filter_map(|ban| Some(ban["crate"].as_str()?.to_owned())).collect();
    Rules { allowed: strings(&table["licenses"]["allow"]), banned }
}

/// A package that is built for this platform.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    /// A folder or an address in parentheses; empty for a package from the registry.
    source: String,
    licence: String,
}

/// From a line of `cargo tree`: `name vVERSION (source)|licence`, perhaps with ` (*)` behind.
fn package(line: &str) -> Option<Package> {
    let (what, licence) = line.split_once('|')?;
    let mut words = what.splitn(3, ' ');
    let (name, version) = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
    let source = words.next().unwrap_or_default().to_owned();
    let licence = licence.trim_end_matches(" (*)").trim().to_owned();
    Some(Package { name, version, source, licence })
}

/// All packages that the workspace builds here, for tests too. `cargo metadata` would also list what
/// is merely possible: optional parts of dependencies that nobody switched on.
fn packages() -> Vec<Package> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["tree", "--workspace", "--edges", "all", "--prefix", "none", "--locked", "--format", "{p}|{l}"]);
    let output = cargo.output().expect("the cargo that built this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let mut packages: Vec<Package> = text.lines().filter_map(package).collect();
    packages.sort();
    packages.dedup();
    packages
}

/// What is wrong with the licence of a package.
fn fault(licence: &str, allowed: &[String]) -> Option<String> {
    match Expression::parse(licence) {
        Ok(expression) if expression.is_met_by(allowed) => None,
        Ok(_) => Some(format!("licence '{licence}'")),
        Err(why) => Some(format!("licence '{licence}': {why}")),
    }
}

/// Whether a package is on the list of the banned, which names `NAME` or `NAME@<VERSION`.
fn is_banned(name: &str, version: &str, banned: &[String]) -> bool {
    let numbers = |text: &str| -> Vec<u64> { text.split(['.', '-', '+']).filter_map(|n| n.parse().ok()).collect() };
    banned.iter().any(|ban| match ban.split_once("@<") {
        Some((of, below)) => of == name && numbers(version) < numbers(below),
        None => ban == name,
    })
}

/// An SPDX licence expression, as in the `license` field of Cargo.toml; `/` is an old way to write `OR`.
#[derive(Debug, PartialEq, Eq)]
enum Expression {
    One(String),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

impl Expression {
    fn parse(text: &str) -> Result<Self, String> {
        let spaced = text.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut rest = words.as_slice();
        let expression = Self::any(&mut rest)?;
        if rest.is_empty() { Ok(expression) } else { Err(format!("'{}' too much", rest.join(" "))) }
    }

    fn any(rest: &mut &[&str]) -> Result<Self, String> {
        let mut parts = vec![Self::all(rest)?];
        while take(rest, "OR") {
            parts.push(Self::all(rest)?);
        }
        Ok(Self::Any(parts))
    }

    fn all(rest: &mut &[&str]) -> Result<Self, String> {
        let mut parts = vec![Self::one(rest)?];
        while take(rest, "AND") {
            parts.push(Self::one(rest)?);
        }
        Ok(Self::All(parts))
    }

    fn one(rest: &mut &[&str]) -> Result<Self, String> {
        if take(rest, "(") {
            let inner = Self::any(rest)?;
            return if take(rest, ")") { Ok(inner) } else { Err("a parenthesis is not closed".into()) };
        }
        let (name, after) = rest.split_first().ok_or("it ends too early")?;
        *rest = after;
        if !take(rest, "WITH") {
            return Ok(Self::One((*name).to_owned()));
        }
        let (exception, after) = rest.split_first().ok_or("it ends too early")?;
        *rest = after;
        Ok(Self::One(format!("{name} WITH {exception}")))
    }

    fn is_met_by(&self, allowed: &[String]) -> bool {
        match self {
            Self::One(name) => allowed.contains(name),
            Self::All(parts) => parts.iter().all(|part| part.is_met_by(allowed)),
            Self::Any(parts) => parts.iter().any(|part| part.is_met_by(allowed)),
        }
    }
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let found = rest.first() == Some(&word);
    if found {
        *rest = &rest[1..];
    }
    found
}

#[test]
fn every_dependency_may_be_linked_with() {
    let rules = rules();
    let packages = packages();
    // Not an empty list that nothing can be wrong with.
    assert!(packages.iter().any(|package| package.name == "x509-cert"));
    let mut faults = Vec::new();
    for Package { name, version, source, licence } in &packages {
        if let Some(fault) = fault(licence, &rules.allowed) {
            faults.push(format!("{name} {version}: {fault}"));
        }
        if is_banned(name, version, &rules.banned) {
            faults.push(format!("{name} {version}: banned in .cargo/deny.toml"));
        }
        if source.contains("://") {
            faults.push(format!("{name} {version}: from {source}, not from the registry"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_licence_outside_the_list_is_found() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"].map(str::to_owned);
    let good = [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR X",
    ];
    for text in good {
        assert_eq!(fault(text, &allowed), None, "{text}");
    }
    for text in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR X) AND X", "MIT WITH X", "(MIT", "MIT OR", "MIT X", ""] {
        assert!(fault(text, &allowed).is_some(), "{text}");
    }
}

#[test]
fn a_banned_version_is_found_and_a_later_one_is_not() {
    let banned = ["rsa", "sm2@<0.14.0"].map(str::to_owned);
    assert!(is_banned("rsa", "0.9.8", &banned));
    assert!(is_banned("sm2", "0.13.3", &banned));
    assert!(!is_banned("sm2", "0.14.0", &banned));
    assert!(!is_banned("serde", "1.0.0", &banned));
}

#[test]
fn a_line_of_the_tree_is_read_with_and_without_a_source() {
    let plain = package("aes v0.9.0|MIT OR Apache-2.0 (*)").expect("a package");
    assert_eq!(
        (plain.version.as_str(), plain.source.as_str(), plain.licence.as_str()),
        ("0.9.0", "", "MIT OR Apache-2.0")
    );
    let foreign = package("x v1.0.0 (https://example.org/x.git#12345678)|").expect("a package");
    assert!(foreign.source.contains("://") && foreign.licence.is_empty());
}

#[test]
fn the_lists_are_read_from_the_file() {
    let rules = rules();
    assert!(rules.allowed.iter().any(|name| name == "MIT") && rules.banned.iter().any(|name| name == "rsa"));
}
