//! `cert/revoke-all`: every certificate of one organisation, of one key, or of a list.

use ca::store::Common;
use ca::{RevokedMany, Which};
use pki_config::role::Authorized;
use pki_config::status::Reason;
use pki_config::{ErrorCode, Instant};

use super::cert::named;
use crate::api::request::{RevokeAll, RevokedAll, RevokedLine};
use crate::app::App;
use crate::problem::Failure;

/// The most certificates a caller may list.
const MOST_LISTED: usize = 500;

/// `cert/revoke-all`: a preview unless the caller says how many it expects.
pub async fn revoke_all(app: App, by: Authorized, ask: RevokeAll) -> Result<RevokedAll, Failure> {
    let reason: Reason = ask.reason.parse()?;
    let invalidity: Option<Instant> = ask.invalidity.as_deref().map(str::parse).transpose()?;
    let expected = ask.expected;
    let which = which(ask)?;
    let many = match expected {
        None => app.ca().revoke_all_preview(by.actor().tenant(), &which).await?,
        Some(expected) => app.ca().revoke_all(&by, &which, reason, invalidity, expected).await?,
    };
    Ok(answer(many, expected.is_some()))
}

fn which(ask: RevokeAll) -> Result<Which, Failure> {
    let bad = |why: &str| Failure::saying(ErrorCode::BadRequest, why);
    match (ask.organisation, ask.key, ask.certificates) {
        (Some(name), None, listed) if listed.is_empty() && !name.trim().is_empty() => {
            Ok(Which::Common(Common::Organisation(name)))
        }
        (None, Some(key), listed) if listed.is_empty() => Ok(Which::Common(Common::Key(
            digest(&key).ok_or_else(|| bad("expected the 64 hexadecimal digits of SM3"))?,
        ))),
        (None, None, listed) if (1..=MOST_LISTED).contains(&listed.len()) => {
            Ok(Which::Listed(listed.iter().map(named).collect::<Result<_, _>>()?))
        }
        _ => Err(bad("give an organisation, or a key, or 1 to 500 certificates")),
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let digits =
        text.chars().filter(|c| !matches!(c, ':' | ' ')).map(|c| c.to_digit(16)).collect::<Option<Vec<_>>>()?;
    let octets: Vec<u8> = digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect();
    if digits.len() == 64 { octets.try_into().ok() } else { None }
}

fn answer(many: RevokedMany, done: bool) -> RevokedAll {
    let certificates = many.certificates.into_iter().map(|one| RevokedLine {
        serial: one.serial.to_string(),
        issuer: one.issuer.to_string(),
        subject: one.subject,
        sans: one.sans,
        problem: one.problem,
    });
    RevokedAll { done, count: many.count, certificates: certificates.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_thing_says_which_certificates() {
        let ask = |organisation: Option<&str>, key: Option<&str>, listed: usize| RevokeAll {
            organisation: organisation.map(str::to_owned),
            key: key.map(str::to_owned),
            certificates: vec![crate::api::CertRef { serial: "01".to_owned(), issuer: None }; listed],
            ..RevokeAll::default()
        };
        let key = "0a".repeat(32);
        assert!(which(ask(Some("A"), None, 0)).is_ok());
        assert!(which(ask(None, Some(&key), 0)).is_ok());
        assert!(which(ask(None, None, 500)).is_ok());
        for (organisation, key, listed) in [
            (None, None, 0),
            (None, None, 501),
            (Some(""), None, 0),
            (Some("A"), Some(key.as_str()), 0),
            (Some("A"), None, 1),
            (None, Some("0a"), 0),
            (None, Some("zz"), 0),
        ] {
            assert!(which(ask(organisation, key, listed)).is_err(), "{organisation:?} {key:?} {listed}");
        }
    }
}
