//! `yinxin ocsp`: asks a responder as a relying party would, and keeps a checked answer in a file for a web
//! server to staple. Works with anybody's responder and needs no server of ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crypto_pool::path::Cert;
use pki_config::time::SystemClock;
use pki_config::{Clock, Instant, Random as _};
use serde::Serialize;

use crate::cli::args::{Ask, Global, OcspCommand, OcspQuery, OcspStaple};
use crate::cli::client;
use crate::cli::console::Console;
use crate::cli::delivery::{CERTIFICATE, CHAIN};
use crate::cli::failure::{Failure, sentence};
use crate::cli::table::Table;
use crate::cli::{file, pem};

mod request;
mod response;
#[cfg(test)]
mod tests;
mod watch;

use request::CertId;
use response::{Believed, Status};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Octets of our nonces (RFC 9654 2.1: clients use 32).
const NONCE_BYTES: usize = 32;

/// Runs it.
///
/// # Errors
/// [`Failure::NotGood`] for what is revoked or unknown, [`Failure::NotRun`] without a believable answer.
pub async fn run(_: &Global, console: Console, command: OcspCommand) -> Result<(), Failure> {
    match command {
        OcspCommand::Query(args) => query(console, args).await,
        OcspCommand::Staple(args) => staple(console, args).await,
    }
}

/// What was learnt, for people and programs.
#[derive(Debug, Serialize)]
struct Told {
    /// `good`, `revoked` or `unknown`.
    status: &'static str,
    /// Upper-case hexadecimal.
    serial: String,
    subject: String,
    this_update: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update: Option<String>,
    produced_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Who signed it.
    responder: String,
    /// Whether the issuer signed it itself.
    by_issuer: bool,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

impl Told {
    fn of(about: &About, believed: &Believed, file: Option<&Path>) -> Self {
        let (revoked_at, reason) = match believed.status {
            Status::Revoked { at, reason } => (Some(at.to_string()), reason.map(pki_config::status::Reason::as_str)),
            Status::Good | Status::Unknown => (None, None),
        };
        Self {
            status: believed.status.as_str(),
            serial: about.cert.serial().iter().map(|b| format!("{b:02X}")).collect(),
            subject: pem::subject(about.cert.der()),
            this_update: believed.this_update.to_string(),
            next_update: believed.next_update.map(|at| at.to_string()),
            produced_at: believed.produced_at.to_string(),
            revoked_at,
            reason,
            responder: pem::subject(believed.responder.der()),
            by_issuer: believed.by_issuer,
            url: about.url.clone(),
            file: file.map(Path::to_owned),
        }
    }

