//! The root key in shares, acted out with the real program: made, kept, opened by several people, shared anew,
//! replaced while certificates are issued, killed in the middle.

#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod program;

use std::path::Path;

use program::{House, PASSPHRASE};

const INIT: &str = "init --production --public-url http://ca.example.cn";

/// A production installation with its root key in three of five shares, in the folder `keepers`.
fn shared() -> House {
    let mut house = House::empty();
    house.good(&format!("{INIT} --shares 3-of-5 --share-dir keepers"));
    house.start();
    house
}

fn share(house: &House, number: u8) -> String {
    house.path(&format!("keepers/share-{number}-of-5.txt")).display().to_string()
}

fn state(house: &House) -> String {
    house.json_whatever("status")["state"].as_str().unwrap().to_owned()
}

/// Both hierarchies issue, log, revoke and publish. (The public address is nobody's here, so it gives nothing.)
fn everything_signs(house: &House) {
    assert_eq!(state(house), "ok");
    let report = house.json_whatever("doctor");
    let checks = report["checks"].as_array().unwrap();
    let done: Vec<_> = checks.iter().filter(|check| check["ok"] == true).map(|check| &check["name"]).collect();
    for name in ["sm2-issue", "sm2-receipt", "sm2-crl-after", "ecdsa-issue", "ecdsa-receipt", "ecdsa-crl-after"] {
        assert!(done.iter().any(|done| **done == name), "{name}: {report}");
    }
}

/// Unseals with the first three shares.
fn open(house: &House) {
    house.good(&format!("unseal --share-file {} {} {}", share(house, 1), share(house, 2), share(house, 3)));
}

/// Two administrators' ways to the server, the first of whom is new.
fn two_officers(house: &House) -> [String; 2] {
    let https = house.text_of("https");
    if !house.path("one.pem").exists() {
        house.good("claim data/admin-link.txt --out one.pem");
        house.good(&format!("officer add two --role security-officer --out two.pem --server {https} --as one.pem"));
    }
    ["one", "two"].map(|name| format!("--server {https} --as {name}.pem"))
}

#[test]
fn three_of_five_keepers_open_it_one_after_another_and_two_do_not() {
    let mut house = shared();
    for number in 1..=5 {
        assert_eq!(house.mode(&format!("keepers/share-{number}-of-5.txt")), 0o600);
    }
    house.bad(1, &format!("{INIT} --shares 3-of-5 --share-dir keepers"));
    assert_eq!(state(&house), "sealed");
    let first = house.json(&format!("unseal --share-file {}", share(&house, 5)));
    assert_eq!((first["unsealing"]["given"].as_u64(), first["unsealing"]["needed"].as_u64()), (Some(1), Some(3)));
    assert!(house.bad(1, &format!("unseal --share-file {}", share(&house, 5))).contains("given twice"));
    let second = house.good(&format!("unseal --share-file {}", share(&house, 2)));
    assert!(second.contains("2 of 3"), "{second}");
    assert_eq!(state(&house), "sealed");
    house.good(&format!("unseal --share-file {}", share(&house, 4)));
    assert_eq!(state(&house), "ok");
    // Nothing of the shares stays with the server.
    house.stop();
    house.start();
    assert_eq!(state(&house), "sealed");
    house.good(&format!("unseal --share-file {} {}", share(&house, 1), share(&house, 2)));
    assert_eq!(state(&house), "sealed");
    house.good(&format!("unseal --share-file {}", share(&house, 3)));
    assert_eq!(state(&house), "ok");
}

