//! Secrets and the forms in which they could lie about, and the search for all of them at once.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crypto_pool::RootKey;
use engine::sm4::Gcm;
use ledger::Db;
use pki_config::{KeyId, TenantId, UnitId};

/// Octets by which a form is first recognised.
const HEAD: usize = 8;

/// What is looked for.
#[derive(Default)]
pub struct Secrets {
    /// By their first octets: the name of secret and form, and the whole form.
    forms: HashMap<[u8; HEAD], Vec<(String, Vec<u8>)>>,
    /// Which first two octets any form has: most of what is looked through is passed over by this alone.
    begins: HashSet<[u8; 2]>,
    secrets: usize,
}

impl Secrets {
    pub fn len(&self) -> usize {
        self.secrets
    }

    fn form(&mut self, name: String, form: &[u8]) {
        let head = form.get(..HEAD).and_then(|head| head.try_into().ok()).expect("forms are long");
        self.begins.insert([form[0], form[1]]);
        let same = self.forms.entry(head).or_default();
        if !same.iter().any(|(_, there)| there == form) {
            same.push((name, form.to_vec()));
        }
    }

    /// A text, as it is and without what is only for the eye.
    pub fn text(&mut self, name: &str, text: &str) {
        self.secrets += 1;
        self.form(name.to_owned(), text.as_bytes());
        self.form(format!("{name}, packed"), text.replace('-', "").as_bytes());
        self.form(format!("{name}, base64"), scan_base64(text.as_bytes(), 0).as_bytes());
    }

    /// A number of 16 octets or more, in every form it could be written down in. DER and PKCS#8 hold it as it is; PEM
    /// in base64 at one of three places.
    pub fn bytes(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= 16, "{name} is too short to be told from chance");
        self.secrets += 1;
        // Halves as well: a number cut at the border of a page or a chunk is found all the same.
        let halves = secret.split_at(secret.len() / 2);
        for part in [secret, halves.0, halves.1] {
            self.form(format!("{name}, raw"), part);
            let hex: String = part.iter().map(|octet| format!("{octet:02x}")).collect();
            self.form(format!("{name}, hexadecimal"), hex.as_bytes());
            self.form(format!("{name}, HEXADECIMAL"), hex.to_uppercase().as_bytes());
            for place in 0..3 {
                let text = scan_base64(part, place);
                self.form(format!("{name}, base64"), text.as_bytes());
                self.form(format!("{name}, base64 for addresses"), text.replace('+', "-").replace('/', "_").as_bytes());
            }
        }
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        self.form(format!("{name}, reversed"), &reversed);
    }

    pub fn root_key(&mut self, name: &str, root: &RootKey) {
        // The only way out that the key has: the file of a trial.
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("root.key"), "").unwrap();
        crypto_pool::root_key::FileSeal::new(dir.path()).replace(&root.alone()).unwrap();
        let text = std::fs::read_to_string(dir.path().join("root.key")).unwrap();
        let digits = text.trim().as_bytes();
        let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        self.bytes(name, &digits.chunks(2).map(octet).collect::<Vec<_>>());
    }

    /// The secret numbers of a PKCS#8 key: whatever in it is a number or octets, long, and not public.
    pub fn pkcs8(&mut self, name: &str, pkcs8: &[u8], spki: &[u8]) {
        let mut numbers = Vec::new();
        collect(pkcs8, 0, &mut numbers);
        let before = self.secrets;
        for number in numbers {
            if number.len() >= 16 && !spki.windows(number.len()).any(|window| window == number) {
                self.bytes(name, &number);
            }
        }
        assert!(self.secrets > before, "{name} has a secret");
    }

    /// The private key among these; the numbers that the others have are public.
    pub fn of_pem(&mut self, name: &str, pem: &str) {
        let (mut private, mut public) = (Vec::new(), Vec::new());
        for block in pem.split("-----BEGIN ").skip(1) {
            let (label, rest) = block.split_once("-----").unwrap();
            let text: String = rest.split("-----END").next().unwrap().split_whitespace().collect();
            let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
            if label == "PRIVATE KEY" { private = der } else { public.extend(der) }
        }
        self.pkcs8(name, &private, &public);
    }

    /// Every private key in the database, and the key-encryption keys of units. Says how many keys.
    pub fn of_installation(&mut self, data: &Path, root: &RootKey) -> usize {
        let db = Db::open_read_only(data.join("yinxin.db")).unwrap();
        let units = units(&db, root);
        for (unit, kek) in &units {
            self.bytes(&format!("the key of unit {unit}"), kek);
        }
        let keys = keys(&db);
        for key in &keys {
            let pkcs8 = unwrapped(key, root, &units);
            self.pkcs8(&format!("key {} ({})", key.id, key.purpose), &pkcs8, &key.spki);
        }
        db.close();
        keys.len()
    }

    /// The names of what is in `hay`.
    pub fn found_in(&self, hay: &[u8]) -> Vec<String> {
        // As it is, without line ends and blanks, and without what stands between digits.
        let unbroken: Vec<u8> = hay.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
        let digits: Vec<u8> = unbroken.iter().copied().filter(|octet| *octet != b':').collect();
        let mut found: Vec<String> = [hay, &unbroken, &digits].into_iter().flat_map(|hay| self.look(hay)).collect();
        found.sort();
        found.dedup();
        found
    }

    fn look(&self, hay: &[u8]) -> Vec<String> {
        let mut begins = vec![false; 1 << 16];
        for [first, second] in &self.begins {
            begins[usize::from(*first) << 8 | usize::from(*second)] = true;
        }
        let mut found = Vec::new();
        for at in 0..hay.len().saturating_sub(HEAD - 1) {
            if !begins[usize::from(hay[at]) << 8 | usize::from(hay[at + 1])] {
                continue;
            }
            let head: [u8; HEAD] = hay[at..at + HEAD].try_into().unwrap();
            let same = self.forms.get(&head).map(Vec::as_slice).unwrap_or_default();
            found.extend(same.iter().filter(|(_, form)| hay[at..].starts_with(form)).map(|(name, _)| name.clone()));
        }
        found
    }
}

