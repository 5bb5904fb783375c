//! Claims about the messages; `tests/nts.rs` shows them to a server made by others.

use super::*;

fn keys() -> Keys {
    Keys { ours: Zeroizing::new([1; 32]), servers: Zeroizing::new([2; 32]) }
}

fn unique() -> Unique {
    Unique { timestamp: 0x0102_0304_0506_0708, identifier: [7; 32], nonce: [9; 16] }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// An answer as a server makes it: authenticated, two cookies inside.
fn served(key: [u8; 32]) -> Vec<u8> {
    let mut packet = vec![0; PACKET];
    packet[..4].copy_from_slice(&[0x24, 1, 0, 0xf6]);
    packet[24..32].copy_from_slice(&unique().timestamp.to_be_bytes());
    packet[32..40].copy_from_slice(&[1; 8]);
    packet[40..48].copy_from_slice(&[1; 8]);
    field(&mut packet, UNIQUE_IDENTIFIER, &unique().identifier);
    let mut inside = Vec::new();
    field(&mut inside, NTS_COOKIE, &[0xaa; 100]);
    field(&mut inside, NTS_COOKIE, &[0xbb; 100]);
    let sealed = Aes128Siv::new(&key.into()).encrypt([&packet[..], &[5; 16]], &inside).unwrap();
    let body = [&[0, 16, 0, u8::try_from(sealed.len()).unwrap()][..], &[5; 16], &sealed].concat();
    field(&mut packet, AUTHENTICATOR, &body);
    packet
}

#[test]
fn the_sealing_is_that_of_rfc_5297_a_2() {
    // Two headers and a nonce, as a vector of headers.
    let key: [u8; 32] = hex("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f").try_into().unwrap();
    let headers = [
        hex("00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100"),
        hex("102030405060708090a0"),
        hex("09f911029d74e35bd84156c5635688c0"),
    ];
    let sealed =
        Aes128Siv::new(&key.into()).encrypt(&headers, b"this is some plaintext to encrypt using SIV-AES").unwrap();
    let expected = hex(
        "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d",
    );
    assert_eq!(sealed, expected);
}

#[test]
fn the_contexts_of_the_keys_are_those_of_rfc_8915_5_1() {
    assert_eq!((context(false), context(true)), ([0, 0, 0, 15, 0], [0, 0, 0, 15, 1]));
}

#[test]
fn a_client_asks_for_ntp_4_with_aes_siv() {
    assert_eq!(ke_request(), [0x80, 1, 0, 2, 0, 0, 0x80, 4, 0, 2, 0, 15, 0x80, 0, 0, 0]);
}

/// Records as a server sends them: protocol, algorithm, and these.
fn records(more: &[&[u8]]) -> Vec<u8> {
    let head: &[u8] = &[0x80, 1, 0, 2, 0, 0, 0x80, 4, 0, 2, 0, 15];
    [head, &more.concat(), &[0x80, 0, 0, 0]].concat()
}

const A_COOKIE: &[u8] = &[0, 5, 0, 3, 1, 2, 3];

#[test]
fn what_a_server_agrees_to_is_read() {
    let plain = ke_answer(&records(&[A_COOKIE])).unwrap().unwrap();
    assert_eq!(plain, Agreed { cookies: vec![vec![1, 2, 3]], server: None, port: None });
    let elsewhere = records(&[&[0x80, 6, 0, 3], b"n.x", &[0x80, 7, 0, 2, 0x10, 0], A_COOKIE, A_COOKIE, &[0, 99, 0, 0]]);
    let elsewhere = ke_answer(&elsewhere).unwrap().unwrap();
    assert_eq!((elsewhere.server.as_deref(), elsewhere.port), (Some("n.x"), Some(0x1000)));
    assert_eq!(elsewhere.cookies.len(), 2);
    let many: Vec<&[u8]> = vec![A_COOKIE; 20];
    assert_eq!(ke_answer(&records(&many)).unwrap().unwrap().cookies.len(), COOKIES);
}

#[test]
fn an_answer_that_is_not_whole_is_waited_for() {
    let whole = records(&[A_COOKIE]);
    for cut in 0..whole.len() {
        assert_eq!(ke_answer(&whole[..cut]), Ok(None), "{cut}");
    }
}

#[test]
fn what_cannot_be_agreed_to_is_refused_by_what_it_is() {
    let long = [&[0, 5, 8, 0][..], &[1; 2048]].concat();
    for (bytes, why) in [
        (records(&[]), NotAgreed::NoCookie),
        (records(&[&[0x80, 2, 0, 2, 0, 1]]), NotAgreed::Error(1)),
        (records(&[&[0x80, 99, 0, 0], A_COOKIE]), NotAgreed::Unknown(99)),
        (records(&[A_COOKIE, &[0x80, 4, 0, 2, 0, 15]]), NotAgreed::Records),
        (records(&[&[0x80, 6, 0, 3], b"a/b", A_COOKIE]), NotAgreed::Records),
        (records(&[&[0x80, 7, 0, 1, 0], A_COOKIE]), NotAgreed::Records),
        (records(&[&long]), NotAgreed::Records),
        ([&[0x80, 1, 0, 2, 0, 0], A_COOKIE, &[0x80, 0, 0, 0]].concat(), NotAgreed::Algorithm),
        ([&[0x80, 1, 0, 2, 0, 0, 0x80, 4, 0, 2, 0, 30], A_COOKIE, &[0x80, 0, 0, 0]].concat(), NotAgreed::Algorithm),
    ] {
        assert_eq!(ke_answer(&bytes), Err(why), "{bytes:x?}");
    }
}

#[test]
fn a_request_carries_its_cookie_and_room_for_others_and_is_sealed_whole() {
    let packet = request(&unique(), &keys(), &[3; 100], 2).unwrap();
    // 48, identifier 4 + 32, cookie 4 + 100, two placeholders as long, authenticator 4 + 4 + 16 + 16.
    assert_eq!(packet.len(), 48 + 36 + 104 + 2 * 104 + 40);
    assert_eq!(packet[84..88], [2, 4, 0, 104]);
    let (before, last) = packet.split_at(packet.len() - 40);
    let mut other_way = keys();
    std::mem::swap(&mut other_way.ours, &mut other_way.servers);
    assert_eq!(opened(before, &last[4..], &other_way), Some(Vec::new()), "with the client's key");
    assert_eq!(opened(before, &last[4..], &keys()), None, "not with the server's");
}

#[test]
fn an_authentic_answer_is_read_with_its_cookies() {
    let (answer, cookies) = answer(&served([2; 32]), &unique(), &keys()).unwrap();
    assert_eq!(answer.stratum, 1);
    assert_eq!(cookies, [vec![0xaa; 100], vec![0xbb; 100]]);
}

#[test]
fn an_answer_with_any_octet_changed_is_refused() {
    let good = served([2; 32]);
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        assert!(answer(&bad, &unique(), &keys()).is_err(), "octet {place}");
    }
    for cut in 0..good.len() {
        assert!(answer(&good[..cut], &unique(), &keys()).is_err(), "cut at {cut}");
    }
}

#[test]
fn an_answer_of_another_server_or_to_another_request_is_refused() {
    assert_eq!(answer(&served([3; 32]), &unique(), &keys()).unwrap_err(), NtsAnswer::Forged);
    let other = Unique { identifier: [8; 32], ..unique() };
    assert_eq!(answer(&served([2; 32]), &other, &keys()).unwrap_err(), BadAnswer::OtherRequest.into());
    assert_eq!(
        answer(&served([2; 32])[..PACKET + 36], &unique(), &keys()).unwrap_err(),
        NtsAnswer::Forged,
        "plain NTP"
    );
}

#[test]
fn a_server_that_forgot_the_cookie_says_so_unauthenticated() {
    let mut kiss = served([2; 32])[..PACKET + 36].to_vec();
    kiss[1] = 0;
    kiss[12..16].copy_from_slice(b"NTSN");
    assert_eq!(answer(&kiss, &unique(), &keys()).unwrap_err(), BadAnswer::Kiss(*b"NTSN").into());
}
