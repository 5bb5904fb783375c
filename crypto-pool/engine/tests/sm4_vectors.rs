//! Published vectors of SM4 and its modes, through every way of computing.

#![allow(clippy::unwrap_used)]

use engine::detect::Features;
use engine::sm4::{Cbc, Ccm, Ctr, Ecb, Gcm, Xts, XtsForm};

fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

fn hex_array<const N: usize>(digits: &str) -> [u8; N] {
    hex(digits).try_into().unwrap()
}

fn ways() -> [Features; 3] {
    let all = Features::detect();
    [all, Features { gfni512: false, vpclmul512: false, ..all }, Features::NONE]
}

const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";

/// Eight bytes of each value, as RFC 8998 and draft-ribose-cfrg-sm4 have them.
fn eights(values: &[u8]) -> Vec<u8> {
    values.iter().flat_map(|byte| [*byte; 8]).collect()
}

#[test]
fn a_block_matches_gbt_32907_annex_a_1() {
    for way in ways() {
        let mut block = hex(KEY);
        let ecb = Ecb::with_features(way, &hex_array(KEY));
        ecb.encrypt(&mut block).unwrap();
        assert_eq!(block, hex("681EDF34D206965E86B3E94F536E4246"));
        ecb.decrypt(&mut block).unwrap();
        assert_eq!(block, hex(KEY));
    }
}

#[test]
fn a_block_encrypted_a_million_times_matches_gbt_32907_annex_a_2() {
    // One after another: a test has the time for it in the quickest way alone.
    let ecb = Ecb::new(&hex_array(KEY));
    let mut block = hex(KEY);
    for _ in 0..1_000_000 {
        ecb.encrypt(&mut block).unwrap();
    }
    assert_eq!(block, hex("595298C7C6FD271F0402F804C33D3F66"));
}

#[test]
fn chained_blocks_match_draft_ribose_cfrg_sm4() {
    for way in ways() {
        let cbc = Cbc::with_features(way, &hex_array(KEY));
        let mut text = hex(KEY).repeat(2);
        cbc.encrypt(&hex_array(KEY), &mut text).unwrap();
        assert_eq!(text, hex("2677F46B09C122CC975533105BD4A22A F6125F7275CE552C3A2BBCF533DE8A3B"));
        cbc.decrypt(&hex_array(KEY), &mut text).unwrap();
        assert_eq!(text, hex(KEY).repeat(2));
        // GB/T 17964-2021 takes the bytes 0 to 15 for the vector.
        let mut text = hex(KEY);
        cbc.encrypt(&std::array::from_fn(|i| i as u8), &mut text).unwrap();
        assert_eq!(text, hex("A9A268883A336315BAC0C9C9FF350AB1"));
    }
}

#[test]
fn a_stream_matches_draft_ribose_cfrg_sm4() {
    for way in ways() {
        let mut text = eights(&[0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xee, 0xaa]);
        let plain = text.clone();
        let ctr = Ctr::with_features(way, &hex_array(KEY));
        ctr.apply(&hex_array(KEY), &mut text);
        let expected = hex("C2B4759E78AC3CF43D0852F4E8D5F9FD7256E8A5FCB65A350EE00630912E4449
                            2A0B17E1B85B060D0FBA612D8A95831638B361FD5FFACD942F081485A83CA35D");
        assert_eq!(text, expected);
        ctr.apply(&hex_array(KEY), &mut text);
        assert_eq!(text, plain);
    }
}

#[test]
fn sealed_texts_match_rfc_8998_appendix_a() {
    let nonce = hex_array("00001234567800000000ABCD");
    let aad = hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
    let text = eights(&[0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xee, 0xaa]);
    let by_gcm = hex("17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735
                      D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D
                      83DE3541E4C2B58177E065A9BF7B62EC");
    let by_ccm = hex("48AF93501FA62ADBCD414CCE6034D895DDA1BF8F132F042098661572E7483094
                      FD12E518CE062C98ACEE28D95DF4416BED31A2F04476C18BB40C84A74B97DC5B
                      16842D4FA186F56AB33256971FA110F4");
    for way in ways() {
        let (gcm, ccm) = (Gcm::with_features(way, &hex_array(KEY)), Ccm::with_features(way, &hex_array(KEY)));
        assert_eq!(gcm.seal(&nonce, &aad, &text), by_gcm);
        assert_eq!(*gcm.open(&nonce, &aad, &by_gcm).unwrap(), text);
        assert_eq!(ccm.seal(&nonce, &aad, &text).unwrap(), by_ccm);
        assert_eq!(*ccm.open(&nonce, &aad, &by_ccm).unwrap(), text);
        assert!(gcm.open(&nonce, &aad, &by_ccm).is_err() && ccm.open(&nonce, &aad, &by_gcm).is_err());
    }
}

/// The vectors OpenSSL keeps (30-test_evp_data/evpciph_sm4.txt): the first is GB/T 17964-2021's.
#[test]
fn storage_units_match_gbt_17964_and_ieee_1619() {
    let key = "2B7E151628AED2A6ABF7158809CF4F3C000102030405060708090A0B0C0D0E0F";
    let tweak = "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF";
    let text = "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51
                30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17";
    let cases = [
        (
            XtsForm::GbT17964,
            key,
            tweak,
            text,
            "E9538251C71D7B80BBE4483FEF497BD12C5C581BD6242FC51E08964FB4F60FDB
                                               0BA42F63499279213D318D2C11F6886E903BE7F93A1B3479",
        ),
        (
            XtsForm::Ieee1619,
            key,
            tweak,
            text,
            "E9538251C71D7B80BBE4483FEF497BD1B3DB1A3E60408C575D63FF7DB39F8326
                                               0869F9E2585FEC9F0B863BF8FD784B8627D16C0DB6D2CFC7",
        ),
        (
            XtsForm::GbT17964,
            "FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0BFBEBDBCBBBAB9B8B7B6B5B4B3B2B1B0",
            "9A785634120000000000000000000000",
            "000102030405060708090A0B0C0D0E0F10",
            "9E52443A35410CA0BA5637B94C0766F469",
        ),
    ];
    for (form, key, tweak, text, expected) in cases {
        for way in ways() {
            let xts = Xts::with_features(way, form, &hex_array(key)).unwrap();
            let mut unit = hex(text);
            xts.encrypt(&hex_array(tweak), &mut unit).unwrap();
            assert_eq!(unit, hex(expected));
            xts.decrypt(&hex_array(tweak), &mut unit).unwrap();
            assert_eq!(unit, hex(text));
        }
    }
}
