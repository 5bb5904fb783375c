//! One certificate: what stands in it, its chain, what became of it, its receipt, and what can be done with it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use crypto_pool::cms::certificates_only;
use pki_config::ErrorCode;
use pki_config::role::Permission;

use super::decode::Decoded;
use super::words::{Words as _, worded};
use super::{file, on_to, pair};
use crate::api::dual::{HalfInfo, PairInfo};
use crate::api::{CertDetail, CertRef, Receipt};
use crate::app::App;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// What stands above it, its own issuer last.
struct Above {
    id: String,
    subject: String,
    until: String,
    root: bool,
}

/// A box of the drawing of the chain. Units: those of the drawing.
struct Link {
    y: usize,
    words: String,
    more: String,
    href: Option<String>,
    this: bool,
}

#[derive(Template)]
#[template(path = "ra/certificate.html")]
struct CertificatePage<'a> {
    visitor: &'a Visitor,
    detail: CertDetail,
    decoded: Decoded,
    pair: Option<PairInfo>,
    links: Vec<Link>,
    height: usize,
    base: String,
    organisation: Option<String>,
    crl: Option<(String, String)>,
    expired: bool,
    may_revoke: bool,
    may_request: bool,
    may_audit: bool,
    may_centre: bool,
}

worded!(CertificatePage);

impl CertificatePage<'_> {
    /// Whether its key was made by the key centre: then no holder has it in a file, and it is renewed with the other
    /// half.
    fn is_encryption(&self) -> bool {
        self.detail.half.as_deref() == Some("encryption")
    }

    /// Both halves of a pair: word and what is known.
    fn halves<'a>(&self, pair: &'a PairInfo) -> [(&str, &'a HalfInfo); 2] {
        [(self.say("签名", "signing"), &pair.sign), (self.say("加密", "encryption"), &pair.encryption)]
    }
}

/// Where its page is.
pub(super) fn address(issuer: &str, serial: &str) -> String {
    format!("/desk/certificates/{issuer}/{serial}")
}

fn reference(issuer: String, serial: String) -> CertRef {
    CertRef { serial, issuer: Some(issuer) }
}

async fn detail(app: &App, visitor: &Visitor, issuer: String, serial: String) -> Result<CertDetail, Failure> {
    edge::cert::show(app.clone(), visitor.by(Permission::ReadCertificates)?, reference(issuer, serial)).await
}

/// `GET /desk/certificates/{issuer}/{serial}`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((issuer, serial)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let detail = detail(&app, &visitor, issuer, serial).await?;
    let der = unwrapped(&detail.certificate)?;
    let decoded = Decoded::read(&der, visitor.language())
        .ok_or_else(|| Failure::inside(ErrorCode::Internal, "a stored certificate does not read"))?;
    let pair = pair::of(&app, &visitor, &detail).await?;
    let above = above(&app, &detail.line.issuer)?;
    let links = links(&above, &detail);
    let organisation = detail.line.subject.parse::<pki_config::name::DistinguishedName>().ok();
    let organisation = organisation.and_then(|n| n.get(pki_config::name::Attribute::Organisation).map(str::to_owned));
    let newest = app.ca().newest(&detail.line.issuer.parse()?).await?;
    let crl = newest.map(|crl| (crl.number.to_string(), crl.this_update.to_string()));
    Ok(page(&CertificatePage {
        visitor: &visitor,
        base: address(&detail.line.issuer, &detail.line.serial),
        expired: detail
            .line
            .not_after
            .parse::<pki_config::Instant>()
            .is_ok_and(|end| app.clock().now().whole_second() > end),
        height: links.len() * 74 - 20,
        detail,
        decoded,
        pair,
        links,
        organisation,
        crl,
        may_revoke: visitor.may(Permission::RevokeCertificate),
        may_request: visitor.may(Permission::RequestCertificate),
        may_audit: visitor.may(Permission::ReadAudit),
        may_centre: visitor.may(Permission::ReadCentre),
    }))
}

fn unwrapped(pem: &str) -> Result<Vec<u8>, Failure> {
    let read = der::pem::decode_vec(pem.as_bytes());
    read.map(|(_, der)| der).map_err(|e| Failure::inside(ErrorCode::Internal, e))
}

fn json(receipt: &Receipt) -> Result<String, Failure> {
    serde_json::to_string(receipt).map_err(|e| Failure::inside(ErrorCode::Internal, e))
}

