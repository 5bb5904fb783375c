//! The real program, typed at as a person would: a server in a folder of its own, and commands beside it.

#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A running server on a fresh data directory.
struct House {
    dir: tempfile::TempDir,
    server: Option<Child>,
    started: Value,
}

impl House {
    fn up() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut house = Self { dir, server: None, started: Value::Null };
        house.start();
        house
    }

    fn start(&mut self) {
        let mut server = self
            .command(&["up", "--json", "--http", "127.0.0.1:0", "--https", "localhost:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        self.started = first_value(server.stdout.take().unwrap());
        self.server = Some(server);
    }

    /// Asks the server to stop, as a service manager does.
    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let pid = rustix::process::Pid::from_child(&server);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(server.wait().unwrap().success(), "stopped in order");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yinxin"));
        command
            .current_dir(self.dir.path())
            .env("YINXIN_DATA", self.path("data"))
            .env("YINXIN_TRUST", self.path("trust"))
            .env("LC_ALL", "C")
            .args(words);
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(&line.split_whitespace().collect::<Vec<_>>()).output().unwrap()
    }

    /// A command that works; what it printed.
    fn good(&self, line: &str) -> String {
        let output = self.run(line);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{line}\n{out}\n{err}");
        out
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.good(&format!("{line} --json"))).unwrap()
    }

    /// What a command says as JSON, whether it is content or not.
    fn json_whatever(&self, line: &str) -> Value {
        serde_json::from_slice(&self.run(&format!("{line} --json")).stdout).unwrap()
    }

    /// A command that fails with this exit status; everything it printed.
    fn bad(&self, status: i32, line: &str) -> String {
        let output = self.run(line);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{line}\n{all}");
        all
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    fn text_of(&self, name: &str) -> String {
        self.started[name].as_str().unwrap().to_owned()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// The first JSON value of a stream; the rest is read and thrown away, so that the writer never waits.
fn first_value(stream: impl Read + Send + 'static) -> Value {
    let mut reader = BufReader::new(stream);
    let mut so_far = String::new();
    loop {
        assert!(reader.read_line(&mut so_far).unwrap() > 0, "the server ended: {so_far}");
        if let Ok(value) = serde_json::from_str(&so_far) {
            std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
            return value;
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What openssl says, or nothing where there is none: `cargo gate` says so then.
fn openssl(dir: &Path, line: &str) -> Option<String> {
    let output = Command::new("openssl").current_dir(dir).args(line.split_whitespace()).output().ok()?;
    Some(text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn a_certificate_is_issued_verified_revoked_and_listed() {
    let house = House::up();
    house.good("issue www.example.cn");
    assert_eq!(house.mode("www.example.cn/key.pem"), 0o600);
    let files: std::collections::BTreeSet<_> =
        std::fs::read_dir(house.path("www.example.cn")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(files.into_iter().collect::<Vec<_>>(), ["cert.pem", "chain.pem", "key.pem", "receipt.json"]);
    assert_eq!(house.read("www.example.cn/cert.pem").matches("BEGIN CERTIFICATE").count(), 1);
    assert_eq!(house.read("www.example.cn/chain.pem").matches("BEGIN CERTIFICATE").count(), 1);

    let answer = house.json("verify www.example.cn");
    let passed = |check: &str, answer: &Value| {
        let checks = answer["items"][0]["checks"].as_array().unwrap();
        checks.iter().find(|step| step["check"] == check).unwrap()["result"].clone()
    };
    for check in ["chain", "validity", "receipt"] {
        assert_eq!(passed(check, &answer), "pass", "{answer}");
    }
    let said = openssl(
        house.dir.path(),
        "verify -vfyopt distid:1234567812345678 -partial_chain -trusted www.example.cn/chain.pem www.example.cn/cert.pem",
    );
    assert!(said.is_none_or(|said| said.contains("cert.pem: OK")));

    let list = house.json("list --name www.example.cn");
    let serial = list["certificates"][0]["serial"].as_str().unwrap().to_owned();
    let since = list["certificates"][0]["not_before"].as_str().unwrap();
    let said = house.bad(1, "revoke www.example.cn --reason key-compromise --invalidity 1999-01-01T00:00:00Z");
    assert!(said.contains("BAD_TIME"), "{said}");
    let revoked = house.json(&format!("revoke www.example.cn --reason key-compromise --invalidity {since}"));
    assert_eq!(revoked["serial"], *serial);
    assert_eq!(revoked["status"], "revoked");
    let crl = house.json("crl sm2-issuing");
    assert!(crl["entries"].as_u64().unwrap() >= 1);
    house.good("crl sm2-issuing --out latest.crl");
    let said = house.bad(1, "verify www.example.cn --crl latest.crl");
    assert!(said.contains("keyCompromise"), "{said}");
    assert_eq!(house.json(&format!("show {serial}"))["state"]["status"], "revoked");
}

#[test]
fn the_ecdsa_chain_is_one_that_openssl_accepts_whole() {
    let house = House::up();
    for kind in ["p256", "p384", "rsa3072", "ed25519"] {
        house.good(&format!("issue {kind}.example.cn --key-type {kind}"));
        house.good(&format!("verify {kind}.example.cn"));
        let said = openssl(
            house.dir.path(),
            &format!(
                "verify -x509_strict -CAfile data/roots/ec-root.pem -untrusted {kind}.example.cn/chain.pem {kind}.example.cn/cert.pem"
            ),
        );
        assert!(said.as_ref().is_none_or(|said| said.contains("cert.pem: OK")), "{said:?}");
    }
}

#[test]
fn nothing_is_overwritten_and_a_refused_request_leaves_nothing_behind() {
    let house = House::up();
    house.good("issue a.example.cn --out here");
    let key = house.read("here/key.pem");
    assert!(house.bad(1, "issue b.example.cn --out here").contains("exists already"));
    assert_eq!(house.read("here/key.pem"), key);
    let said = house.bad(1, "issue c.example.cn --days 20000 --out there");
    assert!(!house.path("there").exists(), "{said}");
    let said = house.bad(1, "issue c.example.cn --profile no-such-profile --out there");
    assert!(said.contains("PROFILE_UNKNOWN") && !house.path("there").exists(), "{said}");
    assert!(house.bad(2, "issue c.example.cn --san dns:d.example.cn").contains("add --san dns:c.example.cn"));
}

#[test]
fn a_request_made_elsewhere_is_certified_without_a_key_of_ours() {
    let house = House::up();
    let made = openssl(
        house.dir.path(),
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out own.csr -subj /CN=own.example.cn \
         -addext subjectAltName=DNS:own.example.cn",
    );
    if made.is_none() {
        return;
    }
    house.good("issue own.example.cn --csr own.csr");
    assert!(!house.path("own.example.cn/key.pem").exists());
    house.good("verify own.example.cn");
}

#[test]
fn an_officer_works_from_elsewhere_with_a_certificate_or_a_token() {
    let house = House::up();
    let https = house.text_of("https");
    house.good("officer add Li --role ra-officer --out li.pem");
    house.good("officer add watch --role auditor --token --out watch.token");
    assert_eq!((house.mode("li.pem"), house.mode("watch.token")), (0o600, 0o600));
    house.good(&format!("issue li.example.cn --server {https} --as li.pem"));
    house.good(&format!("list --server {https} --as watch.token"));
    let said = house.bad(1, &format!("revoke li.example.cn --reason superseded --server {https} --as watch.token"));
    assert!(said.contains("FORBIDDEN"), "{said}");
    let officers = house.json("officer list");
    let li = officers["officers"].as_array().unwrap().iter().find(|o| o["name"] == "Li").unwrap()["officer"].clone();
    house.good(&format!("officer disable {}", li.as_str().unwrap()));
    house.bad(1, &format!("list --server {https} --as li.pem"));
}

#[test]
fn a_pair_is_issued_its_encryption_key_opened_here_and_recovered_by_two_officers() {
    let house = House::up();
    let https = house.text_of("https");
    house.good("issue tlcp.example.cn --dual");
    for name in ["sign.pem", "enc.pem", "double.pem", "chain.pem", "csr-response.der", "receipt.json"] {
        assert!(house.path("tlcp.example.cn").join(name).exists(), "{name}");
    }
    assert_eq!((house.mode("tlcp.example.cn/sign.key"), house.mode("tlcp.example.cn/enc.key")), (0o600, 0o600));
    house.good("verify tlcp.example.cn/sign.pem");
    house.good("verify tlcp.example.cn/enc.pem");
    let both = house.json("verify tlcp.example.cn");
    assert_eq!(both["items"].as_array().map(Vec::len), Some(2), "{both}");
    for half in ["sign", "enc"] {
        let (dir, key) = (house.dir.path(), format!("pkey -in tlcp.example.cn/{half}.key -pubout"));
        let certificate = format!("x509 -in tlcp.example.cn/{half}.pem -noout -pubkey");
        assert_eq!(openssl(dir, &key), openssl(dir, &certificate), "{half}");
    }
    // What was delivered opens again, without a server, and for its holder only.
    house.good("dual open --response tlcp.example.cn/csr-response.der --key tlcp.example.cn/sign.key --out again");
    assert_eq!(house.read("again/enc.key"), house.read("tlcp.example.cn/enc.key"));
    house.good("issue other.example.cn --dual");
    let other = "--response tlcp.example.cn/csr-response.der --key other.example.cn/sign.key --out wrong";
    let said = house.bad(1, &format!("dual open {other}"));
    assert!(said.contains("another key than yours") && !house.path("wrong/enc.key").exists(), "{said}");

    let delivered = "convert tlcp.example.cn/csr-response.der --to pem --clear";
    house.good(&format!("{delivered} --key tlcp.example.cn/sign.key -o delivered.pem"));
    assert!(house.read("delivered.pem").contains(house.read("tlcp.example.cn/enc.key").trim()));
    let said = house.bad(1, &format!("{delivered} --key other.example.cn/sign.key -o wrong.pem"));
    assert!(said.contains("another key than yours") && !house.path("wrong.pem").exists(), "{said}");

    let pair = house.json("dual show tlcp.example.cn/enc.pem");
    let key = pair["key"].as_str().unwrap();
    house.good("officer add One --role key-officer --out one.pem");
    house.good("officer add Two --role key-officer --token --out two.token");
    let [one, two] = ["one.pem", "two.token"].map(|credential| format!("--server {https} --as {credential}"));
    house.good("officer add Li --role ra-officer --out li.pem");
    let said = house.bad(1, &format!("centre list --server {https} --as li.pem"));
    assert!(said.contains("FORBIDDEN"), "{said}");
    // The holder asks for a new pair of the same name and gets the old key for it.
    house.good("issue tlcp.example.cn --dual --out new");
    let ask = format!("centre recover {key} --for new/sign.pem --reason lost --ground application-7");
    let order = house.json(&format!("{ask} {one}"))["order"].as_str().unwrap().to_owned();
    let said = house.bad(1, &format!("centre approve {order} {one}"));
    assert!(said.contains("CENTRE_OFFICER"), "{said}");
    house.good(&format!("centre approve {order} {two}"));
    house.good(&format!("centre envelope {order} --out recovered.der {one}"));
    house.good("convert recovered.der --key new/sign.key --to pem --clear -o recovered.pem");
    assert_eq!(house.read("recovered.pem"), house.read("tlcp.example.cn/enc.key"));
    let listed = house.json(&format!("centre list --name tlcp {two}"));
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.iter().filter(|line| line["recoveries"] == 1).count(), 1, "{listed}");
}

#[test]
fn a_one_time_link_works_once() {
    let house = House::up();
    let link = house.text_of("link");
    house.good(&format!("claim {link} --out admin.pem"));
    let https = house.text_of("https");
    house.good(&format!("officer list --server {https} --as admin.pem"));
    let said = house.bad(1, &format!("claim {link} --out again.pem"));
    assert!(said.contains("LINK_USED") && !house.path("again.pem").exists(), "{said}");
}

#[test]
fn the_log_is_verified_with_the_server_and_without_and_a_receipt_anywhere() {
    let mut house = House::up();
    house.good("issue a.example.cn");
    let online = house.json("audit verify");
    assert_eq!(online["ok"], true, "{online}");
    house.good("audit checkpoint --out head");
    house.good("audit export --out log.jsonl");
    let lines = house.read("log.jsonl").lines().count() as u64;
    assert!(lines >= online["entries"].as_u64().unwrap());
    assert!(house.good("audit proof a.example.cn").contains("log_certificate"));
    house.stop();
    let offline = house.json("audit verify --expect head");
    assert_eq!(offline["ok"], true, "{offline}");
    assert!(offline["entries"].as_u64().unwrap() >= lines);
    // On another machine there is no data directory, only a root that was fetched and believed.
    let root = house.path("data/roots/sm2-root.pem").display().to_string();
    house.good(&format!("trust add {root}"));
    house.good("verify a.example.cn --data nowhere");
    let fingerprint = house.json("trust list --data nowhere")[0]["sha256"].as_str().unwrap().to_owned();
    house.good(&format!("trust remove {fingerprint}"));
    assert!(house.bad(2, "verify a.example.cn --data nowhere").contains("No root is believed"));
    // The second start changes nothing of what was there.
    house.start();
    assert_eq!(house.json("list --name a.example.cn")["certificates"].as_array().unwrap().len(), 1);
}

#[test]
fn in_production_a_certificate_takes_two_officers_and_an_open_root_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House { dir, server: None, started: Value::Null };
    std::fs::write(house.path("passphrase"), "correct horse battery staple\n").unwrap();
    assert!(house.bad(1, "init --production --passphrase-file passphrase").contains("chmod 600"));
    std::fs::set_permissions(house.path("passphrase"), std::fs::Permissions::from_mode(0o600)).unwrap();
    house.bad(1, "init --production --passphrase-file passphrase");
    assert!(!house.path("data").exists(), "without a public address nothing is made");
    house.good("init --production --passphrase-file passphrase --public-url http://ca.example.cn");
    house.bad(1, "init --production --passphrase-file passphrase --public-url http://ca.example.cn");

    house.start();
    let https = house.text_of("https");
    assert_eq!(house.json_whatever("status")["state"], "sealed");
    std::fs::write(house.path("wrong"), "incorrect horse\n").unwrap();
    std::fs::set_permissions(house.path("wrong"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(house.bad(1, "unseal --passphrase-file wrong").contains("UNSEAL_FAILED"));
    house.good("unseal --passphrase-file passphrase");

    house.good("claim data/admin-link.txt --out admin.pem");
    assert!(house.bad(1, "issue www.example.cn").contains("FORBIDDEN"), "not through the socket");
    assert!(!house.path("www.example.cn").exists());
    for name in ["one", "two"] {
        house.good(&format!("officer add {name} --role ra-officer --out {name}.pem --server {https} --as admin.pem"));
    }
    let (one, two) = (format!("--server {https} --as one.pem"), format!("--server {https} --as two.pem"));
    let filed = house.json(&format!("issue www.example.cn {one}"));
    let request = filed["request"].as_str().unwrap();
    assert_eq!(house.mode("www.example.cn/key.pem"), 0o600);
    assert!(!house.path("www.example.cn/cert.pem").exists());
    assert!(house.bad(1, &format!("approve {request} {one}")).contains("SAME_OFFICER"));
    assert!(house.good(&format!("requests {two}")).contains(request));
    let issued = house.json(&format!("approve {request} {two}"));
    let serial = issued["serial"].as_str().unwrap();
    house.good(&format!("show {serial} --out www.example.cn {one}"));
    house.good("verify www.example.cn");

    let rejected = house.json(&format!("issue other.example.cn {one}"));
    let request = rejected["request"].as_str().unwrap();
    house.good(&format!("reject {request} --reason wrong {two}"));
    assert!(house.bad(1, &format!("approve {request} {two}")).contains("REQUEST_STATE"));
}

#[test]
fn a_backup_is_restored_unless_the_world_has_seen_more() {
    let mut house = House::up();
    house.good("issue a.example.cn");
    std::fs::write(house.path("passphrase"), "correct horse battery staple\n").unwrap();
    std::fs::set_permissions(house.path("passphrase"), std::fs::Permissions::from_mode(0o600)).unwrap();
    house.good("backup monday.yxb --passphrase-file passphrase");
    assert!(house.bad(1, "backup monday.yxb").contains("exists"));
    house.good("audit checkpoint --out at-backup");
    house.stop();
    let restored = house.json("restore monday.yxb --data again --passphrase-file passphrase");
    assert_eq!(restored["compared"], false);
    assert_eq!(house.json("audit verify --data again")["ok"], true);
    house.bad(1, "restore monday.yxb --data again --passphrase-file passphrase");

    house.start();
    house.good("issue b.example.cn");
    house.good("audit checkpoint --out later");
    house.good("revoke a.example.cn --reason superseded");
    house.good("crl sm2-issuing");
    house.good("crl sm2-issuing --out seen.crl");
    house.stop();
    for seen in ["--expect later", "--crl seen.crl"] {
        house.bad(1, &format!("restore monday.yxb --data refused --passphrase-file passphrase {seen}"));
        assert!(!house.path("refused").exists());
    }
}

#[test]
fn without_a_server_one_sentence_says_how_to_start_it() {
    let dir = tempfile::tempdir().unwrap();
    let house = House { dir, server: None, started: Value::Null };
    let said = house.bad(1, "list");
    assert!(
        said.starts_with("No server is running") && said.contains("yinxin up") && said.lines().count() == 1,
        "{said}"
    );
    let output = house.run("list --json");
    let problem: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(problem["code"], "UNREACHABLE");
    assert_eq!(output.status.code(), Some(1));
    house.bad(2, "audit verify");
    let output = house.run("revoke 01 --json");
    let problem: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((problem["code"].as_str(), output.status.code()), (Some("BAD_REQUEST"), Some(2)));
}

#[test]
fn a_configuration_with_an_unknown_key_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let house = House { dir, server: None, started: Value::Null };
    std::fs::write(house.path("bad.toml"), "[web]\nhtpp = \"127.0.0.1:1\"\n").unwrap();
    assert!(house.bad(2, "config check --config bad.toml").contains("htpp"));
    assert!(house.bad(2, "up --config bad.toml").contains("htpp"));
    assert!(!house.path("data").exists());
    house.good("config check");
    assert!(house.good("config show").contains("[web]"));
}

#[test]
fn every_error_code_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let house = House { dir, server: None, started: Value::Null };
    assert!(house.good("error lint_failed").contains("30106"));
    assert!(house.good("error").contains("OUTCOME_UNKNOWN"));
    house.bad(2, "error NO_SUCH_CODE");
}
