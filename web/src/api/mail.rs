//! `system/mail-test`.

use serde::{Deserialize, Serialize};

/// `system/mail-test`: sends a letter to try the way.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailTest {
    /// Address of the receiver.
    pub to: String,
}

/// Answer of `system/mail-test`: the mail server took the letter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MailTested {
    /// The mail server, `HOST:PORT`.
    pub server: String,
    /// Address of the sender.
    pub from: String,
    /// Address of the receiver.
    pub to: String,
}
