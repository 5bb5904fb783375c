//! What the files hold, told by their content, and what lies beside them.

use std::path::{Path, PathBuf};

use crypto_pool::path::{Anchors, Cert, Crl, OcspAnswer};
use eseal::core::facts::Format;
use eseal::core::ses::{Seal, SealSignature};
use tsa::core::opened::{BadToken, OpenedToken};

use super::{Against, Thing, moment};
use crate::api::Receipt;
use crate::cli::args::{Global, Verify};
use crate::cli::delivery::{CERTIFICATE, CHAIN, ENC, RECEIPT, SIGN};
use crate::cli::failure::Failure;
use crate::cli::{file, pem, trust};

/// Largest file that is read: a CRL of some million entries. Unit: bytes.
const LARGEST: usize = 256 * 1024 * 1024;
/// Largest OCSP answer. Unit: bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;
/// Largest receipt. Unit: bytes.
const LARGEST_RECEIPT: usize = 1024 * 1024;

/// What one file holds.
pub(super) enum Content {
    /// A certificate, and those beside it that may lead to a root.
    Certificate { leaf: Cert, others: Vec<Cert> },
    /// It says it is a certificate, and cannot be read.
    Damaged(String),
    /// One of several files that is nothing known, or cannot be read: the others are checked all the same.
    Unknown(String),
    /// A CRL.
    Crl(Crl),
    /// An OCSP answer.
    Ocsp(OcspAnswer),
    /// A time-stamp.
    Token(Box<OpenedToken>),
    /// An OFD or a PDF; it is read again where its bytes are wanted, so that many do not lie in memory together.
    Document,
    /// A seal, or a signature with one.
    Seal(Vec<u8>),
}

/// Everything that was given.
pub(super) struct Given {
    pub(super) things: Vec<Thing>,
    pub(super) receipts: Receipts,
    /// The CRLs among them: certificates are looked up in these, too.
    pub(super) crls: Vec<Crl>,
    /// The OCSP answers likewise.
    pub(super) ocsps: Vec<OcspAnswer>,
}

/// The receipts that were given, until each finds its certificate.
pub(super) struct Receipts(Vec<(usize, PathBuf, Receipt)>);

impl Receipts {
    /// The receipt of a certificate: one that was given, else `receipt.json` beside `cert.pem`.
    pub(super) fn take_for(&mut self, leaf: &Cert, path: &Path) -> Option<Receipt> {
        if let Some(place) = self.0.iter().position(|(_, _, receipt)| super::receipt::is_of(receipt, leaf)) {
            return Some(self.0.remove(place).2);
        }
        // Only where `issue` put them together: beside a file of another name it may be another's receipt.
        if path.file_name().is_none_or(|name| name != CERTIFICATE) {
            return None;
        }
        let bytes = file::read(&path.with_file_name(RECEIPT), LARGEST_RECEIPT).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The receipt whose entry records these bytes, if it was given.
    pub(super) fn take_about(&mut self, what: &[u8]) -> Option<Receipt> {
        let place = self.0.iter().position(|(_, _, receipt)| super::receipt::is_about(receipt, what))?;
        Some(self.0.remove(place).2)
    }

    /// Those without a certificate.
    pub(super) fn left(self) -> Vec<(usize, PathBuf, Receipt)> {
        self.0
    }
}

/// What is meant by a folder that `issue` wrote: its certificate, or both of a pair.
fn in_folder(path: &Path) -> Vec<PathBuf> {
    let pair = [SIGN, ENC].map(|name| path.join(name));
    if !path.is_dir() {
        vec![path.to_owned()]
    } else if !path.join(CERTIFICATE).exists() && pair.iter().all(|file| file.exists()) {
        pair.to_vec()
    } else {
        vec![path.join(CERTIFICATE)]
    }
}

/// Reads every file.
///
/// # Errors
/// A file cannot be read, or is none of the kinds.
pub(super) fn read(files: &[PathBuf], proof: Option<&Path>) -> Result<Given, Failure> {
    let mut given = Given { things: Vec::new(), receipts: Receipts(Vec::new()), crls: Vec::new(), ocsps: Vec::new() };
    if let Some(proof) = proof {
        let bytes = file::read(proof, LARGEST_RECEIPT)?;
        given.receipts.0.push((files.len(), proof.to_owned(), receipt(proof, &bytes)?));
    }
    let files: Vec<PathBuf> = files.iter().flat_map(|path| in_folder(path)).collect();
    for (place, file) in files.iter().cloned().enumerate() {
        let several = files.len() > 1;
        let bytes = match file::read(&file, LARGEST) {
            Err(Failure::Here(why)) if several => {
                given.things.push(Thing { place, file, content: Content::Unknown(why) });
                continue;
            }
            read => read?,
        };
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            let receipt = receipt(&file, &bytes)?;
            // Alone it says little: the certificate that `issue` put beside it is meant as well.
            let beside = file.with_file_name(CERTIFICATE);
            if files.len() == 1 && beside.is_file() {
                let content = certificate(&beside, &file::read(&beside, pem::LARGEST)?);
                given.things.push(Thing { place, file: beside, content });
            }
            given.receipts.0.push((place, file, receipt));
            continue;
        }
        let content = match content(&file, bytes) {
            Err(Failure::Here(why)) if several => Content::Unknown(why),
            read => read?,
        };
        match &content {
            Content::Crl(crl) => given.crls.push(crl.clone()),
            Content::Ocsp(answer) => given.ocsps.push(answer.clone()),
            _ => {}
        }
        given.things.push(Thing { place, file, content });
    }
    Ok(given)
}

