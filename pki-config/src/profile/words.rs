//! The words of profiles: kinds of keys, who makes them, what they are for.

use const_oid::ObjectIdentifier as Oid;
use serde::Deserialize;

use crate::oid;

/// The kind of a key, as profiles name it. The length of an RSA key is a rule of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// SM2 on sm2p256v1.
    Sm2,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// RSA of any accepted length.
    Rsa,
    /// Ed25519.
    Ed25519,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Sm2, Self::P256, Self::P384, Self::Rsa, Self::Ed25519];

    /// The word in profiles and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sm2 => "sm2",
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// Who may make the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyMaker {
    /// The subscriber, who sends a request that proves possession.
    Csr,
    /// The pool, which keeps the private key.
    Pool,
    /// The key centre, for the encryption half of a pair. No profile names it; its half of one has it.
    #[serde(skip_deserializing)]
    Centre,
}

impl KeyMaker {
    /// The word in profiles and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csr => "csr",
            Self::Pool => "pool",
            Self::Centre => "centre",
        }
    }
}

/// A bit of the key usage, RFC 5280 4.2.1.3, by the RFC's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyUsageBit {
    /// Bit 0.
    DigitalSignature,
    /// Bit 1, also called contentCommitment.
    NonRepudiation,
    /// Bit 2.
    KeyEncipherment,
    /// Bit 3.
    DataEncipherment,
    /// Bit 4.
    KeyAgreement,
    /// Bit 5.
    KeyCertSign,
    /// Bit 6. The RFC writes `cRLSign`.
    #[serde(rename = "cRLSign")]
    CrlSign,
}

impl KeyUsageBit {
    /// The RFC's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digitalSignature",
            Self::NonRepudiation => "nonRepudiation",
            Self::KeyEncipherment => "keyEncipherment",
            Self::DataEncipherment => "dataEncipherment",
            Self::KeyAgreement => "keyAgreement",
            Self::KeyCertSign => "keyCertSign",
            Self::CrlSign => "cRLSign",
        }
    }

    /// Its place in the BIT STRING.
    #[must_use]
    pub const fn place(self) -> u8 {
        match self {
            Self::DigitalSignature => 0,
            Self::NonRepudiation => 1,
            Self::KeyEncipherment => 2,
            Self::DataEncipherment => 3,
            Self::KeyAgreement => 4,
            Self::KeyCertSign => 5,
            Self::CrlSign => 6,
        }
    }
}

/// An extended key usage, by the name its standard gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExtendedUsage {
    /// TLS servers.
    ServerAuth,
    /// TLS clients.
    ClientAuth,
    /// Signing programs.
    CodeSigning,
    /// Signing and reading mail.
    EmailProtection,
    /// RFC 3161 time-stamps.
    TimeStamping,
    /// OCSP answers. The RFC writes `OCSPSigning`.
    #[serde(rename = "OCSPSigning")]
    OcspSigning,
    /// Signing documents, RFC 9336.
    DocumentSigning,
}

impl ExtendedUsage {
    /// The standard's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
            Self::CodeSigning => "codeSigning",
            Self::EmailProtection => "emailProtection",
            Self::TimeStamping => "timeStamping",
            Self::OcspSigning => "OCSPSigning",
            Self::DocumentSigning => "documentSigning",
        }
    }

    /// The object identifier.
    #[must_use]
    pub const fn oid(self) -> Oid {
        match self {
            Self::ServerAuth => oid::KP_SERVER_AUTH,
            Self::ClientAuth => oid::KP_CLIENT_AUTH,
            Self::CodeSigning => oid::KP_CODE_SIGNING,
            Self::EmailProtection => oid::KP_EMAIL,
            Self::TimeStamping => oid::KP_TIME_STAMPING,
            Self::OcspSigning => oid::KP_OCSP_SIGNING,
            Self::DocumentSigning => oid::KP_DOCUMENT_SIGNING,
        }
    }
}

/// Whether something must, may or must not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Must be there.
    Required,
    /// May be there.
    Optional,
    /// Must not be there.
    Absent,
}

impl Presence {
    /// The word in profiles and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Absent => "absent",
        }
    }
}

/// A set of rules that the certificates of a profile are held to, besides the rules for all.
///
/// Under an SM2 issuer the rules for SM2 come on top, whatever the profile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LintSet {
    /// Inside one organisation: internal names and private addresses are taken.
    #[default]
    Private,
    /// As public authorities issue for servers: the CA/Browser Forum's TLS Baseline Requirements.
    PublicWeb,
    /// As public authorities issue for those who sign programs: its Code Signing Baseline Requirements.
    CodeSigning,
    /// As public authorities issue for mail: its S/MIME Baseline Requirements.
    Mail,
    /// SM2 hierarchies, GM/T 0015.
    Gm,
}

impl LintSet {
    /// The word in profiles and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::PublicWeb => "public-web",
            Self::CodeSigning => "code-signing",
            Self::Mail => "mail",
            Self::Gm => "gm",
        }
    }
}
