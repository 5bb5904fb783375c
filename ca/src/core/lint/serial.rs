//! Serial numbers.

use super::Lint;
use super::view::{View, found};

pub(super) const LINTS: &[Lint] = &[
    Lint::error("serial_range", "5280 4.1.2.2; BR 7.1.2", serial_range),
    Lint::error("serial_entropy", "BR 7.1.2; own", serial_entropy),
];

/// Above zero and below 2^159: at most 20 octets, the first below 0x80.
fn serial_range(view: &View<'_>) -> Option<String> {
    let octets = view.tbs.serial.as_bytes();
    let negative = octets.first().is_none_or(|first| *first >= 0x80);
    let zero = octets.iter().all(|octet| *octet == 0);
    found(negative || zero || octets.len() > 20, "the serial number is not above zero and below 2^159")
}

/// Sixteen octets or more hold the 127 random bits; a shorter number did not come from the source.
fn serial_entropy(view: &View<'_>) -> Option<String> {
    let octets = view.tbs.serial.as_bytes();
    let same = octets.windows(2).all(|pair| pair[0] == pair[1]);
    found(octets.len() < 16 || same, "the serial number cannot hold 127 random bits")
}

#[cfg(test)]
mod tests {
    use der::asn1::Int;
    use pki_config::profile::BuiltIn;

    use crate::core::lint::samples::{fails, passes};

    #[test]
    fn a_serial_is_positive_and_below_2_159() {
        passes("serial_range", BuiltIn::TlsServer);
        let long = [&[0x00, 0x80][..], &[1; 19]].concat();
        for octets in [&[0][..], &[0x80; 16], &[0xff], &long, &[1; 21]] {
            fails("serial_range", BuiltIn::TlsServer, |tbs| tbs.serial = Int::new(octets).unwrap());
        }
    }

    #[test]
    fn a_short_or_constant_serial_is_refused() {
        passes("serial_entropy", BuiltIn::TlsServer);
        for octets in [&[1][..], &[0x7f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], &[0x11; 16]] {
            fails("serial_entropy", BuiltIn::TlsServer, |tbs| tbs.serial = Int::new(octets).unwrap());
        }
    }
}
