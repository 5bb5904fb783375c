//! What the tests of the lanes share.

/// Calls a function for these processors, or says that it was left out.
macro_rules! in_lanes {
    ($call:expr) => {
        if crate::detect::Features::detect().ifma {
            // SAFETY: the processor has what the function needs.
            Some(unsafe { $call })
        } else {
            println!("left out: this processor has no AVX-512 IFMA");
            None
        }
    };
}
pub(super) use in_lanes;

/// Numbers that are random (xorshift), or of long runs of ones and zeros, all below `limit`'s top word.
pub(super) fn numbers(count: usize, limit: &[u64; 4]) -> Vec<[u64; 4]> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match state % 8 {
            0 => 0,
            1 => u64::MAX,
            2 => u64::MAX << (state >> 58),
            3 => u64::MAX >> (state >> 58),
            _ => state,
        }
    };
    let mut out = Vec::with_capacity(count);
    while out.len() < count {
        let number = [word(), word(), word(), word()];
        if number[3] < limit[3] {
            out.push(number);
        }
    }
    out
}
