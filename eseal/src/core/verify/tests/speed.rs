//! What judging costs, measured where somebody asks for it: `cargo test --release -p eseal --lib speed -- --ignored`.

use super::*;

#[test]
#[ignore = "a measurement, not a claim"]
fn how_many_a_second() {
    let house = House::new();
    let trust = with_crls(&house, &[]);
    for (name, one) in [("plain", plain(&house)), ("time-stamped", sound(&house))] {
        let facts = facts(vec![one]);
        let began = std::time::Instant::now();
        let mut count = 0;
        while began.elapsed().as_millis() < 1_000 {
            assert_eq!(judge(&facts, &trust, now()).verdict, Verdict::Valid);
            count += 1;
        }
        println!("FIGURE judge_{name} {count} per_s");
    }
}
