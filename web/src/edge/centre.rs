//! `centre/*`: what the key centre keeps, and its recovery by two officers.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use crypto_pool::path::Cert;
use key_centre::core::order::{Aim, OrderState};
use key_centre::{Ask, KeyQuery, KeyRow, KeyState, OrderQuery, OrderRow};
use pki_config::name::DistinguishedName;
use pki_config::role::{Authorized, Permission};
use pki_config::{Actor, ErrorCode};

use super::{base64, hex, pem};
use crate::api::centre::{
    CentreAsk, CentreDetail, CentreKey, CentreOrder, CentreOrderPage, CentreOrderRef, CentreOrders, CentrePage,
    CentreQuery, CentreRef, CentreRefuse, Recovered,
};
use crate::app::App;
use crate::problem::Failure;

/// `centre/list`.
pub async fn list(app: App, by: Authorized, ask: CentreQuery) -> Result<CentrePage, Failure> {
    let state = match ask.state.as_deref() {
        None => None,
        Some("kept") => Some(KeyState::Kept),
        Some("destroyed") => Some(KeyState::Destroyed),
        Some(_) => return Err(Failure::saying(ErrorCode::BadRequest, "expected a state: kept or destroyed")),
    };
    let name = ask.name.filter(|name| !name.trim().is_empty());
    let query = KeyQuery { state, name, after: ask.after, limit: limit(ask.limit)? };
    let (keys, next) = app.centre().list(&by, query).await?;
    Ok(CentrePage { keys: keys.iter().map(key_info).collect(), next })
}

/// `centre/show`.
pub async fn show(app: App, by: Authorized, ask: CentreRef) -> Result<CentreDetail, Failure> {
    let (key, orders) = app.centre().key(&by, ask.key.parse()?).await?;
    Ok(CentreDetail {
        line: key_info(&key),
        key_sm3: hex(&engine::sm3::hash(&key.spki)),
        orders: orders.iter().map(|order| order_info(&app, by.actor(), order, &key)).collect(),
    })
}

/// `centre/orders`.
pub async fn orders(app: App, by: Authorized, ask: CentreOrders) -> Result<CentreOrderPage, Failure> {
    let state = match ask.state.as_deref() {
        None => None,
        Some(word) => Some(
            OrderState::from_word(word)
                .ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "expected a state: asked, done or refused"))?,
        ),
    };
    let (orders, next) =
        app.centre().orders(&by, OrderQuery { state, after: ask.after, limit: limit(ask.limit)? }).await?;
    let orders = orders.iter().map(|(order, key)| order_info(&app, by.actor(), order, key)).collect();
    Ok(CentreOrderPage { orders, next })
}

/// `centre/ask`.
pub async fn ask(app: App, by: Authorized, ask: CentreAsk) -> Result<CentreOrder, Failure> {
    let aim = Aim::from_word(&ask.aim)
        .ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "expected an aim: holder, court or destroy"))?;
    let given = ask.certificate.filter(|text| !text.trim().is_empty());
    let certificate = given.map(|text| certificate(&text)).transpose()?;
    let key = ask.key.parse()?;
    let ask = Ask { key, aim, certificate, reason: ask.reason, ground: ask.ground };
    let order = app.centre().ask(&by, ask, app.ca()).await?;
    told(&app, by.actor(), order).await
}

/// `centre/approve`.
pub async fn approve(app: App, by: Authorized, ask: CentreOrderRef) -> Result<CentreOrder, Failure> {
    let order = app.centre().approve(&by, ask.order.parse()?, app.ca()).await?;
    told(&app, by.actor(), order).await
}

/// `centre/refuse`.
pub async fn refuse(app: App, by: Authorized, ask: CentreRefuse) -> Result<CentreOrder, Failure> {
    let order = app.centre().refuse(&by, ask.order.parse()?, &ask.reason).await?;
    told(&app, by.actor(), order).await
}

/// `centre/envelope`.
pub async fn envelope(app: App, by: Authorized, ask: CentreOrderRef) -> Result<Recovered, Failure> {
    let (order, key, envelope) = app.centre().envelope(&by, ask.order.parse()?).await?;
    let certificate = app.ca().certificate(&key.tenant, &key.serial, Some(&key.issuer)).await?;
    Ok(Recovered {
        order: order_info(&app, by.actor(), &order, &key),
        envelope: base64(&envelope),
        certificate: pem("CERTIFICATE", &certificate.der),
    })
}

/// An order with what is said of its key. Who decided may not read the centre's list; this much the answer tells.
async fn told(app: &App, actor: &Actor, order: OrderRow) -> Result<CentreOrder, Failure> {
    let read = pki_config::role::authorize(actor, Permission::ReadCentre, app.setup())?;
    let (key, _) = app.centre().key(&read, order.key).await?;
    Ok(order_info(app, actor, &order, &key))
}

fn limit(asked: Option<u32>) -> Result<u32, Failure> {
    let limit = asked.unwrap_or(50);
    if (1..=500).contains(&limit) {
        Ok(limit)
    } else {
        Err(Failure::saying(ErrorCode::BadRequest, "limit is not between 1 and 500"))
    }
}

/// A certificate from the interface, PEM or base64.
fn certificate(text: &str) -> Result<Vec<u8>, Failure> {
    let body = match text.split_once("-----BEGIN CERTIFICATE-----") {
        Some((_, rest)) => rest.split_once("-----END CERTIFICATE-----").map(|(body, _)| body),
        None => Some(text),
    };
    let body: Option<String> = body.map(|body| body.split_ascii_whitespace().collect());
    let der = body.and_then(|body| STANDARD.decode(body).ok());
    der.ok_or_else(|| Failure::saying(ErrorCode::RecipientRefused, "the certificate is neither PEM nor base64"))
}

fn key_info(key: &KeyRow) -> CentreKey {
    CentreKey {
        key: key.id.to_string(),
        state: key.state.as_str().to_owned(),
        subject: key.name.clone(),
        issuer: key.issuer.to_string(),
        serial: key.serial.to_string(),
        sign_serial: key.sign_serial.to_string(),
        requester: key.requester.clone(),
        at: key.made_at.to_string(),
        recoveries: key.recoveries,
        recovered_at: key.recovered_at.map(|at| at.to_string()),
    }
}

fn order_info(app: &App, actor: &Actor, order: &OrderRow, key: &KeyRow) -> CentreOrder {
    let cert = order.recipient.as_deref().and_then(|der| Cert::from_der_tolerant(der).ok());
    let recipient = cert.map(|cert| {
        DistinguishedName::from_der(cert.subject()).map_or_else(|_| hex(cert.subject()), |name| name.to_string())
    });
    let independent = order.asked_by != actor.person() && !key.parties().include(actor.person());
    let permitted = pki_config::role::authorize(actor, Permission::ApproveRecovery, app.setup()).is_ok();
    CentreOrder {
        order: order.id.to_string(),
        key: order.key.to_string(),
        subject: key.name.clone(),
        aim: order.aim.as_str().to_owned(),
        state: order.state.as_str().to_owned(),
        reason: order.reason.clone(),
        ground: order.ground.clone(),
        recipient,
        recipient_sm3: order.recipient.as_deref().map(|der| hex(&engine::sm3::hash(der))),
        asked_by: order.asked_by.clone(),
        asked_at: order.asked_at.to_string(),
        decided_by: order.decided_by.clone(),
        decided_at: order.decided_at.map(|at| at.to_string()),
        refusal: order.refusal.clone(),
        may_approve: order.state == OrderState::Asked && independent && permitted,
    }
}
