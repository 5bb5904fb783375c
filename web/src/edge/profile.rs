//! `profile/*`: which profiles there are, and how officers change them.

use ca::ProfileVersion as Version;
use ca::store::ProfileState;
use pki_config::ErrorCode;
use pki_config::profile::{KeyKind, Profile};
use pki_config::role::Authorized;

use super::hex;
use crate::api::profile::{
    DiffLine, IdentityField, ProfileCompare, ProfileDetail, ProfileDiff, ProfileInfo, ProfileList, ProfilePropose,
    ProfileRef, ProfileReject, ProfileVersion, RuleChange,
};
use crate::api::{Nothing, Words};
use crate::app::App;
use crate::problem::Failure;

const DAY: u64 = 86_400;

/// `profile/list`.
pub async fn list(app: App, _: Authorized, _: Nothing) -> Result<ProfileList, Failure> {
    let mut profiles = Vec::new();
    for profile in app.ca().profiles() {
        profiles.push(info(&app, &app.ca().profile_in_force(profile.name())?));
    }
    let waiting = app.ca().proposed_profiles().await?.into_iter().map(version).collect();
    Ok(ProfileList { profiles, waiting })
}

/// `profile/show`.
pub async fn show(app: App, _: Authorized, ask: ProfileRef) -> Result<ProfileDetail, Failure> {
    let versions = app.ca().profile_versions(&ask.profile).await?;
    let shown = versions.iter().find(|found| match ask.version {
        Some(wanted) => found.profile.version() == wanted,
        None => found.in_force,
    });
    // A new profile that only waits is shown as it waits.
    let shown = shown.or(if ask.version.is_none() { versions.first() } else { None });
    let shown = shown.ok_or(ErrorCode::ProfileUnknown)?;
    Ok(ProfileDetail {
        info: info(&app, shown),
        source: shown.profile.source_text().to_owned(),
        versions: versions.iter().cloned().map(version).collect(),
    })
}

/// `profile/propose`.
pub async fn propose(app: App, by: Authorized, ask: ProfilePropose) -> Result<ProfileVersion, Failure> {
    if ask.note.trim().is_empty() {
        return Err(Failure::saying(ErrorCode::BadRequest, "say in note what the change is for"));
    }
    Ok(version(app.ca().propose_profile(&by, &ask.source, &ask.note).await?))
}

/// `profile/approve`.
pub async fn approve(app: App, by: Authorized, ask: ProfileRef) -> Result<ProfileVersion, Failure> {
    // Without the number somebody could approve a version they have not seen.
    let number = ask.version.ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "name the version to approve"))?;
    Ok(version(app.ca().approve_profile(&by, &ask.profile, number).await?))
}

/// `profile/reject`.
pub async fn reject(app: App, by: Authorized, ask: ProfileReject) -> Result<ProfileVersion, Failure> {
    if ask.reason.trim().is_empty() {
        return Err(Failure::saying(ErrorCode::BadRequest, "give a reason"));
    }
    Ok(version(app.ca().reject_profile(&by, &ask.profile, ask.version, &ask.reason).await?))
}

/// `profile/diff`.
pub async fn diff(app: App, _: Authorized, ask: ProfileCompare) -> Result<ProfileDiff, Failure> {
    let versions = app.ca().profile_versions(&ask.profile).await?;
    let in_force = versions.iter().find(|found| found.in_force).map(|found| found.profile.version());
    let waiting = versions.iter().find(|found| found.state == ProfileState::Proposed);
    let newest = waiting.or(versions.first()).map(|found| found.profile.version());
    let to = ask.to.or(newest).ok_or(ErrorCode::ProfileUnknown)?;
    let from = ask.from.or(in_force);
    let difference = app.ca().profile_difference(&ask.profile, from, to).await?;
    let change = |change: pki_config::profile::Change| RuleChange {
        rule: change.rule,
        before: change.before,
        after: change.after,
    };
    let line = |line: pki_config::profile::Line| DiffLine { kind: line.origin.as_str().to_owned(), text: line.text };
    Ok(ProfileDiff {
        profile: ask.profile,
        from,
        to,
        changes: difference.changes.into_iter().map(change).collect(),
        lines: difference.lines.into_iter().map(line).collect(),
    })
}

fn version(version: Version) -> ProfileVersion {
    let record = version.record.as_ref();
    ProfileVersion {
        profile: version.profile.name().to_owned(),
        version: version.profile.version(),
        state: version.state.as_str().to_owned(),
        in_force: version.in_force,
        sm3: hex(&version.digest),
        proposer: record.map(|row| row.proposer.clone()),
        proposed_at: record.map(|row| row.proposed_at.to_string()),
        note: record.map(|row| row.note.clone()).unwrap_or_default(),
        decider: record.and_then(|row| row.decider.clone()),
        decided_at: record.and_then(|row| row.decided_at).map(|at| at.to_string()),
        reason: record.and_then(|row| row.reason.clone()),
    }
}

fn info(app: &App, version: &Version) -> ProfileInfo {
    let Version { profile, state, .. } = version;
    let (rules, now) = (profile.rules(), app.clock().now());
    let words = |attributes: &[pki_config::name::Attribute]| attributes.iter().map(ToString::to_string).collect();
    ProfileInfo {
        profile: rules.name.clone(),
        title: Words { en: rules.title.en.clone(), zh: rules.title.zh.clone() },
        version: rules.version,
        state: state.as_str().to_owned(),
        internal: rules.internal || rules.needs_ceremony,
        lints: rules.lints.as_str().to_owned(),
        required: words(&rules.subject.required),
        optional: words(&rules.subject.optional),
        san: rules.san.presence.as_str().to_owned(),
        san_kinds: rules.san.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        cn_is_a_copy: rules.san.cn_is_a_copy,
        identity: rules
            .identity
            .iter()
            .map(|rule| IdentityField {
                kind: rule.kind.as_str().to_owned(),
                presence: rule.presence.as_str().to_owned(),
                oid: rule.oid.to_string(),
            })
            .collect(),
        keys: keys(profile),
        makers: rules.key.makers.iter().map(|maker| maker.as_str().to_owned()).collect(),
        days: rules.validity.usual(now).as_secs() / DAY,
        max_days: rules.validity.longest(now).as_secs() / DAY,
        extended: rules.usage.extended.iter().map(|purpose| purpose.as_str().to_owned()).collect(),
        policies: rules.policies.iter().map(|policy| policy.oid.to_string()).collect(),
        reviewer: rules.approval.reviewer,
        evidence: rules.approval.evidence,
    }
}

/// The kinds of key it takes, in a fixed order.
fn keys(profile: &Profile) -> Vec<String> {
    let taken = |kind: &KeyKind| profile.rules().key.certify.iter().any(|line| line.subject.contains(kind));
    KeyKind::ALL.into_iter().filter(taken).map(|kind| kind.as_str().to_owned()).collect()
}
