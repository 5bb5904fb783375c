//! The two certificates of a pair: shown on the page of either, and what its holder is given.

use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::envelope::skf;
use pki_config::ErrorCode;
use pki_config::role::Permission;

use super::file;
use crate::api::dual::{Delivery, PairInfo};
use crate::api::{CertDetail, CertRef};
use crate::app::App;
use crate::edge;
use crate::portal::Visitor;
use crate::problem::Failure;

/// The pair that this certificate is a half of; `None` for one that stands alone.
pub(super) async fn of(app: &App, visitor: &Visitor, detail: &CertDetail) -> Result<Option<PairInfo>, Failure> {
    if detail.half.is_none() {
        return Ok(None);
    }
    let by = visitor.by(Permission::ReadCertificates)?;
    let named = CertRef { serial: detail.line.serial.clone(), issuer: Some(detail.line.issuer.clone()) };
    edge::dual::show(app.clone(), by, named).await.map(Some)
}

/// `GET /desk/certificates/{issuer}/{serial}/pair/{file}`: `response.der`, `envelope.key`, `envelope.skf`, `pair.pem`.
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    Path((issuer, serial, name)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RequestCertificate)?;
    if !["response.der", "envelope.key", "envelope.skf", "pair.pem"].contains(&name.as_str()) {
        return Err(ErrorCode::NotFound.into());
    }
    let delivery = edge::dual::deliver(app, by, CertRef { serial, issuer: Some(issuer) }).await?;
    made(&delivery, &name)
}

fn made(delivery: &Delivery, name: &str) -> Result<Response, Failure> {
    let inside = |error: &dyn std::fmt::Display| Failure::inside(ErrorCode::Internal, error);
    let octets = |text: &str| STANDARD.decode(text).map_err(|e| inside(&e));
    let called = |ending: &str| format!("{}{ending}", delivery.pair.encryption.serial);
    Ok(match name {
        "response.der" => {
            file(&called("-csrresponse.der"), "application/octet-stream", octets(&delivery.csr_response)?)
        }
        "envelope.key" => file(&called(".key"), "application/octet-stream", octets(&delivery.envelope)?),
        "envelope.skf" => {
            let blob = skf::repacked(&octets(&delivery.envelope)?).map_err(|e| inside(&e))?;
            file(&called(".skf"), "application/octet-stream", blob)
        }
        "pair.pem" => {
            let (sign, encryption) = (&delivery.pair.sign.certificate, &delivery.pair.encryption.certificate);
            file(&called("-pair.pem"), "application/x-pem-file", format!("{sign}{encryption}{}", delivery.chain))
        }
        _ => return Err(ErrorCode::NotFound.into()),
    })
}
