//! The page that changes the form of keys and certificates: what `yinxin convert` does, for those who have no command
//! line at hand.
//!
//! Private keys pass through it, so: officers only, since a page that asks strangers for their keys teaches them a bad
//! habit; by a form that is sent, never by an address; nothing is stored; the log holds that an officer did it and the
//! form that was made; what was sent, the keys and what is made are overwritten when they are done with.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use crypto_pool::password;
use ledger::{EntryDraft, Importance, Outcome};
use pki_config::role::Permission;
use pki_config::{Actor, ErrorCode, Event};
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::parts::Sent;
use super::ra::file;
use super::ra::words::worded;
use super::table::{PageAccess, Row, act, show as page_at};
use super::{Visitor, page};
use crate::api::{CertRef, Problem};
use crate::app::App;
use crate::convert::{self, Form, Given, Order};
use crate::edge;
use crate::problem::Failure;

mod form;

use form::Asked;

/// The largest form. Unit: bytes.
const FORM: usize = 4 << 20;
/// As many as are worked on at the same time: a passphrase costs a good part of a second of one processor.
static PLACES: Semaphore = Semaphore::const_new(2);

/// The page, for the table.
pub(super) fn rows() -> Vec<Row> {
    let access = PageAccess::SignedIn;
    vec![page_at("/desk/convert", access, show), act("/desk/convert", access, send).up_to(FORM)]
}

/// A certificate of ours that comes into it, with those above it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    issuer: String,
    serial: String,
    to: String,
}

/// The certificate of [`Chosen`].
#[derive(Debug)]
struct Ours {
    issuer: String,
    serial: String,
    subject: String,
    /// DER, its own first.
    chain: Vec<Vec<u8>>,
}

#[derive(Template)]
#[template(path = "convert.html")]
struct ConvertPage<'a> {
    visitor: &'a Visitor,
    to: Form,
    suite: password::Suite,
    clear: bool,
    name: String,
    ours: Option<Ours>,
    refused: Option<Problem>,
}

worded!(ConvertPage);

impl ConvertPage<'_> {
    /// Each form: its word, what people call it, and the standard.
    fn forms(&self) -> Vec<(&'static str, &str, &'static str)> {
        let words = |form: Form| match form {
            Form::P12 => (
                self.say("PKCS#12（.p12 / .pfx）：私钥与证书", "PKCS#12 (.p12, .pfx): key and certificates"),
                "RFC 7292",
            ),
            Form::Pem => (self.say("PEM：给出的全部内容", "PEM: everything given"), "RFC 7468"),
            Form::Pkcs8 => (self.say("PKCS#8：仅私钥", "PKCS#8: the private key"), "RFC 5958"),
            Form::P7b => (self.say("PKCS#7（.p7b）：仅证书", "PKCS#7 (.p7b): certificates"), "RFC 2315"),
            Form::EnvelopedKey => (self.say("密钥信封 SM2EnvelopedKey", "SM2EnvelopedKey"), "GB/T 35276"),
            Form::EnvelopedData => (self.say("数字信封 EnvelopedData", "EnvelopedData"), "GB/T 35275"),
            Form::Skf => {
                (self.say("智能密码钥匙 ENVELOPEDKEYBLOB（SKF）", "ENVELOPEDKEYBLOB of a token (SKF)"), "GM/T 0016")
            }
            Form::Sdf => {
                (self.say("密码设备密钥对 ECCref（SDF），明文", "ECCref pair of a device (SDF), in clear"), "GM/T 0018")
            }
        };
        Form::ALL.into_iter().map(|form| (form.as_str(), words(form).0, words(form).1)).collect()
    }

    fn sm(&self) -> bool {
        self.suite == password::Suite::Sm
    }
}

