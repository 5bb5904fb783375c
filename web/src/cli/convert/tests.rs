//! Whole conversions, file to file; openssl makes what is given and reads what is made.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use clap::Parser as _;

use super::*;
use crate::cli::args::{Cli, Command as Words};

/// A folder with `sm2.pem`, `sm2-cert.pem`, `p256.pem`, `p256-cert.pem`, `other-cert.pem` and two passphrases.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Option<Self> {
        let bench = Self(tempfile::tempdir().unwrap());
        for (name, curve, hash) in [("sm2", "SM2", "-sm3"), ("p256", "P-256", "-sha256"), ("other", "P-256", "-sha256")]
        {
            let curve = format!("ec_paramgen_curve:{curve}");
            let made =
                bench.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", &curve, "-out", &format!("{name}.pem")]);
            if made.is_none() {
                println!("LEFT OUT: openssl is not here to make keys");
                return None;
            }
            let (key, cert) = (format!("{name}.pem"), format!("{name}-cert.pem"));
            let subject = format!("/CN={name}");
            bench.openssl(&["req", "-x509", "-new", hash, "-key", &key, "-subj", &subject, "-out", &cert]).unwrap();
        }
        for (name, text) in [("pass", "correct horse\n"), ("wrong", "wrong\n")] {
            fs::write(bench.path(name), text).unwrap();
            fs::set_permissions(bench.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What openssl says; none where it is not installed.
    fn openssl(&self, words: &[&str]) -> Option<String> {
        let output = Command::new("openssl").args(words).current_dir(self.0.path()).output().ok()?;
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// `yinxin convert` with these words, in the folder.
    fn convert(&self, words: &str) -> Result<(), String> {
        let files = ["pass", "wrong"];
        let mut line = vec!["yinxin".to_owned(), "convert".to_owned()];
        for word in words.split(' ') {
            let is_file = !word.starts_with("--") && (word.contains('.') || files.contains(&word));
            line.push(if is_file { self.path(word).display().to_string() } else { word.to_owned() });
        }
        let Some(Words::Convert(args)) = Cli::try_parse_from(line).map_err(|e| e.to_string())?.command else {
            return Err("another command".to_owned());
        };
        run(Console::new(true), &args).map_err(|failure| failure.to_problem().detail.unwrap_or_default())
    }

    fn public(&self, key: &str) -> String {
        self.openssl(&["pkey", "-in", key, "-pubout", "-passin", "file:pass"]).unwrap()
    }
}

#[test]
fn a_key_and_its_certificate_become_a_file_that_openssl_opens() {
    let Some(bench) = Bench::new() else { return };
    bench.convert("p256.pem other-cert.pem p256-cert.pem --to p12 --new-passphrase-file pass -o p256.p12").unwrap();
    let text = bench.openssl(&["pkcs12", "-in", "p256.p12", "-nodes", "-passin", "file:pass"]).unwrap();
    assert!(text.contains("friendlyName: p256") && text.matches("BEGIN CERTIFICATE").count() == 2, "{text}");
    assert_eq!(fs::metadata(bench.path("p256.p12")).unwrap().permissions().mode() & 0o777, 0o600);
    // The holder's certificate first, whatever the order of the files.
    bench.convert("p256.p12 --to pem --passphrase-file pass --new-passphrase-file pass -o back.pem").unwrap();
    assert!(bench.openssl(&["x509", "-in", "back.pem", "-noout", "-subject"]).unwrap().contains("p256"));
    assert_eq!(bench.public("back.pem"), bench.public("p256.pem"));

    bench.convert("sm2.pem sm2-cert.pem --to p12 --sm --new-passphrase-file pass -o sm2.p12").unwrap();
    bench.convert("sm2.p12 --to pem --clear --passphrase-file pass -o sm2-back.pem").unwrap();
    assert_eq!(bench.public("sm2-back.pem"), bench.public("sm2.pem"));
    let wrong = bench.convert("sm2.p12 --to pem --clear --passphrase-file wrong -o none.pem").unwrap_err();
    assert!(wrong.contains("the password is wrong"), "{wrong}");
    assert!(!bench.path("none.pem").exists());
}

#[test]
fn files_of_openssl_are_taken() {
    let Some(bench) = Bench::new() else { return };
    let make =
        ["pkcs12", "-export", "-inkey", "p256.pem", "-in", "p256-cert.pem", "-passout", "file:pass", "-out", "a.p12"];
    bench.openssl(&make).unwrap();
    bench.openssl(&["pkcs8", "-topk8", "-in", "sm2.pem", "-passout", "file:pass", "-out", "locked.pem"]).unwrap();
    bench
        .openssl(&[
            "crl2pkcs7",
            "-nocrl",
            "-certfile",
            "p256-cert.pem",
            "-certfile",
            "other-cert.pem",
            "-out",
            "two.p7b",
        ])
        .unwrap();
    bench.convert("a.p12 --to pkcs8 --clear --passphrase-file pass -o a.key").unwrap();
    let public = bench.openssl(&["pkey", "-inform", "DER", "-in", "a.key", "-pubout"]).unwrap();
    assert_eq!(public, bench.public("p256.pem"));
    bench.convert("locked.pem --to pkcs8 --passphrase-file pass --new-passphrase-file pass -o b.key").unwrap();
    let public = bench.openssl(&["pkey", "-inform", "DER", "-in", "b.key", "-passin", "file:pass", "-pubout"]).unwrap();
    assert_eq!(public, bench.public("sm2.pem"));
    bench.convert("two.p7b --to pem -o two.pem").unwrap();
    bench.convert("two.pem --to p7b -o again.p7b").unwrap();
    let listed = bench.openssl(&["pkcs7", "-inform", "DER", "-in", "again.p7b", "-print_certs", "-noout"]).unwrap();
    assert!(listed.contains("p256") && listed.contains("other"), "{listed}");
}

#[test]
fn an_encryption_key_goes_through_all_four_shapes() {
    let Some(bench) = Bench::new() else { return };
    bench.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "enc.pem"]).unwrap();
    let mut from = "enc.pem".to_owned();
    for form in ["enveloped-key", "enveloped-data", "skf"] {
        let to = format!("{form}.bin");
        bench.convert(&format!("{from} --key sm2.pem --to {form} --for sm2-cert.pem -o {to}")).unwrap();
        from = to;
    }
    let refused = bench.convert("skf.bin --key sm2.pem --to sdf -o pair.bin").unwrap_err();
    assert!(refused.contains("--clear"), "{refused}");
    bench.convert("skf.bin --key sm2.pem --to sdf --clear -o pair.bin").unwrap();
    bench.convert("pair.bin --to pem --clear -o end.pem").unwrap();
    assert_eq!(bench.public("end.pem"), bench.public("enc.pem"));

    for envelope in ["enveloped-key.bin", "enveloped-data.bin", "skf.bin"] {
        let wrong = bench.convert(&format!("{envelope} --key enc.pem --to pem --clear -o no.pem")).unwrap_err();
        assert!(wrong.contains("not for this recipient"), "{wrong}");
        let without = bench.convert(&format!("{envelope} --to pem --clear -o no.pem")).unwrap_err();
        assert!(without.contains("--key"), "{without}");
    }
    // Asking for the key that opens the key that opens would never end.
    let own = bench.convert("skf.bin --key enveloped-key.bin --to pem --clear -o no.pem").unwrap_err();
    assert!(own.contains("in an envelope itself"), "{own}");
    let p256 = bench.convert("enc.pem --to skf --for p256-cert.pem -o no.bin").unwrap_err();
    assert!(p256.contains("no SM2 key"), "{p256}");
}

#[test]
fn what_does_not_fit_together_is_refused_and_nothing_is_overwritten() {
    let Some(bench) = Bench::new() else { return };
    let other = "p256.pem other-cert.pem --to p12 --new-passphrase-file pass -o x.p12";
    assert!(bench.convert(other).unwrap_err().contains("None of the certificates"));
    let two = "p256.pem sm2.pem --to pem --clear -o x.pem";
    assert!(bench.convert(two).unwrap_err().contains("second private key"));
    let no_key = "p256-cert.pem --to pkcs8 --clear -o x.key";
    assert!(bench.convert(no_key).unwrap_err().contains("needs a private key"));
    fs::write(bench.path("junk.bin"), "neither this nor that").unwrap();
    assert!(bench.convert("junk.bin --to pem -o x.pem").unwrap_err().contains("no key, certificate"));
    fs::write(bench.path("there.pem"), "precious").unwrap();
    assert!(bench.convert("p256-cert.pem --to pem -o there.pem").unwrap_err().contains("exists"));
    assert_eq!(fs::read(bench.path("there.pem")).unwrap(), b"precious");
}
