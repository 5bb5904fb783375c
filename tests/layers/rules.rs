//! The rules, each a function from a path and a text to what is wrong.

use std::path::Path;

use super::source::Source;

/// A crate and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crate {
    /// The folder, and the package's name in its last part.
    pub folder: &'static str,
    /// The crates of ours it may import.
    below: &'static [&'static str],
    /// How the names of its tables start.
    tables: &'static [&'static str],
}

impl Crate {
    fn name(&self) -> &'static str {
        self.folder.rsplit('/').next().unwrap_or(self.folder)
    }
}

const POOL: &[&str] = &["pki-config", "engine", "ledger", "crypto-pool"];

/// The layers, lowest first. Services of one layer never know each other: they meet through ports.
pub const CRATES: [Crate; 11] = [
    Crate { folder: "pki-config", below: &[], tables: &[] },
    Crate { folder: "crypto-pool/engine", below: &[], tables: &[] },
    Crate { folder: "crypto-pool/ledger", below: &["pki-config", "engine"], tables: &["audit_", "ledger_"] },
    // The engine is what its tests compare with.
    Crate { folder: "crypto-pool/sdf", below: &["engine"], tables: &[] },
    Crate { folder: "crypto-pool", below: &["pki-config", "engine", "ledger", "sdf"], tables: &["pool_"] },
    Crate { folder: "ca", below: POOL, tables: &["ca_"] },
    Crate { folder: "ca/key-centre", below: POOL, tables: &["centre_"] },
    Crate { folder: "ocsp", below: POOL, tables: &["ocsp_"] },
    Crate { folder: "tsa", below: POOL, tables: &["tsa_"] },
    Crate { folder: "eseal", below: POOL, tables: &["eseal_"] },
    Crate {
        folder: "web",
        below: &["pki-config", "engine", "ledger", "crypto-pool", "ca", "key-centre", "ocsp", "tsa", "eseal"],
        tables: &["web_"],
    },
];

fn not_below(krate: &Crate) -> impl Iterator<Item = &'static str> {
    CRATES.iter().map(Crate::name).filter(|name| *name != krate.name() && !krate.below.contains(name))
}

/// Dependencies, tests' included, on crates that are not below.
pub fn sideways_dependencies(krate: &Crate, manifest: &str) -> Vec<String> {
    let Ok(table) = manifest.parse::<toml::Table>() else {
        return vec![format!("{}/Cargo.toml cannot be read", krate.folder)];
    };
    let forbidden: Vec<&str> = not_below(krate).collect();
    let mut faults = Vec::new();
    let mut tables = vec![&table];
    tables.extend(
        table
            .get("target")
            .and_then(|t| t.as_table())
            .into_iter()
            .flat_map(|t| t.values())
            .filter_map(|t| t.as_table()),
    );
    for table in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in table.get(kind).and_then(|t| t.as_table()).into_iter().flatten() {
                // A renamed dependency is still the crate it is.
                let real = value.get("package").and_then(|p| p.as_str()).unwrap_or(name);
                if forbidden.contains(&real) {
                    faults.push(format!("{} may not depend on {real} ({kind})", krate.name()));
                }
            }
        }
    }
    faults
}

/// `use` of a crate that is not below; a module of the file's own with that name is something else.
pub fn sideways_imports(krate: &Crate, path: &str, text: &str) -> Vec<String> {
    let source = Source::of(text);
    let mut faults = Vec::new();
    for name in not_below(krate) {
        let name = name.replace('-', "_");
        if !source.lines_with(&format!("mod {name}")).is_empty() {
            continue;
        }
        for form in [format!("use {name}::"), format!("use ::{name}"), format!("extern crate {name}")] {
            faults.extend(source.lines_with(&form).iter().map(|line| format!("{path}:{line}: {form}")));
        }
    }
    faults
}

/// Whether a file must be values in, values out: a service's `src/core`, and the whole engine. Test
/// modules in files of their own (`tests.rs`) may show what they made to other software.
pub fn is_pure(krate: &Crate, path: &str) -> bool {
    let pure = krate.name() == "engine" || path.contains("/src/core/") || path.ends_with("/src/core.rs");
    pure && !is_test_file(path)
}