    fn text(&self) -> String {
        let mut table = Table::pairs();
        table.row(["Status", self.status]);
        if let Some(at) = &self.revoked_at {
            table.row(["Revoked", at]);
            table.row(["Reason", self.reason.unwrap_or("not told")]);
        }
        table.row(["Certificate", &format!("{} {}", self.serial, self.subject)]);
        table.row(["As of", &self.this_update]);
        table.row(["Good until", self.next_update.as_deref().unwrap_or("not told")]);
        let by = if self.by_issuer { "the issuer itself" } else { "delegated by the issuer" };
        table.row(["Signed by", &format!("{} ({by})", self.responder)]);
        table.row(["Asked", &self.url]);
        if let Some(file) = &self.file {
            table.row(["Written to", &file.display().to_string()]);
        }
        table.to_string()
    }
}

async fn query(console: Console, args: OcspQuery) -> Result<(), Failure> {
    let about = About::read(&args.ask)?;
    let nonce = args.nonce.then(draw_nonce).transpose()?;
    let (_, believed) = about.ask(nonce.as_deref()).await.map_err(not_run)?;
    let told = Told::of(&about, &believed, None);
    console.answer(&told, || told.text())?;
    if believed.status == Status::Good { Ok(()) } else { Err(Failure::NotGood) }
}

async fn staple(console: Console, args: OcspStaple) -> Result<(), Failure> {
    let about = About::read(&args.ask)?;
    if args.watch {
        return watch::run(console, &about, &args).await;
    }
    let told = fetch(&about, &args.out).await?;
    console.answer(&told.0, || told.0.text())
}

/// Fetches one answer into the file.
///
/// # Errors
/// There is none to be believed, or it is not good: servers that staple a revocation help nobody, and what
/// has to happen then is a new certificate.
async fn fetch(about: &About, out: &Path) -> Result<(Told, Believed), Failure> {
    // No nonce: many will get this answer.
    let (der, believed) = about.ask(None).await?;
    match believed.status {
        Status::Good if believed.next_update.is_some() => {}
        Status::Good => return Err(Failure::Here("The answer does not say how long it counts.".to_owned())),
        Status::Revoked { at, .. } => {
            return Err(Failure::Here(format!("The certificate was revoked on {at}; nothing was written.")));
        }
        Status::Unknown => {
            return Err(Failure::Here("The responder does not know the certificate; nothing was written.".to_owned()));
        }
    }
    file::replace(out, &der, file::PUBLIC)?;
    Ok((Told::of(about, &believed, Some(out)), believed))
}

/// A certificate, its issuer, and where to ask.
struct About {
    cert: Cert,
    issuer: Cert,
    id: CertId,
    url: String,
}

impl About {
    /// Reads what was named on the command line.
    fn read(ask: &Ask) -> Result<Self, Failure> {
        let path = if ask.cert.is_dir() { ask.cert.join(CERTIFICATE) } else { ask.cert.clone() };
        let mut found = certs(&path)?.into_iter();
        let cert = found.next().ok_or_else(|| Failure::Here(format!("{}: no certificate.", path.display())))?;
        let mut candidates: Vec<Cert> = Vec::new();
        match &ask.issuer {
            Some(file) => candidates.extend(certs(file)?),
            None => {
                candidates.extend(found);
                let chain = path.with_file_name(CHAIN);
                if chain.is_file() && chain != path {
                    candidates.extend(certs(&chain)?);
                }
            }
        }
        let issued = |issuer: &Cert| {
            issuer.subject() == cert.issuer() && issuer.public_key().is_ok_and(|key| cert.is_signed_by(key))
        };
        let issuer = candidates.into_iter().find(issued).ok_or_else(|| {
            Failure::Here(format!(
                "The certificate of {}'s issuer is not there; name it with --issuer FILE.",
                path.display()
            ))
        })?;
        let url = ask.url.clone().or_else(|| request::responder_of(&cert)).ok_or_else(|| {
            Failure::Here(format!("{} names no OCSP responder; name one with --url URL.", path.display()))
        })?;
        let id = CertId::of(&cert, &issuer, ask.hash).map_err(|why| Failure::Here(sentence(&why)))?;
        Ok(Self { cert, issuer, id, url })
    }

    /// Asks once.
    async fn ask(&self, nonce: Option<&[u8]>) -> Result<(Vec<u8>, Believed), Failure> {
        let question = self.id.ask(nonce).map_err(|why| Failure::Here(sentence(&why)))?;
        let (status, der) =
            client::post_plain(&self.url, "application/ocsp-request", question, PATIENCE, response::LARGEST).await?;
        if !status.is_success() {
            return Err(Failure::Unreachable(format!("{} answers with HTTP status {}.", self.url, status.as_u16())));
        }
        let now = now();
        let believed = response::check(&der, &self.id, nonce, &self.issuer, now)
            .map_err(|doubt| Failure::Here(format!("{} is not believed: {doubt}.", self.url)))?;
        Ok((der.to_vec(), believed))
    }
}

fn certs(path: &Path) -> Result<Vec<Cert>, Failure> {
    let damaged =
        |e: &dyn std::fmt::Display| Failure::Here(format!("{}: a certificate cannot be read: {e}.", path.display()));
    pem::certificates_in(path)?.iter().map(|der| Cert::from_der_tolerant(der).map_err(|e| damaged(&e))).collect()
}

fn draw_nonce() -> Result<Vec<u8>, Failure> {
    let mut nonce = vec![0; NONCE_BYTES];
    let random = crypto_pool::OsRandom::open().map_err(|e| Failure::here(&e))?;
    random.fill(&mut nonce).map_err(|e| Failure::here(&e))?;
    Ok(nonce)
}

fn now() -> Instant {
    SystemClock.now()
}

/// Whoever asks for a status must tell "revoked" from "no answer".
fn not_run(failure: Failure) -> Failure {
    match failure {
        Failure::Here(why) | Failure::Unreachable(why) => Failure::NotRun(why),
        other => other,
    }
}
