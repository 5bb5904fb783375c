//! One check of a seal or a sealed document and how it came out. The words are part of the interface: reports,
//! the API and the command line show them. Source of the list: GM/T 0031-2014 6.1.2, 6.2.3; GB/T 38540-2020.

use serde::{Deserialize, Serialize};

macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $en:literal, $zh:literal;)*) => {
        /// What a check was about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Check { $($(#[$doc])* $name,)* }

        impl Check {
            /// All of them, in the order of a report.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it is called in a report: English, Chinese.
            #[must_use]
            pub const fn title(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($en, $zh),)* }
            }
        }
    };
}

checks! {
    /// The document opens and is what its format says.
    Document = "document", "Document", "文档";
    /// The signature and the seal in it have the form of their standard.
    Structure = "structure", "Structure", "结构";
    /// The seal is signed by its maker.
    SealSignature = "seal-signature", "Seal signature", "印章签名";
    /// The maker's certificate leads to a trusted root.
    MakerChain = "maker-chain", "Seal maker's chain", "制章者证书链";
    /// The maker's certificate was not revoked.
    MakerRevocation = "maker-revocation", "Seal maker's revocation", "制章者证书吊销状态";
    /// The seal was valid, and not suspended or revoked, when it was used.
    SealValidity = "seal-validity", "Seal validity", "印章有效期";
    /// The seal may be used by whoever signed.
    SignerInList = "signer-in-list", "Signer in the seal's list", "签章人在印章授权列表中";
    /// The signature over the document is the signer's.
    Signature = "signature", "Signature", "签章签名";
    /// The signer's certificate leads to a trusted root.
    SignerChain = "signer-chain", "Signer's chain", "签章人证书链";
    /// The signer's certificate was not revoked when it signed.
    SignerRevocation = "signer-revocation", "Signer's revocation", "签章人证书吊销状态";
    /// The time of signing is known and lies where it must.
    Time = "time", "Signing time", "签章时间";
    /// The time-stamp is sound and about this signature.
    TimeStamp = "time-stamp", "Time-stamp", "时间戳";
    /// The digest in the signature is that of the document.
    DataHash = "data-hash", "Document digest", "原文杂凑";
    /// Every file or range that the signature refers to is there, unchanged.
    References = "references", "Protected content", "保护内容";
    /// Nothing in the document lies outside what the signature covers, and nothing was added later.
    Coverage = "coverage", "Content not covered", "未被保护的内容";
    /// What the pages show as a seal is what was signed.
    Appearance = "appearance", "Appearance", "印章显示";
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// There was nothing to check; the rest holds without it.
    NotChecked,
    /// It holds, but somebody should look at it.
    Warning,
    /// It could not be checked with what was given, and without it nothing is proven.
    Unknown,
    /// It does not hold.
    Fail,
}

/// One check and how it came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// How it came out.
    pub outcome: Outcome,
    /// A stable word for what was found, more exact than the check: `hash-differs`, `file-not-covered`.
    pub code: String,
    /// One sentence in English.
    pub en: String,
    /// One sentence in Chinese.
    pub zh: String,
}

impl Finding {
    /// A finding.
    #[must_use]
    pub fn new(check: Check, outcome: Outcome, code: &str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { check, outcome, code: code.to_owned(), en: en.into(), zh: zh.into() }
    }
}
