//! `centre/*`: the key centre. Encryption keys it keeps, and their recovery by two officers.

use serde::{Deserialize, Serialize};

/// `centre/list`: newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreQuery {
    /// `kept` or `destroyed`; both when absent.
    #[serde(default)]
    pub state: Option<String>,
    /// Only keys whose subject contains this.
    #[serde(default)]
    pub name: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most this many, 1 to 500; 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// An encryption key that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CentreKey {
    /// Its identifier.
    pub key: String,
    /// `kept` or `destroyed`.
    pub state: String,
    /// Subject of its certificate, RFC 4514.
    pub subject: String,
    /// The certificate's issuer.
    pub issuer: String,
    /// The encryption certificate's serial.
    pub serial: String,
    /// The signing certificate's serial.
    pub sign_serial: String,
    /// Who asked for the certificate: may neither ask for nor approve its recovery.
    pub requester: String,
    /// When it was made.
    pub at: String,
    /// How often it was recovered.
    pub recoveries: u32,
    /// When last.
    pub recovered_at: Option<String>,
}

/// Answer of `centre/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CentrePage {
    /// Newest first.
    pub keys: Vec<CentreKey>,
    /// Ask again with this as `after`; absent on the last page.
    pub next: Option<u64>,
}

/// `centre/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreRef {
    /// The key's identifier.
    pub key: String,
}

/// Answer of `centre/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CentreDetail {
    /// The list's line.
    #[serde(flatten)]
    pub line: CentreKey,
    /// SM3 of the public key (DER SubjectPublicKeyInfo), hexadecimal.
    pub key_sm3: String,
    /// What was asked for it, oldest first.
    pub orders: Vec<CentreOrder>,
}

/// `centre/ask`: the first officer's part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreAsk {
    /// The key's identifier.
    pub key: String,
    /// `holder`: the key for its holder's signing certificate of now. `court`: for the certificate of a court or another
    /// authority. `destroy`: the archived key is destroyed.
    pub aim: String,
    /// Whom it is for, PEM or base64 DER: an SM2 certificate. Not for `destroy`.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Why. 1 to 500 characters.
    pub reason: String,
    /// The legal ground, such as the number of a court order or of the holder's application. 1 to 200 characters.
    pub ground: String,
}

/// Names an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreOrderRef {
    /// Its identifier.
    pub order: String,
}

/// `centre/refuse`. Who asked may too: that withdraws it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreRefuse {
    /// The order's identifier.
    pub order: String,
    /// Why.
    pub reason: String,
}

/// `centre/orders`: newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreOrders {
    /// `asked`, `done` or `refused`; all when absent.
    #[serde(default)]
    pub state: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most this many, 1 to 500; 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Answer of `centre/orders`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CentreOrderPage {
    /// Newest first.
    pub orders: Vec<CentreOrder>,
    /// Ask again with this as `after`; absent on the last page.
    pub next: Option<u64>,
}

/// What was asked of the centre. Answer of `centre/ask`, `centre/approve` and `centre/refuse`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CentreOrder {
    /// Its identifier.
    pub order: String,
    /// The key.
    pub key: String,
    /// Subject of the key's certificate.
    pub subject: String,
    /// `holder`, `court` or `destroy`.
    pub aim: String,
    /// `asked`, `done` or `refused`.
    pub state: String,
    /// Why.
    pub reason: String,
    /// The legal ground.
    pub ground: String,
    /// Subject of the certificate it is for.
    pub recipient: Option<String>,
    /// SM3 of that certificate (DER), hexadecimal: what the second officer compares.
    pub recipient_sm3: Option<String>,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: String,
    /// Who approved or refused.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<String>,
    /// Why refused.
    pub refusal: Option<String>,
    /// Whether who looks may approve it: is neither who asked nor who asked for the certificate.
    pub may_approve: bool,
}

/// Answer of `centre/envelope` ([`CentreOrderRef`]), for an order that is done: every time the same bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recovered {
    /// The order.
    pub order: CentreOrder,
    /// `SM2EnvelopedKey` under the recipient's key, DER in base64.
    pub envelope: String,
    /// The encryption certificate, PEM.
    pub certificate: String,
}
