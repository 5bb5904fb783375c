#![allow(clippy::unwrap_used)]

mod arithmetic;
mod points;

use super::*;

/// GB/T 32918.5-2017 annex A.2: d, k, e, r, s.
const D: [u8; 32] = hex(b"3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
const K: [u8; 32] = hex(b"59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21");
const E: [u8; 32] = hex(b"f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
const R: [u8; 32] = hex(b"f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3");
const S: [u8; 32] = hex(b"b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");

#[test]
fn sm2_signature_matches_gbt_32918_5_annex_a() {
    let key = PrivateKey::from_bytes(&D).unwrap();
    let k = Scalar::from_bytes(&K).unwrap();
    let signature = key.sign_with(&E, &k).unwrap();
    assert_eq!((signature.r(), signature.s()), (R, S));
}

#[test]
fn a_nonce_that_would_give_away_the_key_is_refused() {
    // r + k = n makes s independent of d: choose e so that it happens, e = -k - x1.
    let key = PrivateKey::from_bytes(&D).unwrap();
    let k = Scalar::from_bytes(&K).unwrap();
    let x = fastest!(|arith| multiply::BASE.times(arith, &k).affine_x(arith)).to_plain();
    let minus_x = Scalar::reduce(&x).negate();
    assert!(key.sign_with(&minus_x.sub(&k).to_bytes(), &k).is_none());
    // r = 0: e = -x1.
    assert!(key.sign_with(&minus_x.to_bytes(), &k).is_none());
    // The next one is as good as any.
    assert!(key.sign_with(&minus_x.add(&Scalar::ONE).to_bytes(), &k).is_some());
}
