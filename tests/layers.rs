//! The rules of the layers, as a test: who may import whom, where I/O, SQL, web and `unsafe` may stand.
//!
//! Each rule is a function from a text to what is wrong in it, run over the sources of the suite and,
//! so that the test is known to fail when it should, over a text that breaks the rule.

#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/source.rs"]
mod source;

use std::fs;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` with one of these endings, as paths from the root with `/` between.
fn files(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "yinxin-data", ".git"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let relative = path.strip_prefix(root()).unwrap_or(&path);
                found.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// The crates of the suite that exist now, by folder.
fn crates() -> Vec<&'static rules::Crate> {
    rules::CRATES.iter().filter(|krate| root().join(krate.folder).join("Cargo.toml").exists()).collect()
}

/// Sources of a crate: `src` alone, without the crates nested in its folder.
fn sources(krate: &rules::Crate) -> Vec<String> {
    files(&format!("{}/src", krate.folder), &[".rs"])
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// Applies `rule` to every source of every crate.
#[track_caller]
fn check(rule: impl Fn(&rules::Crate, &str, &str) -> Vec<String>) {
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for krate in crates() {
        for path in sources(krate) {
            looked_at += 1;
            faults.extend(rule(krate, &path, &read(&path)));
        }
    }
    // Not a test that passes because it looked nowhere.
    assert!(looked_at > 10, "only {looked_at} files were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_crate_depends_only_on_the_layers_below_it() {
    let mut faults = Vec::new();
    for krate in crates() {
        faults.extend(rules::sideways_dependencies(krate, &read(&format!("{}/Cargo.toml", krate.folder))));
    }
    assert!(faults.is_empty(), "{faults:#?}");
    check(rules::sideways_imports);
}

#[test]
fn every_crate_of_the_workspace_has_its_place_in_the_table() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("a manifest");
    let members = manifest["workspace"]["members"].as_array().cloned().unwrap_or_default();
    let known: Vec<&str> = rules::CRATES.iter().map(|krate| krate.folder).collect();
    let unknown: Vec<_> = members.iter().filter_map(|m| m.as_str()).filter(|m| !known.contains(m)).collect();
    assert!(members.len() >= 6 && unknown.is_empty(), "not in tests/layers/rules.rs: {unknown:?}");
}

#[test]
fn a_protocol_core_does_no_io_and_knows_no_time() {
    check(|krate, path, text| if rules::is_pure(krate, path) { rules::impurities(path, text) } else { Vec::new() });
}

#[test]
fn a_file_of_tests_is_declared_as_one() {
    for krate in crates() {
        for path in sources(krate).iter().filter(|path| path.ends_with("/tests.rs")) {
            let module = path.trim_end_matches("/tests.rs");
            let above = [format!("{module}.rs"), format!("{module}/mod.rs"), format!("{module}/lib.rs")];
            let above = above.iter().find(|path| root().join(path).exists());
            let above = above.unwrap_or_else(|| panic!("no module above {path}"));
            assert!(rules::declares_tests(&read(above)), "{above} does not say #[cfg(test)] mod tests;");
        }
    }
}

#[test]
fn sql_stands_in_the_stores_only() {
    check(|_, path, text| {
        let exempt = rules::may_hold_sql(path) || rules::is_test_file(path);
        if exempt { Vec::new() } else { rules::sql_statements(path, text) }
    });
}

#[test]
fn a_table_is_named_by_its_owner_only() {
    check(
        |krate, path, text| {
            if rules::is_test_file(path) { Vec::new() } else { rules::foreign_tables(krate, path, text) }
        },
    );
    for krate in crates() {
        for path in files(&format!("{}/migrations", krate.folder), &[".sql"]) {
            let faults = rules::foreign_tables_in_sql(krate, &path, &read(&path));
            assert!(faults.is_empty(), "{faults:#?}");
        }
    }
}

#[test]
fn http_is_known_to_web_only() {
    check(rules::http_outside_web);
}

#[test]
fn unsafe_code_stands_in_the_simd_files_only() {
    check(|_, path, text| rules::unsafe_code(path, text));
}

#[test]
fn nothing_is_left_to_be_done_later() {
    let mut faults = Vec::new();
    for path in files(".", &[".rs", ".toml", ".java", ".html", ".sql", ".md", ".yml", ".css", ".js"]) {
        faults.extend(rules::unfinished(&path, &read(&path)));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_top_level_stays_as_it_is() {
    let names = fs::read_dir(root()).expect("the root").flatten();
    let names: Vec<String> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let extra = rules::not_at_the_top(names.iter().map(String::as_str));
    assert!(extra.is_empty(), "{extra:?}");
}
