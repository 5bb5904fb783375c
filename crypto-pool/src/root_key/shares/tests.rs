use super::*;
use crate::random::SeededRandom;

const SECRET_A: [u8; SECRET] = [0xa5; SECRET];

fn set(threshold: u8, count: u8, generation: u32) -> ShareSet {
    ShareSet { id: *b"test", generation, quorum: Quorum::new(threshold, count).unwrap() }
}

fn shares(threshold: u8, count: u8) -> Vec<Share> {
    split(&SECRET_A, set(threshold, count, 1), &SeededRandom::new(7)).unwrap()
}

#[test]
fn the_field_is_that_of_aes() {
    // FIPS 197 4.2: {57} · {83} = {c1}, {57} · {13} = {fe}.
    assert_eq!((field::multiply(0x57, 0x83), field::multiply(0x57, 0x13)), (0xc1, 0xfe));
    assert!((1..=255).all(|one| field::multiply(one, field::invert(one)) == 1));
    assert_eq!(field::invert(0), 0);
}

#[test]
fn a_polynomial_worked_out_by_hand() {
    // 2-of-3 with every coefficient 1: the value of share n is secret + n.
    struct Ones;
    impl Random for Ones {
        fn fill(&self, out: &mut [u8]) -> Result<(), pki_config::ports::RandomFailed> {
            out.fill(1);
            Ok(())
        }
    }
    let shares = split(&SECRET_A, set(2, 3, 1), &Ones).unwrap();
    let first: Vec<u8> = shares.iter().map(|share| share.value[0]).collect();
    assert_eq!(first, [0xa5 ^ 1, 0xa5 ^ 2, 0xa5 ^ 3]);
}

#[test]
fn any_quorum_gives_the_secret_and_fewer_give_nothing() {
    let all = shares(3, 5);
    for mask in 0_u32..32 {
        let some: Vec<Share> = all.iter().filter(|s| mask >> (s.number - 1) & 1 == 1).cloned().collect();
        match (some.len(), combine(&some)) {
            (3.., secret) => assert_eq!(*secret.unwrap(), SECRET_A, "{mask:05b}"),
            (_, error) => assert!(matches!(error.unwrap_err(), BadShare::TooFew { .. })),
        }
    }
    // Two shares that claim to be enough: the check value shows that they are not.
    let mut two = all[..2].to_vec();
    two.iter_mut().for_each(|share| share.set.quorum = Quorum::new(2, 5).unwrap());
    assert_eq!(combine(&two).unwrap_err(), BadShare::Check);
}

#[test]
fn a_share_is_a_line_that_reads_back_however_it_is_typed() {
    for share in shares(2, 3) {
        let text = share.to_text();
        assert_eq!(text.len(), 4 + 82 + 14, "{}", text.as_str());
        let typed = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        for text in [text.as_str(), &typed] {
            let read = Share::parse(text).unwrap();
            assert_eq!((read.number, read.set, *read.value), (share.number, share.set, *share.value));
        }
    }
}

#[test]
fn a_wrong_character_anywhere_is_found_in_that_share() {
    let text = shares(2, 3)[0].to_text();
    for (at, right) in text.char_indices().skip(5).filter(|(_, c)| *c != '-') {
        let wrong = if right == '7' { '8' } else { '7' };
        let mut changed = text.to_string();
        changed.replace_range(at..=at, &wrong.to_string());
        // The last character has bits that no octet uses.
        let error = Share::parse(&changed).unwrap_err();
        assert!(matches!(error, BadShare::Checksum | BadShare::Form), "{at}");
    }
    for bad in ["", "YXS1", "YXS2-000000", "hello", &text[..text.len() - 1], &format!("{}0", text.as_str())] {
        assert_eq!(Share::parse(bad).unwrap_err(), BadShare::Form);
    }
}

#[test]
fn wrong_stale_mixed_and_repeated_shares_are_refused_by_name() {
    let good = shares(2, 3);
    let newer = split(&SECRET_A, set(2, 3, 2), &SeededRandom::new(8)).unwrap();
    let stale = combine(&[newer[0].clone(), good[1].clone()]).unwrap_err();
    assert_eq!(stale, BadShare::Stale { generation: 1, current: 2 });
    let other = ShareSet { id: *b"else", ..set(2, 3, 1) };
    let other = split(&SECRET_A, other, &SeededRandom::new(9)).unwrap();
    assert_eq!(combine(&[good[0].clone(), other[1].clone()]).unwrap_err(), BadShare::OtherSet);
    assert_eq!(combine(&[good[0].clone(), good[0].clone()]).unwrap_err(), BadShare::Twice { number: 1 });
    assert_eq!(combine(&[]).unwrap_err(), BadShare::TooFew { given: 0, needed: 2 });
    // One keeper makes a share up, with a right checksum.
    let mut forged = good[1].clone();
    forged.value[5] ^= 1;
    assert_eq!(combine(&[good[0].clone(), forged.clone()]).unwrap_err(), BadShare::Check);
    assert_eq!(combine(&[good[0].clone(), forged, good[2].clone()]).unwrap_err(), BadShare::Check);
}

#[test]
fn a_quorum_is_two_of_something_at_least() {
    assert_eq!("3-of-5".parse::<Quorum>().unwrap(), Quorum::new(3, 5).unwrap());
    for bad in ["1-of-1", "1-of-3", "4-of-3", "3-of-17", "3", "3of5", "", "-of-", "300-of-300"] {
        assert_eq!(bad.parse::<Quorum>().unwrap_err(), BadShare::Quorum, "{bad}");
    }
}

#[test]
fn debug_shows_nothing_of_a_share() {
    assert_eq!(format!("{:?}", shares(2, 3)[0]), "Share(1 2-of-3, generation 1)");
}