/// Whether a file holds the tests of a module: they may ask other programs and write files.
pub fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Whether the module above a test file says that it is one; else it would be part of the product.
pub fn declares_tests(text: &str) -> bool {
    let code = Source::of(text).code.split_whitespace().collect::<Vec<_>>().join(" ");
    ["mod tests;", "pub(crate) mod tests;", "pub(super) mod tests;"]
        .iter()
        .any(|module| code.contains(&format!("#[cfg(test)] {module}")))
}

/// I/O, clocks, threads, randomness and asynchrony.
pub fn impurities(path: &str, text: &str) -> Vec<String> {
    const WORDS: [&str; 29] = [
        "std::fs",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "std::thread",
        "std::process",
        "std::env",
        "std::os",
        "stdin",
        "stdout",
        "stderr",
        "println!",
        "eprintln!",
        "tokio",
        "async",
        "await",
        "rusqlite",
        "ledger::Db",
        "ledger::db",
        "SystemTime",
        "SystemClock",
        "std::time::Instant",
        "Instant::now",
        "Utc::now",
        "Local::now",
        "OsRandom",
        "OsRng",
    ];
    let source = Source::without_tests(text);
    let mut faults = Vec::new();
    for word in WORDS {
        faults.extend(source.lines_with(word).iter().map(|line| format!("{path}:{line}: {word}")));
    }
    // `use std::{fs, …}` and the like.
    for group in source.code.split("use std::{").skip(1).filter_map(|rest| rest.split('}').next()) {
        for name in group.split(',').map(|name| name.split("::").next().unwrap_or_default().trim()) {
            if ["fs", "thread", "process", "env", "os"].contains(&name) {
                faults.push(format!("{path}: use std::{{{name}}}"));
            }
        }
    }
    faults
}

