//! The compression function with BMI1 and BMI2: rotations into another register, and-not in one step.

#![allow(unsafe_code, reason = "speaks to instructions that not every processor has")]

/// Proof that this processor has BMI1 and BMI2.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bmi(());

impl Bmi {
    /// Asks the processor. Cheap: the standard library keeps the answer.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("bmi1") && std::arch::is_x86_feature_detected!("bmi2") {
            return Some(Self(()));
        }
        None
    }

    /// As `compress::blocks`.
    #[inline]
    pub(super) fn blocks(self, state: &mut [u32; 8], blocks: &[[u8; 64]]) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "bmi1,bmi2")]
            fn with_bmi(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
                super::compress::blocks(state, blocks);
            }
            // SAFETY: `self` proves that the processor has both sets.
            unsafe { with_bmi(state, blocks) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        super::compress::blocks(state, blocks);
    }
}
