//! BouncyCastle, through `Judge.java`, `OcspJudge.java`, `TspJudge.java`, `SealJudge.java` and `OfdJudge.java` beside this
//! file: the one judge that takes whole SM2 chains and CRLs.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Verdict, capture, judges_dir, left_out};

/// Each is compiled by itself.
const SOURCES: [(&str, &str); 5] = [
    ("Judge", include_str!("Judge.java")),
    ("OcspJudge", include_str!("OcspJudge.java")),
    ("TspJudge", include_str!("TspJudge.java")),
    ("SealJudge", include_str!("SealJudge.java")),
    ("OfdJudge", include_str!("OfdJudge.java")),
];

/// Where Debian's libbcprov-java and libbcpkix-java put their jars.
const DEBIAN_JARS: [&str; 3] =
    ["/usr/share/java/bcprov.jar", "/usr/share/java/bcutil.jar", "/usr/share/java/bcpkix.jar"];

/// BouncyCastle as a judge.
#[derive(Debug, Clone)]
pub struct BouncyCastle {
    class_path: OsString,
    at: Option<u64>,
}

impl BouncyCastle {
    /// The judge, if this machine has a Java compiler and the jars: `YINXIN_JUDGE_BC` is a class
    /// path, else Debian's packages are looked for.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Result<OsString, String>> = OnceLock::new();
        match FOUND.get_or_init(prepare) {
            Ok(class_path) => Some(Self { class_path: class_path.clone(), at: None }),
            Err(why) => {
                left_out(&format!("BouncyCastle: {why}"));
                None
            }
        }
    }

    /// Judges as of this second since 1970 instead of now.
    #[must_use]
    pub fn at(mut self, seconds: u64) -> Self {
        self.at = Some(seconds);
        self
    }

    /// PKIX path validation from each leaf to the root; `chain` holds what lies between, the
    /// leaf's issuer first. Revocation is not looked at.
    pub fn chain(&self, root: &Path, chain: Option<&Path>, leaves: &[&Path]) -> Verdict {
        let mut arguments = vec![root, chain.unwrap_or(Path::new("-"))];
        arguments.extend(leaves);
        self.ask("chain", &arguments)
    }

    /// The same with revocation: every certificate of the path but the root needs a CRL.
    pub fn chain_with_crls(&self, root: &Path, chain: Option<&Path>, leaf: &Path, crls: &[&Path]) -> Verdict {
        let mut arguments = vec![root, chain.unwrap_or(Path::new("-")), leaf];
        arguments.extend(crls);
        self.ask("chain-crl", &arguments)
    }

    /// The same, deltas among the CRLs looked at.
    pub fn chain_with_deltas(&self, root: &Path, chain: Option<&Path>, leaf: &Path, crls: &[&Path]) -> Verdict {
        let mut arguments = vec![root, chain.unwrap_or(Path::new("-")), leaf];
        arguments.extend(crls);
        self.ask("chain-delta", &arguments)
    }

    /// A CRL under its issuer. Facts: `number`, `this update`, `next update`, `current`, `entries`,
    /// and up to a hundred `revoked` (serial, reason, time).
    pub fn crl(&self, issuer: &Path, crl: &Path) -> Verdict {
        self.ask("crl", &[issuer, crl])
    }

    /// A time-stamp: that the answer fits the request, the token is signed by its certificate (or `signer`, where
    /// it carries none), and that leads to the root at genTime. Facts: `status`, `fail info`, `time`, `serial`,
    /// `policy`, `ordering`, `imprint`, `signature`, `certificates`.
    pub fn stamp(&self, root: &Path, chain: &Path, query: &Path, reply: &Path, signer: Option<&Path>) -> Verdict {
        let mut files = vec![root, chain, query, reply];
        files.extend(signer);
        self.ask("stamp", &files)
    }

    /// A PKCS#10 request: strict DER and proof of possession. Facts: `subject`, `key`, `signature`, `extension`.
    pub fn csr(&self, file: &Path) -> Verdict {
        self.ask("csr", &[file])
    }

    /// A certificate alone: strict DER, readable key. Facts: `serial`, `issuer`, `subject`, `not before`,
    /// `not after`, `signature`, `key`, `extension`, `self-signed`.
    pub fn certificate(&self, file: &Path) -> Verdict {
        self.ask("cert", &[file])
    }

    /// Writes a question about `cert` of `issuer` into a file. `hash` (sha1, sha256, sm3) names the issuer; `nonce` is
    /// hexadecimal, or `-` for none.
    pub fn ocsp_question(&self, hash: &str, issuer: &Path, cert: &Path, nonce: &str, out: &Path) {
        let words = [Path::new(hash), issuer, cert, Path::new(nonce), out];
        self.run("OcspJudge", "ask", &words).must_accept("a question of its own");
    }

    /// What it makes of the answer to that question. Facts: `status`, `reason`, `signature`.
    pub fn ocsp_answer(&self, hash: &str, issuer: &Path, cert: &Path, nonce: &str, answer: &Path) -> Verdict {
        self.run("OcspJudge", "answer", &[Path::new(hash), issuer, cert, Path::new(nonce), answer])
    }

    /// Writes a time-stamp request about `data` into a file. `hash` is sm3 or sha256.
    pub fn stamp_question(&self, hash: &str, data: &Path, out: &Path) {
        self.run("TspJudge", "ask", &[Path::new(hash), data, out]).must_accept("a question of its own");
    }

    /// What it makes of the answer to that request, whose signer `issuer` (PEM) certified. Facts: `time`, `policy`,
    /// `serial`.
    pub fn stamp_answer(&self, question: &Path, answer: &Path, issuer: &Path) -> Verdict {
        self.run("TspJudge", "answer", &[question, answer, issuer])
    }

    /// A seal signature (GB/T 38540-2020) over the octets in `signed`: everything but chains and time. Facts: `seal`,
    /// `time`, `stamped`.
    pub fn seal(&self, value: &Path, signed: &Path) -> Verdict {
        self.run("SealJudge", "ses", &[value, signed])
    }

    /// CMS SignedData over the octets in `signed`. Facts: `signer`, `digest`, `signature`, `content`.
    pub fn cms(&self, value: &Path, signed: &Path) -> Verdict {
        self.run("SealJudge", "cms", &[value, signed])
    }

    /// A sealed OFD document: its seal signatures, what they protect and what they leave out; everything but chains and
    /// time. Facts: `pages`, `signatures`, and of each signature `picture` and `stamps`.
    pub fn ofd(&self, document: &Path) -> Verdict {
        self.run("OfdJudge", "ofd", &[document])
    }

    fn ask(&self, command: &str, files: &[&Path]) -> Verdict {
        self.run("Judge", command, files)
    }

    fn run(&self, class: &str, command: &str, files: &[&Path]) -> Verdict {
        let mut java = Command::new("java");
        // Small start-up, and room for a CRL of a million entries.
        java.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx3g", "-cp"]).arg(&self.class_path);
        java.arg(class).arg(command);
        if let Some(at) = self.at {
            java.arg("-at").arg(at.to_string());
        }
        match capture(java.args(files)) {
            Err(why) => Verdict::Broken(why),
            Ok(run) => match run.code {
                Some(0) => Verdict::Accepts(run.output()),
                Some(1) if run.stdout.contains("refused: ") => Verdict::Refuses(run.output()),
                _ => Verdict::Broken(run.output()),
            },
        }
    }
}

