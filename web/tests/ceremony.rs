//! A whole ceremony with the real program: two production installations, one of them without a network, two persons at
//! each, and files carried between. OpenSSL judges what comes of it.

#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A production installation that runs, with two administrators.
struct House {
    dir: tempfile::TempDir,
    server: Option<Child>,
    https: String,
}

impl House {
    fn open(url: &str) -> Self {
        let mut house = Self { dir: tempfile::tempdir().unwrap(), server: None, https: String::new() };
        std::fs::write(house.path("passphrase"), "correct horse battery staple\n").unwrap();
        std::fs::set_permissions(house.path("passphrase"), std::fs::Permissions::from_mode(0o600)).unwrap();
        house.good(&format!("init --production --passphrase-file passphrase --public-url {url}"), None);
        let mut server = house
            .command("up --json --http 127.0.0.1:0 --https localhost:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let started = first_value(server.stdout.take().unwrap());
        house.server = Some(server);
        house.https = started["https"].as_str().unwrap().to_owned();
        house.good("unseal --passphrase-file passphrase", None);
        house.good("claim data/admin-link.txt --out one.pem", None);
        for (name, role) in
            [("two", "administrator"), ("li", "ra-officer"), ("wang", "ra-officer"), ("zhao", "auditor")]
        {
            house.good(&format!("officer add {name} --role {role} --out {name}.pem {}", house.by("one")), None);
        }
        house
    }

    fn by(&self, who: &str) -> String {
        format!("--server {} --as {who}.pem", self.https)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yinxin"));
        command
            .current_dir(self.dir.path())
            .env("YINXIN_DATA", self.path("data"))
            .env("YINXIN_TRUST", self.path("trust"))
            .env("LC_ALL", "C")
            .args(line.split_whitespace());
        command
    }

    /// Runs it, with what is typed.
    fn run(&self, line: &str, typed: Option<&str>) -> Output {
        let mut child =
            self.command(line).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that refuses before it reads leaves a closed pipe.
        let _ = stdin.write_all(format!("{}\n", typed.unwrap_or_default()).as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    fn good(&self, line: &str, typed: Option<&str>) -> String {
        let run = self.run(line, typed);
        let said = format!("{}{}", text(&run.stdout), text(&run.stderr));
        assert!(run.status.success(), "{line}: {said}");
        text(&run.stdout)
    }

    fn json(&self, line: &str, typed: Option<&str>) -> Value {
        serde_json::from_str(&self.good(&format!("{line} --json"), typed)).unwrap()
    }

    fn bad(&self, line: &str, typed: Option<&str>) -> String {
        let run = self.run(line, typed);
        let said = format!("{}{}", text(&run.stdout), text(&run.stderr));
        assert_eq!(run.status.code(), Some(1), "{line}: {said}");
        said
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Both persons at one table: the first puts it forward, the second types the code. Gives the answer.
    fn hold(&self, what: &str, code: &str) -> Value {
        self.json(&format!("ceremony {what} {} --second two.pem", self.by("one")), Some(code))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn first_value(stream: impl Read + Send + 'static) -> Value {
    let mut all = String::new();
    for line in BufReader::new(stream).lines() {
        all.push_str(&line.unwrap());
        if let Ok(value) = serde_json::from_str(&all) {
            return value;
        }
    }
    panic!("the server said {all:?}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `None` if there is no openssl, which is said.
fn openssl(dir: &Path, line: &str) -> Option<(bool, String)> {
    match Command::new("openssl").current_dir(dir).args(line.split_whitespace()).output() {
        Ok(run) => Some((run.status.success(), format!("{}{}", text(&run.stdout), text(&run.stderr)))),
        Err(why) => {
            eprintln!("LEFT OUT: openssl did not judge: {why}");
            None
        }
    }
}

const ROOT: &str = r#"
format = "yinxin ceremony plan 1"
title = "Root of 2026"
place = "Room 3"
persons = ["Li Ming", "Wang Fang"]

[[step]]
do = "root"
issuer = "root-2026"
algorithm = "p256"
subject = "CN=Example Root 2026,O=Example,C=CN"
url = "http://pki.example.cn"
days = 7300

[[step]]
do = "crl"
issuer = "root-2026"
days = 180
"#;

const ISSUING: &str = r#"
format = "yinxin ceremony plan 1"
title = "First issuing authority"

[[step]]
do = "certify"
issuer = "issuing-2026"
under = "root-2026"
algorithm = "p256"
subject = "CN=Example Issuing CA 2026,O=Example,C=CN"
url = "http://pki.example.cn"
days = 3650

[[step]]
do = "crl"
issuer = "root-2026"
days = 180
"#;

const REVOKE: &str = r#"
format = "yinxin ceremony plan 1"
title = "The end of ec-issuing"

[[step]]
do = "revoke"
issuer = "ec-issuing"
reason = "cessationOfOperation"
"#;

#[test]
fn an_offline_root_is_born_signs_a_request_and_its_answer_is_taken_over() {
    let (offline, online) = (House::open("http://offline.invalid"), House::open("http://pki.example.cn"));

    // The root is made on the machine without a network.
    offline.write("root.toml", ROOT);
    let planned = offline.json("ceremony plan root.toml", None);
    assert!(planned["words"][0].as_str().unwrap().starts_with("Make root root-2026"));
    let code = planned["code"].as_str().unwrap();
    let by_one = offline.by("one");
    let alone = format!("ceremony sign root.toml {by_one} --second one.pem");
    assert!(offline.bad(&alone, Some(code)).contains("SAME_OFFICER"));
    let waits = offline.json(&format!("ceremony list {by_one}"), None);
    let id = waits["ceremonies"][0]["ceremony"].as_str().unwrap().to_owned();
    let confirm = format!("ceremony confirm {id} {}", offline.by("two"));
    assert!(offline.bad(&confirm, Some("0000 0000 0000 0000 0000 0000 0000 0000")).contains("CEREMONY_REFUSED"));
    assert!(offline.bad(&confirm, None).contains("Nothing was done"));
    assert!(offline.bad("ceremony sign root.toml", Some(code)).contains("FORBIDDEN"), "not through the socket");
    let born = offline.json(&confirm, Some(code));
    let page = offline.read(&format!("ceremony-{}-transcript.txt", &id[..8]));
    assert_eq!(born["transcript"].as_str().unwrap(), page);
    for told in ["Room 3", "Li Ming", "SHA-256", code] {
        assert!(page.contains(told), "{told}\n{page}");
    }

    // The online machine makes a key and a request; plan and request are carried over.
    online.write("issuing.toml", ISSUING);
    let asked = online.json(&format!("ceremony plan issuing.toml --out request.toml {}", online.by("one")), None);
    offline.write("issuing.toml", ISSUING);
    offline.write("request.toml", &online.read("request.toml"));
    let planned = offline.json("ceremony plan issuing.toml --request request.toml", None);
    assert_eq!(planned["code"], asked["agreed"], "both machines say the same code");
    std::fs::create_dir(offline.path("usb")).unwrap();
    let sign = "sign issuing.toml --request request.toml --out usb";
    let signed = offline.hold(sign, planned["code"].as_str().unwrap());
    let answer = signed["response"].as_str().unwrap();
    let short = &signed["ceremony"].as_str().unwrap()[..8];
    assert_eq!(offline.read(&format!("usb/ceremony-{short}-response.toml")), answer);

    // A changed answer, an answer at the wrong machine; then the right one, once.
    online.write("changed.toml", &answer.replace("root-2026", "root-2027"));
    let second = format!("{} --second two.pem", online.by("one"));
    assert!(online.bad(&format!("ceremony import changed.toml {second}"), None).contains("changed on its way"));
    offline.write("answer.toml", answer);
    let at_home = format!("ceremony import answer.toml {} --second two.pem", offline.by("one"));
    assert!(offline.bad(&at_home, None).contains("wrote the answer itself"));
    online.write("answer.toml", answer);
    // The code of the answer stands on the paper that came along.
    let paper = signed["transcript"].as_str().unwrap();
    let code = paper.lines().skip_while(|line| !line.starts_with("Code of the response")).nth(1).unwrap().trim();
    online.hold("import answer.toml", code);
    assert!(online.bad(&format!("ceremony import answer.toml {second}"), None).contains("imported already"));
    assert!(online.path("data/roots/root-2026.pem").exists(), "a copy of the root for who trusts it");

    // The new issuer works, and a stranger believes it.
    let filed =
        online.json(&format!("issue www.example.cn --key-type p256 --issuer issuing-2026 {}", online.by("li")), None);
    let request = filed["request"].as_str().unwrap();
    let issued = online.json(&format!("approve {request} {}", online.by("wang")), None);
    assert_eq!(issued["issuer"], "issuing-2026");
    let serial = issued["serial"].as_str().unwrap();
    online.good(&format!("show {serial} --out www.example.cn {}", online.by("li")), None);
    let mut lists = String::new();
    for issuer in ["root-2026", "issuing-2026"] {
        online.good(&format!("crl {issuer} --out {issuer}.crl {}", online.by("li")), None);
        if let Some((_, pem)) = openssl(online.dir.path(), &format!("crl -in {issuer}.crl -inform DER")) {
            lists.push_str(&pem);
        }
    }
    online.write("all.crl", &lists);
    let judge = "verify -x509_strict -crl_check_all -CRLfile all.crl -CAfile data/roots/root-2026.pem \
                 -untrusted www.example.cn/chain.pem www.example.cn/cert.pem";
    if let Some((good, said)) = openssl(online.dir.path(), judge) {
        assert!(good, "{said}");
    }
    // Without the lists of the root it is not enough: the judge does look.
    if let Some((good, said)) = openssl(online.dir.path(), &judge.replace("all.crl", "/dev/null")) {
        assert!(!good, "{said}");
    }

    // An issuer comes to its end.
    online.write("revoke.toml", REVOKE);
    let code = online.json("ceremony plan revoke.toml", None)["code"].as_str().unwrap().to_owned();
    let done = online.hold("sign revoke.toml", &code);
    assert_eq!(done["state"], "done");
    let issuers = online.json(&format!("issuers {}", online.by("li")), None);
    let state = |word: &str| {
        let all = issuers["issuers"].as_array().unwrap();
        all.iter().find(|one| one["issuer"] == word).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (state("ec-issuing"), state("root-2026"), state("issuing-2026")),
        ("revoked".into(), "offline".into(), "active".into())
    );
    let late =
        online.bad(&format!("issue late.example.cn --key-type p256 --issuer ec-issuing {}", online.by("li")), None);
    assert!(late.contains("ISSUER_STATE"), "{late}");
    for house in [&offline, &online] {
        house.good(&format!("audit verify {}", house.by("zhao")), None);
    }
}
