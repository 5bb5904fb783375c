//! Deterministic mutations of seeds: the same inputs in every run, so a failure can be repeated.

/// Makes inputs from seeds. An xorshift generator: nothing here needs to be unpredictable.
pub struct Mutator {
    state: u64,
    seeds: Vec<Vec<u8>>,
}

/// Octets with a meaning in DER, TOML, JSON or arithmetic.
const TELLING: [u8; 20] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xa3, 0xff, b'"',
    b',',
];

/// Longest input.
const LONGEST: usize = 8192;

impl Mutator {
    /// Starts from these seeds, of which there must be one.
    pub fn new(name: &str, seeds: Vec<Vec<u8>>) -> Self {
        assert!(!seeds.is_empty(), "{name} has no seeds");
        let state =
            name.bytes().fold(0x9e37_79b9_7f4a_7c15, |state, b| (state ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self { state: state | 1, seeds }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// Below `end`; zero if `end` is.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    fn seed(&mut self) -> Vec<u8> {
        let at = self.below(self.seeds.len());
        self.seeds[at].clone()
    }

    /// The next input: a seed with one to eight changes, most often few.
    pub fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        let changes = 1 + self.below(8).min(self.below(8));
        for _ in 0..changes {
            self.change(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len());
        let length = 1 + self.below(16);
        let end = (at + length).min(input.len());
        match self.below(9) {
            0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            1 if !input.is_empty() => input[at] = TELLING[self.below(TELLING.len())],
            2 if !input.is_empty() => input[at] = self.next().to_be_bytes()[0],
            // One more or less: lengths and counts.
            3 if !input.is_empty() => input[at] = input[at].wrapping_add([1, 0xff][self.below(2)]),
            4 => input.truncate(at),
            5 => drop(input.drain(at..end)),
            6 => {
                let part = input[at..end].to_vec();
                input.splice(at..at, part);
            }
            7 => input.insert(at, TELLING[self.below(TELLING.len())]),
            _ => {
                let other = self.seed();
                let from = self.below(other.len());
                let to = (from + 4 * length).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
}