/// The class path with `Judge` compiled in front, or why there is none.
fn prepare() -> Result<OsString, String> {
    let jars = match std::env::var_os("YINXIN_JUDGE_BC") {
        Some(path) => path,
        None => debian_jars()?,
    };
    let classes = compile(&jars)?;
    std::env::join_paths(std::iter::once(classes).chain(std::env::split_paths(&jars))).map_err(|e| e.to_string())
}

fn debian_jars() -> Result<OsString, String> {
    match DEBIAN_JARS.iter().find(|jar| !Path::new(jar).exists()) {
        Some(missing) => Err(format!("no {missing} (Debian: libbcprov-java libbcpkix-java)")),
        None => std::env::join_paths(DEBIAN_JARS).map_err(|e| e.to_string()),
    }
}

/// Compiles once for each content of the source and class path, whoever comes first; a folder
/// appears under its final name only when complete, so test programs may race.
fn compile(jars: &OsString) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    (SOURCES, jars).hash(&mut hasher);
    let home = judges_dir();
    let classes = home.join(format!("classes-{:016x}", hasher.finish()));
    if SOURCES.iter().all(|(name, _)| classes.join(format!("{name}.class")).exists()) {
        return Ok(classes);
    }
    let work = home.join(format!("classes-{}.tmp", std::process::id()));
    fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
    let mut javac = Command::new("javac");
    javac.arg("-cp").arg(jars).arg("-d").arg(&work);
    for (name, text) in SOURCES {
        let source = work.join(format!("{name}.java"));
        fs::write(&source, text).map_err(|e| format!("{}: {e}", source.display()))?;
        javac.arg(source);
    }
    let run = capture(&mut javac).map_err(|why| format!("no Java compiler: {why} (Debian: default-jdk-headless)"))?;
    // Without the compiler there is nothing to judge with; with it, a program of ours that does
    // not compile is our fault and no reason to leave anything out.
    assert_eq!(run.code, Some(0), "Judge.java does not compile:\n{}", run.output());
    if fs::rename(&work, &classes).is_err() {
        let _ = fs::remove_dir_all(&work);
    }
    if SOURCES.iter().all(|(name, _)| classes.join(format!("{name}.class")).exists()) {
        Ok(classes)
    } else {
        Err(format!("no {}", classes.display()))
    }
}
