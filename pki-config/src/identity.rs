//! Numbers by which Chinese registers know a person or an organisation, as GM/T 0015 puts them into certificates.
//!
//! Such a number is personal data and stands in the certificate for everybody to read: a profile offers it, and only
//! what was asked for goes in. Numbers with a check character are refused when it is wrong, so that a slip of the
//! keyboard does not become somebody else's identity.

use std::fmt;

use serde::Deserialize;

/// The longest number. Unit: characters.
const LONGEST: usize = 32;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $word:literal;)*) => {
        /// What a number is of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum IdentityKind {
            $($(#[$doc])* $name,)*
        }

        impl IdentityKind {
            /// Every kind, in the order of the encoding.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in profiles, requests and the store.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

kinds! {
    /// The number of a resident's identity card, GB 11643: 18 characters.
    ResidentCard "resident-card";
    /// The number of a military officer's card.
    MilitaryCard "military-card";
    /// The number of a passport.
    Passport "passport";
    /// The number of social insurance.
    SocialInsurance "social-insurance";
    /// The number in the register of businesses.
    BusinessRegistration "business-registration";
    /// The organisation code, GB 11714 (9 characters), or the unified social credit code that took its place.
    OrganisationCode "organisation-code";
    /// The number in the register of taxpayers.
    Taxation "taxation";
    /// The unified social credit code, GB 32100: 18 characters.
    CreditCode "credit-code";
}

impl IdentityKind {
    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// Whether a number may stand for this kind.
    ///
    /// # Errors
    /// The rule it breaks.
    pub fn check(self, number: &str) -> Result<(), &'static str> {
        let length = number.chars().count();
        if length == 0 || length > LONGEST {
            return Err("must have 1 to 32 characters");
        }
        if self == Self::MilitaryCard {
            let plain = number.chars().all(|c| c.is_alphanumeric() || c == '-');
            return if plain { Ok(()) } else { Err("may hold letters, digits and hyphens only") };
        }
        if !number.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'-') {
            return Err("may hold capital letters, digits and hyphens only");
        }
        match self {
            Self::ResidentCard if !resident(number.as_bytes()) => {
                Err("is no resident's number: the check digit is wrong")
            }
            Self::CreditCode if !credit(number.as_bytes()) => Err("is no credit code: the check character is wrong"),
            Self::OrganisationCode if !(credit(number.as_bytes()) || organisation(number)) => {
                Err("is neither an organisation code nor a credit code: the check character is wrong")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for IdentityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// GB 11643-1999 4: seventeen digits, of which eight are a date of birth, and a check character by ISO 7064 MOD 11-2.
fn resident(number: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let (Some(body), Some(check)) = (number.get(..17), number.get(17)) else { return false };
    if number.len() != 18 || !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let two = |place: usize| u32::from(body[place] - b'0') * 10 + u32::from(body[place + 1] - b'0');
    let born = (18..=20).contains(&two(6)) && (1..=12).contains(&two(10)) && (1..=31).contains(&two(12));
    let sum: u32 = body.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    born && b"10X98765432"[(sum % 11) as usize] == *check
}

/// GB 32100-2015 4.2.6: seventeen characters of 31 (no I, O, S, V, Z) and a check character, weights 3^i mod 31.
fn credit(code: &[u8]) -> bool {
    const CHARACTERS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    if code.len() != 18 {
        return false;
    }
    let values: Option<Vec<usize>> = code.iter().map(|c| CHARACTERS.iter().position(|known| known == c)).collect();
    let Some(values) = values else { return false };
    let (sum, _) = values[..17].iter().fold((0, 1), |(sum, weight), value| (sum + value * weight, weight * 3 % 31));
    (31 - sum % 31) % 31 == values[17]
}

/// GB 11714-1997: eight digits or capital letters and a check character, with or without a hyphen between.
fn organisation(code: &str) -> bool {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let (body, check) = match code.as_bytes() {
        [body @ .., b'-', check] | [body @ .., check] => (body, *check),
        [] => return false,
    };
    if body.len() != 8 || body.contains(&b'-') {
        return false;
    }
    let value = |c: u8| if c.is_ascii_digit() { u32::from(c - b'0') } else { u32::from(c - b'A') + 10 };
    let sum: u32 = body.iter().zip(WEIGHTS).map(|(c, weight)| value(*c) * weight).sum();
    let wanted = match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        digit => b'0' + u8::try_from(digit).unwrap_or(0),
    };
    check == wanted
}

/// Why a number is refused. The caller's fault; nothing was built from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadIdentity {
    /// Not `kind:number` with a kind that is known.
    Kind,
    /// The kind stands twice.
    Repeated(IdentityKind),
    /// The number breaks a rule of its kind.
    Number {
        /// Which kind.
        kind: IdentityKind,
        /// The rule.
        rule: &'static str,
    },
}

impl fmt::Display for BadIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("expected an identity number such as credit-code:91350100M000100Y43"),
            Self::Repeated(kind) => write!(f, "identity number {kind} may stand once only"),
            Self::Number { kind, rule } => write!(f, "identity number {kind} {rule}"),
        }
    }
}

