use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn setup() -> SetupFile {
    SetupFile {
        installation: "7F3A9C".into(),
        setup: Setup::Trial,
        created: Instant::from_unix_seconds(1_800_000_000).unwrap(),
    }
}

fn made(path: &Path) -> DataDir {
    let new = DataDir::begin(path).unwrap();
    write_durably(&new.dir().database(), b"db", 0o600).unwrap();
    write_durably(&new.dir().root_key(), b"key", 0o600).unwrap();
    finish(new.dir(), &setup()).unwrap();
    new.into_dir()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Names, modes and contents of everything under a path.
fn everything(path: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut all = vec![(path.to_owned(), fs::metadata(path).map_or(0, |m| m.mode()), vec![])];
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            all.extend(everything(&entry.unwrap().path()));
        }
    } else {
        all[0].2 = fs::read(path).unwrap_or_default();
    }
    all.sort();
    all
}

fn refused(path: &Path) -> String {
    let parent = path.parent().unwrap();
    let before = everything(parent);
    let error = DataDir::begin(path).expect_err("should be refused").to_string();
    assert_eq!(everything(parent), before, "something was touched");
    assert!(!error.contains('\n') && error.len() < 600, "{error}");
    error
}

#[test]
fn a_new_directory_is_for_its_owner_alone_and_opens_again() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    drop(made(&path));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    let (_dir, read) = DataDir::open(&path).unwrap();
    assert_eq!(read, setup());
}

#[test]
fn an_empty_directory_and_one_with_only_a_configuration_are_taken() {
    let temp = tempfile::tempdir().unwrap();
    chmod(temp.path(), 0o700);
    fs::write(temp.path().join("yinxin.toml"), "").unwrap();
    drop(made(temp.path()));
    assert!(temp.path().join("yinxin.toml").exists());
}

#[test]
fn a_file_in_the_way_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    fs::write(&path, "x").unwrap();
    assert!(refused(&path).contains("not a directory"));
}

#[test]
fn a_directory_with_other_files_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    fs::create_dir(&path).unwrap();
    chmod(&path, 0o700);
    fs::write(path.join("thesis.txt"), "x").unwrap();
    assert!(refused(&path).contains("thesis.txt"));
}

#[test]
fn a_directory_others_can_read_is_refused_with_the_command_that_mends_it() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    fs::create_dir(&path).unwrap();
    chmod(&path, 0o755);
    assert!(refused(&path).contains(&format!("chmod 700 {}", path.display())));
}

#[test]
fn a_database_others_can_read_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    drop(made(&path));
    chmod(&path.join("yinxin.db"), 0o644);
    assert!(DataDir::look(&path).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn a_directory_in_a_missing_place_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    assert!(refused(&temp.path().join("a/b")).contains("does not exist") || temp.path().join("a").exists());
}

#[test]
fn a_path_too_long_for_a_socket_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("d".repeat(100));
    assert!(refused(&path).contains("107"));
}

#[test]
fn a_newer_format_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    drop(made(&path));
    fs::write(path.join("setup.toml"), "format = 2\nshares = 5\n").unwrap();
    assert!(matches!(DataDir::open(&path), Err(DataDirError::Newer { format: 2, .. })));
}

#[test]
fn a_damaged_set_up_or_a_missing_file_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    drop(made(&path));
    for text in [
        "",
        "format = 1\n",
        "format = -1\n",
        "\0",
        "format = 1\ninstallation = \"x\"\nsetup = \"trial\"\ncreated = \"2026-01-01T00:00:00Z\"\n",
    ] {
        let good = fs::read(path.join("setup.toml")).unwrap();
        fs::write(path.join("setup.toml"), text).unwrap();
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Damaged { .. })), "{text}");
        fs::write(path.join("setup.toml"), good).unwrap();
    }
    fs::remove_file(path.join("root.key")).unwrap();
    assert!(matches!(DataDir::open(&path), Err(DataDirError::Damaged { .. })));
}

#[test]
fn a_second_process_is_refused_while_the_first_runs() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let first = made(&path);
    assert!(matches!(DataDir::open(&path), Err(DataDirError::InUse(_))));
    drop(first);
    assert!(DataDir::open(&path).is_ok());
}

#[test]
fn the_lock_goes_with_the_value_even_while_a_child_process_holds_a_copy_of_the_file() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let first = made(&path);
    // What a fork by another thread does until the child has become its own program.
    let copy = first.lock.try_clone().unwrap();
    drop(first);
    assert!(DataDir::open(&path).is_ok());
    drop(copy);
}

#[test]
fn an_installation_is_never_made_over_another() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    drop(made(&path));
    assert!(refused(&path).contains("holds a trial installation"));
}

#[test]
fn a_first_start_that_died_is_begun_again_at_any_point() {
    for died_after in 0..4 {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        let new = DataDir::begin(&path).unwrap();
        if died_after > 0 {
            fs::write(path.join("yinxin.db"), "half").unwrap();
            fs::write(path.join("yinxin.db-wal"), "half").unwrap();
        }
        if died_after > 1 {
            fs::write(path.join("root.key"), "half").unwrap();
            fs::write(path.join("roots/sm2-root.pem"), "half").unwrap();
        }
        if died_after > 2 {
            fs::write(path.join(".setup.toml.tmp"), "half").unwrap();
        }
        drop(new);
        assert!(matches!(DataDir::look(&path), Ok(Found::Nothing)));
        drop(made(&path));
        assert_eq!(fs::read(path.join("yinxin.db")).unwrap(), b"db");
        assert!(!path.join("yinxin.db-wal").exists() && !path.join("roots/sm2-root.pem").exists());
        assert!(DataDir::open(&path).is_ok());
    }
}

#[test]
fn a_first_start_that_died_does_not_cost_anybody_elses_files() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    drop(DataDir::begin(&path).unwrap());
    fs::write(path.join("thesis.txt"), "x").unwrap();
    assert!(refused(&path).contains("thesis.txt"));
}
