use super::*;

const LIMITS: Limits = Limits { purpose: 100_000, owner: 50_000 };

#[derive(Debug, Clone, PartialEq)]
struct Fake {
    purpose: Purpose,
    owner: TenantId,
    count: usize,
    cost: usize,
    /// Of each signature.
    bytes: usize,
}

impl Waits for Fake {
    fn purpose(&self) -> Purpose {
        self.purpose
    }
    fn owner(&self) -> &TenantId {
        &self.owner
    }
    fn count(&self) -> usize {
        self.count
    }
    fn cost(&self) -> usize {
        self.cost
    }
    fn bytes(&self) -> usize {
        self.count * self.bytes
    }
    fn split(&mut self, count: usize) -> Self {
        assert!(count >= 1 && count < self.count);
        self.count -= count;
        Self { count, ..self.clone() }
    }
}

fn fake(purpose: Purpose, owner: &str, count: usize) -> Fake {
    Fake { purpose, owner: owner.parse().unwrap(), count, cost: 1, bytes: 100 }
}

fn queue(limits: Limits) -> Queue<Fake> {
    Queue::new(limits, &Shares::default())
}

/// One batch of up to 64, as the only worker takes it.
fn batch(queue: &Queue<Fake>) -> Vec<Fake> {
    let mut batch = Vec::new();
    assert!(queue.take(&mut batch, [16, 64], || 1, || false));
    batch
}

fn count(batch: &[Fake], wanted: impl Fn(&Fake) -> bool) -> usize {
    batch.iter().filter(|job| wanted(job)).map(|job| job.count).sum()
}

#[test]
fn beyond_an_owners_limit_it_is_busy_and_others_are_not() {
    let queue = queue(Limits { purpose: 100, owner: 10 });
    assert!(queue.push(fake(Purpose::Tenant, "greedy", 10)).is_ok());
    assert!(matches!(queue.push(fake(Purpose::Tenant, "greedy", 1)), Err(Error::Busy)));
    assert!(queue.push(fake(Purpose::Tenant, "modest", 1)).is_ok());
    // The same owner's other purposes have a queue of their own.
    assert!(queue.push(fake(Purpose::SealSigner, "greedy", 1)).is_ok());
}

#[test]
fn a_purpose_that_is_full_leaves_the_others_room() {
    let queue = queue(Limits { purpose: 30, owner: 10 });
    for owner in ["a", "b", "c"] {
        assert!(queue.push(fake(Purpose::Tenant, owner, 10)).is_ok());
    }
    assert!(matches!(queue.push(fake(Purpose::Tenant, "d", 1)), Err(Error::Busy)));
    assert!(queue.push(fake(Purpose::Ocsp, "house", 10)).is_ok());
}

#[test]
fn an_owner_is_busy_too_when_its_messages_fill_the_memory_it_may() {
    let queue = queue(LIMITS);
    let large = |owner| Fake { bytes: 1 << 20, ..fake(Purpose::Tenant, owner, 60) };
    assert!(queue.push(large("greedy")).is_ok());
    assert!(matches!(queue.push(large("greedy")), Err(Error::Busy)));
    assert!(queue.push(fake(Purpose::Tenant, "greedy", 60)).is_ok());
    assert!(queue.push(large("modest")).is_ok());
    let mut left = 180;
    while left > 0 {
        left -= count(&batch(&queue), |_| true);
    }
    assert!(queue.push(large("greedy")).is_ok());
}

#[test]
fn what_was_taken_makes_room_again() {
    let queue = queue(Limits { purpose: 10, owner: 10 });
    for _ in 0..100 {
        assert!(queue.push(fake(Purpose::Ocsp, "house", 10)).is_ok());
        assert_eq!(count(&batch(&queue), |_| true), 10);
    }
}

#[test]
fn a_closed_queue_takes_nothing_and_is_worked_off() {
    let queue = queue(LIMITS);
    (0..40).for_each(|_| queue.push(fake(Purpose::Ocsp, "house", 5)).unwrap());
    queue.close();
    assert!(matches!(queue.push(fake(Purpose::Ocsp, "house", 1)), Err(Error::Stopping)));
    let (mut batch, mut done) = (Vec::new(), 0);
    while queue.take(&mut batch, [16, 64], || 1, || false) {
        done += count(&batch, |_| true);
        batch.clear();
    }
    assert_eq!(done, 200);
}

