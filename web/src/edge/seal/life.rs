//! The life of seals: applications, decisions, what became of them.

use eseal::{Application, SealKind, SealQuery as Query, SealRecord, SealState, SealView, Step, had_part};
use pki_config::role::{Authorized, Permission, authorize};
use pki_config::{Actor, ErrorCode, SealId};

use super::{base64, decoded, made};
use crate::api::seal::{
    SealApply, SealDetail, SealInfo, SealPage, SealQuery, SealRef, SealRenew, SealStepAsk, SealStepInfo, SealUseInfo,
    SealUsePage, SealUseQuery,
};
use crate::app::App;
use crate::edge::officer::names;
use crate::edge::{hex, pem};
use crate::problem::Failure;

/// `seal/apply`.
pub async fn apply(app: App, by: Authorized, ask: SealApply) -> Result<SealDetail, Failure> {
    let application = application(&app, ask).await?;
    let record = app.eseal()?.apply(&by, application).await?;
    detail(&app, by.actor(), record.id).await
}

/// `seal/create`: every step at once, in a trial.
pub async fn create(app: App, by: Authorized, ask: SealApply) -> Result<SealDetail, Failure> {
    let application = application(&app, ask).await?;
    let eseal = app.eseal()?;
    let id = eseal.apply(&by, application).await?.id;
    let approved = eseal.approve(&by, id).await?;
    app.make_seal(by.actor(), &approved, true).await?;
    eseal.enable(&by, id).await?;
    detail(&app, by.actor(), id).await
}

async fn application(app: &App, ask: SealApply) -> Result<Application, Failure> {
    let kind = match ask.kind.as_deref() {
        None | Some("") => SealKind::Official,
        Some(word) => SealKind::from_word(word).ok_or_else(|| {
            let words: Vec<&str> = SealKind::ALL.iter().map(|kind| kind.as_str()).collect();
            Failure::saying(ErrorCode::SealRefused, format!("kind is none of {}", words.join(", ")))
        })?,
    };
    let owner = ask.owner.filter(|owner| !owner.trim().is_empty()).unwrap_or_else(|| ask.name.clone());
    if ask.holders.is_empty() {
        // It stands in the signer's certificate.
        pki_config::name::DistinguishedName::common_name(owner.trim())
            .map_err(|why| Failure::saying(ErrorCode::SealRefused, format!("the owner cannot be certified: {why}")))?;
    }
    Ok(Application {
        picture: made(app, ask.picture, owner.trim()).await?,
        name: ask.name,
        owner,
        kind,
        valid_until: ask.valid_until.as_deref().filter(|text| !text.is_empty()).map(str::parse).transpose()?,
        holders: certificates(&ask.holders)?,
        by_digest: ask.holders_by_digest,
        users: ask.users,
        note: ask.note,
    })
}

/// Certificates in PEM (the first of each text) or DER in base64.
fn certificates(texts: &[String]) -> Result<Vec<Vec<u8>>, Failure> {
    let bad = || Failure::saying(ErrorCode::HolderRefused, "a holder's certificate is neither PEM nor base64");
    let one = |text: &String| {
        if !text.contains("-----BEGIN") {
            return decoded(text, "a holder's certificate").map_err(|_| bad());
        }
        let start = text.find("-----BEGIN").unwrap_or(0);
        let text = text.get(start..).unwrap_or_default();
        let end = "-----END CERTIFICATE-----";
        let text = text.find(end).and_then(|at| text.get(..at + end.len())).ok_or_else(bad)?;
        der::pem::decode_vec(format!("{text}\n").as_bytes()).map(|(_, der)| der).map_err(|_| bad())
    };
    texts.iter().map(one).collect()
}

/// `seal/review`.
pub async fn review(app: App, by: Authorized, ask: SealRef) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    app.eseal()?.review(&by, id).await?;
    detail(&app, by.actor(), id).await
}

