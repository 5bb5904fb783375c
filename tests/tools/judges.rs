//! Installs the outside judges: openssl, BouncyCastle, browsers, nginx, GnuTLS, osslsigncode, Poppler and qpdf from Debian;
//! pkilint, rfc3161-client, pyHanko, Tongsuo and NIST's path validation suite from the Python index; axe-core from the npm registry.
//!
//! A judge that cannot be had is left out with the reason; the tests that ask it say so too.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::run::{Ended, finish, quiet};
use crate::{Gate, Outcome};

/// The version whose findings our profiles are checked against; another may find other things.
const PKILINT: &str = "pkilint==0.13.3";

/// The clients of time-stamps that judge ours, in an environment of their own.
const STAMPS: [&str; 2] = ["rfc3161-client==1.0.9", "pyhanko==0.38.0"];

/// Tongsuo's library, with SM2 and TLCP, lies in this Python package.
const TONGSUO: &str = "tongsuopy==1.0.1";

/// NIST's Public Key Interoperability Test Suite lies in the test vectors of a Python library.
const PKITS: &str = "cryptography-vectors==50.0.2";

/// The judge of pages, and the digest of its package: the one thing here that is run as it comes.
const AXE: &str = "axe-core@4.14.1";
const AXE_DIGEST: &str =
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";

/// Where Debian puts BouncyCastle.
const JARS: [&str; 3] = ["/usr/share/java/bcprov.jar", "/usr/share/java/bcutil.jar", "/usr/share/java/bcpkix.jar"];

/// A program that asks our services what its users' programs ask, and the package that has it.
struct Client {
    program: &'static str,
    /// What makes it say which version it is.
    asks: &'static str,
    package: &'static str,
}

/// Whose opinion of answers, staples, pages and sealed documents the tests want.
const CLIENTS: [Client; 11] = [
    Client { program: "firefox-esr", asks: "--version", package: "firefox-esr" },
    Client { program: "chromium", asks: "--version", package: "chromium" },
    Client { program: "chromedriver", asks: "--version", package: "chromium-driver" },
    Client { program: "nginx", asks: "-v", package: "nginx-light" },
    Client { program: "osslsigncode", asks: "--version", package: "osslsigncode" },
    Client { program: "ocsptool", asks: "--version", package: "gnutls-bin" },
    // It has no option that tells a version; this one lists what it can do.
    Client { program: "certutil", asks: "-H", package: "libnss3-tools" },
    Client { program: "pdfsig", asks: "-v", package: "poppler-utils" },
    Client { program: "pdftoppm", asks: "-v", package: "poppler-utils" },
    // Plays the token that keys of issuers live in.
    Client { program: "softhsm2-util", asks: "--version", package: "softhsm2" },
    Client { program: "qpdf", asks: "--version", package: "qpdf" },
];

impl Client {
    /// The first line it says of itself, or why it says none.
    fn version(&self) -> Result<String, String> {
        // Where Debian's web servers are is not on everybody's path.
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        // nginx and certutil speak on the error output, and certutil ends with a failure after helping.
        let script = format!("command -v {0} >/dev/null || exit 9; {0} {1} 2>&1 | head -n 1", self.program, self.asks);
        let said = quiet(command.args(["-c", &script]).env("PATH", path))
            .map_err(|_| format!("not installed (Debian: {})", self.package))?;
        Ok(said.trim().to_owned())
    }
}

/// The step `judges`. Never a failure.
pub fn install(gate: &mut Gate) -> Outcome {
    let missing = missing_packages();
    if !missing.is_empty() {
        apt(&missing, gate.deadline);
    }
    let mut judges = vec![("openssl", openssl()), ("BouncyCastle", bouncy_castle(gate)), ("pkilint", pkilint(gate))];
    judges.push(("rfc3161-client, pyHanko", stamps(gate)));
    judges.push(("Tongsuo", tongsuo(gate)));
    judges.push(("PKITS", pkits(gate)));
    judges.push(("axe-core", axe(gate)));
    judges.extend(CLIENTS.iter().map(|client| (client.program, client.version())));
    for (name, found) in judges {
        match found {
            Ok(version) => println!("{name}: {version}"),
            Err(why) => {
                println!("{name}: left out: {why}");
                gate.left_out.push(format!("{name}: {why}"));
            }
        }
    }
    Outcome::Passed
}

