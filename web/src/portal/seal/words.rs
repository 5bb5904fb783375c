//! The words of seals in the language of the page.

use crate::portal::Language;
use crate::portal::ra::words::Words;

type Line = (&'static str, &'static str, &'static str);

/// Kinds of seals, as offices order them.
const KINDS: [Line; 7] = [
    ("official", "单位公章", "official seal"),
    ("contract", "合同专用章", "contract seal"),
    ("finance", "财务专用章", "finance seal"),
    ("invoice", "发票专用章", "invoice seal"),
    ("personnel", "人事专用章", "personnel seal"),
    ("legal-representative", "法定代表人名章", "legal representative's seal"),
    ("personal", "个人名章", "personal seal"),
];

/// States of a seal: word, words, and how it looks.
const STATES: [(&str, &str, &str, &str); 9] = [
    ("applied", "待审批", "applied for", "wait"),
    ("reviewed", "待批准", "reviewed", "wait"),
    ("approved", "已批准，待制章", "approved, to be made", "wait"),
    ("made", "已制章，待启用", "made, to be enabled", "wait"),
    ("enabled", "启用", "enabled", "good"),
    ("suspended", "已暂停", "suspended", "wait"),
    ("revoked", "已吊销", "revoked", "bad"),
    ("destroyed", "已销毁", "destroyed", "off"),
    ("rejected", "已驳回", "rejected", "bad"),
];

/// What was done when a seal came into a state.
const STEPS: [Line; 9] = [
    ("applied", "申请", "Applied for"),
    ("reviewed", "审核", "Reviewed"),
    ("approved", "批准", "Approved"),
    ("made", "制章", "Made"),
    ("enabled", "启用", "Enabled"),
    ("suspended", "暂停", "Suspended"),
    ("revoked", "吊销", "Revoked"),
    ("destroyed", "销毁", "Destroyed"),
    ("rejected", "驳回", "Rejected"),
];

const EDGES: [Line; 4] =
    [("right", "右边", "right"), ("left", "左边", "left"), ("top", "上边", "top"), ("bottom", "下边", "bottom")];

const FORMS: [Line; 3] = [
    ("seal", "国标电子签章 GB/T 38540（SM2）", "GB/T 38540 seal (SM2)"),
    ("cms", "SM2 数字签名（adbe.pkcs7.detached）", "SM2 signature (adbe.pkcs7.detached)"),
    ("pades", "PAdES（ECDSA，普通阅读器可验证）", "PAdES (ECDSA, for ordinary readers)"),
];

/// The status that anybody is told.
const STATUSES: [(&str, &str, &str, &str); 6] = [
    ("valid", "有效", "valid", "good"),
    ("suspended", "已暂停使用", "suspended", "wait"),
    ("revoked", "已吊销", "revoked", "bad"),
    ("expired", "已过有效期", "expired", "off"),
    ("not-yet-valid", "尚未生效", "not yet valid", "off"),
    ("not-enabled", "尚未启用", "not enabled yet", "off"),
];

fn find(table: &[Line], word: &str, language: Language) -> String {
    let known = table.iter().find(|(known, ..)| *known == word);
    known.map_or_else(|| word.to_owned(), |(_, zh, en)| language.say(zh, en).to_owned())
}

fn all(table: &'static [Line], language: Language) -> Vec<(&'static str, &'static str)> {
    table.iter().map(|(word, zh, en)| (*word, language.say(zh, en))).collect()
}

/// What templates say of seals.
pub(super) trait SealWords: Words {
    fn seal_kind(&self, word: &str) -> String {
        find(&KINDS, word, self.visitor().language())
    }

    fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        all(&KINDS, self.visitor().language())
    }

    fn seal_state(&self, word: &str) -> String {
        let known = STATES.iter().find(|(known, ..)| *known == word);
        known.map_or_else(|| word.to_owned(), |(_, zh, en, _)| self.visitor().say(zh, en).to_owned())
    }

    fn seal_class(&self, word: &str) -> &'static str {
        STATES.iter().find(|(known, ..)| *known == word).map_or("off", |(.., class)| class)
    }

    fn step(&self, word: &str) -> String {
        find(&STEPS, word, self.visitor().language())
    }

    fn seal_status(&self, word: &str) -> String {
        let known = STATUSES.iter().find(|(known, ..)| *known == word);
        known.map_or_else(|| word.to_owned(), |(_, zh, en, _)| self.visitor().say(zh, en).to_owned())
    }

    fn status_look(&self, word: &str) -> &'static str {
        STATUSES.iter().find(|(known, ..)| *known == word).map_or("off", |(.., class)| class)
    }

    fn edges(&self) -> Vec<(&'static str, &'static str)> {
        all(&EDGES, self.visitor().language())
    }

    fn forms(&self) -> Vec<(&'static str, &'static str)> {
        all(&FORMS, self.visitor().language())
    }

    fn form_words(&self, word: &str) -> String {
        find(&FORMS, word, self.visitor().language())
    }

    /// A length as people write it. Unit: mm.
    fn mm(&self, length: &f64) -> String {
        mm(*length)
    }
}

/// Gives a page of this folder its words.
macro_rules! seal_worded {
    ($page:ident) => {
        $crate::portal::ra::words::worded!($page);

        impl $crate::portal::seal::words::SealWords for $page<'_> {}
    };
}
pub(super) use seal_worded;

/// A length to a tenth, without a nought behind the point. Unit: mm.
pub(super) fn mm(length: f64) -> String {
    let text = format!("{length:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// Why no seal can be put on a document, from the stable word of its overview.
pub(super) fn unsuitable(word: &str, language: Language) -> String {
    let known: [Line; 8] = [
        ("encrypted", "文件已加密，请先解除密码。", "It is encrypted: take the password away first."),
        (
            "xfa",
            "含 XFA 动态表单，盖章后内容仍可能变化，不予盖章。",
            "It has XFA forms, whose content changes after sealing.",
        ),
        ("no-changes-allowed", "作者已锁定文件，不允许再签名。", "Its author allows no further signatures."),
        (
            "whole-protected",
            "已有的签章保护整个文件，再盖章会使它失效。",
            "A seal on it protects the whole file: another would break that one.",
        ),
        ("signed", "已有的签名不允许再作改动。", "A signature on it allows no change."),
        ("malformed", "文件已损坏。", "It is damaged."),
        ("too-large", "文件过大或过于复杂。", "It is too large or too intricate."),
        ("unknown-format", "既不是 PDF 也不是 OFD。", "It is neither PDF nor OFD."),
    ];
    let chinese_or_word = find(&known, word, language);
    if chinese_or_word == word {
        format!("{}: {word}", language.say("不能盖章", "cannot be sealed"))
    } else {
        chinese_or_word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_to_a_tenth() {
        for (length, said) in [(42.0, "42"), (38.25, "38.2"), (0.06, "0.1"), (210.0, "210")] {
            assert_eq!(mm(length), said);
        }
    }

    #[test]
    fn a_reason_nobody_translated_is_shown_as_it_is() {
        assert_eq!(unsuitable("newer-word", Language::English), "cannot be sealed: newer-word");
        assert!(unsuitable("xfa", Language::Chinese).contains("XFA"));
    }
}
