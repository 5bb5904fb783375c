//! Questions, written with `openssl ocsp`, which is another program than the one that answers them.

use std::process::Command;

use base64::Engine as _;

use crate::clients::Leaf;
use crate::judges::capture;
use crate::support::tlv;

/// The DER of a question about a certificate; SHA-1, as clients ask.
pub fn about(leaf: &Leaf, nonce: Option<&[u8]>) -> Vec<u8> {
    let out = leaf.folder().join("question.der");
    if !out.exists() {
        let mut command = Command::new("openssl");
        command.args(["ocsp", "-no_nonce", "-reqout"]).arg(&out).arg("-issuer").arg(leaf.issuer_file());
        let run = capture(command.arg("-cert").arg(leaf.cert())).unwrap();
        assert_eq!(run.code, Some(0), "{}", run.output());
    }
    let der = std::fs::read(out).unwrap();
    let Some(nonce) = nonce else { return der };
    // OCSPRequest { TBSRequest { requestList, [2] { Extensions { Extension { nonce, OCTET STRING { OCTET STRING }}}}}}
    let list = &der[4..];
    assert!(der.len() < 0x82 && list[0] == 0x30);
    let id = [0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02];
    let extension = [&id[..], &tlv(0x04, &tlv(0x04, nonce))].concat();
    let extensions = tlv(0xa2, &tlv(0x30, &tlv(0x30, &extension)));
    tlv(0x30, &tlv(0x30, &[list, &extensions].concat()))
}

/// For an address, as nginx and browsers escape it.
pub fn escaped(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// Whether an answer says `revoked`: its CertStatus `[1]` stands where `good` has `80 00`, behind the serial.
pub fn says_revoked(answer: &[u8]) -> bool {
    // RevokedInfo with a time and keyCompromise: A1 16 18 0F … A0 03 0A 01 01.
    answer.windows(4).any(|window| window == [0xa1, 0x16, 0x18, 0x0f])
}
