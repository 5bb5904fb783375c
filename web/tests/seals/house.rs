//! A server on a fresh data directory with a seal in use, and a stranger's machine beside it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The text that documents here bear.
pub const TEXT: &str = "合同编号：2026-001\n甲方与乙方经协商一致，订立本合同。\n甲方（盖章）：";

/// A running server and its folder.
pub struct House {
    dir: tempfile::TempDir,
    server: Child,
    /// The seal that is in use.
    pub seal: String,
}

impl House {
    /// A house with a drawn round seal.
    pub fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut server = command(dir.path(), "data")
            .args(["up", "--json", "--http", "127.0.0.1:0", "--https", "localhost:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(server.stdout.take().unwrap());
        let mut so_far = String::new();
        while serde_json::from_str::<Value>(&so_far).is_err() {
            assert!(reader.read_line(&mut so_far).unwrap() > 0, "the server ended: {so_far}");
        }
        std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        let mut house = Self { dir, server, seal: String::new() };
        for root in ["sm2-root", "ec-root"] {
            good(house.stranger(&format!("trust add data/roots/{root}.pem")));
        }
        let made = house.json("seal make --name 示例科技有限公司 --drawn round --out seal.esl");
        assert_eq!(made["state"], "enabled");
        house.seal = made["id"].as_str().unwrap().to_owned();
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// A plain OFD.
    pub fn put_ofd(&self, name: &str) {
        let at = "2026-11-21T08:00:00Z".parse().unwrap();
        let draft = eseal::core::ofd::write::plain("0123456789abcdef0123456789abcdef", "合同", at, TEXT);
        self.put(name, &eseal::core::ofd::write::write(&draft).unwrap());
    }

    /// A command of the owner of the data directory.
    pub fn run(&self, line: &str) -> Output {
        command(self.dir.path(), "data").args(line.split_whitespace()).output().unwrap()
    }

    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&good(self.run(&format!("{line} --json")))).unwrap()
    }

    /// Puts the seal on a document, with these words about where and how.
    pub fn seal(&self, file: &str, words: &str, out: &str) -> Value {
        self.json(&format!("seal apply {file} --seal {} {words} -o {out}", self.seal))
    }

    /// A command of somebody who has no server and no data directory, only the roots.
    pub fn stranger(&self, line: &str) -> Output {
        command(self.dir.path(), "nowhere").args(line.split_whitespace()).output().unwrap()
    }

    /// What a stranger finds of files: the exit status, and what is said of each.
    pub fn verify(&self, files: &str) -> (i32, Vec<Value>) {
        let output = self.stranger(&format!("verify {files} --json"));
        let said = String::from_utf8_lossy(&output.stdout);
        let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        let items = answer["items"].as_array().unwrap_or_else(|| panic!("{answer:#}")).clone();
        (output.status.code().unwrap(), items)
    }

    #[track_caller]
    pub fn is_valid(&self, file: &str) -> Value {
        let (code, mut items) = self.verify(file);
        let item = items.swap_remove(0);
        assert_eq!(code, 0, "{file}: {}", troubles(&item));
        assert_eq!(item["report"]["verdict"], "valid", "{item:#}");
        item
    }

    /// That a stranger calls a file invalid, for a failure of this check among others.
    #[track_caller]
    pub fn is_invalid(&self, file: &str, check: &str) -> Value {
        let (code, mut items) = self.verify(file);
        let item = items.swap_remove(0);
        assert_eq!(code, 1, "{file}: {item:#}");
        let failed = failed(&item);
        assert!(failed.iter().any(|one| one == check), "{file}: {check} is not among {failed:?}\n{}", troubles(&item));
        item
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn command(dir: &Path, data: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yinxin"));
    let trust = dir.join("trust");
    command.current_dir(dir).env("YINXIN_DATA", dir.join(data)).env("YINXIN_TRUST", trust).env("LC_ALL", "C");
    command
}

/// What a command that works printed.
#[track_caller]
pub fn good(output: Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

/// Everything a command that fails with this status printed.
#[track_caller]
pub fn bad(output: Output, status: i32) -> String {
    let all = [output.stdout, output.stderr].concat();
    let all = String::from_utf8_lossy(&all).into_owned();
    assert_eq!(output.status.code(), Some(status), "{all}");
    all
}

/// The checks of an item that failed.
pub fn failed(item: &Value) -> Vec<String> {
    let checks = item["checks"].as_array().unwrap();
    checks.iter().filter(|one| one["result"] == "fail").map(|one| one["check"].as_str().unwrap().to_owned()).collect()
}

/// Whatever did not simply pass, in lines.
pub fn troubles(item: &Value) -> String {
    let checks = item["checks"].as_array().unwrap();
    let telling = checks.iter().filter(|one| one["result"] != "pass");
    telling.map(|one| format!("{} {}: {}\n", one["result"], one["check"], one["detail"])).collect()
}

impl House {
    /// The exit status of a stranger's `verify`.
    pub fn verify_code(&self, files: &str) -> i32 {
        self.stranger(&format!("verify {files}")).status.code().unwrap()
    }
}