/// The stores, and the ledger, whose whole subject is the database.
pub fn may_hold_sql(path: &str) -> bool {
    let ledger = ["db", "audit", "cover", "verify", "store"];
    path.ends_with("/src/store.rs")
        || path.contains("/src/store/")
        || ledger.iter().any(|part| {
            path.strip_prefix("crypto-pool/ledger/src/")
                .and_then(|rest| rest.strip_prefix(part))
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
}

/// String literals that are SQL statements.
pub fn sql_statements(path: &str, text: &str) -> Vec<String> {
    let strings = Source::without_tests(text).strings;
    strings.iter().filter(|(_, s)| is_sql(s)).map(|(line, s)| format!("{path}:{line}: {}", s.trim())).collect()
}

/// Whether a text starts as a statement does. Prose that starts with the same word is told from it by
/// what must follow.
fn is_sql(text: &str) -> bool {
    const STATEMENTS: [(&str, &str); 14] = [
        ("SELECT ", ""),
        ("select ", " from "),
        ("insert into ", ""),
        ("insert or ", " into "),
        ("replace into ", ""),
        ("update ", " set "),
        ("delete from ", ""),
        ("create table ", "("),
        ("create index ", " on "),
        ("create unique index ", " on "),
        ("create trigger ", " on "),
        ("alter table ", " "),
        ("drop table ", ""),
        ("with ", " as ("),
    ];
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = plain.to_lowercase();
    STATEMENTS
        .iter()
        .any(|(start, then)| (plain.starts_with(start) || lower.starts_with(start)) && lower.contains(then))
}

/// Tables in SQL literals that belong to another crate, or to nobody.
pub fn foreign_tables(krate: &Crate, path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, sql) in Source::without_tests(text).strings.iter().filter(|(_, s)| is_sql(s)) {
        faults.extend(foreign_tables_in_sql(krate, &format!("{path}:{line}"), sql));
    }
    faults
}

/// The same for a text that is SQL as a whole.
pub fn foreign_tables_in_sql(krate: &Crate, place: &str, sql: &str) -> Vec<String> {
    let fault = |name: &String| format!("{place}: {name} is no table of {}", krate.name());
    tables(sql).iter().filter(|name| !is_own(krate, name)).map(fault).collect()
}

/// Our own tables, and those in which SQLite keeps its schema.
fn is_own(krate: &Crate, table: &str) -> bool {
    krate.tables.iter().any(|prefix| table.starts_with(prefix)) || table.starts_with("sqlite_")
}

/// Names that stand where a table stands.
fn tables(sql: &str) -> Vec<String> {
    let plain: String =
        sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    // Parentheses and commas become words of their own; `\n` may stand in a literal as written.
    let spaced =
        plain.replace("\\n", " ").replace('\\', " ").replace(';', " ; ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()).collect();
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let at = |i: usize| lower.get(i).map_or("", String::as_str);
    // Names that the statement itself makes: WITH name AS (…), and further ones after a comma.
    let made: Vec<&str> = (0..words.len()).filter(|i| at(i + 1) == "as" && at(i + 2) == "(").map(at).collect();
    let mut found = Vec::new();
    for i in 0..words.len() {
        let names_a_table = match at(i) {
            "from" | "into" | "join" => true,
            "update" => at(i + 1) != "set" && !(i > 0 && ["do", "for", "on", "before", "after"].contains(&at(i - 1))),
            "table" => true,
            // Of an index or a trigger; elsewhere ON stands before a condition or CONFLICT.
            "on" => lower[..i].iter().rev().take(8).any(|word| word == "index" || word == "trigger"),
            _ => false,
        };
        let mut next = i + 1;
        while ["if", "not", "exists", "only"].contains(&at(next)) {
            next += 1;
        }
        let name = at(next).trim_matches(['"', '`', '[', ']']).to_owned();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        // A function that gives rows, such as json_each(…), is no table; INSERT INTO t (…) is one.
        let is_function = at(i) != "into" && at(i) != "table" && at(i) != "on" && at(next + 1) == "(";
        let is_made = made.contains(&name.as_str()) || name == "select";
        if names_a_table && is_name && !is_function && !is_made {
            found.push(name);
        }
    }
    found
}

/// HTTP servers and clients outside `web`.
pub fn http_outside_web(krate: &Crate, path: &str, text: &str) -> Vec<String> {
    if krate.name() == "web" {
        return Vec::new();
    }
    let source = Source::of(text);
    let words = ["axum", "hyper", "hyper_util", "http_body_util", "tower", "askama"];
    let found = words.iter().flat_map(|word| source.lines_with(&format!("{word}::")));
    found.map(|line| format!("{path}:{line}: HTTP belongs into web")).collect()
}

/// `unsafe` outside the files that speak to SIMD units, and the one that calls into the libraries of devices' vendors:
/// what is loaded while the program runs can be called in no other way.
pub fn unsafe_code(path: &str, text: &str) -> Vec<String> {
    const VENDORS: &str = "crypto-pool/sdf/src/ffi.rs";
    const SIMD: [&str; 8] =
        ["sm2/ifma", "sm2/adx", "sm3/lanes", "sm3/x86", "sm4/gfni", "sm4/avx2", "sm4/clmul", "sm4/x86"];
    let inside = path.strip_prefix("crypto-pool/engine/src/").is_some_and(|p| SIMD.iter().any(|s| p.starts_with(s)));
    if inside || path == VENDORS {
        return Vec::new();
    }
    Source::of(text).lines_with("unsafe").iter().map(|line| format!("{path}:{line}: unsafe")).collect()
}

/// Marks of work put off, in code, comments and prose.
pub fn unfinished(path: &str, text: &str) -> Vec<String> {
    // Written apart, so that this file is clean itself.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["X", "XX:"], ["unimple", "mented!"], ["to", "do!"]].map(|m| m.concat());
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for mark in &marks {
            let stands_alone = line.match_indices(mark.as_str()).any(|(at, _)| {
                let is_name = |c: char| c.is_alphanumeric() || c == '_';
                let after = line[at + mark.len()..].chars().next();
                !line[..at].chars().next_back().is_some_and(is_name)
                    && (mark.ends_with(['!', ':']) || !after.is_some_and(is_name))
            });
            if stands_alone {
                faults.push(format!("{path}:{}: {mark}", number + 1));
            }
        }
    }
    faults
}

/// Names that do not belong into the root folder. Hidden files are free; so is what is not ours.
pub fn not_at_the_top<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const NAMES: [&str; 15] = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "ca",
        "tsa",
        "eseal",
        "ocsp",
        "crypto-pool",
        "web",
        "pki-config",
        "tests",
        "benches",
        "target",
        "yinxin-data",
    ];
    names
        .filter(|name| !name.starts_with('.') && !NAMES.contains(&Path::new(name).to_str().unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn krate(folder: &str) -> Crate {
        *CRATES.iter().find(|krate| krate.folder == folder).expect("a crate of ours")
    }

    #[test]
    fn a_sideways_dependency_is_found_in_every_table() {
        let bad = [
            "[dependencies]\ntsa.workspace = true",
            "[dev-dependencies]\nweb = { path = \"../web\" }",
            "[dependencies]\nother = { package = \"ocsp\", path = \"../ocsp\" }",
            "[target.'cfg(unix)'.dependencies]\nocsp = \"1\"",
        ];
        for manifest in bad {
            assert_eq!(sideways_dependencies(&krate("ca"), manifest).len(), 1, "{manifest}");
        }
        let good = "[dependencies]\ncrypto-pool.workspace = true\nserde = \"1\"";
        assert!(sideways_dependencies(&krate("ca"), good).is_empty());
        assert!(!sideways_dependencies(&krate("crypto-pool/engine"), "[dependencies]\npki-config = \"1\"").is_empty());
        assert!(!sideways_dependencies(&krate("ca"), "[dependencies").is_empty());
    }

    #[test]
    fn a_sideways_import_is_found_and_a_module_of_that_name_is_none() {
        assert_eq!(sideways_imports(&krate("tsa"), "x", "use ca::Ca;").len(), 1);
        assert_eq!(sideways_imports(&krate("crypto-pool/ledger"), "x", "pub use crypto_pool::Kms;").len(), 1);
        assert!(sideways_imports(&krate("ca"), "x", "use crypto_pool::Kms; // use web::App").is_empty());
        assert!(sideways_imports(&krate("pki-config"), "x", "mod ca;\npub use ca::CaConfig;").is_empty());
    }

    #[test]
    fn io_time_and_asynchrony_are_found_in_a_core() {
        let bad = [
            "use std::fs;",
            "let t = SystemTime::now();",
            "let t = std::time::Instant::now();",
            "async fn f() {}",
            "std::thread::spawn(f);",
            "use tokio::sync::oneshot;",
            "fn f(db: &ledger::Db) {}",
            "use std::{fmt, fs};",
            "std::net::TcpStream::connect(a)",
            "rusqlite::Connection::open(p)",
            "Utc::now()",
        ];
        for text in bad {
            assert!(!impurities("x", text).is_empty(), "{text}");
        }
        let good = "use pki_config::Instant; fn f(now: Instant, out: &mut impl std::io::Write) {} // std::fs";
        assert!(impurities("x", good).is_empty());
        assert!(impurities("x", "use std::net::IpAddr;").is_empty(), "an address is a value");
        assert!(is_pure(&krate("ca"), "ca/src/core/lint/names.rs") && is_pure(&krate("crypto-pool/engine"), "any"));
        assert!(!is_pure(&krate("ca"), "ca/src/store.rs") && !is_pure(&krate("ca"), "ca/src/core/issue/tests.rs"));
    }

    #[test]
    fn a_file_of_tests_is_one_only_if_the_module_above_says_so() {
        assert!(is_test_file("ca/src/core/crl/tests.rs") && !is_test_file("ca/src/core/crl.rs"));
        assert!(declares_tests("mod a;\n#[cfg(test)]\nmod tests;"));
        assert!(!declares_tests("mod tests;") && !declares_tests("// #[cfg(test)] mod tests;"));
    }

    #[test]
    fn sql_is_found_in_literals_and_prose_is_not() {
        let bad = [
            "\"SELECT 1\"",
            "r\"\n   insert into ca_x values ($1)\"",
            "\"UPDATE ca_x SET a = 1\"",
            "\"delete from t\"",
            "\"CREATE TABLE t (a)\"",
            "\"WITH t AS (SELECT 1) SELECT * FROM t\"",
            "\"INSERT OR IGNORE INTO t\"",
        ];
        for text in bad {
            assert_eq!(sql_statements("x", text).len(), 1, "{text}");
        }
        let good =
            "// SELECT a\n\"select a profile\", \"Update the clock\", \"with a key\", \"create table\", \"UPDATE\"";
        assert!(sql_statements("x", good).is_empty());
        for path in [
            "ca/src/store.rs",
            "ca/src/store/crl.rs",
            "crypto-pool/ledger/src/db.rs",
            "crypto-pool/ledger/src/audit/tree.rs",
        ] {
            assert!(may_hold_sql(path), "{path}");
        }
        for path in
            ["ca/src/service.rs", "crypto-pool/src/kms.rs", "crypto-pool/src/db.rs", "crypto-pool/ledger/src/dbx.rs"]
        {
            assert!(!may_hold_sql(path), "{path}");
        }
    }

    #[test]
    fn a_table_of_another_crate_is_found_wherever_a_table_can_stand() {
        let bad = [
            "\"SELECT a FROM ca_x JOIN pool_key USING (id)\"",
            "\"INSERT INTO web_x(a) VALUES ($1)\"",
            "\"UPDATE pool_key SET a = 1\"",
            "\"SELECT * FROM certificates\"",
            "\"CREATE INDEX IF NOT EXISTS i ON pool_key (a)\"",
            "\"DELETE FROM audit_entry WHERE seq IN (SELECT seq FROM ca_x)\"",
        ];
        for text in bad {
            assert_eq!(foreign_tables(&krate("ca"), "x", text).len(), 1, "{text}");
        }
        let good = [
            "\"SELECT a FROM ca_x, json_each($1) JOIN json_each($2)\"",
            "\"INSERT INTO ca_x (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2\"",
            "\"WITH recent AS (SELECT a FROM ca_x) SELECT a FROM recent\"",
            "\"CREATE TABLE IF NOT EXISTS ca_x (a INTEGER) STRICT\"",
            "\"CREATE UNIQUE INDEX ca_i ON ca_x (a)\"",
            "\"SELECT a FROM (SELECT a FROM ca_x)\"",
            "\"a sentence from the web_server\"",
        ];
        for text in good {
            assert_eq!(foreign_tables(&krate("ca"), "x", text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(foreign_tables_in_sql(&krate("ca"), "x", "-- FROM web_x\nCREATE TABLE ocsp_x (a);").len(), 1);
        assert!(!foreign_tables(&krate("pki-config"), "x", "\"SELECT a FROM ca_x\"").is_empty());
    }

    #[test]
    fn http_below_web_is_found() {
        assert_eq!(http_outside_web(&krate("ca"), "x", "use axum::Router;").len(), 1);
        assert!(http_outside_web(&krate("web"), "x", "use axum::Router;").is_empty());
        assert!(http_outside_web(&krate("ca"), "x", "// axum::Router").is_empty());
    }

    #[test]
    fn unsafe_is_found_except_where_simd_and_vendors_libraries_are() {
        assert_eq!(unsafe_code("ca/src/lib.rs", "unsafe { f() }").len(), 1);
        assert!(unsafe_code("crypto-pool/engine/src/sm4/gfni.rs", "unsafe { f() }").is_empty());
        assert!(unsafe_code("crypto-pool/sdf/src/ffi.rs", "unsafe { f() }").is_empty());
        assert_eq!(unsafe_code("crypto-pool/sdf/src/library.rs", "unsafe { f() }").len(), 1);
        assert!(unsafe_code("ca/src/lib.rs", "#![forbid(unsafe_code)] // unsafe").is_empty());
    }

    #[test]
    fn marks_of_unfinished_work_are_found() {
        for mark in ["// TO+DO: later", "to+do!()", "unimple+mented!(\"x\")", "<!-- FIX+ME -->", "// X+XX: why"] {
            assert_eq!(unfinished("x", &mark.replace('+', "")).len(), 1, "{mark}");
        }
        assert!(unfinished("x", "todo is a word; MASTODON; todos!").is_empty());
    }

    #[test]
    fn a_stray_name_at_the_top_is_found() {
        let names = ["Cargo.toml", ".github", "ca", "utils", "notes.md", "target"];
        assert_eq!(not_at_the_top(names.into_iter()), ["utils", "notes.md"]);
    }
}