#[test]
fn a_flooding_tenant_does_not_starve_another() {
    let queue = queue(LIMITS);
    (0..40).for_each(|_| queue.push(fake(Purpose::Tenant, "flood", 1000)).unwrap());
    (0..200).for_each(|_| queue.push(fake(Purpose::Tenant, "modest", 1)).unwrap());
    let mut served = [0, 0];
    while served[0] < 200 {
        let batch = batch(&queue);
        served[0] += count(&batch, |job| job.owner.as_str() == "modest");
        served[1] += count(&batch, |job| job.owner.as_str() == "flood");
    }
    // It came last, and when it is done no more than a batch beside its own number was spent on the flood.
    assert!(served[1] <= 200 + 64, "{served:?}");
}

#[test]
fn an_answer_goes_before_a_flood_that_was_there_first() {
    let queue = queue(LIMITS);
    (0..20).for_each(|_| queue.push(fake(Purpose::Tenant, "flood", 1000)).unwrap());
    for _ in 0..5 {
        batch(&queue);
        queue.push(fake(Purpose::Ocsp, "house", 1)).unwrap();
        assert_eq!(count(&batch(&queue)[..1], |job| job.purpose == Purpose::Ocsp), 1, "the first of the next batch");
    }
}

#[test]
fn purposes_that_are_all_flooded_share_by_weight_and_none_starves() {
    let queue = queue(LIMITS);
    for owner in ["a", "b", "c"] {
        for purpose in Purpose::ALL {
            (0..16).for_each(|_| queue.push(fake(*purpose, owner, 1000)).unwrap());
        }
    }
    let mut served = vec![0; Purpose::ALL.len()];
    for _ in 0..200 {
        for job in batch(&queue) {
            served[Purpose::ALL.iter().position(|p| *p == job.purpose).unwrap()] += job.count;
        }
    }
    let all: usize = served.iter().sum();
    let shares: u32 = Purpose::ALL.iter().map(|p| Shares::default().of(*p)).sum();
    for (purpose, served) in Purpose::ALL.iter().zip(served) {
        let due = all * Shares::default().of(*purpose) as usize / shares as usize;
        assert!(served * 10 > due * 9 && served * 10 < due * 11, "{purpose}: {served}, due {due}");
    }
}

#[test]
fn a_purpose_that_comes_again_and_again_as_a_fresh_one_does_not_starve_the_rest() {
    let queue = queue(LIMITS);
    (0..20).for_each(|_| queue.push(fake(Purpose::SealSigner, "flood", 1000)).unwrap());
    let mut seals = 0;
    for _ in 0..100 {
        // As much as a whole batch holds, gone with it, and there again.
        queue.push(fake(Purpose::Ocsp, "house", 64)).unwrap();
        seals += count(&batch(&queue), |job| job.purpose == Purpose::SealSigner);
    }
    // Its share is 4 of 20.
    assert!(seals >= 100 * 64 * 4 / 20 * 9 / 10, "{seals}");
}

#[test]
fn dear_signatures_count_as_what_they_cost() {
    let queue = queue(LIMITS);
    for _ in 0..1000 {
        queue.push(Fake { cost: 64, ..fake(Purpose::Tenant, "rsa", 1) }).unwrap();
        queue.push(fake(Purpose::Tenant, "sm2", 40)).unwrap();
    }
    let mut served = [0, 0];
    for _ in 0..400 {
        let batch = batch(&queue);
        served[0] += count(&batch, |job| job.cost == 64);
        served[1] += count(&batch, |job| job.cost == 1);
    }
    // 64 SM2 signatures for one that costs as much.
    assert!(served[0] > 100 && served[1].abs_diff(64 * served[0]) < 1000, "{served:?}");
}

#[test]
fn nothing_is_lost_and_nothing_done_twice() {
    let queue = queue(LIMITS);
    let mut pushed = 0;
    for n in 1..300 {
        let (purpose, owner) = (Purpose::ALL[n % Purpose::ALL.len()], ["a", "b", "c"][n % 3]);
        queue.push(Fake { cost: [1, 8, 64][n % 3], ..fake(purpose, owner, n) }).unwrap();
        pushed += n;
    }
    queue.close();
    let (mut batch, mut taken) = (Vec::new(), 0);
    while queue.take(&mut batch, [16, 64], || 3, || false) {
        assert!(!batch.is_empty());
        taken += count(&batch, |_| true);
        batch.clear();
    }
    assert_eq!(taken, pushed);
}
