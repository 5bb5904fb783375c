//! What this processor can do, found out once. Instruction sets are named by the units they feed, not by
//! processor generations: what counts is CPUID, whoever made the chip.

/// Instruction sets the engine has code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// AVX-512 F, DQ, BW, VL, IFMA and VBMI2: sixteen SM2 signatures at once.
    pub ifma: bool,
    /// AVX-512 F, BW, VL: sixteen SM3 streams at once.
    pub avx512: bool,
    /// GFNI in 512 bit: sixteen SM4 blocks at once without a table.
    pub gfni512: bool,
    /// VPCLMULQDQ in 512 bit: four blocks of GHASH at once.
    pub vpclmul512: bool,
    /// AVX2 and AES: eight SM4 blocks at once without a table.
    pub avx2_aes: bool,
    /// PCLMULQDQ and SSSE3: one block of GHASH at a time.
    pub pclmul: bool,
    /// BMI1 and BMI2: rotations and multiplications that leave the flags alone.
    pub bmi2: bool,
    /// ADX: two carry chains.
    pub adx: bool,
}

impl Features {
    /// Nothing but what Rust itself needs.
    pub const NONE: Self = Self {
        ifma: false,
        avx512: false,
        gfni512: false,
        vpclmul512: false,
        avx2_aes: false,
        pclmul: false,
        bmi2: false,
        adx: false,
    };

    /// What this processor and its operating system offer. Cheap: the standard library keeps the answer.
    #[must_use]
    #[inline]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let avx512 = has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512dq");
            Self {
                ifma: avx512 && has!("avx512ifma") && has!("avx512vbmi2"),
                avx512,
                gfni512: avx512 && has!("gfni") && has!("avx512vbmi"),
                vpclmul512: avx512 && has!("vpclmulqdq"),
                avx2_aes: has!("avx2") && has!("aes") && has!("ssse3"),
                pclmul: has!("pclmulqdq") && has!("ssse3"),
                bmi2: has!("bmi1") && has!("bmi2"),
                adx: has!("adx"),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            Self::NONE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_more_implies_what_needs_less() {
        let found = Features::detect();
        assert!(!found.ifma || found.avx512);
        assert!(!found.gfni512 || found.avx512);
        assert!(!found.vpclmul512 || found.avx512);
    }
}