async fn ours(app: &App, visitor: &Visitor, issuer: &str, serial: &str) -> Result<Option<Ours>, Failure> {
    if serial.is_empty() {
        return Ok(None);
    }
    let by = visitor.by(Permission::ReadCertificates)?;
    let named = CertRef { serial: serial.to_owned(), issuer: Some(issuer.to_owned()).filter(|id| !id.is_empty()) };
    let detail = edge::cert::show(app.clone(), by, named).await?;
    let own =
        der::pem::decode_vec(detail.certificate.as_bytes()).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
    let mut chain = vec![own.1];
    chain.extend(app.ca().chain(&detail.line.issuer.parse()?)?.issuers);
    let subject = if detail.line.subject.is_empty() { detail.line.sans.join(", ") } else { detail.line.subject };
    Ok(Some(Ours { issuer: detail.line.issuer, serial: detail.line.serial, subject, chain }))
}

/// `GET /desk/convert`; with `issuer` and `serial` for a certificate of ours.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    let ours = ours(&app, &visitor, &chosen.issuer, &chosen.serial).await?;
    let to = Form::from_word(&chosen.to).unwrap_or(Form::P12);
    let (suite, name) = (password::Suite::Ordinary, String::new());
    Ok(page(&ConvertPage { visitor: &visitor, to, suite, clear: false, name, ours, refused: None }))
}

/// `POST /desk/convert`: the file that was asked for, or the page again with the reason why not. Files and passphrases
/// are not shown again.
pub(super) async fn send(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let place = PLACES.try_acquire().map_err(|_| ErrorCode::Busy)?;
    let asked = Asked::read(&Sent::new(body), &headers)?;
    let ours = ours(&app, &visitor, &asked.issuer, &asked.serial).await?;
    let (to, suite, clear, name) = (asked.to, asked.suite, asked.clear, asked.name.clone());
    let (certificates, language) =
        (ours.as_ref().map(|ours| ours.chain.clone()).unwrap_or_default(), visitor.language());
    let file_name = asked.file_name();
    // The place is free once the work is done, though the browser may have gone before.
    let work = move || {
        let _place = place;
        made(&asked, certificates).map_err(|why| why.say(language))
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
    match done {
        Ok((bytes, with_key)) => {
            if with_key && let Some(known) = visitor.officer() {
                record(&app, known.actor.clone(), to).await?;
            }
            Ok(file(&file_name, kind_of(to), Bytes::from_owner(bytes)))
        }
        Err(why) => {
            let failure = Failure::saying(ErrorCode::BadRequest, why);
            if headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json") {
                return Err(failure);
            }
            let refused = Some(failure.problem(""));
            let mut response = page(&ConvertPage { visitor: &visitor, to, suite, clear, name, ours, refused });
            *response.status_mut() = StatusCode::BAD_REQUEST;
            Ok(response)
        }
    }
}

/// What is made, and whether a private key is in it.
fn made(asked: &Asked, certificates: Vec<Vec<u8>>) -> Result<(Zeroizing<Vec<u8>>, bool), form::Refused> {
    let mut means = asked.means();
    let mut given = Given::default();
    for (name, bytes) in &asked.files {
        given.take(name, bytes, &mut means)?;
    }
    certificates.into_iter().for_each(|der| given.add_certificate(der));
    let random = crypto_pool::OsRandom::open().map_err(|_| form::Refused::NoRandom)?;
    let order = Order { form: asked.to, suite: asked.suite, clear: asked.clear, name: asked.friendly() };
    let bytes = convert::make(order, &given, &mut means, &random)?;
    Ok((bytes, given.key.is_some() && asked.to != Form::P7b))
}

/// Writes down that a key went through here. Not which: its certificate may be of anybody.
async fn record(app: &App, actor: Actor, to: Form) -> Result<(), Failure> {
    let draft = EntryDraft {
        actor,
        event: Event::KeyConverted,
        object: to.as_str().to_owned(),
        outcome: Outcome::Done,
        payload: Vec::new(),
        covers: Vec::new(),
    };
    app.audit().record(Importance::Normal, draft).await?;
    Ok(())
}

fn kind_of(form: Form) -> &'static str {
    match form {
        Form::P12 => "application/x-pkcs12",
        Form::Pem => "application/x-pem-file",
        Form::Pkcs8 => "application/pkcs8",
        Form::P7b => "application/x-pkcs7-certificates",
        Form::EnvelopedData => "application/pkcs7-mime",
        Form::EnvelopedKey | Form::Skf | Form::Sdf => "application/octet-stream",
    }
}
