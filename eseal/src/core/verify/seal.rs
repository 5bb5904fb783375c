//! The seal: its own form and signature, its maker, when it may be used (GM/T 0031-2014 6.1.2).

use crypto_pool::path::Cert;
use pki_config::Instant;

use super::chain::{self, Role};
use super::{Check, Finding, Judge, Makers, Outcome, Standing};
use crate::core::ses::{Seal, issuers};

impl Judge<'_> {
    /// What its form makes one notice.
    pub(super) fn structure_of(&self, seal: &Seal) -> Vec<Finding> {
        let standard = seal.version.standard();
        let mut all = vec![Finding::new(
            Check::Structure,
            Outcome::Pass,
            "ok",
            format!("An electronic seal after {standard}."),
            format!("电子印章结构符合 {standard}。"),
        )];
        if seal.picture.width == 0 || seal.picture.height == 0 || seal.picture.data.is_empty() {
            all.push(Finding::new(
                Check::Structure,
                Outcome::Fail,
                "picture-size",
                "The seal's picture is empty or has no size.",
                "印章图像为空或尺寸为零。",
            ));
        }
        if seal.until < seal.from {
            all.push(Finding::new(
                Check::Structure,
                Outcome::Fail,
                "seal-times",
                "The seal ends before it begins.",
                "印章有效期起止颠倒。",
            ));
        }
        // Real seals have critical extensions that nobody else knows: to be looked at, not to be refused.
        if let Some(unknown) = seal.extensions.iter().find(|one| one.critical) {
            let id = unknown.id;
            all.push(Finding::new(
                Check::Structure,
                Outcome::Warning,
                "critical-extension",
                format!("The seal has a critical extension that is not known here: {id}."),
                format!("印章含有不识别的关键扩展 {id}。"),
            ));
        }
        all
    }

    /// The seal as it was at `at`: the maker's signature, the maker, the validity. Returns the maker's certificate.
    pub(super) fn seal(&self, seal: &Seal, at: Instant, proven: bool, findings: &mut Vec<Finding>) -> Option<Cert> {
        let maker = self.trust.known.read(&seal.maker);
        let check = Check::SealSignature;
        findings.push(chain::signed(check, maker.as_ref(), seal.algorithm, seal.signed(), &seal.signature));
        if let Some(maker) = &maker {
            self.chain(Role::Maker, maker, &self.trust.known.same(&issuers(&seal.extensions)), at, proven, findings);
            if let Makers::These(list) = &self.trust.makers
                && !list.iter().any(|one| one == maker.der())
            {
                findings.push(Finding::new(
                    Check::MakerChain,
                    Outcome::Fail,
                    "maker-not-listed",
                    "The seal's maker is not one of those that are believed.",
                    "制章者不在受信任的制章机构名单中。",
                ));
            }
        }
        findings.push(validity(seal, at, self.at));
        findings.extend(self.standing(seal, at));
        maker
    }

    /// What the house that made it says of it.
    fn standing(&self, seal: &Seal, at: Instant) -> Option<Finding> {
        let known = self.trust.seals.iter().find(|one| one.id == seal.id)?;
        let since = known.since;
        let (code, en, zh) = match known.standing {
            Standing::Enabled => {
                return Some(Finding::new(
                    Check::SealValidity,
                    Outcome::Pass,
                    "enabled",
                    "Its maker says that it is in use.",
                    "制章机构确认印章处于启用状态。",
                ));
            }
            Standing::NotEnabled => ("not-enabled", "not in use", "未启用"),
            Standing::Suspended => ("suspended", "suspended", "已停用"),
            Standing::Revoked => ("revoked", "revoked", "已撤销"),
        };
        Some(if since <= at {
            Finding::new(
                Check::SealValidity,
                Outcome::Fail,
                code,
                format!("The seal was {en} when it was used, since {since}."),
                format!("签署时印章{zh}（自 {since} 起）。"),
            )
        } else {
            Finding::new(
                Check::SealValidity,
                Outcome::Warning,
                &format!("{code}-later"),
                format!("The seal is {en} since {since}, after it was used."),
                format!("印章在签署之后{zh}（自 {since} 起），不影响此前的签署。"),
            )
        })
    }
}

fn validity(seal: &Seal, at: Instant, now: Instant) -> Finding {
    let made = |outcome, code, en: String, zh: String| Finding::new(Check::SealValidity, outcome, code, en, zh);
    let (from, until) = (seal.from, seal.until);
    if at < from {
        made(
            Outcome::Fail,
            "seal-not-yet-valid",
            format!("The seal may be used from {from} on, and was used at {at}."),
            format!("签署时间 {at} 早于印章有效期起始 {from}。"),
        )
    } else if !seal.covers(at) {
        made(
            Outcome::Fail,
            "seal-expired",
            format!("The seal could be used until {until}, and was used at {at}."),
            format!("签署时间 {at} 晚于印章有效期截止 {until}。"),
        )
    } else if seal.covers(now) {
        made(Outcome::Pass, "ok", format!("Valid from {from} to {until}."), format!("有效期 {from} 至 {until}。"))
    } else {
        made(
            Outcome::Pass,
            "expired-later",
            format!("Valid when it was used; it ended at {until}."),
            format!("签署时有效，印章已于 {until} 到期。"),
        )
    }
}
