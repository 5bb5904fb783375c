//! Certificate serial numbers.

use std::fmt;

use crate::ids::BadId;
use crate::ports::{Random, RandomFailed};

/// A certificate serial number: 1 to 20 octets, positive.
///
/// Source: RFC 5280 4.1.2.2; CA/Browser BR 7.1.2 (greater than zero, below 2^159, at least 64 bits from
/// a CSPRNG). Ours carry 127 random bits in 16 octets. Serials of others may be longer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// Draws 127 random bits. The top bit stays clear, so the DER INTEGER is positive without a
    /// leading zero octet; a draw whose first octet is zero is repeated so that all serials are 16 octets.
    ///
    /// # Errors
    /// The random source failed.
    pub fn draw(random: &dyn Random) -> Result<Self, RandomFailed> {
        for _ in 0..64 {
            let mut bytes = [0; 16];
            random.fill(&mut bytes)?;
            bytes[0] &= 0x7f;
            if bytes[0] != 0 {
                return Ok(Self(bytes.to_vec()));
            }
        }
        // 64 zero octets in a row: 2^-448. The source is broken.
        Err(RandomFailed)
    }

    /// From the content octets of a DER INTEGER.
    ///
    /// # Errors
    /// [`BadId`] if empty, zero, negative or over 20 octets.
    pub fn from_der_content(bytes: &[u8]) -> Result<Self, BadId> {
        let trimmed = match bytes {
            [0, rest @ ..] => rest,
            [first, ..] if *first >= 0x80 => return Err(BadId { expected: "a positive serial number" }),
            all => all,
        };
        if trimmed.is_empty() || trimmed.len() > 20 || trimmed[0] == 0 {
            return Err(BadId { expected: "a serial number of 1 to 20 octets" });
        }
        Ok(Self(trimmed.to_vec()))
    }

    /// The magnitude, big-endian, without leading zero octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    /// Upper-case hexadecimal, two digits an octet, as `openssl x509 -serial` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl std::str::FromStr for Serial {
    type Err = BadId;

    /// Hexadecimal, either case, colons allowed between octets.
    fn from_str(text: &str) -> Result<Self, BadId> {
        let expected = "a serial number in hexadecimal, such as 4F0AC1...";
        if text.len() > 64 {
            return Err(BadId { expected });
        }
        let mut digits: Vec<u8> = Vec::with_capacity(40);
        for c in text.chars().filter(|c| *c != ':') {
            let digit = c.to_digit(16).ok_or(BadId { expected })?;
            digits.push(u8::try_from(digit).map_err(|_| BadId { expected })?);
        }
        if digits.len() % 2 == 1 {
            digits.insert(0, 0);
        }
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect();
        let start = bytes.iter().position(|b| *b != 0).ok_or(BadId { expected })?;
        let bytes = &bytes[start..];
        if bytes.len() > 20 { Err(BadId { expected }) } else { Ok(Self(bytes.to_vec())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant(u8);
    impl Random for Constant {
        fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
            out.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_drawn_serial_is_positive_and_sixteen_octets() {
        let serial = Serial::draw(&Constant(0xff)).unwrap();
        assert_eq!(serial.to_string(), format!("7F{}", "FF".repeat(15)));
    }

    #[test]
    fn a_source_of_zeros_gives_no_serial() {
        assert!(Serial::draw(&Constant(0)).is_err());
    }

    #[test]
    fn text_and_der_forms_agree() {
        let serial: Serial = "00:80:01".parse().unwrap();
        assert_eq!(serial.as_bytes(), [0x80, 0x01]);
        assert_eq!(Serial::from_der_content(&[0x00, 0x80, 0x01]).unwrap(), serial);
    }

    #[test]
    fn zero_negative_empty_and_long_serials_are_refused() {
        assert!("0".parse::<Serial>().is_err());
        assert!("".parse::<Serial>().is_err());
        assert!("xyz".parse::<Serial>().is_err());
        assert!("11".repeat(21).parse::<Serial>().is_err());
        assert!(Serial::from_der_content(&[0x80]).is_err());
        assert!(Serial::from_der_content(&[0]).is_err());
        assert!(Serial::from_der_content(&[1; 21]).is_err());
    }
}