/// `seal/approve`: the seal is made at once; where that fails for now, the schedule makes it.
pub async fn approve(app: App, by: Authorized, ask: SealRef) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    let approved = app.eseal()?.approve(&by, id).await?;
    if let Err(failure) = app.make_seal(by.actor(), &approved, false).await {
        failure.log(&id.to_string(), "an approved seal could not be made yet");
    }
    detail(&app, by.actor(), id).await
}

/// `seal/make`: what [`approve`] does, once more.
pub async fn make(app: App, by: Authorized, ask: SealRef) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    let record = app.eseal()?.record(by.actor().tenant(), id).await?;
    if record.state != SealState::Approved {
        return Err(eseal::Error::State { seal: id, state: record.state.as_str() }.into());
    }
    app.make_seal(by.actor(), &record, false).await?;
    detail(&app, by.actor(), id).await
}

/// `seal/reject`.
pub async fn reject(app: App, by: Authorized, ask: SealStepAsk) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    app.eseal()?.reject(&by, id, ask.reason.as_deref()).await?;
    detail(&app, by.actor(), id).await
}

/// `seal/enable`.
pub async fn enable(app: App, by: Authorized, ask: SealRef) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    app.eseal()?.enable(&by, id).await?;
    detail(&app, by.actor(), id).await
}

/// `seal/suspend`.
pub async fn suspend(app: App, by: Authorized, ask: SealStepAsk) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    app.eseal()?.suspend(&by, id, ask.reason.as_deref()).await?;
    detail(&app, by.actor(), id).await
}

/// `seal/revoke`.
pub async fn revoke(app: App, by: Authorized, ask: SealStepAsk) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    app.eseal()?.revoke(&by, id, ask.reason.as_deref()).await?;
    detail(&app, by.actor(), id).await
}

/// `seal/destroy`: the keys first, so that a seal that is called destroyed has none.
pub async fn destroy(app: App, by: Authorized, ask: SealStepAsk) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    let eseal = app.eseal()?;
    let record = eseal.record(by.actor().tenant(), id).await?;
    if record.state != SealState::Revoked {
        return Err(eseal::Error::State { seal: id, state: record.state.as_str() }.into());
    }
    app.destroy_seal_keys(&record).await?;
    eseal.destroy(&by, id, ask.reason.as_deref()).await?;
    detail(&app, by.actor(), id).await
}

/// `seal/renew`.
pub async fn renew(app: App, by: Authorized, ask: SealRenew) -> Result<SealDetail, Failure> {
    let id = id(&ask.seal)?;
    app.eseal()?.renew(&by, id, certificates(&ask.holders)?).await?;
    detail(&app, by.actor(), id).await
}

/// `seal/list`.
pub async fn list(app: App, by: Authorized, ask: SealQuery) -> Result<SealPage, Failure> {
    let state = match ask.state.as_deref().filter(|word| !word.is_empty()) {
        None => None,
        Some(word) => Some(
            SealState::from_word(word)
                .ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "there is no such state of seals"))?,
        ),
    };
    let query = Query { state, name: ask.name, after: ask.after, limit: limit(ask.limit)? };
    let (seals, next) = app.eseal()?.list(&by, query).await?;
    Ok(SealPage { seals: seals.iter().map(info).collect(), next })
}

/// `seal/show`.
pub async fn show(app: App, by: Authorized, ask: SealRef) -> Result<SealDetail, Failure> {
    detail(&app, by.actor(), id(&ask.seal)?).await
}

/// `seal/uses`.
pub async fn uses(app: App, by: Authorized, ask: SealUseQuery) -> Result<SealUsePage, Failure> {
    let seal = ask.seal.as_deref().filter(|text| !text.is_empty()).map(id).transpose()?;
    let (uses, next) = app.eseal()?.uses(&by, seal, ask.after, limit(ask.limit)?).await?;
    let uses = uses.into_iter().map(|used| SealUseInfo {
        request: used.request,
        seal: used.seal.to_string(),
        at: used.at.to_string(),
        person: used.person,
        form: eseal::form_word(used.form).to_owned(),
        hash: eseal::hash_word(used.hash).to_owned(),
        digest: hex(&used.digest),
        document: used.document,
        audit_seq: used.seq,
    });
    Ok(SealUsePage { uses: uses.collect(), next })
}

