//! `pickup/*`: the holder's side of a pick-up link. Needs no login: the link's secret is the right.

use ca::store::{RequestRow, RequestState};
use pki_config::name::DistinguishedName;
use pki_config::{Actor, Channel, ErrorCode, Role};

use super::{csr_bytes, pem, pem_chain};
use crate::api::dual::Delivery;
use crate::api::request::{PickupInfo, PickupRef, PickupSend};
use crate::app::App;
use crate::auth::{self, Secret, SecretKind};
use crate::problem::Failure;
use crate::router::Stranger;
use crate::serve::Peer;

/// `pickup/show`.
pub async fn show(app: App, from: Stranger, ask: PickupRef) -> Result<PickupInfo, Failure> {
    let hash = hash_of(&app, &from, &ask.secret).await?;
    let row = found(&app, &from, app.ca().picked_up(hash).await).await?;
    info(&app, row).await
}

/// `pickup/send`.
pub async fn send(app: App, from: Stranger, ask: PickupSend) -> Result<PickupInfo, Failure> {
    let hash = hash_of(&app, &from, &ask.secret).await?;
    let csr = csr_bytes(ask.csr)?;
    let row = found(&app, &from, app.ca().send_key(hash, csr).await).await?;
    info(&app, row).await
}

/// `pickup/deliver`: both certificates of a pair and the holder's encryption key, in its envelope.
pub async fn deliver(app: App, from: Stranger, ask: PickupRef) -> Result<Delivery, Failure> {
    let hash = hash_of(&app, &from, &ask.secret).await?;
    let row = found(&app, &from, app.ca().picked_up(hash).await).await?;
    let Some(serial) = row.serial.clone().filter(|_| row.state == RequestState::Issued) else {
        return Err(Failure::saying(ErrorCode::RequestState, "there is no certificate yet"));
    };
    let pair = app.ca().pair(&row.tenant, &serial, row.issuer.as_ref()).await?;
    let holder = Actor::new(row.tenant, "holder", Role::Anyone, Channel::Public);
    super::dual::delivery(&app, holder, pair).await
}

async fn hash_of(app: &App, from: &Stranger, secret: &str) -> Result<[u8; 32], Failure> {
    if let Some(address) = address(from) {
        app.lockout().check(address)?;
    }
    let Some(secret) = Secret::read(SecretKind::Pickup, secret.trim()) else {
        failed(app, from).await;
        return Err(ErrorCode::LinkUsed.into());
    };
    Ok(secret.hash())
}

/// Counts a wrong secret against its address, like a failed login.
async fn found(app: &App, from: &Stranger, row: Result<RequestRow, ca::Error>) -> Result<RequestRow, Failure> {
    if matches!(row, Err(ca::Error::PickupGone)) {
        failed(app, from).await;
    }
    Ok(row?)
}

async fn failed(app: &App, from: &Stranger) {
    if let Some(address) = address(from) {
        auth::failed_login(app, address).await;
    }
}

const fn address(from: &Stranger) -> Option<std::net::IpAddr> {
    match &from.peer {
        Peer::Https { address, .. } | Peer::Http { address } => Some(address.ip()),
        Peer::Socket { .. } | Peer::Front => None,
    }
}

async fn info(app: &App, row: RequestRow) -> Result<PickupInfo, Failure> {
    let certificate = app.ca().certificate_of(&row).await?;
    let chain = certificate.as_ref().map(|c| app.ca().chain(&c.issuer)).transpose()?;
    let subject = DistinguishedName::from_der(&row.subject).map(|name| name.to_string()).unwrap_or_default();
    Ok(PickupInfo {
        state: row.state.as_str().to_owned(),
        subject,
        sans: row.sans.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        keys: app.ca().keys_taken(&row.profile, row.issuer.as_ref()).iter().map(ToString::to_string).collect(),
        pair: app.ca().is_for_pairs(&row.profile),
        profile: row.profile,
        until: row.pickup.map(|link| link.until.to_string()).unwrap_or_default(),
        reason: row.reason,
        certificate: certificate.map(|c| pem("CERTIFICATE", &c.der)),
        chain: chain.map(|chain| pem_chain(&chain.issuers)),
    })
}
