//! Keys and certificates from one form into another: what `yinxin convert` and the page of the desk share. Pure: bytes
//! in, bytes out. Where files, passphrases and the recipient come from is [`Means`]'s.

mod given;
mod make;
mod refusal;

use crypto_pool::path::Cert;
use zeroize::Zeroizing;

pub use given::Given;
pub use make::{Order, make};
pub use refusal::Refusal;

/// Largest file that is taken. Unit: bytes.
pub const LARGEST: usize = 4 << 20;

/// The form to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Everything that was given, as PEM; a private key under a passphrase.
    Pem,
    /// The private key alone, PKCS#8 in DER, under a passphrase.
    Pkcs8,
    /// Key and certificates in a PKCS#12 file (.p12, .pfx), under a passphrase.
    P12,
    /// The certificates, PKCS#7 in DER.
    P7b,
    /// SM2EnvelopedKey of GB/T 35276, for the holder of --for.
    EnvelopedKey,
    /// EnvelopedData of GB/T 35275, for the holder of --for.
    EnvelopedData,
    /// ENVELOPEDKEYBLOB of a token (GM/T 0016), for the holder of --for.
    Skf,
    /// ECCrefPublicKey and ECCrefPrivateKey of a device (GM/T 0018): in clear, so it wants --clear.
    Sdf,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 8] =
        [Self::P12, Self::Pem, Self::Pkcs8, Self::P7b, Self::EnvelopedKey, Self::EnvelopedData, Self::Skf, Self::Sdf];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Pkcs8 => "pkcs8",
            Self::P12 => "p12",
            Self::P7b => "p7b",
            Self::EnvelopedKey => "enveloped-key",
            Self::EnvelopedData => "enveloped-data",
            Self::Skf => "skf",
            Self::Sdf => "sdf",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == word)
    }

    /// Whether certificates that were given stand in it.
    #[must_use]
    pub const fn has_certificates(self) -> bool {
        matches!(self, Self::Pem | Self::P12 | Self::P7b)
    }

    /// Whether a key goes out in it sealed to a recipient.
    #[must_use]
    pub const fn is_envelope(self) -> bool {
        matches!(self, Self::EnvelopedKey | Self::EnvelopedData | Self::Skf)
    }
}

/// Where secrets and the recipient come from; each is asked for only when it is needed.
pub trait Means {
    /// What goes wrong with asking, beside what goes wrong here.
    type Error: From<Refusal>;

    /// The passphrase that opens this file. `own` of the key that opens envelopes.
    ///
    /// # Errors
    /// There is none.
    fn passphrase(&mut self, file: &str, own: bool) -> Result<Zeroizing<String>, Self::Error>;

    /// The file with the key that opens this envelope: its name, and what is in it.
    ///
    /// # Errors
    /// There is none.
    fn own_key(&mut self, envelope: &str) -> Result<(String, Zeroizing<Vec<u8>>), Self::Error>;

    /// A passphrase for what is written.
    ///
    /// # Errors
    /// There is none.
    fn new_passphrase(&mut self) -> Result<Zeroizing<String>, Self::Error>;

    /// The certificate whose holder an envelope is for.
    ///
    /// # Errors
    /// There is none, or it does not read.
    fn recipient(&mut self) -> Result<Cert, Self::Error>;
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn a_form_has_one_word_on_the_command_line_and_in_pages() {
        assert_eq!(Form::ALL.len(), Form::value_variants().len());
        for form in Form::value_variants() {
            assert_eq!(form.to_possible_value().unwrap().get_name(), form.as_str());
            assert_eq!(Form::from_word(form.as_str()), Some(*form));
        }
        assert_eq!(Form::from_word("jks"), None);
    }
}
