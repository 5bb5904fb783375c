//! `yinxin convert`: keys and certificates from one form into another, on this machine alone.

use std::path::Path;

use crypto_pool::cms::certificates_only;
use crypto_pool::envelope::{self, device, enveloped_key, message, private_key, skf};
use crypto_pool::path::Cert;
use crypto_pool::{OsRandom, password, pkcs12};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::args::{Convert, KeyForm};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::plain;
use crate::cli::{file, passphrase, pem};

mod given;
#[cfg(test)]
mod tests;

use given::Given;

/// What was made.
#[derive(Debug, Serialize)]
struct Made {
    file: String,
    form: String,
    private_key: bool,
    certificates: usize,
}

/// `yinxin convert`.
///
/// # Errors
/// What was given does not read, does not make up the form, or the file exists.
pub fn run(console: Console, args: &Convert) -> Result<(), Failure> {
    let given = Given::read(args)?;
    let bytes = make(args, &given)?;
    let secret = given.key.is_some() && args.to != KeyForm::P7b;
    file::write_new(&args.out, &bytes, if secret { file::SECRET } else { file::PUBLIC })?;
    let form = clap::ValueEnum::to_possible_value(&args.to).map(|value| value.get_name().to_owned());
    let made = Made {
        file: args.out.display().to_string(),
        form: form.unwrap_or_default(),
        private_key: secret,
        certificates: if matches!(args.to, KeyForm::Pem | KeyForm::P12 | KeyForm::P7b) {
            given.certificates.len()
        } else {
            0
        },
    };
    console.answer(&made, || {
        let key = if made.private_key { "a private key" } else { "no private key" };
        format!("{}: {} with {key} and {} certificates.", plain(&made.file), made.form, made.certificates)
    })
}

fn make(args: &Convert, given: &Given) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let random = OsRandom::open().map_err(|error| Failure::here(&error))?;
    let suite = if args.sm { password::Suite::Sm } else { password::Suite::Ordinary };
    let locked = |why: password::Locked| Failure::here(&why);
    let opened = |why: envelope::BadEnvelope| Failure::here(&why);
    match args.to {
        KeyForm::P7b => {
            some_certificate(given)?;
            Ok(Zeroizing::new(certificates_only(given.certificates.iter().map(Vec::as_slice))))
        }
        KeyForm::Pem => {
            let mut text = Zeroizing::new(String::new());
            if let Some(key) = &given.key {
                let (label, der) = if args.clear {
                    ("PRIVATE KEY", key.clone())
                } else {
                    let chosen = new_passphrase(args)?;
                    let der = password::encrypt_pkcs8(suite, key, &chosen, &random).map_err(locked)?;
                    ("ENCRYPTED PRIVATE KEY", Zeroizing::new(der))
                };
                text.push_str(&Zeroizing::new(pem::armour(label, &der)?));
            }
            for certificate in &given.certificates {
                text.push_str(&pem::armour("CERTIFICATE", certificate)?);
            }
            Ok(Zeroizing::new(text.as_bytes().to_vec()))
        }
        KeyForm::Pkcs8 if args.clear => Ok(given.key()?.clone()),
        KeyForm::Pkcs8 => {
            let key = given.key()?;
            let chosen = new_passphrase(args)?;
            password::encrypt_pkcs8(suite, key, &chosen, &random).map(Zeroizing::new).map_err(locked)
        }
        KeyForm::P12 => {
            some_certificate(given)?;
            let key = given.key()?;
            let certificates = given.own_first()?;
            let chosen = new_passphrase(args)?;
            let stem = args.out.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let name = args.name.clone().or(stem).unwrap_or_default();
            pkcs12::write(suite, key, &certificates, &name, &chosen, &random).map_err(locked)
        }
        KeyForm::EnvelopedKey | KeyForm::EnvelopedData | KeyForm::Skf => {
            let key = given.sm2()?;
            let certificate = recipient(args)?;
            let public = private_key::public_of_spki(certificate.spki())
                .map_err(|_| Failure::Here("The certificate of --for has no SM2 key.".to_owned()))?;
            let envelope = match args.to {
                KeyForm::EnvelopedKey => enveloped_key::write(&key, &public, &random),
                KeyForm::Skf => skf::write(&key, &public, &random),
                _ => message::write(&key, &certificate, &random),
            };
            envelope.map(Zeroizing::new).map_err(opened)
        }
        KeyForm::Sdf if !args.clear => Err(Failure::Usage(
            "This form has the private key in clear; add --clear if that is what you want.".to_owned(),
        )),
        KeyForm::Sdf => Ok(device::write(&given.sm2()?)),
    }
}

fn some_certificate(given: &Given) -> Result<(), Failure> {
    if given.certificates.is_empty() {
        return Err(Failure::Usage("This form needs a certificate; name its file too.".to_owned()));
    }
    Ok(())
}

fn recipient(args: &Convert) -> Result<Cert, Failure> {
    let path = args
        .recipient
        .as_deref()
        .ok_or_else(|| Failure::Usage("Say with --for whose certificate the envelope is for.".to_owned()))?;
    let certificate = pem::certificates_in(path)?.into_iter().next().unwrap_or_default();
    Cert::from_der(&certificate).map_err(|why| unreadable(path, &why))
}

fn new_passphrase(args: &Convert) -> Result<Zeroizing<String>, Failure> {
    passphrase::chosen(args.new_passphrase_file.as_deref(), "New passphrase: ")
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Here(format!("{}: {why}.", path.display()))
}
