//! PKCS#12 (RFC 7292): a key with its certificates in one file under a password, as browsers, Java, Windows and
//! Chinese middleware take it.
//!
//! Written in two suites ([`Suite`]): AES-256 and SHA-256, or SM4 and SM3. Read: these and what else PBES2 can
//! be. Triple DES and RC2 of files from before 2020 are refused by name.
//! Only DER is read: files of indefinite length, as some old browsers wrote them, are refused.
//!
//! ```text
//! PFX ::= SEQUENCE { version 3, authSafe ContentInfo, macData MacData }
//! MacData ::= SEQUENCE { mac DigestInfo, macSalt OCTET STRING, iterations INTEGER DEFAULT 1 }
//! AuthenticatedSafe ::= SEQUENCE OF ContentInfo     -- data, or encryptedData
//! SafeContents ::= SEQUENCE OF SafeBag
//! SafeBag ::= SEQUENCE { bagId OID, bagValue [0] EXPLICIT ANY, bagAttributes SET OF PKCS12Attribute OPTIONAL }
//! ```

mod derive;
mod read;
#[cfg(test)]
mod tests;
mod write;

use zeroize::Zeroizing;

pub use crate::password::{Locked, Suite};
pub use read::read;
pub use write::write;

/// Longest file that is read. Unit: bytes.
pub const LONGEST: usize = 1 << 20;
/// Most keys and certificates, together, in a file.
const MOST_BAGS: usize = 64;

/// What a file holds. Certificates and keys are DER; a key is PKCS#8.
#[derive(Clone, Default)]
pub struct Bundle {
    /// The private keys.
    pub keys: Vec<BundledKey>,
    /// The certificates; the holder's first where the file says which it is.
    pub certificates: Vec<Vec<u8>>,
}

/// A private key in a file.
#[derive(Clone)]
pub struct BundledKey {
    /// PKCS#8, DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// What people call it.
    pub name: Option<String>,
}

impl std::fmt::Debug for BundledKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundledKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (keys, certificates) = (&self.keys, self.certificates.len());
        f.debug_struct("Bundle").field("keys", keys).field("certificates", &certificates).finish()
    }
}