#[test]
fn wrong_foreign_and_changed_shares_are_refused_with_the_reason_and_recorded() {
    let mut house = shared();
    let other = shared();
    let refused = house.bad(1, &format!("unseal --share-file {}", share(&other, 1)));
    assert!(refused.contains("SHARE_REFUSED") && refused.contains("another installation"), "{refused}");
    let mistyped = house.read("keepers/share-1-of-5.txt");
    let (at, was) = mistyped.trim_end().char_indices().nth(20).unwrap();
    let mut mistyped = mistyped.clone();
    mistyped.replace_range(at..=at, if was == '7' { "8" } else { "7" });
    house.secret("mistyped", &mistyped);
    assert!(house.bad(1, "unseal --share-file mistyped").contains("a character of this share is wrong"));
    house.secret("no-share", "correct horse battery staple\n");
    assert!(house.bad(1, "unseal --share-file no-share").contains("not a share"));
    assert!(house.bad(1, "unseal --passphrase-file no-share").contains("sealed by shares, 3-of-5"));
    // Made up by somebody who knows everything but the secret, with a right checksum.
    house.secret("made-up", &program::made_up(&house.read("keepers/share-1-of-5.txt")));
    let refused = house.bad(1, "unseal --share-file made-up");
    assert!(refused.contains("share 1 is not the one that was given out"), "{refused}");
    assert_eq!(state(&house), "sealed");
    // What was refused spoils nothing.
    open(&house);
    assert_eq!(state(&house), "ok");
    let [one, _] = two_officers(&house);
    let https = house.text_of("https");
    house.good(&format!("officer add three --role auditor --out three.pem {one}"));
    house.good(&format!("audit export --out log.jsonl --server {https} --as three.pem"));
    let log = house.read("log.jsonl");
    let refusals = log.lines().filter(|l| l.contains("root.share") && l.contains("refused:SHARE_REFUSED")).count();
    assert!(refusals >= 2, "{refusals} refusals in the log");
    assert_eq!(log.lines().filter(|l| l.contains("root.share") && l.contains("\"done\"")).count(), 3);
    house.stop();
}

#[test]
fn shared_anew_the_old_shares_are_stale_and_two_officers_did_it() {
    let mut house = shared();
    open(&house);
    let [one, two] = two_officers(&house);
    let old = format!("--share-file {} {} {}", share(&house, 1), share(&house, 2), share(&house, 3));
    let anew = format!("reshare --to 2-of-3 --to-dir next {old}");
    // The first who runs it asks; alone nobody does it.
    assert!(house.good(&format!("{anew} {one}")).contains("Another officer"));
    assert!(house.good(&format!("{anew} {one}")).contains("Another officer"));
    assert!(!house.path("next").exists());
    let too_few = format!("reshare --to 2-of-3 --to-dir next --share-file {} {}", share(&house, 1), share(&house, 2));
    assert!(house.bad(1, &format!("{too_few} {two}")).contains("2 of 3 shares"));
    // A folder where a file stands in the way: nothing counts that was not handed out.
    house.secret("next/share-2-of-3-generation-2.txt", "in the way");
    house.bad(1, &format!("{anew} {two}"));
    std::fs::remove_dir_all(house.path("next")).unwrap();
    assert_eq!(house.json("root show")["generation"], 1);
    house.good(&format!("{anew} {two}"));
    assert_eq!((house.json("root show")["generation"].as_u64(), state(&house).as_str()), (Some(2), "ok"));
    house.stop();
    house.start();
    let stale = house.bad(1, &format!("unseal {old}"));
    assert!(stale.contains("generation 1") && stale.contains("only generation 2"), "{stale}");
    let next = |number: u8| house.path(&format!("next/share-{number}-of-3-generation-2.txt")).display().to_string();
    // One of each generation.
    house.good(&format!("unseal --share-file {}", next(3)));
    assert!(house.bad(1, &format!("unseal --share-file {}", share(&house, 1))).contains("generation 1"));
    house.good(&format!("unseal --share-file {}", next(1)));
    assert_eq!(state(&house), "ok");
}

#[test]
fn a_passphrase_becomes_shares_and_shares_become_a_passphrase() {
    let mut house = House::empty();
    house.secret("passphrase", PASSPHRASE);
    house.good(&format!("{INIT} --passphrase-file passphrase"));
    house.start();
    house.good("unseal --passphrase-file passphrase");
    let [one, two] = two_officers(&house);
    house.good(&format!("root ask reseal {one}"));
    house.good(&format!("reshare --to 3-of-5 --to-dir keepers --passphrase-file passphrase {two}"));
    house.stop();
    house.start();
    assert!(house.bad(1, "unseal --passphrase-file passphrase").contains("sealed by shares"));
    open(&house);
    let [one, two] = two_officers(&house);
    house.secret("new", "another horse, another battery\n");
    house.good(&format!("root ask reseal {two}"));
    let shares = format!("{} {} {}", share(&house, 1), share(&house, 4), share(&house, 5));
    house.good(&format!("reshare --to passphrase --to-passphrase-file new --share-file {shares} {one}"));
    house.stop();
    house.start();
    house.bad(1, "unseal --passphrase-file passphrase");
    house.good("unseal --passphrase-file new");
    assert_eq!(state(&house), "ok");
}

