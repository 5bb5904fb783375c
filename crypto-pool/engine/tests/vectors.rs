//! Published vectors; each test names its standard.

#![allow(clippy::unwrap_used)]

use engine::{sm2, sm3, sm4};

fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

fn hex_array<const N: usize>(digits: &str) -> [u8; N] {
    hex(digits).try_into().unwrap()
}

const D: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
const P: &str = "04 09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020
                    CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";
const R: &str = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3";
const S: &str = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA";
/// n of GB/T 32918.5-2017.
const N: &str = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123";

fn standard_signature() -> sm2::Signature {
    sm2::Signature::from_raw(&hex_array(&format!("{R}{S}"))).unwrap()
}

#[test]
fn sm3_digests_match_gbt_32905_annex_a() {
    assert_eq!(sm3::hash(b"abc").to_vec(), hex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"));
    let long = b"abcd".repeat(16);
    let expected = hex("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
    assert_eq!(sm3::hash(&long).to_vec(), expected);
    let mut parts = sm3::Sm3::new();
    parts.update(&long[..7]);
    let mut fork = parts.clone();
    parts.update(b"elsewhere");
    fork.update(&long[7..]);
    assert_eq!(fork.finalize().to_vec(), expected);
}

#[test]
fn hmac_sm3_matches_gbt_15852_2_annex_b() {
    let key: Vec<u8> = (1..=32).collect();
    let message = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(
        sm3::hmac(&key, &[message, message]).to_vec(),
        hex("ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a")
    );
}

#[test]
fn the_key_derivation_function_opens_the_ciphertext_of_gbt_32918_5_annex_a() {
    // x2 || y2 of the encryption example (GB/T 32918.5-2017 annex A.3); the text is C2 xor t.
    let secret = hex("335E18D751E51F040E27D468138B7AB1DC86AD7F981D7D416222FD6AB3ED230D
                      AB743EBCFB22D64F7B6AB791F70658F25B48FA93E54064FDBFBED3F0BD847AC9");
    let ciphertext = hex("21886CA989CA9C7D58087307CA93092D651EFA");
    let t = sm3::kdf(&secret, b"", ciphertext.len());
    let text: Vec<u8> = t.iter().zip(&ciphertext).map(|(a, b)| a ^ b).collect();
    assert_eq!(text, b"encryption standard");
}

#[test]
fn a_longer_derived_key_begins_with_the_shorter_and_the_label_counts() {
    let long = sm3::kdf(b"secret", b"label", 70);
    assert_eq!(long[..33], sm3::kdf(b"secret", b"label", 33)[..]);
    assert_ne!(long[..32], sm3::kdf(b"secret", b"other", 32)[..]);
    assert!(sm3::kdf(b"secret", b"label", 0).is_empty());
    // The second block, by hand: SM3(input || 00000002).
    assert_eq!(long[32..64], sm3::hash(b"secretlabel\0\0\0\x02"));
}

#[test]
fn sm4_gcm_matches_rfc_8998_appendix_a_1() {
    let key = hex_array("0123456789ABCDEFFEDCBA9876543210");
    let nonce = hex_array("00001234567800000000ABCD");
    let aad = hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
    let text: Vec<u8> =
        [0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xee, 0xaa].into_iter().flat_map(|byte| [byte; 8]).collect();
    let sealed = hex("17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735
                      D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D
                      83DE3541E4C2B58177E065A9BF7B62EC");
    let gcm = sm4::Gcm::new(&key);
    assert_eq!(gcm.seal(&nonce, &aad, &text), sealed);
    assert_eq!(*gcm.open(&nonce, &aad, &sealed).unwrap(), text);
}

#[test]
fn a_sealed_text_with_any_bit_flipped_is_refused() {
    let gcm = sm4::Gcm::new(&[1; 16]);
    let sealed = gcm.seal(&[2; 12], b"aad", b"text");
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(gcm.open(&[2; 12], b"aad", &changed), Err(sm4::Unauthentic));
    }
    assert!(gcm.open(&[2; 12], b"AAD", &sealed).is_err());
    assert!(gcm.open(&[3; 12], b"aad", &sealed).is_err());
    assert!(sm4::Gcm::new(&[9; 16]).open(&[2; 12], b"aad", &sealed).is_err());
    assert!(gcm.open(&[2; 12], b"aad", &sealed[..15]).is_err());
}

#[test]
fn the_public_key_and_z_match_gbt_32918_5_annex_a() {
    let key = sm2::PrivateKey::from_bytes(&hex_array(D)).unwrap();
    assert_eq!(key.public().to_sec1().to_vec(), hex(P));
    assert_eq!(key.public().z().to_vec(), hex("B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"));
    let mut hasher = key.public().prehasher();
    hasher.update(b"message digest");
    assert_eq!(hasher.finalize().to_vec(), hex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"));
}

#[test]
fn the_signature_of_gbt_32918_5_annex_a_verifies() {
    let key = sm2::PublicKey::from_sec1(&hex(P)).unwrap();
    assert!(key.verify(b"message digest", &standard_signature()));
    assert!(!key.verify(b"message digesT", &standard_signature()));
    let other = sm2::PrivateKey::from_bytes(&[5; 32]).unwrap();
    assert!(!other.public().verify(b"message digest", &standard_signature()));
}

#[test]
fn what_a_key_signs_its_public_half_verifies() {
    let key = sm2::PrivateKey::from_bytes(&hex_array(D)).unwrap();
    for length in 0..100_u8 {
        let message = vec![length; usize::from(length)];
        let signature = key.sign(&message, &[length; 32]);
        assert!(key.public().verify(&message, &signature));
        assert_eq!(sm2::Signature::from_der(&signature.to_der()), Ok(signature));
        assert_eq!(sm2::Signature::from_raw(&signature.to_raw()), Ok(signature));
    }
}

#[test]
fn randomness_changes_the_signature_and_its_lack_makes_it_repeat() {
    let key = sm2::PrivateKey::from_bytes(&hex_array(D)).unwrap();
    assert_eq!(key.sign(b"m", &[0; 32]), key.sign(b"m", &[0; 32]));
    assert_ne!(key.sign(b"m", &[0; 32]), key.sign(b"m", &[1; 32]));
    assert_ne!(key.sign(b"m", &[0; 32]).r(), key.sign(b"n", &[0; 32]).r());
}

#[test]
fn private_keys_lie_in_1_to_n_minus_2() {
    let mut n_minus: [u8; 32] = hex_array(N);
    let mut one = [0; 32];
    assert_eq!(sm2::PrivateKey::from_bytes(&one).unwrap_err(), sm2::BadKey::OutOfRange);
    one[31] = 1;
    assert!(sm2::PrivateKey::from_bytes(&one).is_ok());
    for below in 0..3_u8 {
        let accepted = sm2::PrivateKey::from_bytes(&n_minus).is_ok();
        assert_eq!(accepted, below == 2, "n - {below}");
        n_minus[31] -= 1;
    }
    assert!(sm2::PrivateKey::from_bytes(&[0xff; 32]).is_err());
}

#[test]
fn a_private_key_survives_its_bytes_and_does_not_show_them() {
    let key = sm2::PrivateKey::from_bytes(&hex_array(D)).unwrap();
    assert_eq!(key.to_bytes().to_vec(), hex(D));
    let shown = format!("{key:?}").to_lowercase();
    assert!(!shown.contains(&D.to_lowercase()[..16]), "{shown}");
}

#[test]
fn public_keys_that_are_no_uncompressed_point_are_refused() {
    let good = hex(P);
    let mut off_curve = good.clone();
    off_curve[64] ^= 1;
    let mut hybrid = good.clone();
    hybrid[0] = 7;
    let mut compressed = vec![3];
    compressed.extend_from_slice(&good[1..33]);
    let zero = [[4].as_slice(), &[0; 64]].concat();
    for bad in [&off_curve[..], &hybrid, &compressed, &zero, &good[..64], &[0], &[]] {
        assert_eq!(sm2::PublicKey::from_sec1(bad).unwrap_err(), sm2::BadKey::NotOnCurve);
    }
    assert!(sm2::PublicKey::from_sec1(&good).is_ok());
}

#[test]
fn the_der_of_a_signature_is_the_one_of_gmt_0009() {
    // Both numbers have their top bit set, so each takes a leading zero: 2 + 2*(2 + 33) = 72 bytes.
    let der = hex(&format!("3046 022100{R} 022100{S}"));
    assert_eq!(standard_signature().to_der(), der);
    assert_eq!(sm2::Signature::from_der(&der), Ok(standard_signature()));
}

#[test]
fn signatures_not_in_their_shortest_form_or_out_of_range_are_refused() {
    let zero = "0".repeat(64);
    for bad in [
        format!("3044 0220{R} 0220{S}"),            // negative
        format!("3047 02220000{R} 022100{S}"),      // padded
        format!("308146 022100{R} 022100{S}"),      // long length
        format!("3046 022100{R} 022100{S} 00"),     // something behind
        format!("3048 022100{R} 022100{S} 0500"),   // something inside
        format!("3026 022100{R} 020100"),           // s = 0
        format!("3026 020100 022100{S}"),           // r = 0
        format!("3046 022100{N} 022100{S}"),        // r = n
        format!("3046 022100{R} 022100{N}"),        // s = n
        format!("3146 022100{R} 022100{S}"),        // a SET
        format!("3023 022100{R}"),                  // one number
        format!("3080 022100{R} 022100{S} 0000"),   // a length to be told later
        format!("3045 022100{R} 0220{}", &S[..62]), // a number longer than what is left
        format!("3045 0200 022100{S}"),             // no number at all
        format!("3045 022100{R} 032100{S}"),        // a bit string
        format!("3047 022200{R}00 022100{S}"),      // too large by a byte
        String::new(),
    ] {
        assert_eq!(sm2::Signature::from_der(&hex(&bad)), Err(sm2::BadSignature), "{bad}");
    }
    for bad in [format!("{N}{S}"), format!("{R}{N}"), format!("{zero}{S}"), format!("{R}{zero}")] {
        assert!(sm2::Signature::from_raw(&hex_array(&bad)).is_err(), "{bad}");
    }
}

#[test]
fn a_signature_whose_numbers_add_up_to_n_is_refused() {
    // t = r + s = 0 would leave the key out of the sum: anybody could make such a signature.
    let key = sm2::PublicKey::from_sec1(&hex(P)).unwrap();
    let n_minus_r = "0A5FC4F8B72D3B9CF1153AEC1E447E5E18BF0532F9F04DEA100F755C4AEE2070".to_owned();
    let forged = sm2::Signature::from_raw(&hex_array(&format!("{R}{n_minus_r}"))).unwrap();
    // For all that is known: s·G has an x, and e = r - x.
    let s = sm2::PrivateKey::from_bytes(&hex_array(&n_minus_r)).unwrap();
    let x = &s.public().to_sec1()[1..33];
    let e = minus_mod_n(&hex_array(R), x.try_into().unwrap());
    for _ in 0..20 {
        assert!(!key.verify_prehash(&e, &forged));
    }
}

/// a - b modulo n, digit by digit; b is below n.
fn minus_mod_n(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    let digits = |add: &[u8]| {
        let mut out = [0; 32];
        let mut carry = 0_i32;
        for i in (0..32).rev() {
            let digit = i32::from(a[i]) - i32::from(b[i]) + i32::from(add[i]) + carry;
            out[i] = digit.rem_euclid(256) as u8;
            carry = digit.div_euclid(256);
        }
        (out, carry)
    };
    match digits(&[0; 32]) {
        (out, 0) => out,
        _ => digits(&hex(N)).0,
    }
}

/// From the seventeenth verification on, a comb of the key's multiples does the work.
#[test]
fn a_key_that_has_become_known_still_tells_good_from_bad() {
    let key = sm2::PrivateKey::from_bytes(&[0x42; 32]).unwrap();
    let public = key.public().clone();
    for round in 0..40_u8 {
        let message = [round; 40];
        let signature = key.sign(&message, &[round; 32]);
        assert!(public.verify(&message, &signature), "round {round}");
        assert!(!public.verify(&[round ^ 1; 40], &signature), "round {round}");
        let mut raw = signature.to_raw();
        raw[40] ^= 1;
        if let Ok(changed) = sm2::Signature::from_raw(&raw) {
            assert!(!public.verify(&message, &changed), "round {round}");
        }
    }
}