fn limit(asked: Option<u32>) -> Result<u32, Failure> {
    match asked.unwrap_or(50) {
        limit @ 1..=500 => Ok(limit),
        _ => Err(Failure::saying(ErrorCode::BadRequest, "limit is not between 1 and 500")),
    }
}

/// An identifier; what cannot be one names nothing.
pub(super) fn id(text: &str) -> Result<SealId, Failure> {
    text.parse().map_err(|_| Failure::saying(ErrorCode::NotFound, "no such seal"))
}

fn info(record: &SealRecord) -> SealInfo {
    SealInfo {
        id: record.id.to_string(),
        name: record.name.clone(),
        owner: record.owner.clone(),
        kind: record.kind.as_str().to_owned(),
        state: record.state.as_str().to_owned(),
        since: record.since.to_string(),
        reason: record.reason.clone(),
        valid_from: record.valid_from.map(|at| at.to_string()),
        valid_until: record.valid_until.to_string(),
        width: record.width,
        height: record.height,
        house_key: record.house_key(),
        version: record.version,
        applied: record.applied_at.to_string(),
    }
}

async fn detail(app: &App, actor: &Actor, id: SealId) -> Result<SealDetail, Failure> {
    // Whoever may do anything with a seal may see it.
    let read = [Permission::ReadSeals, Permission::RequestSeal].into_iter();
    let mut read = read.filter_map(|permission| authorize(actor, permission, app.setup()).ok());
    let by = read.next().ok_or(ErrorCode::Forbidden)?;
    let SealView { record, picture, seal, certificates, steps, uses } = app.eseal()?.show(&by, id).await?;
    let names = names(app, actor).await?;
    let (may, obstacle) = may(app, actor, &record);
    let step = |step: Step| SealStepInfo {
        state: step.state,
        at: step.at.to_string(),
        name: names.get(&step.person).cloned(),
        person: step.person,
        one_step: step.one_step,
        reason: step.reason,
        audit_seq: step.seq,
    };
    let pems = |list: &[Vec<u8>]| list.iter().map(|der| pem("CERTIFICATE", der)).collect();
    Ok(SealDetail {
        info: info(&record),
        picture: picture.as_deref().map(base64),
        seal: seal.as_deref().map(base64),
        certificates: pems(&certificates),
        holders: pems(&record.holders),
        users: record.users,
        note: record.note,
        applicant: record.applicant,
        steps: steps.into_iter().map(step).collect(),
        may,
        obstacle,
        uses,
    })
}

/// What may be done next, and what stands against deciding it.
fn may(app: &App, actor: &Actor, record: &SealRecord) -> (Vec<String>, Option<String>) {
    use SealState as S;
    let right = |permission| authorize(actor, permission, app.setup()).is_ok();
    let (mut may, mut same) = (Vec::new(), false);
    for (word, to, permission) in [
        ("review", S::Reviewed, Permission::ReviewSeal),
        ("approve", S::Approved, Permission::ApproveSeal),
        ("reject", S::Rejected, Permission::ApproveSeal),
        ("make", S::Made, Permission::ApproveSeal),
        ("enable", S::Enabled, Permission::ManageSeals),
        ("suspend", S::Suspended, Permission::ManageSeals),
        ("revoke", S::Revoked, Permission::ManageSeals),
        ("destroy", S::Destroyed, Permission::ManageSeals),
    ] {
        if !record.state.may_become(to) || !right(permission) {
            continue;
        }
        if had_part(record, to, actor.person()) {
            same = true;
        } else {
            may.push(word.to_owned());
        }
    }
    let renewable = matches!(record.state, S::Made | S::Enabled | S::Suspended) && !record.house_key();
    if renewable && right(Permission::ApproveSeal) && record.applicant != actor.person() {
        may.push("renew".to_owned());
    }
    if record.state == S::Enabled && right(Permission::UseSeal) && record.is_for(actor.person()) {
        may.push("use".to_owned());
    }
    (may, same.then(|| "same-officer".to_owned()))
}
