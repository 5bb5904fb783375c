//! Damaged questions: always an answer, never a panic, and quickly.

use std::time::Instant;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_damaged_questions_all_get_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let leaf = server(&house, "www.example.cn", KeyAlgorithm::P256).await;
    let id = names(&house, &leaf.issuer).cert_id(Form::USUAL, &content(&leaf.serial));
    let seeds = [
        question(std::slice::from_ref(&id), None),
        question(&[id.clone(), id.clone(), id.clone()], None),
        question(&[id], Some(&[7; 32])),
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 11).unwrap() % below.max(1)
    };
    let (mut tasks, mut slowest) = (Vec::new(), std::time::Duration::ZERO);
    for round in 0..20_000 {
        let mut der = seeds[next(seeds.len())].clone();
        for _ in 0..=next(3) {
            let place = next(der.len());
            match next(5) {
                0 => der[place] ^= 1 << next(8),
                1 => der[place] = [0, 0x30, 0x7f, 0x80, 0x84, 0xa0, 0xff][next(7)],
                2 => der.truncate(place + 1),
                3 => der.insert(place, u8::try_from(next(256)).unwrap()),
                _ => drop(der.remove(place.min(der.len() - 1))),
            }
            if der.is_empty() {
                der.push(0x30);
            }
        }
        let ocsp = house.ocsp.clone().unwrap();
        tasks.push(tokio::spawn(async move {
            let began = Instant::now();
            let answer = ocsp.answer(&der).await;
            assert_eq!(answer.der[0], 0x30, "{der:x?}");
            began.elapsed()
        }));
        if tasks.len() == 200 || round == 19_999 {
            for task in tasks.drain(..) {
                slowest = slowest.max(task.await.expect("no panic"));
            }
        }
    }
    assert!(slowest.as_secs() < 1, "one took {slowest:?}");
    let metrics = house.ocsp.as_ref().unwrap().metrics();
    let counted: u64 =
        metrics.issuers.iter().flat_map(|one| &one.outcomes).chain(&metrics.others).map(|(_, n)| n).sum();
    assert_eq!(counted, 20_000, "every one is counted once");
    house.close().await;
}
