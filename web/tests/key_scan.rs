//! No private key and no root key ever lies in clear where the program leaves something: data directory, backups,
//! what it prints and logs, its arguments and environment, core files. Looked for are the secret numbers themselves,
//! as they are and in every form in which keys are usually written down.
//!
//! What to look for is unwrapped here with the root key, by this test's own reading of how keys are wrapped.

#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod program;
mod scan;

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crypto_pool::root_key::shares::Share;
use crypto_pool::root_key::{FileSeal, PassphraseSeal, RootSeal as _, ShareSeal};
use crypto_pool::{KeyAlgorithm, KeySpec, Purpose, UnitSpec};
use pki_config::role::{Setup, authorize};
use pki_config::{Actor, Permission};
use program::{House, PASSPHRASE};
use scan::{Secrets, files_below};
use web::app::{App, AppOptions};
use web::data_dir::DataDir;
use zeroize::Zeroizing;

/// Two tenants' keys, of which one has an exclusive unit: put in by a process of the test's own.
fn with_tenants(data: &Path) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (dir, setup) = DataDir::open(data).unwrap();
        let mut config = pki_config::config::Config::default();
        config.storage.reserve = 1 << 20;
        let options = AppOptions {
            config,
            clock: Arc::new(pki_config::time::SystemClock),
            random: Arc::new(crypto_pool::OsRandom::open().unwrap()),
            probe: None,
            worker: None,
        };
        let app = App::open(dir, setup, options).await.unwrap();
        let may = |permission| authorize(&Actor::system(), permission, Setup::Trial).unwrap();
        let unit = UnitSpec { tenant: "apart".parse().unwrap(), workers: 1, cores: Vec::new() };
        app.pool().create_unit(&may(Permission::ManageUnits), unit).await.unwrap();
        for (tenant, algorithm) in
            [("plain", KeyAlgorithm::Sm2), ("plain", KeyAlgorithm::P384), ("apart", KeyAlgorithm::Sm2)]
        {
            let spec = KeySpec { purpose: Purpose::Tenant, algorithm, subject: None, tenant: tenant.parse().unwrap() };
            app.kms().generate(&may(Permission::ManageIssuers), spec).await.unwrap();
        }
        app.close().await;
    });
}

