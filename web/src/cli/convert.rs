//! `yinxin convert`: keys and certificates from one form into another, on this machine alone.

use std::path::Path;

use crypto_pool::path::Cert;
use crypto_pool::{OsRandom, password};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::args::{Convert, KeyForm};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::plain;
use crate::cli::{file, passphrase, pem};
use crate::convert::{self, Given, LARGEST, Means, Order, Refusal};

#[cfg(test)]
mod tests;

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
    let mut asked = Asked { args, passphrase: None };
    let mut given = Given::default();
    for path in &args.files {
        let bytes = Zeroizing::new(file::read(path, LARGEST)?);
        given.take(&path.display().to_string(), &bytes, &mut asked)?;
    }
    let random = OsRandom::open().map_err(|error| Failure::here(&error))?;
    let stem = args.out.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = args.name.clone().or(stem).unwrap_or_default();
    let suite = if args.sm { password::Suite::Sm } else { password::Suite::Ordinary };
    let order = Order { form: args.to, suite, clear: args.clear, name: &name };
    let bytes = convert::make(order, &given, &mut asked, &random)?;
    let secret = given.key.is_some() && args.to != KeyForm::P7b;
    file::write_new(&args.out, &bytes, if secret { file::SECRET } else { file::PUBLIC })?;
    let made = Made {
        file: args.out.display().to_string(),
        form: args.to.as_str().to_owned(),
        private_key: secret,
        certificates: if args.to.has_certificates() { given.certificates.len() } else { 0 },
    };
    console.answer(&made, || {
        let key = if made.private_key { "a private key" } else { "no private key" };
        format!("{}: {} with {key} and {} certificates.", plain(&made.file), made.form, made.certificates)
    })
}

/// What the command line names, and the terminal is asked for.
struct Asked<'a> {
    args: &'a Convert,
    /// Asked for once for all files.
    passphrase: Option<Zeroizing<String>>,
}

impl Means for Asked<'_> {
    type Error = Failure;

    fn passphrase(&mut self, file: &str, _: bool) -> Result<Zeroizing<String>, Failure> {
        if let Some(passphrase) = &self.passphrase {
            return Ok(passphrase.clone());
        }
        let prompt = format!("Passphrase of {file}: ");
        let passphrase = passphrase::existing(self.args.passphrase_file.as_deref(), &prompt)?;
        Ok(self.passphrase.insert(passphrase).clone())
    }

    fn own_key(&mut self, envelope: &str) -> Result<(String, Zeroizing<Vec<u8>>), Failure> {
        let own =
            self.args.key.as_deref().ok_or_else(|| {
                Failure::Usage(format!("{envelope} is an envelope; say with --key whose key opens it."))
            })?;
        Ok((own.display().to_string(), Zeroizing::new(file::read(own, LARGEST)?)))
    }

    fn new_passphrase(&mut self) -> Result<Zeroizing<String>, Failure> {
        passphrase::chosen(self.args.new_passphrase_file.as_deref(), "New passphrase: ")
    }

    fn recipient(&mut self) -> Result<Cert, Failure> {
        let path = self
            .args
            .recipient
            .as_deref()
            .ok_or_else(|| Failure::Usage("Say with --for whose certificate the envelope is for.".to_owned()))?;
        let certificate = pem::certificates_in(path)?.into_iter().next().unwrap_or_default();
        Cert::from_der_tolerant(&certificate).map_err(|why| unreadable(path, &why))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match &refusal {
            Refusal::Missing(_) => Self::Usage(refusal.english()),
            Refusal::File(..) | Refusal::Whole(_) => Self::Here(refusal.english()),
        }
    }
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Here(format!("{}: {why}.", path.display()))
}
