//! The interface's words in the language of the page.

use pki_config::Instant;
use pki_config::identity::IdentityKind;
use pki_config::name::Attribute;
use pki_config::profile::Profile;

use crate::portal::{Language, Visitor, minute};

/// What templates say of states, times and kinds.
pub(in crate::portal) trait Words {
    /// Who looks at the page.
    fn visitor(&self) -> &Visitor;

    /// The text of a `<time>`.
    fn at(&self, time: &str) -> String {
        time.parse::<Instant>().map_or_else(|_| time.to_owned(), minute)
    }

    /// The day of a moment, in UTC.
    fn day_of(&self, time: &str) -> String {
        time.get(..10).unwrap_or(time).to_owned()
    }

    fn request_state(&self, word: &str) -> &'static str {
        request_state(word, self.visitor().language())
    }

    fn request_class(&self, word: &str) -> &'static str {
        match word {
            "issued" | "good" => "good",
            "rejected" | "failed" | "bad" => "bad",
            "invited" => "off",
            _ => "wait",
        }
    }

    fn status(&self, word: &str) -> &'static str {
        status(word, self.visitor().language())
    }

    fn status_class(&self, word: &str) -> &'static str {
        match word {
            "good" => "good",
            "revoked" => "bad",
            "hold" | "intended" => "wait",
            _ => "off",
        }
    }

    fn kind(&self, word: &str) -> &'static str {
        let language = self.visitor().language();
        match word {
            "renew" => language.say("续期", "renewal"),
            "rekey" => language.say("换密钥", "new key"),
            "reissue" => language.say("变更重签", "changed names"),
            _ => language.say("新申请", "new"),
        }
    }

    fn reason(&self, word: &str) -> &'static str {
        let on_hold = [("certificateHold", "冻结", "on hold")];
        let known = REASONS.iter().chain(&on_hold).find(|(known, ..)| *known == word);
        known.map_or("", |(_, zh, en)| self.visitor().language().say(zh, en))
    }

    fn method(&self, word: &str) -> String {
        let known = METHODS.iter().find(|(known, ..)| *known == word);
        known.map_or_else(|| word.to_owned(), |(_, zh, en)| self.visitor().say(zh, en).to_owned())
    }

    /// Every way evidence is gathered: word and words.
    fn methods(&self) -> Vec<(&'static str, &'static str)> {
        METHODS.iter().map(|(word, zh, en)| (*word, self.visitor().language().say(zh, en))).collect()
    }

    /// Every reason to revoke for: word and words.
    fn reasons(&self) -> Vec<(&'static str, &'static str)> {
        REASONS.iter().map(|(word, zh, en)| (*word, self.visitor().language().say(zh, en))).collect()
    }

    fn key_words(&self, word: &str) -> String {
        match word {
            "sm2" => "SM2".to_owned(),
            "p256" => "ECDSA P-256".to_owned(),
            "p384" => "ECDSA P-384".to_owned(),
            "ed25519" => "Ed25519".to_owned(),
            other => other.to_uppercase(),
        }
    }

    /// The beginning of a long number, enough to tell it from others and to search for it.
    fn short(&self, digits: &str) -> String {
        match digits.get(..16) {
            Some(beginning) if digits.len() > 20 => format!("{beginning}…"),
            _ => digits.to_owned(),
        }
    }

    /// What people call a certificate: its subject, or else its alternative names.
    fn name_of(&self, subject: &str, sans: &[String]) -> String {
        if subject.is_empty() { sans.join(", ") } else { subject.to_owned() }
    }

    /// Octets as people say them.
    fn size(&self, bytes: &u64) -> String {
        match *bytes {
            b if b < 1024 => format!("{b} B"),
            b if b < 1024 * 1024 => format!("{} KiB", b.div_ceil(1024)),
            b => format!("{}.{} MiB", b >> 20, ((b % (1 << 20)) * 10) >> 20),
        }
    }
}

/// Gives a page of this folder its words: those of the frame and those here.
macro_rules! worded {
    ($page:ident) => {
        crate::portal::visitor::framed!($page);

        impl $crate::portal::ra::words::Words for $page<'_> {
            fn visitor(&self) -> &crate::portal::Visitor {
                self.visitor
            }
        }
    };
}
pub(in crate::portal) use worded;

/// The state of a request.
pub(super) fn request_state(word: &str, language: Language) -> &'static str {
    match word {
        "invited" => language.say("待申请人提交密钥", "waits for the holder's key"),
        "submitted" => language.say("待处理", "waits"),
        "reviewed" => language.say("待审批", "reviewed, waits for approval"),
        "issuing" => language.say("签发中", "being issued"),
        "issued" => language.say("已签发", "issued"),
        "rejected" => language.say("已驳回", "rejected"),
        "failed" => language.say("签发失败", "failed"),
        "good" => language.say("可提交", "good"),
        "bad" => language.say("有误", "bad"),
        _ => language.say("未知", "unknown"),
    }
}

