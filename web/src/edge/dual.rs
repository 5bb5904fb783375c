//! `dual/*`: pairs of a signing and an encryption certificate, and the delivery of the second one's key.

use ca::{Certificate, Pair};
use crypto_pool::envelope::csr_response;
use key_centre::KeyRow;
use pki_config::role::Authorized;
use pki_config::status::CertStatus;
use pki_config::{Actor, ErrorCode};

use super::cert::{named, status_info, status_word};
use super::{base64, pem, pem_chain};
use crate::api::CertRef;
use crate::api::dual::{Delivery, HalfInfo, PairInfo};
use crate::app::App;
use crate::problem::Failure;

/// `dual/show`.
pub async fn show(app: App, by: Authorized, ask: CertRef) -> Result<PairInfo, Failure> {
    let (serial, issuer) = named(&ask)?;
    let pair = app.ca().pair(by.actor().tenant(), &serial, issuer.as_ref()).await?;
    let (key, deliveries) = app.centre().of_request(by.actor().tenant(), pair.encryption_request).await?;
    Ok(info(&app, &pair, &key, deliveries))
}

/// `dual/deliver`.
pub async fn deliver(app: App, by: Authorized, ask: CertRef) -> Result<Delivery, Failure> {
    let (serial, issuer) = named(&ask)?;
    let pair = app.ca().pair(by.actor().tenant(), &serial, issuer.as_ref()).await?;
    delivery(&app, by.actor().clone(), pair).await
}

/// What the holder of a pair gets: every time the same bytes.
pub(crate) async fn delivery(app: &App, to: Actor, pair: Pair) -> Result<Delivery, Failure> {
    // Whoever took the signing key would get the other one with it.
    if pair.sign.status != CertStatus::Good {
        return Err(Failure::saying(
            ErrorCode::RecipientRefused,
            "the signing certificate is revoked or on hold; a key officer can recover the key for a new one",
        ));
    }
    let delivered = app.centre().deliver(to, pair.encryption_request).await?;
    let chain = app.ca().chain(&pair.sign.issuer)?;
    let response = csr_response::write(&pair.sign.der, &delivered.envelope, &pair.encryption.der);
    Ok(Delivery {
        pair: info(app, &pair, &delivered.key, delivered.count),
        csr_response: base64(&response),
        envelope: base64(&delivered.envelope),
        chain: pem_chain(&chain.issuers),
        root: pem("CERTIFICATE", &chain.root),
    })
}

fn info(app: &App, pair: &Pair, key: &KeyRow, deliveries: u32) -> PairInfo {
    PairInfo {
        request: pair.sign.request.to_string(),
        profile: pair.sign.profile.clone(),
        subject: pair.sign.subject.clone(),
        sans: pair.sign.sans.clone(),
        sign: half(app, &pair.sign),
        encryption: half(app, &pair.encryption),
        key: pair.key.to_string(),
        archive: key.state.as_str().to_owned(),
        deliveries,
        delivered_at: key.delivered_at.map(|at| at.to_string()),
    }
}

fn half(app: &App, certificate: &Certificate) -> HalfInfo {
    let state = status_info(certificate);
    HalfInfo {
        serial: certificate.serial.to_string(),
        issuer: certificate.issuer.to_string(),
        not_before: certificate.validity.not_before().to_string(),
        not_after: certificate.validity.not_after().to_string(),
        status: status_word(certificate.status, certificate.validity.not_after(), app.clock().now()).to_owned(),
        revoked_at: state.at,
        reason: state.reason,
        certificate: pem("CERTIFICATE", &certificate.der),
    }
}
