//! Identity numbers in Chinese certificates (GM/T 0015), and the private ones of older software.

use crypto_pool::tlv::Reader;

use super::extensions::Found;
use super::read::{Read, string};
use super::tree::{Facts, Label, l};

/// What is known under the arcs 1.2.156.10260.4 and 1.2.86.11.7.
pub(super) fn label(oid: &str) -> Option<Label> {
    Some(match oid {
        "1.2.156.10260.4.1.1" => l("person-code", "Identity code of a person", "个人身份标识码"),
        "1.2.156.10260.4.1.1.1" => l("identity-card", "Identity card number", "居民身份证号码"),
        "1.2.156.10260.4.1.1.2" => l("passport", "Passport number", "护照号码"),
        "1.2.156.10260.4.1.2" => l("social-insurance", "Social insurance number", "个人社会保险号"),
        "1.2.156.10260.4.1.3" => l("business-registration", "Business registration number", "企业工商注册号"),
        "1.2.156.10260.4.1.4" => l("organisation-code", "Organisation code", "企业组织机构代码"),
        "1.2.156.10260.4.1.5" => l("taxation", "Taxation number", "企业税号"),
        "1.2.156.10260.4.4" | "1.2.156.10260.4.4.4" => {
            l("credit-code", "Unified social credit code", "统一社会信用代码")
        }
        other if other.starts_with("1.2.86.11.7.") => {
            l("old-identity", "Identity number of older software", "旧版身份标识")
        }
        _ => return None,
    })
}

/// A string; or the choice of the personal code, tagged one way or the other: [0] identity card, [1] officer, [2]
/// passport.
pub(super) fn read(found: &mut Found<'_, '_>) -> Read {
    let outer = Reader::new(found.value).any()?;
    if let Some(text) = string(outer) {
        found.said = Some(text.into());
        return Ok(());
    }
    let choice = match outer.tag & !0x20 {
        0x80 => l("identity-card", "Identity card number", "居民身份证号码"),
        0x81 => l("officer-card", "Military officer's card number", "军官证号码"),
        0x82 => l("passport", "Passport number", "护照号码"),
        _ => {
            found.said = Some(found.value.into());
            return Ok(());
        }
    };
    let text = match outer.tag & 0x20 {
        0 => String::from_utf8_lossy(outer.value).into_owned(),
        _ => string(outer.inside().any()?).ok_or(crypto_pool::BadDer { what: "identity code" })?,
    };
    found.facts.put(choice, text);
    Ok(())
}