/// The status of a certificate.
pub(super) fn status(word: &str, language: Language) -> &'static str {
    match word {
        "good" => language.say("有效", "good"),
        "revoked" => language.say("已吊销", "revoked"),
        "hold" => language.say("已冻结", "on hold"),
        "expired" => language.say("已过期", "expired"),
        "intended" => language.say("签发未完成", "never finished"),
        _ => language.say("未知", "unknown"),
    }
}

/// Reasons an officer may choose, those that matter most first. A hold is an action of its own.
const REASONS: [(&str, &str, &str); 6] = [
    ("keyCompromise", "密钥泄露或疑似泄露", "key compromised, or suspected"),
    ("cessationOfOperation", "停止使用", "no longer used"),
    ("superseded", "已被新证书取代", "superseded by another"),
    ("affiliationChanged", "持有者信息变更", "holder's affiliation changed"),
    ("privilegeWithdrawn", "资格取消", "privilege withdrawn"),
    ("unspecified", "其他（不写明）", "other (not stated)"),
];

/// Ways evidence is gathered.
const METHODS: [(&str, &str, &str); 9] = [
    ("domain-dns", "域名：DNS 记录", "domain: DNS record"),
    ("domain-http", "域名：网站文件", "domain: file on the web server"),
    ("domain-email", "域名：管理邮箱", "domain: mail to its administrator"),
    ("mailbox", "邮箱回复", "reply from the mailbox"),
    ("identity-document", "身份证件", "identity document"),
    ("organisation-register", "工商登记", "register of organisations"),
    ("face-to-face", "当面核验", "face to face"),
    ("authorisation-letter", "授权书", "letter of authorisation"),
    ("other", "其他", "other"),
];

/// What a name's attribute is called, and an example of it.
pub(super) fn attribute(attribute: Attribute, language: Language) -> (&'static str, &'static str) {
    let say = |zh: &'static str, en: &'static str| -> &'static str { language.say(zh, en) };
    match attribute {
        Attribute::CommonName => (say("通用名（CN）", "Common name (CN)"), ""),
        Attribute::Organisation => (say("组织（O）", "Organisation (O)"), say("示例科技有限公司", "Example Ltd")),
        Attribute::OrganisationalUnit => (say("部门（OU）", "Department (OU)"), ""),
        Attribute::Country => (say("国家（C，两个字母）", "Country (C, two letters)"), "CN"),
        Attribute::State => (say("省（ST）", "State or province (ST)"), say("北京市", "")),
        Attribute::Locality => (say("市（L）", "Locality (L)"), say("北京市", "")),
        Attribute::Surname => (say("姓（SN）", "Surname (SN)"), ""),
        Attribute::GivenName => (say("名（GN）", "Given name (GN)"), ""),
        Attribute::SerialNumber => (say("编号（serialNumber）", "Number of the subject (serialNumber)"), ""),
        Attribute::Email => (say("电子邮箱（emailAddress）", "Mail address (emailAddress)"), "name@example.cn"),
        Attribute::Street => (say("街道地址（street）", "Street"), ""),
        Attribute::PostalCode => (say("邮政编码（postalCode）", "Postal code"), ""),
        Attribute::DomainComponent => (say("域名分量（DC）", "Domain component (DC)"), ""),
    }
}

/// What an identity number is of.
pub(super) fn identity(kind: IdentityKind, language: Language) -> &'static str {
    match kind {
        IdentityKind::ResidentCard => language.say("居民身份证号", "Resident's identity number"),
        IdentityKind::MilitaryCard => language.say("军官证号", "Military officer's card"),
        IdentityKind::Passport => language.say("护照号", "Passport"),
        IdentityKind::SocialInsurance => language.say("社会保险号", "Social insurance number"),
        IdentityKind::BusinessRegistration => language.say("工商注册号", "Business registration"),
        IdentityKind::OrganisationCode => language.say("组织机构代码", "Organisation code"),
        IdentityKind::Taxation => language.say("税号", "Taxpayer's number"),
        IdentityKind::CreditCode => language.say("统一社会信用代码", "Unified social credit code"),
    }
}

/// What a profile is called.
pub(super) fn title(profile: &Profile, language: Language) -> &str {
    let title = &profile.rules().title;
    language.say(&title.zh, &title.en)
}