#[test]
fn a_credential_opens_it_unattended_unless_others_may_read_it() {
    let mut house = House::empty();
    house.secret("passphrase", PASSPHRASE);
    house.good(&format!("{INIT} --passphrase-file passphrase"));
    std::fs::create_dir(house.path("credentials")).unwrap();
    house.secret("credentials/yinxin-root", PASSPHRASE);
    house.environment("CREDENTIALS_DIRECTORY", &house.path("credentials"));
    house.start();
    assert_eq!(state(&house), "ok");
    house.stop();
    program::set_mode(&house.path("credentials/yinxin-root"), 0o644);
    house.start();
    assert_eq!(state(&house), "sealed");
    house.good("unseal --passphrase-file passphrase");
    house.stop();

    let mut house = shared();
    house.stop();
    std::fs::create_dir(house.path("credentials")).unwrap();
    let texts = [1, 3, 5].map(|n| house.read(&format!("keepers/share-{n}-of-5.txt")));
    house.secret("credentials/yinxin-root", &texts.concat());
    house.environment("CREDENTIALS_DIRECTORY", &house.path("credentials"));
    house.start();
    assert_eq!(state(&house), "ok");
}

#[test]
fn the_root_key_is_replaced_while_it_signs_and_two_officers_did_it() {
    let mut house = shared();
    open(&house);
    let [one, two] = two_officers(&house);
    let shares = format!("--share-file {} {} {}", share(&house, 2), share(&house, 3), share(&house, 4));
    let before = house.read("data/root.sealed");
    assert!(house.good(&format!("root rotate {shares} {one}")).contains("Another officer"));
    assert_eq!(house.read("data/root.sealed"), before);
    let done = house.json(&format!("root rotate {shares} {two}"));
    assert!(done["wrapped"].as_u64().unwrap() >= 8, "{done}");
    assert_ne!(house.read("data/root.sealed"), before);
    assert!(!house.read("data/root.sealed").contains("previous"));
    everything_signs(&house);
    house.stop();
    house.start();
    // The same shares open the new one.
    open(&house);
    everything_signs(&house);
    // The old root key is gone: the file of before does not go with the database of now.
    house.stop();
    house.secret("data/root.sealed", &before);
    house.start();
    house.run(&format!("unseal {shares}"));
    assert_ne!(state(&house), "ok");
}

#[test]
fn a_backup_opens_with_the_shares_of_its_time() {
    let mut house = shared();
    open(&house);
    let [one, two] = two_officers(&house);
    house.good(&format!("backup {} {one}", house.path("monday.yxb").display()));
    let shares = format!("--share-file {} {} {}", share(&house, 1), share(&house, 2), share(&house, 5));
    house.good(&format!("root ask rotate {one}"));
    house.good(&format!("root rotate {shares} {two}"));
    house.good(&format!("backup {} {one}", house.path("tuesday.yxb").display()));
    house.stop();
    for day in ["monday", "tuesday"] {
        let few = format!("--share-file {} {}", share(&house, 1), share(&house, 2));
        house.bad(1, &format!("restore {day}.yxb --data {day} {few}"));
        assert!(!house.path(day).exists());
        house.good(&format!("restore {day}.yxb --data {day} {shares}"));
        assert!(house.path(day).join("root.sealed").exists());
    }
}

