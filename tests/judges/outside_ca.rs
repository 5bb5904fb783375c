//! A small certificate authority run with the `openssl` program: material for judging the judges.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::judges::{SM2_ID, capture};

/// The algorithms of a hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// SM2 with SM3.
    Sm2,
    /// P-256 with SHA-256.
    Ec,
}

impl Family {
    const fn curve(self) -> &'static str {
        match self {
            Self::Sm2 => "SM2",
            Self::Ec => "prime256v1",
        }
    }

    const fn digest(self) -> &'static str {
        match self {
            Self::Sm2 => "-sm3",
            Self::Ec => "-sha256",
        }
    }

    /// The options that give the SM2 identifier when signing (`-sigopt`) or verifying (`-vfyopt`).
    fn id(self, option: &'static str) -> Vec<&'static str> {
        match self {
            Self::Sm2 => vec![option, SM2_ID],
            Self::Ec => Vec::new(),
        }
    }
}

/// A root, an issuing authority, a leaf with its request, and the authority's CRL.
pub struct OutsideCa {
    dir: tempfile::TempDir,
    family: Family,
}

const CONFIGURATION: &str = "
[req]
distinguished_name = name
prompt = no
[name]
C = CN
O = Outside Judges
CN = root
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:www.example.cn
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ca]
default_ca = authority
[authority]
database = index.txt
crlnumber = number
default_crl_days = 5
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
";

impl OutsideCa {
    /// Makes the hierarchy and an empty CRL. `None` if there is no `openssl` that can.
    pub fn make(family: Family) -> Option<Self> {
        crate::judges::OpenSsl::find()?;
        let ca = Self { dir: tempfile::tempdir().expect("a temporary folder"), family };
        fs::write(ca.file("ca.cnf"), CONFIGURATION).expect("a file in it");
        fs::write(ca.file("index.txt"), "").expect("a file in it");
        fs::write(ca.file("number"), "01\n").expect("a file in it");
        for name in ["root", "issuing", "leaf"] {
            ca.openssl(&["ecparam", "-name", family.curve(), "-genkey", "-noout", "-out", &format!("{name}.key")], &[]);
        }
        let sign = family.id("-sigopt");
        let root = "req -x509 -new -config ca.cnf -extensions root -days 30 -key root.key -out root.pem";
        ca.openssl_words(root, &[&[family.digest()], sign.as_slice()].concat());
        ca.certify("issuing", "root");
        ca.certify("leaf", "issuing");
        ca.publish();
        Some(ca)
    }

    /// The path of a file of this authority: `root.pem`, `issuing.pem`, `leaf.pem`, `leaf.csr`, `issuing.crl`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Revokes the leaf and publishes a new CRL.
    pub fn revoke_the_leaf(&self) {
        let revoke = "ca -config ca.cnf -md sha256 -cert issuing.pem -keyfile issuing.key -revoke leaf.pem";
        self.openssl_words(revoke, &["-crl_reason", "keyCompromise"]);
        self.publish();
    }

    /// An empty CRL of the root.
    pub fn root_crl(&self) -> PathBuf {
        fs::write(self.file("no-index.txt"), "").expect("a file in our folder");
        let configuration = CONFIGURATION.replace("index.txt", "no-index.txt");
        fs::write(self.file("root.cnf"), configuration).expect("a file in our folder");
        self.list("root.cnf", "root");
        self.file("root.crl")
    }

    /// A leaf in bad form: it names neither its own key nor its issuer's.
    pub fn without_key_identifiers(&self) -> PathBuf {
        let plain = "[leaf]\nkeyUsage = critical, digitalSignature\nsubjectAltName = DNS:www.example.cn\n\
                     subjectKeyIdentifier = none\nauthorityKeyIdentifier = none\n";
        fs::write(self.file("plain.cnf"), plain).expect("a file in our folder");
        self.issue("leaf", "issuing", "plain.cnf", "plain.pem");
        self.file("plain.pem")
    }

    /// A copy of `name` with one bit of its last octet turned: the signature's last.
    pub fn damaged(&self, name: &str) -> PathBuf {
        let mut der = fs::read(self.in_der(name)).expect("just written");
        *der.last_mut().expect("not empty") ^= 1;
        self.written(&format!("damaged-{name}"), &der)
    }

    /// A copy of `name` without its last octet.
    pub fn cut(&self, name: &str) -> PathBuf {
        let der = fs::read(self.in_der(name)).expect("just written");
        self.written(&format!("cut-{name}"), &der[..der.len() - 1])
    }

    fn written(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, bytes).expect("a file in our folder");
        path
    }

    fn in_der(&self, name: &str) -> PathBuf {
        let kind = match Path::new(name).extension().and_then(|e| e.to_str()) {
            Some("csr") => "req",
            Some("crl") => return self.file(name),
            _ => "x509",
        };
        let out = self.file(&format!("{name}.der"));
        self.openssl(&[kind, "-in", name, "-outform", "DER", "-out"], &[out.to_str().expect("our own name")]);
        out
    }

    fn certify(&self, name: &str, issuer: &str) {
        let sign = self.family.id("-sigopt");
        let request = format!("req -new -config ca.cnf -key {name}.key -out {name}.csr");
        let subject = format!("/C=CN/O=Outside Judges/CN={name}");
        self.openssl_words(&request, &[&["-subj", subject.as_str(), self.family.digest()], sign.as_slice()].concat());
        self.issue(name, issuer, "ca.cnf", &format!("{name}.pem"));
    }

    /// Answers `name`'s request with the extensions of section `name` of `configuration`.
    fn issue(&self, name: &str, issuer: &str, configuration: &str, out: &str) {
        let (sign, verify) = (self.family.id("-sigopt"), self.family.id("-vfyopt"));
        let issue = format!(
            "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -days 20 \
             -extfile {configuration} -extensions {name} -out {out}"
        );
        self.openssl_words(&issue, &[&[self.family.digest()], sign.as_slice(), verify.as_slice()].concat());
    }

    fn publish(&self) {
        self.list("ca.cnf", "issuing");
    }

    fn list(&self, configuration: &str, issuer: &str) {
        let digest = self.family.digest().trim_start_matches('-');
        let list = format!(
            "ca -gencrl -config {configuration} -cert {issuer}.pem -keyfile {issuer}.key -out {issuer}.crl.pem"
        );
        self.openssl_words(&list, &[&["-md", digest], self.family.id("-sigopt").as_slice()].concat());
        self.openssl_words(&format!("crl -in {issuer}.crl.pem -outform DER -out {issuer}.crl"), &[]);
    }

    fn openssl_words(&self, words: &str, more: &[&str]) {
        self.openssl(&words.split_whitespace().collect::<Vec<_>>(), more);
    }

    #[track_caller]
    fn openssl(&self, arguments: &[&str], more: &[&str]) {
        let mut command = Command::new("openssl");
        let run = capture(command.current_dir(self.dir.path()).args(arguments).args(more)).expect("openssl was found");
        assert_eq!(run.code, Some(0), "openssl {arguments:?} {more:?}\n{}", run.output());
    }
}