/// Debian packages for what this machine does not have.
fn missing_packages() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if openssl().is_err() {
        missing.push("openssl");
    }
    if java().is_err() {
        missing.push("default-jdk-headless");
    }
    if JARS.iter().any(|jar| !Path::new(jar).exists()) {
        missing.extend(["libbcprov-java", "libbcpkix-java"]);
    }
    missing.extend(CLIENTS.iter().filter(|client| client.version().is_err()).map(|client| client.package));
    if quiet(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_err() {
        missing.extend(["python3", "python3-venv"]);
    }
    missing
}

/// Asks apt-get for packages, as root only. What comes of it is seen by looking again.
fn apt(packages: &[&str], deadline: Instant) {
    if quiet(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() != "0") {
        println!("not root, so not installed: {}", packages.join(" "));
        return;
    }
    // The step's deadline stands above; these keep a dead mirror from using it all up.
    let by = |minutes: u64| deadline.min(Instant::now() + Duration::from_secs(minutes * 60));
    let mut update = Command::new("apt-get");
    update.args(["-qq", "-o", "Acquire::Retries=2", "update"]);
    if let Ended::NotStarted(why) = finish(&mut update, by(2)) {
        println!("{why}");
        return;
    }
    let install = |packages: &[&str]| {
        let mut install = Command::new("apt-get");
        install.args(["-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"]);
        install.args(["install", "-y", "--no-install-recommends"]).args(packages);
        finish(install.env("DEBIAN_FRONTEND", "noninteractive"), by(6))
    };
    if let Ended::Badly(why) = install(packages) {
        println!("{why}; once more, one by one: an archive without a browser may have the rest");
        for package in packages {
            if let Ended::Badly(why) = install(&[package]) {
                println!("{package}: {why}");
            }
        }
    }
}

fn openssl() -> Result<String, String> {
    quiet(Command::new("openssl").arg("version")).map(|text| text.trim().to_owned())
}

fn java() -> Result<String, String> {
    quiet(Command::new("java").arg("--version"))?;
    quiet(Command::new("javac").arg("--version")).map(|text| text.trim().to_owned())
}

fn bouncy_castle(gate: &mut Gate) -> Result<String, String> {
    if let Some(jar) = JARS.iter().find(|jar| !Path::new(jar).exists()) {
        return Err(format!("no {jar} (Debian: libbcprov-java libbcpkix-java)"));
    }
    let java = java().map_err(|why| format!("no Java compiler: {why} (Debian: default-jdk-headless)"))?;
    gate.judges.push(("YINXIN_JUDGE_BC", JARS.join(":")));
    Ok(format!("{}, {java}", real_name(JARS[0])))
}