/// Nothing that is looked for is in any of these files but those named.
fn nothing_in(secrets: &Secrets, files: &[PathBuf], but: &[PathBuf]) -> u64 {
    let mut looked = 0;
    for file in files.iter().filter(|file| !but.contains(file)) {
        let Ok(bytes) = std::fs::read(file) else { continue };
        looked += bytes.len() as u64;
        let found = secrets.found_in(&bytes);
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
    looked
}

#[test]
fn a_trial_keeps_its_keys_out_of_everything_but_the_root_key_out_of_one_file() {
    let mut house = House::empty();
    house.start();
    house.stop();
    with_tenants(&house.path("data"));
    house.start();
    for algorithm in ["sm2", "p256", "rsa3072"] {
        house.good(&format!("issue {algorithm}.example.cn --key-type {algorithm}"));
    }
    // A pair whose encryption key was made here, by the key centre, and is kept there for a recovery.
    house.good("issue tlcp.example.cn --dual");
    house.good("officer add operator --role operator --out operator.pem");
    // Both hierarchies at work; what it says of addresses does not matter here.
    house.run("doctor");
    let old = FileSeal::new(&house.path("data")).open().unwrap();
    house.good("root rotate");
    house.good(&format!("backup {}", house.path("without.yxb").display()));
    house.secret("passphrase", PASSPHRASE);
    house.good(&format!("backup {} --passphrase-file passphrase", house.path("with.yxb").display()));
    let process = PathBuf::from(format!("/proc/{}", house.server().id()));
    let mut files: Vec<PathBuf> = ["cmdline", "environ"].map(|name| process.join(name)).into();
    let read: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(read.iter().all(|bytes| !bytes.is_empty()), "the process shows its arguments and environment to root");

    let root = FileSeal::new(&house.path("data")).open().unwrap();
    let mut secrets = Secrets::default();
    secrets.root_key("the root key", &root);
    let kept = secrets.of_installation(&house.path("data"), &root);
    // House: log, two roots, two issuing authorities, responders, time-stamps, TLS; and the tenants' three.
    assert!(kept >= 11, "{kept} keys in the database");
    // Holders' and officers' keys are made on their side and never reach the server.
    for name in ["sm2.example.cn", "p256.example.cn", "rsa3072.example.cn"] {
        let [key, certificate] = ["key.pem", "cert.pem"].map(|file| house.read(&format!("{name}/{file}")));
        secrets.of_pem(name, &(key + &certificate));
    }
    for half in ["sign", "enc"] {
        let [key, certificate] = ["key", "pem"].map(|file| house.read(&format!("tlcp.example.cn/{half}.{file}")));
        secrets.of_pem(&format!("the {half} key of the pair"), &(key + &certificate));
    }
    secrets.of_pem("operator.pem", &house.read("operator.pem"));
    secrets.root_key("the root key before", &old);

    files.extend(files_below(&house.path("data")));
    files.extend([house.path("without.yxb"), house.path("with.yxb"), house.said.clone()]);
    let before_stop = nothing_in(&secrets, &files, &[house.path("data/root.key")]);
    // The one place where a trial has its root key: there it is found, so the search does find.
    let clear = std::fs::read(house.path("data/root.key")).unwrap();
    assert_eq!(secrets.found_in(&clear), ["the root key, hexadecimal"]);
    aborted_without_a_core_file(&mut house);
    let mut files = files_below(&house.path("data"));
    files.push(house.said.clone());
    let after = nothing_in(&secrets, &files, &[house.path("data/root.key")]);
    println!("{} secrets, {} MiB looked through", secrets.len(), (before_stop + after) >> 20);
    assert!(before_stop + after > 1 << 20, "{before_stop} + {after} bytes looked through");
}

#[test]
fn production_leaves_nothing_in_clear_at_all() {
    let mut house = House::empty();
    house.good("init --production --public-url http://ca.example.cn --shares 2-of-3 --share-dir keepers");
    house.start();
    let share = |number: u8| house.path(&format!("keepers/share-{number}-of-3.txt"));
    let texts = [1, 2, 3].map(|number| std::fs::read_to_string(share(number)).unwrap());
    house.bad(1, &format!("unseal --share-file {} {}", share(1).display(), share(1).display()));
    house.good(&format!("unseal --share-file {} {}", share(2).display(), share(3).display()));
    let https = house.text_of("https");
    house.good("claim data/admin-link.txt --out one.pem");
    house.good(&format!("officer add two --role security-officer --out two.pem --server {https} --as one.pem"));
    let [one, two] = ["one", "two"].map(|name| format!("--server {https} --as {name}.pem"));
    let shares: Vec<_> = texts.iter().map(|text| Share::parse(text).unwrap()).collect();
    let data = house.path("data");
    let old = ShareSeal::new(&data).read().unwrap().open(&shares[..2]).unwrap();
    house.good(&format!("root ask rotate {one}"));
    house.good(&format!("root rotate --share-file {} {} {two}", share(1).display(), share(2).display()));
    let root = ShareSeal::new(&data).read().unwrap().open(&shares).unwrap();
    house.good(&format!("backup {} {one}", house.path("backup.yxb").display()));
    house.secret("new", PASSPHRASE);
    house.good(&format!("root ask reseal {one}"));
    let opening = format!("--share-file {} {}", share(1).display(), share(3).display());
    house.good(&format!("reshare --to passphrase --to-passphrase-file new {opening} {two}"));
    let seal = PassphraseSeal::new(&data, Zeroizing::new(PASSPHRASE.trim().to_owned()), Default::default());
    let same = seal.open().unwrap();

    let mut secrets = Secrets::default();
    secrets.root_key("the root key", &root);
    secrets.root_key("the root key before", &old);
    assert_eq!(secrets.of_installation(&data, &root), secrets.of_installation(&data, &same));
    for (number, text) in (1..).zip(&texts) {
        secrets.text(&format!("share {number}"), text.trim());
        // The value in it, as the base of 32 digits has it: without the head and the sums.
        secrets.text(&format!("the middle of share {number}"), &text.replace('-', "")[24..64]);
    }
    secrets.text("the passphrase", PASSPHRASE.trim());
    for name in ["one.pem", "two.pem"] {
        secrets.of_pem(name, &house.read(name));
    }
    let process = PathBuf::from(format!("/proc/{}", house.server().id()));
    let mut files: Vec<PathBuf> = ["cmdline", "environ"].map(|name| process.join(name)).into();
    files.extend(files_below(&data));
    files.extend([house.path("backup.yxb"), house.said.clone()]);
    nothing_in(&secrets, &files, &[]);
    aborted_without_a_core_file(&mut house);
    let mut files = files_below(&data);
    files.push(house.said.clone());
    nothing_in(&secrets, &files, &[]);
}

/// A planted key is found in every form: or the search above would find nothing whatever there is.
#[test]
fn a_planted_scalar_is_found_in_every_form() {
    let scalar: Vec<u8> = (0..32_u8).map(|n| n.wrapping_mul(37) ^ 0x5a).collect();
    let mut secrets = Secrets::default();
    secrets.bytes("planted", &scalar);
    let hex: String = scalar.iter().map(|octet| format!("{octet:02x}")).collect();
    let colons: Vec<_> = scalar.iter().map(|octet| format!("{octet:02X}")).collect();
    let base64 = |front: usize| scan::base64(&[&vec![9; front], &scalar[..], b"tail"].concat());
    let lines = |text: &str| text.as_bytes().chunks(17).map(<[u8]>::to_vec).collect::<Vec<_>>().join(&b'\n');
    let forms: Vec<(&str, Vec<u8>)> = vec![
        ("raw", scalar.clone()),
        ("lower-case hexadecimal", hex.clone().into_bytes()),
        ("upper-case hexadecimal", hex.to_uppercase().into_bytes()),
        ("hexadecimal with colons", colons.join(":").into_bytes()),
        ("hexadecimal in lines", lines(&hex)),
        ("base64", base64(0).into_bytes()),
        ("base64, one octet later", base64(1).into_bytes()),
        ("base64, two octets later", base64(2).into_bytes()),
        ("base64 in lines", lines(&base64(1))),
        ("base64 for addresses", base64(2).replace('+', "-").replace('/', "_").into_bytes()),
        ("reversed", scalar.iter().rev().copied().collect()),
    ];
    for (form, planted) in forms {
        let hay = [&[0x41; 5000][..], &planted, &[0x42; 3000]].concat();
        assert!(!secrets.found_in(&hay).is_empty(), "{form}");
    }
    let mut other = scalar;
    other[3] ^= 1;
    other[19] ^= 1;
    assert!(secrets.found_in(&other).is_empty());
}

/// The process is asked for a core file, and leaves none.
fn aborted_without_a_core_file(house: &mut House) {
    let pid = rustix::process::Pid::from_child(house.server());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", house.server().id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    let ended = house.server_mut().wait().unwrap();
    assert_eq!(ended.signal(), Some(6));
    assert!(!ended.core_dumped());
    let left: Vec<_> = files_below(&house.path("")).into_iter().filter(|f| f.file_name().unwrap() == "core").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Another process of the same user, who is not root: neither memory nor environment of the server are its to read.
#[test]
fn another_process_of_the_same_user_reads_neither_memory_nor_environment() {
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        eprintln!("LEFT OUT: only root can try this as two processes of another user");
        return;
    }
    let house = House::empty();
    for name in ["", "data", "data/yinxin.toml"] {
        std::os::unix::fs::chown(house.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let as_nobody = |command: &mut Command| command.uid(NOBODY).gid(NOBODY).stdout(Stdio::null()).spawn();
    let mut up = house.command(&["up", "--http", "127.0.0.1:0", "--https", "localhost:0"]);
    let Ok(mut server) = as_nobody(&mut up) else {
        eprintln!("LEFT OUT: the program lies where another user cannot start it");
        return;
    };
    let begun = std::time::Instant::now();
    while !house.path("data/yinxin.sock").exists() {
        assert!(begun.elapsed().as_secs() < 60, "it does not start");
        assert!(server.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Something that hides nothing, to show that reading works at all.
    let mut open = as_nobody(Command::new("sleep").arg("60")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    let may_read = |pid: u32, name: &str| {
        let read = format!("/proc/{pid}/{name}");
        let mut head = Command::new("head");
        head.args(["-c", "1", &read]).uid(NOBODY).gid(NOBODY).stdout(Stdio::null()).stderr(Stdio::null());
        head.status().unwrap().success()
    };
    assert!(may_read(open.id(), "environ"));
    for name in ["environ", "mem", "maps"] {
        assert!(!may_read(server.id(), name), "{name}");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap().trim().to_owned();
    println!("locked by a server without rights: {locked}");
    for child in [&mut server, &mut open] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// With the right to, all its memory is locked.
#[test]
fn memory_is_locked_where_that_is_allowed() {
    let mut house = House::empty();
    house.start();
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.server().id())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
        line.trim_end_matches(" kB").to_owned()
    };
    let rights = u64::from_str_radix(&field("CapEff:"), 16).unwrap();
    let report = house.json_whatever("doctor");
    let check = report["checks"].as_array().unwrap().iter().find(|c| c["name"] == "memory").unwrap().clone();
    if rights >> 14 & 1 == 0 {
        eprintln!("LEFT OUT: this machine does not let the program lock memory");
        return;
    }
    assert!(field("VmLck:").parse::<u64>().unwrap() > 1024, "{status}");
    assert!(check["detail"].as_str().unwrap().starts_with("locked"), "{check}");
}
