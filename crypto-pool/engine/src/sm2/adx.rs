//! Multiplication modulo p with MULX, ADCX and ADOX (x86-64 with BMI2, ADX and AVX2): two chains of carries at once,
//! which compilers do not make of plain Rust. Twice as fast as [`Portable`](super::field::Portable) and
//! constant time: straight lines, no memory but the operands.

#![allow(unsafe_code, reason = "the instructions cannot be had otherwise")]

use std::arch::asm;
use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_cmpeq_epi64, _mm256_load_si256, _mm256_or_si256,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_store_si256,
};

use super::field::{Arith, Fe, P};
use super::point::Affine;

/// The proof that this processor has BMI2, ADX and AVX2: only [`Adx::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adx(());

impl Adx {
    /// The proof, if it is true.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx") && is_x86_feature_detected!("avx2"))
            .then_some(Self(()))
    }
}

/// One row of a product: adds `a` times the limb at `b + $offset` to `$t0`, `$t1`, `$t2`, `$t3`, and the rest is
/// `$t4`, which need not be set before. `$zero` ends as zero.
macro_rules! row {
    ($offset:literal, $zero:literal, $t0:literal, $t1:literal, $t2:literal, $t3:literal, $t4:literal) => {
        concat!(
            "mov rdx, [rdi + ",
            $offset,
            "]\n",
            "xor ",
            $zero,
            ", ",
            $zero,
            "\n",
            "mulx rax, rcx, [rsi]\n",
            "adcx ",
            $t0,
            ", rcx\n",
            "adox ",
            $t1,
            ", rax\n",
            "mulx rax, rcx, [rsi + 8]\n",
            "adcx ",
            $t1,
            ", rcx\n",
            "adox ",
            $t2,
            ", rax\n",
            "mulx rax, rcx, [rsi + 16]\n",
            "adcx ",
            $t2,
            ", rcx\n",
            "adox ",
            $t3,
            ", rax\n",
            "mulx ",
            $t4,
            ", rcx, [rsi + 24]\n",
            "adcx ",
            $t3,
            ", rcx\n",
            "adox ",
            $t4,
            ", ",
            $zero,
            "\n",
            "adcx ",
            $t4,
            ", ",
            $zero,
            "\n",
        )
    };
}

/// One step of Montgomery's reduction, as `shift_out` in the field: the lowest limb `$t0` becomes the highest of
/// what remains of `$t0` to `$t3`. rdx is 32.
macro_rules! shift_out {
    ($t0:literal, $t1:literal, $t2:literal, $t3:literal) => {
        concat!(
            "shlx rcx, ",
            $t0,
            ", rdx\n",
            "shrx rax, ",
            $t0,
            ", rdx\n",
            // (2^32 - 1)·$t0 goes to the lower limbs, 2^32·$t0 to the upper, away from 2^192·$t0.
            "mov rsi, rcx\n",
            "sub rsi, ",
            $t0,
            "\n",
            "mov rdi, rax\n",
            "sbb rdi, 0\n",
            "sub ",
            $t1,
            ", rsi\n",
            "sbb ",
            $t2,
            ", rdi\n",
            "sbb ",
            $t3,
            ", rcx\n",
            "sbb ",
            $t0,
            ", rax\n",
        )
    };
}

/// r8 to r15, below p·2^256, times 2^-256 mod p: into r12 to r15.
macro_rules! reduce {
    () => {
        concat!(
            "mov edx, 32\n",
            shift_out!("r8", "r9", "r10", "r11"),
            shift_out!("r9", "r10", "r11", "r8"),
            shift_out!("r10", "r11", "r8", "r9"),
            shift_out!("r11", "r8", "r9", "r10"),
            "xor edx, edx\n",
            "mov rax, 0xffffffff00000000\n",
            "mov rcx, 0xfffffffeffffffff\n",
            "add r12, r8\n",
            "adc r13, r9\n",
            "adc r14, r10\n",
            "adc r15, r11\n",
            "adc edx, 0\n",
            "mov r8, r12\n",
            "mov r9, r13\n",
            "mov r10, r14\n",
            "mov r11, r15\n",
            "sub r12, -1\n",
            "sbb r13, rax\n",
            "sbb r14, -1\n",
            "sbb r15, rcx\n",
            "sbb edx, 0\n",
            "cmovc r12, r8\n",
            "cmovc r13, r9\n",
            "cmovc r14, r10\n",
            "cmovc r15, r11\n",
        )
    };
}

