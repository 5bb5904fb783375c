//! What browsers send to sign in with a passkey.

use web::auth::passkey::{Site, challenge_of, register, verify};

const SITE: Site<'static> = Site { domain: "localhost", origin: "https://localhost:8443" };
/// The base point of P-256 (SEC 2 2.4.2): a public key as good as any.
const X: [u8; 32] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d,
    0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
];
const Y: [u8; 32] = [
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
    0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];
/// SHA-256 of "localhost", by `sha256sum`.
const DOMAIN: [u8; 32] = [
    0x49, 0x96, 0x0d, 0xe5, 0x88, 0x0e, 0x8c, 0x68, 0x74, 0x34, 0x17, 0x0f, 0x64, 0x76, 0x60, 0x5b, 0x8f, 0xe4, 0xae,
    0xb9, 0xa2, 0x86, 0x32, 0xc7, 0x99, 0x5c, 0xf3, 0xba, 0x83, 0x1d, 0x97, 0x63,
];

/// Client data, a zero byte, authenticator data.
pub fn passkey(bytes: &[u8]) -> bool {
    let cut = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (client, data) = bytes.split_at(cut);
    let data = data.get(1..).unwrap_or_default();
    // A signature that nobody made never verifies.
    assert!(verify(client, data, data, &[4; 65], SITE).is_err());
    match register(client, data, SITE) {
        Ok(made) => {
            assert!(
                challenge_of(client).is_ok() && made.point.len() == 65 && (1..=1023).contains(&made.credential.len())
            );
            true
        }
        Err(_) => false,
    }
}

pub fn passkey_seeds() -> Vec<Vec<u8>> {
    let client =
        r#"{"type":"webauthn.create","challenge":"YWJj","origin":"https://localhost:8443","crossOrigin":false}"#;
    let mut data = client.as_bytes().to_vec();
    data.push(0);
    data.extend(DOMAIN);
    data.extend([0x45, 0, 0, 0, 1]);
    data.extend([0; 16]);
    data.extend([0, 4]);
    data.extend(b"cred");
    data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
    data.extend(X);
    data.extend([0x22, 0x58, 0x20]);
    data.extend(Y);
    vec![data]
}