impl std::error::Error for BadIdentity {}

/// Identity numbers, each kind at most once, in the order of the encoding. May be empty.
///
/// `Debug` tells the kinds and not the numbers.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Identity(Vec<(IdentityKind, String)>);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(kind, _)| kind)).finish()
    }
}

impl Identity {
    /// No numbers.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// These and one more. Letters are put into capitals.
    ///
    /// # Errors
    /// [`BadIdentity`] for a kind that is there already, or a number that breaks a rule of its kind.
    pub fn with(mut self, kind: IdentityKind, number: &str) -> Result<Self, BadIdentity> {
        if self.get(kind).is_some() {
            return Err(BadIdentity::Repeated(kind));
        }
        let number = number.trim().to_ascii_uppercase();
        kind.check(&number).map_err(|rule| BadIdentity::Number { kind, rule })?;
        let place = self.0.partition_point(|(other, _)| *other < kind);
        self.0.insert(place, (kind, number));
        Ok(self)
    }

    /// The number of a kind.
    #[must_use]
    pub fn get(&self, kind: IdentityKind) -> Option<&str> {
        self.iter().find(|(other, _)| *other == kind).map(|(_, number)| number)
    }

    /// Kinds and numbers, in the order of the encoding.
    pub fn iter(&self) -> impl Iterator<Item = (IdentityKind, &str)> {
        self.0.iter().map(|(kind, number)| (*kind, number.as_str()))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Identity {
    /// `resident-card:11010519491231002X,passport:E12345678`; reads back with `parse`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, number)) in self.iter().enumerate() {
            write!(f, "{}{kind}:{number}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Identity {
    type Err = BadIdentity;

    fn from_str(text: &str) -> Result<Self, BadIdentity> {
        text.split(',').filter(|entry| !entry.trim().is_empty()).try_fold(Self::none(), |numbers, entry| {
            let (word, number) = entry.split_once(':').ok_or(BadIdentity::Kind)?;
            let kind = IdentityKind::from_word(word.trim()).ok_or(BadIdentity::Kind)?;
            numbers.with(kind, number)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_residents_number_has_the_check_digit_of_gb_11643() {
        // The standard's own two examples.
        for number in ["11010519491231002X", "440524188001010014"] {
            assert_eq!(IdentityKind::ResidentCard.check(number), Ok(()), "{number}");
        }
        // One digit changed; two neighbours swapped; the 13th month, with a check digit that fits; too short.
        for number in ["11010519491231003X", "11010519491321002X", "110105194913310021", "1101051949123100"] {
            assert!(IdentityKind::ResidentCard.check(number).is_err(), "{number}");
        }
    }

    #[test]
    fn a_credit_code_has_the_check_character_of_gb_32100() {
        // The standard's example.
        assert_eq!(IdentityKind::CreditCode.check("91350100M000100Y43"), Ok(()));
        for code in ["91350100M000100Y44", "91350100M000010Y43", "91350100I000100Y43", "91350100M000100Y4"] {
            assert!(IdentityKind::CreditCode.check(code).is_err(), "{code}");
        }
    }

    #[test]
    fn an_organisation_code_is_the_old_one_or_the_new_one() {
        // D2143569-X is the example of GB 11714; by hand: 13*3+2*7+1*9+4*10+3*5+5*8+6*4+9*2 = 199, 199 mod 11 = 1,
        // 11 - 1 = 10, X.
        for code in ["D2143569-X", "D2143569X", "91350100M000100Y43"] {
            assert_eq!(IdentityKind::OrganisationCode.check(code), Ok(()), "{code}");
        }
        for code in ["D2143569-1", "D2143659-X", "D214356-9X", "D2143569", "-"] {
            assert!(IdentityKind::OrganisationCode.check(code).is_err(), "{code}");
        }
    }

    #[test]
    fn text_and_numbers_lead_to_each_other() {
        let text = "passport:e12345678, resident-card:11010519491231002x";
        let numbers: Identity = text.parse().unwrap();
        assert_eq!(numbers.to_string(), "resident-card:11010519491231002X,passport:E12345678");
        assert_eq!(numbers.to_string().parse::<Identity>(), Ok(numbers.clone()));
        assert_eq!("".parse(), Ok(Identity::none()));
        assert_eq!(format!("{numbers:?}"), "[ResidentCard, Passport]", "numbers stay out of logs");
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, why) in [
            ("passport", BadIdentity::Kind),
            ("driver:1", BadIdentity::Kind),
            ("passport:A1,passport:B2", BadIdentity::Repeated(IdentityKind::Passport)),
        ] {
            assert_eq!(text.parse::<Identity>(), Err(why), "{text}");
        }
        for text in ["passport:", "passport:é", "passport:a b", "military-card:a\u{202e}b", "taxation:12:3"] {
            assert!(matches!(text.parse::<Identity>(), Err(BadIdentity::Number { .. })), "{text}");
        }
        assert!(format!("passport:{}", "1".repeat(33)).parse::<Identity>().is_err());
    }
}