struct Key {
    tenant: TenantId,
    id: KeyId,
    purpose: String,
    algorithm: String,
    spki: Vec<u8>,
    wrapped: Vec<u8>,
    subject: Option<Vec<u8>>,
}

fn keys(db: &Db) -> Vec<Key> {
    let sql =
        "SELECT tenant_id, id, purpose, algorithm, spki, wrapped, subject FROM pool_key WHERE wrapped IS NOT NULL";
    let read = move |tx: &ledger::Tx<'_>| {
        tx.query_all(sql, &[], |row| {
            let text = |at: usize| row.get::<_, String>(at);
            Ok(Key {
                tenant: text(0)?.parse().unwrap(),
                id: text(1)?.parse().unwrap(),
                purpose: text(2)?,
                algorithm: text(3)?,
                spki: row.get(4)?,
                wrapped: row.get(5)?,
                subject: row.get(6)?,
            })
        })
    };
    db.read_blocking(read).unwrap()
}

fn units(db: &Db, root: &RootKey) -> Vec<(UnitId, Vec<u8>)> {
    let sql = "SELECT tenant_id, id, kek FROM pool_unit WHERE kek IS NOT NULL";
    let read = move |tx: &ledger::Tx<'_>| tx.query_all(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let rows: Vec<(String, String, Vec<u8>)> = db.read_blocking(read).unwrap();
    let around = Gcm::new(&root.derive::<16>("yinxin key of units' key-encryption keys, version 1"));
    let opened = rows.into_iter().map(|(tenant, unit, kek)| {
        let aad = format!("yinxin unit's key-encryption key, version 1, unit {unit} of {tenant}");
        let kek = around.open(kek[1..13].try_into().unwrap(), aad.as_bytes(), &kek[13..]).unwrap();
        (unit.parse().unwrap(), kek.to_vec())
    });
    opened.collect()
}

fn unwrapped(key: &Key, root: &RootKey, units: &[(UnitId, Vec<u8>)]) -> Vec<u8> {
    let (unit, nonce, text) = match key.wrapped[0] {
        1 => (None, &key.wrapped[1..13], &key.wrapped[13..]),
        2 => (Some(&key.wrapped[1..17]), &key.wrapped[17..29], &key.wrapped[29..]),
        other => panic!("a way of wrapping that this test does not know: {other}"),
    };
    let kek: [u8; 16] = match unit {
        None => *root.derive::<16>(&format!("yinxin key-encryption key, version 1, tenant {}", key.tenant)),
        Some(unit) => {
            let known = units.iter().find(|(id, _)| id.as_bytes()[..] == *unit).expect("the unit is there");
            known.1.as_slice().try_into().unwrap()
        }
    };
    let version: &[u8] =
        if unit.is_some() { b"yinxin wrapped key of a unit, version 1" } else { b"yinxin wrapped key, version 1" };
    let mut aad = Vec::new();
    let parts: [&[u8]; 7] = [
        version,
        key.tenant.as_str().as_bytes(),
        key.id.as_bytes(),
        key.purpose.as_bytes(),
        key.algorithm.as_bytes(),
        key.subject.as_deref().unwrap_or_default(),
        &key.spki,
    ];
    for part in parts.into_iter().chain(unit) {
        aad.extend((part.len() as u64).to_be_bytes());
        aad.extend(part);
    }
    Gcm::new(&kek).open(nonce.try_into().unwrap(), &aad, text).unwrap().to_vec()
}

/// The contents of every INTEGER and OCTET STRING in this DER that holds no DER itself.
fn collect(der: &[u8], depth: usize, out: &mut Vec<Vec<u8>>) -> bool {
    let mut rest = der;
    let before = out.len();
    while let [tag, length, after @ ..] = rest {
        let (length, after) = match *length {
            0..=0x7f => (usize::from(*length), after),
            0x81 if !after.is_empty() => (usize::from(after[0]), &after[1..]),
            0x82 if after.len() > 1 => (usize::from(after[0]) << 8 | usize::from(after[1]), &after[2..]),
            _ => (usize::MAX, after),
        };
        let Some(content) = after.get(..length) else {
            out.truncate(before);
            return false;
        };
        match tag {
            0x30 | 0xa0..=0xa3 if depth < 8 => {
                collect(content, depth + 1, out);
            }
            0x04 if depth < 8 && content.first().is_some_and(|first| [0x30, 0x04].contains(first)) => {
                let der = collect(content, depth + 1, out);
                out.extend((!der).then(|| content.to_vec()));
            }
            0x04 => out.push(content.to_vec()),
            0x02 => out.push(content.strip_prefix(&[0]).unwrap_or(content).to_vec()),
            _ => {}
        }
        rest = &after[length..];
    }
    rest.is_empty()
}

pub fn base64(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

/// What is the same in every base64 text that has `secret` `place` octets after a multiple of three.
fn scan_base64(secret: &[u8], place: usize) -> String {
    let text = base64(&[&vec![0; place], secret].concat());
    let whole = (place + secret.len()) / 3 * 4;
    let from = [0, 4, 4][place];
    text[from..whole].to_owned()
}

/// Every file in and below a folder; sockets are none.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files
}
