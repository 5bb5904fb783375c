//! What can go wrong, in words.

use std::fmt;

/// Why a device did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The library cannot be loaded.
    Load(String),
    /// The library lacks a function of the standard.
    Missing(&'static str),
    /// A function said no.
    Code {
        /// Which function.
        function: &'static str,
        /// Its answer: `SDR_…` of GM/T 0018 annex A, or a number of the vendor's own.
        code: u32,
    },
    /// A function said yes and gave something that cannot be.
    Malformed {
        /// Which function.
        function: &'static str,
        /// What is wrong.
        what: &'static str,
    },
}

/// First of the standard's numbers.
const BASE: u32 = 0x0100_0000;

/// The names behind `SDR_`, from [`BASE`] + 1 on, and what each says.
const WORDS: [(&str, &str); 30] = [
    ("UNKNOWERR", "unknown error"),
    ("NOTSUPPORT", "not supported"),
    ("COMMFAIL", "no communication with the device"),
    ("HARDFAIL", "the device's operation module does not respond"),
    ("OPENDEVICE", "the device could not be opened"),
    ("OPENSESSION", "the session could not be opened"),
    ("PARDENY", "no right to use the private key"),
    ("KEYNOTEXIST", "no such key"),
    ("ALGNOTSUPPORT", "the algorithm is not supported"),
    ("ALGMODNOTSUPPORT", "the mode of the algorithm is not supported"),
    ("PKOPERR", "the operation with the public key failed"),
    ("SKOPERR", "the operation with the private key failed"),
    ("SIGNERR", "signing failed"),
    ("VERIFYERR", "the signature does not verify"),
    ("SYMOPERR", "the symmetric operation failed"),
    ("STEPERR", "a step is missing or out of order"),
    ("FILESIZEERR", "wrong file size"),
    ("FILENOEXIST", "no such file"),
    ("FILEOFSERR", "wrong offset in the file"),
    ("KEYTYPEERR", "wrong type of key"),
    ("KEYERR", "something is wrong with the key"),
    ("ENCDATAERR", "something is wrong with the ciphertext"),
    ("RANDERR", "no random numbers"),
    ("PRKRERR", "the right to the private key could not be had"),
    ("MACERR", "the MAC failed"),
    ("FILEEXISTS", "the file is there already"),
    ("FILEWERR", "the file could not be written"),
    ("NOBUFFER", "the buffer is too small"),
    ("INARGERR", "wrong argument"),
    ("OUTARGERR", "wrong place for the answer"),
];

impl Error {
    /// The standard's name for what a function answered; `None` for other errors and vendors' own numbers.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        self.entry().map(|(word, _)| *word)
    }

    fn entry(&self) -> Option<&'static (&'static str, &'static str)> {
        let Self::Code { code, .. } = self else { return None };
        let place = code.checked_sub(BASE)?.checked_sub(1)?;
        WORDS.get(usize::try_from(place).ok()?)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(why) => write!(f, "the library cannot be loaded: {why}"),
            Self::Missing(function) => write!(f, "the library has no function {function}"),
            Self::Code { function, code } => match self.entry() {
                Some((word, what)) => write!(f, "{function}: {what} (SDR_{word})"),
                None => write!(f, "{function}: the vendor's own error {code:#010x}"),
            },
            Self::Malformed { function, what } => write!(f, "{function} gave {what}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_names_of_the_standard() {
        let word = |code| Error::Code { function: "SDF_X", code }.word();
        assert_eq!(word(0x0100_0001), Some("UNKNOWERR"));
        assert_eq!(word(0x0100_0007), Some("PARDENY"));
        assert_eq!(word(0x0100_0008), Some("KEYNOTEXIST"));
        assert_eq!(word(0x0100_001d), Some("INARGERR"));
        assert_eq!(word(0x0100_001e), Some("OUTARGERR"));
        for unnamed in [0, 1, 0x0100_0000, 0x0100_001f, 0x0200_0001, u32::MAX] {
            assert_eq!(word(unnamed), None);
        }
        let told = Error::Code { function: "SDF_InternalSign_ECC", code: 0x0100_0007 }.to_string();
        assert_eq!(told, "SDF_InternalSign_ECC: no right to use the private key (SDR_PARDENY)");
    }
}
