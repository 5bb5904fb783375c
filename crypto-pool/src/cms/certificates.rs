//! Certificates in one file and nothing else: a SignedData that signs nothing (RFC 5652 5.1, RFC 8551 3.8), as `.p7b`
//! and `.p7c` files are.

use pki_config::oid;

use super::{CONTEXT_0, OID_TAG};
use crate::tlv::{INTEGER, SEQUENCE, SET, write};

/// The file with these certificates, each DER.
///
/// ```text
/// ContentInfo { id-signedData, [0] SignedData { version 1, digestAlgorithms {}, encapContentInfo { id-data },
///   certificates [0] IMPLICIT SET OF Certificate, signerInfos {} } }
/// ```
///
/// A SET OF is written in ascending order of its members (X.690 11.6), so whoever reads it puts the chain in order
/// itself, by names and keys.
#[must_use]
pub fn certificates_only<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut members: Vec<&[u8]> = certificates.into_iter().collect();
    members.sort_unstable();
    members.dedup();
    let nothing = write(SEQUENCE, &[&write(OID_TAG, &[oid::DATA.as_bytes()])]);
    let signed = write(
        SEQUENCE,
        &[&write(INTEGER, &[&[1]]), &write(SET, &[]), &nothing, &write(CONTEXT_0, &members), &write(SET, &[])],
    );
    write(SEQUENCE, &[&write(OID_TAG, &[oid::SIGNED_DATA.as_bytes()]), &write(CONTEXT_0, &[&signed])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_octets_of_rfc_5652() {
        // By hand. OIDs 1.2.840.113549.1.7.2 and .1 are 06 09 2a864886f70d0107 02 and 01; the members 3000 and 300101.
        let file = certificates_only([&[0x30, 0x01, 0x01][..], &[0x30, 0x00], &[0x30, 0x00]]);
        let hex: String = file.iter().map(|octet| format!("{octet:02x}")).collect();
        let inside = "020101310030 0b06092a864886f70d010701 a0053000300101 3100".replace(' ', "");
        assert_eq!(hex, format!("302a06092a864886f70d010702a01d301b{inside}"));
    }
}