fn receipt(path: &Path, bytes: &[u8]) -> Result<Receipt, Failure> {
    let wrong = |why: String| Failure::Here(format!("{} is no receipt: {why}.", path.display()));
    if bytes.len() > LARGEST_RECEIPT {
        return Err(wrong("it is too large".to_owned()));
    }
    serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))
}

fn content(path: &Path, bytes: Vec<u8>) -> Result<Content, Failure> {
    let neither = || {
        Failure::Here(format!(
            "{} is no document (OFD, PDF), seal, certificate, time-stamp, receipt, CRL or OCSP answer.",
            path.display()
        ))
    };
    if Format::of(&bytes).is_some() {
        return Ok(Content::Document);
    }
    if pem::is_pem(&bytes) {
        if bytes.windows(20).any(|w| w == b"-----BEGIN X509 CRL-") {
            let der = pem::crl(&bytes).map_err(|_| neither())?;
            return Crl::from_der_tolerant(der).map(Content::Crl).map_err(|_| neither());
        }
        if !bytes.windows(27).any(|w| w == b"-----BEGIN CERTIFICATE-----") {
            return Err(neither());
        }
        return Ok(certificate(path, &bytes));
    }
    if Cert::from_der_tolerant(&bytes).is_ok() {
        return Ok(certificate(path, &bytes));
    }
    if let Ok(answer) = OcspAnswer::from_der(&bytes) {
        return Ok(Content::Ocsp(answer));
    }
    match OpenedToken::from_der(&bytes) {
        Ok(token) => return Ok(Content::Token(Box::new(token))),
        Err(why @ (BadToken::Refusal { .. } | BadToken::Signers(_))) => {
            return Err(Failure::Here(format!("{} is no time-stamp: {why}.", path.display())));
        }
        Err(_) => {}
    }
    if Seal::read(&bytes).is_ok() || SealSignature::read(&bytes).is_ok() {
        return Ok(Content::Seal(bytes));
    }
    Crl::from_der_tolerant(bytes).map(Content::Crl).map_err(|_| neither())
}

/// The certificate of a file; what follows it there, and `chain.pem` beside it, may lead to a root.
fn certificate(path: &Path, bytes: &[u8]) -> Content {
    let read = |bytes: &[u8]| -> Result<Vec<Cert>, String> {
        let ders = pem::certificates(bytes)?;
        ders.iter().map(|der| Cert::from_der_tolerant(der).map_err(|e| format!("it cannot be read: {e}"))).collect()
    };
    let mut certs = match read(bytes) {
        Ok(certs) => certs.into_iter(),
        Err(why) => return Content::Damaged(why),
    };
    let Some(leaf) = certs.next() else { return Content::Damaged("there is none in it".to_owned()) };
    let mut others: Vec<Cert> = certs.collect();
    let chain = path.with_file_name(CHAIN);
    if chain.is_file() && chain != path {
        // What lies beside helps if it can; nothing depends on it being there or whole.
        others.extend(file::read(&chain, pem::LARGEST).ok().and_then(|bytes| read(&bytes).ok()).unwrap_or_default());
    }
    Content::Certificate { leaf, others }
}

/// What to check against: the roots believed, the certificates and CRLs given, the CRLs of the data directory.
///
/// # Errors
/// No root is believed, or a file cannot be used.
pub(super) fn against(
    global: &Global,
    args: &Verify,
    crls: Vec<Crl>,
    mut ocsps: Vec<OcspAnswer>,
) -> Result<Against, Failure> {
    let data = global.data_dir();
    let mut roots = Vec::new();
    if args.root.is_empty() {
        for root in trust::believed(&data)? {
            roots.push(cert(&root.file, &root.der)?);
        }
    }
    for path in &args.root {
        for der in pem::certificates_in(path)? {
            roots.push(cert(path, &der)?);
        }
    }
    if roots.is_empty() {
        return Err(Failure::Here(format!(
            "No root is believed: there is none in the trust store nor in {}. Name the data directory with --data, or \
             run `yinxin trust add ROOT`.",
            data.display()
        )));
    }
    let mut intermediates = Vec::new();
    for path in &args.chain {
        for der in pem::certificates_in(path)? {
            intermediates.push(cert(path, &der)?);
        }
    }
    let mut given_crls = crls;
    for path in &args.crl {
        let wrong = |why: String| Failure::Here(format!("{} is no CRL: {why}.", path.display()));
        let der = pem::crl(&file::read(path, LARGEST)?).map_err(wrong)?;
        given_crls.push(Crl::from_der_tolerant(der).map_err(|e| wrong(e.to_string()))?);
    }
    for path in &args.ocsp {
        let answer = OcspAnswer::from_der(&file::read(path, LARGEST_ANSWER)?)
            .map_err(|why| Failure::Here(format!("{} is no OCSP answer: {why}.", path.display())))?;
        ocsps.push(answer);
    }
    let policies = args.cert_policy.iter().map(|text| super::token::policy(text)).collect::<Result<_, _>>()?;
    Ok(Against {
        at: moment(args.at),
        anchors: Anchors::new(roots),
        intermediates,
        given_crls,
        found_crls: crls_in(&data.join("crl")),
        ocsps,
        policies,
    })
}

fn cert(path: &Path, der: &[u8]) -> Result<Cert, Failure> {
    Cert::from_der_tolerant(der)
        .map_err(|e| Failure::Here(format!("{}: a certificate in it cannot be read: {e}.", path.display())))
}

/// The CRLs of a folder, as far as they can be read; each is checked before it is believed.
fn crls_in(folder: &Path) -> Vec<Crl> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(1000);
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "crl"));
    files.filter_map(|path| file::read(&path, LARGEST).ok()).filter_map(|bytes| Crl::from_der(bytes).ok()).collect()
}