/// Debian's jar is a link to one whose name holds the version.
fn real_name(jar: &str) -> String {
    let real = std::fs::canonicalize(jar).unwrap_or_else(|_| PathBuf::from(jar));
    real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// pkilint in a Python environment of its own under the target folder.
fn pkilint(gate: &mut Gate) -> Result<String, String> {
    let works = |bin: &Path| quiet(Command::new(bin.join("lint_pkix_cert")).arg("--help")).is_ok();
    let bin = environment(gate, "venv", &[PKILINT], works)?;
    gate.judges.push(("YINXIN_JUDGE_PKILINT", bin.display().to_string()));
    Ok(PKILINT.to_owned())
}

/// rfc3161-client and pyHanko likewise.
fn stamps(gate: &mut Gate) -> Result<String, String> {
    let works =
        |bin: &Path| quiet(Command::new(bin.join("python3")).args(["-c", "import rfc3161_client, pyhanko"])).is_ok();
    let bin = environment(gate, "venv-stamps", &STAMPS, works)?;
    gate.judges.push(("YINXIN_JUDGE_STAMPS", bin.display().to_string()));
    Ok(STAMPS.join(", "))
}

/// Tongsuo likewise.
fn tongsuo(gate: &mut Gate) -> Result<String, String> {
    let works = |bin: &Path| quiet(Command::new(bin.join("python3")).args(["-c", "import tongsuopy"])).is_ok();
    let bin = environment(gate, "venv-tongsuo", &[TONGSUO], works)?;
    gate.judges.push(("YINXIN_JUDGE_TONGSUO", bin.display().to_string()));
    Ok(TONGSUO.to_owned())
}

/// The certificates and CRLs of PKITS, in a Python environment that only holds them.
fn pkits(gate: &mut Gate) -> Result<String, String> {
    const WHERE: &str =
        "import cryptography_vectors as v, os; print(os.path.join(v.__path__[0], 'x509', 'PKITS_data'))";
    let folder = |bin: &Path| {
        let said = quiet(Command::new(bin.join("python3")).args(["-c", WHERE]))?;
        Ok::<_, String>(PathBuf::from(said.trim()))
    };
    let has_them = |bin: &Path| folder(bin).is_ok_and(|folder| folder.join("certs").is_dir());
    let bin = environment(gate, "venv-pkits", &[PKITS], has_them)?;
    gate.judges.push(("YINXIN_JUDGE_PKITS", folder(&bin)?.display().to_string()));
    Ok(PKITS.to_owned())
}

/// A Python environment with these packages; its `bin`.
fn environment(gate: &Gate, name: &str, packages: &[&str], works: impl Fn(&Path) -> bool) -> Result<PathBuf, String> {
    let venv = gate.target.join("judges").join(name);
    let bin = venv.join("bin");
    // Written last, so an installation that broke off is made anew.
    let done = venv.join(packages.join("+"));
    if !(done.exists() && works(&bin)) {
        let _ = std::fs::remove_dir_all(&venv);
        let by = |minutes: u64| gate.deadline.min(Instant::now() + Duration::from_secs(minutes * 60));
        must(Command::new("python3").args(["-m", "venv"]).arg(&venv), by(2))?;
        let mut pip = Command::new(bin.join("python3"));
        pip.args(["-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--retries", "2"]).args(packages);
        must(&mut pip, by(4))?;
        if !works(&bin) {
            return Err("it was installed and does not run".into());
        }
        std::fs::write(&done, "").map_err(|e| format!("{}: {e}", done.display()))?;
    }
    Ok(bin)
}

/// axe-core under the target folder; it is a script for pages, so npm only fetches it.
fn axe(gate: &mut Gate) -> Result<String, String> {
    let folder = gate.target.join("judges").join("axe");
    let script = folder.join("package/axe.min.js");
    // Written last, so a fetch that broke off is made anew.
    let done = folder.join(AXE);
    if !(done.exists() && script.exists()) {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let mut pack = Command::new("npm");
        pack.args(["pack", AXE, "--json", "--loglevel=error"]).current_dir(&folder);
        let said = quiet(&mut pack).map_err(|why| format!("npm cannot fetch it: {why}"))?;
        if !said.contains(AXE_DIGEST) {
            return Err("npm fetched another package than expected".into());
        }
        let by = gate.deadline.min(Instant::now() + Duration::from_secs(60));
        let mut unpack = Command::new("tar");
        unpack.args(["-xzf", &format!("{}.tgz", AXE.replace('@', "-")), "package/axe.min.js"]).current_dir(&folder);
        must(&mut unpack, by)?;
        std::fs::write(&done, "").map_err(|e| format!("{}: {e}", done.display()))?;
    }
    gate.judges.push(("YINXIN_JUDGE_AXE", script.display().to_string()));
    Ok(AXE.to_owned())
}

fn must(command: &mut Command, deadline: Instant) -> Result<(), String> {
    match finish(command, deadline) {
        Ended::Well => Ok(()),
        Ended::Badly(why) | Ended::NotStarted(why) => Err(why),
    }
}
