//! Requests for time-stamps, from anybody.

use tsa::core::request::{Draft, Hash, StampRequest};

pub fn request_seeds() -> Vec<Vec<u8>> {
    let policy = Some("1.2.3.4".parse().expect("an identifier"));
    let nonce: Option<&[u8]> = Some(&[0, 0x80, 7]);
    Hash::ALL
        .into_iter()
        .flat_map(|hash| {
            let digest = vec![0x5a; hash.length()];
            [
                Draft { hash, digest: &digest, policy: None, nonce: None, cert_req: false }.to_der(),
                Draft { hash, digest: &digest, policy, nonce, cert_req: true }.to_der(),
            ]
        })
        .collect()
}

/// What is read and written again is read the same; what is refused is refused in a form that reads.
pub fn request(data: &[u8]) -> bool {
    let read = match StampRequest::parse(data) {
        Ok(read) => read,
        Err(rejection) => {
            let der = rejection.to_der();
            assert!(crypto_pool::tlv::single(&der, crypto_pool::tlv::SEQUENCE, "rejection").is_ok());
            return false;
        }
    };
    let imprint = read.imprint();
    let draft = Draft {
        hash: imprint.hash(),
        digest: imprint.digest(),
        // Compared as the bytes that came; identifiers may be longer than ours.
        policy: None,
        nonce: read.nonce(),
        cert_req: read.cert_req(),
    };
    let written = draft.to_der();
    let again = StampRequest::parse(&written).expect("what was written is read");
    assert_eq!((again.nonce(), again.cert_req()), (read.nonce(), read.cert_req()));
    assert_eq!((again.imprint().hash(), again.imprint().digest()), (imprint.hash(), imprint.digest()));
    true
}
