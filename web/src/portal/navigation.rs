//! The navigation of the frame: the places of the table, in groups, as far as the visitor may enter them.

use super::table::{self, PageAccess};
use super::{Language, Visitor};

/// A heading and the places below it.
#[derive(Debug, Clone)]
pub struct Group {
    /// The heading; empty for the first.
    pub words: &'static str,
    /// The places.
    pub places: Vec<Place>,
}

/// A link.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where to.
    pub href: &'static str,
    /// What it says.
    pub words: &'static str,
    /// Whether the page that is shown lies there.
    pub current: bool,
}

/// Heading, then path and words of each place, Chinese before English.
type Words = (&'static str, &'static str);
const GROUPS: &[(Words, &[(&str, Words)])] = &[
    (("", ""), &[("/desk", ("概览", "Overview"))]),
    (
        ("证书", "Certificates"),
        &[
            ("/desk/requests/new", ("新申请", "New request")),
            ("/desk/requests", ("申请队列", "Requests")),
            ("/desk/batch", ("批量申请", "Batch")),
            ("/desk/certificates", ("证书", "Certificates")),
            ("/desk/calendar", ("到期日历", "Expiry calendar")),
            ("/desk/convert", ("格式转换", "Convert")),
        ],
    ),
    (
        ("电子印章", "Seals"),
        &[("/desk/seals", ("印章", "Seals")), ("/desk/seals/new", ("申请制章", "Apply for a seal"))],
    ),
    (
        ("签发机构", "Authority"),
        &[
            ("/desk/issuers", ("签发机构与 CRL", "Issuers and CRLs")),
            ("/desk/ceremonies", ("仪式", "Ceremonies")),
            ("/desk/profiles", ("证书模板", "Profiles")),
            ("/desk/centre", ("密钥管理中心", "Key centre")),
            ("/desk/ocsp", ("OCSP", "OCSP")),
            ("/desk/tsa", ("时间戳", "Time-stamps")),
        ],
    ),
    (
        ("管理", "Administration"),
        &[
            ("/desk/audit", ("审计日志", "Audit log")),
            ("/desk/officers", ("人员", "Officers")),
            ("/desk/branches", ("受理点", "Branches")),
            ("/desk/system", ("系统", "System")),
        ],
    ),
    (
        ("公开", "Public"),
        &[
            ("/verify", ("验证文件", "Verify")),
            ("/find", ("查证书", "Look up")),
            ("/trust", ("信任根证书", "Trust our roots")),
        ],
    ),
];

/// What `visitor` is shown.
pub(super) fn of(visitor: &Visitor) -> Vec<Group> {
    let language: Language = visitor.language();
    let here = nearest(visitor.path());
    let mut groups = Vec::new();
    for ((chinese, english), places) in GROUPS {
        let places: Vec<Place> = places
            .iter()
            .filter(|(href, _)| may_enter(visitor, href))
            .map(|(href, (zh, en))| Place { href, words: language.say(zh, en), current: Some(*href) == here })
            .collect();
        if !places.is_empty() {
            groups.push(Group { words: language.say(chinese, english), places });
        }
    }
    groups
}

/// Whether the table has this page and grants it.
fn may_enter(visitor: &Visitor, href: &str) -> bool {
    table::access_of(href).is_some_and(|access| match access {
        PageAccess::Open => true,
        PageAccess::SignedIn => visitor.officer().is_some(),
        PageAccess::Needs(permission) => visitor.may(permission),
    })
}

/// The place whose path is the longest beginning of `path`.
fn nearest(path: &str) -> Option<&'static str> {
    let places = GROUPS.iter().flat_map(|(_, places)| places.iter().map(|(href, _)| *href));
    places
        // Everything lies below the overview, which is therefore current on its own page only.
        .filter(|href| path == *href || *href != "/desk" && path.strip_prefix(href).is_some_and(|r| r.starts_with('/')))
        .max_by_key(|href| href.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_shown_as_current_is_the_nearest_above_the_page() {
        for (path, place) in [
            ("/desk", Some("/desk")),
            ("/desk/requests/new", Some("/desk/requests/new")),
            ("/desk/requests/0a", Some("/desk/requests")),
            ("/desk/elsewhere", None),
            ("/desks", None),
            ("/signin", None),
        ] {
            assert_eq!(nearest(path), place, "{path}");
        }
    }
}
