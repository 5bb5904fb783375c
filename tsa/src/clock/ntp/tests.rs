//! Claims about the packets of NTP.

use super::*;

/// 2026-11-21T08:00:00Z, 1,795,248,000 s after 1970 and 4,004,236,800 s after 1900.
const NOW: Nanos = 1_795_248_000 * SECOND;
const COOKIE: u64 = 0x0123_4567_89ab_cdef;

/// A good answer: stratum 2, grain 2^-20 s, root delay 1/16 s, dispersion 1/32 s, received at 08:00:00.5 and
/// sent a quarter of a second later.
fn good() -> Vec<u8> {
    let mut packet = vec![0x24, 2, 6, 0xec];
    packet.extend([0, 0, 0x10, 0, 0, 0, 0x08, 0]);
    packet.extend(*b"GPS\0");
    packet.extend([0; 8]);
    packet.extend(COOKIE.to_be_bytes());
    packet.extend([0xee, 0xab, 0xee, 0x00, 0x80, 0, 0, 0]);
    packet.extend([0xee, 0xab, 0xee, 0x00, 0xc0, 0, 0, 0]);
    packet
}

fn changed(place: usize, value: u8) -> Result<Answer, BadAnswer> {
    let mut packet = good();
    packet[place] = value;
    answer(&packet, COOKIE)
}

#[test]
fn an_answer_is_read_as_rfc_5905_draws_it() {
    let read = answer(&good(), COOKIE).unwrap();
    assert_eq!((read.stratum, read.leap), (2, Leap::None));
    assert_eq!(read.root_delay, Duration::from_micros(62_500));
    assert_eq!(read.root_dispersion, Duration::from_micros(31_250));
    assert_eq!(read.precision, Duration::from_nanos(953));
    assert_eq!(utc(read.received, NOW), utc(0xeeab_ee00_8000_0000, NOW));
}

#[test]
fn a_timestamp_is_counted_from_1900() {
    // RFC 5905 figure 4: 1970-01-01 is 2,208,988,800 s into era 0, and 2036-02-07T06:28:16Z begins era 1.
    assert_eq!(utc(2_208_988_800 << 32, 0), 0);
    assert_eq!(utc(0, 2_000_000_000 * SECOND), 2_085_978_496 * SECOND);
    assert_eq!(timestamp(2_085_978_496 * SECOND), 0);
    assert_eq!(utc(0xeeab_ee00_8000_0000, NOW), (0xeeab_ee00_i128 - 2_208_988_800) * SECOND + SECOND / 2);
    for at in [0, NOW, NOW + 999_999_999, 2_085_978_496 * SECOND, 5_000_000_000 * SECOND] {
        assert!((utc(timestamp(at), at + 1000 * SECOND) - at).abs() <= 1, "{at}");
    }
}

#[test]
fn the_time_is_the_middle_and_half_the_way_is_uncertain() {
    let read = answer(&good(), COOKIE).unwrap();
    // 450 ms in all, of which the server held 250: 100 ms each way.
    let (asked, heard) = (Duration::from_secs(5), Duration::from_millis(5450));
    let sample = sample(7, &read, asked, heard, NOW).unwrap();
    assert_eq!(sample.utc, utc(read.sent, NOW) + SECOND / 10);
    // 100 ms + half of 62.5 ms + 31.25 ms + the grain.
    assert_eq!(sample.uncertainty.as_micros(), 100_000 + 31_250 + 31_250);
    assert_eq!((sample.source, sample.at), (7, heard));
}

#[test]
fn a_server_that_held_the_answer_longer_than_it_took_is_refused() {
    let read = answer(&good(), COOKIE).unwrap();
    let quick = sample(0, &read, Duration::ZERO, Duration::from_millis(249), NOW);
    assert_eq!(quick, Err(BadAnswer::Implausible));
    let backwards = Answer { received: read.sent, sent: read.received, ..read };
    assert_eq!(sample(0, &backwards, Duration::ZERO, Duration::from_secs(1), NOW), Err(BadAnswer::Implausible));
}

#[test]
fn answers_to_somebody_else_are_refused() {
    assert_eq!(changed(24, 0xff), Err(BadAnswer::OtherRequest));
    assert_eq!(answer(&request(COOKIE), COOKIE), Err(BadAnswer::NotAnAnswer));
    assert_eq!(answer(&good()[..47], COOKIE), Err(BadAnswer::Short));
    assert_eq!(changed(0, 2 << 3 | 4), Err(BadAnswer::NotAnAnswer));
}

#[test]
fn servers_that_do_not_know_the_time_are_refused() {
    assert_eq!(changed(0, 0xe4), Err(BadAnswer::Unsynchronised));
    assert_eq!(changed(1, 16), Err(BadAnswer::Unsynchronised));
    assert_eq!(changed(8, 0xff), Err(BadAnswer::Unsynchronised));
    let mut kiss = good();
    kiss[1] = 0;
    kiss[12..16].copy_from_slice(b"RATE");
    let refused = answer(&kiss, COOKIE).unwrap_err();
    assert_eq!(refused, BadAnswer::Kiss(*b"RATE"));
    assert_eq!(refused.to_string(), "the server refuses: RATE");
}

#[test]
fn leap_seconds_are_announced_by_two_bits() {
    assert_eq!(changed(0, 0x64).unwrap().leap, Leap::Insert);
    assert_eq!(changed(0, 0xa4).unwrap().leap, Leap::Delete);
}

#[test]
fn a_request_says_nothing_but_its_cookie() {
    let packet = request(COOKIE);
    assert_eq!(packet[0], 0x23);
    assert!(packet[1..40].iter().all(|b| *b == 0));
    assert_eq!(packet[40..], COOKIE.to_be_bytes());
}