impl Arith for Adx {
    #[inline(always)]
    fn mul(self, a: &Fe, b: &Fe) -> Fe {
        let (r0, r1, r2, r3);
        // SAFETY: `self` proves that the instructions exist. The block reads the four limbs behind each of two
        // references and writes registers only, all of them declared.
        unsafe {
            asm!(
                "mov rdx, [rdi]",
                "mulx r9, r8, [rsi]",
                "mulx r10, rax, [rsi + 8]",
                "add r9, rax",
                "mulx r11, rax, [rsi + 16]",
                "adc r10, rax",
                "mulx r12, rax, [rsi + 24]",
                "adc r11, rax",
                "adc r12, 0",
                row!("8", "r15", "r9", "r10", "r11", "r12", "r13"),
                row!("16", "r15", "r10", "r11", "r12", "r13", "r14"),
                row!("24", "rdi", "r11", "r12", "r13", "r14", "r15"),
                reduce!(),
                inout("rsi") a.0.as_ptr() => _,
                inout("rdi") b.0.as_ptr() => _,
                out("rax") _, out("rcx") _, out("rdx") _,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _,
                out("r12") r0, out("r13") r1, out("r14") r2, out("r15") r3,
                options(pure, readonly, nostack),
            );
        }
        Fe([r0, r1, r2, r3])
    }

    #[inline(always)]
    fn sqr(self, a: &Fe) -> Fe {
        let (r0, r1, r2, r3);
        // SAFETY: as above, with one reference.
        unsafe {
            asm!(
                // The products of different limbs.
                "mov rdx, [rsi]",
                "mulx r10, r9, [rsi + 8]",
                "mulx r11, rcx, [rsi + 16]",
                "mulx r12, rax, [rsi + 24]",
                "add r10, rcx",
                "adc r11, rax",
                "adc r12, 0",
                "mov rdx, [rsi + 8]",
                "xor r15, r15",
                "mulx rax, rcx, [rsi + 16]",
                "adcx r11, rcx",
                "adox r12, rax",
                "mulx r13, rcx, [rsi + 24]",
                "adcx r12, rcx",
                "adox r13, r15",
                "mov rdx, [rsi + 16]",
                "mulx r14, rcx, [rsi + 24]",
                "adcx r13, rcx",
                "adcx r14, r15",
                // Twice those, and the squares of the limbs.
                "xor r15, r15",
                "mov rdx, [rsi]",
                "mulx rcx, r8, rdx",
                "adcx r9, r9",
                "adox r9, rcx",
                "mov rdx, [rsi + 8]",
                "mulx rcx, rax, rdx",
                "adcx r10, r10",
                "adox r10, rax",
                "adcx r11, r11",
                "adox r11, rcx",
                "mov rdx, [rsi + 16]",
                "mulx rcx, rax, rdx",
                "adcx r12, r12",
                "adox r12, rax",
                "adcx r13, r13",
                "adox r13, rcx",
                "mov rdx, [rsi + 24]",
                "mulx rcx, rax, rdx",
                "adcx r14, r14",
                "adox r14, rax",
                "adcx r15, r15",
                "adox r15, rcx",
                reduce!(),
                inout("rsi") a.0.as_ptr() => _,
                out("rdi") _, out("rax") _, out("rcx") _, out("rdx") _,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _,
                out("r12") r0, out("r13") r1, out("r14") r2, out("r15") r3,
                options(pure, readonly, nostack),
            );
        }
        Fe([r0, r1, r2, r3])
    }

