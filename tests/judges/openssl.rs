//! The `openssl` program as a judge.
//!
//! OpenSSL 3.0 sets the SM2 identifier on the target of a verification only, and its own default is
//! the empty one. So SM2 chains go hop by hop, and SM2 CRLs are not for this judge.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::{Verdict, capture, left_out};

/// The default SM2 identifier, GB/T 35276-2017 section 10, as OpenSSL wants to be told of it.
pub const SM2_ID: &str = "distid:1234567812345678";

/// OpenSSL as a judge.
#[derive(Debug, Clone, Default)]
pub struct OpenSsl {
    at: Option<u64>,
}

impl OpenSsl {
    /// The judge, if there is an `openssl` of version 3 or later on the path.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Result<(), String>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let run = capture(Command::new("openssl").arg("version"))?;
            let major = run.stdout.split(' ').nth(1).and_then(|v| v.split('.').next()).and_then(|v| v.parse().ok());
            match major {
                Some(3u32..) => Ok(()),
                _ => Err(format!("version 3 or later is needed, not '{}'", run.stdout.trim())),
            }
        });
        match found {
            Ok(()) => Some(Self::default()),
            Err(why) => {
                left_out(&format!("openssl: {why}"));
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

    /// A whole chain that uses no SM2; `chain` holds what lies between, in any order.
    pub fn chain(&self, root: &Path, chain: Option<&Path>, leaf: &Path) -> Verdict {
        let mut command = self.verify();
        command.args(["-x509_strict", "-check_ss_sig", "-CAfile"]).arg(root);
        if let Some(chain) = chain {
            command.arg("-untrusted").arg(chain);
        }
        judge(command.arg(leaf), &[root, leaf], ": OK")
    }

    /// A leaf that uses no SM2, its status looked up in these CRLs: shares by their issuing distribution point, deltas
    /// beside the full list they add to.
    pub fn leaf_with_crls(&self, root: &Path, chain: &Path, leaf: &Path, crls: &[&Path]) -> Verdict {
        let mut command = self.verify();
        command.args(["-crl_check", "-extended_crl", "-use_deltas", "-CAfile"]).arg(root);
        command.arg("-untrusted").arg(chain);
        for crl in crls {
            command.arg("-CRLfile").arg(crl);
        }
        judge(command.arg(leaf), &[&[root, chain, leaf], crls].concat(), ": OK")
    }

    /// A chain of SM2 certificates, root first, each verified under the one before it. Refuses at
    /// the first hop that fails. The root is verified under itself.
    pub fn sm2_chain(&self, from_the_root: &[&Path]) -> Verdict {
        let mut output = String::new();
        let mut issuer = from_the_root.first();
        for certificate in from_the_root {
            match self.sm2_hop(issuer.unwrap_or(certificate), certificate) {
                Verdict::Accepts(said) => output.push_str(&said),
                other => return other,
            }
            issuer = Some(certificate);
        }
        if output.is_empty() { Verdict::Broken("an empty chain".into()) } else { Verdict::Accepts(output) }
    }

    /// One SM2 certificate under the certificate that issued it.
    pub fn sm2_hop(&self, issuer: &Path, certificate: &Path) -> Verdict {
        let mut command = self.verify();
        command.args(["-partial_chain", "-vfyopt", SM2_ID, "-trusted"]).arg(issuer);
        judge(command.arg(certificate), &[issuer, certificate], ": OK")
    }

    /// A CRL, PEM or DER, whose issuer does not use SM2.
    pub fn crl(&self, issuer: &Path, crl: &Path) -> Verdict {
        let mut command = Command::new("openssl");
        command.args(["crl", "-inform", form(crl), "-noout", "-CAfile"]).arg(issuer).arg("-in").arg(crl);
        // The exit status is not the verdict here: OpenSSL 3.0 leaves it 0 on a bad signature.
        judge(&mut command, &[issuer, crl], "verify OK")
    }

    /// A request's proof of possession, PEM or DER; `sm2` says whether the key is an SM2 key.
    pub fn csr(&self, file: &Path, sm2: bool) -> Verdict {
        let mut command = Command::new("openssl");
        command.args(["req", "-verify", "-noout", "-inform", form(file), "-in"]).arg(file);
        if sm2 {
            command.args(["-vfyopt", SM2_ID]);
        }
        judge(&mut command, &[file], "self-signature verify OK")
    }

    /// Writes an OCSP request about certificates of one issuer, with a nonce of 16 octets or without.
    pub fn ocsp_request(&self, issuer: &Path, leaves: &[&Path], hash: &str, nonce: bool, out: &Path) -> bool {
        let mut command = Command::new("openssl");
        command.arg("ocsp").arg(format!("-{hash}")).arg("-issuer").arg(issuer);
        for leaf in leaves {
            command.arg("-cert").arg(leaf);
        }
        command.arg(if nonce { "-nonce" } else { "-no_nonce" }).arg("-reqout").arg(out);
        capture(&mut command).is_ok_and(|run| run.code == Some(0)) && out.is_file()
    }

    /// An OCSP response (DER) to a request, neither with SM2: delegation, signature, nonce, times. What it prints names
    /// the status of each certificate.
    pub fn ocsp_response(&self, root: &Path, issuer: &Path, request: &Path, response: &Path) -> Verdict {
        let mut command = Command::new("openssl");
        command.arg("ocsp").arg("-issuer").arg(issuer).arg("-reqin").arg(request).arg("-respin").arg(response);
        command.arg("-CAfile").arg(root).arg("-verify_other").arg(issuer).arg("-resp_text");
        judge(&mut command, &[root, issuer, request, response], "Response verify OK")
    }

    fn verify(&self) -> Command {
        let mut command = Command::new("openssl");
        command.arg("verify");
        if let Some(at) = self.at {
            command.arg("-attime").arg(at.to_string());
        }
        command
    }
}

/// Accepted where `openssl` exits with 0 and says `yes`: its exit status alone is 0 after a bad
/// signature of a CRL, and it may say `yes` of one file and fail on the next.
fn judge(command: &mut Command, files: &[&Path], yes: &str) -> Verdict {
    // What is not there was not refused: a test that expects a refusal must not pass on a mistyped name.
    if let Some(missing) = files.iter().find(|file| !file.is_file()) {
        return Verdict::Broken(format!("no file {}", missing.display()));
    }
    match capture(command) {
        Err(why) => Verdict::Broken(why),
        Ok(run) if run.code == Some(0) && run.output().contains(yes) => Verdict::Accepts(run.output()),
        Ok(run) if REFUSALS.iter().any(|words| run.stderr.contains(words)) => Verdict::Refuses(run.output()),
        Ok(run) => Verdict::Broken(run.output()),
    }
}

/// The word for `-inform`: a DER SEQUENCE starts with 0x30, PEM with a dash. `openssl req` does not look by itself.
fn form(file: &Path) -> &'static str {
    match std::fs::read(file) {
        Ok(bytes) if bytes.first() == Some(&0x30) => "DER",
        _ => "PEM",
    }
}

/// What `openssl` says when it refuses, as against when it was called wrongly.
const REFUSALS: [&str; 9] = [
    "Response Verify Failure",
    "Responder Error",
    "verification failed",
    "verify failure",
    "Error getting CRL issuer certificate",
    "Could not read",
    "Could not find",
    "Unable to load",
    "unable to load",
];