/// The issuers from the root down to this one.
fn above(app: &App, issuer: &str) -> Result<Vec<Above>, Failure> {
    let mut found = Vec::new();
    let mut next = Some(issuer.parse()?);
    while let Some(id) = next {
        let issuer = app.ca().issuer(&id)?;
        next = issuer.parent.clone();
        found.push(Above {
            id: id.to_string(),
            subject: issuer.subject.to_string(),
            until: issuer.not_after.to_string(),
            root: issuer.parent.is_none(),
        });
        // A chain of ours is short; a loop would be a damaged table.
        if found.len() > 8 {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

fn links(above: &[Above], detail: &CertDetail) -> Vec<Link> {
    let day = |time: &str| time.get(..10).unwrap_or_default().to_owned();
    let issuers = above.iter().map(|one| Link {
        y: 0,
        words: one.subject.clone(),
        more: format!("{}{} – {}", one.id, if one.root { " (root)" } else { "" }, day(&one.until)),
        href: Some(format!("/ca/{}.pem", one.id)),
        this: false,
    });
    let own = Link {
        y: 0,
        words: if detail.line.subject.is_empty() { detail.line.sans.join(", ") } else { detail.line.subject.clone() },
        more: format!("{} – {}", detail.line.profile, day(&detail.line.not_after)),
        href: None,
        this: true,
    };
    let all = issuers.chain([own]).enumerate();
    all.map(|(place, link)| Link { y: place * 74, words: cut(&link.words), ..link }).collect()
}

/// What fits into a box.
fn cut(words: &str) -> String {
    // A Chinese character is as wide as two others.
    let mut room = 62;
    let mut kept = String::new();
    for one in words.chars() {
        let wide = if one.is_ascii() { 1 } else { 2 };
        if room < wide {
            kept.push('…');
            break;
        }
        room -= wide;
        kept.push(one);
    }
    kept
}

/// `GET /desk/certificates/{issuer}/{serial}/{file}`: `cert.pem`, `cert.cer`, `chain.pem`, `cert.p7b` (with its
/// chain), `receipt.json`.
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    Path((issuer, serial, name)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let detail = detail(&app, &visitor, issuer, serial).await?;
    let named = |ending: &str| format!("{}{ending}", detail.line.serial);
    Ok(match name.as_str() {
        "cert.pem" => file(&named(".pem"), "application/x-pem-file", detail.certificate.clone()),
        "cert.cer" => file(&named(".cer"), "application/pkix-cert", unwrapped(&detail.certificate)?),
        "chain.pem" => {
            let bundle = format!("{}{}", detail.certificate, detail.chain);
            file(&named("-chain.pem"), "application/x-pem-file", bundle)
        }
        "cert.p7b" => {
            let (own, chain) = (unwrapped(&detail.certificate)?, app.ca().chain(&detail.line.issuer.parse()?)?);
            let bundle = certificates_only(std::iter::once(&own).chain(&chain.issuers).map(Vec::as_slice));
            file(&named(".p7b"), "application/x-pkcs7-certificates", bundle)
        }
        "receipt.json" => {
            let receipt = app.receipt(detail.audit_seq).await?;
            file(&named("-receipt.json"), "application/json; charset=utf-8", json(&receipt)?)
        }
        _ => return Err(ErrorCode::NotFound.into()),
    })
}

/// `POST /desk/certificates/{issuer}/{serial}/hold`.
pub(super) async fn hold(
    State(app): State<App>,
    visitor: Visitor,
    Path((issuer, serial)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RevokeCertificate)?;
    edge::cert::hold(app, by, reference(issuer.clone(), serial.clone())).await?;
    Ok(on_to(&address(&issuer, &serial), "held"))
}

/// `POST /desk/certificates/{issuer}/{serial}/release`.
pub(super) async fn release(
    State(app): State<App>,
    visitor: Visitor,
    Path((issuer, serial)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RevokeCertificate)?;
    edge::cert::release(app, by, reference(issuer.clone(), serial.clone())).await?;
    Ok(on_to(&address(&issuer, &serial), "released"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_where_the_box_ends() {
        assert_eq!(cut("CN=a"), "CN=a");
        assert_eq!(cut(&"x".repeat(70)), format!("{}…", "x".repeat(62)));
        assert_eq!(cut(&"印".repeat(40)), format!("{}…", "印".repeat(31)));
    }
}