    #[inline(always)]
    fn add(self, a: &Fe, b: &Fe) -> Fe {
        let (r0, r1, r2, r3);
        // SAFETY: the block reads the four limbs behind each of two references and writes registers only, all of
        // them declared.
        unsafe {
            asm!(
                "mov {t0}, [{a}]",
                "mov {t1}, [{a} + 8]",
                "mov {t2}, [{a} + 16]",
                "mov {t3}, [{a} + 24]",
                "add {t0}, [{b}]",
                "adc {t1}, [{b} + 8]",
                "adc {t2}, [{b} + 16]",
                "adc {t3}, [{b} + 24]",
                "mov {b:e}, 0",
                "adc {b:e}, 0",
                "mov {r0}, {t0}",
                "mov {a}, {t1}",
                "mov {r2}, {t2}",
                "mov {r3}, {t3}",
                "sub {r0}, -1",
                "sbb {a}, {p1}",
                "sbb {r2}, -1",
                "sbb {r3}, {p3}",
                "sbb {b:e}, 0",
                "cmovc {r0}, {t0}",
                "cmovc {a}, {t1}",
                "cmovc {r2}, {t2}",
                "cmovc {r3}, {t3}",
                a = inout(reg) a.0.as_ptr() => r1,
                b = inout(reg) b.0.as_ptr() => _,
                p1 = in(reg) P[1],
                p3 = in(reg) P[3],
                t0 = out(reg) _, t1 = out(reg) _, t2 = out(reg) _, t3 = out(reg) _,
                r0 = out(reg) r0, r2 = out(reg) r2, r3 = out(reg) r3,
                options(pure, readonly, nostack),
            );
        }
        Fe([r0, r1, r2, r3])
    }

    #[inline(always)]
    fn sub(self, a: &Fe, b: &Fe) -> Fe {
        let (r0, r1, r2, r3);
        // SAFETY: as above.
        unsafe {
            asm!(
                "mov {r0}, [{a}]",
                "mov {r1}, [{a} + 8]",
                "mov {r2}, [{a} + 16]",
                "mov {r3}, [{a} + 24]",
                "sub {r0}, [{b}]",
                "sbb {r1}, [{b} + 8]",
                "sbb {r2}, [{b} + 16]",
                "sbb {r3}, [{b} + 24]",
                // p, or nothing, from the borrow alone.
                "sbb {a}, {a}",
                "mov {b}, {a}",
                "shl {b}, 32",
                "mov {p3:e}, {a:e}",
                "lea {p3}, [{p3} + 2 * {b}]",
                "add {r0}, {a}",
                "adc {r1}, {b}",
                "adc {r2}, {a}",
                "adc {r3}, {p3}",
                a = inout(reg) a.0.as_ptr() => _,
                b = inout(reg) b.0.as_ptr() => _,
                p3 = out(reg) _,
                r0 = out(reg) r0, r1 = out(reg) r1, r2 = out(reg) r2, r3 = out(reg) r3,
                options(pure, readonly, nostack),
            );
        }
        Fe([r0, r1, r2, r3])
    }

    #[inline(always)]
    fn select(self, table: &[Affine], index: u64) -> Affine {
        // SAFETY: `self` proves that there is AVX2.
        unsafe { select(table, index) }
    }
}

/// One point of `table` by its place; all are read.
#[target_feature(enable = "avx2")]
fn select(table: &[Affine], index: u64) -> Affine {
    let index = _mm256_set1_epi64x(index as i64);
    let one = _mm256_set1_epi64x(1);
    let (mut x, mut y, mut place) = (_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256());
    for entry in table {
        let mask = _mm256_cmpeq_epi64(place, index);
        place = _mm256_add_epi64(place, one);
        let halves: *const __m256i = std::ptr::from_ref(entry).cast();
        // SAFETY: an `Affine` is 64 bytes at an address divisible by 64, and any bits are good numbers.
        let (entry_x, entry_y) = unsafe { (_mm256_load_si256(halves), _mm256_load_si256(halves.add(1))) };
        x = _mm256_or_si256(x, _mm256_and_si256(entry_x, mask));
        y = _mm256_or_si256(y, _mm256_and_si256(entry_y, mask));
    }
    let mut chosen = Affine::default();
    let halves: *mut __m256i = std::ptr::from_mut(&mut chosen).cast();
    // SAFETY: as above.
    unsafe {
        _mm256_store_si256(halves, x);
        _mm256_store_si256(halves.add(1), y);
    }
    chosen
}