#[test]
fn killed_while_the_root_key_is_replaced_everything_stays_usable() {
    // A trial, whose file tells how far it came; each round is killed a little later.
    let mut house = House::empty();
    house.start();
    for n in 0..3 {
        house.good(&format!("issue host{n}.example.cn --key-type {}", ["sm2", "p256", "rsa3072"][n]));
    }
    let (mut began, mut whole) = (0, 0);
    let mut roots = std::collections::HashSet::new();
    for round in 0..14_u64 {
        let before = house.read("data/root.key");
        let mut rotating = house.command(&["root", "rotate"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        if round < 12 {
            // Not before it begins, which the file shows; then a little later each time.
            let begun = std::time::Instant::now();
            while house.read("data/root.key") == before && begun.elapsed().as_secs() < 20 {
                std::thread::yield_now();
            }
            std::thread::sleep(std::time::Duration::from_micros(round * 700));
        } else {
            rotating.wait().unwrap();
        }
        house.kill();
        let _ = rotating.wait();
        let left = house.read("data/root.key");
        began += usize::from(left.lines().count() == 2);
        whole += usize::from(left.lines().count() == 1 && left != before);
        house.start();
        // The start ended what was interrupted.
        assert_eq!(house.read("data/root.key").lines().count(), 1, "round {round}");
        everything_signs(&house);
        roots.insert(house.read("data/root.key"));
    }
    println!("killed within the replacement {began} times, after it {whole} times");
    assert!(roots.len() > 2, "the root key changed");
    assert!(began > 0, "no kill came in the middle");
    assert_eq!(house.json("audit verify")["ok"], true);
}

#[test]
fn shares_never_come_by_arguments_and_never_into_the_data_directory() {
    let house = House::empty();
    let inside = house.path("data/keepers").display().to_string();
    assert!(house.bad(2, &format!("{INIT} --shares 3-of-5 --share-dir {inside}")).contains("data directory"));
    assert!(!house.path("data/setup.toml").exists() && !house.path("data/keepers").exists());
    for wrong in ["1-of-3", "4-of-3", "3-of-17", "three"] {
        house.bad(2, &format!("{INIT} --shares {wrong} --share-dir keepers"));
    }
    house.bad(2, "unseal YXS1-000000");
    house.bad(2, "unseal --shares YXS1-000000");
    assert!(!Path::new(&house.path("keepers")).exists());
}

#[test]
fn the_unit_and_the_container_file_are_what_their_programs_accept() {
    let house = House::empty();
    let unit = house.good("systemd --data /srv/yinxin --user yinxin");
    for right in ["NoNewPrivileges=yes", "ProtectSystem=strict", "LimitCORE=0", "LimitMEMLOCK=infinity"] {
        assert!(unit.lines().any(|line| line == right), "{right}");
    }
    let container = house.good("systemd --container");
    assert!(container.contains("FROM scratch") && container.contains("USER 65532"));
    house.bad(2, "systemd --data /srv/%h");
    std::fs::write(house.path("yinxin.service"), unit.replace("User=yinxin\nGroup=yinxin", "User=root\nGroup=root"))
        .unwrap();
    let verify =
        |words: &[&str]| std::process::Command::new("systemd-analyze").args(words).current_dir(house.path("")).output();
    let Ok(verified) = verify(&["verify", "--man=no", "./yinxin.service"]) else {
        eprintln!("LEFT OUT: systemd-analyze is not installed; the unit was not verified");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let ours: Vec<_> = said.lines().filter(|line| line.contains("yinxin.service")).collect();
    assert!(ours.is_empty(), "{ours:?}");
    let rated = verify(&["security", "--offline=true", "--threshold=25", "./yinxin.service"]).unwrap();
    let said = String::from_utf8_lossy(&rated.stdout).into_owned();
    println!("{}", said.lines().last().unwrap_or_default());
    assert!(rated.status.success(), "exposure above 2.5:\n{said}");
}

/// The real terminal, as keepers meet it one after another.
#[test]
fn on_a_terminal_each_keeper_sees_one_share_and_types_it_unseen() {
    let mut house = House::empty();
    let Some(mut terminal) = program::Terminal::open(&house, &format!("{INIT} --shares 2-of-3")) else {
        eprintln!("LEFT OUT: script (util-linux) is not installed; shares on a terminal were not tried");
        return;
    };
    let mut shares = Vec::new();
    for keeper in 1..=3 {
        terminal.wait_for(&format!("Keeper {keeper} of 3: only you may look now"));
        assert!(!terminal.seen().contains(&format!("Share {keeper};")), "before its keeper asked");
        terminal.type_line("");
        let seen = terminal.wait_for("Press Enter when you have it");
        let share = seen.rsplit("shown this once.").next().unwrap();
        let share = share.lines().map(str::trim).find(|line| line.starts_with("YXS1-")).unwrap();
        shares.push(share.to_owned());
        terminal.type_line("");
        // Gone from the screen, and from what can be scrolled back to.
        terminal.wait_for(&format!(
            "{share}\r\n\r\nPress Enter when you have it and have compared it.\r\n\r\n\x1b[H\x1b[2J\x1b[3J"
        ));
    }
    assert!(terminal.end());
    house.start();
    let mut terminal = program::Terminal::open(&house, "unseal").unwrap();
    terminal.wait_for("Share (not shown):");
    terminal.type_line("YXS1-nonsense");
    terminal.wait_for("not a share");
    terminal.wait_again_for("Share (not shown):");
    terminal.type_line(&shares[2].to_lowercase());
    terminal.wait_for("Share 2 (Enter alone");
    terminal.type_line(&shares[0]);
    assert!(terminal.end());
    for share in [&shares[2].to_lowercase(), &shares[0]] {
        assert!(!terminal.seen().contains(share.as_str()), "the terminal showed what was typed");
    }
    assert_eq!(state(&house), "ok");
}
